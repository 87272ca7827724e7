# Sourced by the other scripts: install a Debian package quietly, where we may.

say() {
    printf 'reconcile: %s\n' "$*" >&2
}

# may_install: are we root on a Debian-like system?
may_install() {
    [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ] && command -v apt-get >/dev/null 2>&1
}

# quietly COMMAND...: say nothing unless it fails, then everything.
quietly() {
    quietly_log=$(mktemp)
    if "$@" >"$quietly_log" 2>&1 </dev/null; then
        rm -f "$quietly_log"
        return 0
    fi
    cat "$quietly_log" >&2
    rm -f "$quietly_log"
    say "failed: $*"
    return 1
}

# debian_install PACKAGE...
debian_install() {
    say "installing the Debian package $*"
    quietly apt-get -qq update &&
        quietly env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@"
}
