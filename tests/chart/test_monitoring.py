"""Alerts and dashboard ask for metrics that exist, with labels that exist."""

import json
import re
import unittest

from chart import CHART, SOURCE, TestCase, render

RULE = {"prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}}

# Of others: kube-state-metrics and the API server.
OTHERS = {
    "kube_deployment_status_replicas_ready": {"namespace", "deployment"},
    "kube_deployment_spec_replicas": {"namespace", "deployment"},
    "apiserver_admission_webhook_fail_open_count": {"name"},
    "apiserver_admission_webhook_admission_duration_seconds_bucket": {"name", "le"},
}
# What Prometheus adds to what it scrapes through a ServiceMonitor.
TARGET = {"namespace", "service", "pod"}
# What serve has when it reads a cluster and makes its own certificates.
CLUSTER = {
    "gracekeeper_cluster_last_sync_timestamp_seconds": {"resource"},
    "gracekeeper_cluster_synced": {"resource"},
    "gracekeeper_cluster_watch_errors_total": {"resource"},
    "gracekeeper_certificate_rotations_total": set(),
    "gracekeeper_certificate_errors_total": set(),
}


def documented():
    """name -> labels, from the table in docs/serve.md."""
    text = (SOURCE / "docs" / "serve.md").read_text()
    found = {}
    for name, labels in re.findall(r"^\| `(gracekeeper_[a-z_]+)` \| ([^|]*)\|", text, re.M):
        found[name] = set(re.findall(r"`([a-z]+)`", labels))
        if name.endswith("_seconds") and "path" in found[name]:
            found[name + "_bucket"] = found[name] | {"le"}
    for name in ("process_resident_memory_bytes", "process_cpu_seconds_total"):
        found[name] = set()
    return {**{k: v | TARGET for k, v in {**CLUSTER, **found}.items()}, **OTHERS}


def metrics(expression):
    """(name, labels of its selector) of each metric in a query."""
    return [(name, set(re.findall(r'(\w+)=~?"', selector or "")))
            for name, selector in re.findall(
                r"\b((?:gracekeeper|process|kube|apiserver)_\w+)(?:\{([^}]*)\})?", expression)]


def grouped(expression):
    return {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression)
            for label in group.split(",")}


class Monitoring(TestCase):
    def check(self, expression):
        known = documented()
        found = metrics(expression)
        self.assertTrue(found, expression)
        labels = set()
        for name, selected in found:
            self.assertIn(name, known, expression)
            self.assertLessEqual(selected, known[name], expression)
            labels |= known[name]
        self.assertLessEqual(grouped(expression), labels, expression)
        self.assertEqual(expression.count("("), expression.count(")"), expression)
        self.assertEqual(expression.count("{"), expression.count("}"), expression)

    def rules(self, values=None):
        group, = render({**RULE, **(values or {})}).one("PrometheusRule")["spec"]["groups"]
        return {rule["alert"]: rule for rule in group["rules"]}

    def test_there_is_an_alert_for_each_way_to_fail(self):
        self.assertEqual(sorted(self.rules()), [
            "GracekeeperBypassed", "GracekeeperCacheStale", "GracekeeperCertificateErrors",
            "GracekeeperCertificateExpires", "GracekeeperConfigurationRejected",
            "GracekeeperDown", "GracekeeperLogLinesLost", "GracekeeperReplicasNotReady",
            "GracekeeperRequestsFail"])

    def test_alerts_ask_for_what_exists(self):
        for name, rule in self.rules().items():
            with self.subTest(name):
                self.check(rule["expr"])
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
                self.assertEqual(sorted(rule["annotations"]), ["description", "summary"])

    def test_alerts_are_about_this_release(self):
        for name, rule in self.rules().items():
            for metric, labels in metrics(rule["expr"]):
                if metric.startswith("gracekeeper_"):
                    self.assertLessEqual({"namespace", "service"}, labels, name)
            if "namespace=" in rule["expr"]:
                self.assertIn('namespace="gracekeeper"', rule["expr"])

    def test_expiry_is_told_when_renewal_is_overdue(self):
        for values, seconds in (({}, 28 * 3600),
                                ({"certificates": {"selfManaged": {"validityHours": 1}}}, 600),
                                ({"certificates": {"mode": "cert-manager"}}, 7 * 24 * 3600)):
            with self.subTest(values):
                expression = self.rules(values)["GracekeeperCertificateExpires"]["expr"]
                self.assertTrue(expression.endswith(f" < {seconds}"), expression)

    def test_the_dashboard_asks_for_what_exists(self):
        text = render(RULE).one("ConfigMap", "gracekeeper-dashboard")["data"]["gracekeeper.json"]
        dashboard = json.loads(text)
        self.assertEqual(dashboard, json.loads(
            (CHART / "dashboards" / "gracekeeper.json").read_text()))
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                with self.subTest(panel["title"]):
                    self.check(target["expr"])
                    for metric, labels in metrics(target["expr"]):
                        if metric.startswith(("gracekeeper_", "process_")):
                            self.assertLessEqual({"namespace", "service"}, labels)

    def test_the_dashboard_s_panels_do_not_overlap(self):
        dashboard = json.loads((CHART / "dashboards" / "gracekeeper.json").read_text())
        taken = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24)
            taken |= cells

    def test_the_dashboard_shows_every_metric_of_the_program(self):
        text = (CHART / "dashboards" / "gracekeeper.json").read_text()
        self.assertEqual([], [name for name in documented() if name.startswith("gracekeeper_")
                              and not name.endswith("_seconds_bucket") and name not in text])

    def test_the_service_monitor_finds_the_service(self):
        objects = render({"serviceMonitor": {"enabled": True}})
        monitor = objects.one("ServiceMonitor")["spec"]
        service = objects.one("Service")
        self.assertLessEqual(monitor["selector"]["matchLabels"].items(),
                             service["metadata"]["labels"].items())
        self.assertIn(monitor["endpoints"][0]["port"], [p["name"] for p in service["spec"]["ports"]])


if __name__ == "__main__":
    unittest.main()
