"""The ERP's desired state, with its rows computed once per profile: hundreds of commands here want the same ones."""

from dataclasses import replace
from functools import cache

import desired_state

STATE = replace(desired_state.STATE, rows=cache(desired_state.STATE.rows))
