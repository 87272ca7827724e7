"""Saved plans: what one was made by and for, and whether it still holds when it is to be carried out."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from reconcile.apply.proof import unsettled
from reconcile.checks.stale import moved_rows
from reconcile.cli.access import effects_of
from reconcile.cli.option_groups import TargetOptions
from reconcile.cli.options import ApplyOptions, PlanOptions
from reconcile.cli.planned import Planned
from reconcile.cli.planned_file import read, read_origin
from reconcile.cli.planning import make_plan
from reconcile.cli.session import Session, is_absent, open_session, stand_in
from reconcile.cli.version import TOOL_VERSION
from reconcile.dataset import Dataset, Fingerprint, dependency_order, fingerprints
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.live.connect import snapshot
from reconcile.live.identity import database_of, schema_digest, server_of
from reconcile.origin import Effect, Origin, RunShape
from reconcile.plan import Plan
from reconcile.planfile import SavedPlan

_SHAPE = [field.name for field in fields(RunShape)]
_AGAIN = "make a new plan with `reconcile plan --out FILE` and review it"


def open_saved_session(options: ApplyOptions) -> Session:
    """Open the session of an apply; with a plan file, on the desired state that the plan was made from."""
    if options.plan_file is not None:
        package = read_origin(options.plan_file).package
        if options.state not in (_default(TargetOptions, "state"), package):
            raise _shaped(options.plan_file, ["--state"])
        options.state = package
    return open_session(options)


def plan_again(file: str, options: ApplyOptions, session: Session) -> Planned:
    """
    Read the plan in *file*, and make sure that it still holds by planning anew as it was planned then.

    Returns:
        What was planned now, with the file's plan in the place of the new one.

    Raises:
        ReconcileError: flags that the file has said (exit code 64); made for another database, schema, version or
            desired state, or rows have moved, all of them listed (4); whatever stops a plan.

    """
    refuse_shape(file, options)
    saved = read(file)
    if saved.origin.package != options.state:
        raise _shaped(file, ["--state"])
    _refuse(_foreign(saved, session, file))
    then = _as_then(options, saved.origin.shape)
    fresh = make_plan(session, then, reads_rules=not options.dry_run)
    if fresh.spanned is not None:
        if fresh.plan.checksum == saved.plan.checksum:
            _refuse(_changed(saved, fresh, file))
            return replace(fresh, is_saved=True)
        # What is left of the file's plan is found out row by row.
        fresh = make_plan(session, then, reads_rules=not options.dry_run, in_spans=False)
    _refuse(_changed(saved, fresh, file))
    plan = _in_place_of(fresh.plan, saved.plan)
    _refuse(_carried_out(plan, fresh.live.dataset, file))
    _refuse(moved_rows(plan, fresh.plan, fresh.live.dataset))
    effects = effects_of(session.state, plan, fresh.live.dataset)
    return replace(fresh, plan=plan, effects=effects, is_saved=True)


def refuse_shape(file: str, options: ApplyOptions) -> None:
    """
    Refuse flags that shape a plan next to *file*, which holds one.

    Raises:
        ReconcileError: all such flags; exit code 64.

    """
    given = ["--" + name.replace("_", "-") for name in _SHAPE if getattr(options, name) != _default(ApplyOptions, name)]
    if given:
        raise _shaped(file, given)


def refuse_checksum(wanted: str | None, plan: Plan) -> None:
    """
    Go on only with the plan that was asked for by its checksum, if one was.

    Raises:
        ReconcileError: the plan is another one; exit code 4.

    """
    if wanted is not None and not plan.checksum.startswith(wanted):
        why = f"asked for checksum {wanted}, planned {plan.checksum}"
        _refuse([Finding("the plan is another one than asked for", f"--checksum, {plan.target}", why, _REVIEW)])


def _as_then(options: ApplyOptions, shape: RunShape) -> ApplyOptions:
    """Give *options* with those that shape a plan as they were when it was made."""
    given = {name: getattr(shape, name) for name in _SHAPE}
    then: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    return replace(options, **then)


_REVIEW = "review the plan with `reconcile plan` and give the checksum it shows"


def to_save(planned: Planned, session: Session, options: PlanOptions) -> SavedPlan:
    """Give the plan with all that says what it was made by and for."""
    given = {name: getattr(options, name) for name in _SHAPE}
    shape: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    shape["as_of"] = planned.plan.profile.as_of
    effects = planned.effects
    names = [part.spec.name for part in planned.plan.tables]
    server, database, schema = _where(session, names)
    origin = Origin(
        tool_version=TOOL_VERSION,
        server=server,
        database=database,
        schema=schema,
        package=options.state,
        shape=RunShape(**shape),
        declared=_declared(planned),
        effects=None
        if effects is None
        else tuple(
            Effect(role, tuple(gains), tuple(loses), users)
            for role, gains, loses, users in effects.select("role", "gains", "loses", "users").iter_rows()
        ),
    )
    return SavedPlan(planned.plan, origin)


def _where(session: Session, tables: Sequence[str]) -> tuple[str, str, str]:
    """
    Give the server, the database and the digest of *tables* there.

    A database that is not there yet is asked as the first apply will make it.
    """
    asked = stand_in(session) if is_absent(session.target) else session
    with snapshot(asked.target, asked.engine) as connection:
        return server_of(connection), database_of(connection, session.target), schema_digest(connection, tables)


def _declared(planned: Planned) -> dict[str, str]:
    """Give the fingerprints of the declared rows by table, before anything was left out because of live rows."""
    if planned.spanned is not None:
        specs = planned.goal.desired.specs
        prints = {name: found for name, found in planned.plan.fingerprints.items() if name}
        return {name: found for name, found in prints.items() if found != Fingerprint(specs[name]).hexdigest()}
    frames = {
        name: frame for name, frame in planned.live.declared.items() if frame.height and name in planned.goal.tables
    }
    return fingerprints(Dataset(planned.goal.desired.specs, frames))


def _foreign(saved: SavedPlan, session: Session, file: str) -> list[Finding]:
    """Find what says that the plan was made for something else."""
    origin = saved.origin
    server, database, schema = _where(session, [part.spec.name for part in saved.plan.tables])
    findings = []
    if (server, database) != (origin.server, origin.database):
        why = f"made for {saved.plan.target} ({origin.database}, {origin.server}); this is {database}, {server}"
        fix = "choose the database that the plan was made for, or make a plan for this one"
        findings.append(Finding("the plan was made for another database", f"{file}, {session.target}", why, fix))
    elif schema != origin.schema:
        why = "columns or foreign keys of its tables are not what they were when the plan was made"
        findings.append(Finding("the plan was made for another schema", f"{file}, {session.target}", why, _AGAIN))
    if origin.tool_version != TOOL_VERSION:
        why = f"made by reconcile {origin.tool_version}, this is {TOOL_VERSION}"
        findings.append(Finding("the plan was made by another version", file, why, _AGAIN))
    return findings


def _changed(saved: SavedPlan, fresh: Planned, file: str) -> list[Finding]:
    """Find what says that the desired state, or what may be applied of it, is not what it was."""
    now = _declared(fresh)
    names = sorted(name for name in now.keys() | saved.origin.declared.keys() if name)
    moved = [name for name in names if now.get(name) != saved.origin.declared.get(name)]
    findings = []
    specs = {part.spec.name: part.spec for part in fresh.plan.tables}
    for part in saved.plan.tables:
        if specs.get(part.spec.name, part.spec) != part.spec:
            why = f"the columns, key or policy of {part.spec.name} are not declared as they were"
            findings.append(Finding("the desired state changed after the plan was made", file, why, _AGAIN))
    if moved:
        why = f"the declared rows of {', '.join(moved)} are not those that the plan was made from"
        findings.append(Finding("the desired state changed after the plan was made", file, why, _AGAIN))
    for step in sorted(saved.plan.chosen - fresh.plan.chosen):
        why = fresh.plan.left_out.get(step, "it does not fit the database any more")
        fix = f"mend the reason, or {_AGAIN}"
        findings.append(Finding(f"step {step} cannot be carried out as planned", file, why, fix))
    return findings


def _in_place_of(fresh: Plan, saved: Plan) -> Plan:
    """Give what *saved* does to which rows, and in all else the plan that was made now."""
    parts = {part.spec.name: part for part in saved.tables}
    order, deferred = dependency_order({name: part.spec for name, part in parts.items()})
    return replace(fresh, chosen=saved.chosen, tables=tuple(parts[name] for name in order), deferred=deferred)


def _carried_out(plan: Plan, live: Dataset, file: str) -> list[Finding]:
    """Say in one sentence of a whole plan that it is done, instead of saying it of each row."""
    is_read = all(part.spec.name in live for part in plan.tables if part.written)
    if not plan.written or not is_read or unsettled(plan, live):
        return []
    why = f"all {plan.written:,} rows that it would write are as it leaves them"
    return [Finding("the plan is stale: it has been carried out already", f"{file}, {plan.target}", why, _AGAIN)]


def _refuse(findings: list[Finding]) -> None:
    if findings:
        raise ReconcileError(findings, ExitCode.REFUSED)


def _shaped(file: str, flags: list[str]) -> ReconcileError:
    finding = Finding(
        what=f"a plan file comes with the options it was made with: {', '.join(flags)} cannot be given besides",
        where=file,
        why="the file holds the whole plan; other options would make another plan",
        fix="leave these flags out, or plan again with them",
    )
    return ReconcileError([finding], ExitCode.USAGE)


def _default(options: type[TargetOptions], name: str) -> object:
    return getattr(options(), name)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
