"""The schema refuses what no template would read, and its keys are those of values.yaml."""

import re
import unittest

from chart import SCHEMA, SOURCE, VALUES, HelmError, TestCase, merged, nested, render
from test_values import ROWS


def resolve(schema):
    if "$ref" in schema:
        return SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def properties(schema, prefix=""):
    """(path, schema) of every property, sections and leaves."""
    for key, part in schema.get("properties", {}).items():
        part = resolve(part)
        yield prefix + key, part
        yield from properties(part, prefix + key + ".")


# Mappings whose keys are the user's own, and objects of Kubernetes that are passed on as they are.
OPEN = {
    "commonLabels", "nodeSelector", "podAnnotations", "podLabels", "serviceAccount.annotations",
    "serviceMonitor.labels", "prometheusRule.labels", "dashboard.labels", "resources.requests",
    "resources.limits", "affinity.nodeAffinity", "affinity.podAffinity", "affinity.podAntiAffinity",
    "config.linkerd", "sidecarProfiles",
    # Helm gives `global` to every chart that is another chart's dependency; refusing it would refuse that use.
    "global",
}

# A value that each key refuses: (path, value, what helm says about it)
REFUSED = [
    ("fullnameOverride", "Upper", "does not match pattern"),
    ("commonLabels", {"a": 1}, "got number, want string"),
    ("image.repository", "", "minLength: got 0, want 1"),
    ("image.tag", 1.2, "got number, want string"),
    ("image.digest", "sha256:12", "does not match pattern"),
    ("image.pullPolicy", "Sometimes", "must be one of 'Always', 'IfNotPresent', 'Never'"),
    ("imagePullSecrets", ["registry"], "got string, want object"),
    ("replicas", 0, "minimum: got 0, want 1"),
    ("replicas", "2", "got string, want integer"),
    ("shutdownDelaySeconds", "5s", "got string, want integer"),
    ("threads", -1, "minimum: got -1, want 0"),
    ("log.format", "xml", "must be one of 'json', 'text'"),
    ("log.level", "trace", "must be one of 'debug', 'info', 'warning', 'error'"),
    ("ports.webhook", 443, "minimum: got 443, want 1,024"),
    ("ports.management", 65536, "maximum: got 65,536, want 65,535"),
    ("seccompProfile.type", "Unconfined", "must be one of 'RuntimeDefault', 'Localhost'"),
    ("seccompProfile.localhostProfile", "", "minLength: got 0, want 1"),
    ("hostNetwork", "yes", "got string, want boolean"),
    ("resources.requests", {"cpu": True}, "got boolean, want"),
    ("resources.limits", "none", "got string, want object"),
    ("priorityClassName", "A b", "does not match pattern"),
    ("nodeSelector", {"a": True}, "got boolean, want string"),
    ("tolerations", [{"effect": "No"}], "must be one of 'NoSchedule', 'PreferNoSchedule', 'NoExecute'"),
    ("affinity", {"podAffinty": {}}, "additional properties 'podAffinty' not allowed"),
    ("topologySpread.whenUnsatisfiable", "Never", "must be one of 'ScheduleAnyway', 'DoNotSchedule'"),
    ("podAnnotations", {"a": 1}, "got number, want string"),
    ("podLabels", {"a": 1}, "got number, want string"),
    ("serviceAccount.name", "A", "does not match pattern"),
    ("serviceAccount.annotations", {"a": 1}, "got number, want string"),
    ("podDisruptionBudget.enabled", 1, "got number, want boolean"),
    ("podDisruptionBudget.maxUnavailable", "100%", "does not match pattern"),
    ("podDisruptionBudget.maxUnavailable", 0, "minimum: got 0, want 1"),
    ("autoscaling.enabled", "on", "got string, want boolean"),
    ("autoscaling.minReplicas", 0, "minimum: got 0, want 1"),
    ("autoscaling.maxReplicas", 0, "minimum: got 0, want 1"),
    ("autoscaling.targetCPUUtilizationPercentage", 0, "minimum: got 0, want 1"),
    ("networkPolicy.enabled", "on", "got string, want boolean"),
    ("networkPolicy.metricsFrom", [{}], "minProperties: got 0, want 1"),
    ("networkPolicy.apiServerPorts", [], "minItems: got 0, want 1"),
    ("serviceMonitor.enabled", "on", "got string, want boolean"),
    ("serviceMonitor.interval", "30", "does not match pattern"),
    ("serviceMonitor.labels", {"a": 1}, "got number, want string"),
    ("prometheusRule.enabled", "on", "got string, want boolean"),
    ("prometheusRule.labels", {"a": 1}, "got number, want string"),
    ("dashboard.enabled", "on", "got string, want boolean"),
    ("dashboard.labels", {"a": 1}, "got number, want string"),
    ("certificates.mode", "acme", "must be one of 'self-managed', 'cert-manager', 'files'"),
    ("certificates.selfManaged.validityHours", 169, "maximum: got 169, want 168"),
    ("certificates.certManager.issuerRef", {"nam": "a"}, "additional properties 'nam' not allowed"),
    ("certificates.files.secretName", "A", "does not match pattern"),
    ("certificates.files.caBundle", "LS0tLS1CRUdJTi", "does not match pattern"),
    ("linkerdConfig.enabled", "on", "got string, want boolean"),
    ("linkerdConfig.namespace", "", "does not match pattern"),
    ("linkerdConfig.name", "", "does not match pattern"),
    ("config.defaults.appShutdown", "10 s", "does not match pattern"),
    ("config.defaults.wait", True, "got boolean, want"),
    ("config.defaults.grace", "", "does not match pattern"),
    ("config.defaults.onShortfall", "ignore", "must be one of 'deny', 'warn', 'raise', 'fit'"),
    ("config.margin", "-5s", "does not match pattern"),
    ("config.maxTerminationGracePeriodSeconds", 0, "minimum: got 0, want 1"),
    ("config.platform.maxGracePeriod", "long", "does not match pattern"),
    ("config.endpoints.propagation", "5 s", "does not match pattern"),
    ("config.sidecar.native", "yes", "must be one of true, false, 'auto'"),
    ("config.sidecar.preStop", "http", "must be one of 'auto', 'sleep', 'exec'"),
    ("config.helper.image", "a b", "does not match pattern"),
    ("config.helper.delivery", "copy", "must be one of 'auto', 'init-container', 'image-volume'"),
    ("config.kubernetesVersion", 1.3, "got number, want string"),
    ("config.linkerd", "values.yaml", "got string, want object"),
    ("sidecarProfiles", {"envoy": {}}, "missing property 'container'"),
    ("webhooks.timeoutSeconds", 31, "maximum: got 31, want 30"),
    ("webhooks.optIn", "yes", "got string, want boolean"),
    ("webhooks.excludedNamespaces", ["A"], "does not match pattern"),
    ("webhooks.namespaceMatchExpressions", [{"key": "a"}], "missing property 'operator'"),
    ("webhooks.objectMatchExpressions", [{"key": "a", "operator": "Is"}],
     "must be one of 'In', 'NotIn', 'Exists', 'DoesNotExist'"),
    ("webhooks.onlyAnnotatedPods", "yes", "got string, want boolean"),
    ("webhooks.matchConditions", [{"name": "a"}], "missing property 'expression'"),
    ("webhooks.mutate.enabled", "yes", "got string, want boolean"),
    ("webhooks.mutate.failurePolicy", "ignore", "must be one of 'Ignore', 'Fail'"),
    ("webhooks.mutate.services", "yes", "got string, want boolean"),
    ("webhooks.validate.enabled", "yes", "got string, want boolean"),
    ("webhooks.validate.failurePolicy", "Warn", "must be one of 'Ignore', 'Fail'"),
    ("webhooks.validate.workloads", "yes", "got string, want boolean"),
]


class Schema(TestCase):
    def test_it_refuses_wrong_values_of_every_key(self):
        for path, value, message in REFUSED:
            with self.subTest(f"{path}: {value!r}"):
                place = "/" + path.replace(".", "/")
                with self.assertRaises(HelmError) as caught:
                    render(nested(path, value))
                self.assertRegex(str(caught.exception), f"at '{place}[^']*': ")
                self.assertIn(message, str(caught.exception))

    def test_every_key_has_a_wrong_value(self):
        wrong = {path for path, _, _ in REFUSED}
        for path, part in properties(SCHEMA):
            if path != "global" and "properties" not in part:
                self.assertTrue(any(path == w or path.startswith(w + ".") for w in wrong), path)

    def test_it_refuses_unknown_keys_everywhere(self):
        sections = [""] + [path + "." for path, part in properties(SCHEMA) if "properties" in part]
        self.assertGreater(len(sections), 20)
        for section in sections:
            with self.subTest(section):
                self.refused(nested(section + "unknwon", 1),
                             "additional properties 'unknwon' not allowed")

    def test_only_maps_of_the_users_own_are_open(self):
        for path, part in properties(SCHEMA):
            if part.get("type") == "object" and part.get("additionalProperties") is not False:
                self.assertIn(path, OPEN)

    def test_its_keys_are_those_of_the_values(self):
        def keys(values, prefix=""):
            for key, value in values.items():
                yield prefix + key
                if isinstance(value, dict):
                    yield from keys(value, prefix + key + ".")

        def inside_a_map(path):
            return any(path.startswith(p + ".") for p in OPEN | {
                "config", "affinity", "certificates.certManager.issuerRef"})

        written = {k for k in keys(VALUES) if not inside_a_map(k)}
        known = {p for p, _ in properties(SCHEMA) if not inside_a_map(p)} - {"global"}
        self.assertEqual(sorted(written), sorted(known))

    def test_the_configuration_has_the_options_that_the_program_has(self):
        text = (SOURCE / "docs" / "configuration.md").read_text()
        documented = set(re.findall(r"^\| `([A-Za-z.]+)` \|", text, re.M))
        known = {path.removeprefix("config.") for path, part in properties(SCHEMA)
                 if path.startswith("config.")
                 and ("properties" not in part or path == "config.linkerd")}
        # sidecar.profiles names files; the chart writes it for what sidecarProfiles holds.
        self.assertEqual(known, documented - {"sidecar.profiles"})

    def test_durations_are_those_of_the_program(self):
        for duration in ("25", 25, 0, "25s", "1m30s", "250ms", "1.5s", "0s", "2h"):
            with self.subTest(duration):
                render(nested("config.margin", duration))

    def test_every_other_value_of_the_table_is_allowed(self):
        for path, value, _, _, *base in ROWS:
            with self.subTest(path):
                render(merged(base[0] if base else {}, nested(path, value)))


if __name__ == "__main__":
    unittest.main()
