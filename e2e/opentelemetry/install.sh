#!/usr/bin/env bash
# Installs OpenTelemetry's Python libraries into .tools, once, and prints their folder, for PYTHONPATH.
#
# stdout contains only the folder. Exit code 0 with a folder, 1 with one sentence that says what is missing.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CHECKOUT=$(cd "$HERE/../.." && pwd)
FOLDER=$CHECKOUT/.tools/opentelemetry/$(cksum <"$HERE/requirements.txt" | cut -d ' ' -f 1)

fail() {
    echo "opentelemetry/install: $1" >&2
    exit 1
}

if [ ! -d "$FOLDER" ]; then
    command -v python3 >/dev/null || fail "python3 is missing; install it with pip"
    python3 -m pip --version >/dev/null 2>&1 || fail "pip for python3 is missing; install it (Debian: python3-pip)"
    mkdir -p "$CHECKOUT/.tools/opentelemetry"
    # Installed into a temporary folder and then renamed, so that an interrupted install does not look finished.
    STAGING=$(mktemp -d "$CHECKOUT/.tools/opentelemetry/.install.XXXXXX")
    trap 'rm -rf "$STAGING"' EXIT
    if ! python3 -m pip install --quiet --disable-pip-version-check --no-input --root-user-action=ignore \
        --target "$STAGING/libraries" -r "$HERE/requirements.txt" >"$STAGING/pip.log" 2>&1; then
        fail "pip could not install requirements.txt ($(grep -v '^ *$' "$STAGING/pip.log" | tail -n 1))"
    fi
    # If another run has finished first, its result is used.
    mv -T "$STAGING/libraries" "$FOLDER" 2>/dev/null || [ -d "$FOLDER" ] ||
        fail "could not move the libraries to \`$FOLDER\`; check that the folder can be written"
fi
echo "$FOLDER"
