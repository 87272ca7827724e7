"""What happens to a test whose server or facts are not on this machine; needs neither."""

from pathlib import Path

import pytest

from tests.facts import VARIABLE, facts_folder, require_facts, unmet
from tests.servers.installation import MYSQL_ROOT, Engine, NotInstalled, find


def test_a_person_sees_a_skip_with_the_reason() -> None:
    with pytest.raises(pytest.skip.Exception, match="install this"):
        unmet("install this", {})


def test_ci_fails_instead_of_skipping() -> None:
    with pytest.raises(pytest.fail.Exception, match="install this"):
        unmet("install this", {"CI": "true"})


@pytest.mark.parametrize(("name", "package"), [("mariadb", "mariadb-server-core"), ("mysql", "mysql-server")])
def test_a_missing_engine_says_what_to_install(
    name: Engine, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotInstalled, match=package):
        find(name, checkout=tmp_path)


def test_mariadbs_own_mysqld_is_not_taken_for_mysql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "mysqld"
    program.write_text("#!/bin/sh\necho 'mysqld  Ver 10.11.6-MariaDB for debian-linux-gnu'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotInstalled, match="no MySQL"):
        find("mysql", checkout=tmp_path)


def test_a_half_unpacked_mysql_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / MYSQL_ROOT).mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotInstalled):
        find("mysql", checkout=tmp_path)


def test_facts_are_where_the_environment_says(tmp_path: Path) -> None:
    (tmp_path / "schema.json").touch()

    assert facts_folder({VARIABLE: str(tmp_path)}) == tmp_path


def test_missing_facts_name_the_variable_to_set(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match=VARIABLE):
        require_facts({VARIABLE: str(tmp_path)})
    with pytest.raises(pytest.fail.Exception, match=VARIABLE):
        require_facts({VARIABLE: str(tmp_path), "CI": "true"})
