"""`reconcile query`: row counts, tables, or one statement in a session that the server itself keeps read-only."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection

from reconcile.cli.options import QueryOptions
from reconcile.cli.output import Output
from reconcile.cli.session import Session, require_database
from reconcile.cli.version import TOOL_VERSION
from reconcile.errors import ExitCode
from reconcile.live.connect import snapshot
from reconcile.live.introspect import introspect
from reconcile.live.state import count_rows
from reconcile.render.json import FORMAT_VERSION

Rows = Sequence[Sequence[object]]


def run(options: QueryOptions, session: Session, output: Output) -> ExitCode:
    """Answer the query as a table, or as JSON."""
    require_database(session)
    with snapshot(session.target, session.engine) as connection:
        names, rows = _answer(options.query, connection, session)
    if options.format == "json":
        head = {"format_version": FORMAT_VERSION, "tool_version": TOOL_VERSION, "target": str(session.target)}
        answer = {**head, "columns": list(names), "rows": [[_plain(value) for value in row] for row in rows]}
        output.result(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        output.result(_table(names, rows))
    return ExitCode.OK


def _answer(query: str, connection: Connection, session: Session) -> tuple[Sequence[str], Rows]:
    match query:
        case "counts" | "tables":
            live = introspect(connection).tables
            chosen = [name for name in sorted(session.state.specs if query == "counts" else live) if name in live]
            missing = sorted(set(session.state.specs) - set(live)) if query == "counts" else []
            counted = count_rows(connection, chosen)
            return ("table", "rows"), [*counted.items(), *((name, "missing") for name in missing)]
        case statement:
            # Not parsed: the session is read-only, so the server refuses what would write.
            result = connection.execution_options(no_parameters=True).exec_driver_sql(statement)
            if not result.returns_rows:
                return ("result",), [("done, no rows",)]
            return tuple(result.keys()), [tuple(row) for row in result]


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, int | float | str) else _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return "NULL" if value is None else str(value)


def _table(names: Sequence[str], rows: Rows) -> str:
    """Give aligned columns, numbers to the right."""
    cells = [[_shown(value).replace("\n", "\\n") for value in row] for row in rows]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(names)]
    is_number = [bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(names))]

    def line(row: Sequence[str]) -> str:
        parts = [
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(row, widths, is_number, strict=True)
        ]
        return "  ".join(parts).rstrip()

    return "\n".join([line(names), line(["-" * width for width in widths]), *map(line, cells)])
