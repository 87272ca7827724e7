"""QA and test accounts: which password they get, what an existing account keeps, and what is never said."""

import json
from pathlib import Path

import bcrypt
import pytest

from tests.servers.operating import (
    LIGHT,
    Result,
    apply,
    assert_converged,
    changes,
    command,
    desired,
    dump,
    edit,
    id_of,
    next_ids,
    plan,
    stored,
)
from tests.servers.target import Target

pytestmark = pytest.mark.off_mysql

VARIABLE = "RECONCILE_QA_PASSWORD"
CANARY = "c4nary-Sings-4t-Dawn"
ACCOUNTS = ("--step", "rbac", "--step", "qa-accounts", "--step", "test-accounts")
SHOWN = "Password of the new accounts, shown this once: "
QA, TESTS = 7, 17


def hashes(target: Target) -> dict[str, str]:
    """Give the accounts that hold a password, with its hash."""
    users = stored(target, "users").get("users", {}).values()
    return {str(user["openId"]): str(user["loginMethod"]) for user in users if user["loginMethod"] is not None}


def opening(target: Target, password: str) -> set[str]:
    """Give the accounts that *password* opens."""
    found = hashes(target)
    fitting = {word for word in set(found.values()) if bcrypt.checkpw(password.encode(), word.encode())}
    return {name for name, word in found.items() if word in fitting}


def roles_of(target: Target, user: str) -> set[str]:
    query = "SELECT r.name FROM user_roles u JOIN roles r ON r.id = u.role_id WHERE u.user_id = :user"
    return {str(name) for (name,) in target.rows(query, {"user": user})}


def assert_says_nothing_of(result: Result, *secrets: str) -> None:
    assert [secret for secret in secrets if secret in result.out + result.err] == []


@pytest.mark.parametrize(
    ("source", "form"), [("environment", "text"), ("file", "json"), ("file before environment", "text")]
)
def test_a_supplied_password_opens_every_account_and_is_never_said(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, form: str
) -> None:
    """Neither it nor its hash, in no format, however much is asked for; the plan shows that there is one."""
    words: tuple[str, ...] = ()
    if source != "file":
        monkeypatch.setenv(VARIABLE, CANARY if source == "environment" else "another-One")
    if source != "environment":
        file = tmp_path / "password"
        file.write_text(f"{CANARY}\n", encoding="utf-8")
        words = ("--password-file", str(file))
    shape = (*ACCOUNTS, *words, "--format", form, "-v")

    planned = plan(target, *shape, "--limit", "0")
    applied = apply(target, *shape)
    again = plan(target, *shape, "--limit", "0")

    assert (planned.code, applied.code, again.code) == (2, 0, 0), applied.err
    assert len(opening(target, CANARY)) == QA + TESTS
    assert len(set(hashes(target).values())) == 1
    assert {word[:7] for word in hashes(target).values()} == {"$2b$10$"}
    for result in (planned, applied, again):
        assert_says_nothing_of(result, CANARY, "another-One", "$2b$", *hashes(target).values())
    assert "(secret)" in planned.out


@pytest.mark.embedded
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_made_up_password_is_said_once_and_opens_every_account(target: Target, form: str) -> None:
    """On one line of stderr, when the accounts are written and at no other time; its hash never."""
    shape = (*ACCOUNTS, "--format", form)

    planned, applied, again = plan(target, *shape), apply(target, *shape, "--quiet"), apply(target, *shape)

    said = [line for line in applied.err.splitlines() if line.startswith(SHOWN)]
    password = said[0].removeprefix(SHOWN)
    assert (applied.code, len(said), len(password) >= 20) == (0, 1, True)
    assert len(opening(target, password)) == QA + TESTS
    assert applied.err.count(password) == 1
    for text in (planned.out, planned.err, applied.out, again.out, again.err):
        assert password not in text
        assert SHOWN not in text
    for result in (planned, applied, again):
        assert_says_nothing_of(result, "$2b$")
    if form == "json":
        assert json.loads(applied.out)["created"] > 0


@pytest.mark.embedded
def test_a_protected_target_gets_no_account_without_a_password(
    target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rest runs and says what it left out; once somebody supplies a password, they come."""
    monkeypatch.setenv("NODE_ENV", "production")

    planned = plan(target, "--format", "json")
    applied = apply(target, "--confirm", Path(target.name).name)

    assert applied.code == 0, applied.err
    assert "warning: left out: qa-accounts, test-accounts" in applied.err
    assert "NODE_ENV=production" in applied.err
    left = {step["id"] for step in planned.document["steps"] if not step["chosen"]}
    assert left == {"qa-accounts", "test-accounts"}
    assert [finding["what"] for finding in planned.document["findings"]] == ["left out: qa-accounts, test-accounts"]
    assert hashes(target) == {}
    assert target.rows("SELECT COUNT(*) FROM user_roles") == [(0,)]
    assert target.rows("SELECT COUNT(*) FROM users") == [(6,)]

    file = tmp_path / "password"
    file.write_text(CANARY, encoding="utf-8")
    supplied = apply(target, "--password-file", str(file), "--confirm", Path(target.name).name)

    assert (supplied.code, len(opening(target, CANARY))) == (0, QA + TESTS)
    assert_says_nothing_of(supplied, CANARY)
    # They are there now, so nothing needs a password any more; what is not looked at is not touched either.
    assert_converged(target)


@pytest.mark.embedded
def test_leaving_the_accounts_out_needs_no_password(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is no reason to warn."""
    monkeypatch.setenv("RECONCILE_ENV", "Production")

    applied = apply(target, "--skip-accounts", "--confirm", Path(target.name).name)

    assert (applied.code, "left out" in applied.err, SHOWN in applied.err) == (0, False, False)


def test_an_existing_hash_is_never_overwritten(filled: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in a reset, not in a top-up, not when the account is mended, and whatever password is supplied now."""
    before = hashes(filled)
    own = "$2b$10$chosen.by.its.owner.long.ago.and.not.to.be.lost.abcde"
    filled.execute("UPDATE users SET loginMethod = :own WHERE openId = 'qa-auditor'", {"own": own})
    filled.execute("UPDATE users SET name = 'Renamed' WHERE openId IN ('qa-auditor', 'test-owner')")
    monkeypatch.setenv(VARIABLE, CANARY)

    assert apply(filled, "--no-clear").code == 0
    assert hashes(filled) == before | {"qa-auditor": own}
    mended = apply(filled)

    assert mended.code == 0, mended.err
    assert hashes(filled) == before | {"qa-auditor": own}
    assert filled.rows("SELECT name FROM users WHERE name = 'Renamed'") == []
    assert_converged(filled)


def test_an_account_without_a_password_gets_one_while_another_keeps_its_own(
    filled: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both in one run: one account lost its hash, another its name."""
    before = hashes(filled)
    filled.execute("UPDATE users SET loginMethod = NULL WHERE openId = 'qa-auditor'")
    filled.execute("UPDATE users SET name = 'Renamed' WHERE openId = 'test-owner'")
    monkeypatch.setenv(VARIABLE, CANARY)

    mended = apply(filled)

    assert mended.code == 0, mended.err
    assert opening(filled, CANARY) == {"qa-auditor"}
    assert {name: word for name, word in hashes(filled).items() if name != "qa-auditor"} == {
        name: word for name, word in before.items() if name != "qa-auditor"
    }
    assert_converged(filled)


LIVING = "google-oauth-1767000123"
OWN = "$2b$10$kept.as.the.live.system.wrote.it.and.never.looked.at.by"


@pytest.fixture
def known(filled: Target) -> Target:
    """
    A filled database whose QA auditor registered by themselves: another openId, another name, a hash, no role.

    Their e-mail is spelled as people do; SQLite, which compares characters, would take that for somebody else.
    """
    (email,) = desired()["users"].filter(openId="qa-auditor")["email"]
    edit(filled, "DELETE FROM user_roles WHERE user_id = 'qa-auditor'", "DELETE FROM users WHERE openId = 'qa-auditor'")
    filled.execute(
        "INSERT INTO users (openId, name, email, loginMethod) VALUES (:open_id, 'Ours', :email, :hash)",
        {"open_id": LIVING, "email": email if filled.server is None else email.title(), "hash": OWN},
    )
    return filled


def living(target: Target) -> tuple[object, ...]:
    (row,) = target.rows("SELECT id, openId, name, loginMethod FROM users WHERE openId = :key", {"key": LIVING})
    return tuple(row)


def test_an_existing_account_is_recognised_by_its_e_mail(known: Target) -> None:
    """A top-up adds the missing role to it and changes nothing of it; nobody gets an account twice."""
    row, ids = living(known), next_ids(known)

    found = {(c.table, c.key, c.action, c.reason) for c in changes(known, "--no-clear")}
    applied = apply(known, "--no-clear")

    assert found == {
        ("users", "qa-auditor", "skip", "differs"),
        ("user_roles", "qa-auditor|Read-Only Auditor", "create", "missing"),
    }
    assert applied.code == 0, applied.err
    assert living(known) == row
    assert roles_of(known, LIVING) == {"Read-Only Auditor"}
    assert next_ids(known)["users"] == ids["users"]
    assert_converged(known, "--no-clear")


def test_a_reset_mends_a_recognised_account_and_keeps_its_identity(known: Target) -> None:
    """Name, e-mail and role come back; openId, id and hash are its own."""
    number, *_ = living(known)

    applied = apply(known)

    assert applied.code == 0, applied.err
    assert living(known) == (number, LIVING, "QA Read-Only Auditor", OWN)
    assert roles_of(known, LIVING) == {"Read-Only Auditor"}
    assert known.rows("SELECT id FROM users WHERE openId = 'qa-auditor'") == []
    assert_says_nothing_of(applied, OWN, SHOWN)
    assert_converged(known)


def test_of_two_accounts_with_one_e_mail_the_older_one_is_recognised(known: Target) -> None:
    """The other stays somebody else's, without a role of ours."""
    (email,) = desired()["users"].filter(openId="qa-auditor")["email"]
    known.execute("INSERT INTO users (openId, name, email) VALUES ('later', 'Later', :email)", {"email": email})

    assert apply(known).code == 0

    assert roles_of(known, LIVING) == {"Read-Only Auditor"}
    assert roles_of(known, "later") == set()
    assert known.rows("SELECT name FROM users WHERE openId = 'later'") == [("Later",)]
    assert_converged(known)


def test_a_role_that_somebody_took_away_comes_back(filled: Target) -> None:
    """Where the replaced tool left an existing account without it."""
    edit(filled, "DELETE FROM user_roles WHERE user_id IN ('qa-superadmin', 'test-owner')")

    assert {(c.table, c.action) for c in changes(filled, "--no-clear")} == {("user_roles", "create")}
    assert apply(filled, "--no-clear").code == 0

    assert roles_of(filled, "qa-superadmin") == {"Super Admin"}
    assert_converged(filled)


def test_the_registry_lists_the_ids_of_the_fixtures(target: Target, tmp_path: Path) -> None:
    """As they are in this database; the same again from a run that has nothing to do."""
    file = tmp_path / "registry.json"
    shape = (*LIGHT, "--step", "qa-data", "--registry", str(file))
    target.engine == "sqlite" or target.execute("INSERT INTO locations (site) VALUES ('Theirs')")

    first = command(target, "apply", "--force", "--no-clear", *shape)
    written = json.loads(file.read_text(encoding="utf-8"))
    file.unlink()
    second = command(target, "apply", "--force", "--no-clear", *shape)

    assert (first.code, second.code) == (0, 0), first.err
    assert json.loads(file.read_text(encoding="utf-8")) == written
    assert {table: len(ids) for table, ids in written["tables"].items()} == {
        "locations": 5, "clients": 8, "brands": 3, "products": 6,
    }  # fmt: skip
    assert (written["step"], written["state"]) == ("qa-data", "terp")
    for table in ("clients", "brands", "products"):
        assert written["tables"][table] == {key: id_of(target, table, key) for key in written["tables"][table]}
    (cold,) = (number for key, number in written["tables"]["locations"].items() if key.startswith("QA_LOCATION_COLD|"))
    assert target.rows("SELECT id FROM locations WHERE site = 'QA_LOCATION_COLD'") == [(cold,)]
    assert_says_nothing_of(Result(0, file.read_text(encoding="utf-8"), ""), "$2b$")


@pytest.mark.embedded
def test_a_dry_run_makes_no_password_and_no_registry(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "registry.json"

    result = apply(target, *ACCOUNTS, "--dry-run", "--registry", str(file))

    assert (result.code, file.exists(), SHOWN in result.err) == (0, False, False)
    assert target.engine == "sqlite" or dump(target) == {}
