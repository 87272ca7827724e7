"""What apply asks before the prompt: rights for exactly the plan, a server that takes writes, who else is at work."""

from collections.abc import Iterator

import pytest

from tests.servers.operating import Result, command, dump
from tests.servers.running import Running
from tests.servers.server import Server
from tests.servers.target import Target

CLUB = ("--state", "tests.unit.cli.club", "--light")


@pytest.fixture
def club(server: Server) -> Iterator[Target]:
    """The empty tables of a small club; on servers only, since SQLite knows no accounts."""
    name = "club_here"
    server.drop_database(name)
    server.create_database(name)
    found = Target(server.engine, name, server.url(name), server)
    assert command(found, "schema", "create", *CLUB[:2]).code == 0
    yield found
    server.drop_database(name)


def limited(server: Server, club: Target, grants: list[str]) -> Target:
    """Give the club as an account reaches it that may read, and do what *grants* say."""
    own = [grant.replace("ON ", f"ON `{club.name}`.") for grant in ["SELECT ON *", *grants]]
    password = server.create_account("limited", *own)
    return Target(club.engine, club.name, server.url(club.name, "limited", password), server)


def apply_as(server: Server, club: Target, grants: list[str], *words: str) -> Result:
    """Apply as an account that may read, and do what *grants* say."""
    return command(limited(server, club, grants), "apply", *CLUB, *words)


INSERTS = ["INSERT ON members", "INSERT ON rooms", "INSERT ON lockers"]


def test_a_plan_that_creates_needs_insert_on_its_tables_and_no_more(server: Server, club: Target) -> None:
    done = apply_as(server, club, INSERTS, "--force", "--no-journal")

    assert done.code == 0, done.err


def test_the_journal_needs_its_two_tables_and_no_more(server: Server, club: Target) -> None:
    references = ", REFERENCES" if server.engine == "mysql" else ""
    journal = [f"INSERT, UPDATE, CREATE{references} ON reconcile_runs", "INSERT, CREATE ON reconcile_changes"]

    done = apply_as(server, club, [*INSERTS, *journal], "--force")

    assert done.code == 0, done.err
    assert club.rows("SELECT status FROM reconcile_runs") == [("done",)]


def test_a_plan_that_changes_and_deletes_needs_that_and_a_temporary_table(server: Server, club: Target) -> None:
    assert command(club, "apply", *CLUB, "--force", "--no-journal").code == 0
    club.execute("UPDATE rooms SET floor = 9 WHERE code = 'hall'")
    club.execute("INSERT INTO rooms (code, floor) VALUES ('extra', 1)")

    refused = apply_as(server, club, ["UPDATE ON rooms"], "--force", "--no-journal")
    assert refused.code == 1
    assert [line for line in refused.err.splitlines() if line.startswith("error")] == [
        "error: the account may not DELETE on rooms",
        "error: the account may not CREATE TEMPORARY TABLES",
    ]
    done = apply_as(
        server, club, ["UPDATE ON rooms", "DELETE ON rooms", "CREATE TEMPORARY TABLES ON *"], "--force", "--no-journal"
    )
    assert done.code == 0, done.err


def test_everything_that_is_missing_is_said_before_the_prompt_and_nothing_is_written(
    server: Server, club: Target
) -> None:
    """Somebody sits at a terminal and is not even asked."""
    before = dump(club)
    running = Running(limited(server, club, ["INSERT ON rooms"]), "apply", *CLUB)
    try:
        code = running.end()
    finally:
        running.close()

    errors = [line for line in running.told.splitlines() if line.startswith("error: the account may not ")]
    references = ", REFERENCES" if server.engine == "mysql" else ""
    assert code == 1
    assert sorted(error.removeprefix("error: the account may not ") for error in errors) == [
        "INSERT on members, lockers",
        "INSERT, CREATE on reconcile_changes",
        f"INSERT, UPDATE, CREATE{references} on reconcile_runs",
    ]
    fix = f"GRANT INSERT, UPDATE, CREATE{references} ON `{club.name}`.`reconcile_runs` TO 'limited'@'%'"
    assert fix in running.told
    assert "Type yes" not in running.told
    assert dump(club) == before


def test_a_plan_with_nothing_to_do_needs_no_right(server: Server, club: Target) -> None:
    assert command(club, "apply", *CLUB, "--force", "--no-journal").code == 0

    assert apply_as(server, club, [], "--force").code == 0


def test_others_with_an_open_transaction_are_warned_of(server: Server, club: Target) -> None:
    """Of whom the account may see: the admin sees all."""
    admin = Target(server.engine, club.name, server.admin_url(club.name), server)
    with server.admin(club.name) as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO members (name) VALUES ('theirs')")

        done = command(admin, "apply", *CLUB, "--force")

        cursor.execute("ROLLBACK")
    assert done.code == 0, done.err
    assert "warning: somebody else is at work on the schema" in done.err
    assert "transaction open for" in done.err


def test_nobody_is_warned_of_in_a_quiet_database(server: Server, club: Target) -> None:
    """Nor of the run's own connections, one of which holds the lock."""
    admin = Target(server.engine, club.name, server.admin_url(club.name), server)

    assert "somebody else" not in command(admin, "apply", *CLUB, "--force").err
