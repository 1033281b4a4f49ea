"""`gracekeeper check`: what each format looks like from outside, baselines, and colour."""

import json
import os
import pty
import re
import subprocess
import xml.etree.ElementTree as ElementTree

from gracekeeper import LIMIT, PROGRAM, TestCase, environment, main, run

POD = ("apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: shop\n  annotations:\n"
       "    linkerd.io/inject: enabled\n    config.linkerd.io/shutdown-grace-period: 60s\nspec:\n"
       "  terminationGracePeriodSeconds: 30\n  containers:\n  - name: app\n"
       "    ports: [{{containerPort: 80}}]\n")
NASTY = POD.format(name="\"a\\\"<b>&|`@x%0A::error::\\u001b[31mé\\n\"")
BAD = "a: [\n"


class Formats(TestCase):
    def setUp(self):
        super().setUp()
        self.write("pods.yaml", POD.format(name="p") + "---\n" + BAD + "---\n" + NASTY)

    def check(self, *arguments):
        done = run("check", "pods.yaml", *arguments, cwd=self.folder)
        self.assertEqual(done.code, 2)
        return done.out

    def test_sarif(self):
        log = json.loads(self.check("--format", "sarif"))
        self.assertEqual(log["version"], "2.1.0")
        self.assertEqual(len(log["runs"]), 1)
        one = log["runs"][0]
        rules = one["tool"]["driver"]["rules"]
        self.assertEqual([rule["id"] for rule in rules], [f"GK{i:03}" for i in range(1, 17)])
        for rule in rules:
            for key in ("shortDescription", "fullDescription", "help"):
                self.assertTrue(rule[key]["text"])
            self.assertIn(rule["defaultConfiguration"]["level"], ("error", "warning", "note"))
        self.assertEqual([(r["ruleId"], r["level"]) for r in one["results"]],
                         [("GK001", "error"), ("GK010", "note")] * 2)
        for result in one["results"]:
            self.assertEqual(rules[result["ruleIndex"]]["id"], result["ruleId"])
            self.assertTrue(result["message"]["text"])
            self.assertTrue(result["partialFingerprints"])
            place = result["locations"][0]["physicalLocation"]
            self.assertEqual(place["artifactLocation"]["uri"], "pods.yaml")
            self.assertGreater(place["region"]["startLine"], 0)
        invocation = one["invocations"][0]
        self.assertFalse(invocation["executionSuccessful"])
        self.assertEqual(len(invocation["toolExecutionNotifications"]), 1)

    def test_junit(self):
        suites = ElementTree.fromstring(self.check("--format", "junit"))
        self.assertEqual(suites.tag, "testsuites")
        totals = {"tests": "5", "failures": "2", "errors": "1", "skipped": "2"}
        self.assertEqual({k: suites.get(k) for k in totals}, totals)
        suite, = suites
        self.assertEqual({k: suite.get(k) for k in totals}, totals)
        cases = suite.findall("testcase")
        self.assertEqual([case[0].tag for case in cases],
                         ["failure", "skipped", "failure", "skipped", "error"])
        names = [(case.get("classname"), case.get("name")) for case in cases]
        self.assertEqual(len(set(names)), 5, names)

    def test_markdown(self):
        text = self.check("--format", "markdown")
        rows = [line for line in text.splitlines() if line.startswith("|")]
        self.assertEqual(len(rows), 2 + 4)
        for row in rows:
            cells = re.split(r"(?<!\\)\|", row)
            self.assertEqual(len(cells), 6, row)
            self.assertNotIn("<b>", row)
        self.assertIn("`pods.yaml:10`", text)

    def test_github(self):
        lines = self.check("--format", "github").splitlines()
        commands = [line for line in lines if line.startswith("::")]
        self.assertEqual(len(lines), len(commands) + 1)  # and the summary
        self.assertEqual([c.split(" ")[0] for c in commands],
                         ["::error", "::notice", "::error", "::notice", "::error"])
        for command in commands:
            properties = re.match(r"::\w+ (.*?)::", command).group(1)
            pairs = dict(pair.split("=", 1) for pair in properties.split(","))
            self.assertEqual(pairs["file"], "pods.yaml")
            self.assertRegex(pairs["line"], r"^\d+$")

    def test_no_format_lets_control_characters_through(self):
        for form in ("text", "json", "sarif", "junit", "github", "markdown"):
            with self.subTest(format=form):
                text = self.check("--format", form)
                self.assertEqual([c for c in text if ord(c) < 32 and c != "\n"], [])

    def test_several_at_once(self):
        forms = ("json", "sarif", "junit", "github", "markdown")
        arguments = ["--format", "text"]
        for form in forms:
            arguments += ["--format", f"{form}=out.{form}"]
        self.assertEqual(self.check(*arguments), self.check())
        for form in forms:
            with self.subTest(format=form):
                self.assertEqual((self.folder / f"out.{form}").read_text(),
                                 self.check("--format", form))

    def test_a_file_that_cannot_be_written(self):
        done = run("check", "pods.yaml", "--format", "json=no/such/folder", cwd=self.folder)
        self.assertEqual(done.code, 2)
        self.assertIn("no/such/folder: No such file or directory\n", done.err)


class Baseline(TestCase):
    def check(self, *arguments):
        return run("check", "pods.yaml", *arguments, cwd=self.folder)

    def test_only_new_findings_fail(self):
        self.write("pods.yaml", POD.format(name="old"))
        first = self.check("--write-baseline", "baseline.json")
        self.assertEqual(first.code, 1)
        baseline = json.loads((self.folder / "baseline.json").read_text())
        self.assertEqual([(f["rule"], f["object"], f["count"]) for f in baseline["findings"]],
                         [("GK001", "Pod/old", 1), ("GK010", "Pod/old", 1)])

        same = self.check("--baseline", "baseline.json", "--fail-on", "info")
        self.assertEqual((same.code, same.err), (0, ""))
        self.assertIn("2 ", same.out)

        # Moved down, and one more.
        self.write("pods.yaml", "# moved\n\n" + POD.format(name="old") + "---\n"
                   + POD.format(name="new"))
        more = self.check("--baseline", "baseline.json", "--format", "json")
        self.assertEqual(more.code, 1)
        report = json.loads(more.out)
        self.assertEqual({f["object"] for f in report["findings"]}, {"Pod/new"})
        self.assertEqual((report["summary"]["errors"], report["summary"]["infos"]), (1, 1))

        self.write("pods.yaml", POD.format(name="old").replace("60s", "5s"))
        fewer = self.check("--baseline", "baseline.json")
        self.assertEqual(fewer.code, 0)
        self.assertEqual(fewer.err, "gracekeeper: 1 of the baseline's findings are gone; "
                                    "--write-baseline baseline.json writes it anew\n")

    def test_a_bad_baseline_is_an_error(self):
        self.write("pods.yaml", POD.format(name="p"))
        for text, message in (("[]", 'expected an object with "version" and "findings", got array'),
                              ('{"findings": []}', "version: missing: expected 1"),
                              ('{"version": 2, "findings": []}', "version: expected 1, got 2")):
            with self.subTest(text=text):
                self.write("baseline.json", text)
                done = self.check("--baseline", "baseline.json")
                self.assertEqual((done.code, done.err),
                                 (2, f"gracekeeper: baseline.json: {message}\n"))


class Colour(TestCase):
    def on_a_terminal(self, **changes):
        """What a person would see: standard output is a terminal."""
        path = self.write("pod.yaml", POD.format(name="p"))
        terminal, other_side = pty.openpty()
        try:
            done = subprocess.run([PROGRAM, "check", path], stdout=other_side,
                                  stderr=subprocess.DEVNULL, env=environment(**changes),
                                  timeout=LIMIT, check=False)
        finally:
            os.close(other_side)
        self.assertEqual(done.returncode, 1)
        text = b""
        while True:
            try:
                more = os.read(terminal, 65536)
            except OSError:  # how Linux ends a terminal nobody has open
                break
            if not more:
                break
            text += more
        os.close(terminal)
        return text.decode()

    def test_on_a_terminal_only_and_only_where_it_is_wanted(self):
        self.assertIn("\x1b[", self.on_a_terminal())
        self.assertNotIn("\x1b", self.on_a_terminal(NO_COLOR="1"))
        self.assertNotIn("\x1b", self.on_a_terminal(TERM="dumb"))
        self.assertNotIn("\x1b", run("check", self.write("p.yaml", POD.format(name="p"))).out)

    def test_colour_changes_nothing_else(self):
        plain = re.sub(r"\x1b\[[0-9;]*m", "", self.on_a_terminal())
        self.assertEqual(plain, self.on_a_terminal(NO_COLOR="1"))


if __name__ == "__main__":
    main()
