"""Python source: it evaluates to the value it was made of, and a formatter leaves it as it is."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconcile.render.python import Call, Name, call_of, imports, quoted, statement
from reconcile.spec import Column, Owner
from reconcile.values import Decimal, Reference, Text

AWKWARD = [
    "", "plain", "it's", 'say "hi"', "'\"", "\"\"'", "back\\slash", "line\nend\r\n\t", "\0\x1f\x7f", "é ß 漢 🙂",
    "\u202e\u2028\ufeff", "\ud800", "{0} %s {{}}", "\\N", "'''", '"""', "\\",
]  # fmt: skip


@given(st.text(max_size=8))
@example("'\"\\\n")
def test_a_text_is_one_literal_that_gives_it_back(text: str) -> None:
    literal = quoted(text)

    assert ast.literal_eval(literal) == text
    assert literal.isprintable()


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_texts_are_given_back(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text
    assert quoted(text).isprintable()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_a_value_is_given_back(value: object) -> None:
    assert ast.literal_eval(statement("", value)) == value


def test_what_does_not_fit_has_one_item_a_line() -> None:
    words = ["word" * 5] * 4

    assert statement("x = ", ["short", ("one",), {"a": True}]) == 'x = ["short", ("one",), {"a": True}]'
    assert statement("x = ", {"words": words}).splitlines() == [
        "x = {",
        '    "words": [',
        *['        "wordwordwordwordword",'] * 4,
        "    ],",
        "}",
    ]


def test_declarations_become_calls_without_what_is_by_default() -> None:
    column = Column("author", Reference("authors", None), nullable=True, owner=Owner.ONCE)

    assert statement("", call_of(column, positional=2)) == (
        'Column("author", Reference("authors"), nullable=True, owner=Owner.ONCE)'
    )
    assert statement("", call_of(Decimal(5, 2))) == "Decimal(5, 2)"
    assert statement("", call_of(Text())) == "Text()"
    assert statement("", Call("f", [Name("x")], [("y", 1)])) == "f(x, y=1)"


def test_imports_are_sorted_and_may_be_none() -> None:
    assert imports("m", ["b", "A", "b"]) == "from m import A, b"
    assert imports("m", []) == ""
    assert imports("m", [f"Name{number:02}" for number in range(12)]).splitlines()[:2] == [
        "from m import (",
        "    Name00,",
    ]


def test_other_values_have_no_source() -> None:
    with pytest.raises(TypeError, match="float has no source form"):
        statement("x = ", 1.5)


def test_a_formatter_changes_nothing(tmp_path: Path) -> None:
    nested = {
        "texts": [text for text in AWKWARD if text.isprintable()],
        "long": "word " * 30,
        "deep": [{"a": ("x" * 30, "y" * 30, "z" * 30), "b": [[], {}, (), [None, True, -1]]}],
        "edge": ["a" * 36, "b" * 36],
    }
    file = tmp_path / "made.py"
    call = Call("f", ["a" * 40, Name("X" * 30)], [("named", ("b" * 20, 1))])
    file.write_text(f"{statement('X = ', nested)}\n{statement('Y = ', call)}\n", encoding="utf-8")

    ruff = Path(sys.executable).parent / "ruff"
    told = subprocess.run([ruff, "format", "--isolated", "--diff", file], capture_output=True, text=True, check=False)

    assert (told.returncode, told.stdout) == (0, "")
