"""What the benchmarks print and draw, from made-up figures: no server, no other tool."""

import importlib.util
from pathlib import Path
from typing import cast
from xml.etree import ElementTree

import pytest

from benchmarks.bench import Bench, Figure, report
from benchmarks.others import not_here
from benchmarks.plot import series, write_plot

BASELINE, PLAN = "SUM(CRC32) of all rows, in ranges", "plan: nothing to do"


def figures(scale: int) -> list[Figure]:
    return [
        Figure(BASELINE, seconds=[0.01 * scale], memory=[12.0]),
        Figure(PLAN, BASELINE, seconds=[0.5 * scale, 0.4 * scale, 0.6 * scale], memory=[100.0, 120.0, 110.0]),
        Figure(f"apply: {2_475 * scale:,} updates", PLAN, seconds=[1.0 * scale], memory=[140.0]),
        Figure("plan: nothing to do, beside mydumper", "mydumper: all rows", seconds=[0.5], memory=[100.0]),
        Figure(f"apply: {2_475 * scale:,} updates, the statements alone", rows=2_475 * scale, seconds=[0.02]),
        Figure("pt-table-sync --print", not_run="not installed: pt-table-sync"),
    ]


class _Server:
    engine = "mariadb"


def test_a_line_that_was_not_run_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    report(cast("Bench", type("", (), {"server": _Server, "scale": 1, "runs": 3})), figures(1))

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-3:] for line in lines[3:6]] == [
        ["0.01", "1.00", "12"],
        ["0.50", "50.00", "120"],
        ["1.00", "2.00", "140"],
    ]
    assert lines[-2].endswith("0.02    8.08 µs a row")
    assert lines[-1].split("  ")[-1].strip().endswith("not run: not installed: pt-table-sync")


def test_a_program_that_is_not_here_is_named() -> None:
    assert not_here("sh") is None
    assert not_here("sh", "no-such-program") == "not installed: no-such-program"


def test_a_work_is_one_line_through_all_scales() -> None:
    """Whatever number of rows its name says; what was not run, or is timed again beside a tool, is no line."""
    found = series({10: figures(10), 1: figures(1)}, lambda figure: figure.median)

    assert found == {
        BASELINE: [(10_000, 0.01), (100_000, 0.1)],
        PLAN: [(10_000, 0.5), (100_000, 5.0)],
        "apply: updates": [(10_000, 1.0), (100_000, 10.0)],
    }


def test_the_plot_is_one_svg_without_scripts(tmp_path: Path) -> None:
    """The same figures give the same file; without pygal it says what to install."""
    first, second = tmp_path / "first.svg", tmp_path / "second.svg"
    found = {1: figures(1), 10: figures(10)}
    if importlib.util.find_spec("pygal") is None:
        with pytest.raises(SystemExit, match="bench"):
            write_plot(first, found)
        return

    write_plot(first, found)
    write_plot(second, found)

    assert first.read_bytes() == second.read_bytes()
    names = [element.tag.rpartition("}")[2] for element in ElementTree.parse(first).iter()]  # noqa: S314 - ours
    assert (names.count("svg"), "script" in names) == (3, False)
    assert "apply: updates" in first.read_text(encoding="utf-8")
