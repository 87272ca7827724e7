"""The journal on a file: every run is in it, can be shown, explained and taken back; what people did since stays."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from reconcile.errors import ExitCode
from tests.unit.cli.club import CLUB
from tests.unit.cli.shell import Shell, Told

TINY = ("--state", "tests.unit.tiny")
RUN = ("--force", "--quiet", *TINY)

Rows = list[tuple[object, ...]]


def edit(*statements: str) -> None:
    with closing(sqlite3.connect("terp.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def rows(query: str) -> Rows:
    with closing(sqlite3.connect("terp.db")) as connection:
        return connection.execute(query).fetchall()


def content() -> list[str]:
    """Give every row but the journal's."""
    with closing(sqlite3.connect("terp.db")) as connection:
        lines = [line for line in connection.iterdump() if line.startswith("INSERT")]
    return [line for line in lines if "reconcile_" not in line and "sqlite_sequence" not in line]


def runs() -> Rows:
    return rows("SELECT id, command, status, created, updated, deleted, undoes FROM reconcile_runs ORDER BY id")


@pytest.fixture
def shop(shell: Shell) -> Shell:
    """A shell whose database is as declared after one run."""
    assert shell("apply", *RUN).code == ExitCode.OK
    return shell


HAND_EDITS = (
    "UPDATE makers SET name = 'Theirs', rating = 1 WHERE code = 'ACME'",
    "INSERT INTO makers (code, name) VALUES ('OLD', 'Old')",
    "DELETE FROM notes WHERE ref = 'n1'",
)


@pytest.fixture
def mended(shop: Shell) -> Shell:
    """A shell whose second run has updated, deleted and created a row."""
    edit(*HAND_EDITS)
    Path("before").write_text("\n".join(content()), encoding="utf-8")
    assert shop("apply", *RUN).code == ExitCode.OK
    return shop


def before() -> list[str]:
    """Give what the database held before the second run."""
    return Path("before").read_text(encoding="utf-8").split("\n")


def refusal(told: Told) -> tuple[int, str]:
    return told.code, told.err.split("error: ")[1].split("\n")[0]


def test_every_run_is_journaled_with_what_it_did(mended: Shell) -> None:
    assert runs() == [(1, "apply", "done", 9, 0, 0, None), (2, "apply", "done", 1, 1, 1, None)]


def test_a_run_that_does_nothing_is_not_journaled(shop: Shell) -> None:
    file = Path("terp.db").read_bytes()

    for words in (("apply", *RUN), ("apply", "--dry-run", *RUN), ("plan", "--quiet", *TINY)):
        assert shop(*words).code == ExitCode.OK

    assert Path("terp.db").read_bytes() == file


def test_a_run_that_fails_on_a_file_leaves_no_trace(shop: Shell) -> None:
    edit(*HAND_EDITS, "CREATE TRIGGER t BEFORE DELETE ON makers BEGIN SELECT RAISE(ABORT, 'no'); END")

    assert shop("apply", *RUN).code == ExitCode.ERROR
    assert [run[0] for run in runs()] == [1]


def test_rolling_back_restores_every_row_and_its_id(mended: Shell) -> None:
    told = mended("rollback", *RUN)

    assert (told.code, told.out.splitlines()[-1].split(";")[0]) == (
        ExitCode.OK,
        "Apply complete: 1 created, 1 updated, 1 deleted, 0 kept",
    )
    assert content() == before()
    assert runs()[-1] == (3, "rollback", "done", 1, 1, 1, 2)


def test_rolling_back_a_rollback_does_the_run_again(mended: Shell) -> None:
    after = content()
    assert mended("rollback", *RUN).code == ExitCode.OK

    assert mended("rollback", "3", *RUN).code == ExitCode.OK

    assert content() == after
    assert mended("plan", "--detailed-exitcode", "--quiet", *TINY).code == ExitCode.OK


def test_one_rollback_after_another_goes_further_back(mended: Shell) -> None:
    """The first run's rows that others have edited since stay: here those that the second run was about."""
    assert [mended("rollback", *RUN).code for _ in range(2)] == [ExitCode.OK, ExitCode.OK]

    assert [run[-1] for run in runs()] == [None, None, 2, 1]
    assert rows("SELECT code FROM makers ORDER BY 1") == [("ACME",), ("OLD",)]
    assert rows("SELECT * FROM tags") == []


def test_the_inverse_is_shown_and_nothing_written_where_only_asked_for(mended: Shell) -> None:
    now = content()

    told = mended("rollback", "--dry-run", *TINY)

    assert (told.code, content(), len(runs())) == (ExitCode.OK, now, 2)
    assert "mode rollback" in told.out
    assert '~ [ACME] undone: run 2 changed it\n    name: "Acme" → "Theirs"' in told.out
    assert "Rolling back run 2" in told.err


def test_a_format_that_only_plans_have_stops_it_before_anything_is_written(mended: Shell) -> None:
    left = content()

    told = mended("rollback", *RUN, "--format", "html")

    assert (told.code, content()) == (ExitCode.USAGE, left)
    assert mended("rollback", "--dry-run", "--quiet", *TINY, "--format", "html").out.startswith("<!DOCTYPE html>")


def test_without_a_terminal_and_force_nothing_is_written(mended: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)

    assert refusal(mended("rollback", "--quiet", *TINY)) == (ExitCode.REFUSED, "not applied, nothing was changed")
    assert len(runs()) == 2


def test_a_row_edited_since_stays_and_is_listed(mended: Shell) -> None:
    edit("UPDATE makers SET name = 'Edited since' WHERE code = 'ACME'")

    told = mended("rollback", *RUN)

    assert rows("SELECT name FROM makers WHERE code = 'ACME'") == [("Edited since",)]
    assert "1 skipped" in told.out
    shown = mended("rollback", "2", "--dry-run", "--quiet", *TINY).out
    assert "= [ACME] edited since: edited since run 2: name" in shown


def test_overwriting_brings_the_row_back_as_it_was(mended: Shell) -> None:
    edit("UPDATE makers SET name = 'Edited since' WHERE code = 'ACME'")

    assert mended("rollback", "--overwrite", *RUN).code == ExitCode.OK
    assert content() == before()


def test_what_a_first_rollback_left_can_still_be_overwritten(mended: Shell) -> None:
    edit("UPDATE makers SET name = 'Edited since' WHERE code = 'ACME'")
    assert mended("rollback", *RUN).code == ExitCode.OK

    assert mended("rollback", "2", "--overwrite", *RUN).code == ExitCode.OK
    assert content() == before()


USERS_GOOD = "INSERT INTO goods (sku, maker, kind) SELECT 'THEIRS', id, 'raw' FROM makers WHERE code = 'BOLT'"


def test_a_row_that_people_refer_to_stays(shop: Shell) -> None:
    edit(USERS_GOOD)

    told = shop("rollback", *RUN)

    assert told.code == ExitCode.OK
    assert (rows("SELECT code FROM makers"), rows("SELECT sku FROM goods")) == ([("BOLT",)], [("THEIRS",)])


def test_a_row_that_a_table_unknown_here_refers_to_stays(shop: Shell) -> None:
    edit("CREATE TABLE theirs (id INTEGER PRIMARY KEY, tag INTEGER REFERENCES tags (id))")
    edit("INSERT INTO theirs (tag) SELECT id FROM tags")

    shown = shop("rollback", "--dry-run", "--quiet", *TINY).out

    assert "= [sharp] held: 1 rows of theirs refer to it by tag" in shown
    assert shop("rollback", *RUN).code == ExitCode.OK
    assert len(rows("SELECT * FROM tags JOIN theirs ON theirs.tag = tags.id")) == 1


def test_a_cascade_takes_what_people_attached(shop: Shell) -> None:
    edit(USERS_GOOD)

    assert shop("rollback", "--allow-cascade", *RUN).code == ExitCode.OK
    assert [rows(f"SELECT * FROM {table}") for table in ("makers", "goods")] == [[], []]


def test_a_rollback_passes_the_guards_of_any_plan(mended: Shell) -> None:
    told = mended("rollback", "--max-delete", "0", *RUN)

    assert (told.code, len(runs())) == (ExitCode.REFUSED, 2)
    assert "--max-delete" in told.err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        pytest.param(("9",), "there is no run 9", id="no such run"),
        pytest.param(("--journal", "other"), "there is no run to roll back", id="another journal"),
        pytest.param(("--journal", "a b"), "'a b' cannot begin the names of the journal's tables", id="no name"),
    ],
)
def test_a_run_that_cannot_be_rolled_back_is_a_usage_error(shop: Shell, words: Sequence[str], what: str) -> None:
    assert refusal(shop("rollback", *words, *RUN)) == (ExitCode.USAGE, what)


def test_a_run_of_another_state_is_refused(shop: Shell) -> None:
    assert refusal(shop("rollback", "--quiet", "--force", *CLUB)) == (ExitCode.USAGE, "run 1 cannot be rolled back")


def test_a_run_without_journal_leaves_none(shell: Shell) -> None:
    assert shell("apply", "--no-journal", *RUN).code == ExitCode.OK

    assert rows("SELECT name FROM sqlite_master WHERE name LIKE 'reconcile%'") == []
    assert shell("runs", "--quiet", *TINY).out == "No run is journaled here.\n"


def test_the_journal_is_called_as_asked(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """By flag or environment, for writing and reading alike."""
    monkeypatch.setenv("RECONCILE_JOURNAL", "diary")
    assert shell("apply", *RUN).code == ExitCode.OK

    assert rows("SELECT count(*) FROM diary_runs") == [(1,)]
    monkeypatch.delenv("RECONCILE_JOURNAL")
    assert "apply" in shell("runs", "--journal", "diary", "--quiet", *TINY).out


def test_only_the_newest_runs_are_kept(mended: Shell) -> None:
    assert mended("rollback", "--keep-runs", "2", *RUN).code == ExitCode.OK

    assert [run[0] for run in runs()] == [2, 3]
    assert rows("SELECT DISTINCT run_id FROM reconcile_changes ORDER BY 1") == [(2,), (3,)]


def test_how_many_runs_are_kept_may_stand_in_the_environment(mended: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILE_KEEP_RUNS", "none")
    what = "the number of runs to keep cannot be used"
    assert refusal(mended("rollback", *RUN)) == (ExitCode.USAGE, what)

    monkeypatch.setenv("RECONCILE_KEEP_RUNS", "1")
    assert mended("rollback", *RUN).code == ExitCode.OK
    assert [run[0] for run in runs()] == [3]


def test_runs_are_told_as_json_too(mended: Shell) -> None:
    mended("rollback", *RUN)

    document = mended("runs", "--format", "json", "--quiet", *TINY).valid("runs")

    assert [(run["id"], run["command"], run["undoes"], run["undone_by"]) for run in document["runs"]] == [
        (3, "rollback", 2, None),
        (2, "apply", None, 3),
        (1, "apply", None, None),
    ]
    assert [run["id"] for run in mended("runs", "--limit", "1", "--format", "json", *TINY).valid("runs")["runs"]] == [3]


def test_a_run_can_be_shown_as_the_plan_that_it_carried_out(mended: Shell) -> None:
    document = mended("show", "2", "--format", "json", "--quiet", *TINY).valid("plan")
    text = mended("show", "2", "--quiet", *TINY).out

    assert {(change["table"], change["key"], change["action"]) for change in document["changes"]} == {
        ("makers", "ACME", "update"),
        ("makers", "OLD", "delete"),
        ("notes", "n1", "create"),
    }
    assert text.startswith("Run 2: apply, done\n")
    assert "- [OLD] not declared: in the database and not declared" in text
    assert refusal(mended("show", "9", "--quiet", *TINY)) == (ExitCode.USAGE, "there is no run 9")


def test_a_damaged_journal_is_said_to_be_damaged(mended: Shell) -> None:
    edit("UPDATE reconcile_changes SET payload = x'01000000ff' WHERE run_id = 2")

    assert refusal(mended("rollback", *RUN)) == (ExitCode.ERROR, "the journal cannot be read")


def test_a_secret_is_not_in_the_journal(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUB_PASSWORD", "canary-in-the-mine")
    assert shell("apply", "--force", "--quiet", *CLUB).code == ExitCode.OK
    ((hashed,),) = rows("SELECT password FROM members WHERE name = 'e2e'")

    shown = shell("show", "1", "--format", "json", "--quiet", *CLUB).out
    with closing(sqlite3.connect("terp.db")) as connection:
        connection.create_function("plain", 1, plain)
        journal = connection.execute("SELECT plain(payload) FROM reconcile_changes").fetchall()

    assert str(hashed).startswith("$2")
    assert not any(secret in f"{journal}{shown}" for secret in ("canary-in-the-mine", str(hashed)))


def plain(payload: bytes) -> str:
    from reconcile.journal import uncompress

    return uncompress(payload).decode()


def test_dates_hang_on_the_last_apply_unless_told_otherwise(shell: Shell) -> None:
    """A plan next week is empty, too."""
    assert shell("apply", "--as-of", "2026-01-05", *RUN).code == ExitCode.OK

    told = shell("plan", "--format", "json", *TINY)
    other = shell("plan", "--format", "json", "--as-of", "2026-02-02", *TINY)

    assert (told.valid("plan")["as_of"], other.valid("plan")["as_of"]) == ("2026-01-05", "2026-02-02")
    assert "As of 2026-01-05, as run 1" in told.err
    assert "As of" not in other.err


def test_a_run_that_was_rolled_back_anchors_nothing(shell: Shell) -> None:
    assert shell("apply", "--as-of", "2026-01-05", *RUN).code == ExitCode.OK
    assert shell("rollback", *RUN).code == ExitCode.OK

    assert "As of" not in shell("plan", *TINY).err


def test_a_row_is_explained_from_spec_plan_and_journal(mended: Shell) -> None:
    edit("UPDATE makers SET name = 'Again' WHERE code = 'ACME'")

    told = mended("explain", "makers", "ACME", "--format", "json", "--quiet", *TINY).valid("explain")

    assert (told["change"]["action"], told["change"]["after"]) == ("update", {"name": "Acme"})
    assert [(past["run"], past["action"]) for past in told["history"]] == [(2, "update"), (1, "create")]
    assert [link["what"] for link in told["refers_to"]] == ["goods [SAW]"]
    assert {link["table"] for link in told["referred_by"]} == {"goods", "notes"}


@pytest.mark.parametrize(
    ("words", "fate"),
    [
        pytest.param(("makers", "BOLT"), "it is as declared: nothing to do", id="kept"),
        pytest.param(("makers", "#1"), "it is as declared: nothing to do", id="by its id"),
        pytest.param(
            ("makers", "OLD"), "it is neither live nor declared: nothing to do", id="known to the journal only"
        ),
        pytest.param(("notes", "n1", "--step", "core"), "its table is not part of this run", id="left out"),
        pytest.param(("goods_tags", "SAW|sharp"), "it is as declared: nothing to do", id="a key of two parts"),
    ],
)
def test_what_happens_to_a_row_is_said_in_a_sentence(mended: Shell, words: Sequence[str], fate: str) -> None:
    told = mended("explain", *words, "--format", "json", "--quiet", *TINY)

    assert told.valid("explain")["fate"] == fate


def test_what_blocks_a_plan_is_part_of_the_explanation(shop: Shell) -> None:
    edit("CREATE TABLE theirs (id INTEGER PRIMARY KEY, maker INTEGER REFERENCES makers (id))")
    edit("INSERT INTO makers (code, name) VALUES ('OLD', 'Old')")
    edit("INSERT INTO theirs (maker) SELECT id FROM makers WHERE code = 'OLD'")

    told = shop("explain", "makers", "OLD", "--quiet", *TINY)

    assert "it would be deleted: in the database and not declared" in told.out
    assert "1 rows of theirs depend on makers rows to be deleted" in told.out


@pytest.mark.parametrize(
    ("words", "what", "near"),
    [
        pytest.param(("maker", "ACME"), "there is no managed table 'maker'", "makers", id="table"),
        pytest.param(("makers", "ACNE"), "there is no row 'ACNE'", "ACME", id="key"),
        pytest.param(("makers", "#99"), "there is no row '#99'", "its ids go from 1 to 2", id="id"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is_near(
    shop: Shell, words: Sequence[str], what: str, near: str
) -> None:
    told = shop("explain", *words, "--quiet", *TINY)

    assert refusal(told) == (ExitCode.USAGE, what)
    assert near in told.err


@pytest.mark.parametrize("command", ["runs", "show", "rollback", "explain"])
def test_a_file_that_is_not_there_is_not_made(shell: Shell, command: str) -> None:
    words = {"show": ("1",), "explain": ("makers", "ACME")}.get(command, ())

    assert shell(command, *words, "--quiet", *TINY).code == ExitCode.ERROR
    assert not Path("terp.db").exists()
