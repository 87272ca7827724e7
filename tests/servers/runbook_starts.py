"""What the commands of a page meet when they are first typed; a page that is not named here meets a filled database."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Literal

from tests.servers.operating import AS_OF, insert
from tests.servers.runbook_blocking import impatient_server, stuck_sessions
from tests.servers.runbook_scene import Scene
from tests.unit.desired_state.old_modules import rows
from tests.unit.desired_state.old_tool import LIGHT, OldTool, as_text


@dataclass(frozen=True, slots=True)
class Start:
    """The tables that are there, and what else the page says that its readers meet."""

    tables: Literal["filled", "live", "none"] = "filled"
    meets: Callable[[Scene, ExitStack], None] | None = None


def _reporting_refers(scene: Scene, closing: ExitStack) -> None:
    """A database of somebody else refers to a tag that nobody declared, out of the sight of this one."""
    scene.server.drop_database("reporting")
    scene.server.create_database("reporting")
    closing.callback(scene.server.drop_database, "reporting")
    with scene.server.admin("reporting") as cursor:
        cursor.execute("INSERT INTO terp.tags (name, standardizedName, category) VALUES ('Theirs', 'theirs', 'CUSTOM')")
        cursor.execute(
            "CREATE TABLE tag_reports (id INT AUTO_INCREMENT PRIMARY KEY, tag_id INT NOT NULL, "
            "CONSTRAINT reported_tag FOREIGN KEY (tag_id) REFERENCES terp.tags (id))"
        )
        cursor.execute("INSERT INTO tag_reports (tag_id) SELECT id FROM terp.tags WHERE name = 'Theirs'")


def _filled_by_the_old_tool(scene: Scene, _: ExitStack) -> None:
    """The rows that the replaced tool's light run left."""
    for table, frame in as_text(rows(OldTool(date.fromisoformat(AS_OF), LIGHT))).items():
        insert(scene.target, table, frame)


STARTS = {
    "accounts": Start("live"),
    "foreign-key-fails": Start(meets=_reporting_refers),
    "seed": Start("none"),
    "take-over": Start("live", _filled_by_the_old_tool),
    "stuck-locks": Start(meets=stuck_sessions),
    "lock-wait-timeout": Start(meets=impatient_server),
}
