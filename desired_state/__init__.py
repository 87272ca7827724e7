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
        Step("defaults", "Module defaults", is_built=False),
        Step("rbac", "Roles and permissions", is_built=False),
        Step("qa-accounts", "QA accounts", is_built=False),
        Step("test-accounts", "E2E accounts", is_built=False),
        Step("qa-data", "QA fixtures", is_built=False),
        Step("gap-fill", "Gap fill", is_built=False),
        Step("augment", "Realism", is_built=False),
        Step("quality", "Data quality", checks_only=True),
        Step("integrity", "Relational integrity", checks_only=True),
    ),
    specs=SPECS,
    rows=rows,
    rules=RULES,
)
