# Two commands for a newcomer: `make demo` and `make test`. One debug build serves both.

SWIFT ?= swift
BUILD := $(SWIFT) build --build-tests
BIN := .build/debug
# What `make demo` passes to chaos; `make demo SEED=7` repeats another run.
SEED ?= 1
# How many tests run at a time; `make test WIDTH=1` is for a machine that is busy already.
WIDTH ?= 3
# What `make bench` passes to chaos-bench; `make bench BENCH=--quick` takes two minutes instead of ten.
BENCH ?=
# What `make matrix` passes to chaos; `make matrix MATRIX='--jobs 2 --time-scale 2'` is for a slow machine.
MATRIX ?= --jobs 4
# How long `make soak` lasts; `make soak SOAK=60s` is a try.
SOAK ?= 10m
# What `make sanitize` looks for: `thread` or `address`.
SANITIZER ?= thread
# How long `make fuzz` fuzzes each parser.
FUZZ ?= 30s
# Everything that is formatted and linted.
SWIFT_FILES := Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources Benchmarks/Tests \
	Fuzz/Package.swift Fuzz/Sources/FuzzTargets Fuzz/Sources/chaos-fuzz

.DEFAULT_GOAL := help
.PHONY: help build demo test netem statistics lab-figures matrix format lint bench soak fuzz sanitize clean packages

help: ## Lists the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | column -t -s @

packages:
	@scripts/install-packages

build: packages ## Builds everything
	@$(BUILD)

demo: build ## Runs a five-node cluster through a partition: one node type loses messages, one keeps them
	@$(BIN)/chaos test --seed $(SEED) examples/demo/broadcast-naive.yaml examples/demo/broadcast-gossip.yaml

# Three tests at a time: most of them wait for processes and clocks. Hundreds of real clusters at once would
# measure the machine's load, not chaos. Before them, alone, those that use up the process's descriptors.
test: build ## Runs all tests
	@scripts/install-packages curl python3 netcat-openbsd redis-server redis-sentinel redis-tools \
		etcd-server nats-server postgresql postgresql-client dnsmasq-base bind9-dnsutils nodejs tshark chromium
	@SWIFT="$(SWIFT)" scripts/run-tests --filter 'ChaosProxyTests\.LoadTests' --no-parallel
	@SWIFT="$(SWIFT)" scripts/run-tests --skip 'ChaosProxyTests\.LoadTests' \
		--parallel --experimental-maximum-parallelization-width $(WIDTH)

matrix: build ## Runs every lesson in every form, and writes docs/MATRIX.md
	@$(BIN)/chaos matrix $(MATRIX) --table docs/MATRIX.md

netem: build ## Boots Debian's kernel under QEMU and compares its netem with the packet switch
	@scripts/install-packages qemu-system-x86 busybox-static kmod cpio binutils iproute2
	@scripts/netem-vm $(BIN)

statistics: packages ## Compares 100 000 packets over each of many links of the lab with what was asked
	@$(SWIFT) build -c release --product chaos
	@$(SWIFT) build -c release --product packet-probe
	@scripts/packet-statistics .build/release

lab-figures: packages ## Measures what the lab costs: set-up, changes and status of 50 nodes, throughput
	@scripts/install-packages iperf3
	@$(SWIFT) build -c release --product chaos
	@scripts/lab-figures .build/release

format: ## Formats all sources
	@$(SWIFT) format --in-place --recursive --configuration .swift-format $(SWIFT_FILES)

lint: ## Checks the formatting of all sources
	@$(SWIFT) format lint --strict --recursive --configuration .swift-format $(SWIFT_FILES)

bench: packages ## Measures chaos beside HAProxy and nginx (BENCH=--quick: in two minutes)
	@scripts/install-packages haproxy nginx-light libnginx-mod-stream
	@$(SWIFT) build -c release --product chaos
	@$(SWIFT) build -c release --package-path Benchmarks --product chaos-bench
	@Benchmarks/.build/release/chaos-bench --chaos .build/release/chaos $(BENCH)
	@Benchmarks/.build/release/chaos-bench toxiproxy --chaos .build/release/chaos

soak: packages ## Keeps chaos under load and change for ten minutes, then kills it (SOAK=60s: for a minute)
	@$(SWIFT) build -c release --product chaos
	@$(SWIFT) build -c release --package-path Benchmarks --product chaos-bench
	@Benchmarks/.build/release/chaos-bench soak --chaos .build/release/chaos --for $(SOAK)

sanitize: packages ## Runs the data plane's tests under the thread sanitizer (SANITIZER=address: another)
	@$(SWIFT) build --build-tests --sanitize=$(SANITIZER) --scratch-path .build/$(SANITIZER)
	@.build/$(SANITIZER)/debug/chaosPackageTests.xctest --testing-library swift-testing --no-parallel \
		--filter 'ChaosProxyTests|ChaosEngineTests'

fuzz: packages ## Fuzzes every parser that reads what others send (FUZZ=10m: each for ten minutes)
	@SWIFT="$(SWIFT)" Fuzz/run $(FUZZ)

clean: ## Removes what was built
	@rm -rf .build Benchmarks/.build Fuzz/.build
