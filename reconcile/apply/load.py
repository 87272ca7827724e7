"""Load many rows at once: LOAD DATA LOCAL from a pipe, chunk by chunk inside the run's transaction.

LOCAL makes the server treat errors as warnings: rows that it refuses are skipped, values that do not fit are changed.
So each chunk must come to exactly its rows without a warning; otherwise nothing of it stays and the caller inserts,
which names the error. Source: MySQL manual, "LOAD DATA Statement" and "Security Considerations for LOAD DATA LOCAL".
"""

import io
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Connection, TableClause
from sqlalchemy.exc import DBAPIError

LEAST_ROWS = 2_000
"""Fewer rows than these are inserted: a pipe and its thread cost more than they save."""

ROWS_PER_CHUNK = 100_000

FIRST_ROWS, ROWS_PER_WRITE = 2_000, 10_000
"""The server begins with the first rows while the next are written."""

# Source: MySQL manual, "LOAD DATA Statement", field and line handling: what ESCAPED BY '\\' stands for.
_SPECIAL = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\0": "\\0"}
_NULL = "\\N"
_POLL_S = 0.001


def can_load(connection: Connection) -> bool:
    """Say whether client and server allow it; asked of the server, not of its name."""
    driver: Any = connection.connection.driver_connection
    if not (hasattr(os, "mkfifo") and hasattr(driver, "_local_infile")):
        return False
    with suppress(DBAPIError):
        return bool(int(connection.exec_driver_sql("SELECT @@local_infile").scalar_one()))
    return False


def load(connection: Connection, table: TableClause, values: pl.DataFrame) -> Iterator[int]:
    """
    Load wire rows and give the number of rows of each chunk as it is done.

    Raises:
        NotLoaded: the server did not take the rows as they are; those of this call are taken back.

    """
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, values.columns))
    statement = (
        f"LOAD DATA LOCAL INFILE %s INTO TABLE {quote(table.name)} CHARACTER SET utf8mb4 "
        f"FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' ({columns})"
    )
    try:
        savepoint = connection.begin_nested()
    except DBAPIError as error:  # no savepoints here; what else is wrong, the INSERT will hear
        raise NotLoaded(str(error.orig)) from error
    try:
        for chunk in values.iter_slices(ROWS_PER_CHUNK):
            _load_chunk(connection, statement, chunk)
            yield chunk.height
        savepoint.commit()
    except (DBAPIError, NotLoaded) as error:
        try:
            savepoint.rollback()
        except DBAPIError:
            # A deadlock or a broken line has taken the whole transaction with it.
            raise error from None
        raise NotLoaded(str(getattr(error, "orig", error))) from error


class NotLoaded(Exception):
    """The server refused LOAD DATA, skipped a row or changed a value."""


def _load_chunk(connection: Connection, statement: str, chunk: pl.DataFrame) -> None:
    with _pipe(chunk) as path, only_reads(connection, path):
        done = connection.exec_driver_sql(statement, (path,))
    loaded, warnings = done.rowcount, done.context.cursor.warning_count
    if loaded != chunk.height or warnings:
        raise NotLoaded(f"{loaded} of {chunk.height} rows with {warnings} warnings")


@contextmanager
def _pipe(chunk: pl.DataFrame) -> Iterator[str]:
    """Give a pipe that has the rows as text; a thread writes while the driver reads."""
    with tempfile.TemporaryDirectory(prefix="reconcile-") as folder:
        path = Path(folder, "rows")
        os.mkfifo(path, 0o600)
        is_over = threading.Event()
        writer = threading.Thread(target=_write, args=(path, chunk, is_over))
        writer.start()
        try:
            yield str(path)
        finally:
            is_over.set()
            writer.join()


def _write(path: Path, chunk: pl.DataFrame, is_over: threading.Event) -> None:
    """Write once somebody reads; what the reader leaves when it goes before the end is missing in its count."""
    first = _lines(chunk.head(FIRST_ROWS))
    while not is_over.is_set():
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet; the server may refuse the statement, and then nobody ever does
            is_over.wait(_POLL_S)
            continue
        os.set_blocking(descriptor, True)
        with suppress(OSError), os.fdopen(descriptor, "wb") as pipe:
            pipe.write(first)
            for part in chunk.slice(FIRST_ROWS).iter_slices(ROWS_PER_WRITE):
                pipe.write(_lines(part))
        return


def _lines(rows: pl.DataFrame) -> bytes:
    """Write rows as LOAD DATA reads them; text that needs no escape has no more marks than its rows come to."""
    found = _csv(rows)
    nulls = sum(column.null_count() for column in rows.iter_columns())
    marks = {b"\t": rows.height * (rows.width - 1), b"\n": rows.height, b"\\": nulls, b"\0": 0}
    if all(found.count(mark) == number for mark, number in marks.items()):
        return found
    return _csv(
        rows.with_columns(pl.col(pl.String).str.replace_many(list(_SPECIAL), list(_SPECIAL.values()), leftmost=True))
    )


def _csv(rows: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    rows.write_csv(file, include_header=False, separator="\t", quote_style="never", null_value=_NULL)
    return file.getvalue()


class _Allowed(threading.local):
    """The one file that the driver may open in this thread at the moment; None when nothing is loaded."""

    def __init__(self) -> None:
        self.path: bytes | None = None


_allowed = _Allowed()


@contextmanager
def only_reads(connection: Connection, path: str) -> Iterator[None]:
    """
    Let the driver answer the server's request for a file while the block runs, and for this file alone.

    The server names the file that it wants, and a hostile one may name another.
    """
    _watch_files()
    driver: Any = connection.connection.driver_connection
    driver._local_infile = True
    _allowed.path = os.fsencode(path)
    try:
        yield
    finally:
        _allowed.path = None
        driver._local_infile = False


@cache
def _watch_files() -> None:
    """Begin to look at each file that is opened; nobody can stop that again, so it begins with the first load."""
    sys.addaudithook(_refuse_other_files)


def _refuse_other_files(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _allowed.path is not None and arguments[0] != _allowed.path:
        raise PermissionError("the server asked for another file than the rows")
