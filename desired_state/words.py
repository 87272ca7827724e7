"""The words that names are made of, all invented here, and how a running number becomes a name.

No person, brand or company is meant. A name depends on the running number alone, so it survives a change of
seed.
"""

from collections.abc import Sequence

import polars as pl

from reconcile.fields import pick

PLACES = (
    "Tamberlow", "Quillmere", "Brackenfold", "Ostrivale", "Hallowfen", "Perridock", "Mossanby", "Fennimarsh",
    "Gorselyn", "Wendlecott", "Larkrise Hollow", "Yarrowgate", "Kestrelby", "Dunmarrow", "Elderwick",
    "Sallowmere", "Thistleport", "Ravenlode", "Pinnacott", "Umberdale", "Coldharrow", "Isenfold", "Juniperton",
)  # fmt: skip
GROWER_KINDS = ("Gardens", "Growers", "Greenhouses", "Terraces", "Fields", "Orchards", "Acres", "Nurseries")
SHOP_KINDS = ("Provisions", "Apothecary", "Corner Shop", "Collective", "Storehouse", "Counter", "Emporium")
WHOLESALE_KINDS = ("Wholesale", "Distribution", "Supply", "Trading", "Depot")
STREETS = ("Lantern Row", "Copper Lane", "Mill Race", "Orchard Walk", "Station Parade", "Quarry Road")

HYBRIDS = (
    "Amber Lattice", "Cobalt Meadow", "Copper Static", "Dusk Parade", "Glass Orchard", "Juniper Voltage",
    "Lantern Kite", "Marble Tide", "Paper Comet", "Saffron Engine", "Silver Thicket", "Tin Harbor",
    "Velvet Compass",
)  # fmt: skip
INDICAS = (
    "Basalt Lullaby", "Deep Larder", "Fallow Moon", "Heavy Cedar", "Midnight Quarry", "Plum Anchor",
    "Slow Cathedral", "Umber Pillow", "Wool Eclipse",
)  # fmt: skip
SATIVAS = (
    "Brisk Antenna", "Citrus Semaphore", "Daybreak Piston", "Kinetic Fern", "Sunlit Abacus", "Zephyr Cartwheel",
)  # fmt: skip
STRAINS = HYBRIDS + INDICAS + SATIVAS

BRANDS = (
    "Argentfold", "Birch & Bellows", "Cinderleaf", "Driftmark", "Elmstroke", "Foxglass", "Gladewright",
    "Hearthvane", "Ironpetal", "Jadewick", "Kindlewood House", "Loamcraft", "Mirebloom", "Northquill",
    "Overgrove",
)  # fmt: skip


def combine(ordinal: pl.Expr, first: Sequence[str], second: Sequence[str], step: int) -> pl.Expr:
    """
    Name a row after its running number: a first word, a second, and a number once all pairs are used.

    One to one, provided that *step* and the number of pairs have no common divisor.
    """
    pairs = len(first) * len(second)
    pair = ordinal % pairs * step % pairs
    round_number = ordinal // pairs
    return pl.concat_str(
        pick(pair % len(first), first),
        pl.lit(" "),
        pick(pair // len(first), second),
        pl.when(round_number > 0)
        .then(pl.concat_str(pl.lit(" "), (round_number + 1).cast(pl.String)))
        .otherwise(pl.lit("")),
    )
