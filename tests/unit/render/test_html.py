"""The page: it says what the plan says, loads nothing and runs nothing, whatever the rows hold."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from reconcile.diff import Action
from reconcile.errors import Finding, Severity
from reconcile.plan import Plan
from reconcile.render.html import render_plan
from tests.unit.render.test_text import mixed
from tests.unit.test_json_schema import EFFECTS
from tests.unit.tiny import SHOP, declared, live, planned

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>'\"&\u202e"
VOID = {"meta"}


class Page(HTMLParser):
    """The elements, attributes and text of a page; it fails where an element is not closed."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID and tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(plan: Plan, limit: int | None = None, actions: tuple[Action, ...] = tuple(Action)) -> Page:
    return Page(render_plan(plan, tool_version="1.0", shows_rows=True, limit=limit, actions=actions, effects=EFFECTS))


def evil() -> Plan:
    """A plan in which everything that others can write is hostile."""
    plan = planned(
        declared({**SHOP, "tags": [{"code": EVIL[:20], "title": EVIL}]}),
        live({"makers": [{"code": EVIL[:20]}], "notes": [{"ref": EVIL[:20]}]}),
        target=EVIL,
        findings=(Finding(EVIL, EVIL, EVIL, EVIL, Severity.WARNING),),
    )
    return replace(plan, state=EVIL, left_out={"later": EVIL})


def test_the_page_says_what_the_plan_says() -> None:
    plan = mixed()
    shown = page(plan)

    for told in (
        "Plan for sqlite file shop.db",
        plan.checksum,
        "Plan: 1 to create, 1 to update, 1 to delete; 1 skipped, 1 kept.",
        'name: "Acme" → "unnamed"',
        "in the database and not declared",
        'Role "clerk": gains 1 permission (read)',
        "(not part of this run)",
    ):
        assert told in shown.text


def test_signs_stand_beside_colours() -> None:
    """On paper there is none."""
    shown = page(mixed())

    assert all(f"{sign} {action}" in shown.text for sign, action in zip("+~-=", Action, strict=True))


@pytest.mark.parametrize("plan", [mixed(), evil(), planned(declared({}), live({}))])
def test_the_page_loads_nothing_and_runs_nothing(plan: Plan) -> None:
    shown = page(plan)

    assert shown.tags.isdisjoint({"script", "img", "link", "iframe", "object", "form", "base"})
    assert {name for name in shown.attributes if name.startswith("on") or name in {"src", "href"}} == set()
    assert "\u202e" not in shown.text
    content = render_plan(plan, tool_version="1.0", shows_rows=True, limit=None)
    assert "default-src 'none'" in content
    assert "url(" not in content


def test_rows_may_be_left_out_limited_and_chosen() -> None:
    plan = mixed()

    assert "more rows" not in page(plan).text
    assert "… 1 more rows, see them with --limit 0" in page(plan, limit=1).text
    assert "GONE" not in page(plan, actions=(Action.CREATE,)).text
    assert "GONE" not in Page(render_plan(plan, tool_version="1.0", shows_rows=False, limit=None)).text


def test_what_nobody_gains_is_not_said() -> None:
    content = render_plan(mixed(), tool_version="1.0", shows_rows=True, limit=None, effects=EFFECTS.clear())

    assert "Who may do what" not in content
