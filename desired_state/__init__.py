"""The ERP's desired state: its tables, rows and rules. `STATE` is what the engine loads."""

from desired_state.rows import rows
from desired_state.rules import RULES
from desired_state.tables import SPECS
from reconcile.spec import Step
from reconcile.state import DesiredState

STATE = DesiredState(
    name="terp",
    steps=(
        Step("core", "Linked ERP data"),
        Step("defaults", "Module defaults"),
        Step("rbac", "Roles and permissions"),
        Step("qa-accounts", "QA accounts"),
        Step("test-accounts", "E2E accounts", is_optional=True),
        Step("qa-data", "QA fixtures"),
        Step("gap-fill", "Gap fill"),
        Step("augment", "Realism", is_optional=True),
        Step("quality", "Data quality", checks=("data-quality",)),
        Step("integrity", "Relational integrity", checks=("integrity", "invariants")),
    ),
    specs=SPECS,
    rows=rows,
    rules=RULES,
)
