"""Fixed rows that quality assurance refers to by name: places, customers, suppliers, brands and products.

They take no part in the trade, so nothing is ordered, owed or in stock.
"""

import polars as pl

from desired_state import dates
from desired_state.tables.catalogue import BRANDS, PRODUCTS
from desired_state.tables.inventory import LOCATIONS
from desired_state.tables.parties import CLIENTS
from reconcile.dataset import conform
from reconcile.spec import Profile, TableSpec

STEP = "qa-data"
"""The step of these rows; the registry of ids lists its rows and no others."""

_LOCATIONS = (
    ("QA_LOCATION_MAIN", "Zone-A", "R1", "S1", "B1"),
    ("QA_LOCATION_WAREHOUSE", "Zone-B", "R2", "S1", "B1"),
    ("QA_LOCATION_COLD", "Cold-Zone", "R1", "S1", "B1"),
    ("QA_LOCATION_STAGING", "Staging", "R1", "S1", "B1"),
    ("QA_LOCATION_RETURNS", "Returns", "R1", "S1", "B1"),
)
_CUSTOMERS = (
    ("QA_CUSTOMER_01", "QA Test Dispensary Alpha", "qa.customer1@terp.test", "555-0101"),
    ("QA_CUSTOMER_02", "QA Test Retail Beta", "qa.customer2@terp.test", "555-0102"),
    ("QA_CUSTOMER_03", "QA Test Wholesale Gamma", "qa.customer3@terp.test", "555-0103"),
    ("QA_CUSTOMER_CREDIT", "QA Test Credit Customer", "qa.credit@terp.test", "555-0110"),
    ("QA_CUSTOMER_VIP", "QA Test VIP Customer", "qa.vip@terp.test", "555-0111"),
)
_SUPPLIERS = (
    ("QA_SUPPLIER_01", "QA Test Farm Delta", "qa.supplier1@terp.test", "555-0201"),
    ("QA_SUPPLIER_02", "QA Test Cultivator Epsilon", "qa.supplier2@terp.test", "555-0202"),
    ("QA_SUPPLIER_03", "QA Test Manufacturer Zeta", "qa.supplier3@terp.test", "555-0203"),
)
_PAYMENT_DAYS = 30
_CREDIT = "5000.00"
_BRANDS = ("QA_BRAND_PREMIUM", "QA_BRAND_STANDARD", "QA_BRAND_BUDGET")
_PRODUCTS = (
    ("QA_PRODUCT_FLOWER_A", "Flower", "Indoor", "QA_BRAND_PREMIUM"),
    ("QA_PRODUCT_FLOWER_B", "Flower", "Outdoor", "QA_BRAND_STANDARD"),
    ("QA_PRODUCT_PREROLL", "Pre-Roll", "Singles", "QA_BRAND_PREMIUM"),
    ("QA_PRODUCT_EDIBLE", "Edibles", "Gummies", "QA_BRAND_BUDGET"),
    ("QA_PRODUCT_CONCENTRATE", "Concentrates", "Wax", "QA_BRAND_PREMIUM"),
    ("QA_PRODUCT_VAPE", "Vapes", "Cartridges", "QA_BRAND_STANDARD"),
)


def tables(profile: Profile) -> dict[str, pl.DataFrame]:
    """Give the tables of this area: 5 locations, 8 clients, 3 brands and 6 products."""
    moment = dates.go_live(profile.as_of)
    rows: tuple[tuple[TableSpec, pl.DataFrame], ...] = (
        (LOCATIONS, _locations().with_columns(createdAt=moment, updatedAt=moment)),
        (CLIENTS, _clients().with_columns(created_at=moment, updated_at=moment)),
        (BRANDS, _brands().with_columns(createdAt=moment, updatedAt=moment)),
        (PRODUCTS, _products().with_columns(createdAt=moment, updatedAt=moment)),
    )
    return {spec.name: conform(spec, frame, STEP) for spec, frame in rows}


def _locations() -> pl.DataFrame:
    return pl.DataFrame(_LOCATIONS, schema=["site", "zone", "rack", "shelf", "bin"], orient="row")


def _clients() -> pl.DataFrame:
    """Customers buy and have credit, suppliers sell and have none."""
    names = ["teri_code", "name", "email", "phone"]
    return pl.concat(
        [
            pl.DataFrame(_CUSTOMERS, schema=names, orient="row").with_columns(
                is_buyer=True, is_seller=False, credit_limit=pl.lit(_CREDIT)
            ),
            pl.DataFrame(_SUPPLIERS, schema=names, orient="row").with_columns(
                is_buyer=False, is_seller=True, credit_limit=pl.lit("0.00")
            ),
        ]
    ).with_columns(payment_terms=_PAYMENT_DAYS)


def _brands() -> pl.DataFrame:
    return pl.DataFrame({"name": _BRANDS}).with_columns(description=pl.lit("Brand for quality assurance"))


def _products() -> pl.DataFrame:
    names = ["nameCanonical", "category", "subcategory", "brandId"]
    return pl.DataFrame(_PRODUCTS, schema=names, orient="row").with_columns(
        uomSellable=pl.lit("EA"), description=pl.lit("Product for quality assurance")
    )
