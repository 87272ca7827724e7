"""A canary for each secret: no command tells it, in no format, to nobody, also when it fails."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconcile.cli.main import main
from tests.servers.canaries import ACCOUNT, DATABASE, PREFIX, found_in, hashes, journaled, listening
from tests.servers.operating import LIGHT, Result, command, edit, run
from tests.servers.running import Running
from tests.servers.server import Server
from tests.servers.target import Target
from tests.servers.test_failures import RAISE, create_trigger, program

SCOPE = ("--step", "core", "--step", "qa-accounts", "-t", "users", "-t", "tags")
PACKAGE = LIGHT[-2:]
EVERY = ("text", "json", "jsonl", "md", "html")


@dataclass(slots=True)
class Heard:
    """What was said so far, by who said it."""

    has_server: bool
    texts: dict[str, str] = field(default_factory=dict)

    def ran(self, *words: str, code: "int | tuple[int, ...]" = 0) -> Result:
        """Run a command on the target that the environment names and keep what it says."""
        result = run(*words)
        self.texts[f"{len(self.texts)}: {' '.join(words)}"] = result.out + result.err
        assert result.code in ((code,) if isinstance(code, int) else code), (words, result.out[-500:], result.err)
        return result

    def formats(self, formats: tuple[str, ...]) -> tuple[str, ...]:
        """Give all *formats* where a command is cheap; what renders them does not know the server."""
        return formats[1:2] if self.has_server else formats


@pytest.fixture
def guarded(target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Target]:
    """The environment names a database whose account has the one canary as its password, and supplies the other."""
    server = target.server
    url = target.url
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECONCILE_QA_PASSWORD", ACCOUNT)
    if server is None:
        assert command(target, "schema", "create", *PACKAGE).code == 0
    else:
        server.execute("DROP USER IF EXISTS 'keeper'@'%'")
        server.execute("CREATE USER 'keeper'@'%%' IDENTIFIED BY %s", DATABASE)
        server.execute("GRANT ALL PRIVILEGES ON *.* TO 'keeper'@'%'")
        url = server.url(target.name, "keeper", DATABASE)
    monkeypatch.setenv("RECONCILE_DATABASE_URL", url)
    yield target
    if server is not None:
        server.execute("DROP USER 'keeper'@'%'")


def assert_silent(target: Target, texts: dict[str, str], *more: str) -> None:
    """Hold that neither a password nor the hash of one is in *texts*, nor a part of a password."""
    known = hashes(target)
    assert found_in(texts, {DATABASE, ACCOUNT, PREFIX, *known, *more}) == []


def test_no_command_tells_a_secret(guarded: Target, tmp_path: Path) -> None:
    """
    Every command in every format, with logs; its files, its journal packed and unpacked, and what a webhook hears.

    A statement of the operator's own, as in `reconcile query SQL`, shows what it asks for.
    """
    heard = Heard(guarded.server is not None)
    files = tmp_path / "files"
    files.mkdir()
    run_of = (*LIGHT, *SCOPE)
    package = f"taken_from_{guarded.engine}"  # no name can be taken twice in one process
    saved = str(files / "saved.plan")

    for words in (("schema", "sql"), ("schema", "check"), ("doctor",), ("doctor", "--format", "json")):
        heard.ran(*words, *PACKAGE)
    heard.ran("plan", *run_of, "-v", "--limit", "0", "--out", saved)
    for form in EVERY:
        heard.ran("show", saved, "--format", form, "--limit", "0")
    for form in heard.formats(EVERY):
        heard.ran("plan", *run_of, "--format", form)
    heard.ran("apply", saved, "--force", "-v", "--registry", str(files / "ids.json"), *PACKAGE)
    written = hashes(guarded)
    assert written
    guarded.execute("UPDATE users SET name = 'By hand' WHERE `openId` = 'qa-auditor'")
    looking = ("drift", *run_of, "-v", f"--history={files / 'history'}", f"--metrics-file={files / 'metrics-file'}")
    with listening() as (url, told):
        for form in heard.formats(EVERY[:4]):
            heard.ran(*looking, "--format", form, "--webhook", url, "--webhook-rows", code=2)
        assert told
        heard.texts |= {f"webhook {number}": body for number, body in enumerate(told)}
    accepted = ("--expires", "2099-01-01", "--reason", "canaries")
    heard.ran(*looking, f"--write-baseline={files / 'write-baseline'}", *accepted)
    heard.ran("explain", "users", "qa-auditor", *run_of)
    heard.ran("explain", "users", "qa-auditor", *run_of, "--format", "json")
    for form in heard.formats(("text", "json")):
        heard.ran("runs", *PACKAGE, "--format", form)
    for form in heard.formats(EVERY):
        heard.ran("show", "1", *PACKAGE, "--format", form, "--limit", "0")
        heard.ran("rollback", "--dry-run", "--overwrite", *PACKAGE, "--format", form)
    heard.ran("rollback", "--force", "--overwrite", "-v", "--max-delete", "100%", *PACKAGE)
    heard.ran("verify", *PACKAGE, "--format", "json", code=(0, 3))
    heard.ran("query", "counts", *PACKAGE)
    heard.ran("locks", *PACKAGE)
    Path("password").write_text(f"{ACCOUNT}\n")
    again = ("apply", *run_of, "--force", "-v", "--format", "json", "--password-file", "password", "--batch-size", "5")
    heard.ran(*again)
    written |= hashes(guarded)
    heard.ran("rbac", "--apply", "--force", *PACKAGE)
    heard.ran("init", package, "-t", "users", "-t", "tags", "--rows")
    heard.ran("clear", "--dry-run", "-t", "tags", *PACKAGE, "--format", "json")
    heard.ran("clear", "--force", "-v", "-t", "tags", *PACKAGE)

    for file in [*files.iterdir(), *Path(package).rglob("*.py")]:
        heard.texts[str(file)] = file.read_bytes().decode("latin-1")
    assert {"saved.plan", "history", "metrics-file", "write-baseline"} <= {file.name for file in files.iterdir()}
    assert_silent(guarded, heard.texts | journaled(guarded), *written)


def test_a_command_that_fails_tells_no_secret(server: Server, guarded: Target) -> None:
    """Wrong password, no such database, nobody there, a refused statement, a URL out of place. Servers have these."""
    heard = Heard(has_server=True)
    url = server.url(guarded.name, "keeper", DATABASE)
    wrong = server.url(guarded.name, "keeper", f"{DATABASE}!")
    for bad, code in (
        (wrong, 1),
        (url.replace(f"/{guarded.name}", "/nowhere"), 1),
        (url.replace(f":{server.port}/", ":1/"), 1),
        (url.replace("127.0.0.1", "no-such-host.invalid"), 1),
        (url.replace(f":{server.port}/", ":port/"), 64),
        (url.replace("mysql:", "oracle:"), 64),
        (url + "?ssl-mode=SOMETIMES", 64),
        (url.replace(":", ":part@of/the?", 2), 64),
    ):
        for words in (("plan", *LIGHT, "-v"), ("apply", *LIGHT, "--force", "--format", "json")):
            heard.ran(*words, "--database-url", bad, code=code)
    assert command(guarded, "apply", *LIGHT, "--force", "--step", "core", "-t", "tags").code == 0
    heard.ran("query", f"SELECT {url}", code=1)
    heard.ran("show", url, code=(1, 64))
    create_trigger(guarded, "users", "BEFORE INSERT", RAISE)
    try:
        heard.ran("apply", *LIGHT, *SCOPE, "--force", "-v", code=1)
        heard.ran("apply", *LIGHT, *SCOPE, "--force", "--format", "json", code=1)
    finally:
        edit(guarded, "DROP TRIGGER trouble")

    assert_silent(guarded, heard.texts | journaled(guarded))


@pytest.mark.parametrize(
    "words", [("{url}",), ("plan", "{url}"), ("plan", "--databaseurl", "{url}"), ("plan", "--light={url}")]
)
def test_a_url_out_of_place_is_not_repeated_with_its_password(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """The usage error names the word, which is the URL, and leaves the password out."""
    url = "mysql://erp:s3cret@db.example/erp"
    code: object = None
    try:
        code = main([word.format(url=url) for word in words])
    except SystemExit as ended:
        code = ended.code

    told = capsys.readouterr()
    assert code == 64
    assert "erp:***@db.example" in told.err
    assert "s3cret" not in told.out + told.err


def test_a_traceback_tells_no_secret(server: Server, guarded: Target) -> None:
    """A mistake in a desired state is told with a traceback, which shows code and no values. Servers have passwords."""
    assert server.engine == guarded.engine
    words = ("plan", "--state", "tests.servers.raising_state", "-v")

    ended = subprocess.run([*program(), *words], capture_output=True, text=True, check=False, env=environment())

    assert "RuntimeError: the author's mistake" in ended.stderr
    assert_silent(guarded, {"traceback": ended.stdout + ended.stderr})


def environment() -> dict[str, str]:
    """Give this process's environment, with the path that finds the tests' modules."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def test_those_who_look_on_see_no_secret(server: Server, guarded: Target) -> None:
    """
    Not while the statement with the hash waits for somebody: in the server's process list, in what InnoDB tells, in the
    attributes of the connections, in the system's process list. Servers alone have them.
    """
    queries = (
        "SELECT user, info FROM information_schema.processlist",
        "SHOW ENGINE INNODB STATUS",
        "SELECT * FROM performance_schema.session_connect_attrs",
    )
    with server.admin(guarded.name) as holder, server.admin() as cursor:
        holder.execute("START TRANSACTION")
        holder.execute("SELECT * FROM users FOR UPDATE")
        process = subprocess.Popen(
            [*program(), "apply", *LIGHT, *SCOPE, "--force"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        try:
            texts: dict[str, str] = {}
            while process.poll() is None and not all("INSERT INTO users" in texts.get(q, "") for q in queries[:2]):
                for query in queries:
                    cursor.execute(query)
                    texts[query] = str(cursor.fetchall())
                time.sleep(0.05)
            texts["system"] = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
            holder.execute("ROLLBACK")
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == 0, err
    assert "@reconcile_secret_0" in texts[queries[0]]
    assert "apply" in texts["system"]
    assert hashes(guarded)
    assert_silent(guarded, texts)


def test_a_password_on_the_command_line_is_taken_out_of_it(server: Server, guarded: Target) -> None:
    """From then on the system's process list shows the rest; the warning says what it was. Servers have passwords."""
    url = server.url(guarded.name, "keeper", DATABASE)
    running = Running(
        Target(server.engine, guarded.name, url, server), "apply", *LIGHT, *SCOPE, "--health-url", "http://h/t0ken"
    )
    try:
        running.wait_for("Type yes")
        shown = Path(f"/proc/{running.process.pid}/cmdline").read_bytes().decode()
        running.type("n")
        assert running.end() != 0
    finally:
        running.close()

    assert f"mysql://keeper:***@127.0.0.1:{server.port}/{guarded.name}" in shown
    assert "t0ken" not in shown
    assert "warning: a password was on the command line" in running.told
    assert "RECONCILE_DATABASE_URL" in running.told
    assert_silent(guarded, {"process list": shown, "stderr": running.told})
