"""What counts: accepted drift, what has expired, what nothing needs, and since when each difference is there."""

from datetime import date, datetime, timedelta

import polars as pl

from reconcile.acceptance import Acceptance, Difference, accepted, literal
from reconcile.assessment import Compared, accept_all, assess
from reconcile.dataset import KEY
from reconcile.drift import FIRST_SEEN, Base, Drift, SchemaMove, Standing
from reconcile.errors import Finding
from reconcile.sightings import REMEMBERED, Seen, Sighting, see
from tests.unit.tiny import declared, live, planned

NOW = datetime(2026, 3, 1, 12, 0, 0)
TODAY, LATER, OVER = NOW.date(), date(2026, 12, 31), date(2026, 2, 28)
MOVE = SchemaMove("goods", Finding("column goods.sku is too short", "there", "why", "fix"))
FOUND = live(
    {
        "makers": [
            {"code": "EDIT", "name": "by hand", "rating": "1.00"},
            {"code": "NAME", "name": "by hand"},
            {"code": "EXTRA"},
        ]
    }
)
DESIRED = declared({"makers": [{"code": "EDIT"}, {"code": "NAME"}, {"code": "MISS"}]})
PLAN = planned(DESIRED, FOUND)


def look(*entries: Acceptance, history: dict[Sighting, Seen] | None = None, is_everything: bool = True) -> Drift:
    """Assess four rows and one schema finding."""
    return assess(Compared(PLAN, Base(), (MOVE,), is_everything=is_everything), entries, history, NOW)[0]


def open_keys(drift: Drift) -> list[str]:
    return [key for table in drift.plan.tables for key in table.rows.filter(pl.col("standing") == Standing.OPEN)[KEY]]


def entry(table: str = "makers", expires: date = LATER, **more: object) -> Acceptance:
    return Acceptance(table, "known", expires, **more)  # type: ignore[arg-type]


def test_an_entry_takes_rows_by_table_and_key_pattern() -> None:
    assert open_keys(look()) == ["EDIT", "EXTRA", "MISS", "NAME"]
    assert open_keys(look(entry(key="E*"))) == ["MISS", "NAME"]
    assert open_keys(look(entry(key="NAME"))) == ["EDIT", "EXTRA", "MISS"]
    assert open_keys(look(entry("m*s"))) == []
    assert open_keys(look(entry("goods"))) == ["EDIT", "EXTRA", "MISS", "NAME"]


def test_an_entry_with_columns_takes_rows_that_differ_in_no_other() -> None:
    """A row that drifts further than what was agreed counts again; a missing row differs in no column."""
    assert open_keys(look(entry(columns=("name",)))) == ["EDIT", "EXTRA", "MISS"]
    assert open_keys(look(entry(columns=("name", "rating")))) == ["EXTRA", "MISS"]


def test_an_entry_with_labels_takes_these_kinds_alone() -> None:
    assert open_keys(look(entry(labels=("missing", "extra")))) == ["EDIT", "NAME"]


def test_a_schema_that_moved_is_accepted_only_by_name() -> None:
    """Whoever accepts rows of a table has not agreed to lose sight of it."""
    assert [move.standing for move in look(entry("*")).schema] == [Standing.OPEN]
    assert look(entry("*")).is_open
    agreed = look(entry("makers"), entry("goods", labels=("schema moved",), key="*too short"))
    assert [move.standing for move in agreed.schema] == [Standing.ACCEPTED]
    assert not agreed.is_open


def test_an_entry_counts_until_the_end_of_its_last_day() -> None:
    assert open_keys(look(entry(expires=TODAY))) == []
    drift = look(entry(expires=OVER))
    assert open_keys(drift) == ["EDIT", "EXTRA", "MISS", "NAME"]
    assert (drift.expired, drift.unused) == ((entry(expires=OVER),), ())


def test_an_entry_that_nothing_needs_is_named_unless_the_run_did_not_look() -> None:
    assert look(entry(key="NOBODY")).unused == (entry(key="NOBODY"),)
    assert look(entry("others"), is_everything=False).unused == ()
    assert look(entry(key="NOBODY"), is_everything=False).unused == (entry(key="NOBODY"),)


def test_accepting_everything_leaves_nothing_open_and_nothing_else() -> None:
    """The baseline that is written takes each difference by its own name; another row still counts."""
    entries = accept_all(look(entry(key="NAME"), entry(key="GONE", expires=OVER)), "agreed", LATER)

    drift = look(*entries)

    assert not drift.is_open
    assert (drift.expired, drift.unused) == ((), ())
    assert entries[0] == entry(key="NAME")
    assert {made.reason for made in entries[1:]} == {"agreed"}
    other = Difference("makers", "OTHER", ("name",), "changed")
    assert accepted([other], entries, TODAY) == [None]


def test_a_key_that_looks_like_a_pattern_is_taken_literally() -> None:
    wild = Difference("makers", "a*[b]?", ("name",), "changed")
    other = Difference("makers", "axxbx", ("name",), "changed")

    assert accepted([wild, other], [entry(key=literal("a*[b]?"))], TODAY) == [0, None]


def test_the_first_sighting_stays_and_the_last_moves() -> None:
    what = Sighting("makers", "NAME", ("name",))
    long_ago = NOW - timedelta(days=100)
    history = {what: Seen(long_ago, NOW - timedelta(hours=1))}

    drift, seen = assess(Compared(PLAN, Base(), (MOVE,)), (), history, NOW)

    assert seen[what] == Seen(long_ago, NOW)
    assert {s.first for w, s in seen.items() if w != what} == {NOW}
    assert len(seen) == 5
    assert drift.oldest == long_ago
    assert drift.plan.tables[0].rows.filter(pl.col(KEY) == "NAME")[FIRST_SEEN].to_list() == [long_ago]


def test_accepted_drift_does_not_make_the_rest_look_old() -> None:
    history = {Sighting("makers", "NAME", ("name",)): Seen(NOW - timedelta(days=9), NOW)}

    assert look(entry(key="NAME"), history=history).oldest == NOW


def test_without_a_history_nobody_knows_since_when() -> None:
    assert look().oldest is None


def test_what_is_gone_is_remembered_for_a_while() -> None:
    """Drift that comes and goes is the same drift; what stays away is forgotten, so the file does not grow."""
    what = Sighting("makers", "NAME")
    fresh, stale = Seen(NOW, NOW - REMEMBERED), Seen(NOW, NOW - REMEMBERED - timedelta(seconds=1))

    assert see({what: fresh}, [], NOW) == {what: fresh}
    assert see({what: stale}, [], NOW) == {}
    assert see({what: stale}, [what], NOW) == {what: Seen(NOW, NOW)}


def test_another_set_of_columns_is_another_difference() -> None:
    history = {Sighting("makers", "NAME", ("rating",)): Seen(NOW - timedelta(days=9), NOW)}

    assert look(history=history).oldest == NOW
