"""`gracekeeper check --fix`: the files afterwards, what is said, and the exit codes."""

import shutil
import subprocess

import yaml
from gracekeeper import EXAMPLES, SOURCE, TestCase, main, run

WEB = (EXAMPLES / "web.yaml").read_bytes()
MENDED = WEB.replace(b"terminationGracePeriodSeconds: 30", b"terminationGracePeriodSeconds: 155")
LINE = next(number for number, line in enumerate(WEB.splitlines(), 1)
            if b"terminationGracePeriodSeconds: 30" in line)
FIXED = (f"fixed {{}}:{LINE} GK001: set spec.template.spec.terminationGracePeriodSeconds "
         "to 155\n")


class CheckFix(TestCase):
    def test_mends_the_file_and_reports_what_remains(self):
        for ending in b"\n", b"\r\n":
            with self.subTest(ending=ending):
                path = self.write("web.yaml", WEB.replace(b"\n", ending))
                path.chmod(0o640)
                done = run("check", "--fix", "--fail-on", "warning", path)
                self.assertEqual(done.err, FIXED.format(path))
                self.assertIn("No findings in 1 pod", done.out)
                self.assertEqual(done.code, 0)
                self.assertEqual(path.read_bytes(), MENDED.replace(b"\n", ending))
                self.assertEqual(path.stat().st_mode & 0o777, 0o640)

    def test_a_second_time_touches_nothing(self):
        path = self.write("web.yaml", WEB)
        run("check", "--fix", path)
        before = path.stat()
        done = run("check", "--fix", path)
        self.assertEqual((done.code, done.err), (0, ""))
        after = path.stat()
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_a_dry_run_prints_a_diff_that_patch_applies(self):
        path = self.write("web.yaml", WEB)
        done = run("check", "--fix", "--dry-run", "web.yaml", cwd=self.folder)
        self.assertEqual(done.code, 0)
        self.assertEqual(done.err, FIXED.format("web.yaml").replace("fixed", "would fix", 1))
        self.assertTrue(done.out.startswith("--- web.yaml\n+++ web.yaml\n@@ "), done.out)
        self.assertEqual(path.read_bytes(), WEB)
        if shutil.which("git") is None:
            self.skipTest("no git to apply the diff with")
        subprocess.run(["git", "apply", "-p0", "-"], input=done.out, text=True, check=True,
                       cwd=self.folder, timeout=30)
        self.assertEqual(path.read_bytes(), MENDED)

    def test_what_is_left_decides_the_exit_code(self):
        path = self.write("web.yaml", WEB.replace(b'"20"', b'"soon"'))
        done = run("check", "--fix", path)
        self.assertEqual(done.code, 1)
        self.assertIn(f"left {path}:21 GK004: no single value is sure to be meant\n", done.err)

    def test_needs_files(self):
        done = run("check", "--fix", "-", input=WEB)
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertEqual(done.err,
                         "gracekeeper: --fix needs files: standard input cannot be mended\n")
        done = run("check", "--fix", "/dev/null")
        self.assertEqual(done.code, 2)
        self.assertEqual(done.err, "gracekeeper: --fix needs files: /dev/null cannot be mended\n")

    def test_a_dry_run_is_one_of_fix_and_has_no_other_output(self):
        path = self.write("web.yaml", WEB)
        for options in (("--dry-run",), ("--fix", "--dry-run", "--format", "json"),
                        ("--fix", "--dry-run", "--write-baseline", self.folder / "known.json")):
            with self.subTest(options=options):
                self.assertEqual(run("check", *options, path).code, 2)
        self.assertEqual(sorted(self.folder.iterdir()), [path])

    def test_the_manifests_of_the_rules_keep_their_comments_and_are_mended_in_one_go(self):
        for source in sorted((SOURCE / "tests" / "rules").glob("GK*/*.yaml")):
            with self.subTest(source=source.name):
                text = source.read_text()
                path = self.write("manifest.yaml", text)
                done = run("check", "--fix", "--format", "json", path)
                mended = path.read_text()
                comments = [line.strip() for line in text.splitlines() if "#" in line]
                for comment in comments:
                    self.assertIn(comment[comment.index("#"):], mended)
                before, after = (list(yaml.safe_load_all(t)) for t in (text, mended))
                self.assertEqual(len(before), len(after))
                self.assertEqual("fixed " in done.err, mended != text)
                again = run("check", "--fix", "--format", "json", path)
                self.assertNotIn("fixed ", again.err)
                self.assertEqual(again.out, done.out)
                self.assertEqual(path.read_text(), mended)

    def test_what_the_baseline_accepts_stays(self):
        path = self.write("web.yaml", WEB)
        known = self.folder / "known.json"
        run("check", "--write-baseline", known, path)
        done = run("check", "--fix", "--baseline", known, path)
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(path.read_bytes(), WEB)


if __name__ == "__main__":
    main()
