"""`gracekeeper check`: the contract of its JSON, its counts and its exit codes."""

import json
import shutil

import yaml
from gracekeeper import EXAMPLES, TestCase, main, run

POD = """apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: shop
  annotations:
    linkerd.io/inject: enabled
    config.linkerd.io/shutdown-grace-period: {grace}
spec:
  terminationGracePeriodSeconds: 30
  containers:
  - name: app
    image: example/app
"""
ERROR = POD.format(name="error", grace="60s")
FITS = POD.format(name="fits", grace="5s")
WARNING = FITS.replace("shutdown-grace-period: 5s", "skip-outbound-ports: '4222'").replace(
    "fits", "warning")
INFO = FITS.replace("    image: example/app\n",
                    "    image: example/app\n    ports: [{containerPort: 80}]\n").replace(
                        "fits", "info")
CLEAN = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n"
BAD = "a: [\n"
SUMMARY = {"files": 1, "objects": 1, "pods": 1, "errors": 0, "warnings": 0, "infos": 0,
           "ignored": 0, "skipped": 0}


def check(*arguments, **keywords):
    """(exit code, report) of check --format json."""
    done = run("check", "--format", "json", *arguments, **keywords)
    return done.code, json.loads(done.out)


def rules(report):
    return [finding["rule"] for finding in report["findings"]]


class Contract(TestCase):
    def test_the_examples_to_the_letter(self):
        shutil.copy(EXAMPLES / "web.yaml", self.folder)
        done = run("check", "web.yaml", "--format", "json", cwd=self.folder)
        self.assertEqual(done.out, (
            '{"findings":[{"rule":"GK001","name":"grace-too-short","severity":"warning",'
            '"file":"web.yaml","line":23,"object":"Deployment/web","namespace":"shop",'
            '"container":"web","path":"spec.template.spec.terminationGracePeriodSeconds",'
            '"message":"terminationGracePeriodSeconds 30 is less than 155 = app 15 (container web: '
            'preStop 5 + shutdown 10) + wait 20 (annotation) + grace 120 (proxy default)",'
            '"remedy":"Set terminationGracePeriodSeconds to 155 or more (the timeline\'s exact need '
            "is 140).\","
            '"numbers":{"terminationGracePeriodSeconds":30,"app":15,"wait":20,"grace":120,'
            '"need":155,"exactNeed":140}}],"summary":{"files":1,"objects":1,"pods":1,"errors":0,'
            '"warnings":1,"infos":0,"ignored":0,"skipped":0}}\n'))
        self.assertEqual((done.code, done.err), (0, ""))

    def test_the_order_of_the_keys(self):
        _, report = check("-", input=ERROR)
        finding = report["findings"][0]
        self.assertEqual(list(finding), ["rule", "name", "severity", "file", "line", "object",
                                         "namespace", "container", "path", "message", "remedy",
                                         "numbers"])
        self.assertEqual(list(finding["numbers"]), ["terminationGracePeriodSeconds", "app", "wait",
                                                    "grace", "need", "exactNeed"])
        self.assertEqual(list(report), ["findings", "summary"])
        self.assertEqual(list(report["summary"]), list(SUMMARY))

    def test_the_verdicts_of_the_examples(self):
        stated = (EXAMPLES / "web-stated.yaml").read_text()
        for mode, severity, code in (("deny", "error", 1), ("warn", "warning", 0),
                                     ("raise", "info", 0), ("fit", "error", 1)):
            with self.subTest(mode=mode):
                found, report = check("-", "--on-shortfall", mode, input=stated)
                self.assertEqual((found, rules(report)), (code, ["GK001"]))
                finding = report["findings"][0]
                self.assertEqual(finding["severity"], severity)
                self.assertEqual(finding["numbers"]["need"], 95)
                self.assertEqual(finding["line"], 21)
        code, report = check("-", "--on-shortfall", "fit", input=stated.replace(
            "terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 60"))
        self.assertEqual((code, report["findings"][0]["severity"]), (0, "info"))
        self.assertIn("25", report["findings"][0]["message"])

    def test_a_place_in_standard_input(self):
        _, report = check("-", input=CLEAN + "---\n" + ERROR)
        finding = report["findings"][0]
        self.assertEqual((finding["file"], finding["line"], finding["path"]),
                         ("<stdin>", 14, "spec.terminationGracePeriodSeconds"))

    def test_what_is_not_there(self):
        """No namespace, no name, no container, keys with dots."""
        _, report = check("-", input="""apiVersion: v1
kind: Pod
metadata:
  generateName: nightly-
  annotations:
    linkerd.io/inject: enabled
    config.alpha.linkerd.io/proxy-wait-before-exit-seconds: 20s
spec:
  terminationGracePeriodSeconds: 300
  containers: [{name: app}]
""")
        self.assertEqual(rules(report), ["GK004"])
        finding = report["findings"][0]
        self.assertEqual(finding["object"], "Pod/nightly-")
        self.assertEqual(finding["namespace"], "")
        self.assertIsNone(finding["container"])
        self.assertEqual(finding["numbers"], {})
        self.assertEqual(
            finding["path"],
            'metadata.annotations["config.alpha.linkerd.io/proxy-wait-before-exit-seconds"]')
        self.assertEqual(finding["line"], 7)


class Counts(TestCase):
    def test_every_kind_of_object(self):
        items = [ERROR, CLEAN, FITS]
        listed = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
            "- " + item.replace("\n", "\n  ").rstrip() + "\n" for item in items)
        namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
        unknown = "apiVersion: example.com/v1\nkind: Rocket\nmetadata: {name: r}\n"
        text = "---\n".join([listed, namespace, unknown, CLEAN, "just: words\n", "- a\n- list\n",
                             "# nothing\n", "", ERROR.replace("name: error", "name: other")])
        code, report = check("-", input=text)
        self.assertEqual(code, 1)
        self.assertEqual(report["summary"], SUMMARY | {
            "objects": 9, "pods": 3, "errors": 2, "skipped": 5})
        self.assertEqual([f["path"] for f in report["findings"]],
                         ["spec.terminationGracePeriodSeconds"] * 2)
        self.assertEqual([f["object"] for f in report["findings"]], ["Pod/error", "Pod/other"])

    def test_rollouts_and_their_like_are_read_as_deployments_are(self):
        pod = yaml.safe_load(ERROR)
        template = {"metadata": {"annotations": pod["metadata"]["annotations"]},
                    "spec": pod["spec"]}
        for version, kind, place in (("apps/v1", "Deployment", "spec.template"),
                                     ("argoproj.io/v1alpha1", "Rollout", "spec.template"),
                                     ("apps.openshift.io/v1", "DeploymentConfig", "spec.template"),
                                     ("v1", "PodTemplate", "template")):
            with self.subTest(kind=kind):
                thing = {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}}
                thing |= {"template": template} if place == "template" else {
                    "spec": {"template": template}}
                code, report = check("-", input=json.dumps(thing))
                self.assertEqual(code, 1)
                self.assertEqual(report["summary"], SUMMARY | {"errors": 1})
                self.assertNotIn("notRead", report)
                self.assertEqual([(f["object"], f["path"]) for f in report["findings"]],
                                 [(f"{kind}/x", f"{place}.spec.terminationGracePeriodSeconds")])
                told = run("explain", "--format", "json", "-", input=json.dumps(thing))
                self.assertEqual([p["object"] for p in json.loads(told.out)["pods"]], [f"{kind}/x"])

    def test_a_pod_template_in_another_kind_is_not_passed_over_in_silence(self):
        spec = "{containers: [{name: a}]}"
        text = ("apiVersion: serving.knative.dev/v1\nkind: Service\n"
                "metadata: {name: web, namespace: shop}\n"
                f"spec: {{template: {{spec: {spec}}}}}\n---\n{CLEAN}---\n"
                "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: sum}\n"
                f"spec: {{tasks: [{{template: {{spec: {spec}}}}}]}}\n")
        done = run("check", "-", "--fail-on", "info", input=text)
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertEqual(done.out, (
            "<stdin>:1: not read  Service/web (shop)\n"
            "    a pod template in a kind that is not known, of serving.knative.dev/v1: its pods "
            "were not judged\n"
            "<stdin>:10: not read  Job/sum\n"
            "    a pod template in a kind that is not known, of batch.volcano.sh/v1alpha1: its pods "
            "were not\n    judged\n\n"
            "No findings in 0 pods (3 objects, 3 skipped, 1 file); 2 pod templates not read\n"))
        code, report = check("-", input=text)
        self.assertEqual((code, report["findings"]), (0, []))
        self.assertEqual(report["notRead"][0], {
            "file": "<stdin>", "line": 1, "object": "Service/web", "namespace": "shop",
            "apiVersion": "serving.knative.dev/v1"})
        # Accepted findings do not take it away.
        self.write("in.yaml", text)
        run("check", "in.yaml", "--write-baseline", "b.json", cwd=self.folder)
        code, report = check("in.yaml", "--baseline", "b.json", cwd=self.folder)
        self.assertEqual(len(report["notRead"]), 2)

    def test_pods_without_a_kind_or_in_a_bare_list_are_not_passed_over_in_silence(self):
        """kubectl refuses both: Object 'Kind' is missing."""
        spec = "{template: {spec: {containers: [{name: a}]}}}"
        web = f"apiVersion: apps/v1\nKind: Deployment\nmetadata: {{name: web}}\nspec: {spec}\n"
        bare = f"- {{apiVersion: apps/v1, kind: Deployment, spec: {spec}}}\n"
        values = "replicas: 3\nimage: {tag: v1}\nspec: {containers: []}\n"
        patch = "- {op: replace, path: /spec/replicas, value: 3}\n"
        text = "---\n".join([web, bare, values, patch])
        code, report = check("-", input=text)
        self.assertEqual((code, report["findings"]), (0, []))
        self.assertEqual(report["summary"], SUMMARY | {"objects": 4, "pods": 0, "skipped": 4})
        self.assertEqual(report["notRead"], [
            {"file": "<stdin>", "line": 1, "object": "web", "namespace": "",
             "apiVersion": "apps/v1"},
            {"file": "<stdin>", "line": 6, "object": "", "namespace": "", "apiVersion": ""}])
        for form in ("text", "github", "junit", "markdown", "sarif"):
            with self.subTest(format=form):
                done = run("check", "-", "--format", form, input=text)
                told = " ".join(done.out.split())
                self.assertIn("an object without a kind, of apps/v1: its pods were not judged; "
                              "write its kind, with a small k", told)
                self.assertIn("a list at the top level: its pods were not judged; write a List of "
                              "kind List, or documents separated by ---", told)

    def test_kubectl_get_output(self):
        """A List with status, managedFields, uids: what `kubectl get deployment -o yaml` prints."""
        text = """apiVersion: v1
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    annotations:
      deployment.kubernetes.io/revision: "3"
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":1}}
    creationTimestamp: "2026-01-31T12:00:00Z"
    generation: 3
    managedFields:
    - apiVersion: apps/v1
      fieldsType: FieldsV1
      fieldsV1:
        f:spec:
          f:template:
            f:spec:
              f:terminationGracePeriodSeconds: {}
      manager: kubectl-client-side-apply
      operation: Update
    name: web
    namespace: shop
    resourceVersion: "123456"
    uid: 5e4f2a9c-0000-4000-8000-000000000000
  spec:
    progressDeadlineSeconds: 600
    replicas: 1
    selector:
      matchLabels:
        app: web
    template:
      metadata:
        annotations:
          config.linkerd.io/shutdown-grace-period: 60s
          linkerd.io/inject: enabled
        creationTimestamp: null
        labels:
          app: web
      spec:
        containers:
        - image: registry.k8s.io/pause:3.10
          imagePullPolicy: IfNotPresent
          name: web
          resources: {}
          terminationMessagePath: /dev/termination-log
        restartPolicy: Always
        terminationGracePeriodSeconds: 30
  status:
    availableReplicas: 1
    conditions:
    - lastTransitionTime: "2026-01-31T12:00:05Z"
      status: "True"
      type: Available
kind: List
metadata:
  resourceVersion: ""
"""
        code, report = check("-", input=text)
        self.assertEqual(code, 1)
        self.assertEqual(report["summary"], SUMMARY | {"errors": 1})
        finding = report["findings"][0]
        self.assertEqual((finding["line"], finding["object"], finding["path"]),
                         (48, "Deployment/web", "spec.template.spec.terminationGracePeriodSeconds"))

    def test_a_namespace_in_another_file_gives_its_annotations(self):
        pod = ERROR.replace("    linkerd.io/inject: enabled\n", "").replace(
            "    config.linkerd.io/shutdown-grace-period: 60s\n", "    example.com/x: y\n")
        namespace = """apiVersion: v1
kind: Namespace
metadata:
  name: shop
  annotations:
    linkerd.io/inject: enabled
    config.linkerd.io/shutdown-grace-period: 60s
"""
        first, second = self.write("a/pod.yaml", pod), self.write("b/namespace.yml", namespace)
        code, report = check(first)
        self.assertEqual((code, rules(report)), (0, []))
        for paths in ((first, second), (second, first), (self.folder,)):
            with self.subTest(paths=paths):
                code, report = check(*paths)
                self.assertEqual((code, rules(report)), (1, ["GK001"]))
                self.assertEqual(report["findings"][0]["file"], str(first))
                self.assertIn("grace 60 (", report["findings"][0]["message"])
                self.assertEqual(report["summary"], SUMMARY | {
                    "files": 2, "objects": 2, "errors": 1})

    def test_a_comment_that_ignores_no_rule_that_there_is_is_said_on_standard_error(self):
        self.write("in.yaml", CLEAN + "---\n# gracekeeper:ignore GK01, GK999 why\n" + ERROR)
        notes = ('in.yaml:{0}: note: gracekeeper:ignore: there is no rule "GK01"; did you mean '
                 'GK001?\nin.yaml:{0}: note: gracekeeper:ignore: there is no rule "GK999": the '
                 'rules are GK001 to GK016\n').format(CLEAN.count("\n") + 2)
        for form in ("text", "json", "github", "sarif"):
            with self.subTest(format=form):
                done = run("check", "in.yaml", "--format", form, cwd=self.folder)
                self.assertEqual((done.code, done.err), (1, notes))
                self.assertNotIn("GK999", done.out)
        # Of a clean file the exit code stays 0.
        self.write("clean.yaml", "# gracekeeper:ignore GK01\n" + CLEAN)
        done = run("check", "clean.yaml", "--fail-on", "info", cwd=self.folder)
        self.assertEqual((done.code, done.err.count("\n")), (0, 1))

    def test_what_is_ignored_is_counted(self):
        deployment = (EXAMPLES / "web-stated.yaml").read_text()
        line = "      terminationGracePeriodSeconds: 30\n"
        self.assertIn(line, deployment)
        cases = {
            "comment on the line": deployment.replace(line, line.rstrip() +
                                                      "  # gracekeeper:ignore GK001 known\n"),
            "comment above": deployment.replace(line, "      # gracekeeper:ignore GK001\n" + line),
            "comment at the top": "# gracekeeper:ignore GK001, GK010: soon gone\n" + deployment,
            "annotation": deployment.replace("        linkerd.io/inject: enabled\n",
                                             "        linkerd.io/inject: enabled\n"
                                             "        gracekeeper.dev/ignore: GK010, GK001\n"),
        }
        for name, text in cases.items():
            with self.subTest(name=name):
                code, report = check("-", input=text)
                self.assertEqual((code, report["findings"]), (0, []))
                self.assertEqual(report["summary"], SUMMARY | {"ignored": 1})
        others = {
            "another rule": cases["comment on the line"].replace("GK001", "GK002"),
            "another line": deployment.replace("      - name: web\n",
                                               "      - name: web  # gracekeeper:ignore GK001\n"),
            "another document": "# gracekeeper:ignore GK001\n" + CLEAN + "---\n" + deployment,
        }
        for name, text in others.items():
            with self.subTest(name=name):
                code, report = check("-", input=text)
                self.assertEqual((code, rules(report)), (1, ["GK001"]))
                self.assertEqual(report["summary"]["ignored"], 0)

    def test_several_hundred_documents(self):
        text = "---\n".join(POD.format(name=f"p{i}", grace="60s" if i % 10 == 0 else "5s") + CLEAN
                            .replace("apiVersion", "---\napiVersion") for i in range(400))
        code, report = check("-", input=text)
        self.assertEqual(code, 1)
        self.assertEqual(report["summary"], SUMMARY | {
            "objects": 800, "pods": 400, "errors": 40, "skipped": 400})
        lines = text.splitlines()
        for i, finding in enumerate(report["findings"]):
            self.assertEqual(finding["object"], f"Pod/p{i * 10}")
            self.assertEqual(lines[finding["line"] - 1], "  terminationGracePeriodSeconds: 30")
        self.assertEqual(len({f["line"] for f in report["findings"]}), 40)


class ExitCodes(TestCase):
    def test_each_threshold(self):
        expected = {  # what is found: (error, warning, info, never)
            ERROR: (1, 1, 1, 0),
            WARNING: (0, 1, 1, 0),
            INFO: (0, 0, 1, 0),
            FITS: (0, 0, 0, 0),
            CLEAN: (0, 0, 0, 0),
            ERROR + "---\n" + BAD: (2, 2, 2, 2),
            BAD: (2, 2, 2, 2),
        }
        for text, codes in expected.items():
            for threshold, code in zip(("error", "warning", "info", "never"), codes):
                with self.subTest(text=text, threshold=threshold):
                    found, _ = check("-", "--fail-on", threshold, input=text)
                    self.assertEqual(found, code)

    def test_the_same_in_every_format(self):
        for text, code in ((ERROR, 1), (WARNING, 0), (ERROR + "---\n" + BAD, 2)):
            for form in ("text", "json", "sarif", "junit", "github", "markdown"):
                with self.subTest(text=text, format=form):
                    self.assertEqual(run("check", "-", "--format", form, input=text).code, code)

    def test_no_object_at_all_is_no_error(self):
        (self.folder / "empty").mkdir()
        self.write("nothing.yaml", "")
        for path, text in (("-", ""), ("-", "# only a comment\n---\n\n"),
                           (self.folder / "empty", ""), (self.folder / "nothing.yaml", "")):
            with self.subTest(path=path, text=text):
                done = run("check", path, "--format", "json", input=text)
                self.assertEqual((done.code, done.err),
                                 (0, "gracekeeper: no objects in the input\n"))
                self.assertEqual(json.loads(done.out)["findings"], [])

    def test_options_may_stand_before_and_after_the_paths(self):
        self.write("a.yaml", ERROR)
        self.write("b.yaml", FITS)
        for words in ("--format json a.yaml b.yaml", "a.yaml b.yaml --format json",
                      "a.yaml --format json b.yaml", "--format=json --fail-on error a.yaml b.yaml"):
            with self.subTest(words=words):
                done = run("check", *words.split(), cwd=self.folder)
                self.assertEqual((done.code, done.err), (1, ""))
                self.assertEqual(json.loads(done.out)["summary"]["files"], 2)

    def test_usage_errors(self):
        pod = self.write("pod.yaml", FITS)
        cases = [
            ((), "PATH is required"),
            ((pod, "--nope"), "The following argument was not expected: --nope"),
            ((pod, "--fail-on", "fatal"), "--fail-on: "),
            ((pod, "--format", "xml"),
             'gracekeeper: --format: expected text, json, sarif, junit, github or markdown, got '
             '"xml"\n'),
            ((pod, "--format", "json="),
             'gracekeeper: --format json=: the file\'s name is missing after "="\n'),
            ((pod, "--format", "json", "--format", "text"),
             "gracekeeper: --format: two formats for standard output: write one of them to a file, "
             "as in text=FILE\n"),
            ((pod, "--kubernetes-version", "newest"), "gracekeeper: --kubernetes-version: "),
            ((pod, "--config", "none.yaml"), "gracekeeper: none.yaml: No such file or directory\n"),
            ((pod, "--baseline", "none.json"), "gracekeeper: none.json: No such file or directory\n"),
            ((pod, "--linkerd-values", "none"), "gracekeeper: none: No such file or directory\n"),
        ]
        for arguments, message in cases:
            with self.subTest(arguments=arguments):
                done = run("check", *arguments, cwd=self.folder)
                self.assertEqual((done.code, done.out), (2, ""))
                self.assertEqual(done.err[:len(message)], message)


if __name__ == "__main__":
    main()
