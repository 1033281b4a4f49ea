"""`gracekeeper check`: what it makes of its input, good and bad; each error with its place."""

import json
import os
import threading

import yaml

from gracekeeper import TestCase, main, run, run_bytes

POD = ("apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n"
       "    linkerd.io/inject: enabled\n    config.linkerd.io/shutdown-grace-period: 60s\nspec:\n"
       "  terminationGracePeriodSeconds: 30\n  containers: [{name: app}]\n")
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"


def with_grace(value):
    return f"kind: Pod\nspec:\n  terminationGracePeriodSeconds: {value}\n  containers: []\n"


def bomb():
    lines = ["kind: Rocket", "a: &a [" + ",".join("x" * 9) + "]"]
    for before, this in zip("abcdefgh", "bcdefghi"):
        lines.append(f"{this}: &{this} [" + ",".join([f"*{before}"] * 9) + "]")
    return "\n".join(lines) + "\n"


class BadInput(TestCase):
    CASES = {  # as the second of three documents, from line 5 on: (text, line and column in it, message)
        "a flow that does not end": (
            "a: [\n", (2, 1), "did not find expected node content while parsing a flow node"),
        "a tab": ("kind: Pod\nspec:\n\tcontainers: []\n", (3, 1),
                  "found character that cannot start any token; indent with spaces, not with a tab"),
        "a duplicate key": ("kind: Pod\nkind: Pod\n", (2, 1),
                            'duplicate key "kind" (first at line 5)'),
        "a duplicate key deep inside": (
            "kind: Pod\nmetadata: {name: a, name: b}\n", (2, 21),
            'duplicate key "name" (first at line 6)'),
        "NUL": ("kind: Pod\nmetadata: {name: a\0b}\n", (2, 19), "NUL byte; text has none"),
        "bytes that are not UTF-8": (b"kind: Pod\nmetadata: {name: a\xff\xfe}\n", (2, 19),
                                     "byte 0xFF is not valid UTF-8"),
        "an unknown anchor": ("kind: Pod\nspec: *nowhere\n", (2, 7), None),
        "T in quotes": (with_grace('"19"'), (3, 34),
                        'spec.terminationGracePeriodSeconds: expected an integer, got "19"'),
        "T with a fraction": (with_grace("19.5"), (3, 34),
                              "spec.terminationGracePeriodSeconds: expected an integer, got 19.5"),
        "T that is true": (with_grace("true"), (3, 34),
                           "spec.terminationGracePeriodSeconds: expected an integer, got true"),
        "T of 2^63": (with_grace(2**63), (3, 34),
                      "spec.terminationGracePeriodSeconds: expected an integer of 64 bits, got "
                      "9223372036854775808"),
        "T of 20 digits": (with_grace("99999999999999999999"), (3, 34),
                           "spec.terminationGracePeriodSeconds: expected an integer of 64 bits, got "
                           "100000000000000000000"),
        "T of 30 digits": (with_grace("-" + "1" * 30), (3, 34),
                           "spec.terminationGracePeriodSeconds: expected an integer of 64 bits, got "
                           "-1.111111111111111e+29"),
        "a port of 2^64": (
            "kind: Pod\nspec:\n  containers:\n  - name: a\n"
            f"    ports: [{{containerPort: {2**64}}}]\n", (5, 29),
            "spec.containers[0].ports[0].containerPort: expected an integer of 64 bits, got "
            "18446744073709551616"),
        "containers that are no list": (
            "kind: Pod\nspec:\n  containers: {name: a}\n", (3, 15), None),
        "annotations that are a list": (
            "kind: Pod\nmetadata:\n  annotations: [a]\nspec:\n  containers: []\n", (3, 16), None),
        "300 levels": ("kind: X\na: " + "[" * 300 + "]" * 300 + "\n", (2, 203),
                       "nested more than 200 levels deep"),
        "an alias bomb": (bomb(), (7, 8), "aliases and merges add more than 100000 values to the "
                                          "document; spread its objects over several documents"),
    }

    def test_the_other_documents_are_still_checked(self):
        for name, (text, (line, column), message) in self.CASES.items():
            data = text if isinstance(text, bytes) else text.encode()
            path = self.write("in.yaml", b"---\n".join([SERVICE.encode(), data, POD.encode()]))
            line += SERVICE.count("\n") + 1
            for form in ("json", "text"):
                with self.subTest(name=name, format=form):
                    done = run("check", "in.yaml", "--format", form, cwd=self.folder)
                    self.assertEqual(done.code, 2)
                    if form == "json":
                        report = json.loads(done.out)
                        self.assertEqual([f["object"] for f in report["findings"]], ["Pod/p"])
                        self.assertEqual(report["findings"][0]["line"],
                                         path.read_bytes().count(b"\n") - 1)
                        place, _, told = done.err.partition(": ")
                        self.assertEqual(place, f"in.yaml:{line}:{column}")
                        self.assertEqual(done.err.count("\n"), 1, done.err)
                        error, = report["inputErrors"]
                        self.assertEqual((error["file"], error["line"], error["column"]),
                                         ("in.yaml", line, column))
                        path = error["path"] + ": " if error["path"] else ""
                        self.assertEqual(path + error["message"] + "\n", told)
                        if message:
                            self.assertEqual(told, message + "\n")
                    else:
                        self.assertIn(f"in.yaml:{line}:{column}: input error\n", done.out)
                        self.assertIn("1 error in 1 pod", done.out)
                        self.assertTrue(done.out.endswith("; 1 input error\n"), done.out)
                        self.assertEqual(done.err, "")

    def test_numbers_beyond_64_bits_are_read_where_they_do_not_matter(self):
        big = "99999999999999999999"
        secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\nstringData: {{n: {big}}}\n"
        pod = POD + f"  unknown: [-{big}, {2**64}, {big}.5]\n"
        done = run("check", "-", "--format", "json", input=f"# a\n---\n{secret}---\n{pod}")
        report = json.loads(done.out)
        self.assertEqual((done.code, done.err), (1, ""))
        self.assertNotIn("inputErrors", report)
        self.assertEqual([(f["rule"], f["line"]) for f in report["findings"]], [("GK001", 16)])
        self.assertEqual(report["summary"]["objects"], 2)
        # JSON just so.
        text = '{"kind": "Secret", "metadata": {"name": "x"}, "n": %s, "s": "\\" %s"}' % (big, big)
        done = run("check", "-", "--format", "json", input=text)
        self.assertEqual(done.code, 0)
        self.assertNotIn("inputErrors", json.loads(done.out))
        # A number does not hide what is wrong beside it, and its place.
        done = run("check", "-", input='{"kind": "Pod", "n": %s,\n "spec": {"containers": 5}}' % big)
        self.assertEqual(done.code, 2)
        self.assertIn("<stdin>:2:25: input error\n    spec.containers: expected a list, got 5\n",
                      done.out)

    def test_errors_of_json(self):
        for name, text, place in (
                ("cut off", '{"kind": "Pod",\n', "2:1"),
                ("a comma too many", '{"kind": "Pod",\n "spec": {"containers": [],}}\n', None),
                ("a duplicate key", '{"kind": "Pod",\n "kind": "Pod"}\n', "2:2")):
            with self.subTest(name=name):
                self.write("in.json", text)
                done = run("check", "in.json", "--format", "json", cwd=self.folder)
                if place is None:  # YAML allows it, and so does kubectl
                    self.assertEqual(done.code, 0, done.err)
                else:
                    self.assertEqual(done.code, 2)
                    self.assertEqual(done.err[:len(place) + 9], f"in.json:{place}:")

    def test_files_that_cannot_be_read(self):
        self.write("pod.yaml", POD)
        (self.folder / "folder.yaml").mkdir()
        done = run("check", "none.yaml", "pod.yaml", "--format", "json", cwd=self.folder)
        self.assertEqual(done.code, 2)
        self.assertEqual(done.err, "none.yaml: No such file or directory\n")
        self.assertEqual(json.loads(done.out)["summary"]["errors"], 1)
        self.assertEqual(json.loads(done.out)["summary"]["files"], 1)
        self.assertEqual(json.loads(done.out)["inputErrors"], [
            {"file": "none.yaml", "line": 0, "column": 0, "path": "",
             "message": "No such file or directory"}])

    def test_nothing_crashes_it(self):
        cases = [b"\0", b"\xef\xbb\xbf", b"%YAML 9.9\n---\n", b"--- !!binary |\n  AAAA\n", b"? [a]\n",
                 b"&a [*a]\n", b"kind: !!int x\n", b"- - - - -\n", b"\x85\xa0", b"---\n---\n---\n",
                 b"kind: Pod\nspec: null\nmetadata: null\n", b"kind: Pod\n",
                 b"kind: List\nitems: null\n", b"kind: List\nitems: [1, null, {kind: Pod}]\n",
                 b"kind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: []}}}}\n",
                 b"{" * 100000, b"[" * 100000, b"a: " * 100000, b"'" * 9999, b"- " * 100000 + b"\n",
                 b"kind: Pod\nspec: {containers: [null, {name: null}, {}]}\n",
                 b"<<: [{kind: Pod}, {kind: Job}]\n", b"<<: 5\nkind: Pod\n"]
        for data in cases:
            for command in ("check", "inject", "explain"):
                with self.subTest(data=data[:40], command=command):
                    done = run_bytes(command, "-", input=data)
                    self.assertIn(done.code, (0, 1, 2), done.err[-2000:])
                    self.assertNotIn(b"Sanitizer", done.err)


class GoodInput(TestCase):
    def summary(self, *paths, **keywords):
        done = run("check", *paths, "--format", "json", cwd=self.folder, **keywords)
        report = json.loads(done.out)
        return [f["file"] for f in report["findings"]], report["summary"]["files"], done

    def test_folders_are_searched_with_what_is_below_them(self):
        for name in ("a.yaml", "b/c.yml", "b/d/e.json", "b/notes.txt", "b/f.yaml.bak", "g"):
            self.write("in/" + name, '{"kind": "Pod"}' if name.endswith("json") else POD)
        self.write("in/b/d/e.json", json.dumps({
            "kind": "Pod", "metadata": {"annotations": {
                "linkerd.io/inject": "enabled", "config.linkerd.io/shutdown-grace-period": "60s"}},
            "spec": {"containers": [{"name": "app"}]}}))
        files, count, _ = self.summary("in")
        self.assertEqual(files, ["in/a.yaml", "in/b/c.yml", "in/b/d/e.json"])
        self.assertEqual(count, 3)
        # A file that is named is read, whatever its name is.
        self.assertEqual(self.summary("in/g", "in/b/notes.txt")[0], ["in/g", "in/b/notes.txt"])

    def test_a_pipe_is_read_where_it_is_named_and_not_waited_for_in_a_folder(self):
        self.write("in/a.yaml", POD)
        os.mkfifo(self.folder / "in/pipe.yaml")
        files, count, done = self.summary("in")
        self.assertEqual((files, count, done.code), (["in/a.yaml"], 1, 2))
        self.assertIn("in/pipe.yaml: is no regular file", done.err)
        writer = threading.Thread(target=(self.folder / "in/pipe.yaml").write_text, args=(POD,),
                                  daemon=True)
        writer.start()
        self.assertEqual(self.summary("in/pipe.yaml")[0], ["in/pipe.yaml"])

    def test_standard_input_beside_files(self):
        self.write("a.yaml", POD)
        files, count, _ = self.summary("a.yaml", "-", input=POD)
        self.assertEqual((files, count), (["a.yaml", "<stdin>"], 2))

    def test_what_is_given_twice_is_read_once(self):
        self.write("in/a.yaml", POD)
        files, count, _ = self.summary("-", "in/a.yaml", "-", "in", "./in/a.yaml", input=POD)
        self.assertEqual((files, count), (["<stdin>", "in/a.yaml"], 2))
        done = run("inject", "in/a.yaml", "-", "-", "in", input=SERVICE, cwd=self.folder)
        self.assertEqual(done.out.count("kind: Pod\n") + done.out.count("kind: Service\n"), 2)

    def test_line_ends_marks_and_markers(self):
        for name, text in (("CRLF", POD.replace("\n", "\r\n")), ("a byte order mark", "\ufeff" + POD),
                           ("no line end", POD.rstrip("\n")), ("document marks", f"---\n{POD}...\n"),
                           ("a directive", "%YAML 1.2\n---\n" + POD),
                           ("comments around", f"# a\n---\n# b\n{POD}# c\n---\n# d\n")):
            with self.subTest(name=name):
                files, _, done = self.summary("-", input=text)
                self.assertEqual((files, done.code), (["<stdin>"], 1), done.err)

    def test_anchors_and_merge_keys(self):
        text = POD.replace("    config.linkerd.io/shutdown-grace-period: 60s\n",
                           "    <<: *common\n").replace(
                               "apiVersion: v1\n",
                               "x-common: &common\n"
                               "  config.linkerd.io/shutdown-grace-period: 60s\napiVersion: v1\n")
        files, _, done = self.summary("-", input=text)
        self.assertEqual((files, done.code), (["<stdin>"], 1), done.err)

    def test_a_list_of_all_the_deployments_of_a_cluster(self):
        """What `kubectl get deployments -A` prints: 500 of 250 values, in one document."""
        pod = {"terminationGracePeriodSeconds": 300, "containers": [
            {"name": "app", "env": [{"name": f"V{i}", "value": "v"} for i in range(80)]}]}
        deployments = [
            {"apiVersion": "apps/v1", "kind": "Deployment",
             "metadata": {"name": f"web-{i}"}, "spec": {"template": {
                 "metadata": {"annotations": {"linkerd.io/inject": "enabled"}}, "spec": pod}}}
            for i in range(500)]
        of_all = {"apiVersion": "v1", "items": deployments, "kind": "List"}
        self.write("list.json", json.dumps(of_all, indent=4))
        # Without aliases, which are what it writes for an object that it has seen before.
        self.write("list.yaml", yaml.dump(json.loads(json.dumps(of_all)), Dumper=yaml.CSafeDumper))
        for name in ("list.yaml", "list.json"):
            with self.subTest(name=name):
                _, _, done = self.summary(name)
                self.assertEqual((done.code, done.err), (0, ""))
                self.assertEqual(json.loads(done.out)["summary"]["pods"], 500)
                done = run("explain", name, "--format", "json", cwd=self.folder)
                self.assertEqual((done.code, len(json.loads(done.out)["pods"])), (0, 500))
                done = run("inject", name, cwd=self.folder)
                self.assertEqual((done.code, done.out.count("linkerd.io/created-by")), (0, 500))

    def test_helm_output(self):
        """`helm template` starts documents with comments and leaves empty ones."""
        text = ("---\n# Source: web/templates/service.yaml\n" + SERVICE
                + "---\n# Source: web/templates/empty.yaml\n---\n# Source: web/templates/pod.yaml\n"
                + POD)
        files, _, done = self.summary("-", input=text)
        self.assertEqual((files, done.code), (["<stdin>"], 1))
        self.assertEqual(json.loads(done.out)["summary"]["objects"], 2)


if __name__ == "__main__":
    main()
