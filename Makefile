# Everything a contributor runs. `make` alone explains itself.
# Needs Go, git and make; the rest is built into .bin/ or, on Debian as root, installed.

GO  ?= go
BIN := .bin
# Which packages `test` and `gobench` take, and further flags of those and of `bench`:
# make test PKG=./store/... ARGS='-run Claim -v'; make bench ARGS='--only claim --seconds 5'
PKG  ?= ./...
ARGS ?=
# SQLite's engine is C turned into Go: instrumented, it takes a third of the tests' time, and its races are not ours. Another
# package must not be named here: one that has instances of generic types hides what they order, and sound code looks racy.
RACE  := -race -gcflags=modernc.org/sqlite/lib=-race=false
# Which Go benchmarks: make gobench BENCH=Claim
BENCH ?= .

# Built from the versions in tools/go.mod, which is a module of its own: the product depends on none of them.
TOOLS_MODULE      := tools/go.mod tools/go.sum
TEMPORAL_VERSION   = $(shell cd tools && $(GO) list -m -f '{{.Version}}' github.com/temporalio/cli)
LINTERS           := $(BIN)/golangci-lint $(BIN)/workflowcheck
WORKFLOWCHECK      = $(GO) vet -vettool=$(CURDIR)/$(BIN)/workflowcheck -config=$(CURDIR)/workflowcheck.config.yaml

.DEFAULT_GOAL := help
.PHONY: help demo dev test lint fmt bench gobench tools tools-temporal tools-stripe build generate clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: tools-temporal build ## Play a shop's day through Tearoff: nothing to install but Go
	$(BIN)/tearoff demo

dev: tools-temporal build ## Run everything in one process, with SQLite and a Temporal dev server and its UI
	$(BIN)/tearoff dev

# Vetting is part of `lint`.
test: tools-temporal tools-stripe $(BIN)/testservers ## All tests, on a real MariaDB and a real Temporal server
	tools/install.sh
	GOGC=400 $(BIN)/testservers -- $(GO) test $(RACE) -vet=off -ldflags='-s -w' -timeout 20m $(ARGS) $(PKG)

lint: $(LINTERS) ## What CI checks beside the tests
	$(BIN)/golangci-lint run ./...
	$(GO) vet ./...
	$(WORKFLOWCHECK) ./workflows/...
	tools/generated.sh

fmt: $(BIN)/golangci-lint ## Format all Go code and sort its imports
	$(BIN)/golangci-lint fmt

bench: tools-temporal build ## Measure Tearoff over HTTP beside simpler designs, on a MariaDB that flushes every commit
	tools/install.sh
	$(BIN)/tearoff bench $(ARGS)

gobench: tools-temporal $(BIN)/testservers ## Go benchmarks, on servers that flush every commit
	tools/install.sh
	$(BIN)/testservers -durable -- $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m $(ARGS) $(PKG)

build: ## Build .bin/tearoff, and the example order service
	$(GO) build -o $(BIN)/ ./cmd/tearoff ./examples/orderservice

generate: ## Make generated files anew
	$(GO) generate ./...

tools: tools-temporal tools-stripe $(LINTERS) ## Build the Temporal CLI, stripe-mock and the linters into .bin/, if missing or outdated

clean: ## Remove what was built, and the data of dev mode
	rm -rf $(BIN) .tearoff

# A `temporal` on the PATH saves the longest build.
tools-temporal:
	@[ -n "$$TEAROFF_TEMPORAL_BIN" ] || command -v temporal >/dev/null || $(MAKE) --no-print-directory $(BIN)/temporal

$(BIN)/temporal: $(TOOLS_MODULE)
	cd tools && $(GO) build -ldflags '-s -w -X github.com/temporalio/cli/temporalcli.Version=$(TEMPORAL_VERSION:v%=%)' \
		-o ../$@ github.com/temporalio/cli/cmd/temporal
	@touch $@

tools-stripe:
	@[ -n "$$TEAROFF_STRIPE_MOCK_BIN" ] || command -v stripe-mock >/dev/null || $(MAKE) --no-print-directory $(BIN)/stripe-mock

$(BIN)/stripe-mock: $(TOOLS_MODULE)
	cd tools && $(GO) build -ldflags '-s -w' -o ../$@ github.com/stripe/stripe-mock
	@touch $@

$(BIN)/golangci-lint: $(TOOLS_MODULE)
	cd tools && $(GO) build -ldflags '-s -w' -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

$(BIN)/workflowcheck: $(TOOLS_MODULE)
	cd tools && $(GO) build -ldflags '-s -w' -o ../$@ go.temporal.io/sdk/contrib/tools/workflowcheck
	@touch $@

# Run as a program of its own: `go run` would keep signals from it and hide the exit code.
.PHONY: $(BIN)/testservers
$(BIN)/testservers:
	@$(GO) build -o $@ ./internal/testservers
