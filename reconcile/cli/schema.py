"""`reconcile schema`: make the managed tables in an empty database, compare them, or print their DDL."""

from sqlalchemy import create_mock_engine
from sqlalchemy.schema import ExecutableDDLElement

from reconcile.checks.preflight import check_schema
from reconcile.cli.options import SchemaOptions
from reconcile.cli.output import Output
from reconcile.cli.session import Session, create_tables, is_absent, require_database
from reconcile.dataset import Dataset
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.live.connect import snapshot
from reconcile.live.introspect import introspect
from reconcile.live.tables import metadata


def run(options: SchemaOptions, session: Session, output: Output) -> ExitCode:
    """Do what the argument says; `check` exits 1 with every difference."""
    match options.what:
        case "sql":
            output.result(_ddl(session))
        case "create":
            output.result(_create(session))
        case _:
            output.result(_check(session))
    return ExitCode.OK


def _ddl(session: Session) -> str:
    statements: list[str] = []

    def collect(element: ExecutableDDLElement, *_: object, **__: object) -> None:
        statements.append(str(element.compile(dialect=session.engine.dialect)).strip() + ";")

    mock = create_mock_engine(session.target.url.for_engine(), collect)
    metadata(session.state.specs, session.engine.dialect.name).create_all(mock, checkfirst=False)
    return "\n\n".join(statements)


def _create(session: Session) -> str:
    if not is_absent(session.target):
        with snapshot(session.target, session.engine) as connection:
            present = sorted(set(introspect(connection).tables) & set(session.state.specs))
        if present:
            raise ReconcileError(
                [
                    Finding(
                        what="the database is not empty",
                        where=str(session.target),
                        why=f"it has {len(present)} of the managed tables already, first {present[0]}",
                        fix="use an empty database, or compare with `reconcile schema check`",
                    )
                ],
                ExitCode.REFUSED,
            )
    create_tables(session)
    return f"Created {len(session.state.specs)} tables in {session.target}."


def _check(session: Session) -> str:
    require_database(session)
    with snapshot(session.target, session.engine) as connection:
        schema = introspect(connection)
    findings = check_schema(session.state.specs.values(), schema, Dataset({}, {}))
    if findings:
        raise ReconcileError(findings)
    return f"The schema of {session.target} fits: {len(session.state.specs)} tables checked."
