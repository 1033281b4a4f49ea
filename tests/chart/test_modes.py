"""Certificates three ways, values that contradict each other, what helm says at the end, and `helm test`."""

import pathlib
import shutil
import tempfile
import unittest

from chart import CHART, TestCase, render
from test_values import FILES, PEM, PEM_BASE64, argument

CERT_MANAGER = {"certificates": {"mode": "cert-manager"}}
NAMES = ["gracekeeper.gracekeeper.svc", "gracekeeper.gracekeeper.svc.cluster.local",
         "gracekeeper.gracekeeper"]


class Certificates(TestCase):
    def ca_bundles(self, objects):
        return {w["clientConfig"].get("caBundle") for w in objects.webhooks.values()}

    def test_self_managed_leaves_the_bundle_to_the_program(self):
        objects = render()
        self.assertEqual(self.ca_bundles(objects), {None})
        self.assertEqual(argument("--certificate-secret")(objects), "gracekeeper/gracekeeper-tls")
        self.assertEqual([v["name"] for v in objects.pod["volumes"]], ["config"])

    def test_cert_manager_makes_a_ca_and_a_certificate_and_writes_the_bundle(self):
        objects = render(CERT_MANAGER)
        specs = {c["metadata"]["name"]: c["spec"] for c in objects.all("Certificate")}
        issuers = {i["metadata"]["name"]: i["spec"] for i in objects.all("Issuer")}
        self.assertEqual(issuers, {"gracekeeper-selfsigned": {"selfSigned": {}},
                                   "gracekeeper-ca": {"ca": {"secretName": "gracekeeper-ca"}}})
        self.assertEqual(specs["gracekeeper-ca"]["issuerRef"],
                         {"name": "gracekeeper-selfsigned", "kind": "Issuer"})
        self.assertIs(specs["gracekeeper-ca"]["isCA"], True)
        self.assertEqual(specs["gracekeeper-ca"]["secretName"], "gracekeeper-ca")
        leaf = specs["gracekeeper"]
        self.assertEqual((leaf["issuerRef"], leaf["dnsNames"], leaf["secretName"]),
                         ({"name": "gracekeeper-ca", "kind": "Issuer"}, NAMES, "gracekeeper-tls"))
        self.assertEqual([v["secret"] for v in objects.pod["volumes"] if v["name"] == "tls"],
                         [{"secretName": "gracekeeper-tls"}])
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            self.assertEqual(objects.one(kind)["metadata"]["annotations"],
                             {"cert-manager.io/inject-ca-from": "gracekeeper/gracekeeper"})
        self.assertEqual(self.ca_bundles(objects), {None})

    def test_files_takes_a_secret_and_a_bundle(self):
        objects = render(FILES)
        self.assertEqual(self.ca_bundles(objects), {PEM_BASE64})
        self.assertEqual([v["secret"] for v in objects.pod["volumes"] if v["name"] == "tls"],
                         [{"secretName": "given"}])
        self.assertEqual(objects.all("Secret") + objects.all("Certificate"), [])


class Contradictions(TestCase):
    ROWS = [
        ({"webhooks": {"mutate": {"enabled": False}, "validate": {"enabled": False}}},
         "webhooks.mutate.enabled and webhooks.validate.enabled are both false: nothing would ever"
         " call the program"),
        ({"linkerdConfig": {"enabled": True}, "config": {"linkerd": {}}},
         "linkerdConfig.enabled and config.linkerd exclude each other: Linkerd's settings come from"
         " its ConfigMap or from the values"),
        # Its file would be the configuration's.
        ({"sidecarProfiles": {"config": {"container": "a"}}}, "invalid propertyName 'config'"),
        ({"ports": {"webhook": 8443, "management": 8443}},
         "ports.webhook and ports.management must differ"),
        ({"autoscaling": {"enabled": True, "minReplicas": 7}},
         "autoscaling.minReplicas is more than autoscaling.maxReplicas"),
        ({"certificates": {"mode": "files", "files": {"caBundle": PEM}}},
         "certificates.files.secretName: the name of a Secret with tls.crt and tls.key is needed"
         " when certificates.mode is files"),
        ({"certificates": {"mode": "files", "files": {"secretName": "given"}}},
         "certificates.files.caBundle: the CA's PEM is needed when certificates.mode is files"),
    ]

    def test_they_are_refused(self):
        for values, message in self.ROWS:
            with self.subTest(message):
                self.refused(values, message)


class OnlyAnnotatedPods(TestCase):
    def expression(self, values):
        webhook = render(values).mutate["pods.mutate.gracekeeper.dev"]
        return webhook["matchConditions"][1]["expression"]

    def test_profiles_add_their_annotations_and_containers(self):
        values = {"webhooks": {"onlyAnnotatedPods": True}}
        plain = self.expression(values)
        self.assertIn('c.name in ["linkerd-proxy"]', plain)
        self.assertNotIn("key in", plain)
        profiled = self.expression({**values, "sidecarProfiles": {"envoy": {
            "container": "proxy", "native": True, "inject": {"annotation": "example.com/inject"},
            "wait": {"annotation": "example.com/wait"}}}})
        self.assertEqual(profiled.count('c.name in ["linkerd-proxy","proxy"]'), 2)
        self.assertIn('|| key in ["example.com/inject","example.com/wait"])', profiled)


class Notes(TestCase):
    """NOTES.txt is shown by a real installation only; a copy of the chart has it as an object too."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="gracekeeper-chart-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.chart = cls.folder / "gracekeeper"
        shutil.copytree(CHART, cls.chart)
        shutil.copy(CHART / "templates" / "NOTES.txt", cls.chart / "notes.txt")
        (cls.chart / "templates" / "notes.yaml").write_text(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: notes\ndata:\n"
            '  text: {{ tpl (.Files.Get "notes.txt") . | quote }}\n')

    def notes(self, values, **options):
        return render(values, chart=self.chart, **options).one("ConfigMap", "notes")["data"]["text"]

    ROWS = [
        ({"replicas": 1}, "WARNING: with one replica the webhook is away whenever its node is."),
        ({"autoscaling": {"enabled": True, "minReplicas": 1}},
         "WARNING: with one replica the webhook is away whenever its node is."),
        ({"webhooks": {"mutate": {"failurePolicy": "Fail"}}},
         "WARNING: webhooks.mutate.failurePolicy is Fail: while no replica answers, no pod starts in"
         " any namespace that is looked at."),
        ({"webhooks": {"validate": {"failurePolicy": "Fail"}}},
         "WARNING: webhooks.validate.failurePolicy is Fail: while no replica answers, pods and"
         " workloads cannot be created there."),
        ({"webhooks": {"timeoutSeconds": 11}},
         "WARNING: webhooks.timeoutSeconds is 11: a replica that hangs holds up each pod for that"
         " long."),
        ({"networkPolicy": {"enabled": True}, "hostNetwork": True},
         "WARNING: networkPolicy.enabled has no effect on pods of the host's network."),
        ({"podDisruptionBudget": {"enabled": False}},
         "WARNING: without a PodDisruptionBudget a drain may take all replicas at a time."),
        ({"webhooks": {"onlyAnnotatedPods": True}},
         "NOTE: webhooks.onlyAnnotatedPods leaves out pods that get their settings from a"
         " Namespace's annotations."),
    ]

    def test_risky_values_are_warned_of_and_the_defaults_are_not(self):
        quiet = self.notes({})
        self.assertNotIn("WARNING", quiet)
        for values, text in self.ROWS:
            with self.subTest(text):
                self.assertNotIn(text, quiet)
                self.assertIn(text, self.notes(values))
        self.assertIn("WARNING: the release's own namespace is always left out",
                      self.notes({}, namespace="default"))

    def test_harmless_values_are_not(self):
        for values in ({"webhooks": {"timeoutSeconds": 10}},
                       {"autoscaling": {"enabled": True}, "replicas": 1},
                       {"webhooks": {"mutate": {"enabled": False, "failurePolicy": "Fail"}}}):
            with self.subTest(values):
                self.assertNotIn("WARNING", self.notes(values))

    def test_missing_settings_of_linkerd_are_remarked_on(self):
        remark = "NOTE: no settings of Linkerd are given"
        self.assertIn(remark, self.notes({}))
        for values in ({"linkerdConfig": {"enabled": True}},
                       {"config": {"linkerd": {"linkerdVersion": "edge-26.5.2"}}}):
            self.assertNotIn(remark, self.notes(values))

    def test_it_says_what_to_try(self):
        for values in ({}, {"webhooks": {"optIn": True}}):
            text = self.notes(values, namespace="own")
            self.assertIn("helm test gracekeeper -n own", text)
            self.assertEqual("kubectl label namespace shop gracekeeper.dev/admission=enabled" in text,
                             bool(values))


class HelmTest(TestCase):
    def hooks(self, values=None):
        return [o for o in render(values, hooks=True)
                if o["metadata"].get("annotations", {}).get("helm.sh/hook") == "test"]

    def test_its_pod_runs_only_if_the_webhook_changed_it(self):
        hooks = {h["kind"]: h for h in self.hooks()}
        self.assertEqual(sorted(hooks), ["ConfigMap", "Namespace", "Pod", "ServiceAccount"])
        pod = hooks["Pod"]
        container, = pod["spec"]["containers"]
        # Adopted as a proxy; the grace of the annotation becomes the variable, in milliseconds.
        self.assertEqual(container["name"], "linkerd-proxy")
        self.assertEqual(pod["metadata"]["annotations"]["config.linkerd.io/shutdown-grace-period"],
                         "7s")
        self.assertEqual(container["args"], [
            "check", "/test/mutated-$(LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD).yaml"])
        self.assertEqual(list(hooks["ConfigMap"]["data"]), ["mutated-7000ms.yaml"])
        self.assertNotIn("env", container)

    def test_its_namespace_is_looked_at_and_goes_with_it(self):
        for values in ({}, {"webhooks": {"optIn": True}}):
            for hook in self.hooks(values):
                annotations = hook["metadata"]["annotations"]
                self.assertEqual(annotations["helm.sh/hook-delete-policy"],
                                 "before-hook-creation,hook-succeeded")
                if hook["kind"] == "Namespace":
                    self.assertEqual(annotations["helm.sh/hook-weight"], "0")
                    self.assertEqual(hook["metadata"]["labels"]["gracekeeper.dev/admission"],
                                     "enabled")
                else:
                    self.assertEqual(hook["metadata"]["namespace"], "gracekeeper-test")
                    self.assertGreater(int(annotations["helm.sh/hook-weight"]), 0)

    def test_its_pod_goes_where_the_webhook_s_pods_go(self):
        values = {"nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}],
                  "imagePullSecrets": [{"name": "registry"}], "image": {"repository": "other"}}
        hooks = {h["kind"]: h for h in self.hooks(values)}
        spec = hooks["Pod"]["spec"]
        self.assertEqual((spec["nodeSelector"], spec["tolerations"]),
                         (values["nodeSelector"], values["tolerations"]))
        self.assertTrue(spec["containers"][0]["image"].startswith("other:"))
        self.assertEqual(hooks["ServiceAccount"]["imagePullSecrets"], values["imagePullSecrets"])

    def test_without_mutation_there_is_nothing_to_test(self):
        self.assertEqual(self.hooks({"webhooks": {"mutate": {"enabled": False}}}), [])

    def test_it_is_as_harmless_as_the_webhook_s_pods(self):
        pod = next(h for h in self.hooks() if h["kind"] == "Pod")["spec"]
        self.assertEqual(pod["securityContext"], render().pod["securityContext"])
        self.assertEqual(pod["containers"][0]["securityContext"],
                         render().container["securityContext"])
        self.assertIs(pod["automountServiceAccountToken"], False)


if __name__ == "__main__":
    unittest.main()
