"""Others who are in the way when a runbook page is typed: a session that holds a row, one that waits, another run."""

import threading
from contextlib import ExitStack, suppress

import pymysql

from reconcile.live.holder import lock_name
from tests.servers.operating import waiting_sessions
from tests.servers.runbook_scene import NAME, Scene
from tests.servers.server import APPLICATION, APPLICATION_PASSWORD

CALLED = "4711"
"""What pages call the connection that is in the way."""


def forgotten_transaction(scene: Scene, closing: ExitStack) -> None:
    """Somebody has changed a client, not committed, and gone; the account may see it."""
    scene.server.execute(f"GRANT PROCESS ON *.* TO '{APPLICATION}'@'%'")
    closing.callback(scene.server.execute, f"REVOKE PROCESS ON *.* FROM '{APPLICATION}'@'%'")
    holder = _session(scene, closing)
    with holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE clients SET name = 'Forgotten' WHERE teri_code = 'REG0001'")
        cursor.execute("SELECT CONNECTION_ID()")
        ((identifier,),) = cursor.fetchall()
    scene.stand_ins[CALLED] = str(identifier)


def impatient_server(scene: Scene, closing: ExitStack) -> None:
    """A row that a run has to change is held, and the server waits for a row no longer than a second."""
    scene.target.execute("UPDATE clients SET name = 'By hand' WHERE teri_code = 'REG0001'")
    forgotten_transaction(scene, closing)
    scene.server.execute("SET GLOBAL innodb_lock_wait_timeout = 1")
    closing.callback(scene.server.execute, "SET GLOBAL innodb_lock_wait_timeout = 50")


def stuck_sessions(scene: Scene, closing: ExitStack) -> None:
    """A forgotten transaction, the application waiting for it, and another run at its prompt."""
    forgotten_transaction(scene, closing)
    waiter = _session(scene, closing)
    thread = threading.Thread(target=_wait, args=(waiter,))
    thread.start()
    closing.callback(thread.join, 30.0)
    run = _session(scene, closing)
    with run.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 0)", (lock_name(NAME),))
    waiting_sessions(scene.server)


def _wait(waiter: "pymysql.connections.Connection[pymysql.cursors.Cursor]") -> None:
    with suppress(pymysql.err.Error), waiter.cursor() as cursor:
        cursor.execute("UPDATE clients SET name = 'Waiting' WHERE teri_code = 'REG0001'")


def _session(scene: Scene, closing: ExitStack) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
    session = pymysql.connect(
        host="127.0.0.1", port=scene.server.port, user=APPLICATION, password=APPLICATION_PASSWORD, database=NAME
    )
    closing.callback(_close, session)
    return session


def _close(session: "pymysql.connections.Connection[pymysql.cursors.Cursor]") -> None:
    with suppress(pymysql.err.Error):
        session.close()
