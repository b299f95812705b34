#!/usr/bin/env python3
"""Puts the files of a release into a folder: `make dist` runs it.

    dist.py --filter FILE --policyc FILE --host TRIPLE --version VERSION --cyclonedx FILE --out FOLDER

    context-mesh-filter-VERSION.wasm        the filter
    context-mesh-filter-VERSION.oci/        the filter as an OCI image layout, as Istio reads it
    context-mesh-filter-VERSION.oci.tar     the layout as one file
    context-mesh-filter-VERSION.cdx.json    its bill of materials (CycloneDX)
    policyc-VERSION-TRIPLE                  the compiler, for this machine
    policyc-VERSION-TRIPLE.cdx.json
    LICENSE
    SHA256SUMS                              checksums of all files; the layout is covered by its tar
"""

import argparse
import hashlib
import pathlib
import shutil

import oci
import sbom

ROOT = pathlib.Path(__file__).resolve().parent.parent


def pack(out, version, host, module, policyc, bills):
    """Writes the files of a release into a new folder, which replaces an existing one. `bills` are those of the filter and of policyc."""
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    filter_name, policyc_name = f"context-mesh-filter-{version}", f"policyc-{version}-{host}"
    layout = out / f"{filter_name}.oci"
    image = oci.write(layout, module, version)
    if oci.read(layout) != module:
        raise oci.Broken("the image does not read back")
    parts = sorted(path for path in layout.rglob("*") if path.is_file())
    archive = oci.tar([(path.relative_to(layout).as_posix(), path.read_bytes()) for path in parts])
    files = {
        f"{filter_name}.wasm": module,
        f"{filter_name}.oci.tar": archive,
        f"{filter_name}.cdx.json": bills[0],
        policyc_name: policyc,
        f"{policyc_name}.cdx.json": bills[1],
        "LICENSE": (ROOT / "LICENSE").read_bytes(),
    }
    for name, content in files.items():
        (out / name).write_bytes(content)
    (out / policyc_name).chmod(0o755)
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    (out / "SHA256SUMS").write_text(sums)
    return image


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("filter", "policyc", "host", "version", "cyclonedx", "out"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    bills = [
        sbom.make(ROOT, options.cyclonedx, "filter", "wasm32-wasip1"),
        sbom.make(ROOT, options.cyclonedx, "policy-compiler", options.host),
    ]
    module, policyc = pathlib.Path(options.filter).read_bytes(), pathlib.Path(options.policyc).read_bytes()
    out = pathlib.Path(options.out)
    image = pack(out, options.version, options.host, module, policyc, bills)
    print(f"image {image}")
    print((out / "SHA256SUMS").read_text(), end="")


if __name__ == "__main__":
    main()
