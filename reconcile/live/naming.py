"""Give live rows the keys of the declared rows that they are, as the server compares keys."""

from collections.abc import Callable, Collection, Sequence

import polars as pl

from reconcile.dataset import DUPLICATE, ID, KEY, UNRESOLVED, key_text, natural_key, repeats_key
from reconcile.errors import Finding, ReconcileError, Severity
from reconcile.live.collation import BINARY, Collation, Weigh, fold
from reconcile.spec import TableSpec
from reconcile.values import Text, text

CollationOf = Callable[[str, str], Collation]
"""Which collation a live (table, column) compares by."""

_FOLDED = "_folded"
_TARGET_KEY = "_target_key"


def require_distinct(
    spec: TableSpec, present: Collection[str], desired: pl.DataFrame, collation_of: CollationOf, weigh: Weigh
) -> None:
    """
    See that no two *desired* rows are one to the server, as far as the columns of their key are *present*.

    Raises:
        ReconcileError: two declared keys are one row under the live collation.

    """
    if spec.key and set(present).issuperset(spec.key):
        if all(_is_letter_by_letter(spec, name, desired[name], collation_of) for name in spec.key):
            return
        keys = desired.select(_key_parts(spec))
        if folds := _folds(spec, spec.key, keys, collation_of, weigh):
            _declared_names(spec, desired[KEY], _folded(spec, keys, folds))


def with_key(
    spec: TableSpec, frame: pl.DataFrame, desired: pl.DataFrame | None, collation_of: CollationOf, weigh: Weigh
) -> pl.DataFrame:
    """
    Add to live rows their natural key, in the spelling of the *desired* row that they are.

    Of several with one key the one with the lowest surrogate key stands for it; the others get keys of their own.

    Raises:
        ReconcileError: two declared keys are one row under the live collation.

    """
    if not spec.key or any(name not in frame.columns for name in spec.key):
        return frame.with_columns((pl.lit(UNRESOLVED) + pl.col(ID).cast(pl.String)).alias(KEY))
    if desired is not None and all(frame[name].equals(desired[name]) for name in spec.key):
        return frame.with_columns(desired[KEY])
    keys = frame.select(natural_key(spec, frame).alias(KEY)).to_series()
    if desired is not None and _are_the_same(keys, desired[KEY]):
        return frame.with_columns(keys)
    parts = _key_parts(spec)
    own = frame.select(parts)
    both = own if desired is None else pl.concat([own, desired.select(parts)])
    folded = _folded(spec, both, _folds(spec, spec.key, both, collation_of, weigh))
    rows = frame.with_columns(keys, folded.head(frame.height))
    names = None if desired is None else _declared_names(spec, desired[KEY], folded.tail(desired.height))
    if names is not None:
        rows = rows.join(names, on=_FOLDED, how="left", maintain_order="left").with_columns(
            pl.coalesce(_TARGET_KEY, KEY).alias(KEY)
        )
    if desired is not None and spec.recognised_by:
        rows = _recognise(spec, rows, desired, collation_of, weigh)
    order = [ID] if spec.soft_delete is None else [pl.col(spec.soft_delete).is_not_null(), ID]
    is_repeated = pl.col(ID) != pl.col(ID).sort_by(order).first().over(_FOLDED)
    number = pl.lit(DUPLICATE) + pl.col(ID).cast(pl.String)
    keyed = rows.with_columns(pl.when(is_repeated).then(pl.col(KEY) + number).otherwise(pl.col(KEY)).alias(KEY))
    return keyed.drop(_FOLDED, _TARGET_KEY, strict=False)


def _key_parts(spec: TableSpec) -> list[pl.Expr]:
    return [text(spec.column(name).kind, pl.col(name)).alias(name) for name in spec.key]


def _folds(
    spec: TableSpec, names: Sequence[str], rows: pl.DataFrame, collation_of: CollationOf, weigh: Weigh
) -> list[pl.Series]:
    """Fold the columns of *names* that a collation compares otherwise than letter by letter."""
    return [
        fold(collation, rows[name], weigh)
        for name in names
        if isinstance(spec.column(name).kind, Text) and (collation := collation_of(spec.name, name)) is not BINARY
    ]


def _is_letter_by_letter(spec: TableSpec, name: str, texts: pl.Series, collation_of: CollationOf) -> bool:
    """
    Say whether the server is sure to tell a key's *texts* apart where they differ: printable ASCII without small
    letters or spaces. Declared keys differ.
    """
    if not isinstance(spec.column(name).kind, Text):
        return True
    collation, joined = collation_of(spec.name, name), texts.str.join("").item() or ""
    is_plain = joined.isascii() and joined.isprintable() and " " not in joined and joined == joined.upper()
    return collation is BINARY or (is_plain and (collation.is_binary or collation.is_neutral))


def _folded(spec: TableSpec, keys: pl.DataFrame, folds: Sequence[pl.Series]) -> pl.Series:
    return keys.with_columns(folds).select(key_text([pl.col(name) for name in spec.key]).alias(_FOLDED)).to_series()


def _are_the_same(live: pl.Series, declared: pl.Series) -> bool:
    """Say whether the live keys are the declared ones, letter by letter: then no collation need be asked."""
    return live.equals(declared) or (len(live) == len(declared) and live.sort().equals(declared.sort()))


def _recognise(
    spec: TableSpec, rows: pl.DataFrame, desired: pl.DataFrame, collation_of: CollationOf, weigh: Weigh
) -> pl.DataFrame:
    """
    Give live rows that nobody declares the key of the declared row that they are recognised as.

    Of several, one that is not deleted comes first, then the oldest; the others stay rows of others.
    """
    names = list(spec.recognised_by)
    if any(name not in rows.columns for name in names):
        return rows
    candidates = rows.filter(pl.col(_TARGET_KEY).is_null()).drop_nulls(names)
    waiting = desired.join(rows, on=KEY, how="anti").drop_nulls(names).unique(names, keep="none")
    if candidates.is_empty() or waiting.is_empty():
        return rows
    both = pl.concat([candidates.select(names), waiting.select(names)])
    folded = both.with_columns(_folds(spec, names, both, collation_of, weigh))
    deleted = pl.lit(value=False) if spec.soft_delete is None else pl.col(spec.soft_delete).is_not_null()
    first = (
        candidates.select(ID, deleted.alias("_is_deleted"), *folded.head(candidates.height))
        .sort("_is_deleted", ID)
        .unique(names, keep="first", maintain_order=True)
        .join(folded.tail(waiting.height).with_columns(waiting[KEY].alias("_declared")), on=names, how="inner")
        .select(ID, "_declared")
    )
    found = rows.join(first, on=ID, how="left", maintain_order="left")
    return found.with_columns(
        pl.coalesce("_declared", KEY).alias(KEY), pl.coalesce("_declared", _FOLDED).alias(_FOLDED)
    ).drop("_declared")


def _declared_names(spec: TableSpec, declared: pl.Series, folded: pl.Series) -> pl.DataFrame:
    """Give the declared spelling per folded key."""
    names = pl.DataFrame({_FOLDED: folded, _TARGET_KEY: declared})
    if folded.n_unique() < len(folded):
        clash = names.filter(pl.col(_FOLDED).is_duplicated())
        raise ReconcileError(
            [
                Finding(
                    what="two declared rows are one row under the live collation",
                    where=f"table {spec.name}",
                    why=", ".join(clash[_TARGET_KEY].head(4).to_list()),
                    fix="spell the declared keys so that they differ in more than case, accents or trailing space",
                )
            ]
        )
    return names


def duplicates(spec: TableSpec, frame: pl.DataFrame, desired: pl.DataFrame | None) -> list[Finding]:
    """Warn of live rows that share a declared key: of each, one is taken for the declared row. Others may repeat."""
    if desired is not None and frame[KEY].equals(desired[KEY]):
        return []
    if not frame[KEY].str.contains(DUPLICATE, literal=True).any():
        return []
    repeated = frame.filter(repeats_key())
    if desired is not None:
        repeated = repeated.filter(pl.col(KEY).str.replace(r"\\=\d+$", "").is_in(desired[KEY].implode()))
    if repeated.is_empty():
        return []
    return [
        Finding(
            what="live rows share a natural key",
            where=f"table {spec.name}, {', '.join(repeated[KEY].head(3).to_list())}",
            why=f"{repeated.height} rows repeat a key ({', '.join(spec.key)}) that an older row has",
            fix="merge the rows; until then the oldest one stands for the key",
            severity=Severity.WARNING,
        )
    ]
