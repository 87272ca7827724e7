"""A schema that moved hides no more than what cannot be read of it."""

from collections.abc import Mapping
from dataclasses import replace

from reconcile.checks.comparable import comparable
from reconcile.live.schema import LiveColumn, LiveSchema
from reconcile.spec import TableSpec
from reconcile.values import Date, Decimal, Enumeration, Json, Text, TextReference, Timestamp
from tests.unit.tiny import SPECS


def live_type(spec: TableSpec, name: str) -> str:
    match spec.column(name).kind:
        case Text(None):
            return "text"
        case Text() | Enumeration():
            return "varchar"
        case Decimal():
            return "decimal"
        case Date():
            return "date"
        case Timestamp():
            return "timestamp"
        case Json():
            return "json"
        case _:
            return "int"


def schema(
    without: Mapping[str, set[str]] | None = None, types: Mapping[tuple[str, str], str] | None = None
) -> LiveSchema:
    """Give the schema of the tiny shop, without some columns and with others of another type."""
    lost, others = without or {}, types or {}
    return LiveSchema(
        {
            name: {
                c.name: LiveColumn(c.name, others.get((name, c.name)) or live_type(spec, c.name), c.nullable, False, 5)
                for c in spec.columns
                if c.name not in lost.get(name, set())
            }
            for name, spec in SPECS.items()
            if lost.get(name) != {"*"}
        }
    )


def names(specs: Mapping[str, TableSpec], table: str) -> set[str]:
    return {column.name for column in specs[table].columns}


def test_a_schema_that_fits_or_is_merely_too_short_hides_nothing() -> None:
    """Every text here is 5 characters long, which preflight would refuse."""
    assert comparable(SPECS, schema()) == SPECS


def test_a_missing_column_hides_itself() -> None:
    found = comparable(SPECS, schema({"makers": {"rating"}}))

    assert names(found, "makers") == names(SPECS, "makers") - {"rating"}
    assert {name: spec for name, spec in found.items() if name != "makers"} == {
        name: spec for name, spec in SPECS.items() if name != "makers"
    }


def test_a_column_of_another_type_hides_itself() -> None:
    found = comparable(SPECS, schema(types={("makers", "founded"): "varchar"}))

    assert names(SPECS, "makers") - names(found, "makers") == {"founded"}


def test_a_missing_key_hides_the_table_and_what_hangs_on_it() -> None:
    """References to the table cannot be compared, and a table whose key has one cannot either."""
    found = comparable(SPECS, schema({"tags": {"code"}}))

    assert SPECS.keys() - found.keys() == {"tags", "goods_tags"}
    found = comparable(SPECS, schema({"makers": {"code"}}))
    assert SPECS.keys() - found.keys() == {"makers"}
    assert names(SPECS, "goods") - names(found, "goods") == {"maker"}
    assert names(SPECS, "notes") - names(found, "notes") == {"subject", "body"}


def test_a_missing_table_or_surrogate_key_hides_the_table() -> None:
    assert SPECS.keys() - comparable(SPECS, schema({"tags": {"*"}})).keys() == {"tags", "goods_tags"}
    assert SPECS.keys() - comparable(SPECS, schema({"tags": {"id"}})).keys() == {"tags", "goods_tags"}


def test_a_missing_discriminator_hides_what_it_tells_apart() -> None:
    found = comparable(SPECS, schema({"notes": {"subject_type"}}))

    assert names(SPECS, "notes") - names(found, "notes") == {"subject_type", "subject"}


def test_unique_values_and_marks_of_hidden_columns_go_with_them() -> None:
    marked = {
        **SPECS,
        "goods": replace(SPECS["goods"], soft_delete="listed_at", recognised_by=("barcode",), ours=("base", ("SAW",))),
    }

    found = comparable(marked, schema({"goods": {"barcode", "listed_at", "base"}}))["goods"]

    assert (found.unique, found.soft_delete, found.recognised_by, found.ours) == ((), None, (), None)


def test_a_text_that_names_a_row_by_a_hidden_column_is_hidden() -> None:
    by_title = replace(SPECS["notes"].column("body"), kind=TextReference("tags", "title", 50))
    columns = tuple(by_title if c.name == "body" else c for c in SPECS["notes"].columns)
    specs = {**SPECS, "notes": replace(SPECS["notes"], columns=columns)}

    found = comparable(specs, schema({"tags": {"title"}}, {("notes", "body"): "varchar"}))

    assert names(specs, "notes") - names(found, "notes") == {"body"}
