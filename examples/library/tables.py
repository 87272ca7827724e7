"""What the tables look like, how their rows are known, and what reconcile may do with them."""

from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import Date, Enumeration, Integer, Reference, Text, Timestamp

AUTHORS = TableSpec(
    "authors",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(100)),
        Column("country", Text(60), nullable=True),
    ),
    key=("name",),
    step="catalogue",
    unique=(("name",),),
)

BOOKS = TableSpec(
    "books",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("isbn", Text(13)),
        Column("title", Text(200)),
        Column("author_id", Reference("authors", "RESTRICT")),
        Column("genre", Enumeration(("novel", "poetry", "science")), default="novel"),
        Column("published", Date(), nullable=True),
    ),
    key=("isbn",),
    step="catalogue",
    unique=(("isbn",),),
    indexes=(("author_id",),),
)

COPIES = TableSpec(
    "copies",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("book_id", Reference("books", "CASCADE")),
        Column("number", Integer()),
        Column("shelf", Text(10)),
        # The server moves it whenever the row changes, so it is never compared.
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("book_id", "number"),
    step="catalogue",
    unique=(("book_id", "number"),),
)

LOANS = TableSpec(
    "loans",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("code", Text(20)),
        Column("copy_id", Reference("copies", "RESTRICT")),
        Column("reader", Text(100)),
        Column("lent_on", Date()),
        Column("due_on", Date()),
        Column("returned_on", Date(), nullable=True),
    ),
    key=("code",),
    step="lending",
    prunes=False,  # readers' own loans are never deleted
    unique=(("code",),),
    indexes=(("copy_id",),),
)

SPECS = {spec.name: spec for spec in (AUTHORS, BOOKS, COPIES, LOANS)}
