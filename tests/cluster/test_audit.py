"""`gracekeeper audit`: the verdicts for what runs in a real cluster now."""

import json

import world

GRACE = "config.linkerd.io/shutdown-grace-period"


def workload(name, seconds):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "app", "image": "app:1"}],
                     "terminationGracePeriodSeconds": seconds}}}}


class Audit(world.TestCase):
    def test_what_runs_is_judged_with_its_namespaces_annotations(self):
        shop = self.namespace("audited", {"linkerd.io/inject": "enabled", GRACE: "50s"})
        for name, seconds in (("short", 30), ("long", 90)):
            self.kubectl("-n", shop, "apply", "-f", "-", input=json.dumps(workload(name, seconds)))
        self.kubectl("-n", shop, "rollout", "status", "deployment/short", "--timeout=60s")

        done = world.gracekeeper("audit", "-n", shop, "--format", "json")
        self.assertEqual(done.code, 1, done.err)
        found = [(f["rule"], f["object"]) for f in json.loads(done.out)["findings"]
                 if f["severity"] == "error"]
        # Once for the Deployment, and not again for its ReplicaSet and pods.
        self.assertEqual([rule for rule, _ in found], ["GK001"])
        self.assertIn("short", str(found[0][1]))

        self.kubectl("-n", shop, "delete", "deployment", "short", "--timeout=60s")
        done = world.gracekeeper("audit", "-n", shop)
        self.assertNotIn("error", done.out)
        self.assertNotIn("GK001", done.out)

    def test_a_cluster_without_an_answer_is_an_input_error(self):
        done = world.gracekeeper("audit", "--context", "nowhere")
        self.assertEqual(done.code, 2)
        self.assertIn("nowhere", done.err)
