"""Columns that hold hashes of passwords whatever their name says: the server looks, and no value leaves it."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection, case, column, func, or_, select, table

from reconcile.live.kinds import LONGEST_SECRET
from reconcile.spec import Owner, TableSpec
from reconcile.values import Secret, Text

_FORMS = ("$2_$__$%", "$argon2%", "$scrypt$%", "$5$%", "$6$%", "$7$%", "$y$%", "pbkdf2_sha%$%", "scrypt:%$%")
"""bcrypt, Argon2, scrypt, SHA-crypt, yescrypt, PBKDF2. Source: Linux manual, crypt(5); Django's and Werkzeug's own."""


def hide_hashes(connection: Connection, specs: Mapping[str, TableSpec]) -> dict[str, TableSpec]:
    """Give *specs* with the kind `Secret` for each text column in which a row holds such a hash, keys excepted."""
    return {name: _hidden(connection, spec) for name, spec in specs.items()}


def _hidden(connection: Connection, spec: TableSpec) -> TableSpec:
    keys = {spec.surrogate_key, *spec.key, *(name for unique in spec.unique for name in unique)}
    texts = [c.name for c in spec.columns if isinstance(c.kind, Text) and c.name not in keys]
    if not texts:
        return spec
    tests = [or_(*(column(name).like(form) for form in _FORMS)) for name in texts]
    query = select(*(func.max(case((test, 1), else_=0)) for test in tests)).select_from(table(spec.name))
    found = connection.execute(query).one()
    hidden = {name for name, holds in zip(texts, found, strict=True) if holds}
    return replace(
        spec,
        columns=tuple(
            replace(c, kind=Secret(c.kind.max_length or LONGEST_SECRET), owner=Owner.ONCE, default=None)
            if c.name in hidden and isinstance(c.kind, Text)
            else c
            for c in spec.columns
        ),
    )
