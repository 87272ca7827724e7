"""Spans that had no rows: the server holds what was sent, or the rows are read one by one and say what is wrong."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from reconcile.apply import execute
from reconcile.cli import apply as apply_module
from reconcile.cli import filling
from reconcile.live import sent as sent_module
from reconcile.live.connect import open_engine, transaction
from reconcile.live.introspect import introspect
from reconcile.live.sent import Held, hash_rows, is_held
from reconcile.live.target import parse
from tests.servers.conftest import NewTarget
from tests.servers.operating import edit, run
from tests.servers.target import Target
from tests.servers.test_spans import SPANNED, WHOLE, act, rows, trades

__all__ = ["trades"]

pytestmark = pytest.mark.on_servers

CIRCULAR = "tests.servers.circular_spans_state"
JOURNAL = pytest.mark.parametrize("more", [("--no-journal",), ()], ids=["without journal", "with journal"])

SCHEMA = {"number": pl.Int64, "price": pl.String, "day": pl.String, "kind": pl.String, "word": pl.String,
          "title": pl.String}  # fmt: skip
WORDS = st.none() | st.text(st.sampled_from("#-01aé`\\'\n\x1f"), max_size=6)
ROWS = st.tuples(
    st.none() | st.integers(-128, 127),
    st.none()
    | st.integers(-9_999, 9_999).map(
        lambda cents: f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"
    ),
    st.none() | st.sampled_from(["2024-02-29 12:34:56", "1970-01-02 00:00:00"]),
    st.none() | st.sampled_from(["raw", "made"]),
    WORDS,
    WORDS,
)
EDITS = (
    "UPDATE words SET number = COALESCE(number, 0) + 1 ORDER BY id LIMIT 1",
    "UPDATE words SET word = CONCAT(COALESCE(word, ''), 'x') ORDER BY id DESC LIMIT 1",
    "UPDATE words SET title = IF(title IS NULL, '', NULL) ORDER BY id LIMIT 1",
    "DELETE FROM words ORDER BY id DESC LIMIT 1",
    "UPDATE words SET price = COALESCE(price, 0) - 0.01",
)


@pytest.mark.parametrize("most_bytes", [1, 60, 1_000_000])
def test_what_is_held_is_what_was_sent(new_target: NewTarget, most_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides write a row as the same text, whatever is in it and in how many parts; an edit is seen."""
    monkeypatch.setattr(sent_module, "MOST_BYTES", most_bytes)
    target = new_target("empty")
    columns = "number INT, price DECIMAL(8, 2), day DATETIME, kind ENUM('raw', 'made'), word VARCHAR(20), title TEXT"
    edit(target, f"CREATE TABLE words (id INT AUTO_INCREMENT PRIMARY KEY, {columns}) DEFAULT CHARSET utf8mb4")
    chosen = parse(target.url, "the test")
    with transaction(chosen, open_engine(chosen)) as connection:
        live = introspect(connection, ["words"]).tables["words"]
        marks = ", ".join(f":{name}" for name in SCHEMA)

        @settings(max_examples=60, deadline=None)
        @given(st.lists(ROWS, min_size=1, max_size=8), st.sampled_from(EDITS))
        def law(cells: list[tuple[object, ...]], statement: str) -> None:
            connection.execute(text("DELETE FROM words"))
            frame = pl.DataFrame(cells, schema=SCHEMA, orient="row")
            connection.execute(text(f"INSERT INTO words ({', '.join(SCHEMA)}) VALUES ({marks})"), frame.to_dicts())
            sent = hash_rows(frame, live)

            first, last = connection.execute(text("SELECT MIN(id), MAX(id) FROM words")).one()

            assert is_held(connection, Held("words", "id", sent, first - 1, last))
            assert not is_held(connection, Held("words", "id", sent, first, last))
            assert not is_held(connection, Held("words", "id", sent, first - 1, last - 1))
            ids = pl.int_range(first, last + 1, eager=True)
            under = [hash_rows(frame.with_columns(id=numbers), live) for numbers in (ids, ids[::-1])]
            told = [is_held(connection, Held("words", "id", each, first - 1, last)) for each in under]
            assert told == [True, frame.height == 1]
            connection.execute(text(statement))
            assert not is_held(connection, Held("words", "id", sent, first - 1, last))

        law()


@JOURNAL
@pytest.mark.parametrize("state", [SPANNED, WHOLE])
def test_ids_that_do_not_count_upwards_are_noticed(
    trades: tuple[Target, Target], more: tuple[str, ...], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many rows only the first id is asked for: lines that then hang on other orders are never committed."""
    monkeypatch.setattr(execute, "LEAST_ROWS", 2)
    target, _ = trades
    edit(
        target,
        "CREATE TRIGGER counts BEFORE INSERT ON orders FOR EACH ROW "
        "SET @given = COALESCE(@given, 100000) - 1, NEW.id = @given",
    )

    result = act(target, state, "apply", "--force", *more)

    assert (result.code, "is not as planned after the write" in result.err) == (1, True), result.err
    assert target.rows("SELECT COUNT(*) FROM customers") == [(0,)]


def test_rows_that_are_held_are_not_read(trades: tuple[Target, Target], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests above and below hold would say nothing if the hashes never agreed."""
    target, other = trades
    monkeypatch.setattr(filling, "read_between", lambda *_: pytest.fail("the rows were read"))

    assert act(target, SPANNED, "apply", "--force", "--no-journal").code == 0

    assert act(other, WHOLE, "apply", "--force").code == 0
    assert rows(target) == rows(other)


@JOURNAL
def test_what_the_server_changes_on_the_way_is_refused(trades: tuple[Target, Target], more: tuple[str, ...]) -> None:
    target, _ = trades
    edit(target, "CREATE TRIGGER spoils BEFORE INSERT ON order_line_items FOR EACH ROW SET NEW.quantity = 41")

    result = act(target, SPANNED, "apply", "--force", *more)

    assert (result.code, "order_line_items is not as planned after the write" in result.err) == (1, True), result.err
    assert target.rows("SELECT COUNT(*) FROM customers") == [(0,)]


@JOURNAL
@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE order_line_items SET quantity = quantity + 1 WHERE position = 2 LIMIT 1", "order_line_items"),
        ("DELETE FROM order_line_items WHERE position = 3 LIMIT 1", "order_line_items"),
        (
            "INSERT INTO orders (order_number, customer_id, status, total, ordered_at) "
            "SELECT 'O0000000003x', MAX(id), 'packed', 1, '2026-01-01 00:00:00' FROM customers",
            "orders",
        ),
    ],
    ids=["an update", "a delete", "an insert"],
)
def test_what_others_do_right_after_the_commit_is_told(
    trades: tuple[Target, Target], monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], statement: str, table: str
) -> None:
    target, _ = trades
    look_again = apply_module._look_again

    def meddled(*arguments: object, **named: object) -> object:
        edit(target, statement)
        return look_again(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(apply_module, "_look_again", meddled)

    result = act(target, SPANNED, "apply", "--force", *more)

    assert (result.code, f"committed, but {table} has changed again" in result.err) == (6, True), result.err
    assert result.err.count("has changed again") == 1


def test_a_value_that_the_server_spells_otherwise_is_read(trades: tuple[Target, Target]) -> None:
    """Its column fills numbers up with zeros: the hashes differ, the rows do not."""
    target, other = trades
    edit(target, "ALTER TABLE order_line_items MODIFY quantity INT(8) ZEROFILL NOT NULL")

    result = act(target, SPANNED, "apply", "--force", "--no-journal")

    assert result.code == 0, result.err
    assert act(other, WHOLE, "apply", "--force").code == 0
    assert rows(target) == rows(other)


@pytest.mark.parametrize("is_spoiled", [False, True])
def test_a_reference_that_is_set_later_is_proved_too(new_target: NewTarget, is_spoiled: bool) -> None:
    """It is not among what was sent at first, so the hashes say nothing of it."""
    target = new_target("empty")
    assert run("schema", "create", "--state", CIRCULAR, "--database-url", target.url).code == 0
    if is_spoiled:
        edit(target, "CREATE TRIGGER spoils BEFORE UPDATE ON orders FOR EACH ROW SET NEW.last_line_id = NULL")

    result = act(target, CIRCULAR, "apply", "--force", "--no-journal")

    assert result.code == int(is_spoiled), result.err
    assert ("orders is not as planned after the write" in result.err) == is_spoiled
    unset = target.rows("SELECT COUNT(*), COUNT(last_line_id) FROM orders")
    assert unset == [(0, 0) if is_spoiled else (40, 40)]
