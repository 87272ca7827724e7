"""The ERP's tables that reconcile fills or checks, by business area."""

from desired_state.tables import catalogue, collaboration, engagement, finance, inventory, parties, people, sales

SPECS = {
    spec.name: spec
    for area in (catalogue, collaboration, engagement, finance, inventory, parties, people, sales)
    for spec in area.TABLES
}
