"""What a table is to the engine: its columns, natural key, references, policy and step. Declarations only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reconcile.values import Json, Kind, PolymorphicReference, Reference, TextReference


class Owner(StrEnum):
    """Who decides a column's value once the row exists."""

    DESIRED = "desired"
    """The desired state: compared and written."""

    ONCE = "once"
    """The desired state as long as the live value is null; a value that is there is never compared."""

    CREATION = "creation"
    """The desired state when the row is created; afterwards the server or the application: never compared."""

    SERVER = "server"
    """The server alone (the surrogate key): never compared, never written."""


class Policy(StrEnum):
    """What reconcile may do with a table's rows."""

    MANAGED = "managed"
    """Create, update and, in a reset of a table that prunes, delete."""

    CREATE_ONLY = "create-only"
    """Create what is missing; an existing row is never changed."""

    READ_ONLY = "read-only"
    """Read for checks and as the target of references; never written."""


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column: `default` is the schema's, in text form; `is_clock_default` says that it is the current time.

    `is_part` marks a reference to the row that this one is a part of, as a line of its order: a top-up adds missing
    parts only to rows that are as declared.
    """

    name: str
    kind: Kind
    nullable: bool = False
    default: str | None = None
    owner: Owner = Owner.DESIRED
    is_clock_default: bool = False
    is_clock_on_update: bool = False
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """
    One table: the columns, the natural key (`key`, column names) and how its rows are treated.

    `prunes` lets a reset delete live rows that are not declared. `unique` and `indexes` list the schema's keys
    besides the primary one. `step` is the id of the step that fills the table. A table without natural key is
    known by its surrogate key and can only be read. `soft_delete` names the timestamp that marks a row as deleted:
    of several rows with one key, one that is not deleted stands for it. `recognised_by` are columns by which a live
    row under a key that nobody declares is recognised as a declared row that has none; it takes that row's key.
    `ours` is a reference column with the keys that only reconcile writes there: such rows are pruned where those of
    others stay.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    step: str
    policy: Policy = Policy.MANAGED
    prunes: bool = True
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    surrogate_key: str = "id"
    soft_delete: str | None = None
    recognised_by: tuple[str, ...] = ()
    ours: tuple[str, tuple[str, ...]] | None = None

    def column(self, name: str) -> Column:
        """Give the column called *name*; raises KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name}.{name}")

    @property
    def declared(self) -> tuple[Column, ...]:
        """The columns a desired row has: all but the server's."""
        return tuple(column for column in self.columns if column.owner is not Owner.SERVER)

    @property
    def managed(self) -> tuple[Column, ...]:
        """The columns that are compared with the live ones."""
        return tuple(column for column in self.columns if column.owner in (Owner.DESIRED, Owner.ONCE))

    def references(self) -> Iterator[tuple[Column, str]]:
        """List (column, table) for every table that a column of this table points to, JSON documents included."""
        for column in self.columns:
            match column.kind:
                case Reference(table) | TextReference(table):
                    yield column, table
                case PolymorphicReference(_, tables):
                    for _, table in tables:
                        yield column, table
                case Json(references):
                    for _, table in references:
                        yield column, table
                case _:
                    pass


@dataclass(frozen=True, slots=True)
class Step:
    """
    One step of a run, in the order the operators know.

    A step with `checks` asks the rules of those groups and writes nothing. One that `is_optional` may be left out,
    with a warning, where the live schema lacks what it needs.
    """

    id: str
    title: str
    checks: tuple[str, ...] = ()
    is_optional: bool = False


class Size(StrEnum):
    """How large the dataset is; light is a subset of full."""

    LIGHT = "light"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Profile:
    """The parameters of a dataset: everything that its rows depend on besides the code."""

    as_of: date
    size: Size = Size.FULL
    scale: int = 1
    seed: int = 1
