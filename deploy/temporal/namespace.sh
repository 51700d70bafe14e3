#!/bin/sh
# Registers the namespace and the search attributes of Tearoff's workflows. Safe to run again.
set -eu

until temporal operator cluster health >/dev/null 2>&1; do sleep 1; done

# Three days: what happened to a coupon stays in MySQL, the history is for looking into what went wrong.
temporal operator namespace describe --namespace "$NAMESPACE" >/dev/null 2>&1 ||
	temporal operator namespace create --namespace "$NAMESPACE" --retention 72h

# A new namespace takes some seconds to reach every part of the server.
until temporal operator search-attribute create --namespace "$NAMESPACE" \
	--name TearoffState --type Keyword \
	--name TearoffUser --type Keyword \
	--name TearoffOrder --type Keyword \
	--name TearoffBatch --type KeywordList; do
	sleep 1
done

# Nor are the attributes known at once: a workflow started with them before that would be refused.
until temporal workflow count --namespace "$NAMESPACE" --query "TearoffBatch = 'x'" >/dev/null 2>&1; do sleep 1; done
