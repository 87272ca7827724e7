"""A shop of six small tables that has every kind of column, reference and policy; what the engine's tests run on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from reconcile import values
from reconcile.dataset import ID, STEP, Dataset, conform, fingerprints
from reconcile.decide import Goal, Mode, decide
from reconcile.errors import Finding, Severity
from reconcile.plan import Plan, make
from reconcile.spec import Column, Owner, Policy, Profile, Step, TableSpec
from reconcile.state import DesiredState, GapRule, Rule, Verdict

Row = Mapping[str, object]
Rows = Mapping[str, Sequence[Row]]

SURROGATE = Column("id", values.Integer(), owner=Owner.SERVER)

MAKERS = TableSpec(
    name="makers",
    columns=(
        SURROGATE,
        Column("code", values.Text(20)),
        Column("name", values.Text(50), default="unnamed"),
        Column("rating", values.Decimal(5, 2), nullable=True),
        Column("founded", values.Date(), nullable=True),
        Column("active", values.Boolean(), default="1"),
        Column("flagship", values.Reference("goods", "NO ACTION"), nullable=True),
    ),
    key=("code",),
    step="core",
)

GOODS = TableSpec(
    name="goods",
    columns=(
        SURROGATE,
        Column("sku", values.Text(30)),
        Column("maker", values.Reference("makers", "RESTRICT")),
        Column("base", values.Reference("goods", "NO ACTION"), nullable=True),
        Column("kind", values.Enumeration(("raw", "made")), default="raw"),
        Column("barcode", values.Text(20), nullable=True),
        Column("stock", values.Integer(), default="0", owner=Owner.CREATION),
        Column("listed_at", values.Timestamp(), nullable=True),
    ),
    key=("sku",),
    step="core",
    unique=(("barcode",),),
    indexes=(("maker",),),
)

TAGS = TableSpec(
    name="tags",
    columns=(SURROGATE, Column("code", values.Text(20)), Column("title", values.Text(), nullable=True)),
    key=("code",),
    step="core",
    prunes=False,
)

GOODS_TAGS = TableSpec(
    name="goods_tags",
    columns=(
        SURROGATE,
        Column("good", values.Reference("goods", "CASCADE")),
        Column("tag", values.Reference("tags", "CASCADE")),
        Column("weight", values.Integer(), nullable=True),
    ),
    key=("good", "tag"),
    step="core",
)

NOTES = TableSpec(
    name="notes",
    columns=(
        SURROGATE,
        Column("ref", values.Text(20)),
        Column("subject_type", values.Enumeration(("maker", "good")), nullable=True),
        Column(
            "subject",
            values.PolymorphicReference("subject_type", (("maker", "makers"), ("good", "goods"))),
            nullable=True,
        ),
        Column("body", values.Json((("good_id", "goods"), ("maker_id", "makers"))), nullable=True),
    ),
    key=("ref",),
    step="extras",
)

SETTINGS = TableSpec(
    name="settings",
    columns=(SURROGATE, Column("name", values.Text(20)), Column("value", values.Text(100))),
    key=("name",),
    step="extras",
    policy=Policy.CREATE_ONLY,
    prunes=False,
)

SPECS = {spec.name: spec for spec in (MAKERS, GOODS, TAGS, GOODS_TAGS, NOTES, SETTINGS)}

STEPS = (
    Step("core", "The shop"),
    Step("extras", "What hangs on it"),
    Step("later", "Not there yet"),
    Step("quality", "Checks", checks=("quality",)),
)

PROFILE = Profile(date(2026, 1, 5))

EMPTY_RULE_ROWS = pl.DataFrame(schema={"key": pl.String, "why": pl.String})


def frame(spec: TableSpec, rows: Sequence[Row]) -> pl.DataFrame:
    """
    Give declared rows in canonical form; cells may be written as text, those left out take the default.

    A row belongs to the table's step unless it names another under `_step`.
    """
    cells = [
        pl.Series(
            column.name,
            [None if (cell := row.get(column.name, column.default)) is None else str(cell) for row in rows],
            dtype=pl.String,
        )
        for column in spec.declared
    ]
    parsed = [values.parse(column.kind, pl.col(column.name)).alias(column.name) for column in spec.declared]
    steps = pl.Series(STEP, [row.get(STEP, spec.step) for row in rows], dtype=pl.String)
    return conform(spec, pl.DataFrame(cells).select(parsed)).with_columns(steps)


def declared(rows: Rows, specs: Mapping[str, TableSpec] = SPECS) -> Dataset:
    """Give a desired state of *rows* by table; tables that are not named are not declared."""
    return Dataset(specs, {name: frame(specs[name], table) for name, table in rows.items()})


def live(rows: Rows, specs: Mapping[str, TableSpec] = SPECS) -> Dataset:
    """Give a live state of *rows* by table; ids count from 1 unless a row says which it has."""
    return Dataset(
        specs,
        {
            name: frame(specs[name], table)
            .drop(STEP)
            .with_columns(pl.Series(ID, [row.get(ID, number) for number, row in enumerate(table, 1)], dtype=pl.Int64))
            for name, table in rows.items()
        },
    )


def goal_of(desired: Dataset, mode: Mode = Mode.RESET, gap_rules: tuple[GapRule, ...] = ()) -> Goal:
    """Give the goal of a run over all tables and steps of *desired*."""
    steps = frozenset({"quality"} | {desired.specs[name].step for name in desired.frames})
    return Goal(desired, tuple(desired.frames), steps, mode, PROFILE, gap_rules)


def planned(
    desired: Dataset, found: Dataset, mode: Mode = Mode.RESET, findings: tuple[Finding, ...] = (), target: str = "here"
) -> Plan:
    """Plan from *found* to *desired*."""
    goal = goal_of(desired, mode)
    return make(
        state="tiny",
        target=target,
        engine="sqlite",
        goal=goal,
        steps=STEPS,
        parts=decide(goal, found),
        fingerprints=fingerprints(desired),
        findings=findings,
    )


def state_of(dataset: Dataset, rules: tuple[Rule, ...] = ()) -> DesiredState:
    """Give the application whose rows are *dataset*, whatever the profile."""
    return DesiredState("tiny", STEPS, dataset.specs, lambda _: dataset, rules)


def rule(
    identifier: str = "named",
    severity: Severity = Severity.CRITICAL,
    tables: tuple[str, ...] = ("makers",),
    violations: Callable[[Dataset], pl.DataFrame] = lambda _: EMPTY_RULE_ROWS,
    group: str = "quality",
) -> Rule:
    """Give a rule that holds unless *violations* says otherwise."""
    return Rule(identifier, f"{identifier} holds", group, severity, tables, violations)


def broken(*keys: str) -> pl.DataFrame:
    """Give the violating rows called *keys*."""
    return pl.DataFrame({"key": list(keys), "why": [f"{key} is wrong" for key in keys]}, schema=EMPTY_RULE_ROWS.schema)


def verdict(checked: Rule, *keys: str, missing: str | None = None) -> Verdict:
    """Give what became of a rule that *keys* violate."""
    return Verdict(checked, broken(*keys), missing)


def without(spec: TableSpec, *names: str) -> TableSpec:
    """Give *spec* without some columns."""
    return replace(spec, columns=tuple(column for column in spec.columns if column.name not in names))


def nameless_makers_are(severity: Severity) -> Rule:
    """Every maker has a name: the rule of the whole-process tests."""
    return rule(
        severity=severity,
        violations=lambda rows: (
            rows["makers"]
            .filter(pl.col("name") == "")
            .select(pl.col("_key").alias("key"), pl.lit("has no name").alias("why"))
        ),
    )


SHOP: Rows = {
    "makers": [
        {"code": "ACME", "name": "Acme", "rating": "4.50", "founded": "1999-12-31", "flagship": "SAW"},
        {"code": "BOLT", "name": "Bolt & Co", "active": "0"},
    ],
    "goods": [
        {"sku": "SAW", "maker": "ACME", "kind": "made", "barcode": "111", "listed_at": "2026-01-01 08:00:00"},
        {"sku": "BLADE", "maker": "BOLT", "base": "SAW", "barcode": "222", "stock": "7"},
    ],
    "tags": [{"code": "sharp", "title": "Handle with care"}],
    "goods_tags": [{"good": "SAW", "tag": "sharp", "weight": "1"}],
    "notes": [
        {"ref": "n1", "subject_type": "good", "subject": "SAW", "body": '{"good_id":"SAW","why":"new"}'},
        {"ref": "n2", "subject_type": "maker", "subject": "ACME"},
    ],
    "settings": [{"name": "currency", "value": "EUR"}],
}
"""A sound desired state that fills every table."""

STATE = state_of(declared(SHOP), (nameless_makers_are(Severity.CRITICAL),))
"""What `--state tests.unit.tiny` loads."""
