"""Shards: each plans and applies its own part of the key space; together they do what one run does."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack

import pytest

from reconcile.apply.run_lock import RunLock, run_lock
from reconcile.errors import ReconcileError
from reconcile.live.target import parse
from reconcile.shard import WHOLE, Shard
from tests.servers.conftest import NewTarget
from tests.servers.operating import Result, run
from tests.servers.target import Target
from tests.servers.test_spans import SPANNED, Edit, act, edit, rows, trades
from tests.servers.test_spans import WHOLE as WHOLE_STATE

__all__ = ["trades"]


def shards(target: Target, of: int, *words: str) -> Sequence[Result]:
    return [
        act(target, SPANNED, "apply", "--force", "--shard", f"{number}/{of}", *words) for number in range(1, of + 1)
    ]


@pytest.mark.parametrize(("of", "journal"), [(1, ()), (2, ("--no-journal",)), (4, ()), (9, ("--no-journal",))])
def test_shards_together_equal_one_run(trades: tuple[Target, Target], of: int, journal: tuple[str, ...]) -> None:
    """From nothing, and after edits; nine are more than there are spans, so some have nothing to do."""
    made: list[Edit] = [
        ("UPDATE orders SET note = 'by hand'", {}),
        ("DELETE FROM order_line_items WHERE position = 2", {}),
        ("DELETE FROM orders WHERE order_number > 'O0000000030'", {}),
        ("UPDATE customers SET name = 'by hand'", {}),
    ]
    sharded, whole = trades
    for _ in range(2):
        done = shards(sharded, of, "--max-update", "100%", "--max-delete", "100%", *journal)
        assert [result.code for result in done] == [0] * of, [result.err for result in done]
        assert act(whole, WHOLE_STATE, "apply", "--force").code == 0
        assert rows(sharded) == rows(whole)
        assert act(sharded, SPANNED, "plan", "--detailed-exitcode").code == 0
        for target in trades:
            edit(target, made)


def test_a_shard_leaves_the_others_alone(trades: tuple[Target, Target]) -> None:
    target, _ = trades
    assert all(result.code == 0 for result in shards(target, 2))
    edit(target, [("UPDATE orders SET note = 'by hand'", {})])

    applied = act(target, SPANNED, "apply", "--force", "--shard", "2/2", "--max-update", "100%")

    assert applied.code == 0
    # Three spans of seven are the other shard's.
    assert target.rows("SELECT COUNT(*) FROM orders WHERE note = 'by hand'") == [(21,)]


def test_a_shard_repeats_nothing(trades: tuple[Target, Target]) -> None:
    target, _ = trades
    first, again = (act(target, SPANNED, "apply", "--force", "--shard", "1/2") for _ in range(2))
    assert (first.code, again.code) == (0, 0)
    assert again.out.splitlines()[-1].startswith("Apply complete: 0 created")


def test_other_shards_need_what_the_first_one_brings(trades: tuple[Target, Target]) -> None:
    target, _ = trades
    result = act(target, SPANNED, "apply", "--force", "--shard", "2/2")
    assert result.code == 1
    assert "apply it first" in result.err
    assert target.rows("SELECT COUNT(*) FROM orders") == [(0,)]


def test_rows_of_other_tables_that_nobody_declares_wait_for_a_whole_run(trades: tuple[Target, Target]) -> None:
    target, _ = trades
    assert all(result.code == 0 for result in shards(target, 2))
    edit(target, [("INSERT INTO customers (code, name) VALUES ('X', 'theirs')", {})])

    planned = act(target, SPANNED, "plan", "--shard", "1/2")
    assert "left to a run without --shard" in planned.out
    assert all(result.code == 0 for result in shards(target, 2))
    assert target.rows("SELECT COUNT(*) FROM customers WHERE code = 'X'") == [(1,)]

    assert act(target, SPANNED, "apply", "--force").code == 0
    assert target.rows("SELECT COUNT(*) FROM customers WHERE code = 'X'") == [(0,)]


@pytest.mark.parametrize(
    ("state", "words"),
    [(WHOLE_STATE, ()), (SPANNED, ("-t", "orders")), (SPANNED, ("--step", "trade")), (SPANNED, ("--batch-size", "10"))],
)
def test_what_cannot_be_cut_is_refused(trades: tuple[Target, Target], state: str, words: tuple[str, ...]) -> None:
    target, _ = trades
    result = act(target, state, "apply", "--force", "--shard", "1/2", *words)
    assert (result.code, "the run cannot be cut into shards" in result.err) == (64, True), result.err


@pytest.mark.embedded
@pytest.mark.parametrize("text", ["0/2", "3/2", "1/33", "1", "a/b", "1/2/3", "-1/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        run("plan", "--shard", text)
    assert stopped.value.code == 64


@pytest.mark.on_servers
def test_locks_of_shards_shut_out_only_what_they_meet(new_target: NewTarget) -> None:
    target = parse(new_target("empty").url, "the test")

    def lock(shard: Shard) -> AbstractContextManager[RunLock]:
        return run_lock(target, "apply", 0, lambda _: None, shard=shard)

    def refused(shard: Shard) -> ReconcileError | None:
        try:
            with lock(shard):
                return None
        except ReconcileError as error:
            return error

    def is_refused(shard: Shard) -> bool:
        error = refused(shard)
        assert error is None or error.exit_code == 5
        assert error is None or f"connection {held.connection_id}" in error.findings[0].why
        return error is not None

    with ExitStack() as stack:
        held = stack.enter_context(lock(Shard(2, 4)))
        for free in (Shard(1, 4), Shard(3, 4), Shard(2, 2), Shard(1, 5), Shard(6, 8)):
            assert not is_refused(free)
        for taken in (WHOLE, Shard(2, 4), Shard(1, 2), Shard(2, 5), Shard(3, 8), Shard(1, 3)):
            assert is_refused(taken)
    with lock(WHOLE) as held:
        assert is_refused(Shard(1, 2))
    assert not is_refused(WHOLE)
