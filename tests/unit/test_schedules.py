"""The ready-made schedules: each is what its reader accepts, and no command in them has a flag that does not exist."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconcile.assessment import Compared, assess
from reconcile.cli.drift_files import read_baseline
from reconcile.cli.main import Parser
from reconcile.cli.options import DriftOptions
from reconcile.drift import Base
from reconcile.render.metrics import render_metrics
from tests.facts import CHECKOUT
from tests.unit.render.test_drift import NOW, drift_of
from tests.unit.tiny import declared, live, planned

FOLDER = CHECKOUT / "schedules"
UNITS = ("reconcile-drift.service", "reconcile-drift.timer")
SCHEDULES = ("systemd/reconcile-drift.service", "crontab", "app-platform.yaml", "github-actions.yaml")
PERSISTENT = {"systemd/reconcile-drift.service", "crontab"}
COMMAND = re.compile(r"(?<![\w-])(?:\S*/)?reconcile (drift [^)\n]*?)(?=\)| >> |$)", re.MULTILINE)
CRON = re.compile(r"(\*(/\d+)?|\d+)( (\*(/\d+)?|\d+)){4}")


def read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def document(name: str) -> Any:  # noqa: ANN401 - a decoded YAML document
    return yaml.safe_load(read(name))


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_command_is_one_that_reconcile_takes(name: str) -> None:
    """Read by reconcile's own parser; a renamed flag fails here and not at three in the morning."""
    lines = [line for line in read(name).splitlines() if not line.lstrip().startswith("#")]

    (command,) = COMMAND.findall("\n".join(lines))
    options = Parser(DriftOptions).parse_args(shlex.split(command)[1:])

    assert isinstance(options, DriftOptions)
    assert options.baseline is not None
    assert (options.history is not None, options.metrics_file is not None) == (name in PERSISTENT, name in PERSISTENT)
    # Both would show in the process list.
    assert (options.database_url, options.webhook) == (None, None)


@pytest.mark.parametrize("name", [file.name for file in FOLDER.rglob("*") if file.is_file()])
def test_no_schedule_holds_a_secret(name: str) -> None:
    """Where a URL stands, its password is the word PASSWORD."""
    (file,) = FOLDER.rglob(name)

    assert set(re.findall(r"//\w+:([^@/\s]+)@", file.read_text(encoding="utf-8"))) <= {"PASSWORD"}


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    # Its documented way to keep the case of keys.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(read(f"systemd/{name}"))
    return parser


def test_the_service_takes_drift_for_a_success_and_secrets_from_a_file() -> None:
    service = unit("reconcile-drift.service")["Service"]

    assert service["SuccessExitStatus"] == "2"
    assert service["EnvironmentFile"] == "/etc/reconcile/drift.env"
    assert service["Type"] == "oneshot"
    assert "Environment" not in service
    written = Parser(DriftOptions).parse_args(shlex.split(service["ExecStart"])[2:])
    assert isinstance(written, DriftOptions)
    assert str(Path(written.metrics_file or "").parent) == service["ReadWritePaths"]
    assert str(Path(written.history or "").parent) == f"/var/lib/{service['StateDirectory']}"


def test_the_timer_starts_the_service_of_its_name() -> None:
    timer = unit("reconcile-drift.timer")

    assert "Unit" not in timer["Timer"]
    assert (timer["Timer"]["OnCalendar"], timer["Install"]["WantedBy"]) == ("*:0/15", "timers.target")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed; its keys are read above")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Only the path of the program is this machine's."""
    program = str(Path(sys.executable).parent / "reconcile")
    for name in UNITS:
        content = read(f"systemd/{name}").replace("/usr/local/bin/reconcile", program)
        (tmp_path / name).write_text(content, encoding="utf-8")

    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert [line for line in told.stderr.splitlines() if "reconcile-drift" in line] == []
    assert told.returncode == 0, told.stderr


def test_the_crontab_line_has_five_fields_and_prints_only_what_is_wrong(tmp_path: Path) -> None:
    """Run by sh with a program that ends as told: its output comes out on drift and failure alone."""
    (line,) = [line for line in read("crontab").splitlines() if line.startswith("*")]
    *fields, command = line.split(" ", 5)
    assert CRON.fullmatch(" ".join(fields))
    # A % would end the command. Source: crontab(5).
    assert "%" not in command
    (tmp_path / "drift.env").write_text("CODE='2'\n", encoding="utf-8")
    program = tmp_path / "reconcile"
    program.write_text('#!/bin/sh\necho "told"\nexit "$CODE"\n', encoding="utf-8")
    program.chmod(0o755)
    command = command.replace("/usr/local/bin/reconcile", str(program))

    for code, expected in (("0", ""), ("1", "told\n"), ("2", "told\n")):
        (tmp_path / "drift.env").write_text(f"CODE='{code}'\n", encoding="utf-8")
        line = command.replace("/etc/reconcile/drift.env", str(tmp_path / "drift.env"))
        ran = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, timeout=20)
        assert (ran.stdout, ran.stderr) == (expected, "")


def strict(**properties: object) -> dict[str, object]:
    """Describe a mapping with exactly these members."""
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


TEXT = {"type": "string", "minLength": 1}
ENV = strict(key=TEXT, scope={"enum": ["RUN_TIME"]}, type={"const": "SECRET"}, value=TEXT)
JOB = strict(
    name={"type": "string", "pattern": "^[a-z][a-z0-9-]{0,30}[a-z0-9]$"},
    kind={"const": "SCHEDULED"},
    schedule=strict(cron={"type": "string", "pattern": f"^{CRON.pattern}$"}, time_zone={"const": "UTC"}),
    github=strict(repo=TEXT, branch=TEXT),
    environment_slug=TEXT,
    build_command=TEXT,
    run_command=TEXT,
    instance_count={"const": 1},
    instance_size_slug=TEXT,
    envs={"type": "array", "items": ENV, "minItems": 2},
)
STEP = {
    "type": "object",
    "properties": {"name": TEXT, "uses": {"type": "string", "pattern": "^[^@]+@v[0-9]+$"}, "with": {"type": "object"},
                   "env": {"type": "object", "additionalProperties": {"pattern": r"^\$\{\{ secrets\.[A-Z_]+ \}\}$"}},
                   "run": TEXT},
    "oneOf": [{"required": ["uses"]}, {"required": ["run"]}],
    "additionalProperties": False,
}  # fmt: skip
WORKFLOW = strict(
    name=TEXT,
    on=strict(
        schedule={"type": "array", "items": strict(cron={"type": "string", "pattern": f"^{CRON.pattern}$"})},
        workflow_dispatch={"type": "object"},
    ),
    permissions=strict(contents={"const": "read"}),
    concurrency=strict(**{"group": TEXT, "cancel-in-progress": {"const": False}}),
    jobs=strict(
        drift=strict(
            **{"runs-on": TEXT, "timeout-minutes": {"type": "integer"}, "steps": {"type": "array", "items": STEP}}
        )
    ),
)
ALERT = {
    "type": "object",
    "properties": {"alert": TEXT, "expr": TEXT, "for": TEXT, "labels": strict(severity=TEXT),
                   "annotations": strict(summary=TEXT, runbook=TEXT)},
    "required": ["alert", "expr", "labels", "annotations"],
    "additionalProperties": False,
}  # fmt: skip
RULES = strict(groups={"type": "array", "items": strict(name=TEXT, rules={"type": "array", "items": ALERT})})


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        pytest.param("app-platform.yaml", strict(jobs={"type": "array", "items": JOB}), id="App Platform"),
        pytest.param("github-actions.yaml", WORKFLOW, id="GitHub Actions"),
        pytest.param("prometheus-rules.yaml", RULES, id="Prometheus"),
    ],
)
def test_yaml_is_as_its_reader_wants_it(name: str, schema: dict[str, object]) -> None:
    """
    The part of each format that is used here, as strict schemas.

    Sources: DigitalOcean, "Reference for App Specification"; GitHub, "Workflow syntax"; Prometheus, "Alerting rules".
    """
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document(name))


def test_alerts_ask_for_metrics_that_are_written() -> None:
    clean = assess(Compared(planned(declared({"makers": []}), live({"makers": []})), Base()), (), {}, NOW)[0]
    written = {
        name
        for drift in (drift_of(), clean, None)
        for name in re.findall(
            r"^# TYPE (\w+)", render_metrics(database="d", now=NOW, duration_s=1, drift=drift), re.MULTILINE
        )
    }
    asked = set(re.findall(r"reconcile_drift_\w+", read("prometheus-rules.yaml")))

    assert asked <= written


def test_alerts_lead_to_a_page() -> None:
    pages = {rule["annotations"]["runbook"] for rule in document("prometheus-rules.yaml")["groups"][0]["rules"]}

    assert [page for page in pages if not (CHECKOUT / page).is_file()] == []


def test_the_empty_baseline_is_one_and_so_is_its_example(tmp_path: Path) -> None:
    example = tmp_path / "b.yaml"
    lines = [line[2:] for line in read("drift-baseline.yaml").splitlines() if line.startswith("#   ")]
    example.write_text("\n".join(["accepted:", *lines]), encoding="utf-8")

    assert read_baseline(str(FOLDER / "drift-baseline.yaml")) == []
    assert [entry.table for entry in read_baseline(str(example))] == ["clients"]


def test_the_environment_file_reads_the_same_for_systemd_and_a_shell() -> None:
    """Single quotes and no expansion: the URL of a provider has ? and & in it."""
    lines = [line for line in read("drift.env").splitlines() if not line.startswith("#")]

    assert [re.fullmatch(r"RECONCILE_[A-Z_]+='[^']*'", line) is not None for line in lines] == [True, True]


def test_every_schedule_is_in_the_index() -> None:
    named = set(re.findall(r"\]\(([\w./-]+)\)", read("README.md"))) - {"../runbooks/schedule.md"}

    assert named == {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*") if file.is_file()} - {"README.md"}
