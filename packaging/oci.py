"""Writes the filter as an OCI image, in the form that Istio loads from `oci://`, and reads it back.

Istio reads three forms (its `pkg/wasm/imagefetcher.go`). This module writes the form that it tries first, the "compat" variant with
the media types of OCI: the last layer is a gzipped tar with `plugin.wasm`. Registries, scanners and tools that copy
images know these types; many reject the types of the "oci" variant (`application/vnd.module.wasm.content.layer.v1+wasm`).

The same module always has the same bytes: nothing depends on the time, the user, or the compression of the machine's zlib.
"""

import hashlib
import io
import json
import pathlib
import struct
import tarfile
import zlib

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MODULE = "plugin.wasm"
VARIANT = {"module.wasm.image/variant": "compat"}


class Broken(Exception):
    """The layout is not one that `write` writes."""


def tar(files):
    """Returns a tar of `(name, content)` without data of the machine that made it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def gzip(content):
    """Returns a gzip of stored blocks: larger than a compressed one, and the same with every zlib."""
    header = b"\x1f\x8b\x08\x00" + b"\x00" * 4 + b"\x00\xff"
    blocks = [content[at : at + 0xFFFF] for at in range(0, len(content), 0xFFFF)] or [b""]
    body = b"".join(
        struct.pack("<BHH", at == len(blocks) - 1, len(block), len(block) ^ 0xFFFF) + block
        for at, block in enumerate(blocks)
    )
    return header + body + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def text(value):
    """Returns JSON in a canonical form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def write(folder, module, version):
    """Writes the image layout of a module into a new folder. Returns the digest of its manifest."""
    blobs = pathlib.Path(folder) / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(media_type, content):
        (blobs / digest(content).removeprefix("sha256:")).write_bytes(content)
        return {"mediaType": media_type, "digest": digest(content), "size": len(content)}

    archive = tar([(MODULE, module)])
    layer = blob(LAYER, gzip(archive))
    # Istio only reads the layer and the annotation; the rest is required in an image.
    config = {
        "architecture": "wasm",
        "os": "wasip1",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest(archive)]},
        "history": [{"created_by": "context-mesh", "comment": MODULE}],
    }
    annotations = {
        "org.opencontainers.image.title": "context-mesh",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
        **VARIANT,
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(CONFIG, text(config)),
        "layers": [layer],
        "annotations": annotations,
    }
    image = blob(MANIFEST, text(manifest))
    image["annotations"] = {"org.opencontainers.image.ref.name": version}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [image]}
    (pathlib.Path(folder) / "oci-layout").write_bytes(text({"imageLayoutVersion": "1.0.0"}))
    (pathlib.Path(folder) / "index.json").write_bytes(text(index))
    return image["digest"]


def read(folder):
    """Returns the module of an image layout. It is found as by Istio, and every digest and size is checked."""
    folder = pathlib.Path(folder)
    if json.loads((folder / "oci-layout").read_bytes()) != {"imageLayoutVersion": "1.0.0"}:
        raise Broken("oci-layout")
    named = set()

    def blob(descriptor, media_type):
        if descriptor["mediaType"] != media_type:
            raise Broken(f"{descriptor['mediaType']} is not {media_type}")
        name = descriptor["digest"].removeprefix("sha256:")
        named.add(name)
        content = (folder / "blobs" / "sha256" / name).read_bytes()
        if (digest(content), len(content)) != (descriptor["digest"], descriptor["size"]):
            raise Broken(f"blob {name} is not what it should be")
        return content

    (image,) = json.loads((folder / "index.json").read_bytes())["manifests"]
    manifest = json.loads(blob(image, MANIFEST))
    if not VARIANT.items() <= manifest["annotations"].items():
        raise Broken("the manifest has no variant")
    config = json.loads(blob(manifest["config"], CONFIG))
    layer = blob(manifest["layers"][-1], LAYER)
    # Not our own gzip, because another implementation must be able to read it.
    archive = zlib.decompress(layer, wbits=16 + zlib.MAX_WBITS)
    if config["rootfs"]["diff_ids"] != [digest(archive)]:
        raise Broken("the config speaks of another layer")
    if {path.name for path in (folder / "blobs" / "sha256").iterdir()} != named:
        raise Broken("there are blobs that nothing names")
    with tarfile.open(fileobj=io.BytesIO(archive)) as entries:
        for member in entries:
            if pathlib.PurePath(member.name).name == MODULE:
                return entries.extractfile(member).read()
    raise Broken(f"the layer has no {MODULE}")
