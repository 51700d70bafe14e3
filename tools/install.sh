#!/bin/sh
# Installs what the tests need beside Go, unless it is there: a MariaDB server, which the tests start for themselves, and
# a C compiler for the race detector. Only on Debian and Ubuntu as root; elsewhere it says what is missing and fails.
set -eu

have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

missing=
have mariadbd || have mysqld || missing="MariaDB"
have "${CC:-gcc}" || have cc || missing="${missing:+$missing and }a C compiler"
[ -n "$missing" ] || exit 0

if ! have apt-get || [ "$(id -u)" != 0 ]; then
	echo "$missing missing. Debian, Ubuntu: sudo apt-get install mariadb-server gcc libc6-dev; macOS: brew install mariadb" >&2
	exit 1
fi
echo "installing $missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
case $missing in *compiler*) apt-get install -qq -y --no-install-recommends gcc libc6-dev ;; esac
case $missing in *MariaDB*)
	# The core packages start no service. Releases that don't have them have the whole.
	apt-get install -qq -y --no-install-recommends mariadb-server-core mariadb-client-core ||
		apt-get install -qq -y --no-install-recommends mariadb-server
	;;
esac
