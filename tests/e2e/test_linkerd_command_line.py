"""`gracekeeper inject --annotate`, `inject --manual` and `uninject`: what Linkerd's own command line does."""

import json
import unittest

import yaml
from gracekeeper import Server, TestCase, apply_patch, main, patch_of, review, run

INJECT = "linkerd.io/inject"
OPAQUE = "config.linkerd.io/opaque-ports"
ADMIN = "config.linkerd.io/admin-port"
WAIT = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
VALUES = """
linkerdVersion: v1
identityTrustAnchorsPEM: |
  -----BEGIN CERTIFICATE-----
  MIIB
  -----END CERTIFICATE-----
"""
CHECKS = """
√ pods do not use host networking
√ pods do not have a 3rd party proxy or initContainer already injected
√ pods are not annotated to disable injection
√ at least one resource can be injected or annotated
√ pod specs do not include UDP ports
√ pods do not have automountServiceAccountToken set to "false" or service account token projection is enabled

deployment "web" injected

"""


def deployment(name="web", annotations=None, **spec):
    template = {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "example.org/app:1",
                                         "ports": [{"containerPort": 80}]}], **spec}}
    if annotations:
        template["metadata"]["annotations"] = annotations
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template}}


def service(port, **target):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"},
            "spec": {"ports": [{"port": port, **target}]}}


def documents(*objects):
    return yaml.safe_dump_all(objects)


def template_of(workload):
    return workload["spec"]["template"]


class Annotate(TestCase):
    def test_writes_the_annotations_and_nothing_else(self):
        done = run("inject", "--annotate", "--set", f"{ADMIN}=9990", "-",
                   input=documents(deployment()))
        self.assertEqual((done.code, done.err), (0, '\ndeployment "web" injected\n\n'))
        self.assertEqual(yaml.safe_load(done.out),
                         deployment(annotations={INJECT: "enabled", ADMIN: "9990"}))

    def test_ingress_takes_the_place_of_enabled(self):
        done = run("inject", "--annotate", "--set", f"{INJECT}=ingress", "-",
                   input=documents(deployment()))
        self.assertEqual(yaml.safe_load(done.out), deployment(annotations={INJECT: "ingress"}))

    def test_namespaces_are_annotated_and_services_only_with_their_ports(self):
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
        done = run("inject", "--annotate", "-", input=documents(space, service(80), config))
        self.assertEqual(done.err, '\nnamespace "shop" annotated\nservice "db" skipped\n'
                         'configmap "c" skipped\n\n')
        space["metadata"]["annotations"] = {INJECT: "enabled"}
        self.assertEqual(list(yaml.safe_load_all(done.out)), [space, service(80), config])
        done = run("inject", "--annotate", "--set", f"{OPAQUE}=80", "-", input=documents(service(80)))
        self.assertEqual(done.err, '\nservice "db" annotated\n\n')
        self.assertEqual(yaml.safe_load(done.out)["metadata"]["annotations"], {OPAQUE: "80"})

    def test_nothing_supported_is_a_warning(self):
        done = run("inject", "--annotate", "-",
                   input="kind: ConfigMap\nmetadata: {name: c}\n---\n\n---\na: b\n")
        self.assertEqual((done.code, done.err), (0, (
            '\n‼ no supported objects found\n\nconfigmap "c" skipped\n'
            'document missing "kind" field, skipped\ndocument missing "kind" field, skipped\n\n')))

    def test_control_plane_components_need_manual(self):
        workload = deployment()
        template_of(workload)["metadata"]["labels"]["linkerd.io/control-plane-component"] = "identity"
        done = run("inject", "--annotate", "-", input=documents(workload))
        self.assertEqual((done.code, done.out, done.err), (
            1, "", "Error transforming resources:\n"
            "--manual must be set when injecting control plane components\n"))


class Manual(TestCase):
    def setUp(self):
        super().setUp()
        self.values = self.write("values.yaml", VALUES)

    def inject(self, *objects, arguments=()):
        return run("inject", "--manual", "--linkerd-values", self.values, *arguments, "-",
                   input=documents(*objects))

    def test_injects_without_being_asked_and_says_for_whom(self):
        done = self.inject(deployment(), arguments=("--created-by", "me 1", "--verbose"))
        self.assertEqual((done.code, done.err), (0, CHECKS))
        template = template_of(yaml.safe_load(done.out))
        self.assertEqual([c["name"] for c in template["spec"]["initContainers"]],
                         ["linkerd-init", "linkerd-proxy"])
        self.assertEqual(template["metadata"]["labels"], {
            "app": "web", "linkerd.io/control-plane-ns": "linkerd",
            "linkerd.io/proxy-deployment": "web", "linkerd.io/workload-ns": ""})
        self.assertEqual(template["metadata"]["annotations"]["linkerd.io/created-by"], "me 1")
        self.assertEqual(template["metadata"]["annotations"]["linkerd.io/proxy-version"], "v1")

    def test_settings_reach_the_proxy_and_are_written_on_the_pod(self):
        done = self.inject(deployment(), arguments=("--set", f"{WAIT}=7", "--set", f"{ADMIN}=9990"))
        template = template_of(yaml.safe_load(done.out))
        proxy = template["spec"]["containers"][0]
        self.assertEqual(proxy["name"], "linkerd-proxy")
        self.assertEqual(proxy["lifecycle"]["preStop"], {"sleep": {"seconds": 7}})
        self.assertEqual(proxy["readinessProbe"]["httpGet"]["port"], 9990)
        self.assertEqual(template["metadata"]["annotations"][WAIT], "7")
        self.assertEqual(template["metadata"]["annotations"][ADMIN], "9990")

    def test_the_pods_own_annotation_holds_for_the_proxy(self):
        done = self.inject(deployment(annotations={ADMIN: "9991"}),
                           arguments=("--set", f"{ADMIN}=9990"))
        template = template_of(yaml.safe_load(done.out))
        self.assertEqual(template["spec"]["initContainers"][1]["readinessProbe"]["httpGet"]["port"],
                         9991)

    def test_a_second_time_changes_nothing(self):
        once = self.inject(deployment())
        twice = run("inject", "--manual", "--linkerd-values", self.values, "-", input=once.out)
        self.assertEqual((twice.code, twice.out), (0, once.out))

    def test_uninject_gives_back_the_input(self):
        for kind in (deployment(), deployment(annotations={ADMIN: "9991"})):
            with self.subTest(kind=kind):
                done = run("uninject", "-", input=self.inject(kind).out)
                self.assertEqual((done.code, done.err), (0, '\ndeployment "web" uninjected\n\n'))
                self.assertEqual(yaml.safe_load(done.out), kind)

    def test_nothing_of_an_injection_with_everything_stays(self):
        self.write("values.yaml", VALUES + "cniEnabled: true\n"
                   "proxy: {tracing: {enabled: true, collector: {endpoint: 'c:1'}}}\n")
        debug = ("--set", "config.linkerd.io/enable-debug-sidecar=true")
        once = self.inject(deployment(), arguments=debug)
        self.assertEqual((once.code, once.err), (0, '\ndeployment "web" injected\n\n'))
        spec = template_of(yaml.safe_load(once.out))["spec"]
        self.assertEqual([c["name"] for c in spec["initContainers"] + spec["containers"]],
                         ["linkerd-network-validator", "linkerd-proxy", "app", "linkerd-debug"])
        self.assertIn("linkerd-podinfo", [volume["name"] for volume in spec["volumes"]])
        twice = run("inject", "--manual", *debug, "--linkerd-values", self.values, "-",
                    input=once.out)
        self.assertEqual((twice.code, twice.out), (0, once.out))
        done = run("uninject", "-", input=once.out)
        self.assertEqual(yaml.safe_load(done.out), deployment(
            annotations={"config.linkerd.io/enable-debug-sidecar": "true"}))

    def test_a_list_is_injected_item_by_item(self):
        whole = {"apiVersion": "v1", "kind": "List",
                 "items": [deployment("a"), None, deployment("b", {INJECT: "disabled"})]}
        done = self.inject(whole)
        self.assertEqual(done.err, '\n‼ "linkerd.io/inject: disabled" annotation set on deployment/b\n\n'
                         'deployment "a" injected\ndocument missing "kind" field, skipped\n'
                         'deployment "b" skipped\n\n')
        items = yaml.safe_load(done.out)["items"]
        self.assertIn("initContainers", template_of(items[0])["spec"])
        self.assertEqual(items[1:], whole["items"][1:])

    def test_what_cannot_be_injected_is_an_error_and_nothing_is_printed(self):
        udp = deployment("dns", hostNetwork=True)
        template_of(udp)["spec"]["containers"][0]["ports"][0]["protocol"] = "UDP"
        tokenless = deployment("safe", automountServiceAccountToken=False)
        istio = deployment("mesh")
        template_of(istio)["spec"]["containers"].append({"name": "istio-proxy", "image": "x"})
        self.write("values.yaml", VALUES + "identity: {serviceAccountTokenProjection: false}\n")
        done = self.inject(deployment(), udp, tokenless, istio)
        self.assertEqual((done.code, done.out, done.err), (1, "", (
            "Error transforming resources:\n"
            "failed to inject deployment/dns: hostNetwork is enabled, UDP port(s) configured on pod spec\n"
            "failed to inject deployment/safe: automountServiceAccountToken set to \"false\", with "
            "Values.identity.serviceAccountTokenProjection set to \"false\"\n"
            "failed to inject deployment/mesh: pod has a sidecar injected already\n")))

    def test_a_proxy_that_is_kept_is_an_error(self):
        once = self.inject(deployment())
        done = run("inject", "--manual", "--keep-proxy", "--linkerd-values", self.values, "-",
                   input=once.out)
        self.assertEqual((done.code, done.out, done.err), (
            1, "", "Error transforming resources:\n"
            "failed to inject deployment/web: pod has a sidecar injected already\n"))

    def test_values_without_trust_anchors_are_remarked(self):
        done = run("inject", "--manual", "-", input=documents(deployment()))
        self.assertEqual(done.err, (
            "gracekeeper: warning: Linkerd's values have no identityTrustAnchorsPEM "
            '(--linkerd-values): the injected proxy cannot start\n\ndeployment "web" injected\n\n'))


class Usage(TestCase):
    def test_settings_that_cannot_be_used_are_refused_all_at_once(self):
        done = run("inject", "--annotate", "--set", "config.linkerd.io/admn-port=1",
                   "--set", "config.linkerd.io/admin-port=x", "--set", f"{INJECT}=disabled", "-",
                   input=documents(deployment()))
        self.assertEqual((done.code, done.out, done.err), (2, "", (
            "gracekeeper: --set config.linkerd.io/admn-port: not an annotation of Linkerd's "
            "configuration; did you mean config.linkerd.io/admin-port?\n"
            "gracekeeper: --set linkerd.io/inject=disabled: expected enabled or ingress, which ask "
            "for a proxy\n"
            'gracekeeper: --set config.linkerd.io/admin-port=x: "x" is not a port: write a number '
            'from 1 to 65535, such as "4191"\n')))

    def test_options_that_would_do_nothing_are_refused(self):
        for arguments, message in (
                (("--set", f"{ADMIN}=1"), "--set requires --annotate or --manual"),
                (("--keep-proxy",), "--keep-proxy requires --annotate or --manual"),
                (("--verbose",), "--verbose requires --annotate or --manual"),
                (("--annotate", "--created-by", "me"), "--created-by requires --manual"),
                (("--manual", "--on-shortfall", "warn"),
                 "--on-shortfall excludes --annotate and --manual, which check nothing"),
                (("--manual", "--annotate"), "excludes")):
            with self.subTest(arguments=arguments):
                done = run("inject", *arguments, "-", input=documents(deployment()))
                self.assertEqual((done.code, done.out), (2, ""))
                self.assertIn(message, done.err)

    def test_unreadable_input_is_an_error_of_its_own(self):
        done = run("uninject", "-", input="a: 1\na: 2\n")
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertTrue(done.err.startswith("Error transforming resources:\n<stdin>:2:1: "), done.err)


class KindsThatLinkerdDoesNotKnow(TestCase):
    """`inject` gives their pods what the webhook would; Linkerd's command line passes them over."""

    def things(self, **spec):
        for version, kind in (("argoproj.io/v1alpha1", "Rollout"),
                              ("apps.openshift.io/v1", "DeploymentConfig"), ("v1", "PodTemplate")):
            thing = deployment("web", {INJECT: "enabled"}, **spec) | {
                "apiVersion": version, "kind": kind}
            if kind == "PodTemplate":
                thing["template"] = thing.pop("spec")["template"]
            yield kind, documents(thing)

    def test_they_are_skipped(self):
        # What is wrong in them is none of Linkerd's business either.
        for grace in (30, "30"):
            for kind, text in self.things(terminationGracePeriodSeconds=grace):
                for option in ("--annotate", "--manual"):
                    with self.subTest(kind=kind, option=option, grace=grace):
                        done = run("inject", option, "-", input=text)
                        self.assertEqual((done.code, done.out), (0, text), done.err)
                        self.assertIn(f'{kind.lower()} "web" skipped\n', done.err)

    def test_inject_there_and_back(self):
        for kind, text in self.things(terminationGracePeriodSeconds=300):
            with self.subTest(kind=kind):
                once = run("inject", "-", input=text).out
                self.assertIn("linkerd-proxy", once)
                self.assertEqual(run("inject", "-", input=once).out, once)
                back = yaml.safe_load(run("uninject", "-", input=once).out)
                self.assertNotIn("linkerd-proxy", json.dumps(back))


class Uninject(TestCase):
    def test_settings_and_a_refusal_stay(self):
        annotations = {INJECT: "disabled", ADMIN: "9990"}
        workload = deployment(annotations={**annotations, "linkerd.io/created-by": "x"})
        workload["metadata"]["labels"] = {"linkerd.io/control-plane-ns": "linkerd"}
        done = run("uninject", "-", input=documents(workload))
        self.assertEqual(yaml.safe_load(done.out), deployment(annotations=annotations))

    def test_what_is_not_injected_is_printed_word_for_word(self):
        text = "# a comment\n" + documents(deployment(annotations={INJECT: "disabled"}))
        done = run("uninject", "-", input=text)
        self.assertEqual((done.code, done.out, done.err), (0, text, '\ndeployment "web" skipped\n\n'))

    def test_the_metadata_of_the_control_plane_stays(self):
        workload = deployment()
        labels = template_of(workload)["metadata"]["labels"]
        labels.update({"linkerd.io/control-plane-component": "identity", "linkerd.io/x": "y"})
        done = run("uninject", "-", input=documents(workload))
        self.assertEqual(yaml.safe_load(done.out), workload)


class OpaquePorts(TestCase):
    """The webhook tells clients which ports are opaque, where no proxy is injected too."""

    def test_services_and_pods_without_a_proxy(self):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "db"},
               "spec": {"containers": [{"name": "db", "image": "x",
                                        "ports": [{"containerPort": 3306}, {"containerPort": 80}]}]}}
        own = service(3306)
        own["metadata"]["annotations"] = {OPAQUE: "1"}
        with Server() as server:
            for thing, ports in ((service(3306), "3306"), (service(80, targetPort=3306), "80"),
                                 (service(3306, targetPort="mysql"), None), (service(80), None),
                                 (own, None), (pod, "3306")):
                with self.subTest(thing=thing):
                    answer = server.review("/mutate", review(thing))
                    self.assertTrue(answer["allowed"])
                    if ports is None:
                        self.assertNotIn("patch", answer)
                        continue
                    changed = apply_patch(thing, patch_of(answer))
                    self.assertEqual(changed["metadata"].pop("annotations"), {OPAQUE: ports})
                    self.assertEqual(changed, thing)


if __name__ == "__main__":
    main()
