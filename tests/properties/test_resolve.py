"""A live state that is resolved from the one before it is the one that is resolved from nothing."""

from collections.abc import Mapping

from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconcile import values
from reconcile.live.collation import BINARY, Collation
from reconcile.live.resolve import LiveState, resolve
from reconcile.spec import Column, Owner, TableSpec
from tests.unit.live.test_collation import weigh
from tests.unit.live.test_resolve import raw
from tests.unit.tiny import declared

ID = Column("id", values.Integer(), owner=Owner.SERVER)


def _table(name: str, key: tuple[str, ...], *columns: Column) -> TableSpec:
    return TableSpec(name, (ID, *columns), key, "core")


SPECS = {
    spec.name: spec
    for spec in (
        _table(
            "people",
            ("code",),
            Column("code", values.Text(9)),
            Column("login", values.Text(9), nullable=True),
            Column("boss", values.Reference("people"), nullable=True),
        ),
        _table(
            "teams",
            ("lead", "code"),
            Column("lead", values.Reference("people")),
            Column("code", values.Text(9)),
            Column("best", values.Reference("tasks"), nullable=True),
        ),
        _table(
            "tasks",
            ("team", "code"),
            Column("team", values.Reference("teams")),
            Column("code", values.Text(9)),
            Column("owner", values.TextReference("people", "login", 9), nullable=True),
            Column("about_type", values.Text(9), nullable=True),
            Column(
                "about", values.PolymorphicReference("about_type", (("p", "people"), ("t", "teams"))), nullable=True
            ),
            Column("note", values.Json((("person", "people"),)), nullable=True),
        ),
    )
}
IDS = st.sampled_from(["1", "2", "3", "9"])
CODES = st.sampled_from(["a", "b", "c", "d", "e", "f"])
CELLS: Mapping[str, st.SearchStrategy[str | None]] = {
    "code": CODES,
    "login": st.none() | CODES,
    "lead": IDS,
    "team": IDS,
    "boss": st.none() | IDS,
    "best": st.none() | IDS,
    "owner": st.none() | CODES,
    "about_type": st.sampled_from([None, "p", "t", "x"]),
    "about": st.none() | IDS,
    "note": st.sampled_from([None, '{"person": 1}', '{"person": [2]}', "{}", "no JSON"]),
}
Row = dict[str, str | None]
Texts = dict[str, list[Row]]


def _rows(spec: TableSpec) -> st.SearchStrategy[list[Row]]:
    row = st.fixed_dictionaries({"id": IDS, **{column.name: CELLS[column.name] for column in spec.declared}})
    return st.lists(row, max_size=3, unique_by=lambda cells: cells["id"]).map(
        lambda rows: sorted(rows, key=lambda cells: str(cells["id"]))
    )


TABLES = st.fixed_dictionaries({name: _rows(spec) for name, spec in SPECS.items()})
DESIRED = {"people": [{"code": "a"}, {"code": "b"}]}


def _read(tables: Texts, previous: LiveState | None = None) -> LiveState:
    texts = {
        name: rows or [dict.fromkeys(column.name for column in SPECS[name].declared)] for name, rows in tables.items()
    }
    read = raw(texts, SPECS)
    read = {name: table if tables[name] else type(table)(table.spec, table.names) for name, table in read.items()}
    frames = declared(DESIRED, SPECS).frames if previous is None else previous.declared

    def collation(_table: str, _column: str) -> Collation:
        return BINARY

    return resolve(read, frames, collation, weigh, previous=previous)


@st.composite
def edits(draw: st.DrawFn) -> tuple[Texts, Texts]:
    """Draw tables as they were and as they are: with other rows in some of them, other cells in others, or neither."""
    before: Texts = draw(TABLES)
    others: Texts = draw(TABLES)
    now = dict(before)
    for name, spec in SPECS.items():
        kind = draw(st.sampled_from(["kept", "other rows", "another cell"]))
        if kind == "other rows":
            now[name] = others[name]
        elif kind == "another cell" and before[name]:
            place = draw(st.integers(0, len(before[name]) - 1))
            column = draw(st.sampled_from([column.name for column in spec.declared]))
            rows = [dict(row) for row in before[name]]
            rows[place][column] = draw(CELLS[column])
            now[name] = rows
    return before, now


def _person(login: str) -> Row:
    return {"id": "1", "code": "a", "login": login, "boss": None}


def _task(owner: str) -> Row:
    return {"id": "1", "team": "9", "code": "a", "owner": owner, "about_type": None, "about": None, "note": None}


@settings(max_examples=150, deadline=None)
@example(
    sides=(
        {"people": [_person("a")], "teams": [], "tasks": [_task("b")]},
        {"people": [_person("b")], "teams": [], "tasks": [_task("b")]},
    )
)
@given(sides=edits())
def test_what_is_resolved_from_an_earlier_state_is_what_is_resolved_anew(sides: tuple[Texts, Texts]) -> None:
    before, now = sides

    found, expected = _read(now, _read(before)), _read(now)

    assert expected.findings == found.findings
    for name in SPECS:
        assert expected.dataset[name].rows(named=True) == found.dataset[name].rows(named=True)


def test_a_table_that_nothing_happened_to_is_not_resolved_again() -> None:
    tables: Texts = {
        "people": [{"id": "1", "code": "a", "login": None, "boss": None}],
        "teams": [{"id": "1", "lead": "1", "code": "a", "best": None}],
        "tasks": [],
    }
    first = _read(tables)

    second = _read({**tables, "people": [{"id": "1", "code": "a", "login": None, "boss": "1"}]}, first)

    assert second.dataset["people"]["boss"].to_list() == ["a"]
    assert second.dataset["teams"] is first.dataset["teams"]
