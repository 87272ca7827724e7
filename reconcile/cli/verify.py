"""`reconcile verify`: every rule of the desired state asked of the live rows. Never writes."""

from reconcile.checks.verify import failed, tables_of, verify
from reconcile.cli.options import VerifyOptions
from reconcile.cli.output import TOOL_VERSION, Output
from reconcile.cli.session import Session, require_database
from reconcile.errors import ExitCode
from reconcile.live.connect import snapshot
from reconcile.live.introspect import introspect
from reconcile.live.state import needed, read_state
from reconcile.render import json, text


def run(options: VerifyOptions, session: Session, output: Output) -> ExitCode:
    """Check the live rows; exit code 3 for a critical violation, with --strict-module for any."""
    require_database(session)
    rules, known = session.state.rules, session.state.specs
    read = tables_of(rules, known)
    with snapshot(session.target, session.engine) as connection:
        specs = needed(known, read) | read
        live = read_state(connection, specs, introspect(connection, specs), {})
    verdicts = verify(rules, live.dataset)
    if options.format == "json":
        output.result(json.render_verdicts(verdicts, tool_version=TOOL_VERSION, target=str(session.target)))
    else:
        output.result(text.render_verdicts(verdicts, limit=options.limit or None))
    output.findings(live.findings)
    return ExitCode.VIOLATIONS if failed(verdicts, is_strict=options.strict_module) else ExitCode.OK
