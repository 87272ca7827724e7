"""The club, but somebody presses Ctrl-C while its rows are computed."""

from dataclasses import replace
from typing import NoReturn

from tests.unit.cli import club


def _interrupt(_: object) -> NoReturn:
    raise KeyboardInterrupt


STATE = replace(club.STATE, rows=_interrupt)
