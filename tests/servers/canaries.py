"""Secrets that can be recognised wherever they turn up, however they are written there."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote, quote_plus

from reconcile.journal import uncompress
from tests.servers.target import Target

DATABASE = "kanari:1/d#b%21é\"x'"
"""A password of a database's account that no place can hold without quoting it somehow."""
ACCOUNT = "kanari-2 <qa>&\"y'"
"""A password of the declared accounts."""
PREFIX = "kanari"
"""No quoting changes it, so that a part of either is recognised too."""


def spellings(secret: str) -> set[str]:
    """Give *secret* as URLs, JSON, HTML and Python write it."""
    html = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], html}


def found_in(texts: Mapping[str, str], secrets: Iterable[str]) -> list[str]:
    """Name the texts that hold one of *secrets*, in any spelling."""
    wanted = {spelling for secret in secrets for spelling in spellings(secret)}
    return [name for name, text in texts.items() if any(secret in text for secret in wanted)]


def hashes(target: Target) -> set[str]:
    """Give the hashes of passwords that the accounts have."""
    found = {str(cell) for (cell,) in target.rows("SELECT `loginMethod` FROM users WHERE `loginMethod` IS NOT NULL")}
    return {cell for cell in found if cell.startswith("$2")}


def journaled(target: Target) -> dict[str, str]:
    """Give the journal's two tables as texts, what is packed there also unpacked."""
    texts = {"reconcile_runs": str(target.rows("SELECT * FROM reconcile_runs"))}
    for number, row in enumerate(target.rows("SELECT * FROM reconcile_changes")):
        cells = row._mapping
        texts[f"reconcile_changes {number}"] = str(cells)
        texts[f"payload {number}"] = cells["payload"].decode("latin-1")
        texts[f"unpacked payload {number}"] = uncompress(cells["payload"]).decode()
    return texts


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """Give the URL of a web server on loopback and the list of what it is sent, headers included."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(f"{self.headers}{self.rfile.read(int(self.headers['Content-Length'])).decode()}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    web = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{web.server_address[1]}/", heard
    finally:
        web.shutdown()
        thread.join()
        web.server_close()
