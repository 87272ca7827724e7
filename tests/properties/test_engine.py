"""Laws of the pure core over random shops."""

import random
import unicodedata
from collections.abc import Sequence

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile import values
from reconcile.dataset import ID, KEY, check, fingerprints, key_text, natural_key, with_hash
from reconcile.decide import Mode
from reconcile.diff import Action, diff
from reconcile.fields import Draw, hash_column, hash_text
from reconcile.lines import MANY_ROWS, RowDigest, line
from reconcile.live.collation import Collation, collation_named, fold
from reconcile.outcome import after
from reconcile.plan import Plan
from reconcile.spec import Column, TableSpec
from reconcile.values import Kind, canonical_json, dtype, parse, text
from tests.properties.shops import ALPHABET, JSON_VALUES, shops
from tests.unit.tiny import SPECS, Rows, declared, live, planned

laws = settings(max_examples=25, deadline=None)

PARTS = st.none() | st.text(ALPHABET, max_size=4)
CANONICAL: list[tuple[Kind, st.SearchStrategy[object]]] = [
    (values.Integer(64), st.integers(-(2**63), 2**63 - 1)),
    (values.Boolean(), st.booleans()),
    (values.Decimal(15, 4), st.decimals(-(10**10), 10**10, places=4)),
    (values.Text(), st.text(st.characters(exclude_categories=["Cs"]))),
    (values.Date(), st.dates()),
    (values.Timestamp(), st.datetimes().map(lambda moment: moment.replace(microsecond=0))),
    (values.Json(), JSON_VALUES.map(values.dump_json)),
]


def on_managed(spec: TableSpec, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(KEY, *(column.name for column in spec.managed)).sort(KEY)


def shuffled(rows: Rows, seed: int) -> Rows:
    order = random.Random(seed)  # noqa: S311 - an order of test rows
    return {name: order.sample(list(table), len(table)) for name, table in rows.items()}


@laws
@given(rows=shops())
def test_random_shops_are_sound(rows: Rows) -> None:
    """Otherwise the laws below would speak of nothing."""
    assert check(declared(rows)) == []


@laws
@given(rows=shops())
def test_what_is_equal_has_no_difference(rows: Rows) -> None:
    found = diff(declared(rows), live(rows), SPECS)

    assert dict.fromkeys(SPECS, 0) == {name: table.rows.height for name, table in found.items()}
    assert {name: len(rows[name]) for name in SPECS} == {name: table.kept for name, table in found.items()}


@laws
@given(desired=shops(), found=shops())
def test_applying_the_difference_gives_the_desired_rows(desired: Rows, found: Rows) -> None:
    """On managed columns; tables that keep the rows of others hold those besides."""
    wanted, present = declared(desired), live(found)

    for name, frame in after(planned(wanted, present).tables, present).frames.items():
        spec = SPECS[name]
        if spec.prunes:
            assert on_managed(spec, wanted[name]).equals(on_managed(spec, frame))
        else:
            assert set(wanted[name][KEY]) | set(present[name][KEY]) == set(frame[KEY])


@laws
@given(desired=shops(), found=shops())
def test_a_top_up_changes_no_row_in_memory_either(desired: Rows, found: Rows) -> None:
    present = live(found)

    for name, frame in after(planned(declared(desired), present, Mode.TOP_UP).tables, present).frames.items():
        assert present[name].join(frame, on=frame.columns, how="anti", nulls_equal=True).is_empty()


@laws
@given(desired=shops(), found=shops(), mode=st.sampled_from(Mode))
def test_what_a_plan_leaves_needs_no_other_plan(desired: Rows, found: Rows, mode: Mode) -> None:
    wanted, present = declared(desired), live(found)

    then = after(planned(wanted, present, mode).tables, present)

    assert planned(wanted, then, mode).is_empty


@laws
@given(desired=shops(), found=shops())
def test_every_row_is_in_exactly_one_place(desired: Rows, found: Rows) -> None:
    """Created, updated, deleted, skipped or kept."""
    wanted, present = declared(desired), live(found)

    for part in planned(wanted, present).tables:
        name = part.spec.name
        keys = set(wanted[name][KEY]) | set(present[name][KEY])
        assert len(keys) == part.rows[KEY].n_unique() + part.kept
        assert part.rows.height == part.rows[KEY].n_unique()


@laws
@given(desired=shops(), found=shops(), seed=st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(desired: Rows, found: Rows, seed: int) -> None:
    """Neither fingerprints, nor plans, nor their checksums."""
    one = planned(declared(desired), live(found))
    other = planned(declared(shuffled(desired, seed)), live(shuffled(found, seed)))

    assert fingerprints(declared(desired)) == fingerprints(declared(shuffled(desired, seed)))
    assert one.checksum == other.checksum
    assert [part.rows.drop(ID).rows() for part in one.tables] == [part.rows.drop(ID).rows() for part in other.tables]


@laws
@given(desired=shops(), other=shops(), found=shops())
def test_checksums_are_equal_exactly_when_plans_are(desired: Rows, other: Rows, found: Rows) -> None:
    def work(plan: Plan) -> dict[str, list[tuple[object, ...]]]:
        return {
            part.spec.name: part.rows.filter(pl.col("action") != Action.SKIP).drop(ID).rows() for part in plan.tables
        }

    one, two = (planned(declared(rows), live(found)) for rows in (desired, other))

    assert (work(one) == work(two)) == (one.checksum == two.checksum)


@laws
@given(one=shops(), two=shops())
def test_fingerprints_are_equal_exactly_when_rows_are(one: Rows, two: Rows) -> None:
    first, second = declared(one), declared(two)
    same = {name: first[name].sort(KEY).equals(second[name].sort(KEY)) for name in SPECS}
    left, right = fingerprints(first), fingerprints(second)

    assert {**same, "": all(same.values())} == {name: left[name] == right[name] for name in left}


@laws
@given(rows=st.lists(st.tuples(PARTS, PARTS), max_size=8))
def test_key_texts_are_one_to_one(rows: list[tuple[str | None, str | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    texts = frame.select(key_text([pl.col("a"), pl.col("b")]).alias("key"))["key"]

    assert len(set(rows)) == texts.n_unique()
    assert texts.null_count() == 0


@laws
@given(data=st.data())
def test_canonical_values_survive_their_text(data: st.DataObject) -> None:
    """`parse(text(x)) = x` for every kind."""
    for kind, cells in CANONICAL:
        column = pl.Series("cell", data.draw(st.lists(st.none() | cells, max_size=4)), dtype=dtype(kind))
        back = column.to_frame().select(text(kind, pl.col("cell"))).select(parse(kind, pl.col("cell"))).to_series()
        assert column.to_list() == back.to_list()


@laws
@given(document=st.text(max_size=20) | JSON_VALUES.map(lambda value: str(value).replace("'", '"')))
def test_canonical_json_is_idempotent(document: str) -> None:
    once = canonical_json(document)

    assert once == canonical_json(once)


@laws
@given(keys=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=6))
def test_columns_hash_like_their_texts(keys: list[str]) -> None:
    assert [hash_text(key) for key in keys] == hash_column(pl.Series(keys, dtype=pl.String)).to_list()


@laws
@given(old=st.lists(st.text(ALPHABET), min_size=1, max_size=5), new=st.lists(st.text(ALPHABET), max_size=5))
def test_new_rows_never_change_old_cells(old: list[str], new: list[str]) -> None:
    """Whatever the new rows are and wherever they stand."""

    def cells(keys: Sequence[str]) -> list[tuple[object, ...]]:
        draw = Draw(7, "goods")
        frame = with_hash(pl.DataFrame({"key": keys}, schema={"key": pl.String}), "key")
        return frame.select(
            a=draw.bits("a"), b=draw.integer("b", 1, 9), c=draw.chance("c", 500), d=draw.choice("d", ["x", "y"])
        ).rows()

    assert cells(old) == cells([*new, *old])[len(new) :] == cells([*old, *new])[: len(old)]


def model_weight(collation: Collation, key: str) -> str:
    """What the model server compares: no case, no accents, and spaces at the end only where they count."""
    folded = unicodedata.normalize("NFD", key.rstrip(" ") if collation.pads_space else key).lower()
    return "".join(f"{ord(character):06X}" for character in folded if not unicodedata.combining(character))


def model_weigh(collation: Collation, texts: list[str]) -> list[str]:
    return [model_weight(collation, text) for text in texts]


KEYS = st.lists(st.none() | st.text("aAbBéÉ \t~", max_size=3), max_size=8)


@laws
@given(keys=KEYS, name=st.sampled_from(["utf8mb4_0900_ai_ci", "utf8mb4_general_ci", "utf8mb4_german2_ci"]))
def test_keys_fold_together_exactly_when_the_collation_holds_them_equal(keys: list[str | None], name: str) -> None:
    """Whichever of them the server was asked about."""
    collation = collation_named(name)
    folded = fold(collation, pl.Series(keys, dtype=pl.String), model_weigh).to_list()
    expected = [None if key is None else model_weight(collation, key) for key in keys]

    for one, model_one in zip(folded, expected, strict=True):
        for two, model_two in zip(folded, expected, strict=True):
            assert (model_one == model_two) == (one == two)


@laws
@given(keys=KEYS)
def test_binary_keys_fold_to_themselves(keys: list[str | None]) -> None:
    series = pl.Series(keys, dtype=pl.String)

    assert keys == fold(collation_named(None), series, model_weigh).to_list()


@laws
@given(rows=st.lists(st.tuples(PARTS, st.none() | st.integers(0, 9), PARTS), max_size=4))
def test_lines_are_escaped_wherever_a_cell_needs_it(rows: list[tuple[str | None, int | None, str | None]]) -> None:
    """Many rows are looked at first; then nothing is escaped where nothing need be."""
    columns = [Column("a", values.Text()), Column("b", values.Integer()), Column("c", values.Reference("people"))]
    many = pl.DataFrame([*rows, *[("x", 1, "y")] * MANY_ROWS], schema=["a", "b", "c"], orient="row")

    lines = RowDigest(columns).lines(many)

    assert "".join(lines.plain) == many.select(line(columns[:2]).str.join("")).item()
    assert "".join(lines.looked_up) == many.select(line(columns[2:]).str.join("")).item()


@laws
@given(pieces=st.lists(st.tuples(st.lists(PARTS, max_size=3), st.booleans()), max_size=4))
def test_lines_digested_elsewhere_digest_to_the_same(pieces: list[tuple[list[str | None], bool]]) -> None:
    """Whether they were added there behind the same rows or behind others."""
    columns = [Column("a", values.Text()), Column("b", values.Reference("people"))]
    all_of_them, some, alone = RowDigest(columns), RowDigest(columns), RowDigest(columns)
    for cells, is_left_out in pieces:
        frame = pl.DataFrame({"a": cells, "b": cells}, schema={"a": pl.String, "b": pl.String})
        lines = all_of_them.add(all_of_them.lines(frame))
        if not is_left_out:
            some.add(lines)
            alone.add(alone.lines(frame))

    assert some.hexdigest() == alone.hexdigest()


@laws
@given(rows=st.lists(st.tuples(PARTS, st.integers(0, 9)), max_size=4))
def test_keys_are_escaped_wherever_a_part_needs_it(rows: list[tuple[str | None, int]]) -> None:
    spec = TableSpec("pairs", (Column("a", values.Text()), Column("b", values.Integer())), ("a", "b"), "core")
    many = pl.DataFrame([*rows, *[("x", 1)] * MANY_ROWS], schema=["a", "b"], orient="row")

    keys = many.select(natural_key(spec, many)).to_series()

    assert keys.to_list() == many.select(key_text([pl.col("a"), pl.col("b").cast(pl.String)])).to_series().to_list()
