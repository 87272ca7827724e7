"""Catalogue: brands, strains, tags, products and the default margins they are priced with."""

import polars as pl

from desired_state import dates, words
from desired_state.blocks import expand
from desired_state.parties import LIGHT_VENDORS, vendor_name
from desired_state.tables.catalogue import BRANDS, PRICING_DEFAULTS, PRODUCTS, STRAINS, TAGS
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw, pick
from reconcile.spec import Profile

SUBCATEGORIES = {
    "Flower": ("Indoor", "Outdoor", "Greenhouse", "Light Dep"),
    "Pre-Roll": ("Single", "Multi-Pack", "Infused"),
    "Concentrate": ("Live Resin", "Shatter", "Wax", "Rosin", "Diamonds"),
    "Edible": ("Gummies", "Chocolate", "Beverages", "Baked Goods"),
    "Vape": ("Cartridge", "Disposable", "Pod"),
    "Topical": ("Lotion", "Balm", "Oil"),
    "Tincture": ("Full Spectrum", "Isolate", "Broad Spectrum"),
}
CATEGORIES = tuple(SUBCATEGORIES)

MARGINS = {
    "Flower": 35,
    "Pre-Roll": 35,
    "Concentrate": 45,
    "Edible": 40,
    "Vape": 38,
    "Topical": 42,
    "Tincture": 40,
    "Accessories": 50,
    "OTHER": 30,
    "DEFAULT": 30,
}
"""Default margin per product category in percent, and the two that the application falls back to."""

PLURALS = {"Concentrates": "Concentrate", "Edibles": "Edible", "Vapes": "Vape"}
"""Spellings of a category that the QA products use; the application looks a margin up by the exact spelling."""

_TAGS = {
    "Indoor": "CUSTOM",
    "Outdoor": "CUSTOM",
    "Greenhouse": "CUSTOM",
    "Light Dep": "CUSTOM",
    "Organic": "CUSTOM",
    "Premium": "CUSTOM",
    "Budget": "CUSTOM",
    "High THC": "EFFECT",
    "High CBD": "EFFECT",
    "Award Winner": "STATUS",
    "New Arrival": "STATUS",
    "Limited Edition": "STATUS",
    "Best Seller": "STATUS",
    "Staff Pick": "STATUS",
}
_PARENTS = {
    "Copper Static": "Heavy Cedar",
    "Glass Orchard": "Plum Anchor",
    "Lantern Kite": "Brisk Antenna",
    "Velvet Compass": "Sunlit Abacus",
}
_STRAIN_STEP = 5
_CATEGORY_STEP = 3


def pricing_defaults(profile: Profile) -> pl.DataFrame:
    """Give a margin for every product category, in each spelling in use, and the two fallbacks."""
    margins = MARGINS | {plural: MARGINS[singular] for plural, singular in PLURALS.items()}
    frame = pl.DataFrame({"product_category": list(margins), "default_margin_percent": list(margins.values())})
    return conform(PRICING_DEFAULTS, _dated(frame, profile, "created_at", "updated_at"))


def brands(profile: Profile) -> pl.DataFrame:
    """Give the fifteen brands, dealt round to the ten vendors that every dataset has."""
    frame = pl.DataFrame({"name": words.BRANDS, "number": range(len(words.BRANDS))}).select(
        "name",
        vendorId=vendor_name(pl.col("number") % LIGHT_VENDORS),
        description=pl.concat_str(pl.lit("House brand "), "name"),
    )
    return conform(BRANDS, _dated(frame, profile))


def strains(profile: Profile) -> pl.DataFrame:
    """Give thirteen hybrids, nine indicas and six sativas; four hybrids name the strain they come from."""
    kinds = (("Hybrid", words.HYBRIDS), ("Indica", words.INDICAS), ("Sativa", words.SATIVAS))
    frame = pl.DataFrame(
        {
            "name": [name for _, names in kinds for name in names],
            "category": [kind for kind, names in kinds for _ in names],
        }
    ).with_columns(
        standardizedName=pl.col("name").str.to_lowercase(),
        parentStrainId=pl.col("name").replace_strict(_PARENTS, default=None, return_dtype=pl.String),
        description=pl.concat_str("category", pl.lit(" strain")),
    )
    return conform(STRAINS, _dated(frame.with_columns(baseStrainName="parentStrainId"), profile))


def tags(profile: Profile) -> pl.DataFrame:
    """Give the fourteen product tags."""
    frame = pl.DataFrame({"name": list(_TAGS), "category": list(_TAGS.values())}).with_columns(
        standardizedName=pl.col("name").str.to_lowercase()
    )
    return conform(TAGS, _dated(frame, profile))


def product_plan(profile: Profile, blocks: pl.DataFrame) -> pl.DataFrame:
    """
    Give every product with what other areas need of it: block, index, name and category.

    The seven categories take turns. A name is strain and subcategory, with a number once all pairs are used.
    """
    position = pl.col("ordinal") // len(CATEGORIES)
    frame = expand(blocks, "products").with_columns(
        category_number=pl.col("ordinal") % len(CATEGORIES),
        category=pick(pl.col("ordinal") % len(CATEGORIES), CATEGORIES),
    )
    sizes = {category: len(names) for category, names in SUBCATEGORIES.items()}
    size = pl.col("category").replace_strict(sizes, return_dtype=pl.Int64)
    frame = frame.with_columns(
        subcategory=_subcategory(position % size),
        strain=pick(
            (position // size * _STRAIN_STEP + pl.col("category_number") * _CATEGORY_STEP) % len(words.STRAINS),
            words.STRAINS,
        ),
        series=position // (size * len(words.STRAINS)),
    ).with_columns(
        product=pl.concat_str(
            "strain",
            pl.lit(" "),
            "subcategory",
            pl.when(pl.col("series") > 0).then(pl.concat_str(pl.lit(" "), pl.col("series") + 1)).otherwise(pl.lit("")),
        )
    )
    draw = Draw(profile.seed, "products")
    return with_hash(frame, "product").with_columns(
        created_day=dates.number(profile.as_of) - draw.integer("createdAt", 300, 420)
    )


def _subcategory(position: pl.Expr) -> pl.Expr:
    # The length of a list differs by category, so each category looks in its own.
    column = pl.lit(None, dtype=pl.String)
    for category, names in SUBCATEGORIES.items():
        column = pl.when(pl.col("category") == category).then(pick(position, names)).otherwise(column)
    return column


def products(profile: Profile, plan: pl.DataFrame) -> pl.DataFrame:
    """Give the products table; flower is sold by the pound, everything else by the piece."""
    draw = Draw(profile.seed, "products")
    created = dates.as_moment(pl.col("created_day"), draw.integer("createdAt.second", 8 * 3_600, 17 * 3_600))
    frame = plan.select(
        draw.choice("brandId", words.BRANDS).alias("brandId"),
        "category",
        "subcategory",
        strainId="strain",
        nameCanonical="product",
        uomSellable=pl.when(pl.col("category") == "Flower").then(pl.lit("LB")).otherwise(pl.lit("EA")),
        description=pl.concat_str("subcategory", pl.lit(" made from the strain "), "strain"),
        createdAt=created,
        updatedAt=created,
    )
    return conform(PRODUCTS, frame)


def _dated(
    frame: pl.DataFrame, profile: Profile, created: str = "createdAt", updated: str = "updatedAt"
) -> pl.DataFrame:
    moment = dates.go_live(profile.as_of)
    return frame.with_columns(moment.alias(created), moment.alias(updated))
