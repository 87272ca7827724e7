#!/bin/sh
# Make or refresh .venv in this checkout; does nothing when it is up to date.
#   scripts/setup.sh         what running `reconcile` needs
#   scripts/setup.sh --dev   also what testing and linting need
# Packages come from wherever pip is configured to look.
set -eu
cd "$(dirname "$0")/.."
. scripts/debian.sh

case "${1:-}" in
    '') extra='' ;;
    --dev) extra='[dev]' ;;
    *) say "usage: scripts/setup.sh [--dev]"; exit 64 ;;
esac

# The folder is part of the stamp: the environment's scripts hold its absolute path.
wanted=$({ pwd; cat setup.cfg pyproject.toml; } | sha256sum | cut -c1-64)
stamp=.venv/reconcile-setup

is_current() {
    [ -x .venv/bin/python ] && [ -f "$stamp" ] || return 1
    case "$(cat "$stamp")" in
        "$wanted [dev]") return 0 ;;
        "$wanted ") [ -z "$extra" ] ;;
        *) return 1 ;;
    esac
}

# usable_python TEST: the first interpreter of 3.11 or newer that can also run TEST.
usable_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$candidate" -c "import sys; assert sys.version_info >= (3, 11); $1" >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

find_python() {
    usable_python 'import ensurepip, venv' && return 0
    if may_install; then
        debian_install python3 python3-venv
        usable_python 'import ensurepip, venv' && return 0
    fi
    if usable_python 'pass' >/dev/null; then
        say "Python's venv module is missing; install it (Debian: apt-get install python3-venv)"
    else
        say "Python 3.11 or newer is missing; install it (Debian: apt-get install python3 python3-venv)"
    fi
    return 1
}

make_environment() {
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        python=$(find_python)
        rm -rf .venv
        quietly "$python" -m venv .venv
    elif [ -f "$stamp" ] && [ -z "$extra" ]; then
        # A refresh keeps the developer's tools where they were.
        case "$(cat "$stamp")" in *'[dev]') extra='[dev]' ;; esac
    fi
    rm -f "$stamp"
    quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$extra"
    printf '%s\n' "$wanted $extra" >"$stamp"
}

is_current && exit 0
# Two first runs at once must not build the same folder.
if command -v flock >/dev/null 2>&1; then
    mkdir -p .cache
    exec 9>.cache/setup.lock
    flock 9
    is_current && exit 0
fi
say "setting up .venv (once; half a minute)"
make_environment
