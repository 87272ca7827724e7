"""Which tables and steps a run is about, by their names."""

import pytest

from reconcile.errors import ExitCode, ReconcileError
from reconcile.selection import Chosen, Selection, select
from tests.unit.tiny import SPECS, STEPS

TABLES = ("makers", "goods", "tags", "goods_tags", "notes", "settings")
OWNERS = {name: {spec.step} for name, spec in SPECS.items()}


def chosen(**selection: tuple[str, ...]) -> tuple[str, ...]:
    return select(Selection(**selection), STEPS, OWNERS).tables


def test_without_choice_every_table_is_selected() -> None:
    assert chosen() == TABLES
    assert Selection().is_everything


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(steps=("extras",)), ("notes", "settings")),
        (Selection(skipped_steps=("extras",)), ("makers", "goods", "tags", "goods_tags")),
        (Selection(steps=("core", "extras"), skipped_steps=("core",)), ("notes", "settings")),
        (Selection(tables=("goods*",)), ("goods", "goods_tags")),
        (Selection(tables=("makers", "note?")), ("makers", "notes")),
        (Selection(excluded_tables=("*s_*", "settings")), ("makers", "goods", "tags", "notes")),
        (Selection(steps=("core",), tables=("*tags",), excluded_tables=("goods_*",)), ("tags",)),
        (Selection(steps=("later",)), ()),
    ],
)
def test_a_selection_narrows_the_tables(selection: Selection, expected: tuple[str, ...]) -> None:
    assert expected == select(selection, STEPS, OWNERS).tables
    assert not selection.is_everything


def test_names_that_name_nothing_are_all_refused() -> None:
    """As wrong usage, before anything is read; each with what could be meant."""
    with pytest.raises(ReconcileError) as error:
        chosen(steps=("cores",), skipped_steps=("late",), tables=("Goods",), excluded_tables=("x*", "goods"))

    assert error.value.exit_code == ExitCode.USAGE
    assert [finding.what for finding in error.value.findings] == [
        "there is no step 'cores'",
        "there is no step 'late'",
        "no table matches 'Goods'",
        "no table matches 'x*'",
    ]
    assert error.value.findings[0].why == "the steps are core, extras, later, quality"


SHARED = {"makers": {"core"}, "goods": {"core", "extras"}, "notes": {"extras"}}
"""Tables whose rows belong to one step, to two, and to another."""


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), Chosen(("makers", "goods", "notes"), frozenset({"core", "extras", "quality"}))),
        (Selection(steps=("extras",)), Chosen(("goods", "notes"), frozenset({"extras", "quality"}))),
        (Selection(skipped_steps=("extras",)), Chosen(("makers", "goods"), frozenset({"core", "quality"}))),
        (Selection(tables=("makers",)), Chosen(("makers",), frozenset({"core", "quality"}))),
        (Selection(tables=("goods",)), Chosen(("goods",), frozenset({"core", "extras", "quality"}))),
        (Selection(steps=("core",), tables=("goods",)), Chosen(("goods",), frozenset({"core", "quality"}))),
        (Selection(steps=("core",), tables=("notes",)), Chosen((), frozenset({"quality"}))),
        (Selection(skipped_steps=("quality",)), Chosen(("makers", "goods", "notes"), frozenset({"core", "extras"}))),
        (Selection(steps=("quality",)), Chosen((), frozenset({"quality"}))),
        (Selection(steps=("later",)), Chosen((), frozenset({"quality"}))),
        (Selection(excluded_tables=("*",)), Chosen((), frozenset({"quality"}))),
    ],
)
def test_the_steps_of_a_run_are_those_that_write_its_tables_and_those_that_check(
    selection: Selection, expected: Chosen
) -> None:
    """A table stays as long as one of the steps that write it is part of the run."""
    assert expected == select(selection, STEPS, SHARED)
