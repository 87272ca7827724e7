"""Laws of deciding over random orders, in every mode, with steps left out and gap rules."""

from collections.abc import Sequence

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.dataset import DUPLICATE, ID, KEY, STEP, Dataset
from reconcile.decide import Goal, Mode, decide
from reconcile.diff import ACTION, REASON, Action, Reason
from reconcile.spec import Profile
from tests.unit.orders import (
    ORDER_SPECS,
    STEPS,
    adds,
    aim,
    carried_out,
    mends,
    present,
    remark_on_orders,
    total_of,
    wanted,
)
from tests.unit.tiny import Row, Rows

laws = settings(max_examples=40, deadline=None)

COINS: st.SearchStrategy[bool] = st.booleans()
MOSTLY = st.sampled_from([True, True, True, False])
MOMENTS = st.sampled_from([None, None, "2026-01-01 00:00:00"])
TOTALS = st.sampled_from([None, "1"])
UNKNOWN = "\\#99"
"""A live reference to a row that is not read."""


def invoice_the_orders(rows: Dataset, _: Profile) -> pl.DataFrame:
    """Propose an invoice for each order that has none, under a number that nobody declares."""
    bare = rows["orders"].join(rows["invoices"], left_on=KEY, right_on="order", how="anti")
    new = {"number": pl.format("auto-{}", KEY), "order": pl.col(KEY), "amount": pl.lit(7, pl.Int64)}
    return bare.select(**new).with_columns(pl.col("number").alias(KEY))


RULES = (
    mends(total_of(-1), "total"),
    adds(invoice_the_orders, "orders", table="invoices", name="invoiced"),
    adds(remark_on_orders, "orders", table="remarks", name="remarked"),
)
"""None of them gives a row what somebody declares."""


@st.composite
def shops(draw: st.DrawFn, *, is_live: bool) -> Rows:
    """Draw orders and what hangs on them; a live row may refer to one that is not there."""

    def codes(letter: str) -> list[str]:
        return [f"{letter}{number}" for number in range(3) if draw(MOSTLY)]

    def row(**cells: object) -> Row:
        step = {} if is_live else {"_step": draw(st.sampled_from(["core", "core", "fixtures"]))}
        return {**cells, **step}

    def one_of(keys: Sequence[str]) -> str:
        return draw(st.sampled_from([*keys, UNKNOWN] if is_live else keys))

    def perhaps(keys: Sequence[str]) -> str | None:
        is_there: bool = draw(COINS)
        return one_of(keys) if keys and is_there else None

    orders = codes("o")
    invoices = codes("i") if orders or is_live else []
    lines = codes("l") if invoices or is_live else []
    token = "set" if is_live else "word"
    remarks: list[Row] = []
    for code in codes("r"):
        kind = draw(st.sampled_from([None, "order", "invoice"]))
        about = None if kind is None else perhaps(orders if kind == "order" else invoices)
        remarks.append(row(code=code, about_type=kind, about=about))
    return {
        "orders": [
            row(
                number=number,
                buyer=draw(st.sampled_from(["Ann", "Bo"])),
                total=draw(TOTALS),
                token=draw(st.sampled_from([None, token])),
                deleted_at=draw(MOMENTS) if is_live else None,
            )
            for number in orders
        ],
        "invoices": [
            row(number=number, order=one_of(orders), amount=draw(st.sampled_from("12"))) for number in invoices
        ],
        "lines": [row(code=code, invoice=one_of(invoices), replaces=perhaps(lines)) for code in lines],
        "payments": [row(code=code, invoice=one_of(invoices)) for code in (codes("p") if invoices else [])],
        "grants": [row(code=code, order=one_of(orders)) for code in (codes("g") if orders else [])],
        "remarks": remarks,
    }


@st.composite
def edited(draw: st.DrawFn, desired: Rows) -> Rows:
    """Draw what has become of *desired* in use: most rows are there, some cells are others' and so are some rows."""
    others = draw(shops(is_live=True))
    found: dict[str, list[Row]] = {}
    for name, rows in desired.items():
        key = ORDER_SPECS[name].key[0]
        found[name] = []
        for row in rows:
            there = {cell: value for cell, value in row.items() if cell != "_step"}
            if there.get("token"):
                there["token"] = "set"
            fate = draw(st.sampled_from(["kept", "changed", "gone"]))
            if fate == "changed" and others[name]:
                cell = draw(st.sampled_from([cell for cell in there if cell not in (key, "deleted_at")]))
                is_lost = ORDER_SPECS[name].column(cell).nullable and draw(COINS)
                there[cell] = None if is_lost else draw(st.sampled_from(others[name]))[cell]
            if fate != "gone":
                found[name].append(there)
        known = {row[key] for row in found[name]}
        found[name] += [row for row in others[name] if row[key] not in known and draw(COINS)]
    return found


@st.composite
def with_repeated_keys(draw: st.DrawFn, rows: Rows) -> Dataset:
    """Give live *rows*, some of them once more under the key of the older row."""
    found = present(rows)
    frames = dict(found.frames)
    for name, frame in found.frames.items():
        repeated = draw(st.lists(st.sampled_from(frame[KEY].to_list()), unique=True)) if frame.height else []
        again = frame.filter(pl.col(KEY).is_in(repeated)).with_columns(pl.col(ID) + 100)
        marked = again.with_columns(pl.format("{}" + DUPLICATE + "{}", KEY, ID).alias(KEY))
        frames[name] = pl.concat([frame, marked])
    return Dataset(ORDER_SPECS, frames)


@st.composite
def situations(draw: st.DrawFn, modes: Sequence[Mode] = tuple(Mode)) -> tuple[Goal, Dataset]:
    """Draw what a run wants, in any mode, for any steps, with or without gap rules; and what it finds."""
    desired = draw(shops(is_live=False))
    most = st.sampled_from([STEPS, STEPS, frozenset({"core", "mend"}), frozenset({"fixtures"}), frozenset({"core"})])
    rules = draw(st.sampled_from([(), RULES, RULES[:1], RULES[1:]]))
    goal = aim(wanted(desired), draw(st.sampled_from(modes)), *rules, steps=draw(most))
    return goal, draw(with_repeated_keys(draw(edited(desired))))


def written(goal: Goal, found: Dataset) -> dict[str, list[tuple[object, ...]]]:
    """Give what is written, by table: the empty tables are left out."""
    parts = decide(goal, found)
    return {
        name: part.rows.filter(pl.col(ACTION) != Action.SKIP).rows() for name, part in parts.items() if part.written
    }


@laws
@given(situation=situations())
def test_once_carried_out_there_is_nothing_left_to_decide(situation: tuple[Goal, Dataset]) -> None:
    goal, found = situation

    assert written(goal, carried_out(decide(goal, found), found)) == {}


@laws
@given(situation=situations())
def test_only_rows_of_chosen_steps_are_listed_and_counted(situation: tuple[Goal, Dataset]) -> None:
    goal, found = situation

    for part in decide(goal, found).values():
        assert set(part.rows[STEP]) <= goal.steps
        assert set(part.kept_by_step) <= goal.steps
        assert part.kept + part.rows[ID].drop_nulls().len() <= found[part.spec.name].height


@laws
@given(situation=situations((Mode.TOP_UP,)))
def test_a_top_up_deletes_nothing_and_changes_only_by_gap_rules(situation: tuple[Goal, Dataset]) -> None:
    goal, found = situation

    for part in decide(goal, found).values():
        assert part.counts[Action.DELETE] == 0
        assert set(part.of(Action.UPDATE)[REASON]) <= {Reason.GAP}


@laws
@given(situation=situations((Mode.EXACT,)))
def test_exact_deletes_only_parts_of_declared_rows(situation: tuple[Goal, Dataset]) -> None:
    goal, found = situation

    deleted = {name: set(part.of(Action.DELETE)[KEY]) for name, part in decide(goal, found).items()}

    for child, parent, column in (
        ("invoices", "orders", "order"),
        ("lines", "invoices", "invoice"),
        ("grants", "orders", "order"),
    ):
        owners = found[child].filter(pl.col(KEY).is_in(list(deleted[child])))[column]
        assert set(owners) <= set(goal.desired[parent][KEY])
    assert deleted["orders"] | deleted["payments"] == set()


@laws
@given(situation=situations((Mode.RESET,)))
def test_a_reset_of_all_steps_leaves_what_is_declared(situation: tuple[Goal, Dataset]) -> None:
    """And, in additive tables, what others have."""
    goal, found = situation

    everything = aim(goal.desired, Mode.RESET, steps=STEPS)
    after = carried_out(decide(everything, found), found)

    for name, spec in ORDER_SPECS.items():
        assert set(goal.desired[name][KEY]) <= set(after[name][KEY])
        assert not spec.prunes or goal.desired[name].height == after[name].height
