#!/bin/sh
# Run reconcile from a fresh clone: sets itself up the first time, then is just `reconcile "$@"`.
set -eu
scripts=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
"$scripts/setup.sh" >&2
exec "$scripts/../.venv/bin/reconcile" "$@"
