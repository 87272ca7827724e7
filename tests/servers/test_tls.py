"""TLS as the URL asks for it: really used, verified against an authority, and nobody else is told the password."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.servers.certified import certified
from tests.servers.impostor import Impostor
from tests.servers.installation import Engine
from tests.servers.ledgers import DAYS, STATE, apply_day
from tests.servers.operating import Result, run
from tests.servers.server import APPLICATION_PASSWORD, Server
from tests.servers.target import Target

CIPHER = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"
REFUSED = "error: the connection cannot be protected as asked"
PASSWORD = "n0body-else-is-told"
ANOTHER_NAME = ("IP address mismatch", "certificate verify failed", "Validation of SSL server certificate failed")
"""What pymysql, libmysqlclient and Connector/C say of a certificate for another name."""
NOT_TRUSTED = ("certificate verify failed", "unable to get local issuer", "self-signed certificate")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority of our own."""
    return trustme.CA()


@pytest.fixture(scope="module")
def folder(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the authority's certificate, and with that of another one."""
    folder = tmp_path_factory.mktemp("authorities")
    authority.cert_pem.write_to_path(folder / "ours.pem")
    trustme.CA().cert_pem.write_to_path(folder / "another.pem")
    return folder


@pytest.fixture(scope="module")
def secured(engine: Engine, authority: trustme.CA) -> Iterator[Server]:
    """A server with a certificate for localhost and not for 127.0.0.1, and an empty database `erp`."""
    with certified(engine, authority, "localhost") as server:
        yield server


def ask(server: Server, query: str, host: str = "127.0.0.1") -> Result:
    """Ask which cipher the connection is protected by."""
    url = server.url("erp").replace("127.0.0.1", host)
    return run("query", CIPHER, "--format", "json", "--database-url", f"{url}{query and '?'}{query}")


def cipher(result: Result) -> str:
    """Give the cipher, empty where there is none."""
    assert result.code == 0, result.err
    return str(result.document["rows"][0][1])


def assert_refused(result: Result, *why: str) -> None:
    """Hold that one finding says why, in one driver's words or another's, and that no password is in it."""
    errors = [line for line in result.err.splitlines() if line.startswith("error")]
    assert (result.code, errors) == (1, [REFUSED])
    assert any(words in result.err for words in why), result.err
    assert "no password was sent" in result.err
    assert not any(secret in result.out + result.err for secret in (APPLICATION_PASSWORD, PASSWORD))


@pytest.mark.parametrize(
    "query",
    ["", "ssl-mode=PREFERRED", "ssl-mode=REQUIRED", "sslmode=require", "ssl=true", 'ssl={"rejectUnauthorized":false}'],
)
def test_tls_is_used_where_it_is_offered(secured: Server, query: str) -> None:
    """However a hosting provider spells it, and by default; `doctor` says so too."""
    assert cipher(ask(secured, query)).startswith(("TLS_", "ECDHE"))


def test_tls_is_not_used_where_the_url_says_so(secured: Server) -> None:
    assert cipher(ask(secured, "ssl-mode=DISABLED")) == ""


@pytest.mark.parametrize(
    "query", ["ssl-mode=VERIFY_CA&ssl-ca={}", "sslmode=verify-ca&sslrootcert={}", "ssl-ca={}", "ssl=true&ssl-ca={}"]
)
def test_a_server_of_the_authority_is_trusted_and_no_other(secured: Server, folder: Path, query: str) -> None:
    """An authority without a mode asks for verification: it would be of no use otherwise."""
    assert cipher(ask(secured, query.format(folder / "ours.pem")))
    assert_refused(ask(secured, query.format(folder / "another.pem")), "certificate verify failed")


@pytest.mark.parametrize("query", ["ssl-mode=VERIFY_CA", "ssl-mode=VERIFY_IDENTITY", 'ssl={"rejectUnauthorized":true}'])
def test_without_an_authority_those_of_the_system_count(secured: Server, query: str) -> None:
    """They have not signed this server's certificate."""
    assert_refused(ask(secured, query, "localhost"), "certificate verify failed")


def test_the_host_must_be_the_one_that_the_certificate_names(secured: Server, folder: Path) -> None:
    query = f"ssl-mode=VERIFY_IDENTITY&ssl-ca={folder / 'ours.pem'}"

    assert cipher(ask(secured, query, "localhost"))
    assert_refused(ask(secured, query, "127.0.0.1"), *ANOTHER_NAME)


def test_doctor_says_whether_the_connection_is_protected(secured: Server) -> None:
    for query, expected in (
        ("ssl-mode=REQUIRED", "the connection is encrypted"),
        ("ssl-mode=DISABLED", "the connection is not encrypted"),
    ):
        assert expected in run("doctor", "--database-url", secured.url("erp") + f"?{query}").out


def test_every_connection_of_a_run_is_protected(secured: Server) -> None:
    """That of the run lock too: the account may not connect otherwise."""
    secured.create_database("ledger")
    password = secured.create_account("careful", "ALL PRIVILEGES ON `ledger`.*", "PROCESS ON *.*")
    secured.execute("ALTER USER 'careful'@'%' REQUIRE SSL")
    target = Target(secured.engine, "ledger", secured.url("ledger", "careful", password), secured)
    assert run("schema", "create", *STATE, "--database-url", target.url).code == 0

    done = apply_day(target, DAYS[0])
    refused = apply_day(target, DAYS[1], url=f"{target.url}?ssl-mode=DISABLED")

    assert done.code == 0, done.err
    assert (refused.code, "error: access denied" in refused.err) == (1, True)


def test_a_server_that_demands_tls_refuses_others(secured: Server) -> None:
    """MySQL says why; MariaDB denies access and keeps the reason to itself."""
    secured.execute("SET GLOBAL require_secure_transport = ON")
    try:
        refused, served = ask(secured, "ssl-mode=DISABLED"), ask(secured, "ssl-mode=REQUIRED")
    finally:
        secured.execute("SET GLOBAL require_secure_transport = OFF")

    told = "access denied" if secured.engine == "mariadb" else "the server takes no connection without TLS"
    assert (refused.code, refused.err.splitlines()[1]) == (1, f"error: {told}")
    assert cipher(served)


def test_a_plain_server_is_told_nothing_where_tls_is_demanded(folder: Path) -> None:
    """Not even who is asking: the refusal comes before the first byte."""
    demanding = ("ssl-mode=REQUIRED", "sslmode=require", "ssl=true", "ssl-mode=VERIFY_CA", "ssl-mode=VERIFY_IDENTITY")
    for query in (*demanding, f"ssl-ca={folder / 'ours.pem'}"):
        with Impostor() as impostor:
            result = run("query", "counts", "--database-url", impostor.url("erp", PASSWORD, query))

        assert_refused(result, "SSL is required")
        assert impostor.heard == b"", query


@pytest.mark.parametrize(
    ("host", "mode", "file", "why"),
    [
        ("127.0.0.1", "VERIFY_CA", "another.pem", NOT_TRUSTED),
        ("127.0.0.1", "VERIFY_IDENTITY", "another.pem", NOT_TRUSTED),
        ("db.example", "VERIFY_IDENTITY", "ours.pem", ANOTHER_NAME),
    ],
)
def test_a_false_server_with_tls_is_not_told_who_is_asking(
    authority: trustme.CA, folder: Path, host: str, mode: str, file: str, why: tuple[str, ...]
) -> None:
    """It hears the request for TLS, which is 36 bytes without a name, and then nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    with Impostor(context) as impostor:
        url = impostor.url("erp", PASSWORD, f"ssl-mode={mode}&ssl-ca={folder / file}")
        result = run("query", "counts", "--database-url", url)

    assert_refused(result, *why)
    assert len(impostor.heard) == 36
    assert b"erp" not in impostor.heard


@pytest.mark.parametrize("plugin", ["mysql_clear_password", "dialog"])
@pytest.mark.parametrize("query", ["", "ssl-mode=DISABLED"])
def test_a_server_that_asks_for_the_password_itself_does_not_get_it(plugin: str, query: str) -> None:
    """Whoever stands in the way could ask so; over a plain line the password would be his."""
    with Impostor(asks_for=plugin) as impostor:
        result = run("query", "counts", "--database-url", impostor.url("erp", PASSWORD, query))

    assert_refused(result, "asks for the password in clear text")
    assert b"erp" in impostor.heard
    assert PASSWORD.encode() not in impostor.heard
