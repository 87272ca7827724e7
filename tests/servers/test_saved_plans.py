"""Plans saved on a database and carried out later: exactly the reviewed rows, or none; the stale ones by name."""

import re
from pathlib import Path

import pytest

from tests.servers.conftest import NewTarget
from tests.servers.laws import assert_nothing_to_do, assert_strictly_sound
from tests.servers.operating import (
    LIGHT,
    Result,
    assert_converged,
    changes,
    command,
    copy,
    dump,
    edit,
    id_of,
    set_cell,
    stored,
)
from tests.servers.server import Server
from tests.servers.target import Target
from tests.servers.test_old_tool import CASES, fill


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A place for a plan."""
    return str(tmp_path / "saved.plan")


def save(target: Target, file: str, *words: str) -> None:
    told = command(target, "plan", *LIGHT, "--out", file, *words)
    assert told.code == 0, told.err


def carry_out(target: Target, file: str, *words: str) -> Result:
    return command(target, "apply", file, "--force", *words)


def whats(told: Result) -> list[str]:
    """Give what each error says."""
    return re.findall("^error: (.*)$", told.err, re.MULTILINE)


def hurt(target: Target) -> None:
    """Make one row of each action: an update, a create and a delete."""
    set_cell(target, ("clients", "REG0003"), "name", "Hand-made")
    edit(
        target,
        "DELETE FROM tags WHERE name = (SELECT name FROM (SELECT MIN(name) AS name FROM tags) AS first)",
        "INSERT INTO brands (name) VALUES ('theirs')",
    )


def test_a_saved_plan_does_exactly_what_it_says(filled: Target, template: Target, file: str) -> None:
    hurt(filled)
    save(filled, file)
    shown = command(filled, "show", file, "--format", "json").document["changes"]

    told = carry_out(filled, file)

    assert told.code == 0, told.err
    assert [(change["table"], change["action"]) for change in shown if change["action"] != "skip"] == [
        ("clients", "update"), ("tags", "create"), ("brands", "delete"),
    ]  # fmt: skip
    assert_converged(filled)
    assert dump(filled, clocks=False)["clients"] == dump(template, clocks=False)["clients"]
    assert whats(carry_out(filled, file)) == ["the plan is stale: it has been carried out already"]


def test_rows_that_moved_are_all_named_and_nothing_is_written(filled: Target, file: str) -> None:
    hurt(filled)
    save(filled, file)
    set_cell(filled, ("clients", "REG0003"), "name", "Green Leaf Co")
    edit(filled, "DELETE FROM brands WHERE name = 'theirs'")
    before = dump(filled)

    told = carry_out(filled, file)

    assert told.code == 4
    assert whats(told) == [
        "the plan is stale: clients [REG0003].name changed after the plan was made",
        "the plan is stale: brands [theirs] was deleted after the plan was made",
    ]
    assert 'planned from "Hand-made", now "Green Leaf Co"' in told.err
    assert dump(filled) == before


def test_rows_of_others_are_left_and_told(filled: Target, file: str) -> None:
    """They moved after the plan was made, so nobody has reviewed what would become of them."""
    hurt(filled)
    save(filled, file)
    set_cell(filled, ("clients", "REG0004"), "name", "Somebody's")
    edit(filled, "INSERT INTO tags (name, `standardizedName`) VALUES ('later', 'later')")
    theirs = stored(filled, "tags")

    told = carry_out(filled, file)

    assert told.code == 6, told.err
    assert sorted(whats(told)) == [
        "the plan file does not bring clients to the desired state",
        "the plan file does not bring tags to the desired state",
    ]
    assert filled.rows("SELECT name FROM clients WHERE teri_code = 'REG0004'") == [("Somebody's",)]
    assert theirs["tags"].items() <= stored(filled, "tags")["tags"].items()
    left = changes(filled)
    assert {(change.table, change.key) for change in left} == {("clients", "REG0004"), ("tags", "later")}


@pytest.mark.embedded
def test_rows_attached_to_what_the_plan_deletes_stop_it(filled: Target, file: str) -> None:
    """They came after the plan was made; with their parent they would go, or keep it from going."""
    edit(filled, "INSERT INTO brands (name) VALUES ('theirs')")
    save(filled, file)
    brand = id_of(filled, "brands", "theirs")
    edit(
        filled,
        "UPDATE products SET brandId = "
        f"{brand} WHERE id = (SELECT id FROM (SELECT MAX(id) AS id FROM products) AS last)",
    )
    before = dump(filled)

    told = carry_out(filled, file)

    assert (told.code, whats(told)) == (4, ["1 rows of products depend on brands rows to be deleted"])
    assert dump(filled) == before


def test_a_plan_is_for_one_database(filled: Target, template: Target, new_target: NewTarget, file: str) -> None:
    """Another one on the same server is refused, though its rows are the same."""
    hurt(filled)
    save(filled, file)
    other = new_target("live")
    copy(template, other)
    hurt(other)
    before = dump(other)

    told = carry_out(other, file)

    assert (told.code, whats(told)) == (4, ["the plan was made for another database"])
    assert dump(other) == before


def test_a_server_is_known_by_itself(database: Target, file: str) -> None:
    """On servers only. Whatever host name the operator used for it."""
    save(database, file, "-t", "tags")
    here, there = "127.0.0.1", "localhost"
    url = database.url.replace(here, there) if here in database.url else database.url.replace(there, here)

    assert url != database.url
    told = command(Target(database.engine, database.name, url, database.server), "apply", file, "--force")

    assert told.code == 0, told.err


def test_a_plan_is_for_one_schema(target: Target, file: str) -> None:
    if target.server is None:
        assert command(target, "schema", "create").code == 0
    save(target, file, "-t", "tags")
    target.execute("ALTER TABLE tags ADD COLUMN motto VARCHAR(10)")

    told = carry_out(target, file)

    assert (told.code, whats(told)) == (4, ["the plan was made for another schema"])
    assert target.rows("SELECT id FROM tags") == []


@pytest.mark.embedded
def test_a_top_up_can_be_saved(target: Target, file: str) -> None:
    """Gap rules give rows other keys, and rows that refer to them other texts: all of it is as planned."""
    case = CASES["light, our numbers"]
    fill(target, case)
    told = command(target, "plan", *case.shape, "--no-clear", "--out", file)
    assert told.code == 0, told.err

    applied = carry_out(target, file, "--max-update", "100%")

    assert applied.code == 0, applied.err
    assert_strictly_sound(target)
    assert_nothing_to_do(target, (*case.shape, "--no-clear"))


def test_an_account_that_may_only_read_can_save_a_plan(server: Server, database: Target, file: str) -> None:
    """On servers only, where there are accounts. The password it came with is nowhere in the file."""
    password = server.create_account("reviewer", f"SELECT ON `{database.name}`.*")
    reader = Target(server.engine, database.name, server.url(database.name, "reviewer", password), server)

    save(reader, file, "--summary")

    assert password not in Path(file).read_text(encoding="utf-8")
    assert command(database, "show", file, "--summary").code == 0
