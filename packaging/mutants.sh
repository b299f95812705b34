#!/usr/bin/env bash
# Runs cargo-mutants ($1) for at most $2 minutes, in random order, and fails if the tests notice fewer than 85 % of the
# changes that compile. `.cargo/mutants.toml` says which files are changed.
set -euo pipefail

out=target/mutants
rm -rf "$out"
mkdir -p "$out"
export CARGO_PROFILE_DEV_DEBUG=none CARGO_PROFILE_TEST_DEBUG=none
# 124: the time is over; other codes are judged by the counts.
timeout --signal INT "$(($2 * 60))" "$1" mutants --package context-mesh-core --shuffle --output "$out" || true
count() { wc -l < "$out/mutants.out/$1.txt"; }
noticed=$(($(count caught) + $(count timeout)))
missed=$(count missed)
tried=$((noticed + missed))
[ "$tried" -gt 0 ] || { echo "no mutant was tried: see above" >&2; exit 1; }
echo "$noticed of $tried changes noticed ($((100 * noticed / tried)) %), $(count unviable) did not compile"
cat "$out/mutants.out/missed.txt"
[ $((100 * noticed)) -ge $((85 * tried)) ] || { echo "fewer than 85 %: add tests for the changes above" >&2; exit 1; }
