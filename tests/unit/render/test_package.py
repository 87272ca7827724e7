"""The source of a package: names that Python takes, cells as they are written down, secrets never."""

import ast
from dataclasses import replace

import polars as pl
import pytest

from reconcile import values
from reconcile.declaration import Row, declare
from reconcile.render.package import Package, cells, constant_names, passwords, sources
from reconcile.spec import Column, Owner, Policy
from tests.unit.tiny import GOODS, MAKERS, SETTINGS, TAGS

ACCOUNTS = replace(
    TAGS,
    name="accounts",
    columns=(
        *TAGS.columns,
        Column("password", values.Secret(60), owner=Owner.ONCE),
        Column("token", values.Secret(60), nullable=True, owner=Owner.ONCE),
    ),
)


@pytest.mark.parametrize(
    ("table", "constant"),
    [
        ("orders", "ORDERS"),
        ("order_line_items", "ORDER_LINE_ITEMS"),
        ("bankAccounts", "BANK_ACCOUNTS"),
        ("invoiceLineItems", "INVOICE_LINE_ITEMS"),
        ("HTTPLog", "HTTP_LOG"),
        ("order-items 2", "ORDER_ITEMS_2"),
        ("2fa", "TABLE_2FA"),
        ("größe", "GR_E"),
        ("`", "TABLE"),
        ("specs", "SPECS_2"),
        ('"; import os', "IMPORT_OS"),
    ],
)
def test_a_table_has_a_constant_that_python_takes(table: str, constant: str) -> None:
    assert constant_names([table]) == {table: constant}
    assert constant.isidentifier()


def test_no_two_tables_share_a_constant() -> None:
    assert constant_names(["a_b", "aB", "A-B"]) == {"a_b": "A_B", "aB": "A_B_2", "A-B": "A_B_3"}


def test_cells_are_written_as_what_they_are() -> None:
    """What is as by default is left out; a null that the default would fill is not."""
    made: list[Row] = [
        {"code": "A", "rating": "4.50", "founded": "1999-12-31", "active": False},
        {"code": "B", "name": "it's"},
    ]

    assert cells(MAKERS, declare(MAKERS, made)) == made
    goods = declare(GOODS, [{"sku": "a", "maker": "A", "stock": 7, "listed_at": "2026-01-01 08:00:00"}])
    assert cells(GOODS, goods) == [{"sku": "a", "maker": "A", "stock": 7, "listed_at": "2026-01-01 08:00:00"}]
    nulled = declare(GOODS, [{"sku": "a", "maker": "A"}]).with_columns(kind=pl.lit(None, dtype=pl.String))
    assert cells(GOODS, nulled) == [{"sku": "a", "maker": "A", "kind": None}]


def test_secrets_are_not_written() -> None:
    """Not even that there is one; where there must be one, its name stands for it, and a variable would supply it."""
    rows = declare(ACCOUNTS, [{"code": "a", "password": "hunter2", "token": "s3cr3t"}])
    package = Package("shop", {"accounts": ACCOUNTS}, {"accounts": rows})

    assert cells(ACCOUNTS, rows) == [{"code": "a", "password": "accounts.password"}]
    assert [(p.name, p.variable) for p in passwords(package)] == [("accounts.password", "RECONCILE_ACCOUNTS_PASSWORD")]
    assert [name for name, text in sources(package).items() if "hunter2" in text or "s3cr3t" in text] == []
    assert 'Password("accounts.password", "RECONCILE_ACCOUNTS_PASSWORD", ("rows",))' in sources(package)["__init__.py"]


def test_data_cannot_become_code() -> None:
    """A text that looks like the end of a literal stays a text, in rows, names, defaults and values."""
    evil = 'x"""); import os #\n\\'
    spec = replace(
        TAGS,
        name=evil,
        columns=(
            TAGS.columns[0],
            Column("code", values.Text(50), default=evil),
            Column(evil, values.Enumeration((evil, "b")), nullable=True),
        ),
    )
    package = Package("shop", {evil: spec}, {evil: declare(spec, [{"code": "c", evil: evil}])}, [evil])

    for text in sources(package).values():
        imported = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert "os" not in [alias.name for node in imported for alias in node.names]


def test_rules_ask_managed_tables_only() -> None:
    specs = {"makers": replace(MAKERS, policy=Policy.READ_ONLY), "goods": GOODS, "settings": SETTINGS}
    rules = sources(Package("shop", specs, {}, ["goods"]))["rules.py"]

    assert '("goods", "maker", "makers"),\n' in rules
    assert '("makers", "flagship", "goods")' not in rules
    assert 'FILLED: tuple[str, ...] = ("goods",)' in rules
