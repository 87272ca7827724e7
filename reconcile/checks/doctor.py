"""What is good or bad about a target: facts in, checks out. Every one of them is asked, whatever the others gave."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import timedelta

from reconcile.checks.rights import TEMPORARY, Need, grant, missing
from reconcile.errors import Finding
from reconcile.health import Check, Mark
from reconcile.live.capabilities import Capabilities
from reconcile.live.rights import Rights
from reconcile.live.settings import Settings
from reconcile.sessions import Holder, ServerSession
from reconcile.spec import Policy, TableSpec

OLDEST_MYSQL, OLDEST_MARIADB = (8, 0), (10, 6)
LARGEST_SKEW = timedelta(seconds=30)
LONGEST_LOCK_WAIT_S = 120
STATEMENT_BYTES = 4_000_000
"""What a statement may grow to: rows travel in about a megabyte each, and a row may be longer."""

SHORTEST_PAGE = 1_000_000
"""Bytes of many rows as one text, below which reading takes many statements."""

_LOCAL = {"localhost", "127.0.0.1", "::1", ""}


def check_server(settings: Settings, host: str) -> list[Check]:
    """Judge the server's version, clock and switches, and how the connection to *host* is protected."""
    return [
        _version(settings),
        _tls(settings, host),
        _clock(settings),
        _sql_mode(settings),
        _read_only(settings),
        _packet(settings),
        _lock_wait(settings),
        _loading(settings),
    ]


def _version(settings: Settings) -> Check:
    product, oldest = ("MariaDB", OLDEST_MARIADB) if settings.is_mariadb else ("MySQL", OLDEST_MYSQL)
    told = f"{product} {settings.version}"
    if settings.release >= oldest:
        return Check("version", Mark.OK, told)
    needed = ".".join(map(str, oldest))
    return Check("version", Mark.FAIL, f"{told} is not supported", f"use {product} {needed} or later")


def _loading(settings: Settings) -> Check:
    is_on = settings.variables.get("local_infile") in {"ON", "1"}
    told = "on: many rows are loaded at once" if is_on else "off: rows are inserted"
    return Check("local-infile", Mark.OK, f"local_infile is {told}")


def _tls(settings: Settings, host: str) -> Check:
    if settings.cipher:
        return Check("tls", Mark.OK, f"the connection is encrypted ({settings.cipher})")
    told = "the connection is not encrypted"
    if host in _LOCAL:
        return Check("tls", Mark.OK, f"{told}, and does not leave this machine")
    return Check("tls", Mark.WARN, told, "add ?ssl-mode=REQUIRED to the URL, or VERIFY_CA with ssl-ca")


def _clock(settings: Settings) -> Check:
    zone = settings.variables.get("time_zone", "unknown")
    zone = f"{zone} ({settings.variables.get('system_time_zone', 'unknown')})" if zone == "SYSTEM" else zone
    seconds = settings.clock_skew.total_seconds()
    told = f"the server's clock is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} this machine's"
    told = f"{told if abs(seconds) >= 1 else 'the clocks agree'}; time zone {zone}, runs use UTC"
    if abs(settings.clock_skew) <= LARGEST_SKEW:
        return Check("clock", Mark.OK, told)
    return Check(
        "clock", Mark.WARN, told, "have both clocks set by NTP: the default of --as-of and the journal use them"
    )


def _sql_mode(settings: Settings) -> Check:
    mode = settings.variables.get("sql_mode", "")
    if "STRICT_TRANS_TABLES" in mode or "STRICT_ALL_TABLES" in mode:
        return Check("sql-mode", Mark.OK, f"the server's sql_mode is strict ({mode})")
    told = f"the server's sql_mode is not strict ({mode or 'empty'}); runs are, other programs may cut values short"
    return Check("sql-mode", Mark.WARN, told, "set STRICT_TRANS_TABLES in the server's sql_mode")


def _read_only(settings: Settings) -> Check:
    names = ("read_only", "super_read_only", "innodb_read_only", "offline_mode")
    switches = [name for name in names if settings.is_on(name)]
    if not switches:
        return Check("read-only", Mark.OK, "the server takes writes")
    told = f"{', '.join(switches)} is on: plan, drift and verify work, apply may not"
    return Check("read-only", Mark.WARN, told, "use the primary server to apply")


def _packet(settings: Settings) -> Check:
    size = int(settings.variables.get("max_allowed_packet", 0))
    told = f"max_allowed_packet is {size:,} bytes"
    if size >= STATEMENT_BYTES:
        return Check("packet", Mark.OK, told)
    return Check("packet", Mark.WARN, f"{told}: long rows may not get through", "set it to 16 MiB or more")


def _lock_wait(settings: Settings) -> Check:
    seconds = int(settings.variables.get("innodb_lock_wait_timeout", 0))
    told = f"innodb_lock_wait_timeout is {seconds:,} s"
    if seconds <= LONGEST_LOCK_WAIT_S:
        return Check("lock-wait", Mark.OK, told)
    fix = "look at `reconcile locks` when a run seems to hang, or set it lower"
    return Check("lock-wait", Mark.WARN, f"{told}: a run waits that long for a row that another session holds", fix)


def check_capabilities(found: Capabilities) -> list[Check]:
    """Judge what the server was tried for: what is missing stops a run, makes it slow, or weakens what it promises."""
    return [_lock_by_name(found), _transactions(found), _pages(found), _transaction_size(found), _writers(found)]


def _lock_by_name(found: Capabilities) -> Check:
    if found.lock_holder_seen:
        return Check("named-lock", Mark.OK, "a lock by name holds, and another connection is told who has it")
    if found.lock_holder_seen is None:
        told = (
            f"there are no locks by name ({found.refused.get('lock', '')}): plan, drift and verify work, apply does not"
        )
    else:
        told = "another connection is not told who holds a lock by name: apply takes its run lock for lost and stops"
    return Check("named-lock", Mark.WARN, told, "connect to one server, without a proxy that shares connections out")


def _transactions(found: Capabilities) -> Check:
    if not found.snapshot:
        told = f"there is no consistent snapshot ({found.refused.get('snapshot', '')}): nothing can be read"
        return Check(
            "transactions", Mark.FAIL, told, "use a server that has START TRANSACTION WITH CONSISTENT SNAPSHOT"
        )
    if not found.waits_for_rows:
        told = "a locking read does not wait for others: two writers collide at the commit, and one is rolled back"
        return Check("transactions", Mark.WARN, told, "switch tidb_txn_mode to pessimistic")
    if not found.savepoint:
        told = f"there are no savepoints ({found.refused.get('savepoint', '')}): rows are inserted, not loaded"
        return Check("transactions", Mark.WARN, told, "nothing is lost but time")
    return Check("transactions", Mark.OK, "snapshots, locking reads and savepoints are as a run needs them")


def _pages(found: Capabilities) -> Check:
    told = f"many rows are read as one text of up to {found.page_bytes:,} bytes"
    if found.page_bytes >= SHORTEST_PAGE:
        return Check("pages", Mark.OK, told)
    return Check("pages", Mark.WARN, f"{told}: reading is slow", "let sessions raise group_concat_max_len")


def _transaction_size(found: Capabilities) -> Check:
    if not found.transaction_limits:
        return Check("size-limit", Mark.OK, "the server tells of no limit to a transaction")
    told = ", ".join(f"{name} = {limit:,}" for name, limit in found.transaction_limits.items())
    fix = "commit in parts with --batch-size when a run is refused for its size"
    return Check("size-limit", Mark.WARN, f"a transaction is limited: {told}", fix)


def _writers(found: Capabilities) -> Check:
    if not found.many_writers:
        return Check("writers", Mark.OK, "nothing tells of other servers that take writes")
    told = f"several servers take writes ({', '.join(found.many_writers)}): the run lock holds on this one only"
    return Check("writers", Mark.WARN, told, "send all runs to the same server")


def check_rights(
    rights: Rights, settings: Settings, specs: Iterable[TableSpec], cleared: Collection[str], journal: Sequence[Need]
) -> list[Check]:
    """Judge what the account may do: read, which every command needs, and write, which apply may need."""
    if not rights.is_known:
        told = f"the rights of {settings.account} could not be read from SHOW GRANTS"
        return [Check("rights", Mark.WARN, told, "the server has the last word: try it")]
    names = [spec.name for spec in specs]
    written = [spec.name for spec in specs if spec.policy is not Policy.READ_ONLY]
    reading = [Need("SELECT", name) for name in dict.fromkeys([*names, *cleared])]
    writing = [Need(verb, name) for verb in ("INSERT", "UPDATE", "DELETE") for name in written]
    writing += [Need("DELETE", name) for name in cleared]
    return [
        _right("rights-plan", Mark.FAIL, "plan, drift and verify", rights, settings, reading),
        _right("rights-apply", Mark.WARN, "apply", rights, settings, [*writing, Need(TEMPORARY)]),
        _right("rights-journal", Mark.WARN, "the journal of apply", rights, settings, journal),
    ]


def _right(
    identifier: str, mark: Mark, purpose: str, rights: Rights, settings: Settings, needs: Sequence[Need]
) -> Check:
    lacking = missing(rights, needs, settings.database)
    if not lacking:
        return Check(identifier, Mark.OK, f"{settings.account} has every right that {purpose} may need")
    told = "; ".join(f"{', '.join(verbs)}{_where(tables)}" for verbs, tables in lacking.items())
    fix = "; ".join(grant(verbs, tables, settings) for verbs, tables in lacking.items())
    return Check(identifier, mark, f"{settings.account} lacks rights that {purpose} may need: {told}", fix)


def _where(tables: Sequence[str]) -> str:
    if not tables[0]:
        return ""
    return f" on {tables[0]}" if len(tables) == 1 else f" on {len(tables):,} tables"


def check_schema_findings(findings: Sequence[Finding], tables: int) -> list[Check]:
    """Say how the live schema fits what the desired state needs."""
    if not findings:
        return [Check("schema", Mark.OK, f"the schema fits the desired state: {tables:,} tables checked")]
    return [
        Check("schema", Mark.FAIL, f"{finding.what} ({finding.where}): {finding.why}", finding.fix)
        for finding in findings
    ]


def check_sessions(sessions: Sequence[ServerSession], unseen: Sequence[str]) -> Iterator[Check]:
    """Say who else is at work on the schema; open connections that do nothing are counted only."""
    working = [session for session in sessions if not session.is_idle]
    fix = "let them end, or look with `reconcile locks`, before you apply"
    if not working:
        told = f"nobody else is at work on the schema; {len(sessions):,} idle connections"
        yield Check("sessions", Mark.OK, told)
    else:
        shown = ", ".join(f"{session.process.id} ({session.process.user})" for session in working[:5])
        more = f" and {len(working) - 5:,} more" if len(working) > 5 else ""  # noqa: PLR2004 - as many as shown
        told = f"{len(working):,} sessions of others are at work on the schema: {shown}{more}"
        yield Check("sessions", Mark.WARN, told, fix)
    stuck = [session for session in working if session.is_stuck]
    if stuck:
        told = f"{len(stuck):,} of them are stuck, waiting or keep others waiting"
        yield Check("stuck", Mark.WARN, told, "look with `reconcile locks`; `--kill ID` ends one")
    if unseen:
        told = f"not visible to this account: {'; '.join(unseen)}"
        yield Check("unseen", Mark.WARN, told, "grant PROCESS to see sessions of other accounts")


def check_lock(holder: Holder | None) -> Check:
    """Say whether the run lock is free."""
    if holder is None:
        return Check("run-lock", Mark.OK, "the run lock is free")
    return Check("run-lock", Mark.WARN, f"the run lock is held by {holder}", "wait for that run to end")
