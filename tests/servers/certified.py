"""A server of its own with a certificate, for the tests of TLS."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import trustme

from tests.facts import CHECKOUT, unmet
from tests.servers.installation import Engine, NotInstalled, find
from tests.servers.server import Server, launch


@contextmanager
def certified(engine: Engine, authority: trustme.CA, host: str) -> Iterator[Server]:
    """Start a server to which *authority* gave a certificate for *host*, and an empty database `erp`; end it."""
    issued = authority.issue_cert(host)
    try:
        installation = find(engine, CHECKOUT)
    except NotInstalled as missing:
        unmet(str(missing))
    files = {
        "authority.pem": authority.cert_pem.bytes(),
        "certificate.pem": b"".join(blob.bytes() for blob in issued.cert_chain_pems),
        "key.pem": issued.private_key_pem.bytes(),
    }
    with closing(launch(installation, files=files)) as server:
        server.create_database("erp")
        yield server
