"""Whatever goes wrong inside an apply, the database is as it was before."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.servers.operating import AS_OF, FILLED, apply, changes, copy, dump, edit, set_cell
from tests.servers.target import Target


@pytest.fixture(autouse=True)
def trouble_ends(target: Target) -> Iterator[None]:
    """Take the trigger away again: a database that has one could not be set back, and would be loaded anew."""
    yield
    if target.server is not None:
        target.server.end_sessions(target.name)
        edit(target, "DROP TRIGGER IF EXISTS trouble")


TABLES = ("tags", "orders", "ledgerEntries")
"""Written early, in the middle and late."""


def create_trigger(target: Target, table: str, event: str, action: str) -> None:
    """Make a trigger `trouble`; *action* is what each engine calls it: SQLite's first, the servers' second."""
    lite, _, full = action.partition(" / ")
    body = f"BEGIN {lite}; END" if target.server is None else full
    edit(target, f"CREATE TRIGGER trouble {event} ON `{table}` FOR EACH ROW {body}")


RAISE = "SELECT RAISE(ABORT, 'trouble here') / SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'trouble here'"


def wound(target: Target) -> None:
    """Leave something to create, to update and to delete, in tables early and late."""
    edit(
        target,
        "DELETE FROM `ledgerEntries` WHERE `entryNumber` <> 'JE-INV-000001-1100'",
        "DELETE FROM tags WHERE name > 'G'",
        "DELETE FROM orders WHERE order_number = 'ORD-000009'",
        "INSERT INTO vendors (name) VALUES ('Extra')",
    )
    for table, key, column in (("tags", "Budget", "description"), ("orders", "ORD-000001", "notes")):
        set_cell(target, (table, key), column, "by hand")
    set_cell(target, ("ledgerEntries", "JE-INV-000001-1100"), "description", "by hand")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("event", ["BEFORE INSERT", "BEFORE UPDATE"])
def test_a_statement_that_fails_rolls_everything_back(filled: Target, table: str, event: str) -> None:
    """Whichever table it happens in, nothing of the tables before is left."""
    wound(filled)
    create_trigger(filled, table, event, RAISE)
    rows = dump(filled)

    result = apply(filled)

    assert (result.code, "trouble here" in result.err, "fix:" in result.err) == (1, True, True)
    assert dump(filled) == rows


def test_a_delete_that_fails_rolls_everything_back(filled: Target) -> None:
    wound(filled)
    create_trigger(filled, "vendors", "BEFORE DELETE", RAISE)
    rows = dump(filled)

    assert apply(filled).code == 1
    assert dump(filled) == rows


def test_a_first_fill_that_fails_leaves_an_empty_database(target: Target, template: Target) -> None:
    """On SQLite the tables are there before, because a trigger needs one to stand on."""
    if target.server is None:
        copy(template, target)
        edit(target, *(f"DELETE FROM `{table}`" for table in FILLED))
    create_trigger(target, "ledgerEntries", "BEFORE INSERT", RAISE)

    result = apply(target)

    assert (result.code, "trouble here" in result.err) == (1, True)
    assert dump(target) == {}


@pytest.mark.parametrize(
    ("table", "change"),
    [
        pytest.param(
            "ledgerEntries",
            "UPDATE `ledgerEntries` SET description = 'changed' WHERE id = NEW.id / SET NEW.description = 'changed'",
            id="a value of a row that nobody refers to",
        ),
        pytest.param(
            "tags",
            "UPDATE tags SET name = name || '!' WHERE id = NEW.id / SET NEW.name = CONCAT(NEW.name, '!')",
            id="a natural key",
        ),
        pytest.param(
            "orders",
            "UPDATE orders SET order_number = order_number || '!' WHERE id = NEW.id "
            "/ SET NEW.order_number = CONCAT(NEW.order_number, '!')",
            id="a natural key that others refer to by",
        ),
    ],
)
def test_rows_that_do_not_come_out_as_planned_are_rolled_back(filled: Target, table: str, change: str) -> None:
    """A trigger that quietly stores something else is found by reading back, before the commit."""
    wound(filled)
    create_trigger(filled, table, "AFTER INSERT" if filled.server is None else "BEFORE INSERT", change)
    rows = dump(filled)

    result = apply(filled)

    assert result.code == 1
    assert "not as planned" in result.err or "not found again" in result.err
    assert f"{table}" in result.err
    assert dump(filled) == rows


def test_rows_that_a_delete_takes_along_are_rolled_back(filled: Target) -> None:
    """A trigger that deletes more than the plan says is found too."""
    wound(filled)
    action = "DELETE FROM `pricing_defaults`"
    create_trigger(filled, "vendors", "AFTER DELETE", f"{action} / {action}")
    rows = dump(filled)

    result = apply(filled)

    assert (result.code, "pricing_defaults is not as planned" in result.err) == (1, True)
    assert dump(filled) == rows


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_an_interrupted_apply_leaves_the_database_as_it_was(filled: Target, number: signal.Signals, code: int) -> None:
    """
    Ctrl-C, a service manager's TERM and a console that closes roll back and end with a code of their own.

    A trigger that takes its time holds apply in the middle of its transaction.
    """
    edit(filled, "DELETE FROM tags", "DELETE FROM orders WHERE order_number = 'ORD-000009'")
    set_cell(filled, ("strains", "Amber Lattice"), "category", "Other")
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000000) SELECT MAX(i) FROM n"
    create_trigger(filled, "orders", "AFTER INSERT", f"{count} / DO SLEEP(20)")
    rows = dump(filled)
    process = subprocess.Popen(
        [*program(), "apply", "--force", "--light", "--as-of", AS_OF, "--database-url", filled.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until_writing(process)

    sent_at = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    took_s = time.monotonic() - sent_at

    assert (process.returncode, "rolled back" in err) == (code, True), err
    assert "Traceback" not in err
    assert took_s < 15
    assert dump(filled) == rows


def program() -> list[str]:
    """Give the command as a person runs it, by the same Python as the tests."""
    return [sys.executable, "-c", "import sys; from reconcile.cli.main import main; sys.exit(main())"]


def wait_until_writing(process: "subprocess.Popen[str]") -> None:
    """Read progress until a table that is written before orders is done."""
    assert process.stderr is not None
    deadline = time.monotonic() + 60
    for line in process.stderr:
        if line.startswith("Writing tags"):
            time.sleep(0.2)
            return
        assert time.monotonic() < deadline
    pytest.fail("apply ended before it wrote anything")


def test_a_plan_after_a_failed_apply_says_the_same(filled: Target) -> None:
    """Nothing that failed leaves a trace that the next plan would show."""
    wound(filled)
    before = changes(filled)
    create_trigger(filled, "ledgerEntries", "BEFORE INSERT", RAISE)
    assert apply(filled).code == 1

    assert changes(filled) == before
    edit(filled, "DROP TRIGGER trouble")
    assert apply(filled).code == 0
