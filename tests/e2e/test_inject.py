"""`gracekeeper inject`: manifests in, manifests out, and nothing lost on the way."""

import json

import yaml
from gracekeeper import EXAMPLES, TestCase, apply_patch, main, run

SERVICE = """# The front door.
apiVersion: v1
kind: Service   # odd spacing is kept
metadata: {name:   "s", labels: {a: 'b'}}
spec:

  ports:
    -   port: 080   # and so is what nobody else would write
"""
DEPLOYMENT = """# Shipped on Fridays.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels:
    version: "1.10"
    "on": "yes"
spec:
  template:
    metadata:
      annotations:
        linkerd.io/inject: enabled
        config.alpha.linkerd.io/proxy-wait-before-exit-seconds: "15"
        example.com/note: |
          two
          lines
    spec:
      terminationGracePeriodSeconds: 300
      containers:
      - name: web
        image: example/web:1.0
        args: ["-c", "0x10", "1e3", "~", "null", "2026-01-31", "a: b", "# no comment", ""]
        lifecycle: {preStop: {sleep: {seconds: 5}}}
"""
POD = """apiVersion: v1
kind: Pod
metadata:
  name: p
  namespace: shop
  annotations: {linkerd.io/inject: enabled}
spec:
  terminationGracePeriodSeconds: 300
  containers: [{name: app}]
"""
REFUSED = POD.replace("300", "30").replace("enabled}",
                                           "enabled, config.linkerd.io/shutdown-grace-period: 60s}")


DATABASE = """apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {ports: [{port: 3306}, {port: 80}]}
"""


def names(pod_spec, key="containers"):
    return [container["name"] for container in pod_spec.get(key, [])]


def apply_hunks(text, diff):
    """What a unified diff makes of a text; fails where it does not fit."""
    before, after, place = text.splitlines(True), [], 0
    for line in diff.splitlines(True):
        sign, rest = line[0], line[1:]
        if sign == "@":
            start = int(line.split()[1][1:].split(",")[0]) - 1
            after += before[place:start]
            place = start
        elif sign == "+":
            after.append(rest)
        else:
            assert before[place] == rest, f"line {place + 1}: {before[place]!r}, not {rest!r}"
            place += 1
            if sign == " ":
                after.append(rest)
    return "".join(after + before[place:])


def documents(text):
    return list(yaml.safe_load_all(text))


class Inject(TestCase):
    def inject(self, text, code=0, *arguments):
        done = run("inject", "-", *arguments, input=text)
        self.assertEqual(done.code, code, done.err)
        return done.out

    def test_a_deployment_gets_the_proxy_in_its_template(self):
        before, = documents(DEPLOYMENT)
        after, = documents(self.inject(DEPLOYMENT))
        template = after["spec"]["template"]
        self.assertEqual(names(template["spec"]), ["linkerd-proxy", "web"])
        self.assertEqual(names(template["spec"], "initContainers"), ["linkerd-init"])
        self.assertEqual(template["spec"]["containers"][0]["lifecycle"]["preStop"],
                         {"sleep": {"seconds": 15}})
        # Everything that was there is there, with the same types.
        self.assertEqual(template["spec"]["containers"][1],
                         before["spec"]["template"]["spec"]["containers"][0])
        self.assertEqual(after["metadata"], before["metadata"])
        for key, value in before["spec"]["template"]["metadata"]["annotations"].items():
            self.assertEqual(template["metadata"]["annotations"][key], value)

    def test_untouched_documents_stay_as_they_are_to_the_byte(self):
        out = self.inject("---\n".join([SERVICE, DEPLOYMENT, SERVICE]))
        self.assertEqual(out[:len(SERVICE)], SERVICE)
        self.assertEqual(out[-len(SERVICE):], SERVICE)
        self.assertEqual(out.split("---\n")[0::2], [SERVICE, SERVICE])
        for text in (SERVICE, POD.replace("enabled", "disabled"), "---\n".join([SERVICE, SERVICE])):
            self.assertEqual(self.inject(text), text)

    def test_a_list_keeps_its_other_items(self):
        items = [SERVICE.replace("080", "80"), POD, DEPLOYMENT, SERVICE.replace("080", "81")]
        text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
            "- " + item.split("\n", 1)[1].replace("\n", "\n  ").rstrip() + "\n"
            if item.startswith("#") else "- " + item.replace("\n", "\n  ").rstrip() + "\n"
            for item in items)
        before, = documents(text)
        after, = documents(self.inject(text))
        self.assertEqual(len(after["items"]), 4)
        self.assertEqual(after["items"][0], before["items"][0])
        self.assertEqual(after["items"][3], before["items"][3])
        alone, = documents(self.inject(POD))
        self.assertEqual(after["items"][1], alone)
        alone, = documents(self.inject(DEPLOYMENT))
        self.assertEqual(after["items"][2], alone)

    def test_yaml_and_json_say_the_same(self):
        for text in (POD, DEPLOYMENT):
            value, = documents(text)
            from_json = self.inject(json.dumps(value))
            self.assertEqual(json.loads(from_json), documents(self.inject(text))[0])

    def test_injecting_again_changes_nothing(self):
        for mode in ("deny", "warn", "raise", "fit"):
            for text in (DEPLOYMENT, POD, DATABASE, (EXAMPLES / "web.yaml").read_text(),
                         "---\n".join([SERVICE, POD, DEPLOYMENT])):
                with self.subTest(mode=mode, text=text[:60]):
                    once = self.inject(text, 0, "--on-shortfall", mode)
                    self.assertEqual(self.inject(once, 0, "--on-shortfall", mode), once)

    def test_the_diff_leads_from_what_was_there_to_what_is_printed(self):
        # Its own output is in the form that the diff compares; raising T is one line of it.
        text = run("inject", EXAMPLES / "web.yaml").out
        text = text[text.index("apiVersion:"):]
        self.write("web.yaml", text)
        shown = run("inject", "web.yaml", "--diff", "--on-shortfall", "raise", cwd=self.folder)
        self.assertEqual(shown.code, 0, shown.err)
        head, hunks = shown.out.split("\n@@ ", 1)
        self.assertEqual(head, "--- web.yaml:1\n+++ web.yaml:1 (injected)\t")
        written = run("inject", "web.yaml", "--on-shortfall", "raise", cwd=self.folder)
        self.assertEqual(apply_hunks(text, "@@ " + hunks), written.out)
        self.assertEqual([line for line in hunks.splitlines()[1:] if line[0] in "+-"],
                         ["-      terminationGracePeriodSeconds: 30",
                          "+      terminationGracePeriodSeconds: 155"])
        self.assertEqual(written.err, shown.err)
        self.assertEqual(run("inject", "--diff", self.write("s.yaml", SERVICE)).out, "")

    def test_a_refused_pod_is_printed_as_it_was(self):
        reason = ("refused, left as it is: GK001 grace-too-short: terminationGracePeriodSeconds 30 "
                  "is less than 70 = app 10 (container app: preStop 0 + shutdown 10) + wait 0 "
                  "(native sidecar) + grace 60 (annotation). Set terminationGracePeriodSeconds to "
                  "70 or more, or shorten the proxy's grace with "
                  "config.linkerd.io/shutdown-grace-period: 20s.\n")
        done = run("inject", "-", input=REFUSED)
        self.assertEqual((done.code, done.out, done.err),
                         (1, REFUSED, "<stdin>:1: Pod/p: " + reason))
        # The others are injected all the same.
        done = run("inject", "-", input=REFUSED + "---\n" + POD.replace("name: p", "name: other"))
        self.assertEqual(done.code, 1)
        refused, injected = documents(done.out)
        self.assertEqual(refused, documents(REFUSED)[0])
        self.assertNotEqual(injected["spec"], documents(POD)[0]["spec"])

    def test_raise_and_fit_are_seen_in_the_manifest(self):
        raised, = documents(self.inject(REFUSED, 0, "--on-shortfall", "raise"))
        self.assertEqual(raised["spec"]["terminationGracePeriodSeconds"], 70)
        fitted, = documents(self.inject(REFUSED, 0, "--on-shortfall", "fit"))
        self.assertEqual(fitted["spec"]["terminationGracePeriodSeconds"], 30)
        proxy = fitted["spec"]["initContainers"][-1]
        self.assertEqual(proxy["name"], "linkerd-proxy")
        self.assertIn({"name": "LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD", "value": "20000ms"},
                      proxy["env"])

    def test_the_hook_follows_the_kubernetes_version(self):
        for version, hook in (("1.34", {"sleep": {"seconds": 15}}),
                              ("1.30", {"sleep": {"seconds": 15}}),
                              ("1.29", {"exec": {"command": ["/bin/sleep", "15"]}})):
            with self.subTest(version=version):
                after, = documents(self.inject(DEPLOYMENT, 0, "--kubernetes-version", version))
                proxy = after["spec"]["template"]["spec"]["containers"][0]
                self.assertEqual(proxy["lifecycle"]["preStop"], hook)

    def test_a_namespace_in_the_input_asks_for_the_proxy(self):
        namespace = ("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n"
                     "  annotations: {linkerd.io/inject: enabled}\n")
        pod = POD.replace("  annotations: {linkerd.io/inject: enabled}\n", "")
        self.assertEqual(self.inject(pod), pod)
        first, second = documents(self.inject(pod + "---\n" + namespace))
        self.assertEqual(names(first["spec"], "initContainers"), ["linkerd-init", "linkerd-proxy"])
        self.assertEqual(second, documents(namespace)[0])

    def test_numbers_beyond_64_bits_stay_as_they_are(self):
        numbers = ("99999999999999999999", "-99999999999999999999", "18446744073709551616",
                   "18446744073709551615", "9" * 40)
        for number in numbers:
            with self.subTest(number=number):
                text = POD + f"  custom: {{big: {number}, l: [{number}], float: 1.5}}\n"
                once = self.inject(text)
                self.assertIn("linkerd-proxy", once)
                self.assertIn(f"  custom:\n    big: {number}\n    l:\n      - {number}\n"
                              "    float: 1.5\n", once)
                self.assertEqual(self.inject(once), once)
                diff = self.inject(text, 0, "--diff")
                self.assertEqual([line for line in diff.splitlines() if number in line],
                                 [line for line in diff.splitlines() if line[0] == " " and
                                  number in line])
                # JSON, and a document that YAML cannot hold but in its flow form.
                value, = documents(POD)
                value["custom"] = {"big": "N", "empty": [{}, []], "s": "\uffff\"N"}
                json_text = json.dumps(value).replace('"N"', number, 1)
                printed = self.inject(json_text)
                self.assertIn(f'"big": {number},\n', printed)
                again = json.loads(printed)
                self.assertEqual(again["custom"], {**value["custom"], "big": int(number)})
                self.assertEqual(self.inject(printed), printed)
                self.assertIn("linkerd-proxy",
                              self.inject("# YAML\n" + json_text.replace("{", "{ ", 1)))
                manual = run("inject", "--manual", "-", input=text)
                self.assertIn(f"    big: {number}\n", manual.out, manual.err)

    def test_a_service_gets_its_opaque_ports(self):
        before, = documents(DATABASE)
        after, = documents(self.inject(DATABASE))
        self.assertEqual(after.pop("spec"), before["spec"])
        self.assertEqual(after["metadata"].pop("annotations"),
                         {"config.linkerd.io/opaque-ports": "3306"})
        self.assertEqual(after, {key: before[key] for key in ("apiVersion", "kind", "metadata")})
        # In a List the item alone changes; the Namespace's ports come before the default ones.
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": "shop", "annotations": {"config.linkerd.io/opaque-ports": "9000"}}}
        items = [before, documents(SERVICE.replace("080", "80"))[0], namespace]
        listed = json.loads(self.inject(json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": items})))["items"]
        self.assertEqual(listed[0]["metadata"]["annotations"],
                         {"config.linkerd.io/opaque-ports": "9000"})
        self.assertEqual(listed[1:], items[1:])

    def test_the_diff_of_a_service(self):
        done = run("inject", "--diff", "-", input=DATABASE)
        self.assertEqual([line for line in done.out.splitlines()[2:] if line[0] in "+-"],
                         ["+  annotations:", "+    config.linkerd.io/opaque-ports: '3306'"])

    def test_as_linkerd_a_service_is_left_alone(self):
        for option in ("--annotate", "--manual"):
            with self.subTest(option=option):
                self.assertEqual(run("inject", option, "-", input=DATABASE).out, DATABASE)

    def test_bad_input_gives_no_output(self):
        for name, text, place in (("no YAML", POD + "---\na: [\n", "<stdin>:12:1"),
                                  ("a wrong type", POD.replace("300", '"300"'), "<stdin>:8:34"),
                                  ("a duplicate key", POD + "kind: Pod\n", "<stdin>:10:1")):
            for arguments in ((), ("--diff",)):
                with self.subTest(name=name, arguments=arguments):
                    done = run("inject", "-", *arguments, input=text)
                    self.assertEqual((done.code, done.out), (2, ""))
                    self.assertIn(f"gracekeeper: {place}: ", done.err)
        done = run("inject", "none.yaml", cwd=self.folder)
        self.assertEqual((done.code, done.out, done.err),
                         (2, "", "gracekeeper: none.yaml: No such file or directory\n"))

    def test_files_and_folders_follow_each_other(self):
        self.write("in/b.yaml", POD)
        self.write("in/a.yml", SERVICE)
        self.write("c.json", json.dumps(documents(POD)[0]))
        done = run("inject", "in", "c.json", cwd=self.folder)
        self.assertEqual(done.code, 0, done.err)
        found = documents(done.out)
        self.assertEqual([d["kind"] for d in found], ["Service", "Pod", "Pod"])
        self.assertEqual(found[1], found[2])
        self.assertEqual(done.out[:len(SERVICE)], SERVICE)


class Applier(TestCase):
    """The tests trust apply_patch: so it is tested."""

    def test_operations(self):
        document = {"a/b": [1, 2], "m~n": {"k": 1}}
        self.assertEqual(apply_patch(document, [
            {"op": "add", "path": "/a~1b/1", "value": 9}, {"op": "add", "path": "/a~1b/-", "value": 3},
            {"op": "replace", "path": "/m~0n/k", "value": 2}, {"op": "remove", "path": "/a~1b/0"},
            {"op": "add", "path": "/new", "value": {}}]),
            {"a/b": [9, 2, 3], "m~n": {"k": 2}, "new": {}})
        self.assertEqual(document, {"a/b": [1, 2], "m~n": {"k": 1}})

    def test_what_does_not_apply(self):
        for path, name in (("/x/y", "add"), ("/x", "remove"), ("/x", "replace"), ("/l/2", "add"),
                           ("/l/1", "remove"), ("/l/-1", "add"), ("/l/01", "add"), ("/l/0", "test")):
            with self.subTest(path=path, name=name), self.assertRaises((ValueError, KeyError)):
                apply_patch({"l": [0]}, [{"op": name, "path": path, "value": 1}])


if __name__ == "__main__":
    main()
