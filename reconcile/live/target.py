"""Which database a run is about: a URL as operators and hosting providers write it, made safe to print."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.live.address import Address, parse_address

EMBEDDED_DEFAULT = "sqlite:///terp.db"
DRIVERS = ("auto", "pymysql", "mysqlclient")
LOCAL_SOCKET = "localhost"
_DRIVER_VARIABLE = "RECONCILE_DRIVER"
_DRIVER_OF = {"pymysql": "pymysql", "mysqldb": "mysqlclient"}
"""What a SQLAlchemy URL calls a driver, and what it is called elsewhere."""

_TLS_KEYS = {"ssl-mode", "ssl_mode", "sslmode", "ssl", "ssl-ca", "ssl_ca", "sslrootcert"}
_TIMEOUT_KEYS = ("read-timeout", "read_timeout", "socket_timeout")
_TLS_MODES = {
    "DISABLED": "DISABLED",
    "DISABLE": "DISABLED",
    "FALSE": "DISABLED",
    "0": "DISABLED",
    "PREFERRED": "PREFERRED",
    "PREFER": "PREFERRED",
    "REQUIRED": "REQUIRED",
    "REQUIRE": "REQUIRED",
    "TRUE": "REQUIRED",
    "1": "REQUIRED",
    "VERIFY_CA": "VERIFY_CA",
    "VERIFY-CA": "VERIFY_CA",
    "VERIFY_IDENTITY": "VERIFY_IDENTITY",
    "VERIFY-IDENTITY": "VERIFY_IDENTITY",
    "VERIFY-FULL": "VERIFY_IDENTITY",
}


@dataclass(frozen=True, slots=True)
class Target:
    """
    One database: where it is, how the connection is protected, and which setting named it.

    `url` carries the password and is never shown; `str(target)` is what people read. `read_timeout_s` is how long an
    answer of the server may take, None without end. `driver` is the one of `DRIVERS` that was asked for, by
    `driver_origin`.
    """

    url: Address
    origin: str
    tls_mode: str = "PREFERRED"
    tls_ca: str | None = None
    ignored: tuple[str, ...] = ()
    read_timeout_s: int | None = None
    driver: str = "auto"
    driver_origin: str = "default"

    @property
    def is_sqlite(self) -> bool:
        return self.url.drivername == "sqlite"

    @property
    def demands_tls(self) -> bool:
        """Whether a connection without TLS is refused."""
        return self.tls_mode in {"REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"}

    @property
    def verifies_server(self) -> bool:
        """Whether the server's certificate is looked at."""
        return self.tls_mode in {"VERIFY_CA", "VERIFY_IDENTITY"}

    @property
    def database(self) -> str:
        """The name an operator knows the database by: the schema, or the file."""
        return self.url.database or ":memory:"

    def __str__(self) -> str:
        if self.is_sqlite:
            return f"sqlite file {self.database}"
        return f"schema {self.database} on {self.url.host or 'localhost'}:{self.url.port or 3306}"


def choose(given: str | None, environment: Mapping[str, str], dotenv: Mapping[str, str]) -> Target:
    """
    Pick the target: the flag, then RECONCILE_DATABASE_URL, then DATABASE_URL, then the embedded default.

    Each variable is looked up in *environment* and then in *dotenv*; an empty one counts as not set. RECONCILE_DRIVER
    names the driver where the URL does not.

    Raises:
        ReconcileError: the URL or the driver's name cannot be used; exit code 64.

    """
    target = _choose_url(given, environment, dotenv)
    if target.is_sqlite or target.driver_origin != "default":
        return target
    name = environment.get(_DRIVER_VARIABLE) or dotenv.get(_DRIVER_VARIABLE)
    return _driven(target, name, "environment" if environment.get(_DRIVER_VARIABLE) else ".env") if name else target


def _driven(target: Target, name: str, place: str) -> Target:
    origin = f"{_DRIVER_VARIABLE} in {place if place.startswith('.') else f'the {place}'}"
    if name not in DRIVERS:
        fix = f"use one of {', '.join(DRIVERS)}"
        finding = Finding(what="the driver's name is unknown", where=origin, why=f"it is {name!r}", fix=fix)
        raise ReconcileError([finding], ExitCode.USAGE)
    return replace(target, driver=name, driver_origin=origin)


def _choose_url(given: str | None, environment: Mapping[str, str], dotenv: Mapping[str, str]) -> Target:
    if given:
        return parse(given, "--database-url")
    for name in ("RECONCILE_DATABASE_URL", "DATABASE_URL"):
        if environment.get(name):
            return parse(environment[name], f"{name} in the environment")
        if dotenv.get(name):
            return parse(dotenv[name], f"{name} in .env")
    return parse(EMBEDDED_DEFAULT, "embedded default, no DATABASE_URL is set")


def parse(text: str, origin: str) -> Target:
    """
    Read a `mysql://`, `mariadb://` or `sqlite:///` URL; `mysql+pymysql://` and `mysql+mysqldb://` choose the driver.

    TLS settings are taken from the query as providers write them (`ssl-mode`, `sslmode`, `ssl`, `ssl-ca`), and how
    many seconds to wait for an answer (`read-timeout`); other query settings are another client's and are ignored by
    name.

    Raises:
        ReconcileError: not such a URL; exit code 64. The message never repeats the URL, which may hold a password.

    """
    if text.count("@") > 1 and not text.lstrip().startswith("sqlite"):
        # Read all the same, a part of the password could pass for the host or the database, and be shown.
        raise _unusable(origin, "its user or password holds the character @", "write each @ in them as %40")
    try:
        url = parse_address(text.strip())
    except ValueError:
        raise _unusable(origin, "it does not read as a URL", "write mysql://USER:PASSWORD@HOST:PORT/DATABASE") from None
    match url.drivername:
        case "sqlite" | "sqlite+pysqlite":
            if not url.database:
                raise _unusable(origin, "it names no database file", "write sqlite:///FILE")
            return Target(Address("sqlite", database=url.database), origin)
        case "mysql" | "mariadb":
            return _server_target(url, origin)
        case "mysql+pymysql" | "mysql+mysqldb" | "mariadb+pymysql" | "mariadb+mysqldb":
            chosen = _DRIVER_OF[url.drivername.split("+")[1]]
            return replace(_server_target(url, origin), driver=chosen, driver_origin="the URL")
        case other:
            raise _unusable(
                origin, f"{other} is not a kind of server that is supported", "use a mysql:// or sqlite:/// URL"
            )


def _server_target(url: Address, origin: str) -> Target:
    if not url.database:
        raise _unusable(origin, "it names no database", "add /DATABASE after the host")
    settings = url.query
    timeout = next((settings[n] for n in _TIMEOUT_KEYS if n in settings), None)
    if timeout is not None and not (timeout.isdecimal() and int(timeout)):
        raise _unusable(origin, f"read-timeout {timeout!r} is no number of seconds", "write a whole number from 1 up")
    authority = next((settings[n] for n in ("ssl-ca", "ssl_ca", "sslrootcert") if settings.get(n)), None)
    return Target(
        url.without_query("mysql+pymysql"),
        origin,
        tls_mode=_tls_mode(settings, origin, has_authority=authority is not None),
        tls_ca=authority,
        ignored=tuple(sorted(set(settings) - _TLS_KEYS - set(_TIMEOUT_KEYS))),
        read_timeout_s=int(timeout) if timeout else None,
    )


def _tls_mode(settings: Mapping[str, str], origin: str, *, has_authority: bool) -> str:
    """
    Give the mode that the URL asks for; an authority without a mode means that the server is to be verified by it.

    A `ssl` that is JSON is the option of the Node.js client, which verifies the host's name too unless it is told not
    to. Source: Node.js manual, "tls.connect" (rejectUnauthorized).
    """
    asked = next((settings[n] for n in ("ssl-mode", "ssl_mode", "sslmode") if n in settings), None)
    switch = settings.get("ssl")
    if asked is None and switch is not None:
        asked = _node_mode(switch) or switch
        if _TLS_MODES.get(asked.upper()) == "REQUIRED" and has_authority and asked == switch:
            return "VERIFY_CA"
    if asked is None:
        return "VERIFY_CA" if has_authority else "PREFERRED"
    mode = _TLS_MODES.get(asked.upper())
    if mode is None:
        fix = "use DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY"
        raise _unusable(origin, f"TLS mode {asked!r} is unknown", fix)
    return mode


def _node_mode(text: str) -> str | None:
    """Read `{"rejectUnauthorized": true}`; None for anything else."""
    try:
        options = json.loads(text)
    except ValueError:
        return None
    if not isinstance(options, dict):
        return None
    return "REQUIRED" if options.get("rejectUnauthorized") is False else "VERIFY_IDENTITY"


def tls_arguments(target: Target) -> dict[str, object]:
    """
    Give the driver's TLS arguments for the target's mode.

    From REQUIRED on the driver refuses a server without TLS before it sends a password; below it, the driver
    uses TLS where the server offers it.

    Raises:
        ReconcileError: the certificate authority's file cannot be read; exit code 64.

    """
    match target.tls_mode:
        case "DISABLED":
            return {"ssl_disabled": True}
        case "REQUIRED" | "VERIFY_CA" | "VERIFY_IDENTITY":
            try:
                context = ssl.create_default_context(cafile=target.tls_ca)
            except OSError as error:
                why = f"ssl-ca {target.tls_ca} cannot be read as certificates: {error.strerror or error}"
                raise _unusable(target.origin, why, "name a PEM file with the authority's certificate") from error
            # Authorities of hosting providers leave out what this flag asks for. Source: Python manual, "ssl", 3.13.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            context.check_hostname = target.tls_mode == "VERIFY_IDENTITY"
            if target.tls_mode == "REQUIRED":
                context.verify_mode = ssl.CERT_NONE
            return {"ssl": context}
        case _:
            return {}


def _unusable(origin: str, why: str, fix: str) -> ReconcileError:
    return ReconcileError(
        [Finding(what="the database URL cannot be used", where=origin, why=why, fix=fix)], ExitCode.USAGE
    )
