"""What every command starts with: the target, its engine, the desired state and the settings of the environment."""

import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

from sqlalchemy import Engine, MetaData, create_engine
from sqlalchemy.pool import StaticPool

from reconcile.cli.option_groups import TargetOptions
from reconcile.cli.recall import Asked, read_dotenv
from reconcile.cli.sources import allow_current_folder
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.live.connect import open_engine
from reconcile.live.server_errors import server_errors
from reconcile.live.tables import metadata
from reconcile.live.target import Target, choose
from reconcile.state import DesiredState


@dataclass(frozen=True, slots=True)
class Session:
    """One command's target and desired state."""

    target: Target
    engine: Engine
    state: DesiredState
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The variables of the environment and, where it has none, of `.env`."""
    asked: Asked | None = None
    """What the command was asked for, where its answer may be remembered."""

    @property
    def protection(self) -> str | None:
        """What makes the target a protected one, as a variable and its value; None when nothing does."""
        for name in ("NODE_ENV", "RECONCILE_ENV"):
            if self.settings.get(name, "").strip().lower() == "production":
                return f"{name}=production"
        return None


def open_session(options: TargetOptions) -> Session:
    """
    Choose the target and load the desired state; nothing is contacted yet.

    Raises:
        ReconcileError: a URL or package that cannot be used; exit code 64.

    """
    target, settings = choose_target(options.database_url)
    return Session(target, open_engine(target), load_state(options.state), settings)


def choose_target(url: str | None) -> tuple[Target, dict[str, str]]:
    """
    Choose the target by *url*, the environment or `.env`, and give it with the variables of both.

    Raises:
        ReconcileError: a URL that cannot be used; exit code 64.

    """
    dotenv = read_dotenv()
    return choose(url, os.environ, dotenv), dotenv | os.environ


def load_state(package: str) -> DesiredState:
    """Import *package*, which may lie in the current folder, and give its `STATE`."""
    allow_current_folder()
    try:
        state = import_module(package).STATE
    except (ImportError, AttributeError) as error:
        raise _no_state(package, str(error)) from error
    except ReconcileError:
        raise
    except Exception as error:  # whatever the package's own code may raise
        raise _no_state(package, _place(error)) from error
    if not isinstance(state, DesiredState):
        raise _no_state(package, f"its STATE is a {type(state).__name__}")
    return state


def _place(error: Exception) -> str:
    """Say what was raised, and in which line of which file."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} (raised in {place.filename}, line {place.lineno})"


def _no_state(package: str, why: str) -> ReconcileError:
    return ReconcileError(
        [
            Finding(
                what=f"{package} declares no desired state",
                where="--state",
                why=why,
                fix="name an importable package whose attribute STATE is a reconcile.state.DesiredState",
            )
        ],
        ExitCode.USAGE,
    )


def is_absent(target: Target) -> bool:
    """Say whether the target is an SQLite file that is not there yet; the first apply makes it."""
    file = Path(target.database)
    return target.is_sqlite and not (file.exists() and file.stat().st_size)


def stand_in(session: Session) -> Session:
    """Give a session on empty tables in memory, to plan for a file that is not there yet without making it."""
    empty = replace(
        session, engine=create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    )
    create_tables(empty)
    return empty


def managed_tables(session: Session) -> MetaData:
    """Give the DDL of every table that the desired state knows."""
    return metadata(session.state.specs, session.engine.dialect.name)


def create_tables(session: Session) -> None:
    """Create the managed tables; the database must not have any of them."""
    with server_errors(session.target), session.engine.begin() as connection:
        managed_tables(session).create_all(connection, checkfirst=False)


def require_database(session: Session) -> None:
    """
    Refuse to read an SQLite file that is not there, before the driver would make an empty one.

    Raises:
        ReconcileError: there is no such file; exit code 1.

    """
    if is_absent(session.target):
        raise ReconcileError(
            [
                Finding(
                    what="the database file does not exist",
                    where=str(session.target),
                    why=f"chosen by: {session.target.origin}",
                    fix="run `reconcile apply` or `reconcile schema create` first, or set DATABASE_URL",
                )
            ]
        )
