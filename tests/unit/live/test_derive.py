"""Derived specs: what a catalogue says is declared, what it cannot say is said."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconcile import values
from reconcile.dataset import dependency_order
from reconcile.live.derive import Derived, derive
from reconcile.live.introspect import ForeignKey, LiveColumn, LiveKey, LiveTable
from reconcile.spec import Column, Owner, Policy, TableSpec

ID = LiveColumn("id", "int", nullable=False, has_default=True, column_type="int(11)", is_auto_increment=True)
PRIMARY = LiveKey(("id",), is_unique=True, is_primary=True)


def text(name: str, *, nullable: bool = False) -> LiveColumn:
    return LiveColumn(name, "varchar", nullable, has_default=False, length=20, column_type="varchar(20)")


def number(name: str, *, nullable: bool = False) -> LiveColumn:
    return LiveColumn(name, "int", nullable, has_default=False, column_type="int(11)")


def table(
    name: str,
    *columns: LiveColumn,
    unique: Sequence[tuple[str, ...]] = (),
    links: Mapping[str, str] | None = None,
    keys: Sequence[LiveKey] = (),
) -> LiveTable:
    """Give a table with an id, *unique* keys, and foreign keys from column to table."""
    return LiveTable(
        name,
        {column.name: column for column in (ID, *columns)},
        (PRIMARY, *(LiveKey(key, is_unique=True) for key in unique), *keys),
        tuple(ForeignKey(name, column, parent, "RESTRICT", "id") for column, parent in (links or {}).items()),
    )


def derived(*tables: LiveTable, known: Mapping[str, TableSpec] | None = None) -> Derived:
    return derive({t.name: t for t in tables}, "rows", known)


def told(found: Derived, name: str) -> list[str]:
    return [finding.what for finding in found.findings.get(name, ())]


AUTHORS = table("authors", text("name"), unique=[("name",)])


def test_a_table_starts_safe() -> None:
    """Managed, without prune, known by its unique key; nothing is left to say."""
    found = derived(table("tags", text("code"), text("title", nullable=True), unique=[("code",)]))

    assert found == Derived(
        {
            "tags": TableSpec(
                "tags",
                (
                    Column("id", values.Integer(), owner=Owner.SERVER),
                    Column("code", values.Text(20)),
                    Column("title", values.Text(20), nullable=True),
                ),
                key=("code",),
                step="rows",
                prunes=False,
                unique=(("code",),),
            )
        },
        {},
    )


def test_clocks_belong_to_the_server_and_secrets_are_set_once() -> None:
    clock = LiveColumn("at", "timestamp", nullable=False, has_default=True, is_clock_default=True)
    moved = replace(clock, name="moved", is_clock_on_update=True)
    spec = derived(table("t", text("a"), clock, moved, text("token"), unique=[("a",)])).specs["t"]

    assert spec.column("at") == Column("at", values.Timestamp(), is_clock_default=True)
    assert (spec.column("moved").owner, spec.column("moved").is_clock_on_update) == (Owner.CREATION, True)
    assert spec.column("token") == Column("token", values.Secret(20), owner=Owner.ONCE)


def test_a_nullable_timestamp_of_deletion_marks_deleted_rows() -> None:
    gone = LiveColumn("deleted_at", "timestamp", nullable=True, has_default=False)

    assert derived(table("t", text("a"), gone, unique=[("a",)])).specs["t"].soft_delete == "deleted_at"
    assert derived(table("t", text("a"), text("deleted"), unique=[("a",)])).specs["t"].soft_delete is None


def test_the_shortest_key_without_nulls_names_a_row() -> None:
    """Of equally long ones the one without references, then the first by its columns."""
    columns = (text("b"), text("a"), text("c", nullable=True), number("author"))
    keys = [("a", "b"), ("c",), ("author",), ("a",), ("b",)]
    found = derived(AUTHORS, table("t", *columns, unique=keys, links={"author": "authors"}))

    assert found.specs["t"].key == ("b",)
    assert set(found.specs["t"].unique) == set(keys)


def test_a_key_of_references_needs_parents_that_have_keys() -> None:
    """Grandparents count; a parent known by its id only leaves its children so."""
    books = table("books", number("author"), number("nr"), unique=[("author", "nr")], links={"author": "authors"})
    copies = table("copies", number("book"), unique=[("book",)], links={"book": "books"})
    logs = table("logs", number("nr"))
    lines = table("lines", number("log"), unique=[("log",)], links={"log": "logs"})
    found = derived(copies, books, AUTHORS, lines, logs)

    assert {name: spec.key for name, spec in found.specs.items()} == {
        "copies": ("book",),
        "books": ("author", "nr"),
        "authors": ("name",),
        "lines": (),
        "logs": (),
    }
    assert {name: spec.policy for name, spec in found.specs.items() if not spec.key} == {
        "lines": Policy.READ_ONLY,
        "logs": Policy.READ_ONLY,
    }
    assert told(found, "logs") == ["rows that only their surrogate key tells apart are only read"]


def test_specs_written_by_hand_are_parents_too() -> None:
    known = derived(AUTHORS).specs
    books = table("books", number("author"), unique=[("author",)], links={"author": "authors"})

    assert derived(books, known=known).specs["books"].key == ("author",)
    assert isinstance(derived(books).specs["books"].column("author").kind, values.Integer)


def test_secrets_documents_and_moving_clocks_name_no_row() -> None:
    moved = LiveColumn("moved", "timestamp", nullable=False, has_default=True, is_clock_on_update=True)
    found = derived(table("t", text("token", nullable=True), moved, unique=[("token",), ("moved",)]))

    assert found.specs["t"].key == ()
    assert [column.name for column in found.specs["t"].columns] == ["id", "moved"]
    assert told(found, "t")[0] == "columns of t are left out"


def test_only_a_link_to_one_surrogate_key_is_a_reference() -> None:
    """A link to another column, or by several columns, is a plain value, and it is said that rows have no order."""
    columns = (text("author"), number("first"), number("second"))
    child = replace(
        table("t", *columns, unique=[("first",)]),
        foreign_keys=(
            ForeignKey("t", "author", "authors", "RESTRICT", "name"),
            ForeignKey("t", "first", "authors", "RESTRICT", "id", is_composite=True),
            ForeignKey("t", "second", "authors", "SET NULL", None),
        ),
    )
    found = derived(AUTHORS, child)

    assert [column.kind for column in found.specs["t"].columns[1:]] == [
        values.Text(20),
        values.Integer(),
        values.Reference("authors", "SET NULL"),
    ]
    assert told(found, "t") == ["a foreign key is taken as a plain value"] * 2


def test_a_column_without_kind_is_left_out() -> None:
    """Where it must have a value, no row can be created, so the table is only read."""
    ratio = LiveColumn("ratio", "double", nullable=True, has_default=False, column_type="double")
    needed = replace(ratio, nullable=False)
    generated = replace(text("total"), is_generated=True)
    free = derived(table("t", text("a"), ratio, generated, unique=[("a",), ("a", "ratio")]))
    bound = derived(table("t", text("a"), needed, unique=[("a",)]))

    assert [column.name for column in free.specs["t"].columns] == ["id", "a"]
    assert (free.specs["t"].policy, free.specs["t"].unique) == (Policy.MANAGED, (("a",),))
    assert [(f.what, f.where) for f in free.findings["t"]] == [("columns of t are left out", "ratio (double)")]
    assert (bound.specs["t"].policy, told(bound, "t")) == (Policy.READ_ONLY, ["table t is only read"])


def test_a_table_without_numbers_of_its_own_is_left_out() -> None:
    """No auto-increment, one that is not the whole primary key, or columns named as reconcile's own."""
    plain = LiveTable("plain", {"code": text("code")}, (LiveKey(("code",), True, True),), ())
    both = replace(table("both", text("a")), keys=(LiveKey(("id", "a"), True, True),))
    own = table("own", text("_key"))
    found = derived(plain, both, own)

    assert found.specs == {}
    assert [told(found, name) for name in ("plain", "both", "own")] == [["a table is left out"]] * 3
    assert "_key is a name that reconcile uses itself" in found.findings["own"][0].why


def test_a_circle_of_needed_references_is_opened() -> None:
    """It could never be written; one of its tables is only read, with the number as a plain value."""
    ring = [
        table("a", number("b_id"), text("x"), unique=[("x",)], links={"b_id": "b"}),
        table("b", number("a_id"), text("x"), unique=[("x",)], links={"a_id": "a"}),
        table("self", number("self_id"), text("x"), unique=[("x",)], links={"self_id": "self"}),
        table("tree", number("up", nullable=True), text("x"), unique=[("x",)], links={"up": "tree"}),
    ]
    found = derived(*ring)
    order, deferred = dependency_order(found.specs)

    assert (sorted(order), set(deferred)) == (["a", "b", "self", "tree"], {("tree", "up")})
    opened = [name for name, spec in found.specs.items() if spec.policy is Policy.READ_ONLY]
    assert len(opened) == 2
    assert "self" in opened
    assert all(told(found, name) == [f"table {name} is only read"] for name in opened)


def test_keys_come_in_one_order_whatever_the_server() -> None:
    keys = [LiveKey(("b",), is_unique=False), LiveKey(("a",), is_unique=False), LiveKey(("c",), is_unique=False)]
    spec = derived(table("t", text("a"), text("b"), text("c"), unique=[("c",), ("b", "a")], keys=keys)).specs["t"]

    assert (spec.unique, spec.indexes) == ((("b", "a"), ("c",)), (("a",), ("b",)))
