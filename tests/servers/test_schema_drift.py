"""A live schema that the desired rows do not fit stops plan and apply before anything is written."""

import re
import sqlite3
from contextlib import closing

import pytest

from tests.servers.operating import apply, command, dump, edit, plan, set_cell
from tests.servers.target import Target

pytestmark = pytest.mark.on_servers


def redefine(target: Target, table: str, old: str, new: str) -> None:
    """Change a table's definition on SQLite, which has no MODIFY, by writing over its CREATE TABLE."""
    with closing(sqlite3.connect(target.name, isolation_level=None)) as connection:
        ((ddl,),) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchall()
        changed, times = re.subn(old, new, ddl)
        assert times >= 1, ddl
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (changed, table))
        connection.execute("PRAGMA writable_schema = RESET")


DRIFTS = [
    pytest.param(
        ["ALTER TABLE referral_credits RENAME COLUMN status TO credit_status"],
        None,
        "column referral_credits.status is missing",
        "the nearest live name is credit_status",
        id="a column renamed in a table that is only read",
    ),
    pytest.param(
        ["ALTER TABLE clients MODIFY name VARCHAR(60) NOT NULL"],
        ("clients", r'\bname "?VARCHAR\(255\)', "name VARCHAR(60)"),
        "column clients.name is too short",
        "live it holds 60 characters, needed are 255",
        id="a column shortened",
    ),
    pytest.param(
        [
            "UPDATE orders SET saleStatus = 'PAID' WHERE saleStatus = 'OVERDUE'",
            "ALTER TABLE orders MODIFY saleStatus ENUM('PENDING','PARTIAL','PAID','CANCELLED')",
        ],
        ("orders", "'OVERDUE', ", ""),
        "column orders.saleStatus does not allow OVERDUE",
        "live it allows PENDING, PARTIAL, PAID, CANCELLED",
        id="an enum value removed",
    ),
    pytest.param(
        ["SET foreign_key_checks = 0", "RENAME TABLE `ledgerEntries` TO `ledgerEntry`"],
        None,
        "table ledgerEntries is missing",
        "the nearest live name is ledgerEntry\n",
        id="a table renamed",
    ),
    pytest.param(
        ["ALTER TABLE tags ADD COLUMN owner VARCHAR(20) NOT NULL"],
        ("tags", r'"?standardizedName"? VARCHAR', "owner VARCHAR(20) NOT NULL, `standardizedName` VARCHAR"),
        "column tags.owner is NOT NULL and gets no value",
        "it has no default and reconcile does not know it",
        id="a column added that wants a value",
    ),
    pytest.param(
        ["UPDATE clients SET wishlist = 'x'", "ALTER TABLE clients MODIFY wishlist TEXT NOT NULL"],
        ("clients", "wishlist TEXT", "wishlist TEXT NOT NULL"),
        "column clients.wishlist is NOT NULL and gets no value",
        "desired rows have no value for it",
        id="a column that takes no null any more",
    ),
    pytest.param(
        ["ALTER TABLE batches MODIFY `unitCogs` DECIMAL(15,2)"],
        ("batches", r'"unitCogs" DECIMAL\(15,4\)', '"unitCogs" DECIMAL(15,2)'),
        "column batches.unitCogs is too short",
        "live it is decimal(15,2), needed is decimal(15,4)",
        id="fewer decimal places",
    ),
    pytest.param(
        ["ALTER TABLE invoices MODIFY `totalAmount` DECIMAL(9,2) NOT NULL"],
        ("invoices", r'"totalAmount" DECIMAL\(12,2\)', '"totalAmount" DECIMAL(9,2)'),
        "column invoices.totalAmount is too short",
        "live it is decimal(9,2), needed is decimal(12,2)",
        id="fewer digits",
    ),
    pytest.param(
        ["ALTER TABLE invoices MODIFY `dueDate` VARCHAR(10) NOT NULL"],
        ("invoices", r'"dueDate" DATE', '"dueDate" VARCHAR(10)'),
        "column invoices.dueDate has the wrong type",
        "live it is varchar(10), needed is one of date",
        id="another type",
    ),
]


def drift(target: Target, statements: list[str], redefinition: tuple[str, str, str] | None) -> None:
    if target.server is not None:
        with target.server.admin(target.name) as cursor:
            for statement in statements:
                cursor.execute(statement)
    elif redefinition is not None:
        redefine(target, *redefinition)
    else:
        for statement in statements:
            if not statement.startswith("SET"):
                edit(
                    target,
                    statement.replace("RENAME TABLE `ledgerEntries` TO", "ALTER TABLE `ledgerEntries` RENAME TO"),
                )


@pytest.mark.parametrize(("statements", "redefinition", "what", "why"), DRIFTS)
def test_drift_is_named_before_the_first_write(
    filled: Target, statements: list[str], redefinition: tuple[str, str, str] | None, what: str, why: str
) -> None:
    """Plan and apply both end with exit code 1 and say table, column and the nearest live name."""
    set_cell(filled, ("strains", "Amber Lattice"), "category", "Other")
    drift(filled, statements, redefinition)
    rows = dump(filled)

    planned, applied = plan(filled), apply(filled)

    assert (planned.code, applied.code) == (1, 1)
    assert f"error: {what}\n" in applied.err
    assert why in applied.err
    assert applied.err == planned.err
    assert dump(filled) == rows


def test_all_drift_is_listed_at_once(filled: Target) -> None:
    """The operator mends the schema once, not once per finding."""
    for parameters in DRIFTS:
        statements, redefinition, _, _ = parameters.values
        assert isinstance(statements, list)
        drift(filled, statements, redefinition if isinstance(redefinition, tuple) else None)

    applied, checked = apply(filled), command(filled, "schema", "check")

    expected = {f"error: {parameters.values[2]}" for parameters in DRIFTS}
    assert {line for line in applied.err.splitlines() if line.startswith("error: ")} == expected
    # Without rows there is nothing to say about values that are missing.
    assert expected - {line for line in checked.err.splitlines() if line.startswith("error: ")} == {
        "error: column clients.wishlist is NOT NULL and gets no value",
        "error: column tags.owner is NOT NULL and gets no value",
    }


def test_drift_is_said_in_json_too(filled: Target) -> None:
    filled.execute("ALTER TABLE referral_credits RENAME COLUMN status TO credit_status")

    result = plan(filled, "--format", "json")

    (error,) = result.document["errors"]
    assert (result.code, error["what"]) == (1, "column referral_credits.status is missing")


def test_a_column_more_is_no_drift(filled: Target) -> None:
    """Other programs may keep columns of their own, as long as rows can be added without them."""
    filled.execute("ALTER TABLE tags ADD COLUMN theirs VARCHAR(20)")

    assert (plan(filled).code, apply(filled).code) == (0, 0)
