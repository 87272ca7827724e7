"""A run in spans plans, writes and records what the same run does whole, whatever others have done to the rows."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile import decide
from reconcile.cli import apply as apply_module
from reconcile.cli import guards, planning, spanning, survey
from reconcile.cli.option_groups import GuardOptions
from reconcile.cli.planned import Planned
from reconcile.cli.session import Session
from reconcile.dataset import Dataset
from reconcile.decide import Goal
from reconcile.live import naming, resolve
from reconcile.table_plan import TablePlan
from tests.servers.conftest import NewTarget
from tests.servers.operating import Result, dump, run
from tests.servers.target import Target

SPANNED, WHOLE = "tests.servers.spanned_state", "tests.servers.whole_state"
SHAPE = ("--as-of", "2026-01-05")

NUMBERS = st.integers(0, 41).map("O{:010}".format)
KEYS = st.one_of(NUMBERS, NUMBERS.map(str.lower), NUMBERS.map("{}x".format), st.sampled_from(("A", "Ö1", "Z", "o", "")))
WORDS = st.sampled_from(("", "NULL", "by hand", "it's", "a|b\\", "\x1f", "Ümläut"))

Edit = tuple[str, dict[str, str | int]]


def edits() -> st.SearchStrategy[Edit]:
    """Give statements as anybody may have run them since the last apply."""
    one = st.fixed_dictionaries({"number": NUMBERS, "key": KEYS, "word": WORDS, "position": st.integers(1, 5)})
    return st.tuples(
        st.sampled_from(
            (
                "UPDATE orders SET note = :word WHERE order_number = :number",
                "UPDATE orders SET note = NULL",
                "UPDATE orders SET order_number = :key WHERE order_number = :number",
                "UPDATE orders SET customer_id = (SELECT MIN(id) FROM customers) WHERE order_number = :number",
                "UPDATE customers SET name = :word WHERE code = 'C00000001'",
                "UPDATE customers SET code = :key WHERE code = 'C00000002'",
                "UPDATE order_line_items SET product = :word WHERE position = :position",
                "UPDATE order_line_items SET position = 9 - position WHERE order_id = "
                "(SELECT id FROM orders WHERE order_number = :number)",
                "UPDATE order_line_items SET order_id = (SELECT MAX(id) FROM orders), position = 20 + position "
                "WHERE position = :position AND order_id = (SELECT id FROM orders WHERE order_number = :number)",
                "DELETE FROM orders WHERE order_number = :number",
                "DELETE FROM order_line_items WHERE position = :position",
                "DELETE FROM orders",
                "INSERT INTO customers (code, name) VALUES (:key, :word)",
                "INSERT INTO orders (order_number, customer_id, status, total, ordered_at) "
                "SELECT :key, MAX(id), 'packed', 1, '2026-01-01 00:00:00' FROM customers",
                "INSERT INTO order_line_items "
                "(order_id, position, product, quantity, unit_price, total, is_sample, created_at) "
                "SELECT id, :position, :word, 1, 1, 1, 2, '2026-01-01 00:00:00' FROM orders WHERE order_number = :key",
            )
        ),
        one,
    )


def act(target: Target, state: str, name: str, *words: str) -> Result:
    return run(name, *words, "--state", state, *SHAPE, "--database-url", target.url)


def edit(target: Target, made: Sequence[Edit]) -> None:
    """Make the edits that the database takes."""
    for statement, parameters in made:
        named = {name: value for name, value in parameters.items() if f":{name}" in statement}
        try:
            target.execute(statement, named)
        except Exception as error:  # a duplicate, an order that has gone
            assert "IntegrityError" in type(error).__name__ or "DataError" in type(error).__name__, error  # noqa: PT017


def document(result: Result) -> dict[str, object]:
    """Give a plan as JSON, its rows and findings in an order of their own."""
    assert result.code in {0, 2}, result.err
    found = json.loads(result.out)
    for name in ("changes", "findings"):
        found[name] = sorted(json.dumps(one, sort_keys=True) for one in found[name])
    return {name: value for name, value in found.items() if name not in {"plan_id", "checksum"}}


def has_our_keys(target: Target) -> bool:
    """Say whether all order numbers are such that the server and the bytes sort them alike."""
    return all(re.fullmatch(r"O\d{10}", str(number)) for (number,) in target.rows("SELECT order_number FROM orders"))


def checks(applied: Result) -> list[str]:
    """Give what an apply says of the rules."""
    return [line for line in applied.out.splitlines() if line.startswith("Verify: ")]


@pytest.fixture
def trades(new_target: NewTarget) -> tuple[Target, Target]:
    """Two databases with the tables, and without rows."""
    both = new_target("empty"), new_target("empty")
    for target in both:
        assert run("schema", "create", "--state", WHOLE, "--database-url", target.url).code == 0
    return both


def rows(target: Target) -> list[object]:
    """Give every row by natural key: ids may differ."""
    return [
        target.rows("SELECT code, name FROM customers ORDER BY 1"),
        target.rows(
            "SELECT order_number, code, status, total, note, ordered_at "
            "FROM orders JOIN customers ON customers.id = customer_id ORDER BY 1"
        ),
        target.rows(
            "SELECT order_number, position, product, quantity, unit_price, l.total, is_sample, created_at "
            "FROM order_line_items l JOIN orders ON orders.id = order_id ORDER BY 1, 2"
        ),
    ]


@pytest.mark.parametrize("mode", [(), ("--no-clear",)], ids=["reset", "top-up"])
@pytest.mark.parametrize("rows_beyond", [spanning.ROWS_BEYOND, 1])
def test_spans_together_are_the_whole(
    trades: tuple[Target, Target], mode: tuple[str, ...], rows_beyond: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan, what an apply leaves, and that nothing is left to do, after the same edits of two databases."""
    monkeypatch.setattr(spanning, "ROWS_BEYOND", rows_beyond)
    write = ("--force", "--max-update", "100%", "--max-delete", "100%", *mode)

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(edits(), max_size=6))
    def law(made: Sequence[Edit]) -> None:
        for target in trades:
            assert act(target, WHOLE, "apply", "--force").code == 0
            edit(target, made)
        one, other = trades
        plans = [act(one, state, "plan", "--format", "json", *mode) for state in (SPANNED, WHOLE)]
        assert document(plans[0]) == document(plans[1])
        if has_our_keys(one):
            assert len({json.loads(plan.out)["checksum"] for plan in plans}) == 1

        applied = act(one, SPANNED, "apply", *write), act(other, WHOLE, "apply", *write)

        assert applied[0].code == applied[1].code, applied[0].err + applied[1].err
        assert checks(applied[0]) == checks(applied[1])
        assert rows(one) == rows(other)
        if applied[0].code == 0:
            again = act(one, SPANNED, "plan", "--detailed-exitcode", *mode)
            assert again.code == 0, again.out

    law()


def test_a_rollback_takes_back_what_spans_wrote(trades: tuple[Target, Target]) -> None:
    target, _ = trades
    assert act(target, SPANNED, "apply", "--force").code == 0
    edit(target, [("UPDATE orders SET note = 'by hand'", {}), ("DELETE FROM order_line_items WHERE position = 2", {})])
    before = dump(target)
    assert act(target, SPANNED, "apply", "--force").code == 0
    assert dump(target) != before

    assert run("rollback", "--force", "--state", SPANNED, "--max-update", "100%", "--max-delete", "100%",
               "--database-url", target.url).code == 0  # fmt: skip

    assert dump(target) == before


def test_a_saved_plan_in_spans_is_carried_out(trades: tuple[Target, Target], tmp_path: Path) -> None:
    target, _ = trades
    file = str(tmp_path / "plan")
    planned = act(target, SPANNED, "plan", "--out", file)
    assert planned.code == 0
    shown = run("show", file)
    assert shown.out == planned.out

    applied = run("apply", file, "--force", "--database-url", target.url)

    assert applied.code == 0, applied.err
    assert act(target, SPANNED, "plan", "--detailed-exitcode").code == 0
    again = run("apply", file, "--force", "--database-url", target.url)
    assert again.code == 4


def test_a_saved_plan_is_carried_out_although_other_rows_have_moved(
    trades: tuple[Target, Target], tmp_path: Path
) -> None:
    target, _ = trades
    assert act(target, SPANNED, "apply", "--force").code == 0
    edit(target, [("UPDATE orders SET note = 'by hand' WHERE order_number < 'O0000000003'", {})])
    file = str(tmp_path / "plan")
    assert act(target, SPANNED, "plan", "--out", file).code == 0
    edit(target, [("UPDATE orders SET note = 'later' WHERE order_number = 'O0000000030'", {})])

    applied = run("apply", file, "--force", "--database-url", target.url)

    assert applied.code == 6, applied.err
    assert target.rows("SELECT order_number FROM orders WHERE note IN ('by hand', 'later')") == [("O0000000030",)]


def test_the_run_is_planned_in_spans(trades: tuple[Target, Target], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests above hold would say nothing if every run fell back to the whole."""
    target, _ = trades
    monkeypatch.setattr(planning, "_make_whole", lambda *_, **__: pytest.fail("planned whole"))

    assert act(target, SPANNED, "apply", "--force").code == 0
    assert act(target, SPANNED, "plan").code == 0


def test_rows_that_nobody_declares_are_spans_of_their_own(
    trades: tuple[Target, Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those before and behind all that is declared, however many: a run needs the memory of some of them."""
    target, _ = trades
    assert act(target, SPANNED, "apply", "--force").code == 0
    for letter in "AZ":
        target.execute(
            "INSERT INTO orders (order_number, customer_id, status, total, ordered_at) "
            f"SELECT REPLACE(order_number, 'O', '{letter}'), customer_id, status, total, ordered_at FROM orders "
            "WHERE order_number LIKE 'O%'"
        )
    monkeypatch.setattr(spanning, "ROWS_BEYOND", 9)
    heights: list[int] = []

    def counted(goal: Goal, live: Dataset) -> dict[str, TablePlan]:
        heights.append(live["orders"].height)
        return decide.decide(goal, live)

    monkeypatch.setattr(survey, "decide", counted)
    applied = act(target, SPANNED, "apply", "--force", "--max-delete", "100%")

    assert applied.code == 0, applied.err
    assert "0 updated, 80 deleted" in applied.out
    assert (sum(heights), max(heights)) == (120, 9)
    assert act(target, SPANNED, "plan", "--detailed-exitcode").code == 0


def test_rows_that_have_not_moved_are_resolved_once(
    trades: tuple[Target, Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the write nothing is resolved again, after it only what was written."""
    target, _ = trades
    assert act(target, SPANNED, "apply", "--force").code == 0
    edit(target, [("UPDATE orders SET note = 'by hand' WHERE order_number < 'O0000000010'", {})])
    resolving = Mock(wraps=naming.with_key)
    monkeypatch.setattr(resolve, "with_key", resolving)

    def resolved(*words: str) -> Counter[str]:
        resolving.reset_mock()
        result = act(target, SPANNED, "apply", *words)
        assert result.code == 0, result.err
        return Counter(call.args[0].name for call in resolving.call_args_list)

    while_planning = resolved("--dry-run")
    assert resolved("--force", "--no-journal") - while_planning == {"orders": 2}  # of two spans


@pytest.mark.parametrize("part", [(), ("--shard", "1/2")], ids=["whole", "shard"])
def test_a_shared_row_that_moves_before_the_write_is_seen(
    part: tuple[str, ...], trades: tuple[Target, Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What rows of a span refer to is not taken from the plan: here an order's customer has become another."""
    target, _ = trades
    assert act(target, SPANNED, "apply", "--force").code == 0
    edit(target, [("UPDATE order_line_items SET product = 'by hand' WHERE id = 1", {})])

    def edited(planned: Planned, session: Session, options: GuardOptions) -> None:
        guards.require_guards(planned, session, options)
        target.execute("UPDATE customers SET code = 'other' WHERE code = 'C00000000'")

    monkeypatch.setattr(apply_module, "require_guards", edited)
    applied = act(target, SPANNED, "apply", "--force", *part)

    assert applied.code in {1, 4}, applied.err
    assert target.rows("SELECT COUNT(*) FROM order_line_items WHERE product = 'by hand'") == [(1,)]
