#!/bin/sh
# Makes or updates Temporal's two databases. Safe to run again: an existing database is kept, and updating starts from the
# version it has.
set -eu

tool() {
	db=$1
	shift
	temporal-sql-tool --plugin mysql8 --endpoint "$MYSQL_SEEDS" --port 3306 --user "$MYSQL_USER" --password "$MYSQL_PWD" \
		--database "$db" "$@"
}

# prepare DATABASE SCHEMA
prepare() {
	tool "$1" create
	tool "$1" setup-schema --version 0.0 # does nothing where a later version is recorded
	tool "$1" update-schema --schema-name "mysql/v8/$2"
}

prepare temporal temporal
prepare temporal_visibility visibility
