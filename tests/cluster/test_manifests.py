"""Without Helm: kubectl apply -k deploy/."""

import test_lifecycle
import world
from control_plane import wait_until

DEPLOY = world.SOURCE / "deploy"


class Manifests(world.TestCase):
    def test_apply_try_and_delete(self):
        self.addCleanup(self.kubectl, "delete", "-k", DEPLOY, "--ignore-not-found",
                        "--timeout=120s", limit=180)
        self.kubectl("apply", "-k", DEPLOY)
        self.kubectl("-n", world.RELEASE, "rollout", "status", "deployment/gracekeeper",
                     "--timeout=120s", limit=180)
        world.wait_for_webhook()
        self.kubectl("apply", "-k", DEPLOY)  # changes nothing: what it wrote itself stays
        world.wait_for_webhook()

        shop = self.namespace("shop")
        done = self.kubectl("-n", shop, "apply", "-f", DEPLOY / "examples" / "web.yaml")
        self.assertIn("GK001", done.err)
        wait_until(lambda: self.kubectl("-n", shop, "get", "pods", "-o", "name").out,
                   "the example's pods")
        for pod in self.api.get(f"/api/v1/namespaces/{shop}/pods")["items"]:
            self.assertIn("linkerd-proxy", world.containers(pod))

        self.kubectl("delete", "-k", DEPLOY, "--timeout=120s", limit=180)
        self.assertEqual(test_lifecycle.left_behind(), [])
