"""`reconcile drift`: what differs, who moved, since when. For schedulers: writes to no database, exit 2 on drift."""

import time
from datetime import UTC, date, datetime

from reconcile.assessment import accept_all, assess
from reconcile.cli.drift_files import (
    PRIVATE,
    READABLE,
    dump_baseline,
    dump_history,
    read_baseline,
    read_history,
    write_whole,
)
from reconcile.cli.drifting import compare
from reconcile.cli.options import DriftOptions
from reconcile.cli.output import Output
from reconcile.cli.session import Session, open_session
from reconcile.cli.version import TOOL_VERSION
from reconcile.cli.webhook import VARIABLE, check_webhook, send
from reconcile.diff import Action
from reconcile.drift import Drift, Standing
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.render import drift as text
from reconcile.render import drift_document as document
from reconcile.sightings import Seen, Sighting


def run(options: DriftOptions, session: Session, output: Output) -> ExitCode:
    """Compare, show, write what files are asked for and tell the webhook; exit code 2 when something counts."""
    started, now = time.monotonic(), _now()
    url, origin = _webhook(options, session)
    database, is_url = str(session.target), False
    try:
        check_webhook(url, origin)
        is_url = True
        _check(options)
        drift, seen = _look(options, session, output, now)
    except BaseException as error:
        # Whatever stopped it, also a signal: an alert must see that nobody knows whether there is drift.
        _write_metrics(options, database, time.monotonic() - started, None)
        if isinstance(error, ReconcileError) and url is not None and is_url:
            body = document.render_failed(error.findings, tool_version=TOOL_VERSION, target=database)
            output.findings(send(url, origin, body))
        raise
    output.log("compared", open=drift.rows(Standing.OPEN), keep=drift.plan.kept)
    output.result(_render(drift, options, now))
    output.findings(drift.plan.findings)
    problems = _write_files(options, drift, seen)
    problems += _write_metrics(options, database, time.monotonic() - started, drift)
    if url is not None and drift.is_open:
        body = document.render_summary(drift, now, tool_version=TOOL_VERSION, shows_rows=options.webhook_rows)
        output.findings(send(url, origin, body))
    output.errors(problems)
    if problems:
        return ExitCode.ERROR
    return ExitCode.CHANGES if drift.is_open and options.write_baseline is None else ExitCode.OK


def open_for(options: DriftOptions) -> Session:
    """Open the session; where that fails, an alert must see it too, though the database has no name yet."""
    try:
        return open_session(options)
    except ReconcileError:
        _write_metrics(options, "", 0.0, None)
        raise


def _now() -> datetime:
    """Give the time in UTC, whole seconds, as files and outputs tell it."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def _webhook(options: DriftOptions, session: Session) -> tuple[str | None, str]:
    if options.webhook:
        return options.webhook, "--webhook"
    return session.settings.get(VARIABLE) or None, VARIABLE


def _check(options: DriftOptions) -> None:
    """
    Refuse half an order to accept what drifts.

    Raises:
        ReconcileError: flags that belong together are not together, or a day that is over; exit code 64.

    """
    given = {
        "--write-baseline": options.write_baseline,
        "--expires": options.expires,
        "--reason": options.reason and options.reason.strip(),
    }
    missing = [flag for flag, value in given.items() if not value]
    why = None
    if missing and len(missing) < len(given):
        why = f"{', '.join(missing)} is missing: what is accepted needs a reason and a last day"
    elif options.expires is not None and options.expires < _now().date():
        why = f"--expires {options.expires} is over"
    if why is not None:
        fix = "give --write-baseline FILE, --expires DATE and --reason TEXT together, or none of them"
        finding = Finding(what="nothing was accepted", where=", ".join(given), why=why, fix=fix)
        raise ReconcileError([finding], ExitCode.USAGE)


def _look(options: DriftOptions, session: Session, output: Output, now: datetime) -> tuple[Drift, dict[Sighting, Seen]]:
    acceptances, history = read_baseline(options.baseline), read_history(options.history)
    compared = compare(session, options, now)
    if compared.anchored_by is not None:
        as_of = compared.plan.profile.as_of
        output.note(f"As of {as_of}, as run {compared.anchored_by}; --as-of sets another date")
    return assess(compared, acceptances, history, now)


def _render(drift: Drift, options: DriftOptions, now: datetime) -> str:
    actions = [Action(name) for name in options.only or Action]
    shows_rows, limit = not options.summary, options.limit or None
    match options.format:
        case "json":
            show = document.render_drift
        case "jsonl":
            show = document.render_lines
        case "md":
            return text.render_markdown(drift, shows_rows=shows_rows, limit=limit, actions=actions)
        case _:
            return text.render_drift(drift, shows_rows=shows_rows, limit=limit, actions=actions)
    return show(drift, now, tool_version=TOOL_VERSION, shows_rows=shows_rows, limit=None, actions=actions)


def _write_files(options: DriftOptions, drift: Drift, seen: dict[Sighting, Seen]) -> list[Finding]:
    problems: list[Finding] = []
    if options.history is not None:
        problems += write_whole("history", options.history, dump_history(seen), PRIVATE)
    if options.write_baseline is not None:
        accepted = accept_all(drift, options.reason or "", options.expires or date.max)
        problems += write_whole("write-baseline", options.write_baseline, dump_baseline(accepted), READABLE)
    return problems


def _write_metrics(options: DriftOptions, database: str, duration_s: float, drift: Drift | None) -> list[Finding]:
    if options.metrics_file is None:
        return []
    from reconcile.render.metrics import render_metrics

    content = render_metrics(database=database, now=_now(), duration_s=duration_s, drift=drift)
    return write_whole("metrics-file", options.metrics_file, content, READABLE)
