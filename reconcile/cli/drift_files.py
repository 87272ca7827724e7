"""The files of `reconcile drift`: the baseline that people write, the history and the metrics that it writes itself."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from reconcile.acceptance import Acceptance
from reconcile.drift import Label
from reconcile.errors import ExitCode, Finding, ReconcileError
from reconcile.sightings import Seen, Sighting

HISTORY_VERSION = 1
PRIVATE, READABLE = 0o600, 0o644
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_ENTRY_FIX = "give each entry table, reason and expires, and if wanted key, columns and labels; quote what is a text"


def read_baseline(file: str | None) -> list[Acceptance]:
    """
    Read accepted drift from YAML or JSON: `accepted`, a list of entries.

    Raises:
        ReconcileError: a file that cannot be used, every fault at once; exit code 64.

    """
    if file is None:
        return []
    from pydantic import TypeAdapter, ValidationError

    where = f"--baseline {file}"
    document = _parsed(where, _read(file, where))
    if not isinstance(document, dict) or set(document) != {"accepted"} or not isinstance(document["accepted"], list):
        raise _unusable([_fault(where, "it is no mapping with the one key accepted, a list", _ENTRY_FIX)])
    adapter, faults, entries = TypeAdapter(Acceptance), [], []
    for number, entry in enumerate(document["accepted"], start=1):
        place = f"{where}, entry {number}"
        try:
            read = adapter.validate_python(entry)
        except ValidationError as error:
            faults += [
                _fault(place, f"{'.'.join(map(str, fault['loc'])) or 'the entry'}: {fault['msg']}", _ENTRY_FIX)
                for fault in error.errors(include_url=False, include_input=False)
            ]
        else:
            faults += [_fault(place, why, _ENTRY_FIX) for why in _contradictions(read)]
            entries.append(read)
    if faults:
        raise _unusable(faults)
    return entries


def _contradictions(entry: Acceptance) -> list[str]:
    labels = [label.value for label in Label]
    empty = [name for name in ("table", "key", "reason") if not getattr(entry, name).strip()]
    unknown = sorted(set(entry.labels) - set(labels))
    return [f"{name} is empty" for name in empty] + [
        f"{label!r} is no label; the labels are {', '.join(labels)}" for label in unknown
    ]


def _parsed(where: str, content: str) -> object:
    import yaml

    try:
        # JSON is YAML to all intents here. Source: YAML specification 1.2.2, "Relation to JSON".
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same language, ten times as fast where it is there
        return yaml.load(content, Loader=loader)  # noqa: S506 - both loaders are safe
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = "" if mark is None else f" in line {mark.line + 1}"
        problem = getattr(error, "problem", None) or type(error).__name__
        raise _unusable([_fault(where, f"it is neither YAML nor JSON{place}: {problem}", _ENTRY_FIX)]) from error


def _read(file: str, where: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable([_fault(where, _reason(error), "name a file that can be read")]) from error


def _fault(where: str, why: str, fix: str) -> Finding:
    return Finding(what="the file cannot be used", where=where, why=why, fix=fix)


def _unusable(faults: Sequence[Finding]) -> ReconcileError:
    return ReconcileError(faults, ExitCode.USAGE)


def dump_baseline(entries: Sequence[Acceptance]) -> str:
    """Give the file that `read_baseline` reads: what an entry leaves out is not written."""
    import yaml

    told = [
        {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(entry).items() if value}
        for entry in entries
    ]
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump({"accepted": told}, Dumper=dumper, allow_unicode=True, sort_keys=False, width=120))


def read_history(file: str | None) -> dict[Sighting, Seen] | None:
    """
    Read when differences were seen; nothing yet where the file is not there, None where none is kept.

    Raises:
        ReconcileError: the file is no such history; exit code 64.

    """
    if file is None:
        return None
    if not Path(file).exists():
        return {}
    where = f"--history {file}"
    content = _read(file, where)
    try:
        document = json.loads(content)
        if document["format_version"] != HISTORY_VERSION:
            raise ValueError("format_version")
        return {
            Sighting(str(row["table"]), str(row["key"]), tuple(map(str, row["columns"]))): Seen(
                datetime.strptime(row["first_seen"], _MOMENT), datetime.strptime(row["last_seen"], _MOMENT)
            )
            for row in document["seen"]
        }
    except (ValueError, KeyError, TypeError) as error:
        fix = "restore it, or remove it to start anew: everything is then first seen at the next run"
        raise _unusable([_fault(where, "it is no history of `reconcile drift`", fix)]) from error


def dump_history(history: Mapping[Sighting, Seen]) -> str:
    """Give the file that `read_history` reads, in the order of tables and keys."""
    ordered = sorted(history.items(), key=lambda item: (item[0].table, item[0].key, item[0].columns))
    rows = [
        {
            "table": what.table,
            "key": what.key,
            "columns": list(what.columns),
            "first_seen": seen.first.strftime(_MOMENT),
            "last_seen": seen.last.strftime(_MOMENT),
        }
        for what, seen in ordered
    ]
    return json.dumps({"format_version": HISTORY_VERSION, "seen": rows}, ensure_ascii=False, indent=1) + "\n"


def write_whole(flag: str, file: str, content: str, mode: int) -> list[Finding]:
    """
    Write *file* whole or not at all: beside it first, then renamed over it, so that a reader never sees half of it.

    Returns:
        Nothing, or why it could not be written.

    """
    path, part = Path(file), None
    try:
        handle, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(part).replace(path)
    except OSError as error:
        where = f"--{flag} {file}"
        fix = "name a file in a folder that can be written"
        return [Finding(what="the file was not written", where=where, why=_reason(error), fix=fix)]
    finally:
        if part is not None:
            Path(part).unlink(missing_ok=True)
    return []


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
