"""Targets: URLs as operators and providers write them; no password in anything that is shown."""

import ssl

import pytest

from reconcile.errors import ExitCode, ReconcileError
from reconcile.live.address import Address
from reconcile.live.target import EMBEDDED_DEFAULT, Target, choose, parse, tls_arguments

SERVER = "mysql://user:s3cret@db.example:3307/shop"


def refused(url: str) -> ReconcileError:
    with pytest.raises(ReconcileError) as error:
        parse(url, "the test")
    return error.value


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql", "mysql+mysqldb", "mariadb", "mariadb+pymysql"])
def test_every_spelling_of_a_server_is_written_to_by_one_driver(scheme: str) -> None:
    target = parse(f"{scheme}://user:s3cret@db.example:3307/shop", "the test")

    assert target.url.drivername == "mysql+pymysql"
    assert (target.url.username, target.url.password, target.url.host, target.url.port, target.url.database) == (
        "user",
        "s3cret",
        "db.example",
        3307,
        "shop",
    )
    assert not target.is_sqlite


def test_spaces_around_a_url_do_not_count() -> None:
    """As a pasted line ends."""
    assert parse(f" {SERVER}\n", "the test").database == "shop"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (SERVER, "schema shop on db.example:3307"),
        ("mysql://user@db.example/shop", "schema shop on db.example:3306"),
        ("mysql:///shop", "schema shop on localhost:3306"),
        ("sqlite:///shop.db", "sqlite file shop.db"),
        ("sqlite+pysqlite:////data/shop.db", "sqlite file /data/shop.db"),
    ],
)
def test_people_read_where_the_database_is(url: str, expected: str) -> None:
    assert expected == str(parse(url, "the test"))


def test_a_target_in_memory_has_a_name_too() -> None:
    assert str(Target(Address("sqlite"), "the test")) == "sqlite file :memory:"


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("", "PREFERRED"),
        ("?ssl-mode=REQUIRED", "REQUIRED"),
        ("?ssl_mode=required", "REQUIRED"),
        ("?sslmode=require", "REQUIRED"),
        ("?ssl=true", "REQUIRED"),
        ("?ssl=1", "REQUIRED"),
        ("?sslmode=prefer", "PREFERRED"),
        ("?ssl-mode=PREFERRED", "PREFERRED"),
        ("?ssl-mode=DISABLED", "DISABLED"),
        ("?sslmode=disable", "DISABLED"),
        ("?ssl=false", "DISABLED"),
        ("?ssl=0", "DISABLED"),
        ("?ssl-mode=VERIFY_CA", "VERIFY_CA"),
        ("?sslmode=verify-ca", "VERIFY_CA"),
        ("?ssl-mode=VERIFY_IDENTITY", "VERIFY_IDENTITY"),
        ("?sslmode=verify-full", "VERIFY_IDENTITY"),
        ("?ssl-mode=DISABLED&ssl-mode=REQUIRED", "REQUIRED"),
        ("?ssl=false&ssl-mode=REQUIRED", "REQUIRED"),
        ("?ssl-ca=ca.pem", "VERIFY_CA"),
        ("?ssl=true&ssl-ca=ca.pem", "VERIFY_CA"),
        ("?ssl=false&ssl-ca=ca.pem", "DISABLED"),
        ("?ssl-mode=REQUIRED&ssl-ca=ca.pem", "REQUIRED"),
        ("?ssl-ca=", "PREFERRED"),
        ('?ssl={"rejectUnauthorized":true}', "VERIFY_IDENTITY"),
        ("?ssl=%7B%22rejectUnauthorized%22%3Afalse%7D&ssl-ca=ca.pem", "REQUIRED"),
        ("?ssl={}", "VERIFY_IDENTITY"),
    ],
)
def test_tls_modes_are_read_as_providers_write_them(query: str, mode: str) -> None:
    target = parse(SERVER + query, "the test")

    assert (mode, ()) == (target.tls_mode, target.ignored)


@pytest.mark.parametrize("name", ["ssl-ca", "ssl_ca", "sslrootcert"])
def test_the_certificate_authority_is_taken(name: str) -> None:
    assert parse(f"{SERVER}?ssl-mode=VERIFY_CA&{name}=ca.pem", "the test").tls_ca == "ca.pem"


def test_settings_of_other_clients_are_ignored_by_name() -> None:
    """And never reach the driver."""
    target = parse(f"{SERVER}?ssl-mode=REQUIRED&connection_limit=5&charset=latin1", "the test")

    assert target.ignored == ("charset", "connection_limit")
    assert dict(target.url.query) == {}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("not a url", "it does not read as a URL"),
        ("mysql://user:s3cret@db.example:port/shop", "it does not read as a URL"),
        ("mysql://user:s3cret@db.example", "it names no database"),
        ("mysql://user:s3cret@db.example/", "it names no database"),
        ("sqlite://", "it names no database file"),
        ("postgresql://user:s3cret@db.example/shop", "postgresql is not a kind of server that is supported"),
        (f"{SERVER}?ssl-mode=SOMETIMES", "TLS mode 'SOMETIMES' is unknown"),
        ("mysql://user:s3cret@again@db.example/shop", "its user or password holds the character @"),
        ("mysql://user:pa@ss/s3cret@db.example/shop", "its user or password holds the character @"),
        ("mysql://user:pa@ss/s3?cret@db.example/shop", "its user or password holds the character @"),
        (f"{SERVER}?ssl=[1]", "TLS mode '[1]' is unknown"),
    ],
)
def test_a_url_that_cannot_be_used_says_why(url: str, why: str) -> None:
    error = refused(url)

    assert error.exit_code == ExitCode.USAGE
    assert [("the database URL cannot be used", "the test", why)] == [
        (finding.what, finding.where, finding.why) for finding in error.findings
    ]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:s3cret@db.example:port/shop",
        "mysql://user:s3cret@db.example",
        "postgresql://user:s3cret@db.example/shop",
        f"{SERVER}?ssl-mode=SOMETIMES",
        "mysql://user:p@s3cret@db.example/shop",
        "mysql://user:p@ss/s3cret@db.example/shop",
    ],
)
def test_an_error_never_shows_the_password(url: str) -> None:
    error = refused(url)

    assert "s3cret" not in str(error)
    assert "s3cret" not in repr(error.findings)
    assert error.__cause__ is None


def test_a_target_never_shows_the_password() -> None:
    target = parse(SERVER, "the test")

    assert "s3cret" not in str(target)
    assert "s3cret" not in repr(target)
    assert "s3cret" not in f"{target!s} {target.url!r} {target.url!s}"


def test_an_encoded_password_is_decoded_for_the_driver() -> None:
    assert parse("mysql://user:p%40s%2Fs@db.example/shop", "the test").url.password == "p@s/s"


FLAG, OWN, COMMON = "sqlite:///flag.db", "sqlite:///own.db", "sqlite:///common.db"


@pytest.mark.parametrize(
    ("given", "environment", "dotenv", "database", "origin"),
    [
        (FLAG, {"RECONCILE_DATABASE_URL": OWN}, {"DATABASE_URL": COMMON}, "flag.db", "--database-url"),
        (
            None,
            {"RECONCILE_DATABASE_URL": OWN, "DATABASE_URL": COMMON},
            {"RECONCILE_DATABASE_URL": COMMON},
            "own.db",
            "RECONCILE_DATABASE_URL in the environment",
        ),
        (None, {"DATABASE_URL": COMMON}, {"RECONCILE_DATABASE_URL": OWN}, "own.db", "RECONCILE_DATABASE_URL in .env"),
        (None, {"DATABASE_URL": COMMON}, {"DATABASE_URL": OWN}, "common.db", "DATABASE_URL in the environment"),
        (None, {}, {"DATABASE_URL": COMMON}, "common.db", "DATABASE_URL in .env"),
        (None, {}, {}, "terp.db", "embedded default, no DATABASE_URL is set"),
        ("", {"DATABASE_URL": ""}, {"DATABASE_URL": ""}, "terp.db", "embedded default, no DATABASE_URL is set"),
    ],
)
def test_the_first_setting_that_is_there_names_the_target(
    given: str | None, environment: dict[str, str], dotenv: dict[str, str], database: str, origin: str
) -> None:
    """Flag, then our own variable, then the common one; each in the environment before .env; then the default."""
    target = choose(given, environment, dotenv)

    assert (database, origin) == (target.database, target.origin)
    assert EMBEDDED_DEFAULT == "sqlite:///terp.db"


def tls(mode: str) -> dict[str, object]:
    return tls_arguments(parse(f"{SERVER}?ssl-mode={mode}", "the test"))


def test_tls_is_offered_unless_it_is_asked_for_or_off() -> None:
    assert tls("PREFERRED") == {}
    assert tls("DISABLED") == {"ssl_disabled": True}


@pytest.mark.parametrize(
    ("mode", "checks_name", "verifies"),
    [
        ("REQUIRED", False, ssl.CERT_NONE),
        ("VERIFY_CA", False, ssl.CERT_REQUIRED),
        ("VERIFY_IDENTITY", True, ssl.CERT_REQUIRED),
    ],
)
def test_required_tls_verifies_as_much_as_its_mode_says(mode: str, checks_name: bool, verifies: ssl.VerifyMode) -> None:
    context = tls(mode)["ssl"]

    assert isinstance(context, ssl.SSLContext)
    assert (checks_name, verifies) == (context.check_hostname, context.verify_mode)


def test_a_target_may_be_a_key() -> None:
    """An engine is kept by it; what its URL asks for beside the place, one of the same place may ask for otherwise."""
    first, again = (parse(f"{SERVER}?ssl-mode=REQUIRED", "the test") for _ in range(2))

    assert {first: "engine"}[again] == "engine"
    assert parse(SERVER, "the test") not in {first}
