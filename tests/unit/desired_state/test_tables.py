"""The declared tables are those of the live schema, column by column, as schema.json lists them."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from desired_state.tables import SPECS
from reconcile import values
from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import Kind

INTEGER = "int(11)"


@pytest.fixture(scope="module")
def schema(facts: Path) -> Mapping[str, dict[str, object]]:
    """The tables of schema.json by name."""
    tables = json.loads((facts / "schema.json").read_text(encoding="utf-8"))["tables"]
    assert isinstance(tables, dict)
    return tables


def live_type(kind: Kind) -> str:
    """Spell *kind* as schema.json does."""
    match kind:
        case values.Integer() | values.Reference() | values.PolymorphicReference():
            return INTEGER
        case values.Boolean():
            return "tinyint(1)"
        case values.Decimal(precision, scale):
            return f"decimal({precision},{scale})"
        case values.Text(None):
            return "text"
        case values.Text(length) | values.Secret(length) | values.TextReference(max_length=length):
            return f"varchar({length})"
        case values.Date():
            return "date"
        case values.Timestamp():
            return "timestamp"
        case values.Json():
            return "longtext"
        case values.Enumeration(allowed):
            return "enum(" + ",".join(f"'{value}'" for value in allowed) + ")"


def live_facts(column: Column) -> dict[str, object]:
    """Describe a declared column as schema.json describes a live one; what it leaves out is the usual."""
    facts: dict[str, object] = {"name": column.name, "type": live_type(column.kind)}
    if isinstance(column.kind, values.Json):
        facts["json"] = True
    if column.nullable:
        facts["null"] = True
    if column.is_clock_default:
        facts["default"] = "current_timestamp()"
    elif column.default is not None:
        is_quoted = isinstance(column.kind, values.Text | values.Enumeration | values.Json)
        facts["default"] = f"'{column.default}'" if is_quoted else column.default
    if column.owner is Owner.SERVER:
        facts["extra"] = "auto_increment"
    elif column.is_clock_on_update:
        facts["extra"] = "on update current_timestamp()"
    return facts


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_columns_are_those_of_the_live_schema(spec: TableSpec, schema: Mapping[str, dict[str, object]]) -> None:
    """Name, order, type, null, default and extra; a text column may be as long as the schema's longtext."""
    live = [
        {**column, "type": "text"} if column["type"] == "longtext" and not column.get("json") else column
        for column in _listed(schema, spec, "columns")
    ]

    assert [live_facts(column) for column in spec.columns] == live


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_keys_are_those_of_the_live_schema(spec: TableSpec, schema: Mapping[str, dict[str, object]]) -> None:
    """Unique keys, and the foreign key with its action of every reference that is not only logical."""
    unique = schema[spec.name].get("unique", {})
    assert isinstance(unique, dict)
    foreign = {(key["columns"][0], key["ref_table"], key["on_delete"]) for key in _listed(schema, spec, "foreign_keys")}
    declared = {
        (column.name, column.kind.table, column.kind.on_delete)
        for column in spec.columns
        if isinstance(column.kind, values.Reference) and column.kind.on_delete
    }

    assert set(spec.unique) == {tuple(names) for names in unique.values()}
    assert declared == foreign


def _listed(schema: Mapping[str, dict[str, object]], spec: TableSpec, name: str) -> list[dict[str, str]]:
    found = schema[spec.name].get(name, [])
    assert isinstance(found, list)
    return found
