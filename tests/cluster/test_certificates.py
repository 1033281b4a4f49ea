"""Certificates that change while the API server calls the webhook: no create may fail."""

import world
from control_plane import wait_until

SECRET = f"/api/v1/namespaces/{world.RELEASE}/secrets/gracekeeper-tls"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
FAIL = {"webhooks": {"mutate": {"failurePolicy": "Fail"}, "validate": {"failurePolicy": "Fail"}}}
VALIDITY = 24  # seconds that a served certificate lives here


class Rotation(world.TestCase):
    def setUp(self):
        self.addCleanup(world.helm_uninstall)
        self.shop = self.namespace("rotation")

    def bundles(self):
        return {w["clientConfig"].get("caBundle") for c in self.api.get(CONFIGURATIONS)["items"]
                for w in c["webhooks"]}

    def data(self):
        return self.api.get(SECRET).get("data") or {}

    def shorten(self):
        """Certificates that live for seconds: the chart's least is an hour."""
        path = f"/apis/apps/v1/namespaces/{world.RELEASE}/deployments/gracekeeper"
        arguments = self.api.get(path)["spec"]["template"]["spec"]["containers"][0]["args"]
        index = next(i for i, a in enumerate(arguments) if a.startswith("--certificate-validity="))
        self.api.patch(path, [{
            "op": "replace", "path": f"/spec/template/spec/containers/0/args/{index}",
            "value": f"--certificate-validity={VALIDITY}s"}], kind="json")
        self.kubectl("-n", world.RELEASE, "rollout", "status", "deployment/gracekeeper",
                     "--timeout=120s")

    def test_leaves_and_authorities_change_under_a_stream_of_creates(self):
        world.helm_install(values=FAIL)
        world.wait_for_webhook()
        with world.Stream(self.shop) as stream:
            self.shorten()
            stream.wait_for(20)
            for what in ("first", "second"):
                before = self.data()
                wait_until(lambda: self.data() != before, f"the {what} leaf to be renewed")
                stream.wait_for(20)
            # What an operator does who wants another authority.
            before = self.bundles()
            self.kubectl("-n", world.RELEASE, "patch", "secret", "gracekeeper-tls",
                         "--type=json", "-p", '[{"op": "remove", "path": "/data"}]')
            wait_until(lambda: len(self.bundles()) == 1 and self.bundles() != before,
                       "a bundle with the next authority in all webhooks")
            both = self.bundles()
            wait_until(lambda: len(self.bundles()) == 1 and self.bundles() != both,
                       "the retired authority to leave the bundle", limit=180)
            self.assertFalse(self.bundles() & before)
            stream.wait_for(20)
        self.assertEqual(stream.failures, [])
        self.assertEqual(stream.unpatched, 0)

    def test_a_bundle_that_somebody_changed_is_put_right(self):
        world.helm_install()
        world.wait_for_webhook()
        right = self.bundles()
        name = self.api.get(CONFIGURATIONS)["items"][0]["metadata"]["name"]
        self.api.patch(f"{CONFIGURATIONS}/{name}", [
            {"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}], kind="json")
        wait_until(lambda: self.bundles() == right, "the bundle to be written again")
        world.wait_for_webhook()
