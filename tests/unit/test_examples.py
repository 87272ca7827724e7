"""The example in examples/library: sound rows, rules that can fail, a gap rule that finds nothing twice."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from examples.library import STATE
from reconcile.checks.preflight import check_rows
from reconcile.checks.verify import verify
from reconcile.dataset import KEY, STEP, Dataset, check, conform, fingerprints
from reconcile.gaps import fill
from reconcile.spec import Profile, Size

PROFILE = Profile(date(2026, 1, 5))
ROWS = STATE.rows(PROFILE)


def broken(dataset: Dataset) -> list[str]:
    return [verdict.rule.id for verdict in verify(STATE.rules, dataset) if not verdict.has_passed]


def with_rows(table: str, *changes: pl.Expr) -> Dataset:
    """Give the declared rows with some cells of *table* changed."""
    frame = ROWS[table].with_columns(changes)
    return replace(ROWS, frames={**ROWS.frames, table: frame})


def test_declared_rows_are_sound_and_break_no_rule() -> None:
    assert [*check(ROWS), *check_rows(ROWS)] == []
    assert broken(ROWS) == []


def test_the_same_parameters_give_the_same_rows_and_light_is_a_part_of_full() -> None:
    light = STATE.rows(replace(PROFILE, size=Size.LIGHT))

    assert fingerprints(STATE.rows(PROFILE)) == fingerprints(ROWS)
    assert [name for name, frame in light.frames.items() if not frame.equals(ROWS[name].head(frame.height))] == []
    assert light["loans"].height < ROWS["loans"].height


def test_only_dates_move_with_the_day() -> None:
    later = STATE.rows(replace(PROFILE, as_of=date(2026, 1, 12)))
    days = ("lent_on", "due_on")

    assert later["loans"].drop(days).equals(ROWS["loans"].drop(days))
    assert later["loans"].select(pl.col(days) - pl.duration(days=7)).equals(ROWS["loans"].select(days))


@pytest.mark.parametrize(
    ("rule", "dataset"),
    [
        ("loan-dates", with_rows("loans", (pl.col("lent_on") - pl.duration(days=1)).alias("due_on"))),
        ("lent-once", with_rows("loans", pl.col("copy_id").first())),
        ("book-has-copy", with_rows("copies", pl.col("book_id").first())),
    ],
)
def test_each_rule_can_fail(rule: str, dataset: Dataset) -> None:
    assert broken(dataset) == [rule]


def test_a_book_without_copies_gets_one_and_then_no_more() -> None:
    book = conform(
        STATE.specs["books"],
        pl.DataFrame({"isbn": ["9780000000999"], "title": ["My Own"], "author_id": ["Odile Maret"]}),
    )
    frames = {**ROWS.frames, "books": pl.concat([ROWS["books"], book])}
    rows = replace(ROWS, frames={name: frame.drop(STEP) for name, frame in frames.items()})

    once = fill(rows, STATE.gap_rules, PROFILE)
    twice = fill(once.dataset, STATE.gap_rules, PROFILE)

    assert once.touched["copies"][KEY].to_list() == ["9780000000999|1"]
    assert (dict(twice.touched), broken(rows), broken(once.dataset)) == ({}, ["book-has-copy"], [])
