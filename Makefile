# Two commands for a newcomer: `make demo` and `make test`. One debug build serves both.

SWIFT ?= swift
BUILD := $(SWIFT) build --build-tests
BIN := .build/debug
# What `make demo` passes to chaos; `make demo SEED=7` repeats another run.
SEED ?= 1

.DEFAULT_GOAL := help
.PHONY: help build demo test format lint bench clean packages

help: ## Lists the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | column -t -s @

packages:
	@scripts/install-packages

build: packages ## Builds everything
	@$(BUILD)

demo: build ## Runs a five-node cluster through a partition: one node type loses messages, one keeps them
	@$(BIN)/chaos test --seed $(SEED) examples/demo/broadcast-naive.yaml examples/demo/broadcast-gossip.yaml

test: build ## Runs all tests
	@scripts/install-packages redis-server python3 netcat-openbsd
	@$(SWIFT) test --skip-build

format: ## Formats all sources
	@$(SWIFT) format --in-place --recursive --configuration .swift-format Package.swift Sources Tests

lint: ## Checks the formatting of all sources
	@$(SWIFT) format lint --strict --recursive --configuration .swift-format Package.swift Sources Tests

bench: build ## Measures what the engine costs
	@echo "make bench: the benchmarks come with the Benchmarks/ package" && exit 1

clean: ## Removes what was built
	@rm -rf .build
