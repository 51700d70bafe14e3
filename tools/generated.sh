#!/bin/sh
# Fails if `go generate ./...` changes anything: then somebody changed a source and not what is made from it.
# Changes that are there already don't count, so it can be run in the middle of work.
set -eu

state() { git diff --binary HEAD -- . && git ls-files --others --exclude-standard -z | xargs -0 -r cat && git status --porcelain; }

before=$(state | git hash-object --stdin)
go generate ./...
after=$(state | git hash-object --stdin)
if [ "$before" != "$after" ]; then
	echo "generated files were not current; they are now:" >&2
	git status --short >&2
	exit 1
fi
