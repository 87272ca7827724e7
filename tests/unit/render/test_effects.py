"""The effect of a plan on roles as text: what is gained, lost and kept, by how many."""

import polars as pl

from reconcile.render.effects import render_effects, render_kept

Effect = tuple[str, list[str], list[str], int]


def effects(*rows: Effect) -> pl.DataFrame:
    names = pl.List(pl.String)
    columns = {"role": pl.String(), "gains": names, "loses": names, "users": pl.Int64()}
    return pl.DataFrame(list(rows), schema=columns, orient="row")


def test_each_role_says_what_it_gains_and_loses_and_whom_that_touches() -> None:
    found = effects(
        ("Auditor", [], ["orders:read"], 0),
        ("Buyer", ["orders:read"], [], 1),
        ("Warehouse Staff", ["orders:pack", "orders:read"], ["bills:pay"], 1_203),
    )

    assert render_effects(found, limit=None).split("\n") == [
        "Effect",
        '  Role "Auditor": loses 1 permission (orders:read); 0 users',
        '  Role "Buyer": gains 1 permission (orders:read); 1 user',
        '  Role "Warehouse Staff": gains 2 permissions (orders:pack, orders:read), loses 1 (bills:pay); 1,203 users',
    ]


def test_no_effect_is_said_too() -> None:
    assert render_effects(effects(), limit=None) == "No role gains or loses a permission."


def test_a_limit_says_how_many_names_it_hides() -> None:
    found = effects(("Buyer", list("abcd"), ["x", "y"], 2))

    assert render_effects(found, limit=2).split("\n")[1:] == [
        '  Role "Buyer": gains 4 permissions (a, b, … 2 more), loses 2 (x, y); 2 users'
    ]


def test_what_is_kept_says_how_it_would_go() -> None:
    assert render_kept(effects(("Buyer", [], ["x", "y", "z"], 2)), limit=2).split("\n") == [
        "Kept: add-only takes nothing away, --mode exact would",
        '  Role "Buyer": keeps 3 permissions not declared (x, y, … 1 more); 2 users',
    ]


def test_names_cannot_forge_a_line() -> None:
    """Roles and permissions are live values: anybody may have named one."""
    told = render_effects(effects(("a\nPlan: 0", ["b\x1b[2J"], [], 0)), limit=None)

    assert told.split("\n")[1:] == ['  Role "a\\nPlan: 0": gains 1 permission (b\\x1b[2J); 0 users']
