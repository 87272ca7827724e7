"""What the journal knows of the rows as runs last left them: the third side that drift compares with."""

import pytest
from sqlalchemy import create_engine

from reconcile.live.journal import LastApplied, last_applied
from reconcile.live.journal_tables import journal_tables
from tests.unit.cli.shell import Shell
from tests.unit.cli.test_rollback import RUN, edit
from tests.unit.tiny import SPECS


def known(prefix: str = "reconcile") -> LastApplied:
    engine = create_engine("sqlite:///terp.db")
    try:
        with engine.connect() as connection:
            return last_applied(connection, journal_tables(prefix), SPECS)
    finally:
        engine.dispose()


def names(applied: LastApplied) -> dict[str, str]:
    return dict(applied.frames["makers"].select("_key", "name").iter_rows())


@pytest.fixture
def shop(shell: Shell) -> Shell:
    """A shell whose database is as declared after one run."""
    assert shell("apply", *RUN).code == 0
    return shell


def test_every_row_is_known_as_the_run_left_it(shop: Shell) -> None:
    edit("UPDATE makers SET name = 'by hand'")

    assert names(known()) == {"ACME": "Acme", "BOLT": "Bolt & Co"}
    assert known().frames["goods"].columns == ["_key", *(column.name for column in SPECS["goods"].declared)]


def test_the_newest_record_of_a_row_counts(shop: Shell) -> None:
    edit("UPDATE makers SET name = 'by hand' WHERE code = 'ACME'")
    assert shop("apply", *RUN).code == 0
    assert names(known())["ACME"] == "Acme"

    assert shop("rollback", *RUN).code == 0
    assert names(known())["ACME"] == "by hand"


def test_a_row_that_a_run_deleted_is_told_apart_from_one_that_none_has_touched(shop: Shell) -> None:
    edit("INSERT INTO makers (code, name) VALUES ('GONE', 'x')", "INSERT INTO tags (code) VALUES ('theirs')")
    assert shop("apply", *RUN).code == 0

    assert known().deleted["makers"].to_list() == ["GONE"]
    assert "GONE" not in names(known())
    assert "theirs" not in known().frames["tags"]["_key"]


def test_fingerprints_are_those_of_the_rows_that_were_wanted(shop: Shell) -> None:
    """A rollback wants none, and what it took back counts no more."""
    fingerprints = known().fingerprints
    assert {"", "makers", "goods"} <= set(fingerprints)
    edit("UPDATE makers SET name = 'by hand' WHERE code = 'ACME'")
    assert shop("apply", *RUN).code == 0
    assert shop("rollback", *RUN).code == 0
    assert known().fingerprints == fingerprints

    assert shop("rollback", *RUN).code == 0
    assert known().fingerprints == {}


def test_without_a_journal_nothing_is_known(shop: Shell) -> None:
    assert shop("runs", *RUN[2:]).code == 0

    other = known("other")

    assert (other.frames, other.deleted, other.fingerprints) == ({}, {}, {})
