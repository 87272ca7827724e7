"""The command line: what is understood, what is refused with exit code 64, and help for everything."""

import datetime
from argparse import ArgumentTypeError

import pytest

from reconcile.cli.arguments import actions, count, date, limit, positive, seconds
from reconcile.cli.main import COMMANDS, Parser, main
from reconcile.cli.option_groups import GuardOptions, RunOptions
from reconcile.cli.options import ApplyOptions, PlanOptions, QueryOptions
from reconcile.errors import ExitCode
from reconcile.limits import Limit


def parsed(*words: str) -> RunOptions:
    options = Parser(PlanOptions, prog="reconcile plan").parse_args(list(words))
    assert isinstance(options, RunOptions)
    return options


def test_without_flags_a_run_is_a_full_reset_of_everything() -> None:
    options = parsed()

    assert (options.light, options.scale, options.as_of, options.seed, options.no_clear) == (False, 1, None, 1, False)
    assert (options.step, options.skip, options.table, options.exclude_table) == ([], [], [], [])
    assert (options.format, options.summary, options.limit, options.only) == ("text", False, 10, None)


def test_flags_that_may_be_repeated_add_up() -> None:
    options = parsed("--step", "core", "-t", "a", "--table", "b*", "-x", "c", "--exclude-table", "d", "--skip", "e")

    assert (options.step, options.table, options.exclude_table, options.skip) == (
        ["core"],
        ["a", "b*"],
        ["c", "d"],
        ["e"],
    )


def test_repeated_flags_of_one_run_do_not_leak_into_the_next() -> None:
    parsed("-t", "a")

    assert parsed().table == []


def test_a_flag_that_may_not_be_repeated_takes_the_last_value() -> None:
    assert parsed("--scale", "2", "--scale", "3").scale == 3


def test_values_are_read_as_what_they_are() -> None:
    options = parsed("--as-of", "2026-01-05", "--only", "create,delete", "--limit", "0", "--light")

    assert datetime.date(2026, 1, 5) == options.as_of
    assert options.only == ("create", "delete")
    assert (options.limit, options.light) == (0, True)


def test_apply_knows_dry_run_and_force() -> None:
    options = Parser(ApplyOptions).parse_args(["--dry-run", "--force", "--no-clear"])

    assert isinstance(options, ApplyOptions)
    assert (options.dry_run, options.force, options.no_clear) == (True, True, True)


def test_a_query_may_be_left_out() -> None:
    options = Parser(QueryOptions).parse_args([])

    assert isinstance(options, QueryOptions)
    assert options.query == "counts"


def test_whole_numbers_and_dates_are_read() -> None:
    assert (1, 0, datetime.date(2024, 2, 29)) == (positive("1"), count("0"), date("2024-02-29"))
    assert actions("skip") == ("skip",)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "many", "²"])
def test_what_is_not_a_positive_number_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a whole number from 1 up"):
        positive(text)


@pytest.mark.parametrize("text", ["-1", "1.5", "", "all"])
def test_what_is_not_a_count_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a whole number from 0 up"):
        count(text)


@pytest.mark.parametrize("text", ["today", "2026-02-30", "05.01.2026", ""])
def test_what_is_not_a_date_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a date; write YYYY-MM-DD"):
        date(text)


@pytest.mark.parametrize("text", ["", "drop", "create,drop", "create, delete"])
def test_what_is_not_an_action_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not an action; choose from create, update, delete, skip"):
        actions(text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["plan", "--format", "pdf"], "invalid choice: 'pdf'"),
        (["plan", "--scale", "0"], "'0' is not a whole number from 1 up"),
        (["plan", "--as-of", "soon"], "'soon' is not a date"),
        (["plan", "--limit"], "expected one argument"),
        (["apply", "--only", "drop"], "drop is not an action"),
        (["schema", "destroy"], "invalid choice: 'destroy'"),
        (["rbac", "--mode", "all"], "invalid choice: 'all'"),
    ],
)
def test_wrong_usage_exits_with_64(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """argparse's own 2 would read as "there are changes"."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    told = capsys.readouterr()

    assert stopped.value.code == ExitCode.USAGE
    assert said in told.err
    assert f"fix: see `reconcile {words[0]} --help`" in told.err
    assert told.out == ""


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    told = capsys.readouterr().out

    assert stopped.value.code == 0
    assert f"usage: reconcile {name}" in told
    assert "--database-url" in told


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_help_names_every_command(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == ExitCode.OK

    told = capsys.readouterr().out
    assert [name for name in COMMANDS if f"  {name}" not in told] == []


def test_no_command_shows_help_as_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.USAGE
    assert "usage: reconcile COMMAND" in capsys.readouterr().out


def test_an_unknown_command_names_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plans"]) == ExitCode.USAGE

    told = capsys.readouterr().err
    assert "there is no command 'plans'" in told
    assert "use one of plan, apply" in told


@pytest.mark.parametrize("word", ["-V", "--version", "version"])
def test_the_version_is_told(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("reconcile ")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("0", Limit(0, is_percent=False)),
        ("500", Limit(500, is_percent=False)),
        ("30%", Limit(30, is_percent=True)),
        ("2.5%", Limit(2.5, is_percent=True)),
    ],
)
def test_a_limit_is_rows_or_percent(text: str, read: Limit) -> None:
    assert limit(text) == read
    assert str(read) == text


@pytest.mark.parametrize("text", ["", "%", "-1", "1.5", "30 %", "%30", "all", "1e3%", "٣%", "1,000"])
def test_a_limit_that_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="neither a number of rows nor a percentage"):
        limit(text)


@pytest.mark.parametrize(
    ("text", "duration"), [("30", 30.0), ("0", 0.0), ("5s", 5.0), ("500ms", 0.5), ("2m", 120.0), ("1h", 3600.0)]
)
def test_a_duration_has_a_unit(text: str, duration: float) -> None:
    assert seconds(text) == duration


@pytest.mark.parametrize("text", ["", "s", "-5s", "5 s", "soon", "5d"])
def test_a_duration_without_number_or_with_another_unit_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize("command", ["apply", "rbac", "clear", "rollback"])
def test_every_command_that_writes_can_be_told_about_its_guards(command: str) -> None:
    options = Parser(COMMANDS[command].options).parse_args(
        ["--max-update", "1", "--max-delete", "2%", "--confirm", "terp", "--force", "--lock-timeout", "2m"]
    )

    assert isinstance(options, GuardOptions)
    assert (options.max_update, options.max_delete) == (Limit(1, is_percent=False), Limit(2, is_percent=True))
    assert (options.confirm, options.force, options.lock_timeout) == ("terp", True, 120.0)
