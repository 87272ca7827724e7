"""The declared rows of a run in spans: each span is computed and checked, and added to the fingerprints, in turn."""

from dataclasses import dataclass, field

from reconcile.checks.preflight import check_rows, check_schema
from reconcile.cli.spanned import Spanned
from reconcile.dataset import KEY, Dataset, Fingerprint, check
from reconcile.decide import Goal
from reconcile.errors import Finding, ReconcileError
from reconcile.lines import Lines


@dataclass(slots=True)
class Declared:
    """What was declared so far; `goal` is that of the tables that all spans refer to."""

    spanned: Spanned
    goal: Goal
    prints: dict[str, Fingerprint] = field(default_factory=dict)
    _last_keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.prints |= {name: Fingerprint(spec) for name, spec in self.spanned.links.specs.items()}

    def span(self, number: int) -> Goal:
        """
        Compute what the rows of a span shall be; spans come by their numbers.

        Raises:
            ReconcileError: the rows are unsound, do not fit the live columns, or come before those of an earlier span.

        """
        goal = self.spanned.goal(self.goal, number)
        desired, specs, schema = goal.desired, self.spanned.links.specs, self.spanned.schema
        alone = Dataset(desired.specs, {name: desired[name] for name in specs})
        findings = [*check(desired, specs), *check_rows(alone), *check_schema(specs.values(), schema, alone)]
        for name, frame in alone.frames.items():
            first, last = frame[KEY].min(), frame[KEY].max()
            if isinstance(first, str) and isinstance(last, str):
                before = self._last_keys.get(name)
                if before is not None and first <= before:
                    findings.append(_out_of_order(name, number, first, before))
                self._last_keys[name] = last
        if findings:
            raise ReconcileError(findings)
        return goal

    def digest(self, goal: Goal) -> dict[str, Lines]:
        """Add the rows of a span to the fingerprints, in turn; give by table the lines that they are."""
        return {name: fingerprint.add(goal.desired[name]) for name, fingerprint in self.prints.items()}


def _out_of_order(table: str, number: int, key: str, before: str) -> Finding:
    return Finding(
        what="the desired state is unsound: the keys of a span do not come after those of the one before",
        where=f"{table}, span {number}",
        why=f"{key} comes after {before}",
        fix="order the spans by their keys as text, byte by byte",
    )
