#!/usr/bin/env bash
# Builds the two images of docker-compose.yml from binaries of this machine, without pulling anything.
#
#     build-images.sh --envoy FILE --shop FILE [--envoy-image NAME] [--shop-image NAME]
#
# An image contains the binary at /usr/local/bin (where the official Envoy image has it too), the shared libraries that it
# needs, and the loader. Use the images with ENVOY_IMAGE and SHOP_IMAGE. The Envoy image does not have the official
# image's name, because it would hide the official one on this machine.
set -euo pipefail

ENVOY_BINARY= SHOP_BINARY=
ENVOY_IMAGE=context-mesh/envoy:local SHOP_IMAGE=context-mesh/shop-service:local

fail() {
    echo "build-images: $1" >&2
    exit "${2:-1}"
}

while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || fail "\`$1\` needs a value" 2
    case $1 in
        --envoy) ENVOY_BINARY=$2 ;;
        --shop) SHOP_BINARY=$2 ;;
        --envoy-image) ENVOY_IMAGE=$2 ;;
        --shop-image) SHOP_IMAGE=$2 ;;
        *) fail "\`$1\` is not an option" 2 ;;
    esac
    shift 2
done
[ -n "$ENVOY_BINARY" ] && [ -n "$SHOP_BINARY" ] || fail "\`--envoy\` and \`--shop\` name the binaries" 2
command -v docker >/dev/null || fail "no docker on the PATH; install a Docker client"
command -v ldd >/dev/null || fail "no ldd on the PATH; it tells which libraries an image needs (Debian: libc-bin)"

STAGING=$(mktemp -d)
trap 'rm -rf "$STAGING"' EXIT

# Prints the paths of the shared libraries and the loader of a binary, one per line.
libraries_of() {
    # "libm.so.6 => /lib/libm.so.6 (0x...)", and for the loader "/lib64/ld-linux-x86-64.so.2 (0x...)".
    ldd "$1" | awk '$2 == "=>" && $3 ~ /^\// {print $3} $1 ~ /^\// {print $1}'
}

# image_of BINARY NAME IMAGE
image_of() {
    local binary=$1 name=$2 image=$3 root=$STAGING/$2 library former
    [ -x "$binary" ] || fail "\`$binary\` is not an executable file; build or install it first"
    mkdir -p "$root/usr/local/bin" "$root/tmp" "$root/etc"
    # A hard link if possible: Envoy has 107 MB.
    cp -lL "$binary" "$root/usr/local/bin/$name" 2>/dev/null || cp -L "$binary" "$root/usr/local/bin/$name"
    for library in $(libraries_of "$binary"); do
        mkdir -p "$root$(dirname "$library")"
        cp -L "$library" "$root$library"
    done
    echo "root:x:0:0:root:/:/" >"$root/etc/passwd"
    former=$(docker images --quiet --no-trunc "$image") || fail "no Docker engine answers; start one (docker info)"
    tar -C "$root" --owner=0 --group=0 --numeric-owner -cf - . |
        docker import --change "ENTRYPOINT [\"/usr/local/bin/$name\"]" \
            --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$image" >/dev/null ||
        fail "docker could not import \`$image\`"
    # The previous image with this name would remain without a name.
    [ -z "$former" ] || docker rmi "$former" >/dev/null 2>&1 || true
    echo "$image"
}

image_of "$ENVOY_BINARY" envoy "$ENVOY_IMAGE"
image_of "$SHOP_BINARY" shop-service "$SHOP_IMAGE"
