"""Supplier profiles: how those clients that also sell to us are reached and paid."""

import polars as pl

from desired_state import dates
from desired_state.tables.parties import SUPPLIER_PROFILES
from reconcile.dataset import conform, with_hash
from reconcile.fields import Draw
from reconcile.spec import Profile

_DESKS = ("Accounts desk", "Sales desk", "Front office")


def supplier_profiles(profile: Profile, clients: pl.DataFrame) -> pl.DataFrame:
    """Give one profile for each of *clients* (the plan of `parties.client_plan`) that sells."""
    draw = Draw(profile.seed, "supplier_profiles")
    sellers = with_hash(clients.filter(pl.col("is_seller")), "code")
    created = dates.as_moment(pl.col("created_day"), pl.col("created_second"))
    lower = pl.col("code").str.to_lowercase()
    return conform(
        SUPPLIER_PROFILES,
        sellers.select(
            client_id="code",
            contact_name=draw.choice("contact_name", _DESKS),
            contact_email=pl.concat_str(pl.lit("billing@"), lower, pl.lit(".example.com")),
            payment_terms="terms",
            preferred_payment_method=draw.weighted("preferred_payment_method", (("ACH", 4), ("WIRE", 2), ("CHECK", 3))),
            license_number=pl.concat_str(pl.lit("LIC-"), "code"),
            created_at=created,
            updated_at=created,
        ),
    )
