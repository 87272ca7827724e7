"""The history of runs as people read it."""

from dataclasses import replace

from reconcile.render.runs import render_run, render_runs
from tests.unit.render.history import OLD_RUN, RUN


def test_each_run_is_a_line_with_what_it_did_and_by_whom() -> None:
    lines = render_runs([RUN, OLD_RUN]).split("\n")

    assert lines[0].split() == [
        "Run", "started", "(UTC)", "command", "status", "mode", "created", "updated", "deleted", "by",
    ]  # fmt: skip
    assert lines[1].split() == [
        "12", "2026-01-05", "08:00:00", "apply", "done", "reset", "1,200", "3", "1", "ada@db\\x1b",
    ]  # fmt: skip
    assert [line.strip() for line in lines if line.startswith("        ")] == [
        "taken back by run 13",
        "takes back run 10",
        "error: a deadlock\\nwith another",
    ]


def test_no_run_is_said_to_be_none() -> None:
    assert render_runs([]) == "No run is journaled here."


def test_one_run_tells_what_it_was_made_with() -> None:
    told = render_run(RUN)

    assert "Run 12: apply, done" in told
    assert "full, scale 2, seed 1, as of 2026-01-05, mode reset" in told
    assert "1,200 created, 3 updated, 1 deleted; plan abc" in told
    assert "ended" not in render_run(replace(RUN, finished_at=None))
