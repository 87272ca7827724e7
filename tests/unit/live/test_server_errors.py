"""What the driver's errors are turned into."""

import sqlite3

import pymysql
import pytest
from sqlalchemy.exc import OperationalError

from reconcile.live.server_errors import explain
from reconcile.live.target import parse

SERVER = parse("mysql://erp:hunter2@db/erp", "a test")
FILE = parse("sqlite:///erp.db", "a test")

TOLD = {
    1045: "access denied",
    1049: "unknown database",
    2026: "the connection cannot be protected as asked",
    3159: "the server takes no connection without TLS",
    2061: "the driver cannot log in as the server asks",
    2003: "connection refused or host not found",
    2013: "the connection to the server was lost",
    0: "the connection to the server was lost",
    1317: "the server ended the session",
    1290: "the server is read-only",
    1205: "another session holds a lock for too long",
    1213: "a deadlock with another session",
    1062: "a row with this unique value exists already",
    1452: "a foreign key does not allow the change",
    1114: "the server's disk is full",
    1153: "a statement is larger than the server takes",
    3024: "a statement took longer than the server allows",
    1969: "a statement took longer than the server allows",
    1041: "the server is out of memory",
    1040: "the server takes no more connections",
    9999: "the database refused a statement",
}


@pytest.mark.parametrize(("number", "what"), TOLD.items())
def test_a_server_error_is_said_by_its_number(number: int, what: str) -> None:
    error = OperationalError("INSERT 'hunter2'", None, pymysql.err.OperationalError(number, "words of the server"))
    finding = explain(SERVER, error)

    assert finding.what == what
    assert finding.why == f"words of the server (error {number})"
    assert finding.fix
    assert "hunter2" not in f"{finding}"


def test_protection_that_breaks_is_a_lost_line() -> None:
    """A C library has one number for TLS that cannot begin and for TLS that ends; then a password was sent."""
    said = pymysql.err.OperationalError(2026, "unexpected eof while reading")

    assert "no password was sent" in explain(SERVER, OperationalError("", None, said)).fix
    lost = explain(SERVER, OperationalError("SELECT 1", None, said, connection_invalidated=True))
    assert lost.what == TOLD[2013]
    assert "no password was sent" not in lost.fix


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("database is locked", "the database file is locked"),
        ("attempt to write a readonly database", "the file is open for reading only"),
        ("database or disk is full", "the disk is full"),
        ("disk I/O error", "the disk is full or does not answer"),
        ("unable to open database file", "the database file cannot be opened"),
        ("file is not a database", "the file is no SQLite database"),
        ("database disk image is malformed", "the database file is damaged"),
        ("near x: syntax error", "the database refused a statement"),
    ],
)
def test_what_sqlite_says_is_said_by_its_words(words: str, what: str) -> None:
    finding = explain(FILE, OperationalError("", None, sqlite3.OperationalError(words)))

    assert (finding.what, finding.why) == (what, words)


def test_a_connection_that_the_driver_closed_without_a_word_still_has_a_reason() -> None:
    finding = explain(SERVER, OperationalError("", None, pymysql.err.InterfaceError(0, "")))

    assert finding.why == "the connection is closed (error 0)"
