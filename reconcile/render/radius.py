"""The blast radius: what a plan does to rows that exist, as text and as a document; said before anything else."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from reconcile.limits import percent
from reconcile.plan import Cascade, Radius

_TITLE = "Blast radius"
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def render_radius(radius: Radius) -> str:
    """Give one line per table that is updated or deleted from, and below them what the deletes bring with them."""
    width = max(len(_TITLE) - 2, *(len(touched.table) for touched in radius.tables))
    lines = [f"{_TITLE:<{width + 2}}  {'update':>8} {'delete':>8} {'of rows':>8} {'percent':>8}  newest row"]
    for touched in radius.tables:
        share = percent(touched.updates + touched.deletes, touched.rows)
        cells = " ".join(f"{count:>8,}" for count in (touched.updates, touched.deletes, touched.rows))
        age = "-" if touched.newest is None else f"{_age(radius.at, touched.newest)} old"
        lines.append(f"  {touched.table:<{width}}  {cells} {share:>7.1f}%  {age}")
    return "\n".join([*lines, *(f"  {line}" for line in render_cascades(radius.cascades))])


def render_cascades(cascades: Sequence[Cascade], indent: str = "  ") -> Iterator[str]:
    """Give the tree of what goes with what: each line a table whose rows go or lose a reference, below its parent."""
    reached = {cascade.table for cascade in cascades if cascade.goes and cascade.table != cascade.parent}
    parents = dict.fromkeys(cascade.parent for cascade in cascades)
    roots = [parent for parent in parents if parent not in reached] or list(parents)[:1]
    told: set[str] = set()
    for root in roots:
        yield from _branch(root, cascades, told, indent, "")


def _branch(parent: str, cascades: Sequence[Cascade], told: set[str], indent: str, before: str) -> Iterator[str]:
    told.add(parent)
    for cascade in cascades:
        if cascade.parent == parent:
            yield f"{before}{cascade}"
            if cascade.goes and cascade.table not in told:
                yield from _branch(cascade.table, cascades, told, indent, before + indent)


def radius_document(radius: Radius) -> dict[str, object]:
    """Give the same for programs."""
    return {
        "tables": [
            {
                "table": touched.table,
                "update": touched.updates,
                "delete": touched.deletes,
                "rows": touched.rows,
                "percent": round(percent(touched.updates + touched.deletes, touched.rows), 2),
                "newest_row_at": None if touched.newest is None else f"{touched.newest:%Y-%m-%d %H:%M:%S}",
                "newest_row_age_s": None if touched.newest is None else _seconds(radius.at, touched.newest),
            }
            for touched in radius.tables
        ],
        "cascades": [
            {
                "parent": cascade.parent,
                "delete": cascade.deletes,
                "table": cascade.table,
                "column": cascade.column,
                "rows": cascade.rows,
                "effect": "delete" if cascade.goes else "update",
            }
            for cascade in radius.cascades
        ],
    }


def _seconds(now: datetime, then: datetime) -> int:
    return max(0, int((now - then).total_seconds()))


def _age(now: datetime, then: datetime) -> str:
    """Give how long ago it was, in the largest unit that fits."""
    seconds = _seconds(now, then)
    unit, length = next(((unit, length) for unit, length in _UNITS if seconds >= length), _UNITS[-1])
    return f"{seconds // length} {unit}"
