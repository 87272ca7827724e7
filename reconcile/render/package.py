"""The source of a package that declares a desired state: what `reconcile init` writes."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from reconcile.render.python import Call, Name, call_of, imports, statement
from reconcile.spec import Column, Policy, TableSpec
from reconcile.state import Password
from reconcile.values import Boolean, Integer, Reference, Secret, text

STEP, CHECKS = "rows", "checks"
GROUP = "integrity"
_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_IN_NAMES = re.compile(r"\W+", re.ASCII)
_TAKEN = {"SPECS", "TABLES", "STATE", "RULES", "FILLED", "REFERENCES"}


@dataclass(frozen=True, slots=True)
class Package:
    """What a package declares: its tables, and the rows of those that have any, as they were read."""

    name: str
    specs: Mapping[str, TableSpec]
    rows: Mapping[str, pl.DataFrame]
    filled: Collection[str] = ()
    """Tables that hold rows and should go on holding some."""


def sources(package: Package) -> dict[str, str]:
    """Give the text of each file of *package* by name."""
    constants = constant_names(package.specs)
    return {
        "__init__.py": _state(package),
        "tables.py": _tables(package, constants),
        "rows.py": _rows(package, constants),
        "rules.py": _rules(package),
    }


def constant_names(tables: Iterable[str]) -> dict[str, str]:
    """Give each table a constant of its own, its name in capitals where that can be."""
    found: dict[str, str] = {}
    for table in tables:
        words = _NOT_IN_NAMES.sub("_", _WORD_BEGINS.sub("_", table)).strip("_").upper()
        plain = words if words.isidentifier() else f"TABLE_{words}".rstrip("_")
        name, number = plain, 1
        while name in _TAKEN or name in found.values():
            number += 1
            name = f"{plain}_{number}"
        found[table] = name
    return found


def secret_name(spec: TableSpec, column: Column) -> str:
    """Name the secret that a NOT NULL column must have; nullable ones are simply not declared."""
    return f"{spec.name}.{column.name}"


def passwords(package: Package) -> list[Password]:
    """List the secrets that the rows of *package* name, each with the variable that would supply it."""
    return [
        Password(
            secret_name(spec, column),
            "RECONCILE_" + _NOT_IN_NAMES.sub("_", f"{spec.name}_{column.name}").upper(),
            (STEP,),
        )
        for name, spec in package.specs.items()
        if name in package.rows
        for column in spec.declared
        if isinstance(column.kind, Secret) and not column.nullable
    ]


def _state(package: Package) -> str:
    secrets = tuple(call_of(password) for password in passwords(package))
    steps = (Call("Step", [STEP, f"Rows of {package.name}"]), Call("Step", [CHECKS, "Checks"], [("checks", (GROUP,))]))
    state = Call(
        "DesiredState",
        keywords=[
            ("name", package.name),
            ("steps", steps),
            ("specs", Name("SPECS")),
            ("rows", Name("rows")),
            ("rules", Name("RULES")),
            *([("passwords", secrets)] if secrets else []),
        ],
    )
    return _module(
        f'"""The desired state of {package.name}: what `--state {package.name}` loads."""',
        imports("reconcile.spec", ["Step"])
        + "\n"
        + imports("reconcile.state", ["DesiredState", *(["Password"] if secrets else [])]),
        "from .rows import rows\nfrom .rules import RULES\nfrom .tables import SPECS",
        statement("STATE = ", state),
    )


def _tables(package: Package, constants: Mapping[str, str]) -> str:
    specs = package.specs.values()
    columns = [column for spec in specs for column in spec.columns]
    names = ["TableSpec", "Column", "Owner"] + ["Policy"] * any(spec.policy is not Policy.MANAGED for spec in specs)
    kinds = {type(column.kind).__name__ for column in columns}
    return _module(
        f'"""The tables of {package.name}; without `prunes` a reset deletes no row."""',
        imports("reconcile.spec", names) + "\n" + imports("reconcile.values", sorted(kinds)),
        *(statement(f"{constants[spec.name]} = ", _spec_call(spec)) for spec in specs),
        statement("TABLES = ", tuple(Name(constants[name]) for name in package.specs))
        + "\n\nSPECS = {spec.name: spec for spec in TABLES}",
    )


def _spec_call(spec: TableSpec) -> Call:
    plain = call_of(spec, positional=1)
    columns = tuple(call_of(column, positional=2) for column in spec.columns)
    return Call(
        plain.function,
        plain.arguments,
        [("columns", columns) if name == "columns" else (name, value) for name, value in plain.keywords],
    )


def _rows(package: Package, constants: Mapping[str, str]) -> str:
    frames = {
        name: Call("declare", [Name(f"SPECS[{statement('', name)}]"), Name(constants[name])]) for name in package.rows
    }
    head = [
        imports("reconcile.dataset", ["Dataset"]),
        imports("reconcile.declaration", ["Row", "declare"] if frames else []),
        imports("reconcile.spec", ["Profile"]),
    ]
    return _module(
        f'"""The rows of {package.name}; what is declared here is kept as it is."""',
        "\n".join(line for line in head if line),
        imports(".tables", ["SPECS"]),
        *(
            statement(f"{constants[name]}: list[Row] = ", cells(package.specs[name], frame))
            for name, frame in package.rows.items()
        ),
        "\ndef rows(profile: Profile) -> Dataset:\n"
        '    """Give the declared rows; `profile.as_of` is the day that dates may hang on."""\n'
        + statement("return ", Call("Dataset", [Name("SPECS"), frames]), indent=4),
    )


def cells(spec: TableSpec, frame: pl.DataFrame) -> list[dict[str, object]]:
    """Give rows as they are written down: cells that are as by default are left out, and so are secrets."""
    texts = frame.select(text(column.kind, pl.col(column.name)).alias(column.name) for column in spec.declared)
    return [
        {
            column.name: _cell(spec, column, value)
            for column, value in zip(spec.declared, row, strict=True)
            if value != column.default and not (isinstance(column.kind, Secret) and column.nullable)
        }
        for row in texts.iter_rows()
    ]


def _cell(spec: TableSpec, column: Column, value: str | None) -> object:
    match column.kind:
        case _ if value is None:
            return None
        case Integer():
            return int(value)
        case Boolean():
            return value == "1"
        case Secret():
            return secret_name(spec, column)
        case _:
            return value


def _rules(package: Package) -> str:
    managed = [spec for spec in package.specs.values() if spec.policy is not Policy.READ_ONLY]
    references = tuple(
        (spec.name, column.name, column.kind.table)
        for spec in managed
        for column in spec.columns
        if isinstance(column.kind, Reference) and column.kind.table in package.specs
    )
    filled = tuple(spec.name for spec in managed if spec.name in package.filled)
    return _module(
        f'"""What must hold of the rows of {package.name}, as apply and verify ask."""',
        "from collections.abc import Callable",
        "import polars as pl\n"
        "from reconcile.dataset import KEY, Dataset\n"
        "from reconcile.errors import Severity\n"
        "from reconcile.state import Rule",
        statement("REFERENCES: tuple[tuple[str, str, str], ...] = ", references)
        + '\n"""Table, column, and the table that the column names a row of."""',
        statement("FILLED: tuple[str, ...] = ", filled) + '\n"""Tables that hold at least one row."""',
        _RULE_FUNCTIONS,
    )


_RULE_FUNCTIONS = f'''
def orphans(table: str, column: str, target: str) -> Callable[[Dataset], pl.DataFrame]:
    """Make the check that *column* names a row of *target*; null names none."""

    def violations(dataset: Dataset) -> pl.DataFrame:
        known = dataset[target][KEY].implode()
        reference = pl.col(column)
        lost = dataset[table].filter(reference.is_not_null() & ~reference.is_in(known))
        return lost.select(
            pl.col(KEY).alias("key"),
            pl.format(f"{{column}} {{{{}}}} is no row of {{target}}", reference).alias("why"),
        )

    return violations


def empties(table: str) -> Callable[[Dataset], pl.DataFrame]:
    """Make the check that *table* holds a row; its violation bears the table's name."""

    def violations(dataset: Dataset) -> pl.DataFrame:
        found = pl.DataFrame({{"key": [table], "why": ["it holds no row"]}})
        return found.clear() if dataset[table].height else found

    return violations


RULES = (
    *(
        Rule(
            f"orphans-{{table}}-{{column}}",
            f"{{table}}.{{column}} names a row of {{target}}",
            "{GROUP}",
            Severity.CRITICAL,
            (table, target),
            orphans(table, column, target),
        )
        for table, column, target in REFERENCES
    ),
    *(
        Rule(
            f"filled-{{table}}",
            f"{{table}} holds rows",
            "{GROUP}",
            Severity.WARNING,
            (table,),
            empties(table),
        )
        for table in FILLED
    ),
)'''


def _module(*sections: str) -> str:
    """Join the sections of a module with one empty line between them; a function brings the second one."""
    return "\n\n".join(sections) + "\n"
