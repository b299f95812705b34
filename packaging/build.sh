#!/usr/bin/env bash
# Builds the filter and policyc for a release, and prints the paths of both: filter, then policyc.
#
# The paths of the checkout, of Cargo's home, of the build folder and of the toolchain are replaced in the bytes. So a
# build is the same on every machine with the toolchain of rust-toolchain.toml, the crates of Cargo.lock, and for
# policyc the same linker and C library.
set -euo pipefail
cd "$(dirname "$0")/.."

ROOT=$PWD
OUT=${CARGO_TARGET_DIR:-$ROOT/target}/dist
FLAGS=(
    # If two of them match, the last one is used.
    "--remap-path-prefix=$ROOT=/context-mesh"
    "--remap-path-prefix=$OUT=/target"
    "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    "--remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=/rust"
)
# Not RUSTFLAGS, because a path may contain spaces.
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${FLAGS[*]}")
export CARGO_ENCODED_RUSTFLAGS
HOST=$(rustc -vV | sed -n 's/^host: //p')

cargo build --locked --profile filter --package context-mesh-filter --target wasm32-wasip1 --target-dir "$OUT" >&2
cargo build --locked --release --package policy-compiler --bin policyc --target "$HOST" --target-dir "$OUT" >&2

FILTER=$OUT/wasm32-wasip1/filter/context_mesh_filter.wasm
POLICYC=$OUT/$HOST/release/policyc
for built in "$FILTER" "$POLICYC"; do
    for path in "$ROOT" "$OUT" "${CARGO_HOME:-$HOME/.cargo}"; do
        if grep --quiet --text --fixed-strings "$path/" "$built"; then
            echo "build: ${built#"$OUT"/} has the path $path in its bytes" >&2
            exit 1
        fi
    done
done
echo "$FILTER"
echo "$POLICYC"
