"""Pieces are proved over a connection of their own while the next one is written; the writing one has the last word."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from reconcile.apply import proving
from reconcile.live.connect import onlooking
from reconcile.live.target import Target as Chosen
from tests.servers.operating import edit as by_hand
from tests.servers.target import Target
from tests.servers.test_spans import SPANNED, act, edit, rows, trades

__all__ = ["trades"]

pytestmark = pytest.mark.on_servers

APPLY = ("apply", "--force", "--max-update", "100%")


@pytest.fixture
def edited(trades: tuple[Target, Target]) -> Target:
    """A database in which every span has something to do."""
    target, _ = trades
    assert act(target, SPANNED, "apply", "--force").code == 0
    edit(target, [("UPDATE orders SET note = 'by hand'", {})])
    return target


@pytest.fixture
def own_looks(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """The connections over which pieces were looked at, in turn."""
    looks: list[Connection] = []
    live = proving.Written.live

    def noted(written: proving.Written, connection: Connection) -> object:
        looks.append(connection)
        return live(written, connection)

    monkeypatch.setattr(proving.Written, "live", noted)
    return looks


def test_pieces_are_looked_at_over_a_connection_of_their_own(edited: Target, own_looks: list[Connection]) -> None:
    assert act(edited, SPANNED, *APPLY).code == 0
    first, *others = own_looks
    assert len(others) == 6
    assert {id(look) for look in others} == {id(others[0])} != {id(first)}


def test_what_others_have_not_committed_is_no_part_of_the_run(edited: Target, own_looks: list[Connection]) -> None:
    """The onlooker sees a line that is not as declared; the run's own transaction does not."""
    with edited.connect() as another:
        another.execute(text("UPDATE order_line_items SET quantity = quantity + 1 WHERE position = 3"))
        result = act(edited, SPANNED, *APPLY)
        another.rollback()

    assert result.code == 0, result.err
    assert any(look is own_looks[0] for look in own_looks[1:])
    assert edited.rows("SELECT COUNT(*) FROM orders WHERE note = 'by hand'") == [(0,)]


def test_an_onlooker_that_is_gone_stops_nothing(edited: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def killed(target: Chosen, engine: Engine) -> Iterator[Connection | None]:
        with onlooking(target, engine) as onlooker:
            assert onlooker is not None
            ((number,),) = onlooker.execute(text("SELECT CONNECTION_ID()"))
            assert edited.server is not None
            edited.server.execute(f"KILL {number}")
            yield onlooker

    monkeypatch.setattr(proving, "onlooking", killed)

    result = act(edited, SPANNED, *APPLY)

    assert result.code == 0, result.err
    assert edited.rows("SELECT COUNT(*) FROM orders WHERE note = 'by hand'") == [(0,)]


def test_a_server_that_takes_no_more_connections_is_asked_over_the_one_that_writes(
    edited: Target, trades: tuple[Target, Target], monkeypatch: pytest.MonkeyPatch, own_looks: list[Connection]
) -> None:
    """All connections of an account may be in use: one of them is enough to prove what was written."""
    connect = Engine.connect
    is_proving = False

    def refusing(engine: Engine) -> Connection:
        if is_proving:
            raise DBAPIError("connect", None, Exception("Too many connections"))
        return connect(engine)

    @contextmanager
    def refused(target: Chosen, engine: Engine) -> Iterator[Connection | None]:
        nonlocal is_proving
        is_proving = True
        with onlooking(target, engine) as onlooker:
            is_proving = False
            yield onlooker

    monkeypatch.setattr(Engine, "connect", refusing)
    monkeypatch.setattr(proving, "onlooking", refused)

    assert act(edited, SPANNED, *APPLY).code == 0

    assert len(own_looks) == 1
    assert act(trades[1], SPANNED, "apply", "--force").code == 0
    assert rows(edited) == rows(trades[1])


def test_what_is_wrong_is_said_by_the_transaction_that_writes(edited: Target, own_looks: list[Connection]) -> None:
    by_hand(edited, "CREATE TRIGGER spoils BEFORE UPDATE ON orders FOR EACH ROW SET NEW.total = 0")

    result = act(edited, SPANNED, *APPLY)

    assert (result.code, "orders is not as planned after the write" in result.err) == (1, True), result.err
    assert own_looks[-1] is own_looks[0]
    assert edited.rows("SELECT COUNT(*) FROM orders WHERE note = 'by hand'") == [(40,)]
