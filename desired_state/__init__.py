"""The ERP's desired state: its tables, rows and rules. `STATE` is what the engine loads."""

from desired_state.rows import rows
from desired_state.rules import RULES
from desired_state.tables import SPECS
from reconcile.spec import Step
from reconcile.state import DesiredState

STATE = DesiredState(
    name="terp",
    steps=(
        Step("core", "Core data: parties, catalogue, stock, sales and books"),
        Step("defaults", "Defaults: settings, rewards, rooms, shifts and sites", is_built=False),
        Step("rbac", "Roles, permissions and who has which", is_built=False),
        Step("qa-accounts", "QA accounts", is_built=False),
        Step("test-accounts", "Test accounts", is_built=False),
        Step("qa-data", "QA data: locations, clients, brands and products", is_built=False),
        Step("gap-fill", "Gaps filled: tables that are still empty", is_built=False),
        Step("augment", "Chains completed: lines, invoices, payments and stock movements", is_built=False),
        Step("quality", "Data-quality checks"),
        Step("integrity", "Relational-integrity checks"),
    ),
    specs=SPECS,
    rows=rows,
    rules=RULES,
)
