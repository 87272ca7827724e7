"""`reconcile rbac`: plan, and with --apply write, the roles and what they may do; nothing else is touched."""

from dataclasses import fields, replace

from reconcile.checks.preflight import check_schema
from reconcile.cli.access import kept_extras
from reconcile.cli.apply import carry
from reconcile.cli.option_groups import GuardOptions
from reconcile.cli.options import ApplyOptions, RbacOptions
from reconcile.cli.output import Output
from reconcile.cli.plan import exit_code, note_absence, show
from reconcile.cli.planned import Planned
from reconcile.cli.planning import make_plan
from reconcile.cli.session import Session
from reconcile.dataset import Dataset
from reconcile.decide import Mode
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.render.effects import render_effects, render_kept
from reconcile.state import Access

_MODES = {"add-only": Mode.ADD_ONLY, "exact": Mode.EXACT, "report": Mode.EXACT}


def run(options: RbacOptions, session: Session, output: Output) -> ExitCode:
    """Show who gains or loses what, then the rows; write them where --apply asks for it."""
    if options.mode == "report" and options.apply:
        why = "a report shows what exact would do, and never writes"
        raise _usage("--mode report --apply", why, "leave --apply out, or use --mode exact")
    access = session.state.access
    if access is None:
        why = f"desired state {session.state.name} does not say what its roles are"
        raise _usage(f"--state {options.state}", why, "give its DesiredState an `access`")
    session = replace(session, state=replace(session.state, gap_rules=(), fit=None))
    wanted, mode = _wanted(options, access), _MODES[options.mode]
    if options.apply:
        return carry("rbac", lambda: _introduced(wanted, session, access, mode, output), session, wanted, output)
    planned = _introduced(wanted, session, access, mode, output)
    note_absence(session, output)
    show(planned, wanted, output)
    return exit_code(planned, is_detailed=options.detailed_exitcode)


def _introduced(options: ApplyOptions, session: Session, access: Access, mode: Mode, output: Output) -> Planned:
    """Plan, and say in text first what the plan means."""
    planned = _plan(options, session, access, mode)
    if options.format != "text":
        return planned
    output.result(_introduction(planned, access, options.limit or None))
    return replace(planned, effects=None)  # said here, even where there is none


def _introduction(planned: Planned, access: Access, limit: int | None) -> str:
    """Say what the plan means before its rows are shown: who gains and loses what, and what is kept although extra."""
    told = [] if planned.effects is None else [render_effects(planned.effects, limit=limit)]
    if planned.plan.mode is Mode.ADD_ONLY:
        kept = kept_extras(access, planned.plan, planned.goal, planned.live.dataset)
        told += [] if kept.is_empty() else [render_kept(kept, limit=limit)]
    return "".join(f"{section}\n\n" for section in told).removesuffix("\n")


def _wanted(options: RbacOptions, access: Access) -> ApplyOptions:
    """Give the options of an apply of the one step."""
    shared = {field.name: getattr(options, field.name) for field in fields(GuardOptions)}
    return ApplyOptions(**shared, step=[access.step], limit=options.limit)


def _plan(options: ApplyOptions, session: Session, access: Access, mode: Mode) -> Planned:
    """
    Plan the tables of the step alone, with the rules that ask about nothing else.

    Raises:
        ReconcileError: as `make_plan`, or a table is missing that says who holds a role (exit code 1).

    """
    planned = make_plan(session, options, mode)
    findings = check_schema([session.state.specs[name] for name in access.tables], planned.schema, Dataset({}, {}))
    if findings:
        raise ReconcileError(findings)
    rules = tuple(rule for rule in session.state.rules if set(rule.tables) <= set(access.tables))
    return replace(planned, rules=rules, command="rbac")


def _usage(where: str, why: str, fix: str) -> ReconcileError:
    return ReconcileError([Finding(what="rbac cannot do this", where=where, why=why, fix=fix)], ExitCode.USAGE)
