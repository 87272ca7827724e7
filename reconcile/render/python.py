"""Python source for values: what a formatter would leave as it is, and no text that could be read as code.

Lines are 88 characters long at most, where a text allows it; what does not fit has one item per line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum

WIDTH = 88
INDENT = 4


@dataclass(frozen=True, slots=True)
class Name:
    """A piece of code that stands for itself, such as the name of a variable; never made of data."""

    code: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of *function* with positional and keyword arguments."""

    function: str
    arguments: Sequence[object] = ()
    keywords: Sequence[tuple[str, object]] = ()


def quoted(text: str) -> str:
    """Give *text* as a string literal that holds no line end and nothing that cannot be printed."""
    literal = repr(text)
    if literal[0] == '"' or text.count('"') > text.count("'"):
        return literal
    return '"' + literal[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'


def statement(before: str, value: object, indent: int = 0) -> str:
    """Give the line or lines `before` + value, such as an assignment, *indent* characters in."""
    return " " * indent + before + _lines(value, indent, len(before), 0)


def imports(module: str, names: Sequence[str]) -> str:
    """Give `from module import names`, sorted; nothing for no names."""
    if not names:
        return ""
    listed = sorted(set(names))
    line = f"from {module} import {', '.join(listed)}"
    return line if len(line) <= WIDTH else f"from {module} import (\n" + "".join(f"    {n},\n" for n in listed) + ")"


def _lines(value: object, indent: int, before: int, after: int) -> str:
    """Write a value where *before* characters stand left of it in its line and *after* follow it."""
    opening, items, closing = _parts(value)
    flat = opening + ", ".join(prefix + _flat(item) for prefix, item in items) + closing
    if isinstance(value, tuple) and len(value) == 1:
        flat = flat[:-1] + ",)"
    if not items or indent + before + len(flat) + after <= WIDTH:
        return flat
    inner = indent + INDENT
    body = "".join(" " * inner + prefix + _lines(item, inner, len(prefix), 1) + ",\n" for prefix, item in items)
    return f"{opening}\n{body}{' ' * indent}{closing}"


def _flat(value: object) -> str:
    opening, items, closing = _parts(value)
    comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return opening + ", ".join(prefix + _flat(item) for prefix, item in items) + comma + closing


def _parts(value: object) -> tuple[str, list[tuple[str, object]], str]:
    """Take a value apart: what opens it, its items with what stands before each, what closes it."""
    match value:
        case Name(code):
            return code, [], ""
        case Call(function, arguments, keywords):
            named: list[tuple[str, object]] = [(f"{name}=", item) for name, item in keywords]
            return f"{function}(", [*(("", item) for item in arguments), *named], ")"
        case Enum():
            return f"{type(value).__name__}.{value.name}", [], ""
        case str():
            return quoted(value), [], ""
        case None | bool() | int():
            return repr(value), [], ""
        case tuple():
            return "(", [("", item) for item in value], ")"
        case list():
            return "[", [("", item) for item in value], "]"
        case Mapping():
            return "{", [(f"{quoted(str(name))}: ", item) for name, item in value.items()], "}"
        case _:
            raise TypeError(f"{type(value).__name__} has no source form")


def call_of(declaration: object, positional: int | None = None) -> Call:
    """
    Give the call that makes a dataclass instance; what is as by default is left out.

    The first *positional* fields are written without their names; by default all of them.
    """
    cells = [(field, getattr(declaration, field.name)) for field in fields(declaration)]  # type: ignore[arg-type]
    while cells and cells[-1][1] == _default(cells[-1][0]):
        cells.pop()
    count = len(cells) if positional is None else positional
    named = [(field.name, _source(value)) for field, value in cells[count:] if value != _default(field)]
    return Call(type(declaration).__name__, [_source(value) for _, value in cells[:count]], named)


def _source(value: object) -> object:
    match value:
        case tuple():
            return tuple(_source(item) for item in value)
        case None | str() | bool() | int() | Enum() | Call() | Name():
            return value
        case declaration:
            return call_of(declaration)


def _default(field: "Field[object]") -> object:
    return field.default if field.default is not MISSING else MISSING
