"""The plan file: the plan comes back as it was, and whatever is not every byte of it is refused."""

import hashlib
import io
import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from polars.testing import assert_frame_equal

from reconcile import planfile, values
from reconcile.decide import Mode
from reconcile.errors import ExitCode, Finding, ReconcileError, Severity
from reconcile.origin import Effect, Origin, RunShape
from reconcile.plan import Cascade, Plan, Radius, Touched
from reconcile.planfile import SavedPlan, dump, load, load_origin
from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import Kind
from tests.unit.tiny import SHOP, SURROGATE, declared, live, planned

SHAPE = RunShape(date(2026, 1, 5), light=True, scale=2, step=("core", "extras"), exclude_table=("x*",))
ORIGIN = Origin(
    "1.0", "server_uuid 1", "terp", "0" * 64, "tests.unit.tiny", SHAPE, {"tags": "1" * 64, "": "2" * 64},
    (Effect("clerk", ("read",), (), 2),),
)  # fmt: skip
FOUND = live(
    {
        "makers": [{"code": "ACME", "name": "Acme"}, {"code": "GONE", "founded": "2000-01-01"}],
        "tags": [{"code": "theirs", "title": 'line\nbreak "é" \\ \u2028'}],
        "notes": [{"ref": "n1", "subject_type": "maker", "subject": "ACME", "body": '{"a":[1,null]}'}],
    }
)
RADIUS = Radius(
    datetime(2026, 1, 5, 12, tzinfo=UTC),
    (Touched("makers", 1, 1, 2, datetime(2026, 1, 5)),),
    (Cascade("makers", 1, "goods", "maker", 2, goes=True),),
)
PLAN = replace(
    planned(declared(SHOP), FOUND, findings=(Finding("odd", "there", "why", "fix", Severity.WARNING),)),
    left_out={"extras": "no reason"},
    radius=RADIUS,
)


def written(plan: Plan = PLAN, origin: Origin = ORIGIN) -> bytes:
    return b"".join(dump(SavedPlan(plan, origin)))


def read(content: bytes) -> SavedPlan:
    return load(io.BytesIO(content), "some.plan")


def refusal(content: bytes) -> Finding:
    with pytest.raises(ReconcileError) as refused:
        read(content)
    with pytest.raises(ReconcileError):
        load_origin(io.BytesIO(content), "some.plan")
    assert refused.value.exit_code == ExitCode.ERROR
    (finding,) = refused.value.findings
    assert finding.where == "some.plan"
    return finding


def sealed(*lines: bytes) -> bytes:
    """Give lines with a last line that is right for them."""
    body = b"".join(lines)
    end = {"rows": len(lines) - 1, "sha256": hashlib.sha256(body).hexdigest()}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"


def edited(**members: Any) -> bytes:  # noqa: ANN401 - members of a JSON document
    header, *rows = written().splitlines(keepends=True)[:-1]
    return sealed(json.dumps({**json.loads(header), **members}, separators=(",", ":")).encode() + b"\n", *rows)


@pytest.mark.parametrize("mode", Mode)
def test_a_plan_comes_back_as_it_was(mode: Mode) -> None:
    plan = replace(planned(declared(SHOP), FOUND, mode), radius=RADIUS, left_out={"extras": "no reason"})

    saved = read(written(plan))

    for field in fields(Plan):
        if field.name != "tables":
            assert getattr(saved.plan, field.name) == getattr(plan, field.name), field.name
    for before, after in zip(plan.tables, saved.plan.tables, strict=True):
        assert_frame_equal(before.rows, after.rows)
        assert (before.spec, before.counts, before.kept_by_step) == (after.spec, after.counts, after.kept_by_step)
    assert (saved.plan.checksum, saved.origin) == (plan.checksum, ORIGIN)


def test_what_a_file_was_made_by_can_be_read_without_its_rows() -> None:
    assert load_origin(io.BytesIO(written()), "some.plan") == ORIGIN


def test_equal_plans_give_equal_files() -> None:
    again = replace(PLAN, chosen=frozenset(sorted(PLAN.chosen)), deferred=frozenset(sorted(PLAN.deferred)))

    assert written(again) == written()


def test_a_plan_without_tables_is_a_plan() -> None:
    saved = read(written(planned(declared({}), live({}))))

    assert saved.plan.tables == ()


def test_rows_by_the_thousand_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than are turned into text at once."""
    monkeypatch.setattr(planfile, "_ROWS_AT_ONCE", 7)
    plan = planned(declared({"tags": [{"code": f"{number:03}"} for number in range(50)]}), live({}))

    assert_frame_equal(plan.tables[0].rows, read(written(plan)).plan.tables[0].rows)


@pytest.mark.parametrize(
    "kind",
    [
        values.Integer(64),
        values.Boolean(),
        values.Decimal(12, 3),
        values.Text(),
        values.Text(20),
        values.Secret(20),
        values.Date(),
        values.Timestamp(),
        values.Enumeration(("a", "b")),
        values.Json((("good_id", "goods"),)),
        values.Reference("goods", "CASCADE"),
        values.Reference("goods"),
        values.PolymorphicReference("kind", (("good", "goods"), ("maker", "makers"))),
        values.TextReference("goods", "sku", 30),
    ],
)
def test_every_kind_of_column_comes_back(kind: Kind) -> None:
    """Kinds with the same members are told apart."""
    spec = TableSpec(
        "things", (SURROGATE, Column("it", kind, True, owner=Owner.ONCE)), ("it",), "core", ours=("it", ("a",))
    )
    plan = planned(declared({"things": []}, {"things": spec}), live({"things": []}, {"things": spec}), Mode.EXACT)

    assert read(written(plan)).plan.tables[0].spec == spec


def test_a_row_is_a_line_that_people_can_read() -> None:
    line = json.loads(written().splitlines()[1])

    assert (line["table"], line["key"], line["action"]) == ("makers", "ACME", "update")
    assert line["before"]["rating"] is None
    assert line["after"]["rating"] == "4.50"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"", "it is empty", id="empty"),
        pytest.param(b"SQLite format 3\0", "it is no plan file", id="another file"),
        pytest.param(b'{"format_version":"1.0"}\n', "it is no plan file", id="another document"),
        pytest.param(written()[:500], "it is cut off or damaged", id="cut in the header"),
        pytest.param(written()[:-1], "it is cut off or damaged", id="cut by one byte"),
        pytest.param(b"".join(written().splitlines(keepends=True)[:-1]), "it is cut off or damaged", id="no last line"),
        pytest.param(written() + b"\n", "it is cut off or damaged", id="a line more"),
        pytest.param(written().replace(b"4.50", b"4.60"), "it was edited or damaged", id="edited"),
        pytest.param(written().replace(b'"1.0"', b'"2.0"', 1), "its format is another", id="newer format"),
        pytest.param(edited(steps=3), "it cannot be read as a plan", id="sealed without being a plan"),
        pytest.param(edited(checksum="0" * 64), "it cannot be read as a plan", id="sealed with another checksum"),
        pytest.param(sealed(written().splitlines(keepends=True)[0]), "it cannot be read as a plan", id="without rows"),
    ],
)
def test_what_is_no_whole_plan_file_is_refused(content: bytes, what: str) -> None:
    """Each with one finding that says what is wrong with it."""
    with pytest.raises(ReconcileError) as refused:
        read(content)

    (finding,) = refused.value.findings
    assert finding.what == f"the plan file cannot be used: {what}"
    assert (finding.where, refused.value.exit_code) == ("some.plan", ExitCode.ERROR)


def test_a_newer_format_is_named() -> None:
    finding = refusal(written().replace(b'"1.0"', b'"2.0"', 1))

    assert finding.why == "it says '2.0', this version reads '1.0'"


def test_the_origin_of_a_damaged_file_is_not_read() -> None:
    """Not even where the damage is in the rows."""
    refusal(written().replace(b"4.50", b"4.60"))


def test_secrets_are_in_the_file_by_name_only() -> None:
    spec = TableSpec(
        "users",
        (SURROGATE, Column("name", values.Text(20)), Column("hash", values.Secret(60), True, owner=Owner.ONCE)),
        ("name",),
        "core",
    )
    desired = declared({"users": [{"name": "a", "hash": "the-password"}]}, {"users": spec})

    line = json.loads(written(planned(desired, live({"users": []}, {"users": spec}))).splitlines()[1])

    assert line["after"]["hash"] == "the-password"
