"""Every value is read by what it is said to do: a table of values and what they change."""

import re
import unittest

import yaml
from chart import CHART, VALUES, VERSION, TestCase, leaves, merged, nested, render

HPA = {"autoscaling": {"enabled": True}}
POLICY = {"networkPolicy": {"enabled": True}}
MONITOR = {"serviceMonitor": {"enabled": True}}
RULE = {"prometheusRule": {"enabled": True}}
DASHBOARD = {"dashboard": {"enabled": True}}
CERT_MANAGER = {"certificates": {"mode": "cert-manager"}}
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PEM_BASE64 = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUIKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="
FILES = {"certificates": {"mode": "files", "files": {"secretName": "given", "caBundle": PEM}}}
LINKERD = {"linkerdConfig": {"enabled": True}}
EXPRESSION = {"key": "team", "operator": "In", "values": ["a"]}
DIGEST = "sha256:" + "0123456789abcdef" * 4


def argument(name):
    """The value of a flag of the container; None without it, True when it has none."""

    def look(objects):
        for text in objects.arguments:
            flag, sep, value = text.partition("=")
            if flag == name:
                return value if sep else True
        return None

    return look


def kinds(objects):
    return sorted({o["kind"] for o in objects})


def has(kind):
    return lambda objects: bool(objects.all(kind))


def every(look):
    """What all webhooks have in common, or a list of what they have."""

    def common(objects):
        found = [look(w) for w in objects.webhooks.values()]
        return found[0] if all(f == found[0] for f in found) else found

    return common


def expressions(webhook):
    return webhook["namespaceSelector"]["matchExpressions"]


def label_choice(webhook):
    return next((e["operator"], e["values"]) for e in expressions(webhook)
                if e["key"] == "gracekeeper.dev/admission")


def excluded(webhook):
    return next(e["values"] for e in expressions(webhook)
                if e["key"] == "kubernetes.io/metadata.name")


def conditions(*names):
    return lambda objects: {n: [c["name"] for c in objects.webhooks[n]["matchConditions"]]
                            for n in names}


def labels_of_all(objects):
    return all(o["metadata"]["labels"].get("team") == "mesh" for o in objects) \
        and objects.one("Deployment")["spec"]["template"]["metadata"]["labels"].get("team")


def configuration(objects):
    return yaml.safe_load(objects.one("ConfigMap", "gracekeeper")["data"]["config.yaml"])


def expiry_threshold(objects):
    rules = objects.one("PrometheusRule")["spec"]["groups"][0]["rules"]
    expr = next(r["expr"] for r in rules if r["alert"] == "GracekeeperCertificateExpires")
    return re.search(r"< (\d+)$", expr)[1]


POD_WEBHOOKS = ("pods.mutate.gracekeeper.dev", "pods.validate.gracekeeper.dev")

# path, another value, what to look at, what it must be then (and must not be before), what else is set in both cases
ROWS = [
    ("fullnameOverride", "other", lambda o: (
        o.one("Deployment")["metadata"]["name"], argument("--webhook-service")(o),
        o.one("MutatingWebhookConfiguration")["metadata"]["name"]),
     ("other", "gracekeeper/other", "webhook-other")),
    ("commonLabels", {"team": "mesh"}, labels_of_all, "mesh"),
    ("image.repository", "example.org/gk", lambda o: o.container["image"], "example.org/gk:" + VERSION),
    ("image.tag", "9.9", lambda o: o.container["image"], "gracekeeper:9.9"),
    ("image.digest", DIGEST, lambda o: o.container["image"], "gracekeeper@" + DIGEST),
    ("image.pullPolicy", "Always", lambda o: o.container["imagePullPolicy"], "Always"),
    ("imagePullSecrets", [{"name": "registry"}], lambda o: o.pod.get("imagePullSecrets"),
     [{"name": "registry"}]),
    ("replicas", 3, lambda o: o.one("Deployment")["spec"]["replicas"], 3),
    ("shutdownDelaySeconds", 20, lambda o: (argument("--shutdown-delay")(o),
                                            o.pod["terminationGracePeriodSeconds"]), ("20s", 35)),
    ("threads", 4, argument("--threads"), "4"),
    ("log.format", "text", argument("--log-format"), "text"),
    ("log.level", "debug", argument("--log-level"), "debug"),
    ("ports.webhook", 9443, lambda o: (argument("--listen")(o), o.container["ports"][0]),
     (":9443", {"name": "webhook", "containerPort": 9443})),
    ("ports.management", 9080, lambda o: (argument("--management-listen")(o),
                                          o.container["ports"][1]),
     (":9080", {"name": "management", "containerPort": 9080})),
    ("hostNetwork", True, lambda o: (o.pod.get("hostNetwork"), o.pod.get("dnsPolicy")),
     (True, "ClusterFirstWithHostNet")),
    ("seccompProfile.type", "Localhost", lambda o: o.pod["securityContext"]["seccompProfile"],
     {"type": "Localhost", "localhostProfile": "gracekeeper.json"}),
    ("seccompProfile.localhostProfile", "profiles/gk.json",
     lambda o: o.pod["securityContext"]["seccompProfile"],
     {"type": "Localhost", "localhostProfile": "profiles/gk.json"},
     {"seccompProfile": {"type": "Localhost"}}),
    ("resources.requests.cpu", "1", lambda o: o.container["resources"]["requests"]["cpu"], "1"),
    ("resources.requests.memory", "1Gi", lambda o: o.container["resources"]["requests"]["memory"],
     "1Gi"),
    ("resources.limits.memory", "2Gi", lambda o: o.container["resources"]["limits"]["memory"],
     "2Gi"),
    ("priorityClassName", "system-cluster-critical", lambda o: o.pod.get("priorityClassName"),
     "system-cluster-critical"),
    ("nodeSelector", {"pool": "system"}, lambda o: o.pod.get("nodeSelector"), {"pool": "system"}),
    ("tolerations", [{"operator": "Exists"}], lambda o: o.pod.get("tolerations"),
     [{"operator": "Exists"}]),
    ("affinity", {"nodeAffinity": {"a": 1}}, lambda o: o.pod["affinity"],
     {"nodeAffinity": {"a": 1}}),
    ("topologySpread.whenUnsatisfiable", "DoNotSchedule",
     lambda o: [c["whenUnsatisfiable"] for c in o.pod["topologySpreadConstraints"]],
     ["DoNotSchedule", "DoNotSchedule"]),
    ("podAnnotations", {"a": "b"},
     lambda o: o.one("Deployment")["spec"]["template"]["metadata"].get("annotations"), {"a": "b"}),
    ("podLabels", {"a": "b"},
     lambda o: o.one("Deployment")["spec"]["template"]["metadata"]["labels"].get("a"), "b"),
    ("serviceAccount.name", "robot", lambda o: (
        o.one("ServiceAccount")["metadata"]["name"], o.pod["serviceAccountName"],
        o.one("ClusterRoleBinding")["subjects"][0]["name"],
        o.one("RoleBinding")["subjects"][0]["name"]), ("robot",) * 4),
    ("serviceAccount.annotations", {"a": "b"},
     lambda o: o.one("ServiceAccount")["metadata"].get("annotations"), {"a": "b"}),
    ("podDisruptionBudget.enabled", False, has("PodDisruptionBudget"), False),
    ("podDisruptionBudget.maxUnavailable", "50%",
     lambda o: o.one("PodDisruptionBudget")["spec"]["maxUnavailable"], "50%"),
    ("autoscaling.enabled", True, lambda o: (
        has("HorizontalPodAutoscaler")(o), "replicas" in o.one("Deployment")["spec"]),
     (True, False)),
    ("autoscaling.minReplicas", 3,
     lambda o: o.one("HorizontalPodAutoscaler")["spec"]["minReplicas"], 3, HPA),
    ("autoscaling.maxReplicas", 9,
     lambda o: o.one("HorizontalPodAutoscaler")["spec"]["maxReplicas"], 9, HPA),
    ("autoscaling.targetCPUUtilizationPercentage", 50,
     lambda o: o.one("HorizontalPodAutoscaler")["spec"]["metrics"][0]["resource"]["target"],
     {"type": "Utilization", "averageUtilization": 50}, HPA),
    ("networkPolicy.enabled", True, has("NetworkPolicy"), True),
    ("networkPolicy.metricsFrom", [{"podSelector": {"matchLabels": {"app": "prometheus"}}}],
     lambda o: o.one("NetworkPolicy")["spec"]["ingress"][1],
     {"ports": [{"port": "management"}],
      "from": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}]}, POLICY),
    ("networkPolicy.apiServerPorts", [16443],
     lambda o: o.one("NetworkPolicy")["spec"]["egress"], [{"ports": [{"port": 16443}]}], POLICY),
    ("serviceMonitor.enabled", True, has("ServiceMonitor"), True),
    ("serviceMonitor.interval", "15s",
     lambda o: o.one("ServiceMonitor")["spec"]["endpoints"][0]["interval"], "15s", MONITOR),
    ("serviceMonitor.labels", {"prometheus": "main"},
     lambda o: o.one("ServiceMonitor")["metadata"]["labels"].get("prometheus"), "main", MONITOR),
    ("prometheusRule.enabled", True, has("PrometheusRule"), True),
    ("prometheusRule.labels", {"prometheus": "main"},
     lambda o: o.one("PrometheusRule")["metadata"]["labels"].get("prometheus"), "main", RULE),
    ("dashboard.enabled", True,
     lambda o: [c["metadata"]["name"] for c in o.all("ConfigMap")],
     ["gracekeeper", "gracekeeper-dashboard"]),
    ("dashboard.labels.grafana_dashboard", "yes",
     lambda o: o.one("ConfigMap", "gracekeeper-dashboard")["metadata"]["labels"].get(
         "grafana_dashboard"), "yes", DASHBOARD),
    ("certificates.mode", "cert-manager", lambda o: (
        has("Certificate")(o), has("Secret")(o), argument("--self-managed-certificates")(o),
        argument("--tls-cert")(o), argument("--tls-key")(o)),
     (True, False, None, "/etc/gracekeeper/tls/tls.crt", "/etc/gracekeeper/tls/tls.key")),
    # A sixth of the validity is when the alert says that nothing was renewed.
    ("certificates.selfManaged.validityHours", 24,
     lambda o: (argument("--certificate-validity")(o), expiry_threshold(o)), ("24h", "14400"), RULE),
    ("certificates.certManager.issuerRef", {"name": "corporate", "kind": "ClusterIssuer"},
     lambda o: (o.one("Certificate")["spec"]["issuerRef"], has("Issuer")(o)),
     ({"name": "corporate", "kind": "ClusterIssuer"}, False), {
         "certificates": {"mode": "cert-manager", "certManager": {"issuerRef": {"name": "first"}}}}),
    ("certificates.files.secretName", "mine",
     lambda o: next(v["secret"] for v in o.pod["volumes"] if v["name"] == "tls"),
     {"secretName": "mine"}, FILES),
    ("certificates.files.caBundle", PEM, every(lambda w: w["clientConfig"].get("caBundle")),
     PEM_BASE64, merged(FILES, nested("certificates.files.caBundle", PEM + "\n"))),
    ("linkerdConfig.enabled", True, lambda o: (argument("--linkerd-config")(o), len(o.all("Role"))),
     ("linkerd/linkerd-config", 2)),
    ("linkerdConfig.namespace", "mesh", lambda o: (
        argument("--linkerd-config")(o),
        o.one("Role", "gracekeeper-linkerd-config")["metadata"]["namespace"],
        o.one("RoleBinding", "gracekeeper-linkerd-config")["metadata"]["namespace"]),
     ("mesh/linkerd-config", "mesh", "mesh"), LINKERD),
    ("linkerdConfig.name", "settings", lambda o: (
        argument("--linkerd-config")(o),
        o.one("Role", "gracekeeper-linkerd-config")["rules"][0]["resourceNames"]),
     ("linkerd/settings", ["settings"]), LINKERD),
    ("config", {"margin": "5s", "sidecar": {"native": False}}, configuration,
     {"apiVersion": "gracekeeper.dev/v1alpha1", "kind": "Configuration", "margin": "5s",
      "sidecar": {"native": False}}),
    ("sidecarProfiles", {"envoy": {"container": "envoy"}}, lambda o: (
        configuration(o).get("sidecar"),
        yaml.safe_load(o.one("ConfigMap")["data"].get("envoy.yaml", ""))),
     ({"native": True, "profiles": ["envoy.yaml"]},
      {"apiVersion": "gracekeeper.dev/v1alpha1", "kind": "SidecarProfile", "name": "envoy",
       "container": "envoy"}), {"config": {"sidecar": {"native": True}}}),
    ("webhooks.timeoutSeconds", 5, every(lambda w: w["timeoutSeconds"]), 5),
    ("webhooks.optIn", True, every(label_choice), ("In", ["enabled"])),
    ("webhooks.excludedNamespaces", ["a", "b"], every(excluded),
     ["kube-system", "kube-public", "kube-node-lease", "gracekeeper", "a", "b"]),
    ("webhooks.namespaceMatchExpressions", [EXPRESSION],
     every(lambda w: EXPRESSION in expressions(w)), True),
    ("webhooks.objectMatchExpressions", [EXPRESSION],
     every(lambda w: EXPRESSION in w["objectSelector"]["matchExpressions"]), True),
    ("webhooks.onlyAnnotatedPods", True, conditions(*POD_WEBHOOKS),
     {name: ["not-a-mirror-pod", "annotated-or-with-a-proxy"] for name in POD_WEBHOOKS}),
    ("webhooks.matchConditions", [{"name": "mine", "expression": "true"}],
     conditions(*POD_WEBHOOKS, "workloads.validate.gracekeeper.dev"),
     {**{name: ["not-a-mirror-pod", "mine"] for name in POD_WEBHOOKS},
      "workloads.validate.gracekeeper.dev": ["template-is-new", "not-made-by-a-judged-workload",
                                             "mine"]}),
    ("webhooks.mutate.enabled", False, lambda o: (
        has("MutatingWebhookConfiguration")(o), argument("--mutating-webhook-configuration")(o),
        [r["resources"] for r in o.one("ClusterRole")["rules"]]),
     (False, None, [["namespaces"], ["validatingwebhookconfigurations"]])),
    ("webhooks.mutate.failurePolicy", "Fail",
     lambda o: {w["failurePolicy"] for w in o.mutate.values()}, {"Fail"}),
    ("webhooks.mutate.services", False, lambda o: list(o.mutate), ["pods.mutate.gracekeeper.dev"]),
    ("webhooks.validate.enabled", False, lambda o: (
        has("ValidatingWebhookConfiguration")(o), argument("--validating-webhook-configuration")(o),
        [r["resources"] for r in o.one("ClusterRole")["rules"]]),
     (False, None, [["namespaces"], ["mutatingwebhookconfigurations"]])),
    ("webhooks.validate.failurePolicy", "Fail",
     lambda o: {w["failurePolicy"] for w in o.validate.values()}, {"Fail"}),
    ("webhooks.validate.workloads", False, lambda o: list(o.validate),
     ["pods.validate.gracekeeper.dev"]),
]


class Values(TestCase):
    def test_every_value_does_what_it_says(self):
        for path, value, look, expected, *base in ROWS:
            with self.subTest(path):
                base = base[0] if base else {}
                before = look(render(base))
                self.assertNotEqual(before, expected, f"{path}: nothing would change")
                self.assertEqual(look(render(merged(base, nested(path, value)))), expected, path)

    def test_the_table_has_every_value_once(self):
        self.assertEqual(sorted(row[0] for row in ROWS), sorted(leaves(VALUES)))

    def test_every_value_is_used_by_a_template_and_none_is_used_that_is_not_there(self):
        text = "\n".join(p.read_text() for p in CHART.rglob("templates/**/*") if p.is_file())
        used = set(re.findall(r"\.Values\.([A-Za-z.]+)", text))
        # {{- $webhooks := $root.Values.webhooks }} and then $webhooks.timeoutSeconds
        for name, path in re.findall(r"\$(\w+) :?= (?:\$root|\.root)?\.Values\.([A-Za-z.]+)", text):
            used |= {f"{path}.{rest}" for rest in re.findall(rf"\${name}\.([A-Za-z.]+)", text)}

        def is_used(path):
            return any(path == u or path.startswith(u + ".") for u in used if u != "webhooks")

        paths = list(leaves(VALUES))
        self.assertEqual([p for p in paths if not is_used(p)], [])
        known = {".".join(p.split(".")[:n]) for p in paths for n in range(1, p.count(".") + 2)}
        self.assertEqual(sorted(used - known), [])

    def test_the_release_names_the_objects(self):
        for release, namespace, name in (("gracekeeper", "gk", "gracekeeper"),
                                         ("my-gracekeeper", "gk", "my-gracekeeper"),
                                         ("term", "ns1", "term-gracekeeper")):
            with self.subTest(release):
                objects = render(release=release, namespace=namespace)
                self.assertEqual(objects.one("Service")["metadata"]["name"], name)
                self.assertEqual(argument("--webhook-service")(objects), f"{namespace}/{name}")
                self.assertEqual(argument("--certificate-secret")(objects),
                                 f"{namespace}/{name}-tls")
                self.assertEqual(objects.one("Secret")["metadata"]["name"], f"{name}-tls")


if __name__ == "__main__":
    unittest.main()
