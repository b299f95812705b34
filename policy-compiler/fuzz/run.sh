#!/bin/bash
# Builds the fuzz targets and runs each for some seconds: run.sh SECONDS [TARGET...]
# Ends with 1 at the first finding; its input is in artifacts/TARGET.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
targets=("${@:2}")
[[ ${#targets[@]} -gt 0 ]] || targets=(load_and_run differential parse_text compile_text header_map)
export PATH="$root/.tools/bin:$PATH" RUSTC_WRAPPER="$here/instrument-ours.sh"

# The generated parser of the `cel` crate recurses deeply.
ulimit -s 1000000

cd "$here"
# Without a sanitizer: our crates have no unsafe code, and targets run several times as often.
build=(--sanitizer none --release --no-trace-compares)
cargo +nightly fuzz build "${build[@]}"
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target"
    options=(-max_total_time="$seconds" -max_len=512 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1)
    [[ ! -f $target.dict ]] || options+=(-dict="$target.dict")
    cargo +nightly fuzz run "${build[@]}" "$target" "corpus/$target" "seeds/$target" -- "${options[@]}"
done
