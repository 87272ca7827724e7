"""Gaps of the goods: products that batches name and nobody has, and prices for the categories in use."""

import polars as pl

from desired_state import dates
from desired_state.catalogue import MARGINS
from desired_state.gaps.frames import AUGMENT, GAP_FILL, nothing
from desired_state.rules.report import alive
from desired_state.tables.catalogue import PRICING_DEFAULTS, PRODUCTS
from reconcile.dataset import KEY, UNRESOLVED, Dataset, conform
from reconcile.spec import Profile
from reconcile.state import GapRule

_NAME = "Unidentified product "


def _stand_ins(dataset: Dataset) -> pl.DataFrame:
    """Give the batches whose product is gone, each with the name of the product that stands for it."""
    gone = dataset["batches"].filter(~pl.col("productId").is_in(dataset["products"][KEY].implode()))
    return gone.select(KEY, productId=pl.concat_str(pl.lit(_NAME), pl.col("productId").str.strip_prefix(UNRESOLVED)))


def missing_products(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """
    Give one product for each id that batches name in vain.

    What it was is unknown, and so the product says; a row cannot get a chosen id, so the batches change instead.
    """
    names = _stand_ins(dataset).select(nameCanonical="productId").unique().sort("nameCanonical")
    brands = alive(dataset, "brands")[KEY].sort()
    if names.is_empty() or brands.is_empty():
        return nothing(dataset, "products")
    created = dates.midnight(profile.as_of)
    rows = names.with_columns(
        brandId=pl.lit(brands[0]), category=pl.lit("OTHER"), createdAt=created, updatedAt=created,
        description=pl.lit("Stands for a product that batches refer to and that is gone"),
    )  # fmt: skip
    return conform(PRODUCTS, rows, step=GAP_FILL)


def batch_products(dataset: Dataset, _profile: Profile) -> pl.DataFrame:
    """Let the batches whose product is gone name the one that stands for it."""
    return _stand_ins(dataset).filter(pl.col("productId").is_in(dataset["products"][KEY].implode()))


def missing_prices(dataset: Dataset, profile: Profile) -> pl.DataFrame:
    """Give a default margin for each category of a product that has none in any spelling."""
    prices = dataset["pricing_defaults"]
    known = prices["product_category"].str.to_lowercase().implode()
    names = alive(dataset, "products").select(product_category=pl.col("category").str.strip_chars_end(" ")).unique()
    lower = pl.col("product_category").str.to_lowercase()
    names = names.filter(~lower.is_in(known)).sort("product_category").unique(lower, keep="first", maintain_order=True)
    if names.is_empty():
        return nothing(dataset, "pricing_defaults")
    created = dates.midnight(profile.as_of)
    margin = prices.filter(pl.col(KEY) == "DEFAULT")["default_margin_percent"].to_list() or [MARGINS["DEFAULT"]]
    rows = names.with_columns(default_margin_percent=pl.lit(margin[0]), created_at=created, updated_at=created)
    return conform(PRICING_DEFAULTS, rows, step=GAP_FILL)


RULES = (
    GapRule(
        "product-of-batches",
        "Batches whose product is gone get an unidentified one",
        GAP_FILL,
        "products",
        (),
        ("products", "batches", "brands"),
        missing_products,
    ),
    GapRule(
        "batch-product",
        "Batches whose product is gone name the unidentified one",
        AUGMENT,
        "batches",
        ("productId",),
        ("products", "batches"),
        batch_products,
        mends=("orphans-batches-productId",),
    ),
    GapRule(
        "category-price",
        "Categories in use get the default margin",
        GAP_FILL,
        "pricing_defaults",
        (),
        ("products", "pricing_defaults"),
        missing_prices,
        mends=("product-pricing",),
    ),
)
