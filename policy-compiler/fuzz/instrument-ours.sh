#!/bin/bash
# A wrapper for rustc (RUSTC_WRAPPER) that leaves libFuzzer's coverage counters out of the crates of others. They
# cost most of the time, and what they count is not what we look for.
set -euo pipefail

ours=" context_mesh_core policy_compiler context_mesh_fuzz load_and_run differential compile_text "
name=
for ((i = 1; i < $#; i++)); do
    [[ ${!i} == --crate-name ]] && next=$((i + 1)) && name=${!next}
done

arguments=()
for argument in "$@"; do
    if [[ $ours != *" $name "* ]]; then
        case $argument in
            -Cpasses=sancov-module | -Cllvm-args=-sanitizer-coverage-* | --cfg=fuzzing) continue ;;
        esac
    fi
    arguments+=("$argument")
done
exec "${arguments[@]}"
