"""Freeing the run lock: whatever the line does meanwhile, the run has ended before and keeps its end."""

from unittest.mock import Mock

from pymysql.err import OperationalError
from sqlalchemy import Connection

from reconcile.apply.run_lock import release


def test_a_line_that_breaks_while_the_lock_is_freed_is_no_error() -> None:
    """Closing a connection asks the server once more, and the driver's error is then nobody's yet."""
    connection = Mock(spec=Connection, invalidated=False, closed=False)
    connection.close.side_effect = OperationalError(2013, "Lost connection to MySQL server during query")

    release(connection, "reconcile:erp")

    assert connection.execute.call_count == connection.close.call_count == 1
