"""`reconcile clear`: delete the rows of the managed tables, children first; what a reset with nothing declared does."""

from collections.abc import Set
from dataclasses import fields, replace

from reconcile.checks.verify import verify
from reconcile.cli.apply import carry
from reconcile.cli.options import ApplyOptions, ClearOptions
from reconcile.cli.output import Output
from reconcile.cli.planned import Planned
from reconcile.cli.planning import make_plan
from reconcile.cli.session import Session, require_database
from reconcile.dataset import Dataset
from reconcile.decide import Mode
from reconcile.diff import empty_declared, empty_live
from reconcile.errors import ExitCode
from reconcile.spec import Policy, TableSpec
from reconcile.state import DesiredState, Rule


def run(options: ClearOptions, session: Session, output: Output) -> ExitCode:
    """Plan the deletes, show them, and carry them out unless --dry-run asks for the plan alone."""
    require_database(session)
    session = replace(session, state=emptied(session.state))
    wanted = _wanted(options)
    return carry("clear", lambda: _plan(wanted, session), session, wanted, output)


def _plan(options: ApplyOptions, session: Session) -> Planned:
    return replace(make_plan(session, options, Mode.CLEAR, reads_rules=not options.dry_run), command="clear")


def emptied(state: DesiredState) -> DesiredState:
    """
    Give *state* with nothing declared: its cleared tables and those that prune end empty, without an account to make.

    Tables that keep the rows of others lose those that only reconcile writes. A rule that asks for rows in what is
    emptied cannot hold afterwards and is not asked.
    """
    pruned = [name for name, spec in state.specs.items() if spec.policy is Policy.MANAGED and spec.prunes]
    ours = {name: empty_declared(spec) for name, spec in state.specs.items() if _holds_ours(spec)}
    nothing = Dataset(state.specs, ours)
    return replace(
        state,
        rows=lambda _: nothing,
        rules=_that_can_hold(state, {*state.cleared, *pruned, *ours}),
        cleared=tuple(dict.fromkeys([*state.cleared, *pruned])),
        gap_rules=(),
        passwords=(),
        fit=None,
        registry_step=None,
    )


def _holds_ours(spec: TableSpec) -> bool:
    return spec.ours is not None and not spec.prunes and spec.policy is not Policy.READ_ONLY


def _that_can_hold(state: DesiredState, emptied_tables: Set[str]) -> tuple[Rule, ...]:
    """Give the rules that hold where there are no rows, and those that ask about other tables only."""
    nothing = Dataset(state.specs, {name: empty_live(spec) for name, spec in state.specs.items()})
    return tuple(
        verdict.rule
        for verdict in verify(state.rules, nothing)
        if verdict.has_passed or not emptied_tables & set(verdict.rule.tables)
    )


def _wanted(options: ClearOptions) -> ApplyOptions:
    """Give the options of an apply of those deletes."""
    return ApplyOptions(**{field.name: getattr(options, field.name) for field in fields(ClearOptions)})
