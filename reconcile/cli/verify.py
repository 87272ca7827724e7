"""`reconcile verify`: every rule of the desired state asked of the live rows. Never writes."""

from collections.abc import Sequence

from reconcile.checks.verify import failed, tables_of, verify
from reconcile.cli.options import VerifyOptions
from reconcile.cli.output import Output
from reconcile.cli.session import Session, require_database
from reconcile.cli.version import TOOL_VERSION
from reconcile.errors import ExitCode
from reconcile.live.connect import snapshot
from reconcile.live.introspect import introspect
from reconcile.live.state import needed, read_state
from reconcile.render import json, jsonl, markdown, text
from reconcile.state import Verdict


def run(options: VerifyOptions, session: Session, output: Output) -> ExitCode:
    """Check the live rows; exit code 3 for a critical violation, with --strict-module for any."""
    require_database(session)
    rules, known = session.state.rules, session.state.specs
    read = tables_of(rules, known)
    with snapshot(session.target, session.engine) as connection:
        specs = needed(known, read) | read
        live = read_state(connection, specs, introspect(connection, specs), {})
    verdicts = verify(rules, live.dataset)
    output.result(_render(verdicts, options, str(session.target)))
    output.findings(live.findings)
    return ExitCode.VIOLATIONS if failed(verdicts, is_strict=options.strict_module) else ExitCode.OK


def _render(verdicts: Sequence[Verdict], options: VerifyOptions, target: str) -> str:
    limit = options.limit or None
    match options.format:
        case "json":
            return json.render_verdicts(verdicts, tool_version=TOOL_VERSION, target=target)
        case "jsonl":
            return jsonl.render_verdicts(verdicts, tool_version=TOOL_VERSION, target=target)
        case "md":
            return markdown.render_verdicts(verdicts, target=target, limit=limit)
        case _:
            return text.render_verdicts(verdicts, limit=limit)
