"""Checks that the same input results in the same bytes, and that everything that CI runs exists. `make test-dist` runs it; it only needs Python."""

import gzip
import io
import os
import pathlib
import re
import sys
import tarfile
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import dist
import oci
import sbom

ROOT = dist.ROOT
MODULE = b"\0asm\1\0\0\0" + bytes(range(256)) * 600


def tree(folder):
    """Returns every file of a folder with its content and whether it is executable."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), os.access(path, os.X_OK)) for path in files}


class Packing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def pack(self, name, root):
        bill = {
            "serialNumber": os.urandom(4).hex(),
            "components": [
                {"bom-ref": f"path+file://{root}/core#x@0.1.0"},
                {"bom-ref": "registry+https://example.org#a@1.0.0"},
            ][:: 1 if name == "one" else -1],
        }
        out = self.folder / name / "dist"
        dist.pack(out, "1.2.3", "x-y-z", MODULE, b"policyc", [sbom.normal(dict(bill), root)] * 2)
        return out

    def test_the_same_files_give_the_same_bytes_in_every_folder(self):
        one, two = self.pack("one", "/home/a/mesh"), self.pack("two", "/tmp/b")
        self.assertEqual(tree(one), tree(two))
        self.assertGreater(len(tree(one)), 9)
        # Also if the folder already exists.
        (one / "old").write_text("of an earlier release")
        self.assertEqual(tree(self.pack("one", "/home/a/mesh")), tree(two))

    def test_every_sum_is_right_and_no_file_is_left_out(self):
        out = self.pack("one", "/a")
        lines = (out / "SHA256SUMS").read_text().splitlines()
        for line in lines:
            sum_, name = line.split("  ")
            self.assertEqual("sha256:" + sum_, oci.digest((out / name).read_bytes()), name)
        named = {line.split("  ")[1] for line in lines}
        self.assertEqual(named | {"SHA256SUMS"}, {path.name for path in out.iterdir() if path.is_file()})

    def test_the_archive_of_the_image_is_its_layout(self):
        out = self.pack("one", "/a")
        with tarfile.open(out / "context-mesh-filter-1.2.3.oci.tar") as archive:
            archive.extractall(self.folder / "again", filter="data")
        self.assertEqual(tree(self.folder / "again"), tree(out / "context-mesh-filter-1.2.3.oci"))

    def test_an_image_reads_back_and_a_changed_one_does_not(self):
        layout = self.folder / "image"
        oci.write(layout, MODULE, "1")
        self.assertEqual(oci.read(layout), MODULE)
        for path in sorted(layout.rglob("*")):
            if path.is_file() and path.parent.name == "sha256":
                content = path.read_bytes()
                path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
                self.assertRaises(oci.Broken, oci.read, layout)
                path.write_bytes(content)
        self.assertEqual(oci.read(layout), MODULE)

    def test_others_read_tar_and_gzip(self):
        for content in (b"", b"a", b"x" * 0xFFFF, MODULE):
            self.assertEqual(gzip.decompress(oci.gzip(content)), content)
        with tarfile.open(fileobj=io.BytesIO(oci.tar([("a", b"1"), ("b", b"22")]))) as archive:
            self.assertEqual([(m.name, m.size, m.mtime, m.uid) for m in archive], [("a", 1, 0, 0), ("b", 2, 0, 0)])


class Workflows(unittest.TestCase):
    def test_what_they_run_exists(self):
        targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        runs = 0
        for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
            text = path.read_text()
            for target in re.findall(r"(?<![\w-])make +([a-z0-9-]+)", text):
                self.assertIn(target, targets, path.name)
                runs += 1
            # Only files of this repository, not of a machine.
            self.assertIsNone(re.search(r"/(home|root|tmp|Users)/", text), path.name)
            # Actions of others are pinned to a commit or a version, not to a branch.
            for action in re.findall(r"uses: *(\S+)", text):
                self.assertRegex(action, r"@(v\d|[0-9a-f]{40})", path.name)
        self.assertGreater(runs, 6)

    def test_they_are_yaml(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("PyYAML is not installed")
        for path in sorted((ROOT / ".github").rglob("*.yml")):
            self.assertIsInstance(yaml.safe_load(path.read_text()), dict, path.name)

    def test_links_of_pages_lead_somewhere(self):
        pages = [path for path in ROOT.glob("*.md")] + [path for path in (ROOT / "docs").glob("*.md")]
        for page in pages:
            for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
                if "://" not in link and not link.startswith("mailto:"):
                    self.assertTrue((page.parent / link).exists(), f"{page.relative_to(ROOT)}: {link}")


if __name__ == "__main__":
    unittest.main()
