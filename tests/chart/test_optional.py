"""Objects that are there by value only, whole: what nobody renders by default is pinned here."""

import unittest

from chart import VERSION, TestCase, render

LABELS = {"app.kubernetes.io/name": "gracekeeper", "app.kubernetes.io/instance": "gracekeeper"}
KEY = {"algorithm": "ECDSA", "size": 256}

# values, kind, name, spec
ROWS = [
    ({"networkPolicy": {"enabled": True}}, "NetworkPolicy", "gracekeeper", {
        "podSelector": {"matchLabels": LABELS},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"port": "webhook"}]},
                    {"ports": [{"port": "management"}], "from": [{"namespaceSelector": {}}]}],
        "egress": [{"ports": [{"port": 443}, {"port": 6443}]}]}),
    ({"autoscaling": {"enabled": True}}, "HorizontalPodAutoscaler", "gracekeeper", {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gracekeeper"},
        "minReplicas": 2, "maxReplicas": 6,
        "metrics": [{"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]}),
    ({"serviceMonitor": {"enabled": True}}, "ServiceMonitor", "gracekeeper", {
        "selector": {"matchLabels": LABELS},
        "endpoints": [{"port": "management", "path": "/metrics", "interval": "30s"}]}),
    ({"certificates": {"mode": "cert-manager"}}, "Certificate", "gracekeeper-ca", {
        "isCA": True, "commonName": "gracekeeper-ca", "secretName": "gracekeeper-ca",
        "duration": "43800h", "privateKey": KEY,
        "issuerRef": {"name": "gracekeeper-selfsigned", "kind": "Issuer"}}),
    ({"certificates": {"mode": "cert-manager"}}, "Certificate", "gracekeeper", {
        "secretName": "gracekeeper-tls",
        "dnsNames": ["gracekeeper.gracekeeper.svc", "gracekeeper.gracekeeper.svc.cluster.local",
                     "gracekeeper.gracekeeper"],
        "duration": "2160h", "renewBefore": "720h", "usages": ["server auth"],
        "privateKey": {**KEY, "rotationPolicy": "Always"},
        "issuerRef": {"name": "gracekeeper-ca", "kind": "Issuer"}}),
]

API_VERSIONS = {"NetworkPolicy": "networking.k8s.io/v1", "HorizontalPodAutoscaler": "autoscaling/v2",
                "ServiceMonitor": "monitoring.coreos.com/v1", "Certificate": "cert-manager.io/v1",
                "Issuer": "cert-manager.io/v1", "PrometheusRule": "monitoring.coreos.com/v1"}
EVERYTHING = {"networkPolicy": {"enabled": True}, "autoscaling": {"enabled": True},
              "serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True},
              "dashboard": {"enabled": True}, "certificates": {"mode": "cert-manager"},
              "linkerdConfig": {"enabled": True}, "commonLabels": {"team": "mesh"}}


class Optional(TestCase):
    def test_each_is_as_it_should_be(self):
        for values, kind, name, spec in ROWS:
            with self.subTest(f"{kind} {name}"):
                self.assertEqual(render(values).one(kind, name)["spec"], spec)
                self.assertEqual([o for o in render() if o["kind"] == kind], [])

    def test_the_helper_s_image_is_the_webhook_s_own_unless_the_configuration_names_one(self):
        def told(values):
            objects = render(values)
            container = objects.container
            flags = [a for a in container["args"] if a.startswith("--helper-image")]
            return flags, container.get("env"), container["image"]

        own = {"image": {"repository": "registry.example/gk", "tag": "7"}}
        self.assertEqual(told(own), (["--helper-image=$(HELPER_IMAGE)"],
                                     [{"name": "HELPER_IMAGE", "value": "registry.example/gk:7"}],
                                     "registry.example/gk:7"))
        for helper in ({}, {"delivery": "init-container"}, {"image": ""}):
            self.assertEqual(told({**own, "config": {"helper": helper}}), told(own))
        self.assertEqual(told({**own, "config": {"helper": {"image": "registry.example/other:1"}}}),
                         ([], None, "registry.example/gk:7"))

    def test_all_have_the_common_labels_and_their_api_version(self):
        found = set()
        for thing in render(EVERYTHING):
            with self.subTest(f"{thing['kind']} {thing['metadata']['name']}"):
                found.add(thing["kind"])
                self.assertLessEqual(
                    {**LABELS, "team": "mesh", "app.kubernetes.io/version": VERSION,
                     "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": f"gracekeeper-{VERSION}"
                     }.items(), thing["metadata"]["labels"].items())
                if thing["kind"] in API_VERSIONS:
                    self.assertEqual(thing["apiVersion"], API_VERSIONS[thing["kind"]])
        self.assertLessEqual(set(API_VERSIONS), found)


if __name__ == "__main__":
    unittest.main()
