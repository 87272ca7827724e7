"""Drift as metrics in Prometheus' text format, for the textfile collector of node_exporter; no row and no secret."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from reconcile.drift import Drift, Standing


def render_metrics(*, database: str, now: datetime, duration_s: float, drift: Drift | None) -> str:
    """
    Give the metrics of one run, each with the label `database`; a run that failed has no *drift* and no counts.

    Tables without drift have no samples: an expression over the sum of what is there is 0 when nothing is.
    """
    registry = CollectorRegistry()

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"reconcile_drift_{name}", text, ["database", *labels], registry=registry)

    gauge("success", "1 when the last run could compare, 0 when it failed").labels(database).set(drift is not None)
    since = (now - datetime(1970, 1, 1)).total_seconds()
    gauge("last_run_timestamp_seconds", "When the last run ended, since 1970").labels(database).set(since)
    gauge("duration_seconds", "How long the last run took").labels(database).set(duration_s)
    if drift is None:
        return generate_latest(registry).decode()
    gauge("open", "Differences that count: rows and schema findings").labels(database).set(
        drift.rows(Standing.OPEN) + drift.moves(Standing.OPEN)
    )
    for name, standing, text in (
        ("rows", Standing.OPEN, "Rows that drift, by table and label"),
        ("accepted_rows", Standing.ACCEPTED, "Rows whose drift is accepted, by table and label"),
        ("left_rows", Standing.LEFT, "Rows that differ and that a top-up leaves, by table and label"),
    ):
        rows = gauge(name, text, "table", "label")
        for (table, label), count in drift.counts(standing).items():
            rows.labels(database, table, label.value).set(count)
    schema = gauge("schema_findings", "Findings about a table's schema, by table and standing", "table", "standing")
    for move in drift.schema:
        schema.labels(database, move.table, move.standing.value).inc()
    kept = gauge("kept_rows", "Rows that are as declared")
    kept.labels(database).set(drift.plan.kept)
    oldest = 0.0 if drift.oldest is None else (now - drift.oldest).total_seconds()
    age = gauge("oldest_age_seconds", "Age of the oldest difference that counts; 0 without any, or without --history")
    age.labels(database).set(oldest)
    entries = gauge("baseline_entries", "Entries of the baseline, by what became of them", "state")
    entries.labels(database, "expired").set(len(drift.expired))
    entries.labels(database, "unused").set(len(drift.unused))
    return generate_latest(registry).decode()
