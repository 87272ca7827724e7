"""Two runs and what is known of two rows, as the renderers are given them."""

from dataclasses import replace
from datetime import date, datetime

from reconcile.diff import Action
from reconcile.errors import Finding
from reconcile.journal import Run
from reconcile.render.cells import ShownRow
from reconcile.render.explain import Explanation, Link, Past
from tests.unit.tiny import GOODS, SETTINGS

RUN = Run(
    id=12, command="apply", status="done", started_at=datetime(2026, 1, 5, 8, 0, 0),
    finished_at=datetime(2026, 1, 5, 8, 0, 2), user_name="ada", host="db\x1b", pid=42, connection_id=7,
    tool_version="1.0", state="tiny", mode="reset", size="full", scale=2, seed=1, as_of=date(2026, 1, 5),
    plan_id="abc", checksum="abcdef", fingerprint="f00", created=1200, updated=3, deleted=1, undone_by=13,
)  # fmt: skip
OLD_RUN = replace(
    RUN, id=11, command="rollback", status="failed", mode="rollback", scale=1, finished_at=None, undone_by=None,
    undoes=10, error="a deadlock\nwith another",
)  # fmt: skip

CHANGE = ShownRow("core", "SAW", Action.UPDATE, "differs", "the live row differs", {"stock": 1}, {"stock": 2})
EXPLANATION = Explanation(
    spec=GOODS,
    key="SAW",
    id=17,
    is_declared=True,
    step="core",
    mode="reset",
    fate="it would be updated: the live row differs",
    change=CHANGE,
    blocked=[Finding("too many", "goods", "9 of 10", "--max-update 90%")],
    gap_rules=[("stock-up", "Goods are in stock")],
    refers_to=[Link("makers", "maker", "makers [ACME]")],
    referred_by=[Link("goods_tags", "good", "2 rows, first [SAW|sharp]")],
    history=[Past(RUN, replace(CHANGE, action=Action.CREATE, before=None))],
)
NOTHING_KNOWN = replace(
    EXPLANATION, spec=SETTINGS, id=None, is_declared=False, fate="nothing to do", change=None, blocked=[],
    gap_rules=[], refers_to=[], referred_by=[], history=[],
)  # fmt: skip
