"""Prove each piece in a thread while the next one is written, over a connection that sees what is not committed yet."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from reconcile.apply.piece import Highest, Piece, Resolve
from reconcile.errors import ReconcileError
from reconcile.live.collation import Weigh, elsewhere, server_weights
from reconcile.live.connect import onlooking
from reconcile.live.resolve import LiveState
from reconcile.live.target import Target

_Proof = TypeVar("_Proof")

PAUSE_S = 0.02
"""Before a look, unless somebody waits for it: until then the next rows are on their way, and need no core for it."""


@dataclass(frozen=True, slots=True)
class Written:
    """
    A piece that is written: its rows as they were before, how to look at them now, the seconds of writing, and which
    ids are there, where somebody has asked.
    """

    piece: Piece
    before: LiveState
    look: Callable[[Connection], Resolve]
    writing_s: float = 0.0
    highest: Highest | None = None

    def live(self, connection: Connection) -> LiveState:
        """Look at the rows as the connection sees them."""
        return self.look(connection)(server_weights(connection))


Prove = Callable[[Written, LiveState], _Proof]
"""Gives the proof that rows are as planned, or raises ReconcileError."""


@dataclass(slots=True)
class Proving(Generic[_Proof]):
    """
    Proves one piece at a time. Without an `onlooker`, as on SQLite, the rows are read over the connection that writes.

    The onlooker sees what others have not committed either: what it finds wrong is looked at again over the connection
    that writes, which has the last word.
    """

    connection: Connection
    onlooker: Connection | None
    weigh: Weigh
    prove: Prove[_Proof]
    thread: Executor
    pause_s: float = PAUSE_S
    _waiting: list[tuple[Written, Future[_Proof], Event]] = field(default_factory=list)

    def then(self, written: Written) -> list[_Proof]:
        """Give the proof of the piece before, if there is one, and begin with this one."""
        done, hurry = self.rest(), Event()
        if self.onlooker is None:
            found = written.look(self.connection)
            proof = self.thread.submit(lambda: self.prove(written, found(self.weigh)))
        else:
            proof = self.thread.submit(self._look, written, self.onlooker, hurry)
        self._waiting = [(written, proof, hurry)]
        return done

    def _look(self, written: Written, onlooker: Connection, hurry: Event) -> _Proof:
        hurry.wait(self.pause_s)
        return self.prove(written, written.live(onlooker))

    def rest(self) -> list[_Proof]:
        """
        Give the proof that is still waited for.

        Raises:
            ReconcileError: the rows are not as planned.

        """
        for _, _, hurry in self._waiting:
            hurry.set()
        done = [self._end(written, proof) for written, proof, _ in self._waiting]
        self._waiting = []
        return done

    def _end(self, written: Written, proof: Future[_Proof]) -> _Proof:
        try:
            return proof.result()
        except (ReconcileError, DBAPIError):
            if self.onlooker is None:
                raise
        self.onlooker = None
        return self.prove(written, written.live(self.connection))


@contextmanager
def proving(connection: Connection, target: Target, engine: Engine, prove: Prove[_Proof]) -> Iterator[Proving[_Proof]]:
    """Give what proves the pieces that *connection* writes; it ends with the block."""
    with onlooking(target, engine) as onlooker, ThreadPoolExecutor(1) as thread:
        yield Proving(connection, onlooker, elsewhere(target, engine), prove, thread)
