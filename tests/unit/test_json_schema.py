"""Every JSON output validates against its schema, and the schemas are strict: a changed document does not."""

import copy
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.resources import files
from typing import Any

import polars as pl
import pytest
from jsonschema import Draft202012Validator

from reconcile.decide import Mode
from reconcile.diff import Reason
from reconcile.errors import Finding, Severity
from reconcile.health import Check, Mark, Setting
from reconcile.render.doctor import render_doctor_json
from reconcile.render.explain import render_explanation_json
from reconcile.render.json import render_errors, render_outcome, render_plan, render_verdicts
from reconcile.render.locks import Locks, render_locks_json
from reconcile.render.runs import render_runs_json
from reconcile.sessions import Holder
from tests.unit.render.history import EXPLANATION, NOTHING_KNOWN, OLD_RUN, RUN
from tests.unit.render.test_drift import document as drift_document
from tests.unit.render.test_drift import drift_of
from tests.unit.test_sessions import OPEN, session
from tests.unit.tiny import SHOP, declared, live, planned, rule, verdict

Document = Any
"""A decoded JSON document."""

FOUND = live(
    {
        "makers": [{"code": "ACME", "name": "Acme"}, {"code": "GONE", "founded": "2000-01-01"}],
        "tags": [{"code": "theirs"}],
        "notes": [{"ref": "n1", "subject_type": "maker", "subject": "ACME", "body": '{"a":[1,null]}'}],
        "settings": [{"name": "currency", "value": "USD"}],
    }
)
WARNING = Finding("odd", "there", "why", "fix", Severity.WARNING)
PLANS = [
    planned(declared(SHOP), live({})),
    planned(declared(SHOP), FOUND, findings=(WARNING,)),
    planned(declared(SHOP), FOUND, Mode.TOP_UP),
    planned(declared(SHOP), FOUND, Mode.EXACT),
    planned(declared({}), live({})),
]
EFFECTS = pl.DataFrame(
    {"role": ["clerk", "guest"], "gains": [["read"], []], "loses": [["sell"], ["read"]], "users": [2, 0]},
    schema_overrides={"gains": pl.List(pl.String), "loses": pl.List(pl.String)},
)
VERDICTS = [
    verdict(rule()),
    verdict(rule("rated", Severity.WARNING), "ACME"),
    verdict(rule("linked"), missing="table goods is missing"),
]

LOCKS = Locks(
    "here",
    "name",
    Holder(17, "erp@db:5", 42, "apply", datetime(2026, 1, 5, 8, 0, 0)),
    [session(1, command="Query", statement="SELECT ?", transaction=OPEN, waits_for=(2,), blocks=(3,))],
    unseen=["nothing"],
)
CHECKS = [Check("tls", Mark.WARN, "not encrypted", "encrypt it"), Check("version", Mark.OK, "new")]
SETTINGS = [Setting("state", "tiny", "default")]


def documents() -> Iterator[tuple[str, Document]]:
    """Give (schema, document) for every output in its variants."""
    for plan in PLANS:
        yield "plan", json.loads(render_plan(plan, tool_version="1.0", effects=EFFECTS))
        yield "plan", json.loads(render_plan(plan, tool_version="1.0", effects=EFFECTS.clear()))
        yield "plan", json.loads(render_plan(plan, tool_version="1.0"))
        yield "plan", json.loads(render_plan(plan, tool_version="1.0", shows_rows=False))
        yield "outcome", json.loads(render_outcome(plan, tool_version="1.0", verdicts=VERDICTS, duration_s=0.1))
    yield "outcome", json.loads(render_outcome(PLANS[0], tool_version="1.0", verdicts=[], duration_s=0.0))
    for locks in (LOCKS, Locks("here", "name", None), Locks("here", "name", Holder(), [session()])):
        yield "locks", json.loads(render_locks_json(locks, tool_version="1.0"))
    yield "doctor", json.loads(render_doctor_json("here", CHECKS, SETTINGS, tool_version="1.0"))
    yield "doctor", json.loads(render_doctor_json("here", CHECKS[:1], [], tool_version="1.0"))
    yield "runs", json.loads(render_runs_json([RUN, OLD_RUN], tool_version="1.0", target="here"))
    yield "runs", json.loads(render_runs_json([], tool_version="1.0", target="here"))
    yield "explain", json.loads(render_explanation_json(EXPLANATION, tool_version="1.0", target="here"))
    yield "explain", json.loads(render_explanation_json(NOTHING_KNOWN, tool_version="1.0", target="here"))
    yield "drift", drift_document(drift_of())
    yield "drift", drift_document(drift_of(is_clean=True))
    yield "verify", json.loads(render_verdicts(VERDICTS, tool_version="1.0", target="here"))
    yield "verify", json.loads(render_verdicts([], tool_version="1.0", target="here"))
    yield "errors", json.loads(render_errors([WARNING, Finding("a", "b", "c", "d")], tool_version="1.0"))


DOCUMENTS = list(documents())
OPTIONAL = {"effects"}
RICHEST = {
    "plan": DOCUMENTS[5][1],
    "outcome": DOCUMENTS[4][1],
    "locks": next(document for name, document in DOCUMENTS if name == "locks"),
    "doctor": next(document for name, document in DOCUMENTS if name == "doctor"),
    "runs": next(document for name, document in DOCUMENTS if name == "runs"),
    "explain": next(document for name, document in DOCUMENTS if name == "explain"),
    "drift": next(document for name, document in DOCUMENTS if name == "drift"),
    "verify": DOCUMENTS[-3][1],
    "errors": DOCUMENTS[-1][1],
}


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((files("reconcile.render") / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def objects(document: Document) -> Iterator[dict[str, Document]]:
    """Give every object of fixed shape in a document: not the rows, nor what is keyed by table name."""
    match document:
        case dict():
            yield document
            for name, value in document.items():
                if name == "summary" and "drift" in document:
                    yield value
                elif name == "summary":
                    yield from value.values()
                elif name not in {"before", "after", "fingerprints", "columns"}:
                    yield from objects(value)
        case list():
            for item in document:
                yield from objects(item)
        case _:
            pass


@pytest.mark.parametrize(("name", "document"), DOCUMENTS)
def test_every_output_validates(name: str, document: Document) -> None:
    assert [error.message for error in validator(name).iter_errors(document)] == []


@pytest.mark.parametrize("name", RICHEST)
def test_no_property_may_be_missing(name: str) -> None:
    """A reader may rely on each of them but those that say that they may be absent."""
    checked = validator(name)
    for position, original in enumerate(objects(RICHEST[name])):
        for member in set(original) - OPTIONAL:
            document = copy.deepcopy(RICHEST[name])
            del list(objects(document))[position][member]
            assert not checked.is_valid(document), member


@pytest.mark.parametrize("name", RICHEST)
def test_no_property_may_be_added(name: str) -> None:
    """A new one is a new version of the format."""
    checked = validator(name)
    for position, _ in enumerate(objects(RICHEST[name])):
        document = copy.deepcopy(RICHEST[name])
        list(objects(document))[position]["surprise"] = 1
        assert not checked.is_valid(document)


@pytest.mark.parametrize("name", RICHEST)
def test_no_property_may_change_its_type(name: str) -> None:
    checked = validator(name)
    for position, original in enumerate(objects(RICHEST[name])):
        for member, value in original.items():
            document = copy.deepcopy(RICHEST[name])
            list(objects(document))[position][member] = [1] if isinstance(value, dict) else {"a": 1}
            if member in {"before", "after"} and value is None:
                continue
            assert not checked.is_valid(document), member


def no_change_of(action: str) -> Callable[[Document], None]:
    def mutate(document: Document) -> None:
        change = next(change for change in document["changes"] if change["action"] == action)
        change["before"], change["after"] = change["after"], change["before"]

    return mutate


def set_member(*path: str | int, value: object) -> Callable[[Document], None]:
    def mutate(document: Document) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return mutate


@pytest.mark.parametrize(
    ("name", "mutate"),
    [
        pytest.param("plan", no_change_of("create"), id="create with a before"),
        pytest.param("plan", no_change_of("delete"), id="delete with an after"),
        pytest.param("plan", set_member("changes", 0, "reason", value="mood"), id="unknown reason"),
        pytest.param("plan", set_member("mode", value="destroy"), id="unknown mode"),
        pytest.param("plan", set_member("as_of", value="5 January"), id="date in words"),
        pytest.param("plan", set_member("as_of", value="2026-02-30"), id="no such day"),
        pytest.param("plan", set_member("checksum", value="abc"), id="short checksum"),
        pytest.param("plan", set_member("fingerprints", "goods", value="abc"), id="short fingerprint"),
        pytest.param("plan", set_member("summary", "goods", value={"create": 1}), id="summary without actions"),
        pytest.param("plan", set_member("summary", "makers", "create", value=-1), id="negative count"),
        pytest.param("plan", set_member("profile", "scale", value=0), id="no scale"),
        pytest.param("plan", set_member("format_version", value="2.0"), id="another format"),
        pytest.param("plan", set_member("effects", 0, "users", value=-1), id="fewer than no users"),
        pytest.param("plan", set_member("effects", 0, "role", value=""), id="role without a name"),
        pytest.param("plan", set_member("effects", 0, "gains", value=[1]), id="permission that is no name"),
        pytest.param("locks", set_member("idle", value=-1), id="fewer than no sessions"),
        pytest.param("locks", set_member("run_lock", "holder", "since", value="today"), id="time in words"),
        pytest.param("doctor", set_member("checks", value=[]), id="nothing looked at"),
        pytest.param("doctor", set_member("checks", 0, "mark", value="poor"), id="unknown mark"),
        pytest.param("verify", set_member("checks", 1, "passed", value=True), id="passed with violations"),
        pytest.param("verify", set_member("checks", 2, "passed", value=True), id="passed without table"),
        pytest.param("outcome", set_member("duration_s", value=-1), id="negative duration"),
        pytest.param("outcome", set_member("created", value=1.5), id="half a row"),
        pytest.param("errors", set_member("errors", value=[]), id="failure without reason"),
        pytest.param("errors", set_member("errors", 0, "severity", value="mild"), id="unknown severity"),
    ],
)
def test_a_document_that_makes_no_sense_is_refused(name: str, mutate: Callable[[Document], None]) -> None:
    document = copy.deepcopy(RICHEST[name])
    mutate(document)

    assert not validator(name).is_valid(document)


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("create", {Reason.MISSING, Reason.GAP, Reason.UNDONE}),
        ("update", {Reason.DIFFERS, Reason.GAP, Reason.DEPENDENT, Reason.UNFINISHED, Reason.UNDONE}),
        ("delete", {Reason.NOT_DECLARED, Reason.DUPLICATE, Reason.DEPENDENT, Reason.UNDONE}),
        ("skip", set(Reason)),
    ],
)
def test_each_action_has_its_reasons(action: str, allowed: set[Reason]) -> None:
    """What a gap rule fills is created or updated; what depends on a deleted row is updated or deleted."""
    document = copy.deepcopy(RICHEST["plan"])
    change = next(change for change in document["changes"] if change["action"] == action)

    def is_valid_for(reason: Reason) -> bool:
        change["reason"] = reason.value
        return validator("plan").is_valid(document)

    assert allowed == {reason for reason in Reason if is_valid_for(reason)}


def test_every_schema_belongs_to_an_output() -> None:
    shipped = {
        file.name.partition(".")[0] for file in files("reconcile.render").iterdir() if file.name.endswith(".json")
    }

    assert set(RICHEST) == shipped
