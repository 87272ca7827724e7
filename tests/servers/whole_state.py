"""The trade as one whole: what a run in spans is held against."""

from dataclasses import replace

from tests.servers.spanned_state import STATE as SPANNED

STATE = replace(SPANNED, spans=None)
