"""URLs taken apart: as SQLAlchemy takes them apart, and without it."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from reconcile.live.address import Address, parse_address

_TEXT = st.text(st.sampled_from("aZ09.%4/:@?&=#[]+-_~ é,'\\"), max_size=8)
URLS = st.one_of(
    st.text(max_size=30),
    st.builds("{}://{}:{}@{}:{}/{}?{}={}&{}={}".format, *[_TEXT] * 10),
    st.builds("mysql://{}@{}:{}/{}".format, _TEXT, _TEXT, st.integers(0, 70_000), _TEXT),
    st.builds("mysql://{}@[::{}]/{}?{}".format, _TEXT, st.integers(0, 9), _TEXT, _TEXT),
)


@given(URLS)
def test_an_address_has_the_parts_that_sqlalchemy_finds(text: str) -> None:
    try:
        expected = make_url(text)
    except (ArgumentError, ValueError):
        with pytest.raises(ValueError, match=r".+"):
            parse_address(text)
        return

    address = parse_address(text)

    query = {name: value if isinstance(value, str) else value[-1] for name, value in expected.query.items()}
    assert address == Address(
        expected.drivername,
        expected.username,
        expected.password,
        expected.host,
        expected.port,
        expected.database,
        query,
    )


def test_an_engine_is_given_the_whole_address() -> None:
    text = "mysql+pymysql://user:p%40ss@db.example:3307/shop?charset=utf8mb4"

    assert parse_address(text).for_engine() == make_url(text)


def test_a_password_is_in_no_repr() -> None:
    assert "s3cret" not in repr(parse_address("mysql://user:s3cret@db.example/shop"))


def test_talking_to_a_server_needs_no_sqlalchemy() -> None:
    script = "import sys, reconcile.live.pymysql; sys.exit(bool({'sqlalchemy', 'polars'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
