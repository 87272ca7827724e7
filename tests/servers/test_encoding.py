"""The bulk encoder writes what the driver's own escape writes, and the server stores what was meant."""

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymysql.converters import escape_string

from reconcile.apply.encode import literal, value_lists
from reconcile.live.pinned import SQL_MODE
from tests.servers.operating import apply, set_cell
from tests.servers.server import Server
from tests.servers.target import Target

TEXTS = st.lists(
    st.one_of(
        st.none(),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        st.text(st.sampled_from("\0\x1a\\'\"`%\n\r\t🌿é;-#/*"), max_size=12),
    ),
    min_size=1,
    max_size=60,
)
bounded = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(texts=TEXTS)
@bounded
def test_a_literal_is_what_the_driver_would_write(texts: list[str | None]) -> None:
    frame = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)})

    encoded = frame.select(literal("text", frame.schema["text"])).to_series().to_list()

    assert encoded == ["NULL" if text is None else f"'{escape_string(text)}'" for text in texts]


@given(numbers=st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1))
@bounded
def test_a_number_is_written_in_full(numbers: list[int | None]) -> None:
    frame = pl.DataFrame({"number": pl.Series(numbers, dtype=pl.Int64)})

    encoded = frame.select(literal("number", frame.schema["number"])).to_series().to_list()

    assert encoded == ["NULL" if number is None else str(number) for number in numbers]


@given(texts=TEXTS)
@bounded
def test_texts_arrive_byte_for_byte(server: Server, texts: list[str | None]) -> None:
    """On servers only: SQLite is sent bound parameters. The session is set as the program sets its own."""
    frame = pl.DataFrame({"id": range(len(texts)), "text": pl.Series(texts, dtype=pl.String)})
    with server.admin() as cursor:
        cursor.execute(f"SET SESSION sql_mode = '{SQL_MODE}'")
        cursor.execute("CREATE DATABASE IF NOT EXISTS encoding")
        cursor.execute("USE encoding")
        cursor.execute("CREATE TEMPORARY TABLE t (id INT, text TEXT) CHARACTER SET utf8mb4")
        for _, lists in value_lists(frame):
            cursor.execute(f"INSERT INTO t VALUES {lists}")
        cursor.execute("SELECT HEX(text) FROM t ORDER BY id")
        stored = [cell for (cell,) in cursor.fetchall()]
        cursor.execute("DROP TEMPORARY TABLE t")

    assert stored == [None if text is None else text.encode().hex().upper() for text in texts]


def test_awkward_texts_survive_update_and_delete_of_others(filled: Target) -> None:
    """A row of others is the same afterwards, whatever it says."""
    text = 'O\'Brien \\ "x" % \n 🌿 \x1a'
    filled.execute("INSERT INTO users (`openId`, name) VALUES (:key, :name)", {"key": "o'b\\%", "name": text})
    set_cell(filled, ("tags", "Indoor"), "color", "#000000")

    assert apply(filled).code == 0

    assert filled.rows("SELECT name FROM users WHERE `openId` = :key", {"key": "o'b\\%"}) == [(text,)]
