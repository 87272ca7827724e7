"""A small library: a second desired state, to learn from and to copy. docs/tutorial.md walks through it."""

from reconcile.spec import Step
from reconcile.state import DesiredState

from .gaps import GAP_RULES
from .rows import rows
from .rules import RULES
from .tables import SPECS

STATE = DesiredState(
    name="library",
    steps=(
        Step("catalogue", "Authors, books and their copies"),
        Step("lending", "Loans"),
        Step("mending", "What every book must have"),
        Step("checks", "Checks", checks=("integrity",)),
    ),
    specs=SPECS,
    rows=rows,
    rules=RULES,
    gap_rules=GAP_RULES,
)
