"""What a server says of itself: version, switches, clock, the connection's protection. Reads, sets nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

_VARIABLES = (
    "innodb_lock_wait_timeout",
    "innodb_read_only",
    "local_infile",
    "max_allowed_packet",
    "offline_mode",
    "read_only",
    "sql_mode",
    "super_read_only",
    "system_time_zone",
    "time_zone",
    "wait_timeout",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """A server's settings as one connection sees them; `variables` are the global ones that this server has."""

    version: str
    account: str
    database: str
    cipher: str
    clock_skew: timedelta
    variables: dict[str, str]

    @property
    def is_mariadb(self) -> bool:
        """MariaDB says so in its version. Source: MariaDB documentation, "VERSION"."""
        return "mariadb" in self.version.lower()

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of the version."""
        numbers = self.version.split("-")[0].split(".")
        return tuple(int(number) for number in numbers if number.isdecimal())

    def is_on(self, name: str) -> bool:
        """Say whether a switch is on; one that this server does not have is off."""
        return self.variables.get(name, "OFF").upper() not in {"OFF", "0", "FALSE", ""}


def read_settings(connection: Connection) -> Settings:
    """
    Read the settings with statements that need no right at all.

    Source: MySQL manual, "SHOW VARIABLES Statement" and "Server Status Variables" (Ssl_cipher).
    """
    names = ", ".join(f"'{name}'" for name in _VARIABLES)
    rows = connection.exec_driver_sql(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")
    variables = {str(name): str(value) for name, value in rows}
    cipher = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'").one_or_none()
    asked = datetime.now(UTC)
    version, account, database, clock = connection.exec_driver_sql(
        "SELECT VERSION(), CURRENT_USER(), DATABASE(), UTC_TIMESTAMP(6)"
    ).one()
    answered = datetime.now(UTC)
    # The server looked at its clock somewhere between our two looks at ours.
    middle = asked + (answered - asked) / 2
    return Settings(
        version=str(version),
        account=str(account),
        database=str(database or ""),
        cipher=str(cipher[1]) if cipher else "",
        clock_skew=clock.replace(tzinfo=UTC) - middle,
        variables=variables,
    )
