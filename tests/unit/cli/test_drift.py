"""`reconcile drift` as a whole: exit codes, files, what is accepted, and that nothing is written to the database."""

import json
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconcile.acceptance import Acceptance
from reconcile.cli.drift_files import dump_baseline, dump_history, read_baseline, read_history, write_whole
from reconcile.cli.webhook import VARIABLE, check_webhook
from reconcile.errors import ExitCode, ReconcileError
from reconcile.sightings import Seen, Sighting
from tests.unit.cli.club import CLUB
from tests.unit.cli.club import VARIABLE as PASSWORD
from tests.unit.cli.shell import Shell, Told

YEAR_END = date(2099, 12, 31)
SECRET_URL = "https://hooks.invalid/T0K3N"


@pytest.fixture
def seeded(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell in a folder whose terp.db holds the club as one apply left it."""
    monkeypatch.setenv(PASSWORD, "correct horse")
    monkeypatch.delenv(VARIABLE, raising=False)
    assert shell("apply", *CLUB, "--force", "-q").code == 0
    return shell


def edit(*statements: str) -> None:
    with closing(sqlite3.connect("terp.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def drift(shell: Shell, *words: str) -> Told:
    return shell("drift", *CLUB, *words)


def metrics(file: str) -> dict[str, float]:
    families = text_string_to_metric_families(Path(file).read_text(encoding="utf-8"))
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_without_drift_it_says_one_line_and_exits_0(seeded: Shell) -> None:
    told = drift(seeded, "-q")

    assert (told.code, told.out, told.err) == (0, "No drift: 8 rows are as declared.\n", "")


def test_drift_exits_2_and_names_who_moved(seeded: Shell) -> None:
    edit("UPDATE rooms SET floor = 9 WHERE code = 'hall'", "DELETE FROM rooms WHERE code = 'qa-attic'")

    told = drift(seeded)

    assert told.code == 2
    assert "~ [hall] changed live: the live row differs from the declared one" in told.out
    assert "+ [qa-attic] missing: deleted live: declared and not in the database" in told.out
    assert told.out.splitlines()[-1] == "Drift: 2 rows in 1 table (1 changed live, 1 missing)."


@pytest.mark.parametrize("form", ["text", "md", "json", "jsonl"])
def test_every_format_ends_with_the_same_code(seeded: Shell, form: str) -> None:
    edit("UPDATE rooms SET floor = 9 WHERE code = 'hall'")

    told = drift(seeded, "--format", form)

    assert told.code == 2
    assert "hall" in told.out
    if form == "json":
        assert [row["label"] for row in told.valid("drift")["drift"]] == ["changed live"]


def test_it_finds_what_a_plan_would_do(seeded: Shell) -> None:
    """The same rows, actions and reasons, in a reset and in a top-up."""
    edit(
        "UPDATE rooms SET floor = 9 WHERE code = 'hall'",
        "UPDATE members SET title = 'x' WHERE name = 'owner'",
        "INSERT INTO rooms (code) VALUES ('theirs')",
        "DELETE FROM lockers",
    )
    names = ("table", "key", "action", "reason", "before", "after", "step")
    for words in ((), ("--no-clear",), ("-t", "rooms"), ("--skip", "core")):
        planned = seeded("plan", *CLUB, "--format", "json", *words).valid("plan")["changes"]
        found = drift(seeded, "--format", "json", *words).valid("drift")["drift"]

        written = [row for row in found if row["standing"] == "open"]
        expected = [row for row in planned if row["action"] != "skip"]
        assert [[row[name] for name in names] for row in written] == [[row[name] for name in names] for row in expected]


def test_a_top_up_that_would_write_nothing_has_no_drift(seeded: Shell) -> None:
    """A row that somebody changed is told and left."""
    edit("UPDATE rooms SET floor = 9 WHERE code = 'hall'")

    told = drift(seeded, "--no-clear", "-q")

    assert told.code == 0
    assert "= [hall] changed live: a top-up changes no existing row" in told.out
    assert told.out.splitlines()[-1].endswith("1 left as they are.")


def test_a_table_that_moved_does_not_hide_the_others(seeded: Shell) -> None:
    edit("UPDATE members SET title = 'x' WHERE name = 'owner'", "ALTER TABLE rooms RENAME COLUMN code TO label")

    told = drift(seeded, "--format", "json")
    found = told.valid("drift")

    assert told.code == 2
    assert seeded("plan", *CLUB).code == 1
    assert next(move["what"] for move in found["schema"]) == "column rooms.code is missing"
    assert found["not_compared"] == ["rooms"]
    assert [(row["table"], row["key"]) for row in found["drift"]] == [("members", "owner")]


def test_an_optional_step_may_be_left_out(seeded: Shell) -> None:
    """As by a plan: with --continue-on-error its tables are no part of the run, and that is a warning."""
    edit("ALTER TABLE lockers RENAME COLUMN size TO width", "UPDATE rooms SET floor = 9 WHERE code = 'hall'")

    told = drift(seeded, "--continue-on-error", "--format", "json")
    found = told.valid("drift")

    assert (found["schema"], found["not_compared"]) == ([], [])
    assert [(row["table"], row["key"]) for row in found["drift"]] == [("rooms", "hall")]
    assert "warning: column lockers.size is missing" in told.err
    assert "left out with --continue-on-error: test-accounts" in told.err
    assert drift(seeded).out.count("schema moved: column lockers.size is missing") == 1


@pytest.mark.parametrize("mode", [(), ("--no-clear",)])
def test_every_table_and_column_can_go_without_stopping_it(seeded: Shell, mode: tuple[str, ...]) -> None:
    """One at a time: the schema is what drifts, and nothing fails for want of it."""
    with closing(sqlite3.connect("terp.db")) as connection:
        columns = [
            (table, row[1])
            for table in ("members", "rooms", "lockers")
            for row in connection.execute(f"PRAGMA table_info({table})")
        ]
    for table, column in columns:
        edit(f"ALTER TABLE {table} RENAME COLUMN {column} TO gone")
        found = drift(seeded, "-q", "--format", "json", *mode).valid("drift")
        assert f"column {table}.{column} is missing" in [move["what"] for move in found["schema"]]
        assert found["drift"] == []
        edit(f"ALTER TABLE {table} RENAME COLUMN gone TO {column}")
    assert drift(seeded).code == 0


def test_a_delete_that_a_plan_refuses_is_drift_and_told(seeded: Shell) -> None:
    """Nothing is written, so nothing is refused: the rows are shown, and what an apply would say is a warning."""
    edit(
        "INSERT INTO rooms (code) VALUES ('theirs')",
        "CREATE TABLE keys (id INTEGER PRIMARY KEY, room INTEGER REFERENCES rooms (id))",
        "INSERT INTO keys (room) SELECT id FROM rooms WHERE code = 'theirs'",
    )

    told = drift(seeded)

    assert seeded("plan", *CLUB).code == 4
    assert told.code == 2
    assert "- [theirs] extra" in told.out
    assert "warning: 1 rows of keys depend on rooms rows to be deleted" in told.err


def test_a_limit_that_apply_would_refuse_is_a_warning(seeded: Shell) -> None:
    edit("UPDATE rooms SET floor = 9")

    assert "warning: " in drift(seeded, "--max-update", "1").err
    assert "warning: " not in drift(seeded, "--max-update", "3").err


def test_nothing_is_written_to_the_file(seeded: Shell) -> None:
    edit("UPDATE rooms SET floor = 9 WHERE code = 'hall'")
    before = Path("terp.db").read_bytes()

    drift(seeded, "--history", "seen.json", "--metrics-file", "drift.prom")

    assert Path("terp.db").read_bytes() == before


def test_a_database_that_is_not_there_is_a_failure_and_not_made(shell: Shell) -> None:
    told = drift(shell, "--metrics-file", "drift.prom")

    assert told.code == 1
    assert not Path("terp.db").exists()
    assert metrics("drift.prom")["reconcile_drift_success"] == 0


def test_metrics_are_written_with_and_without_drift(seeded: Shell) -> None:
    """Readable for the exporter, which is another user."""
    drift(seeded, "--metrics-file", "drift.prom")
    assert metrics("drift.prom")["reconcile_drift_open"] == 0
    edit("UPDATE rooms SET floor = 9 WHERE code = 'hall'")

    drift(seeded, "--metrics-file", "drift.prom")

    found = metrics("drift.prom")
    assert (found["reconcile_drift_success"], found["reconcile_drift_open"]) == (1, 1)
    assert stat.S_IMODE(Path("drift.prom").stat().st_mode) == 0o644
    assert sorted(file.name for file in Path().iterdir() if "drift.prom" in file.name) == ["drift.prom"]


@pytest.mark.parametrize("words", [("--database-url", "nonsense"), ("--state", "no.such.package")])
def test_metrics_tell_a_failure_before_the_database_has_a_name(shell: Shell, words: tuple[str, ...]) -> None:
    assert drift(shell, "--metrics-file", "drift.prom", *words).code == 64
    assert metrics("drift.prom")["reconcile_drift_success"] == 0


def test_metrics_tell_an_interrupted_run(seeded: Shell) -> None:
    """Whatever stops it, an alert must not go on reading the counts of the run before."""
    drift(seeded, "--metrics-file", "drift.prom")

    told = seeded("drift", "--state", "tests.unit.cli.interrupted_state", "--metrics-file", "drift.prom")

    assert told.code == 130
    assert metrics("drift.prom")["reconcile_drift_success"] == 0
    assert "reconcile_drift_open" not in metrics("drift.prom")


def test_metrics_that_cannot_be_written_are_an_error_after_the_result(seeded: Shell) -> None:
    told = drift(seeded, "--metrics-file", "no/such/folder/drift.prom")

    assert told.code == 1
    assert told.out.startswith("No drift")
    assert "where: --metrics-file no/such/folder/drift.prom" in told.err


def test_the_history_keeps_the_first_time(seeded: Shell) -> None:
    """Private, since its keys may be names of people."""
    edit("UPDATE rooms SET floor = 9 WHERE code = 'hall'")
    long_ago = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=3)
    history = {Sighting("rooms", "hall", ("floor",)): Seen(long_ago, long_ago)}
    Path("seen.json").write_text(dump_history(history), encoding="utf-8")

    told = drift(seeded, "--history", "seen.json", "--metrics-file", "drift.prom")

    assert f"; since {long_ago:%Y-%m-%d %H:%M}" in told.out
    seen = read_history("seen.json")
    assert seen is not None
    ((what, times),) = seen.items()
    assert (what, times.first) == (Sighting("rooms", "hall", ("floor",)), long_ago)
    assert times.last > long_ago
    assert stat.S_IMODE(Path("seen.json").stat().st_mode) == 0o600
    assert metrics("drift.prom")["reconcile_drift_oldest_age_seconds"] >= 3 * 86400


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format_version": 2, "seen": []}', '{"format_version": 1, "seen": [{"table": "t"}]}']
)
def test_a_history_that_is_none_is_refused_and_kept(seeded: Shell, content: str) -> None:
    Path("seen.json").write_text(content, encoding="utf-8")

    told = drift(seeded, "--history", "seen.json")

    assert told.code == 64
    assert "where: --history seen.json" in told.err
    assert Path("seen.json").read_text(encoding="utf-8") == content


def test_accepted_drift_does_not_count(seeded: Shell) -> None:
    edit("UPDATE rooms SET floor = 9 WHERE code = 'hall'")
    Path("b.yaml").write_text(
        "accepted:\n"
        "  # the hall is being moved\n"
        "  - {table: rooms, key: 'h*', columns: [floor], reason: moved for the summer, expires: 2099-12-31}\n",
        encoding="utf-8",
    )

    told = drift(seeded, "--baseline", "b.yaml", "-q")

    assert told.code == 0
    assert "= [hall] changed live" in told.out
    assert "accepted until 2099-12-31: moved for the summer" in told.out
    assert told.out.splitlines()[-1] == "No drift: 7 rows are as declared, 1 accepted."


def test_expired_and_needless_entries_are_named(seeded: Shell) -> None:
    edit("UPDATE rooms SET floor = 9 WHERE code = 'hall'")
    entries = [
        {"table": "rooms", "key": "hall", "reason": "was once agreed", "expires": "2020-01-01"},
        {"table": "members", "reason": "gone", "expires": str(YEAR_END)},
    ]
    Path("b.json").write_text(json.dumps({"accepted": entries}), encoding="utf-8")

    told = drift(seeded, "--baseline", "b.json")

    assert told.code == 2
    assert "  rooms [hall] until 2020-01-01: was once agreed" in told.out
    assert "  members [*] until 2099-12-31: gone" in told.out


BAD_BASELINES = [
    ("- a\n", "it is no mapping with the one key accepted, a list"),
    ("accepted: {}\n", "it is no mapping with the one key accepted, a list"),
    ("accepted: [\n", "it is neither YAML nor JSON in line 2"),
    ("accepted: [{table: t, reason: r}]\n", "expires: Field required"),
    ("accepted: [{table: t, reason: r, expires: soon}]\n", "expires: Input should be a valid date"),
    ("accepted: [{table: t, reason: '', expires: 2099-01-01}]\n", "reason is empty"),
    ("accepted: [{table: t, reason: r, expires: 2099-01-01, key: 7}]\n", "key: Input should be a valid string"),
    ("accepted: [{table: t, reason: r, expires: 2099-01-01, until: x}]\n", "until: Unexpected keyword argument"),
    ("accepted: [{table: t, reason: r, expires: 2099-01-01, columns: x}]\n", "columns: Input should be a valid tuple"),
    ("accepted: [{table: t, reason: r, expires: 2099-01-01, labels: [x]}]\n", "'x' is no label; the labels are"),
    ("accepted: [7]\n", "the entry: Input should be a dictionary or an instance of Acceptance"),
    ("!!python/object/apply:os.getcwd []\n", "it is neither YAML nor JSON"),
]


@pytest.mark.parametrize(("content", "why"), BAD_BASELINES)
def test_a_baseline_that_cannot_be_used_is_refused(tmp_path: Path, content: str, why: str) -> None:
    file = tmp_path / "b.yaml"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(ReconcileError) as caught:
        read_baseline(str(file))

    assert caught.value.exit_code is ExitCode.USAGE
    assert [why in finding.why for finding in caught.value.findings] == [True], caught.value.findings


def test_all_faults_of_a_baseline_are_told_at_once(seeded: Shell) -> None:
    Path("b.yaml").write_text(
        "accepted: [{table: t}, {table: t, reason: ' ', expires: 2099-01-01}]\n", encoding="utf-8"
    )

    told = drift(seeded, "--baseline", "b.yaml")

    assert told.code == 64
    assert told.err.count("error: ") == 3
    assert "where: --baseline b.yaml, entry 2" in told.err
    assert drift(seeded, "--baseline", "none.yaml").code == 64


def test_what_is_accepted_now_counts_no_more(seeded: Shell) -> None:
    """The written file is a baseline; new drift counts."""
    edit("UPDATE rooms SET floor = 9 WHERE code = 'hall'", "DELETE FROM lockers")

    written = drift(seeded, "--write-baseline", "b.yaml", "--expires", "2099-12-31", "--reason", "the move")

    assert written.code == 0
    again = drift(seeded, "--baseline", "b.yaml")
    assert (again.code, again.out.count("accepted until 2099-12-31: the move")) == (0, 2)
    edit("UPDATE rooms SET floor = 9 WHERE code = 'qa-attic'")
    assert drift(seeded, "--baseline", "b.yaml").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--write-baseline", "b.yaml"),
        ("--expires", "2099-12-31"),
        ("--write-baseline", "b.yaml", "--expires", "2099-12-31", "--reason", " "),
        ("--write-baseline", "b.yaml", "--expires", "2020-01-01", "--reason", "r"),
    ],
)
def test_accepting_needs_a_reason_and_a_day_to_come(seeded: Shell, words: tuple[str, ...]) -> None:
    assert drift(seeded, *words).code == 64
    assert not Path("b.yaml").exists()


def test_a_baseline_survives_being_written_and_read(tmp_path: Path) -> None:
    entries = [
        Acceptance("a", "ünïcode: 'quoted' # no comment", YEAR_END, "007", ("x", "y")),
        Acceptance("b*", "r", YEAR_END, "yes", (), ("schema moved",)),
        Acceptance("c", "r", YEAR_END, "2020-01-01|\\N"),
    ]
    file = tmp_path / "b.yaml"
    file.write_text(dump_baseline(entries), encoding="utf-8")

    assert read_baseline(str(file)) == entries
    assert read_baseline(None) == []


def test_a_history_survives_being_written_and_read(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5)
    history = {
        Sighting("t", "ü|\\N", ("b", "a")): Seen(moment, moment + timedelta(days=1)),
        Sighting("t", "x"): Seen(moment, moment),
    }
    file = tmp_path / "seen.json"
    file.write_text(dump_history(history), encoding="utf-8")

    assert read_history(str(file)) == history
    assert read_history(None) is None
    assert read_history(str(tmp_path / "none.json")) == {}


def test_a_file_is_replaced_whole_or_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert write_whole("f", str(file), "one", 0o600) == []
    assert write_whole("f", str(file), "two", 0o600) == []
    assert file.read_text(encoding="utf-8") == "two"
    (tmp_path / "folder").mkdir()

    (problem,) = write_whole("f", str(tmp_path / "folder"), "three", 0o600)

    assert problem.where == f"--f {tmp_path / 'folder'}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "x"]


BAD_URLS = [
    "ftp://hooks.invalid/T0K3N", "file:///T0K3N", "T0K3N", "https://", "https://u:T0K3N@hooks.invalid/",
    "https://hooks.invalid:T0K3N/", "https://hooks.invalid/T0K3N x", "https://hooks.invalid/T0K3N\n",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_webhook_that_cannot_be_used_is_refused_without_repeating_it(seeded: Shell, url: str) -> None:
    told = drift(seeded, "--webhook", url)

    assert told.code == 64
    assert "where: --webhook" in told.err
    assert "T0K3N" not in told.out + told.err


def test_a_webhook_is_taken_from_the_environment(seeded: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "ftp://hooks.invalid/T0K3N")

    told = drift(seeded)

    assert (told.code, f"where: {VARIABLE}" in told.err) == (64, True)
    check_webhook(SECRET_URL, VARIABLE)
    check_webhook(None, VARIABLE)
