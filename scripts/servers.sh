#!/bin/sh
# Have what tests/servers need at hand; starts nothing.
#   scripts/servers.sh mariadb   Debian's MariaDB
#   scripts/servers.sh mysql     MySQL from Debian unstable, in a folder of its own under .cache
#   scripts/servers.sh driver    mysqlclient in .venv, built with Debian's C library
# Where we may not install, says what to install and leaves it to the tests to skip.
set -eu
cd "$(dirname "$0")/.."
. scripts/debian.sh

mysql_root=.cache/mysql-root

have_mariadb() {
    command -v mariadbd >/dev/null 2>&1 && command -v mariadb-install-db >/dev/null 2>&1 &&
        command -v mariadb-dump >/dev/null 2>&1
}

have_mysql() {
    [ -x "$mysql_root/usr/sbin/mysqld" ] && return 0
    # MariaDB installs a mysqld of its own.
    command -v mysqld >/dev/null 2>&1 && ! mysqld --version 2>/dev/null | grep -qi mariadb
}

# Built beside and renamed, so that an interrupted build is never taken for a whole one.
build_mysql_root() {
    command -v debootstrap >/dev/null 2>&1 || debian_install debootstrap
    say "unpacking MySQL into $mysql_root (once; half a minute, 640 MB)"
    mkdir -p .cache
    rm -rf "$mysql_root".part
    quietly debootstrap --variant=minbase --include=mysql-server-core,mysql-client-core sid "$mysql_root".part
    rm -rf "$mysql_root".part/var/cache/apt/archives/*.deb "$mysql_root"
    mv "$mysql_root".part "$mysql_root"
}

have_driver() {
    .venv/bin/python -c 'import MySQLdb' >/dev/null 2>&1
}

build_driver() {
    quietly .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[fast]'
}

absent() {
    say "$1"
    if [ "${CI:-}" = true ]; then exit 1; fi
    exit 0
}

case "${1:-}" in
    mariadb)
        have_mariadb && exit 0
        may_install || absent 'MariaDB is missing; install it (Debian: apt-get install mariadb-server-core mariadb-client)'
        # These hold the binaries and, unlike mariadb-server, start no service.
        debian_install mariadb-server-core mariadb-client
        ;;
    mysql)
        have_mysql && exit 0
        may_install || absent 'MySQL is missing; install mysql-server, or run scripts/servers.sh mysql as root on Debian'
        build_mysql_root
        ;;
    driver)
        have_driver && exit 0
        may_install || absent "mysqlclient is missing; install it with pip install 'terp-reconcile[fast]'"
        debian_install gcc libmariadb-dev pkg-config python3-dev && build_driver ||
            absent 'mysqlclient could not be built; its tests are skipped'
        ;;
    *)
        say 'usage: scripts/servers.sh mariadb|mysql|driver'
        exit 64
        ;;
esac
