"""Which driver reads: the one asked for, or mysqlclient where its library does all that the URL asks for."""

from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

from reconcile.errors import ExitCode, ReconcileError
from reconcile.live.drivers import Driver, Library, library_of, reading
from reconcile.live.mysqlclient import connect_arguments
from reconcile.live.target import choose, parse

URL = "mysql://erp:s3cret@db.example/erp"


class _NotSupported(Exception):
    """What mysqlclient raises for an option that its library lacks."""


def fake(error: Exception) -> ModuleType:
    """Give a stand-in for the driver that refuses to connect with *error*."""

    def connect(**_: object) -> None:
        raise error

    return cast("ModuleType", SimpleNamespace(connect=connect, NotSupportedError=_NotSupported))


@pytest.mark.parametrize(
    ("error", "library"),
    [
        (_NotSupported("local_infile_dir is not supported"), Library.MARIADB),
        (_NotSupported("Unknown ssl_mode specification"), Library.MYSQL),
        (TypeError("'local_infile_dir' is an invalid keyword argument"), Library.MARIADB),
    ],
)
def test_the_library_is_told_by_what_it_refuses(error: Exception, library: Library) -> None:
    """Not by its version: both count theirs for themselves. One that is not known is taken for the lesser."""
    assert library_of(fake(error)) is library


@pytest.mark.parametrize(
    ("query", "libraries"),
    [
        ("", {Library.MYSQL}),
        ("?ssl-mode=DISABLED", {Library.MYSQL}),
        ("?ssl-mode=REQUIRED", {Library.MYSQL}),
        ("?ssl-mode=VERIFY_CA", set()),
        ("?ssl-mode=VERIFY_CA&ssl-ca=ours.pem", {Library.MYSQL}),
        ("?ssl-mode=VERIFY_IDENTITY", set()),
        ("?ssl-mode=VERIFY_IDENTITY&ssl-ca=ours.pem", {Library.MYSQL, Library.MARIADB}),
    ],
)
def test_a_library_reads_only_where_it_holds_what_the_url_asks_for(query: str, libraries: set[Library]) -> None:
    target = parse(URL + query, "the test")

    assert {library for library in Library if reading(target, library).driver is Driver.MYSQLCLIENT} == libraries
    assert reading(target, None).driver is Driver.PYMYSQL


def test_localhost_is_a_name_that_only_pymysql_reaches_by_tcp() -> None:
    for url in ("mysql://localhost/erp", "mysql:///erp"):
        assert reading(parse(url, "the test"), Library.MYSQL).driver is Driver.PYMYSQL


@pytest.mark.parametrize("scheme", ["mysql+pymysql", "mariadb+pymysql"])
def test_a_url_may_name_pymysql(scheme: str) -> None:
    target = choose(URL.replace("mysql", scheme), {"RECONCILE_DRIVER": "mysqlclient"}, {})

    assert target.driver_origin == "the URL"
    assert reading(target, Library.MYSQL).driver is Driver.PYMYSQL


@pytest.mark.parametrize("library", [None, Library.MARIADB])
def test_mysqlclient_by_name_is_used_or_refused(library: Library | None) -> None:
    """Never quietly the other one."""
    for target in (
        parse(URL.replace("mysql", "mysql+mysqldb"), "the test"),
        parse(URL.replace("mysql", "mariadb+mysqldb"), "the test"),
        choose(URL, {"RECONCILE_DRIVER": "mysqlclient"}, {}),
    ):
        assert reading(target, Library.MYSQL).driver is Driver.MYSQLCLIENT
        with pytest.raises(ReconcileError) as refused:
            reading(target, library)
        assert (refused.value.exit_code, "s3cret" in str(refused.value.findings)) == (ExitCode.USAGE, False)


def test_the_driver_comes_from_the_environment_then_dotenv() -> None:
    name = "RECONCILE_DRIVER"

    assert choose(URL, {}, {}).driver == "auto"
    assert choose(URL, {name: "pymysql"}, {name: "auto"}).driver_origin == f"{name} in the environment"
    assert choose(URL, {name: ""}, {name: "pymysql"}).driver_origin == f"{name} in .env"
    assert choose("sqlite:///erp.db", {name: "nonsense"}, {}).driver == "auto"
    with pytest.raises(ReconcileError, match="driver's name is unknown") as refused:
        choose(URL, {name: "mysqldb"}, {})
    assert refused.value.exit_code is ExitCode.USAGE


def test_mysqlclient_is_given_no_certificate_that_the_mode_does_not_ask_for() -> None:
    """One that it is given it verifies by, whatever the mode says."""
    required = parse(f"{URL}?ssl-mode=REQUIRED&ssl-ca=ours.pem&read-timeout=7", "the test")
    verified = parse(f"{URL}?ssl-mode=VERIFY_CA&ssl-ca=ours.pem", "the test")

    asked = connect_arguments(required)
    assert (asked["ssl_mode"], asked["read_timeout"], "ssl" in asked, asked["local_infile"]) == (
        "REQUIRED",
        7,
        False,
        0,
    )
    asked = connect_arguments(verified)
    assert (asked["ssl"], "read_timeout" in asked) == ({"ca": "ours.pem"}, False)
