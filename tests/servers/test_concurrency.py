"""Others work in the database while a run is under way: ids never collide, and nothing of theirs is lost."""

from dataclasses import dataclass, field

import pymysql
import pytest

from reconcile.errors import ReconcileError
from tests.servers.operating import apply, carry_out, dump, edit, id_of, insert_like, look, set_cell
from tests.servers.target import Target


@dataclass
class Meanwhile:
    """Another session that adds an order, a client and a tag whenever apply begins with a table."""

    target: Target
    added: int = 0
    waited: list[str] = field(default_factory=list)

    def started(self, table: str, rows: int) -> None:
        assert self.target.server is not None
        with self.target.server.admin(self.target.name) as cursor:
            cursor.execute("SET innodb_lock_wait_timeout = 1")
            self.added += 1
            for statement in (
                f"INSERT INTO tags (name, `standardizedName`) VALUES ('theirs {self.added}', 'x')",
                f"INSERT INTO clients (teri_code, name) VALUES ('THEIRS{self.added}', 'Theirs')",
                f"INSERT INTO brands (name) VALUES ('theirs {self.added}')",
            ):
                try:
                    cursor.execute(statement)
                except pymysql.err.OperationalError as error:  # a gap that apply has locked
                    self.waited.append(str(error))

    def advanced(self, table: str, rows: int) -> None:
        pass

    def finished(self, table: str) -> None:
        pass


def test_rows_added_by_others_during_a_first_fill_keep_their_ids(database: Target) -> None:
    """On servers only: SQLite has one writer at a time, so nobody can add rows meanwhile."""
    session, planned = look(database, no_clear=True)
    others = Meanwhile(database)

    carry_out(session, planned, others)

    theirs = database.rows("SELECT id, name FROM tags WHERE name LIKE 'theirs%'")
    assert (len(theirs), others.waited) == (others.added, [])
    assert len(database.rows("SELECT id FROM tags")) == 14 + others.added
    assert apply(database, "--no-clear").code == 0
    assert database.rows("SELECT id, name FROM tags WHERE name LIKE 'theirs%'") == theirs


def test_kept_rows_keep_their_ids(filled: Target) -> None:
    """Whatever comes and goes around them."""
    before = {key: id_of(filled, "clients", key) for key in ("REG0001", "REG0002")}
    edit(filled, "DELETE FROM tags WHERE name > 'G'", "INSERT INTO clients (teri_code, name) VALUES ('X', 'X')")
    set_cell(filled, ("clients", "REG0001"), "name", "Other")

    assert apply(filled).code == 0

    assert {key: id_of(filled, "clients", key) for key in before} == before


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param("UPDATE clients SET name = 'Third' WHERE teri_code = 'REG0001'", id="changed again"),
        pytest.param("DELETE FROM vendors WHERE name = 'Extra'", id="deleted by somebody else"),
        pytest.param("INSERT INTO tags (name, `standardizedName`) VALUES ('Indoor', 'x')", id="created by somebody"),
    ],
)
def test_rows_that_moved_since_the_plan_are_refused(filled: Target, meanwhile: str) -> None:
    """The plan that was shown is carried out as it is or not at all."""
    edit(filled, "DELETE FROM tags WHERE name = 'Indoor'", "INSERT INTO vendors (name) VALUES ('Extra')")
    set_cell(filled, ("clients", "REG0001"), "name", "Other")
    session, planned = look(filled)
    edit(filled, meanwhile)
    rows = dump(filled)

    with pytest.raises(ReconcileError, match="stale") as refused:
        carry_out(session, planned)

    assert refused.value.exit_code == 4
    assert dump(filled) == rows


def test_rows_that_came_since_the_plan_do_not_go_with_their_parent(filled: Target) -> None:
    """A foreign key would delete them without a word: an order that somebody took for a client about to go."""
    edit(filled, "INSERT INTO clients (teri_code, name) VALUES ('THEIRS', 'Theirs')")
    client = id_of(filled, "clients", "THEIRS")
    session, planned = look(filled)
    edit(filled, f"UPDATE orders SET client_id = {client} WHERE order_number = 'ORD-000001'")
    insert_like(filled, "orders", "ORD-000001", order_number="ORD-THEIRS")
    set_cell(filled, ("orders", "ORD-000001"), "client_id", id_of(filled, "clients", "WHL0001"))
    rows = dump(filled)

    with pytest.raises(ReconcileError, match="stale") as refused:
        carry_out(session, planned)

    assert refused.value.exit_code == 4
    assert dump(filled) == rows
