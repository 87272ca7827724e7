"""The ERP's desired state: its tables, rows and rules. `STATE` is what the engine loads."""

from desired_state import accounts, fixtures, rbac
from desired_state.cleared import CLEARED
from desired_state.fit import fit
from desired_state.gaps import GAP_RULES
from desired_state.rows import rows
from desired_state.rules import RULES
from desired_state.tables import SPECS
from reconcile.spec import Step
from reconcile.state import Access, DesiredState, Password

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
        Step(
            "integrity",
            "Relational integrity",
            checks=("integrity", "database-audit", "acceptance-audit", "invariants"),
        ),
    ),
    specs=SPECS,
    rows=rows,
    rules=RULES,
    gap_rules=GAP_RULES,
    fit=fit,
    fit_reads=("clients",),
    cleared=CLEARED,
    passwords=(Password(accounts.PASSWORD, "RECONCILE_QA_PASSWORD", tuple(accounts.STEPS), cost=10),),
    registry_step=fixtures.STEP,
    access=Access(
        "rbac", ("users", "roles", "permissions", "role_permissions", "user_roles"), rbac.effects, rbac.administrators
    ),
)
