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

.PHONY: test
test: setup ## Run all tests
	cargo test --locked

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

playground/node_modules/.package-lock.json: playground/package-lock.json playground/package.json
	cd playground && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

playground/dist/index.html: playground/node_modules/.package-lock.json $(playground_inputs)
	cd playground && npm run --silent build
	@touch $@

.PHONY: lint
lint: playground/node_modules/.package-lock.json ## Check formatting, clippy and the playground's types
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cd playground && npm run --silent check

.PHONY: bench
bench: build ## Measure against git and the engine themselves, and print the table
	cargo bench --quiet --locked --bench whole_history

.PHONY: schema
schema: ## Write schema.graphql anew
	cargo run --quiet --locked -- schema > schema.graphql.new && mv schema.graphql.new schema.graphql

.PHONY: browser-test
browser-test: build ## Drive the playground in Chromium against a real server
	.ci/browser-test

.PHONY: clean
clean: ## Remove what was built here (the engine in the user's cache stays)
	rm -rf target playground/dist playground/node_modules
