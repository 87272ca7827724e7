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


def run(options: PlanOptions, session: Session, output: Output) -> ExitCode:
    """Plan and show; exit code 2 for changes where --detailed-exitcode asks for it."""
    if is_absent(session.target):
        output.note(f"{session.target.database} does not exist yet: planned for the empty file that apply would make")
    planned = make_plan(session, options)
    output.log("planned", to_write=planned.plan.written, keep=planned.plan.kept)
    output.result(render(planned, options))
    output.findings(planned.plan.findings)
    if options.detailed_exitcode and not planned.plan.is_empty:
        return ExitCode.CHANGES
    return ExitCode.OK


def render(planned: Planned, options: RunOptions) -> str:
    """Give the plan in the format, with the rows, that the options ask for."""
    limit = options.limit or None
    if options.format == "json":
        plan = only(planned.plan, _chosen(options.only))
        return json.render_plan(plan, tool_version=TOOL_VERSION, shows_rows=not options.summary)
    return text.render_plan(planned.plan, shows_rows=not options.summary, limit=limit, actions=_chosen(options.only))


def _chosen(actions: Sequence[str] | None) -> list[Action]:
    return [Action(name) for name in actions or Action]
