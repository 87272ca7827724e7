"""A server that is none: it greets as MySQL does, may speak TLS, and keeps every byte that a client sends it."""

import socket
import ssl
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

_PROTOCOL_41, _TLS, _SECURE, _PLUGIN = 0x0200, 0x0800, 0x8000, 0x80000
_SALT = b"0123456789abcdefghij"
_WELCOME = b"\0\0\0\x02\0\0\0"
_PATIENCE_S = 5.0


@dataclass(slots=True)
class Impostor:
    """
    Listens on 127.0.0.1 for one client after another.

    Without *context* it offers no TLS. With *asks_for* it answers a login by asking for the password by that plugin;
    with *wants* it lets everybody in and answers the first thing that it is asked by asking for that file.
    Source: MySQL internals, "Protocol::HandshakeV10", "Protocol::AuthSwitchRequest" and "LOCAL INFILE Request".
    """

    context: ssl.SSLContext | None = None
    asks_for: str | None = None
    wants: str | None = None
    heard: bytes = b""
    """What clients have said; over TLS, what they meant."""
    _listener: socket.socket = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A thread that waits in accept() is not woken by close().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_PATIENCE_S)

    def url(self, user: str, password: str, query: str) -> str:
        """Give the URL of a database that is not there."""
        return f"mysql://{user}:{password}@127.0.0.1:{self._listener.getsockname()[1]}/erp?{query}"

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.settimeout(_PATIENCE_S)
            with client, suppress(OSError):
                self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        client.sendall(_packet(0, self._greeting()))
        if self.context is None:
            self._listen(client)
            return
        self.heard += client.recv(36)  # the request for TLS, which names nobody
        with self.context.wrap_socket(client, server_side=True) as protected:
            self._listen(protected)

    def _listen(self, client: socket.socket) -> None:
        answers = iter([_WELCOME, b"\xfb" + self.wants.encode()]) if self.wants is not None else None
        while data := client.recv(4096):
            self.heard += data
            if answers is not None:
                if (answer := next(answers, None)) is None:
                    return
                client.sendall(_packet(data[3] + 1, answer))
            elif self.asks_for is not None:
                client.sendall(_packet(data[3] + 1, b"\xfe" + self.asks_for.encode() + b"\0" + b"\x04Password: "))

    def _greeting(self) -> bytes:
        able = _PROTOCOL_41 | _SECURE | _PLUGIN | (_TLS if self.context is not None else 0)
        return b"".join(
            [
                b"\x0a8.0.99\0",
                struct.pack("<I", 1),
                _SALT[:8] + b"\0",
                struct.pack("<HBHH", able & 0xFFFF, 45, 2, able >> 16),
                bytes([21]) + b"\0" * 10,
                _SALT[8:] + b"\0",
                b"mysql_native_password\0",
            ]
        )


def _packet(number: int, content: bytes) -> bytes:
    return struct.pack("<I", len(content))[:3] + bytes([number]) + content
