"""`reconcile show`: one saved plan or one run in any format. A saved plan needs no database and no desired state."""

import polars as pl

from reconcile.cli.options import ShowOptions
from reconcile.cli.output import Output
from reconcile.cli.planned_file import read
from reconcile.cli.rendering import render_plan
from reconcile.cli.runs import show_run
from reconcile.cli.session import Session, open_session
from reconcile.errors import ExitCode
from reconcile.origin import Effect

_EFFECTS = {"role": pl.String(), "gains": pl.List(pl.String()), "loses": pl.List(pl.String()), "users": pl.Int64()}


def open_for(options: ShowOptions) -> Session | None:
    """Open the session that a run is read with; a file needs none."""
    return open_session(options) if options.what.isdecimal() else None


def run(options: ShowOptions, session: Session | None, output: Output) -> ExitCode:
    """Show the run with this number, or the plan in this file."""
    if session is not None:
        return show_run(options, session, output)
    saved = read(options.what)
    output.result(render_plan(saved.plan, options, _frame(saved.origin.effects)))
    output.findings(saved.plan.findings)
    return ExitCode.OK


def _frame(effects: tuple[Effect, ...] | None) -> pl.DataFrame | None:
    """Give the effects as a plan has them."""
    if effects is None:
        return None
    rows = [(effect.role, list(effect.gains), list(effect.loses), effect.users) for effect in effects]
    return pl.DataFrame(rows, schema=_EFFECTS, orient="row")
