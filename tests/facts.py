"""The facts about the live database that lie beside the checkout, not in it; and what to do without them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
VARIABLE = "RECONCILE_TERP_FACTS"


def unmet(reason: str, environ: Mapping[str, str] = os.environ) -> NoReturn:
    """
    End the test that needs what *reason* says is missing: skipped for a person, failed in CI.

    A skipped test in CI would read as a passed one.
    """
    if environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true: nothing may be skipped)", pytrace=False)
    pytest.skip(reason)


def facts_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Find the facts: where the environment says, else in `shared/terp` beside the checkout; else None."""
    named = environ.get(VARIABLE)
    folder = Path(named) if named else CHECKOUT.parent / "shared" / "terp"
    return folder if (folder / "schema.json").is_file() else None


def require_facts(environ: Mapping[str, str] = os.environ) -> Path:
    """Give the facts folder, or end the test and say how to supply it."""
    folder = facts_folder(environ)
    if folder is None:
        unmet(f"the live schema's facts are missing: set {VARIABLE} to the folder with schema.json", environ)
    return folder
