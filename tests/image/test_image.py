#!/usr/bin/env python3
"""What the image must be: test_image.py ARCHIVE (docker-archive, `make image ARCHIVE=…`). Needs root."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "cluster"))

import image  # noqa: E402

ARCHIVE = None
LIMIT = 60
HELPER = "usr/bin/gracekeeper-await-app"


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="gracekeeper-image-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.folder.chmod(0o755)
        cls.root = cls.folder / "root"
        cls.config = image.unpack(ARCHIVE, cls.root)["config"]

    def run_inside(self, *arguments, input=""):
        """The entry point as the image's user, in its file system and without a network."""
        return subprocess.run(
            ["unshare", "--net", "chroot", f"--userspec={self.config['User']}", str(self.root),
             *self.config["Entrypoint"], *arguments],
            text=True, input=input, capture_output=True, timeout=LIMIT, check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def readelf(self, program, *arguments):
        return subprocess.run(["readelf", "-W", *arguments, str(program)], check=True, text=True,
                              capture_output=True, timeout=LIMIT).stdout

    def files(self):
        return [p for p in self.root.rglob("*") if p.is_file() and not p.is_symlink()]

    def test_it_is_small(self):
        size = sum(p.stat().st_size for p in self.files())
        print(f"image: {size / 1e6:.1f} MB in {len(self.files())} files", file=sys.stderr)
        self.assertLess(size, 60e6)

    def test_it_runs_as_nobody_in_particular(self):
        self.assertEqual(self.config["User"], "65532:65532")
        self.assertEqual(self.config["Entrypoint"], ["/usr/bin/gracekeeper"])

    def test_it_says_what_it_is(self):
        labels = self.config["Labels"]
        version = (SOURCE / "VERSION").read_text().strip()
        self.assertEqual(labels["org.opencontainers.image.title"], "gracekeeper")
        self.assertEqual(labels["org.opencontainers.image.version"], version)
        self.assertEqual(labels["org.opencontainers.image.licenses"], "Apache-2.0")
        self.assertRegex(labels["org.opencontainers.image.revision"], "^([0-9a-f]{40}|unknown)$")

    def test_it_has_two_programs_and_no_shell(self):
        programs = [str(p.relative_to(self.root)) for p in self.files()
                    if os.access(p, os.X_OK) and ".so" not in p.name]
        self.assertEqual(sorted(programs), ["usr/bin/gracekeeper", HELPER])

    def test_the_helper_is_static_and_small(self):
        helper = self.root / HELPER
        size = helper.stat().st_size
        print(f"{HELPER}: {size / 1e3:.0f} kB", file=sys.stderr)
        self.assertLess(size, 1.5e6)
        self.assertNotIn("INTERP", self.readelf(helper, "-l"))
        self.assertNotIn("NEEDED", self.readelf(helper, "-d"))

    def test_the_helper_installs_itself_as_any_user(self):
        target = self.folder / "target"
        target.mkdir()
        target.chmod(0o777)
        bound = self.root / "tmp" / "helper"
        bound.mkdir()
        (self.root / "proc").mkdir(exist_ok=True)
        # As the init container does it: another user, and nothing of the image can be written to.
        done = subprocess.run(
            ["unshare", "--mount", "--net", "sh", "-c",
             'mount --bind "$1" "$2" && mount --bind /proc "$3/proc" &&'
             ' exec chroot --userspec=2102:0 "$3" "/$4" --install /tmp/helper',
             "sh", str(target), str(bound), str(self.root), HELPER],
            text=True, capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        copy = target / pathlib.Path(HELPER).name
        self.assertEqual(copy.read_bytes(), (self.root / HELPER).read_bytes())
        self.assertEqual(copy.stat().st_mode & 0o777, 0o755)
        # It runs where nothing else is.
        done = subprocess.run(["unshare", "--net", "chroot", "--userspec=2102:0", str(target),
                               "/" + copy.name, "--proxy-uid"], text=True, capture_output=True,
                              timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 64)

    def test_every_library_is_there(self):
        done = self.run_inside("--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn((SOURCE / "VERSION").read_text().strip(), done.stdout)

    def test_it_checks_a_manifest(self):
        manifest = (SOURCE / "deploy/examples/web-stated.yaml").read_text()
        done = self.run_inside("check", "-", input=manifest)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("GK001", done.stdout)

    def test_nothing_is_writable_for_its_user_but_tmp(self):
        found = [str(p.relative_to(self.root)) for p in self.root.rglob("*")
                 if not p.is_symlink() and p.stat().st_mode & 0o002]
        self.assertEqual(found, ["tmp"])

    def test_its_bill_of_materials_lists_every_binary(self):
        text = (self.root / "usr/share/doc/gracekeeper/sbom.spdx.json").read_text()
        whole = json.loads(text)
        listed = {f["fileName"]: f for f in whole["files"]}
        binaries = {"./" + str(p.relative_to(self.root)) for p in self.files()
                    if p.read_bytes()[:4] == b"\x7fELF"}
        self.assertEqual(set(listed), binaries)
        for name, entry in listed.items():
            sums = {c["algorithm"]: c["checksumValue"] for c in entry["checksums"]}
            self.assertEqual(sums["SHA256"],
                             hashlib.sha256((self.root / name).read_bytes()).hexdigest(), name)
        packages = {p["SPDXID"]: p for p in whole["packages"]}
        owners = {r["relatedSpdxElement"]: r["spdxElementId"] for r in whole["relationships"]
                  if r["relationshipType"] == "CONTAINS"}
        for entry in listed.values():
            owner = packages[owners[entry["SPDXID"]]]
            is_ours = entry["fileName"].startswith("./usr/bin/")
            self.assertEqual(owner["name"] == "gracekeeper", is_ours, entry["fileName"])
            if not is_ours:
                self.assertRegex(owner["externalRefs"][0]["referenceLocator"],
                                 r"^pkg:deb/debian/[a-z0-9.+-]+@.+\?arch=")

    def test_the_program_is_hardened(self):
        program = self.root / "usr/bin/gracekeeper"
        self.assertIn("DYN (Position-Independent Executable file)", self.readelf(program, "-h"))
        segments, dynamic = self.readelf(program, "-l"), self.readelf(program, "-d")
        symbols = self.readelf(program, "--dyn-syms")
        self.assertIn("GNU_RELRO", segments)
        self.assertRegex(segments, r"GNU_STACK .* RW +0x")  # and not RWE
        self.assertIn("BIND_NOW", dynamic)
        self.assertIn("__stack_chk_fail", symbols)
        self.assertRegex(symbols, r"__\w+_chk@")  # fortified


if __name__ == "__main__":
    if len(sys.argv) < 2 or not os.path.isfile(sys.argv[1]):
        sys.exit(__doc__)
    ARCHIVE = sys.argv.pop(1)
    unittest.main(verbosity=2)
