# What a person types. Everything else is CMake's: presets are in CMakePresets.json.
BUILD := build
JOBS  ?= $(shell nproc)
# `make fuzz`: how long each fuzzer runs (RUNS=10000000 instead: how often), which, and in which build: fuzz with
# the sanitizers of addresses and undefined behaviour, fuzz-fast without.
SECONDS ?= 60
FUZZERS ?=
FUZZ_PRESET ?= fuzz
# A conformance suite for Linkerd's injection; not part of this repository.
LINKERD_CONFORMANCE ?= ../shared/conformance/linkerd

MINUTES ?= 60

.PHONY: help run test serve build conformance linkerd-case image image-test chart-test cluster-test node-test evidence bench \
  attack-test reliability soak reproducible fuzz fuzz-corpus fuzz-build tsan manifests lint format docs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Build, start the webhook on loopback, send it the example, show verdict, patch and diff
	@scripts/demo.py $(BUILD)/gracekeeper

test: $(BUILD)/CMakeCache.txt ## Build and run every test
	@cmake --build $(BUILD) --parallel $(JOBS)
	@ctest --test-dir $(BUILD) --output-on-failure --parallel $(JOBS)

serve: build ## Serve on 127.0.0.1:8443 until Ctrl-C, with a certificate made on the spot
	@scripts/serve.sh $(BUILD)/gracekeeper

build: $(BUILD)/CMakeCache.txt ## Build the programs: build/gracekeeper, build/gracekeeper-await-app
	@cmake --build $(BUILD) --parallel $(JOBS) --target gracekeeper gracekeeper-await-app

conformance: ## Run the cases of LINKERD_CONFORMANCE, a suite for Linkerd's injection, where it is there
	@[ ! -f "$(LINKERD_CONFORMANCE)/run_suite.py" ] || $(MAKE) --no-print-directory linkerd-case
	@scripts/conformance.sh "$(LINKERD_CONFORMANCE)" "$(BUILD)"

linkerd-case: $(BUILD)/CMakeCache.txt
	@cmake --build $(BUILD) --parallel $(JOBS) --target linkerd-case

$(BUILD)/CMakeCache.txt: scripts/install-deps.sh
	@scripts/install-deps.sh
	@cmake --preset release

image: ## Build the image with docker or buildah; BASE_IMAGE=debootstrap where no registry can be reached
	@scripts/image.sh

image-test: ## Build and run every test on the image's base, Debian 13
	@scripts/image.sh test

cluster-test: build ## Test against a real API server (root; builds the programs from their Go modules once)
	@scripts/install-deps.sh cluster
	@tests/cluster/run.py --program $(BUILD)/gracekeeper

node-test: build ## Prove the predictions on a real kubelet and containerd (root; builds the programs once)
	@scripts/install-deps.sh node
	@tests/node/run.py --program $(BUILD)/gracekeeper $(if $(ARCHIVE),--image $(ARCHIVE))

evidence: build ## The same, and write what was predicted and measured to docs/evidence.md
	@scripts/install-deps.sh node
	@tests/node/run.py --program $(BUILD)/gracekeeper --evidence docs/evidence.md $(if $(ARCHIVE),--image $(ARCHIVE))

bench: $(BUILD)/CMakeCache.txt ## Measure the speed goals beside a Go webhook and a linter, write docs/performance.md; ONLY=part,part
	@scripts/install-deps.sh bench
	@cmake --build $(BUILD) --parallel $(JOBS) --target gracekeeper bench-ceiling
	@tests/bench/run.py --build $(BUILD) $(if $(ONLY),--only $(ONLY)) $(if $(ARCHIVE),--archive $(ARCHIVE))

attack-test: build ## Attack the port and change everything under load; SHORT=1 for the short form. Needs Go
	@scripts/install-deps.sh attack
	@tests/attack/run.py --program $(BUILD)/gracekeeper $(if $(SHORT),--short)
	@tests/attack/changes.py --program $(BUILD)/gracekeeper $(if $(SHORT),--short)

reliability: build ## The same, and write the figures to docs/reliability.md
	@scripts/install-deps.sh attack
	@tests/attack/run.py --program $(BUILD)/gracekeeper --write docs/reliability.md
	@tests/attack/changes.py --program $(BUILD)/gracekeeper --write docs/reliability.md

soak: build ## Mixed load for MINUTES (60), the slope of memory into docs/reliability.md. Needs Go
	@tests/attack/soak.py --program $(BUILD)/gracekeeper --minutes $(MINUTES) --write docs/reliability.md

reproducible: ## Build the commit in two folders and compare
	@scripts/reproducible.sh

chart-test: ## Test the Helm chart and deploy/ with the real helm and kubectl, without a cluster
	@scripts/install-deps.sh
	@tests/chart/run.py

fuzz: fuzz-build ## Run the fuzzers, SECONDS=60 each or RUNS=10000000 (SEED=1), FUZZERS="patch planner" or all
	@tests/fuzz/run.py --build build-$(FUZZ_PRESET) --seconds $(SECONDS) $(if $(RUNS),--runs $(RUNS)) \
	  $(if $(SEED),--seed $(SEED)) $(FUZZERS)

fuzz-corpus: fuzz-build ## Keep in tests/fuzz/corpus what the fuzzers found and still adds coverage, as little as will do
	@tests/fuzz/run.py --build build-$(FUZZ_PRESET) --merge $(FUZZERS)

fuzz-build:
	@scripts/install-deps.sh clang
	@cmake --preset $(FUZZ_PRESET) >/dev/null
	@cmake --build --preset $(FUZZ_PRESET) --parallel $(JOBS)

TSAN := halt_on_error=1 second_deadlock_stack=1 suppressions=$(CURDIR)/tests/tsan.supp
tsan: ## What has threads under the thread sanitizer: io, cluster, the server under load while all it reloads changes
	@scripts/install-deps.sh
	@cmake --preset tsan >/dev/null
	@cmake --build build-tsan --parallel $(JOBS) --target gracekeeper io_test cluster_test
	@TSAN_OPTIONS="$(TSAN)" \
	  ctest --test-dir build-tsan --output-on-failure -L '^(io|cluster)$$'
	@TSAN_OPTIONS="$(TSAN)" \
	  ctest --test-dir build-tsan --output-on-failure -R '^e2e\.serve'

manifests: ## Write deploy/gracekeeper.yaml from the chart
	@scripts/manifests.sh "$$(tests/cluster/tools/build.sh helm)/helm" > deploy/gracekeeper.yaml.new
	@mv deploy/gracekeeper.yaml.new deploy/gracekeeper.yaml

lint: ## Check the format and run clang-tidy
	@scripts/install-deps.sh lint
	@scripts/lint.sh

format: ## Format all sources
	@scripts/install-deps.sh lint
	@scripts/lint.sh --fix

docs: build ## Write the reference that the program generates: docs/rules.md
	@$(BUILD)/gracekeeper rules --format markdown > docs/rules.md

clean: ## Remove what was built
	@rm -rf build build-*
