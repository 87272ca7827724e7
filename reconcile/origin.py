"""What a saved plan was made by and for: options, database, schema, versions. Declarations only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from reconcile.shard import Shard


@dataclass(frozen=True, slots=True)
class RunShape:
    """The options of a run that decide what its plan is, named as the command line names them; `as_of` is resolved."""

    as_of: date
    light: bool = False
    scale: int = 1
    seed: int = 1
    no_clear: bool = False
    step: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    exclude_table: tuple[str, ...] = ()
    skip_accounts: bool = False
    skip_qa_data: bool = False
    skip_augment: bool = False
    skip_validation: bool = False
    continue_on_error: bool = False
    allow_cascade: bool = False
    shard: Shard | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a plan means for one role: the permissions it gains and loses, and how many users that touches."""

    role: str
    gains: tuple[str, ...]
    loses: tuple[str, ...]
    users: int


@dataclass(frozen=True, slots=True)
class Origin:
    """
    What a plan was made by and for: it may be carried out only where all of this is still so.

    `server` and `database` say which database it is, without a password; `schema` is the digest of the live tables
    that the plan is about, `package` the desired state and `declared` the fingerprints of its rows by table,
    whatever the live rows made of them.
    """

    tool_version: str
    server: str
    database: str
    schema: str
    package: str
    shape: RunShape
    declared: Mapping[str, str]
    effects: tuple[Effect, ...] | None = None
