"""Table specs: what they say about their columns."""

import pytest

from tests.unit.tiny import GOODS, MAKERS, NOTES, TAGS


def test_a_column_is_found_by_its_name() -> None:
    assert GOODS.column("barcode").name == "barcode"


def test_an_unknown_column_is_named_with_its_table() -> None:
    with pytest.raises(KeyError, match=r"goods\.colour"):
        GOODS.column("colour")


def test_the_server_owns_the_surrogate_key() -> None:
    assert [column.name for column in TAGS.declared] == ["code", "title"]


def test_what_the_desired_state_only_creates_is_not_managed() -> None:
    assert "stock" in [column.name for column in GOODS.declared]
    assert "stock" not in [column.name for column in GOODS.managed]


def test_references_of_every_kind_are_listed() -> None:
    """Plain ones, each target of a polymorphic one, each member of a JSON document."""
    assert [(column.name, table) for column, table in MAKERS.references()] == [("flagship", "goods")]
    assert [(column.name, table) for column, table in NOTES.references()] == [
        ("subject", "makers"),
        ("subject", "goods"),
        ("body", "goods"),
        ("body", "makers"),
    ]
