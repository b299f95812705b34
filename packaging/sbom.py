"""Makes the bills of materials (CycloneDX JSON) of the filter and of policyc with cargo-cyclonedx, without paths of this machine."""

import json
import pathlib
import subprocess

SPEC = "1.5"
NAME = "context-mesh-sbom"


def make(root, tool, package, target):
    """Returns the bill of one package of the workspace, for one target."""
    members = [path.parent for path in root.glob("*/Cargo.toml")]
    written = [member / f"{NAME}.json" for member in members]
    try:
        # It writes one file for each member of the workspace, next to its manifest.
        subprocess.run(
            [tool, "cyclonedx", "--manifest-path", root / package / "Cargo.toml", "--format", "json", "--quiet"]
            + ["--spec-version", SPEC, "--target", target, "--override-filename", NAME],
            cwd=root,
            check=True,
        )
        bill = json.loads((root / package / f"{NAME}.json").read_text())
    finally:
        for path in written:
            path.unlink(missing_ok=True)
    return normal(bill, root)


def normal(bill, root):
    """Returns the bytes of a bill, which are the same on every machine."""
    bill.pop("serialNumber", None)

    def without_paths(value):
        if isinstance(value, dict):
            return {key: without_paths(item) for key, item in value.items()}
        if isinstance(value, list):
            return [without_paths(item) for item in value]
        if isinstance(value, str):
            return value.replace(f"file://{pathlib.Path(root)}/", "file:///context-mesh/")
        return value

    bill = without_paths(bill)
    for part, key in (("components", "bom-ref"), ("dependencies", "ref")):
        bill.get(part, []).sort(key=lambda item, key=key: item[key])
    return (json.dumps(bill, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
