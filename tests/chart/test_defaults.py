"""What the chart's objects are like where nobody sets anything, and with the riskier values."""

import json
import unittest

from chart import CHART, KUBERNETES, VERSION, TestCase, render, tool
from test_values import FILES, LINKERD

NEVER = ["kube-system", "kube-public", "kube-node-lease"]


class Pod(TestCase):
    def setUp(self):
        self.objects = render()
        self.deployment = self.objects.one("Deployment")["spec"]
        self.pod = self.objects.pod
        self.container = self.objects.container

    def test_it_may_do_nothing_that_it_does_not_need(self):
        for objects in (render(), render(FILES)):
            self.assertEqual(objects.pod["securityContext"], {
                "runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"}})
            self.assertEqual(objects.container["securityContext"], {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]}})
            self.assertEqual([m["readOnly"] for m in objects.container["volumeMounts"]],
                             [True] * len(objects.container["volumeMounts"]))
            for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
                self.assertNotIn(forbidden, objects.pod)

    def test_only_it_gets_the_account_s_token(self):
        self.assertIs(self.objects.one("ServiceAccount")["automountServiceAccountToken"], False)
        self.assertIs(self.pod["automountServiceAccountToken"], True)

    def test_two_replicas_are_spread_and_one_is_always_there(self):
        self.assertEqual(self.deployment["replicas"], 2)
        self.assertEqual(self.deployment["strategy"], {
            "type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}})
        labels = self.deployment["selector"]["matchLabels"]
        self.assertEqual(self.pod["topologySpreadConstraints"], [
            {"topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway",
             "labelSelector": {"matchLabels": labels}, "matchLabelKeys": ["pod-template-hash"]}
            for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")])
        term, = self.pod["affinity"]["podAntiAffinity"][
            "preferredDuringSchedulingIgnoredDuringExecution"]
        self.assertEqual(term["podAffinityTerm"]["labelSelector"]["matchLabels"], labels)
        budget = self.objects.one("PodDisruptionBudget")["spec"]
        self.assertEqual(budget, {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow",
                                  "selector": {"matchLabels": labels}})

    def test_probes_ask_the_management_port(self):
        self.assertEqual({kind: self.container[kind]["httpGet"] for kind in
                          ("startupProbe", "livenessProbe", "readinessProbe")}, {
            "startupProbe": {"path": "/livez", "port": "management"},
            "livenessProbe": {"path": "/livez", "port": "management"},
            "readinessProbe": {"path": "/readyz", "port": "management"}})

    def test_it_asks_for_what_it_needs_and_is_not_throttled(self):
        self.assertEqual(self.container["resources"], {
            "requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}})

    def test_its_own_grace_holds_its_delay(self):
        for delay in (0, 5, 600):
            pod = render({"shutdownDelaySeconds": delay}).pod
            self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], delay + 10)

    def test_selectors_select_its_pods_and_stay_the_same(self):
        labels = self.deployment["template"]["metadata"]["labels"]
        for objects in (self.objects, render({"commonLabels": {"a": "b"}, "podLabels": {"c": "d"}})):
            self.assertEqual(objects.one("Service")["spec"]["selector"], labels)
            self.assertEqual(objects.one("Deployment")["spec"]["selector"]["matchLabels"], labels)

    def test_the_service_leads_to_its_ports(self):
        self.assertEqual(self.objects.one("Service")["spec"]["ports"], [
            {"name": "webhook", "port": 443, "targetPort": "webhook"},
            {"name": "management", "port": 8080, "targetPort": "management"}])
        self.assertEqual([p["name"] for p in self.container["ports"]], ["webhook", "management"])

    def test_the_arguments(self):
        self.assertEqual(self.container["args"], [
            "serve", "--listen=:8443", "--management-listen=:8080", "--in-cluster",
            "--config=/etc/gracekeeper/config/config.yaml",
            "--helper-image=$(HELPER_IMAGE)", "--self-managed-certificates",
            "--certificate-secret=gracekeeper/gracekeeper-tls",
            "--webhook-service=gracekeeper/gracekeeper",
            "--mutating-webhook-configuration=webhook-gracekeeper",
            "--validating-webhook-configuration=webhook-gracekeeper",
            "--certificate-validity=168h", "--shutdown-delay=5s", "--threads=2",
            "--log-format=json", "--log-level=info"])


class Access(TestCase):
    """The whole of what it may do: a rule more or a name less fails here."""

    NAMESPACES = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]}

    def rules(self, values):
        objects = render(values)
        found = {}
        for kind in ("ClusterRole", "Role"):
            for role in objects.all(kind):
                place = role["metadata"].get("namespace", "")
                found[kind, place] = role["rules"]
                binding = objects.one(kind + "Binding", role["metadata"]["name"])
                self.assertEqual(binding["metadata"].get("namespace", ""), place)
                self.assertEqual(binding["roleRef"], {
                    "apiGroup": "rbac.authorization.k8s.io", "kind": kind,
                    "name": role["metadata"]["name"]})
                self.assertEqual(binding["subjects"], [{
                    "kind": "ServiceAccount", "name": "gracekeeper", "namespace": "gracekeeper"}])
        return found

    def test_with_certificates_of_its_own(self):
        def configurations(kind):
            return {"apiGroups": ["admissionregistration.k8s.io"], "resources": [kind],
                    "resourceNames": ["webhook-gracekeeper"], "verbs": ["get", "patch"]}

        self.assertEqual(self.rules({}), {
            ("ClusterRole", ""): [self.NAMESPACES, configurations("mutatingwebhookconfigurations"),
                                  configurations("validatingwebhookconfigurations")],
            ("Role", "gracekeeper"): [{
                "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["gracekeeper-tls"],
                "verbs": ["get", "update"]}]})

    def test_with_certificates_of_others(self):
        for values in ({"certificates": {"mode": "cert-manager"}}, FILES):
            self.assertEqual(self.rules(values), {("ClusterRole", ""): [self.NAMESPACES]})

    def test_in_linkerd_s_namespace_one_configmap_by_name(self):
        self.assertEqual(self.rules({**FILES, **LINKERD}), {
            ("ClusterRole", ""): [self.NAMESPACES],
            ("Role", "linkerd"): [{
                "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["linkerd-config"],
                "verbs": ["get", "list", "watch"]}]})

    def test_the_secret_has_no_data_that_an_upgrade_could_put_back(self):
        secret = render().one("Secret")
        self.assertEqual(sorted(secret), ["apiVersion", "kind", "metadata", "type"])


class Webhooks(TestCase):
    def test_they_are_narrow_quick_and_open(self):
        for name, webhook in render().webhooks.items():
            with self.subTest(name):
                self.assertEqual(
                    {k: webhook.get(k) for k in ("admissionReviewVersions", "sideEffects",
                                                 "failurePolicy", "timeoutSeconds", "matchPolicy")},
                    {"admissionReviewVersions": ["v1"], "sideEffects": "None",
                     "failurePolicy": "Ignore", "timeoutSeconds": 2, "matchPolicy": "Equivalent"})
                self.assertEqual({r["scope"] for r in webhook["rules"]}, {"Namespaced"})

    def test_what_they_are_called_for(self):
        rules = {name: [(r["apiGroups"], r["resources"], r["operations"]) for r in w["rules"]]
                 for name, w in render().webhooks.items()}
        both = ["CREATE", "UPDATE"]
        self.assertEqual(rules, {
            "pods.mutate.gracekeeper.dev": [([""], ["pods"], ["CREATE"])],
            "services.mutate.gracekeeper.dev": [([""], ["services"], ["CREATE"])],
            "pods.validate.gracekeeper.dev": [([""], ["pods"], ["CREATE"])],
            "workloads.validate.gracekeeper.dev": [
                (["apps"], ["deployments", "statefulsets", "daemonsets", "replicasets"], both),
                (["batch"], ["jobs", "cronjobs"], both),
                ([""], ["replicationcontrollers"], both)]})

    def test_mutation_is_asked_again_after_others(self):
        for webhook in render().mutate.values():
            self.assertEqual(webhook["reinvocationPolicy"], "IfNeeded")

    def test_they_lead_to_the_service(self):
        for name, webhook in render(release="x", namespace="y").webhooks.items():
            path = "/mutate" if ".mutate." in name else "/validate"
            self.assertEqual(webhook["clientConfig"], {"service": {
                "name": "x-gracekeeper", "namespace": "y", "path": path, "port": 443}})

    def test_the_name_sorts_after_other_injectors(self):
        name = render().one("MutatingWebhookConfiguration")["metadata"]["name"]
        for other in ("linkerd-proxy-injector-webhook-config", "istio-sidecar-injector",
                      "vault-agent-injector-cfg"):
            self.assertGreater(name, other)

    def test_no_value_switches_off_the_excluded_namespaces(self):
        for values in ({}, {"webhooks": {"excludedNamespaces": []}},
                       {"webhooks": {"optIn": True, "excludedNamespaces": ["default"]}}):
            for webhook in render(values, namespace="own").webhooks.values():
                named = next(e for e in webhook["namespaceSelector"]["matchExpressions"]
                             if e["key"] == "kubernetes.io/metadata.name")
                self.assertEqual(named["operator"], "NotIn")
                self.assertEqual(named["values"][:4], [*NEVER, "own"])

    def test_linkerd_s_own_exceptions_hold(self):
        for webhook in render().webhooks.values():
            self.assertIn({"key": "config.linkerd.io/admission-webhooks", "operator": "NotIn",
                           "values": ["disabled"]}, webhook["namespaceSelector"]["matchExpressions"])
            self.assertEqual(webhook["objectSelector"]["matchExpressions"], [
                {"key": "linkerd.io/control-plane-component", "operator": "DoesNotExist"},
                {"key": "linkerd.io/cni-resource", "operator": "DoesNotExist"},
                {"key": "gracekeeper.dev/admission", "operator": "NotIn", "values": ["disabled"]}])

    def test_pods_without_annotations_are_asked_for_because_their_namespace_may_have_some(self):
        for name in ("pods.mutate.gracekeeper.dev", "pods.validate.gracekeeper.dev"):
            self.assertEqual([c["name"] for c in render().webhooks[name]["matchConditions"]],
                             ["not-a-mirror-pod"])


class Order(TestCase):
    def test_the_server_is_installed_before_its_webhooks(self):
        # helm template writes objects in the order in which helm install sends them.
        kinds = [o["kind"] for o in render()]
        self.assertEqual(sorted(kinds[-2:]),
                         ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
        self.assertEqual(kinds[-3], "Deployment")
        for earlier in ("ServiceAccount", "Secret", "ConfigMap", "ClusterRoleBinding", "RoleBinding",
                        "Service"):
            self.assertLess(kinds.index(earlier), kinds.index("Deployment"))

    def removal(self, values=None, cluster=True):
        return [o for o in render(values, hooks=True, cluster=cluster)
                if o["metadata"].get("annotations", {}).get("helm.sh/hook") == "pre-delete"]

    def test_removal_begins_with_the_webhooks(self):
        hooks = {o["kind"]: o for o in self.removal()}
        self.assertEqual(sorted(hooks), ["MutatingWebhookConfiguration",
                                         "ValidatingWebhookConfiguration"])
        for kind, hook in hooks.items():
            self.assertEqual(hook["metadata"]["name"], render().one(kind)["metadata"]["name"])
            self.assertEqual(hook["metadata"]["annotations"]["helm.sh/hook-delete-policy"],
                             "before-hook-creation,hook-succeeded")
            # It stands there for a moment, and must be in nobody's way.
            self.assertEqual(hook["webhooks"], [])
        mutating = self.removal({"webhooks": {"validate": {"enabled": False}}})
        self.assertEqual([o["kind"] for o in mutating], ["MutatingWebhookConfiguration"])

    def test_helm_template_has_no_empty_webhooks_that_would_be_applied_over_the_real_ones(self):
        self.assertEqual(self.removal(cluster=False), [])

    def test_every_object_is_in_the_release_s_namespace(self):
        cluster = {"ClusterRole", "ClusterRoleBinding", "MutatingWebhookConfiguration",
                   "ValidatingWebhookConfiguration"}
        everything = {"autoscaling": {"enabled": True}, "networkPolicy": {"enabled": True},
                      "serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True},
                      "dashboard": {"enabled": True}, "certificates": {"mode": "cert-manager"}}
        for values in ({}, everything):
            for thing in render(values, namespace="own"):
                self.assertEqual(thing["metadata"].get("namespace"),
                                 None if thing["kind"] in cluster else "own", thing["kind"])


class Chart(TestCase):
    def test_lint_has_nothing_to_say(self):
        for values in ({}, FILES, LINKERD):
            done = tool("helm", "lint", "--strict", CHART, "--kube-version", KUBERNETES,
                        "--values", "-", input=json.dumps(values))
            self.assertIn("1 chart(s) linted, 0 chart(s) failed", done)
            self.assertNotIn("[WARNING]", done)

    def test_it_renders_the_same_on_every_supported_version(self):
        newest = render()
        for minor in range(28, 35):
            self.assertEqual(render(kubernetes=f"1.{minor}"), newest)
        self.refused({}, "chart requires kubeVersion: >=1.28.0-0", kubernetes="1.27")

    def test_versions_are_the_program_s(self):
        chart = (CHART / "Chart.yaml").read_text()
        self.assertIn(f"\nversion: {VERSION}\n", chart)
        self.assertIn(f"\nappVersion: {VERSION}\n", chart)
        self.assertEqual(render().container["image"], f"gracekeeper:{VERSION}")


if __name__ == "__main__":
    unittest.main()
