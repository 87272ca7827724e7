"""`reconcile plan`: show every create, update, delete and skip with its reason. Never writes."""

from collections.abc import Sequence

from reconcile.cli.options import PlanOptions, RunOptions
from reconcile.cli.output import TOOL_VERSION, Output
from reconcile.cli.planning import Planned, make_plan
from reconcile.cli.session import Session, is_absent
from reconcile.diff import Action
from reconcile.errors import ExitCode
from reconcile.plan import only
from reconcile.render import json, text
from reconcile.render.effects import render_effects


def run(options: PlanOptions, session: Session, output: Output) -> ExitCode:
    """Plan and show; exit code 2 for changes where --detailed-exitcode asks for it."""
    note_absence(session, output)
    planned = make_plan(session, options)
    show(planned, options, output)
    return exit_code(planned, is_detailed=options.detailed_exitcode)


def note_absence(session: Session, output: Output) -> None:
    """Say so when the plan is for a file that is not there yet."""
    if is_absent(session.target):
        output.note(f"{session.target.database} does not exist yet: planned for the empty file that apply would make")


def show(planned: Planned, options: RunOptions, output: Output) -> None:
    """Write the plan to stdout, and what it warns of to stderr."""
    output.log("planned", to_write=planned.plan.written, keep=planned.plan.kept)
    output.result(render(planned, options))
    output.findings(planned.plan.findings)


def exit_code(planned: Planned, *, is_detailed: bool) -> ExitCode:
    """Give the exit code of a plan that is only shown: 2 for changes where *is_detailed* asks for it."""
    return ExitCode.CHANGES if is_detailed and not planned.plan.is_empty else ExitCode.OK


def render(planned: Planned, options: RunOptions) -> str:
    """Give the plan in the format, with the rows, that the options ask for."""
    limit = options.limit or None
    if options.format == "json":
        plan = only(planned.plan, _chosen(options.only))
        return json.render_plan(
            plan, tool_version=TOOL_VERSION, shows_rows=not options.summary, effects=planned.effects
        )
    plan_text = text.render_plan(
        planned.plan, shows_rows=not options.summary, limit=limit, actions=_chosen(options.only)
    )
    if planned.effects is None or planned.effects.is_empty():
        return plan_text
    return f"{render_effects(planned.effects, limit=limit)}\n\n{plan_text}"


def _chosen(actions: Sequence[str] | None) -> list[Action]:
    return [Action(name) for name in actions or Action]
