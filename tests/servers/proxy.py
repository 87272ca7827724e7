"""A TCP proxy on loopback that breaks a connection on purpose: cuts it, stalls it, or lets only a part through."""

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Self

Direction = Literal["to server", "to client"]
Kind = Literal["cut", "stall", "truncate"]

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Fault:
    """
    What happens to everything that is connected once *after* bytes went in one direction.

    A cut resets all connections at that byte; a truncation delivers nothing more, says so in good order and then
    resets; a stall holds back every byte for some time, without end where *seconds* is None. Whoever connects
    afterwards gets through.
    """

    kind: Kind
    direction: Direction
    after: int
    seconds: float | None = None


@dataclass(slots=True)
class Proxy:
    """Stands before a server on 127.0.0.1; counts the bytes of all its connections together."""

    server_port: int
    fault: Fault | None = None
    passed: dict[Direction, int] = field(default_factory=lambda: {"to server": 0, "to client": 0})
    has_struck: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket = field(init=False)
    _lines: list[socket.socket] = field(default_factory=list)
    _stalled: set[socket.socket] = field(default_factory=set)
    _stalled_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_closed: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed.set()
        self._listener.close()
        self._reset()

    @property
    def port(self) -> int:
        """Where to connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    def _accept(self) -> None:
        while not self._is_closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port))
            except OSError:
                client.close()
                continue
            for line in (client, server):
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._lines += [client, server]
            for source, sink, direction in ((client, server, "to server"), (server, client, "to client")):
                threading.Thread(target=self._pump, args=(source, sink, direction), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, direction: Direction) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                kept = self._strike(source, data, direction)
                sink.sendall(data[:kept])
                if kept < len(data):
                    self._break(sink)
                    return
            # What one side has finished saying, the other hears in good order.
            sink.shutdown(socket.SHUT_WR)

    def _strike(self, source: socket.socket, data: bytes, direction: Direction) -> int:
        """Give how many bytes of *data* get through; hold all of them back during a stall."""
        fault = self.fault
        with self._lock:
            start = self.passed[direction]
            self.passed[direction] = start + len(data)
            strikes = fault is not None and fault.direction == direction and start <= fault.after < start + len(data)
            if fault is not None and strikes:
                self.has_struck.set()
                self._stalled = set(self._lines)
                self._stalled_until = time.monotonic() + (fault.seconds or 0.0)
        if fault is not None and fault.kind == "stall" and source in self._stalled:
            self._hold(fault)
            return len(data)
        return fault.after - start if fault is not None and strikes else len(data)

    def _hold(self, fault: Fault) -> None:
        if fault.seconds is None:
            self._is_closed.wait()
        else:
            time.sleep(max(self._stalled_until - time.monotonic(), 0.0))

    def _break(self, sink: socket.socket) -> None:
        if self.fault is not None and self.fault.kind == "truncate":
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)
            time.sleep(0.05)
        self._reset()

    def _reset(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            with suppress(OSError):
                # No lingering: the other end gets a reset, as from a router that forgot the connection.
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                line.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                line.close()
