"""What a plan means to people, as text: which role gains, loses or keeps which permissions, before any row."""

from collections.abc import Iterator, Sequence

import polars as pl

from reconcile.render.cells import visible


def render_effects(effects: pl.DataFrame, *, limit: int | None) -> str:
    """Give a line per role that gains or loses permissions, naming the first *limit* of them; None names all."""
    if effects.is_empty():
        return "No role gains or loses a permission."
    return "\n".join(["Effect", *(_change(*row, limit) for row in _rows(effects))])


def render_kept(effects: pl.DataFrame, *, limit: int | None) -> str:
    """Give a line per role that keeps permissions which nobody declares: those that it loses in *effects*."""
    lines = [
        f"  Role {_quoted(role)}: keeps {_permissions(loses)} not declared ({_names(loses, limit)}); {_users(users)}"
        for role, _, loses, users in _rows(effects)
    ]
    return "\n".join(["Kept: add-only takes nothing away, --mode exact would", *lines])


def _rows(effects: pl.DataFrame) -> Iterator[tuple[str, Sequence[str], Sequence[str], int]]:
    return effects.select("role", "gains", "loses", "users").iter_rows()


def _change(role: str, gains: Sequence[str], loses: Sequence[str], users: int, limit: int | None) -> str:
    said = []
    if gains:
        said.append(f"gains {_permissions(gains)} ({_names(gains, limit)})")
    if loses:
        count = f"{len(loses):,}" if gains else _permissions(loses)
        said.append(f"loses {count} ({_names(loses, limit)})")
    return f"  Role {_quoted(role)}: {', '.join(said)}; {_users(users)}"


def _quoted(role: str) -> str:
    return f'"{visible(role)}"'


def _permissions(names: Sequence[str]) -> str:
    return f"{len(names):,} permission{'' if len(names) == 1 else 's'}"


def _users(users: int) -> str:
    return f"{users:,} user{'' if users == 1 else 's'}"


def _names(names: Sequence[str], limit: int | None) -> str:
    shown = [visible(name) for name in names[:limit]]
    hidden = len(names) - len(shown)
    return ", ".join([*shown, *([f"… {hidden:,} more"] if hidden else [])])
