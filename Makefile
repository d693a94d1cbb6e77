# `make help` lists the targets. Everything is installed from lockfiles; a second run repeats nothing.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

program := target/release/kubestats

playground_inputs := $(shell find playground/src playground/queries -type f) \
  $(addprefix playground/,index.html package.json tsconfig.json vite.config.ts)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Install what is needed, build, and serve on 127.0.0.1:8080 with the embedded ClickHouse
	@exec $(program) serve

.PHONY: dev
dev: setup dev/node_modules/.package-lock.json ## Serve on 127.0.0.1:8080, and rebuild and restart on change
	@exec node dev/dev.mjs

.PHONY: test
test: setup tests/clients/node_modules/.package-lock.json ## Run all tests
	node --test --test-reporter=dot engine/
	cargo test --locked

.PHONY: soak
soak: build ## Run the long tests, and compare the whole corpus with the reference
	cargo test --release --locked --test it -- --include-ignored soak golden::

.PHONY: coverage
coverage: setup tests/clients/node_modules/.package-lock.json ## Measure which lines the tests run, room by room
	.ci/coverage

FUZZ_SECONDS ?= 300

.PHONY: fuzz
fuzz: ## Fuzz the readers of manifests, each target for FUZZ_SECONDS (300); needs cargo-fuzz
	@for target in yaml_read yaml_round_trip json_read changes redact facts; do \
	  mkdir -p fuzz/corpus/$$target && RUSTC_BOOTSTRAP=1 cargo fuzz run $$target fuzz/corpus/$$target fuzz/seeds/* tests/it/fixtures/kinds -- \
	    -dict=fuzz/yaml.dict -max_len=4096 -timeout=20 -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

.PHONY: build
build: setup ## Set up and build target/release/kubestats
	cargo build --release --locked

.PHONY: setup
setup: engine playground ## Install the embedded engine's library and build the playground

.PHONY: engine
engine: ## Install the embedded engine's library into the user's cache folder
	@node engine/install.mjs

.PHONY: playground
playground: playground/dist/index.html ## Build the playground

%/node_modules/.package-lock.json: %/package-lock.json %/package.json
	cd $* && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

playground/dist/index.html: playground/node_modules/.package-lock.json $(playground_inputs)
	cd playground && npm run --silent build
	@touch $@

# STRICT=--all fails where a tool is not installed.
.PHONY: lint
lint: engine playground/node_modules/.package-lock.json tests/clients/node_modules/.package-lock.json ## Check formatting, clippy, types, the schema, scripts and the files of containers
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cd playground && npm run --silent check
	.ci/check-schema
	.ci/check-files $(STRICT)

.PHONY: bench
bench: build ## Measure against git and the engine themselves, and print the table
	cargo bench --quiet --locked --bench ratios

.PHONY: schema
schema: ## Write schema.graphql anew
	cargo run --quiet --locked -- schema > schema.graphql.new && mv schema.graphql.new schema.graphql

.PHONY: browser-test
browser-test: build ## Drive the playground in Chromium against a real server
	.ci/browser-test

.PHONY: clean
clean: ## Remove what was built here (the engine in the user's cache stays)
	rm -rf target playground/dist playground/node_modules dev/node_modules tests/clients/node_modules
