#!/bin/sh
# Run the tests from a fresh clone: linters, types, unit tests and a real MariaDB.
#   scripts/test.sh [TOX-ENVIRONMENTS] [-- PYTEST-ARGUMENTS]
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --dev
environments=lint,types,unit,mariadb
case "${1:-}" in
    '' | --) ;;
    *) environments=$1; shift ;;
esac
exec .venv/bin/tox run -e "$environments" "$@"
