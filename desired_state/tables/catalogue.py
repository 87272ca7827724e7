"""Tables: products and what describes them. Column facts as the live schema has them."""

from reconcile.spec import Column, Owner, TableSpec
from reconcile.values import Decimal, Enumeration, Integer, Reference, Text, Timestamp

BRANDS = TableSpec(
    "brands",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(255)),
        Column("deleted_at", Timestamp(), nullable=True),
        Column("vendorId", Reference("vendors"), nullable=True),
        Column("description", Text(), nullable=True),
        Column("createdAt", Timestamp(), is_clock_default=True),
        Column("updatedAt", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="core",
)

STRAINS = TableSpec(
    "strains",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(255)),
        Column("deleted_at", Timestamp(), nullable=True),
        Column("standardizedName", Text(255)),
        Column("aliases", Text(), nullable=True),
        Column("category", Text(50), nullable=True),
        Column("description", Text(), nullable=True),
        Column("openthcId", Text(255), nullable=True),
        Column("openthcStub", Text(255), nullable=True),
        Column("parentStrainId", Reference("strains"), nullable=True),
        Column("baseStrainName", Text(255), nullable=True),
        Column("createdAt", Timestamp(), is_clock_default=True),
        Column("updatedAt", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="core",
    unique=(("name",),),
)

TAGS = TableSpec(
    "tags",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("name", Text(100)),
        Column("deleted_at", Timestamp(), nullable=True),
        Column("standardizedName", Text(100)),
        Column(
            "category",
            Enumeration(("STATUS", "PRIORITY", "TYPE", "CUSTOM", "STRAIN", "FLAVOR", "EFFECT")),
            nullable=True,
            default="CUSTOM",
        ),
        Column("color", Text(7), nullable=True, default="#6B7280"),
        Column("description", Text(), nullable=True),
        Column("createdAt", Timestamp(), is_clock_default=True),
        Column("updatedAt", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("name",),
    step="core",
    unique=(("name",),),
)

PRODUCTS = TableSpec(
    "products",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("brandId", Reference("brands")),
        Column("strainId", Reference("strains"), nullable=True),
        Column("nameCanonical", Text(500)),
        Column("deleted_at", Timestamp(), nullable=True),
        Column("category", Text(100)),
        Column("subcategory", Text(100), nullable=True),
        Column("uomSellable", Text(20), default="EA"),
        Column("description", Text(), nullable=True),
        Column("createdAt", Timestamp(), is_clock_default=True),
        Column("updatedAt", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("nameCanonical",),
    step="core",
)

PRICING_DEFAULTS = TableSpec(
    "pricing_defaults",
    columns=(
        Column("id", Integer(), owner=Owner.SERVER),
        Column("product_category", Text(100)),
        Column("default_margin_percent", Decimal(5, 2)),
        Column("created_at", Timestamp(), is_clock_default=True),
        Column("updated_at", Timestamp(), owner=Owner.CREATION, is_clock_default=True, is_clock_on_update=True),
    ),
    key=("product_category",),
    step="core",
    unique=(("product_category",),),
)

TABLES = (BRANDS, STRAINS, TAGS, PRODUCTS, PRICING_DEFAULTS)
