"""`gracekeeper explain`: exact numbers, and pictures that are well-formed."""

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

from gracekeeper import EXAMPLES, TestCase, main, run

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  template:
    metadata:
      annotations:
        linkerd.io/inject: enabled
        config.linkerd.io/proxy-enable-native-sidecar: "false"
    spec:
      terminationGracePeriodSeconds: 30
      containers:
      - name: web
        lifecycle:
          preStop:
            sleep:
              seconds: 5
"""
CONFIGURATION = ("apiVersion: gracekeeper.dev/v1alpha1\nkind: Configuration\n"
                 "sidecar:\n  native: false\n")
BUDGET = {"app": 15, "wait": 0, "grace": 120, "need": 135, "exactNeed": 120, "fits": False,
          "complete": True}
WEB = {"name": "web", "role": "app", "preStopEnd": 5, "sigterm": 5, "exit": 15, "sigkill": 30,
       "killed": False}
PROXY = {"name": "linkerd-proxy", "role": "proxy", "preStopEnd": 0, "sigterm": 0, "exit": 30,
         "sigkill": 30, "killed": True}


class Explain(TestCase):
    def explain(self, *arguments, input=DEPLOYMENT, code=0):
        done = run("explain", "-", "--format", "json", *arguments, input=input)
        self.assertEqual(done.code, code, done.err)
        return json.loads(done.out)["pods"]

    def test_the_contract(self):
        by_annotation, = self.explain()
        path = self.write("config.yaml", CONFIGURATION)
        by_configuration, = self.explain("--config", path, input=DEPLOYMENT.replace(
            '        config.linkerd.io/proxy-enable-native-sidecar: "false"\n', ""))
        for pod in (by_annotation, by_configuration):
            self.assertEqual(list(pod), [
                "object", "namespace", "terminationGracePeriodSeconds",
                "effectiveGracePeriodSeconds", "sidecar", "budget", "containers", "hazards",
                "advice"])
            self.assertEqual({k: v for k, v in pod.items() if k not in ("hazards", "advice")}, {
                "object": "Deployment/web", "namespace": "shop",
                "terminationGracePeriodSeconds": 30, "effectiveGracePeriodSeconds": 30,
                "sidecar": "classic", "budget": BUDGET, "containers": [WEB, PROXY]})
            self.assertEqual(list(pod["containers"][0]), list(WEB))
            self.assertEqual(list(pod["budget"]), list(BUDGET))
            hazards = [{k: v for k, v in h.items() if k != "cause"} for h in pod["hazards"]]
            self.assertEqual(hazards, [
                {"kind": "new-connections-refused", "from": 0, "to": 15, "containers": ["web"]},
                {"kind": "killed", "from": 30, "to": 30, "containers": ["linkerd-proxy"]}])
            for hazard in pod["hazards"]:
                self.assertTrue(hazard["cause"])
            self.assertEqual(pod["advice"][0]["option"], "native-sidecar")
            for advice in pod["advice"]:
                self.assertTrue(advice["text"])
                self.assertIsInstance(advice["annotations"], dict)

    def test_the_same_as_a_native_sidecar(self):
        pod, = self.explain(input=DEPLOYMENT.replace('"false"', '"true"'))
        self.assertEqual(pod["sidecar"], "native")
        self.assertEqual(pod["budget"], BUDGET | {"exactNeed": 135})
        self.assertEqual(pod["containers"], [WEB, PROXY | {"sigterm": 15}])
        self.assertEqual([h["kind"] for h in pod["hazards"]], ["killed"])

    def test_another_grace_period(self):
        pod, = self.explain("--grace-period", "10s")
        self.assertEqual((pod["terminationGracePeriodSeconds"],
                          pod["effectiveGracePeriodSeconds"]), (30, 10))
        self.assertEqual(pod["budget"], BUDGET)
        self.assertEqual(pod["containers"], [WEB | {"exit": 10, "sigkill": 10, "killed": True},
                                             PROXY | {"exit": 10, "sigkill": 10}])
        pod, = self.explain("--grace-period", "200")
        self.assertEqual(pod["budget"], BUDGET | {"fits": True})
        self.assertEqual(pod["containers"][1], PROXY | {"exit": 120, "sigkill": 200,
                                                        "killed": False})

    def test_another_time_of_the_application(self):
        for value in ("2.5s", "web=2500ms"):
            with self.subTest(value=value):
                pod, = self.explain("--app-shutdown", value)
                self.assertEqual(pod["budget"], BUDGET | {"app": 7.5, "need": 128})
                self.assertEqual(pod["containers"][0], WEB | {"exit": 7.5})

    def test_grace_periods_that_nobody_could_give_are_refused(self):
        for value in ("0", "0s", "-1s", "1500ms", "soon", ""):
            with self.subTest(value=value):
                done = run("explain", "-", "--grace-period", value, input=DEPLOYMENT)
                self.assertEqual((done.code, done.out), (2, ""))
                self.assertTrue(done.err.startswith("gracekeeper: --grace-period: "), done.err)
        done = run("explain", "-", "--grace-period", "0", input=DEPLOYMENT)
        self.assertEqual(done.err, "gracekeeper: --grace-period: expected at least 1 second, got "
                                   '"0"\n')
        done = run("explain", "-", "--app-shutdown", "soon", input=DEPLOYMENT)
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertTrue(done.err.startswith("gracekeeper: --app-shutdown: "), done.err)

    def test_one_object_of_many(self):
        two = DEPLOYMENT + "---\n" + DEPLOYMENT.replace("name: web", "name: other", 1)
        self.assertEqual([p["object"] for p in self.explain(input=two)],
                         ["Deployment/web", "Deployment/other"])
        self.assertEqual([p["object"] for p in self.explain("--object", "Deployment/other",
                                                            input=two)], ["Deployment/other"])
        done = run("explain", "-", "--object", "other", input=two)
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertEqual(done.err, 'gracekeeper: --object: the input has no pod "other"; write it '
                                   "as Kind/name\n")

    def test_every_workload_of_the_input_is_explained(self):
        namespace = ("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  annotations:\n"
                     "    config.linkerd.io/shutdown-grace-period: 7s\n")
        listed = "apiVersion: v1\nkind: List\nitems:\n- " + DEPLOYMENT.replace(
            "\n", "\n  ").rstrip() + "\n- kind: Service\n"
        job = """apiVersion: batch/v1
kind: CronJob
metadata: {generateName: nightly-}
spec:
  jobTemplate:
    spec:
      template:
        metadata: {annotations: {linkerd.io/inject: enabled,
                   config.linkerd.io/proxy-enable-native-sidecar: "false"}}
        spec: {containers: [{name: job}]}
"""
        pods = self.explain(input="---\n".join([listed, namespace, job]))
        self.assertEqual([(p["object"], p["namespace"], p["budget"]["grace"]) for p in pods],
                         [("Deployment/web", "shop", 7), ("CronJob/nightly-", "", 120)])
        never = [h for h in pods[1]["hazards"] if h["kind"] == "never-ends"]
        self.assertEqual([(h["from"], h["to"]) for h in never], [(0, None)])

    def test_the_text_has_every_number_that_counts(self):
        done = run("explain", EXAMPLES / "web-stated.yaml")
        self.assertEqual((done.code, done.err), (0, ""))
        for part in ("Deployment/web-stated in namespace shop",
                     "terminationGracePeriodSeconds 30 is too short: with the settings as they are "
                     "it must be 95.", "What to do (the best first)",
                     'config.linkerd.io/proxy-enable-native-sidecar: "true"'):
            self.assertIn(part, done.out)
        self.assertNotIn("\x1b", done.out)
        self.assertLessEqual(max(map(len, done.out.splitlines())), 100)

    def test_the_svg_is_one_well_formed_picture(self):
        done = run("explain", EXAMPLES / "web.yaml", "--format", "svg")
        self.assertEqual(done.code, 0, done.err)
        picture = ElementTree.fromstring(done.out)
        self.assertEqual(picture.tag, "{http://www.w3.org/2000/svg}svg")
        self.assertNotIn("<script", done.out)
        two = run("explain", EXAMPLES / "web.yaml", EXAMPLES / "web-stated.yaml", "--format", "svg")
        self.assertEqual((two.code, two.out), (2, ""))
        self.assertEqual(two.err, "gracekeeper: svg is one picture, and the input has 2 pods: "
                                  "choose one with --object Kind/name\n")

    def test_the_html_is_one_page_that_needs_nothing_else(self):
        nasty = DEPLOYMENT.replace("name: web\n        lifecycle",
                                   'name: "<script>alert(1)</script>&"\n        lifecycle')
        done = run("explain", "-", EXAMPLES / "web.yaml", EXAMPLES / "web-stated.yaml", "--format",
                   "html", input=nasty)
        self.assertEqual(done.code, 0, done.err)
        page = Page()
        page.feed(done.out)
        page.close()
        self.assertEqual(page.open, [])
        self.assertEqual(page.wrong, [])
        self.assertEqual(page.counts.get("svg"), 3)
        self.assertEqual(page.links, [])
        self.assertNotIn("<script>alert", done.out)
        self.assertTrue(done.out.startswith("<!DOCTYPE html>"))
        self.assertEqual(re.findall(r"url\(['\"]?[^#'\"]|@import", done.out), [])

    def test_input_errors_and_what_can_be_explained_all_the_same(self):
        done = run("explain", "-", "--format", "json", input=DEPLOYMENT + "---\na: [\n")
        self.assertEqual(done.code, 2)
        self.assertEqual([p["object"] for p in json.loads(done.out)["pods"]], ["Deployment/web"])
        self.assertTrue(done.err.startswith("gracekeeper: <stdin>:"), done.err)
        done = run("explain", "-", "--format", "json", input="kind: Service\n")
        self.assertEqual((done.code, json.loads(done.out)), (0, {"pods": []}))
        self.assertEqual(done.err, "gracekeeper: no pods in the input\n")


class Page(HTMLParser):
    """Elements that stay open or close out of turn, and what is loaded from elsewhere."""

    VOID = {"meta", "br", "hr", "img", "link", "input", "col", "wbr"}

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.links, self.counts = [], [], [], {}

    def handle_starttag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [value for name, value in attributes
                       if name in ("src", "href", "xlink:href") and not value.startswith("#")]

    def handle_startendtag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append((tag, self.getpos()))


if __name__ == "__main__":
    main()
