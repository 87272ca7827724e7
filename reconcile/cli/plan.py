"""`reconcile plan`: show every create, update, delete and skip with its reason. Never writes."""

import shlex
from dataclasses import replace
from functools import partial

from reconcile.cli.comparisons import Shown
from reconcile.cli.guards import measured, warned
from reconcile.cli.option_groups import RunOptions
from reconcile.cli.options import PlanOptions
from reconcile.cli.output import Output
from reconcile.cli.planned import Planned
from reconcile.cli.planned_file import check_out, save
from reconcile.cli.planning import make_plan
from reconcile.cli.remember import remember
from reconcile.cli.rendering import render_plan
from reconcile.cli.saved_plan import to_save
from reconcile.cli.session import Session, is_absent
from reconcile.errors import ExitCode
from reconcile.plan import Plan


def run(options: PlanOptions, session: Session, output: Output) -> ExitCode:
    """Plan and show; exit code 2 for changes where --detailed-exitcode asks for it."""
    note_absence(session, output)
    check_out(options.out)
    planned = make_plan(session, options)
    show(planned, options, output)
    remember("plan", session, options, planned.plan, planned.sums, partial(_shown, planned, options))
    if options.out is not None:
        save(options.out, to_save(planned, session, options))
        output.note(f"Saved; carry out exactly this plan with: reconcile apply {shlex.quote(options.out)}")
    return exit_code(planned, is_detailed=options.detailed_exitcode)


def note_absence(session: Session, output: Output) -> None:
    """Say so when the plan is for a file that is not there yet."""
    if is_absent(session.target):
        output.note(f"{session.target.database} does not exist yet: planned for the empty file that apply would make")


def note_anchor(planned: Planned, output: Output) -> None:
    """Say so when nobody has given the date that the dataset hangs on and the last apply's was taken."""
    note = _anchor(planned)
    if note is not None:
        output.note(note)


def _anchor(planned: Planned) -> str | None:
    if planned.anchored_by is None:
        return None
    return f"As of {planned.plan.profile.as_of}, as run {planned.anchored_by}; --as-of sets another date"


def show(planned: Planned, options: RunOptions, output: Output) -> None:
    """Write the plan to stdout, and what it warns of to stderr; it warns of what apply would refuse, too."""
    planned = warned(measured(planned), options)
    output.log("planned", to_write=planned.plan.written, keep=planned.plan.kept)
    note_anchor(planned, output)
    output.result(render(planned, options))
    output.findings(planned.plan.findings)


def exit_code(planned: Planned, *, is_detailed: bool) -> ExitCode:
    """Give the exit code of a plan that is only shown: 2 for changes where *is_detailed* asks for it."""
    return ExitCode.CHANGES if is_detailed and not planned.plan.is_empty else ExitCode.OK


def render(planned: Planned, options: RunOptions) -> str:
    """Give the plan in the format, with the rows, that the options ask for."""
    return render_plan(planned.plan, options, planned.effects)


def _shown(planned: Planned, options: PlanOptions, plan: Plan) -> Shown:
    """Give what is shown when *plan* is answered by checksums."""
    return Shown(render(replace(planned, plan=plan), options), _anchor(planned), plan.kept)
