"""Install, break, upgrade, remove: the webhook's own life, seen by those who create pods."""

import json

import world
from control_plane import ApiError, wait_until

REGISTRATION = "/apis/admissionregistration.k8s.io/v1/"
FAIL = {"webhooks": {"mutate": {"failurePolicy": "Fail"}, "validate": {"failurePolicy": "Fail"}}}


def left_behind():
    """What an installation owns outside its namespace, by kind and name."""
    found = []
    for path in (REGISTRATION + "mutatingwebhookconfigurations",
                 REGISTRATION + "validatingwebhookconfigurations",
                 "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                 "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                 "/api/v1/configmaps", "/api/v1/secrets", "/apis/apps/v1/deployments",
                 "/api/v1/services"):
        for item in world.plane.api.get(path)["items"]:
            if "gracekeeper" in item["metadata"]["name"] and not (
                    item["metadata"].get("deletionTimestamp")):
                found.append(path.rsplit("/", 1)[1] + "/" + item["metadata"]["name"])
    return found


def annotated(seconds=60):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"generateName": "web-", "annotations": {
                "linkerd.io/inject": "enabled", "config.linkerd.io/shutdown-grace-period": "10s"}},
            "spec": {"containers": [{"name": "app", "image": "app:1"}],
                     "terminationGracePeriodSeconds": seconds}}


class Lifecycle(world.TestCase):
    def setUp(self):
        self.addCleanup(world.helm_uninstall)
        self.shop = self.namespace("life-" + self._testMethodName.replace("_", "-")[5:45].strip("-"))

    def create(self, thing=None, namespace=None):
        path = f"/api/v1/namespaces/{namespace or self.shop}/pods?dryRun=All"
        return self.api.post(path, thing or annotated())

    def scale(self, replicas):
        self.kubectl("-n", world.RELEASE, "scale", "deployment/gracekeeper",
                     f"--replicas={replicas}")
        wait_until(lambda: len(self.node.running()) == replicas, f"{replicas} ready replicas")

    def endpoints(self):
        slices = self.api.get(f"/apis/discovery.k8s.io/v1/namespaces/{world.RELEASE}/endpointslices")
        return [e for s in slices["items"] for e in (s.get("endpoints") or [])
                if e["conditions"].get("ready")]

    def test_without_the_webhook_and_ignore_pods_start_as_they_are(self):
        world.helm_install()
        world.wait_for_webhook()
        self.scale(0)
        wait_until(lambda: not self.endpoints(), "the endpoints to go")
        wait_until(lambda: world.containers(self.create()) == ["app"],
                   "a pod to be admitted without the webhook")

    def test_without_the_webhook_and_fail_pods_wait_but_it_is_not_locked_out(self):
        world.helm_install(values=FAIL)
        world.wait_for_webhook()
        self.scale(0)
        wait_until(lambda: not self.endpoints(), "the endpoints to go")

        def refused():
            try:
                self.create()
                return None
            except ApiError as error:
                return error

        error = wait_until(refused, "a pod to be refused")
        self.assertEqual(error.status, 500)
        self.assertIn("failed calling webhook", error.body)
        for namespace in (world.RELEASE, "kube-system"):
            self.create(namespace=namespace)
        self.scale(2)  # its own pods are admitted without it
        world.wait_for_webhook()
        self.assertEqual(len(world.containers(self.create())), 2)

    def test_an_upgrade_under_a_stream_of_creates_fails_none(self):
        world.helm_install(values=FAIL)
        world.wait_for_webhook()
        with world.Stream(self.shop) as stream:
            world.helm_install("--set", "podAnnotations.rolled=yes", values=FAIL, action="upgrade")
            stream.wait_for(20)
            self.kubectl("-n", world.RELEASE, "rollout", "restart", "deployment/gracekeeper")
            self.kubectl("-n", world.RELEASE, "rollout", "status", "deployment/gracekeeper",
                         "--timeout=120s")
            stream.wait_for(20)
        self.assertEqual(stream.failures, [])
        self.assertEqual(stream.unpatched, 0)
        self.assertGreater(stream.done, 40)

    def test_a_replica_that_goes_under_a_stream_of_creates_fails_none(self):
        world.helm_install(values=FAIL)
        world.wait_for_webhook()
        with world.Stream(self.shop) as stream:
            victim = self.api.get(f"/api/v1/namespaces/{world.RELEASE}/pods")["items"][0]
            self.kubectl("-n", world.RELEASE, "delete", "pod", victim["metadata"]["name"],
                         "--timeout=60s")
            stream.wait_for(50)
        self.assertEqual(stream.failures, [])
        self.assertEqual(stream.unpatched, 0)

    def test_an_uninstall_leaves_nothing_and_blocks_nobody(self):
        world.helm_install(values=FAIL)
        world.wait_for_webhook()
        with world.Stream(self.shop) as stream:
            self.plane.helm("uninstall", world.RELEASE, "-n", world.RELEASE, "--wait",
                            "--timeout", "120s", limit=180)
            stream.wait_for(20)
        self.assertEqual(stream.failures, [])
        self.assertEqual(left_behind(), [])

    def test_it_can_be_installed_again_and_helm_test_passes(self):
        for _ in range(2):
            world.helm_install()
            world.wait_for_webhook()
            done = self.plane.helm("test", world.RELEASE, "-n", world.RELEASE, "--timeout", "120s",
                                   limit=180)
            self.assertIn("Succeeded", done.out)
            world.helm_uninstall()

    def test_an_upgrade_keeps_the_certificates(self):
        world.helm_install()
        world.wait_for_webhook()

        def secrets():
            found = self.api.get(f"/api/v1/namespaces/{world.RELEASE}/secrets")["items"]
            return {s["metadata"]["name"]: s.get("data") for s in found
                    if not s["metadata"]["name"].startswith("sh.helm")}

        def bundle():
            found = self.api.get(REGISTRATION + "mutatingwebhookconfigurations")["items"]
            return [w["clientConfig"].get("caBundle") for c in found for w in c["webhooks"]]

        before, trusted = secrets(), bundle()
        self.assertTrue(all(before.values()), before.keys())
        self.assertTrue(trusted and all(trusted))
        world.helm_install("--set", "podAnnotations.rolled=yes", action="upgrade")
        self.assertEqual(secrets(), before)
        self.assertEqual(bundle(), trusted)

    def test_the_configuration_objects_do_not_lock_the_cluster(self):
        """Every webhook leaves out kube-system and the release's own namespace."""
        world.helm_install()
        for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
            for configuration in self.api.get(REGISTRATION + kind)["items"]:
                for webhook in configuration["webhooks"]:
                    with self.subTest(webhook["name"]):
                        excluded = [e for e in webhook["namespaceSelector"]["matchExpressions"]
                                    if e["key"] == "kubernetes.io/metadata.name"]
                        self.assertEqual(excluded[0]["operator"], "NotIn")
                        self.assertLessEqual({"kube-system", world.RELEASE},
                                             set(excluded[0]["values"]), json.dumps(webhook))
                        self.assertEqual(webhook["sideEffects"], "None")
                        self.assertEqual(webhook["matchPolicy"], "Equivalent")
                        self.assertEqual(webhook["timeoutSeconds"], 2)
