"""Installed with Helm, used with kubectl: what a user of the cluster sees."""

import copy
import http.server
import json
import pathlib
import ssl
import subprocess
import threading
import base64

import world
from control_plane import NODE_ADDRESS, ApiError, wait_until

PROXY = "linkerd-proxy"
WAIT = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
GRACE = "config.linkerd.io/shutdown-grace-period"
INJECT = "linkerd.io/inject"
MODE = "gracekeeper.dev/wait-mode"


def setUpModule():
    world.helm_install()
    world.wait_for_webhook()


def tearDownModule():
    world.helm_uninstall()


def pod(name=None, annotations=None, seconds=None, **spec):
    made = {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"annotations": {INJECT: "enabled", **(annotations or {})}},
            "spec": {"containers": [{"name": "app", "image": "app:1"}], **spec}}
    if name:
        made["metadata"]["name"] = name
    if seconds is not None:
        made["spec"]["terminationGracePeriodSeconds"] = seconds
    return made


def deployment(name, **arguments):
    template = pod(**arguments)
    template["metadata"]["labels"] = {"app": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}},
                     "template": {k: template[k] for k in ("metadata", "spec")}}}


def proxy_of(made):
    for container in made["spec"].get("initContainers", []) + made["spec"]["containers"]:
        if container["name"] == PROXY:
            return container
    raise AssertionError(f"no {PROXY} in {json.dumps(made, indent=1)}")


class Pods(world.TestCase):
    def setUp(self):
        self.shop = self.namespace("shop-" + self._testMethodName.replace("_", "-")[5:45].strip("-"))

    def apply(self, thing, *arguments, check=True):
        return self.kubectl("-n", self.shop, "apply", "-f", "-", *arguments,
                            input=json.dumps(thing), check=check)

    def test_an_annotated_pod_is_patched(self):
        self.apply(pod("web", {WAIT: "20", GRACE: "30s"}, seconds=60))
        made = self.pod(self.shop, "web")
        proxy = proxy_of(made)
        self.assertEqual(proxy["lifecycle"]["preStop"], {"sleep": {"seconds": 20}})
        self.assertIn({"name": "LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD", "value": "30000ms"},
                      [e for e in proxy["env"] if "value" in e])
        self.assertEqual(made["spec"]["terminationGracePeriodSeconds"], 60)

    def test_a_pod_without_annotations_is_left_alone(self):
        plain = pod("plain")
        plain["metadata"].pop("annotations")
        self.apply(plain)
        self.assertEqual(world.containers(self.pod(self.shop, "plain")), ["app"])

    def test_a_shortfall_is_denied_with_the_arithmetic(self):
        done = self.apply(pod("short", {WAIT: "20", GRACE: "30s"}, seconds=30), check=False)
        self.assertEqual(done.code, 1)
        self.assertIn("GK001", done.err)
        self.assertIn("terminationGracePeriodSeconds 30 is less than 60 = app 10", done.err)
        self.assertIn("Set terminationGracePeriodSeconds to 60 or more", done.err)

    def test_a_default_that_does_not_fit_warns_the_user(self):
        done = self.apply(pod("default-grace", seconds=30))
        self.assertIn("Warning: ", done.err)
        self.assertIn("GK001", done.err)
        proxy_of(self.pod(self.shop, "default-grace"))

    def test_a_workload_is_judged_when_it_is_applied(self):
        done = self.apply(deployment("web", annotations={WAIT: "20", GRACE: "30s"}, seconds=30),
                          check=False)
        self.assertEqual(done.code, 1)
        self.assertIn("GK001", done.err)

    def test_a_deployment_gets_patched_pods_and_becomes_available(self):
        self.apply(deployment("web", annotations={WAIT: "20", GRACE: "30s"}, seconds=60))
        self.kubectl("-n", self.shop, "rollout", "status", "deployment/web", "--timeout=60s")
        pods = self.api.get(f"/api/v1/namespaces/{self.shop}/pods")["items"]
        self.assertEqual([world.containers(p) for p in pods], [[PROXY, "app"]])
        # The template itself stays as it was written.
        template = self.api.get(f"/apis/apps/v1/namespaces/{self.shop}/deployments/web")
        self.assertEqual([c["name"] for c in template["spec"]["template"]["spec"]["containers"]],
                         ["app"])

    def test_a_dry_run_shows_the_patch_and_keeps_nothing(self):
        done = self.apply(pod("dry", {WAIT: "20", GRACE: "30s"}, seconds=60), "--dry-run=server",
                          "-o", "json")
        proxy_of(json.loads(done.out))
        with self.assertRaises(ApiError) as caught:
            self.pod(self.shop, "dry")
        self.assertEqual(caught.exception.status, 404)

    def test_a_generated_name(self):
        nameless = pod(annotations={WAIT: "20", GRACE: "30s"}, seconds=60)
        nameless["metadata"]["generateName"] = "web-"
        done = self.kubectl("-n", self.shop, "create", "-f", "-", "-o", "json",
                            input=json.dumps(nameless))
        made = json.loads(done.out)
        self.assertTrue(made["metadata"]["name"].startswith("web-"))
        proxy_of(made)

    def test_a_long_native_sleep_is_valid_because_the_grace_was_raised_with_it(self):
        # The API server refuses a sleep longer than terminationGracePeriodSeconds.
        self.apply(pod("patient", {WAIT: "45", GRACE: "10s",
                                   "gracekeeper.dev/on-shortfall": "raise"}, seconds=30))
        made = self.pod(self.shop, "patient")
        self.assertEqual(proxy_of(made)["lifecycle"]["preStop"], {"sleep": {"seconds": 45}})
        self.assertEqual(made["spec"]["terminationGracePeriodSeconds"], 65)

    def test_a_wait_ends_with_the_application_where_that_is_asked_for(self):
        self.apply(pod("until", {WAIT: "20", GRACE: "30s", MODE: "until-app-exits"}, seconds=60))
        spec = self.pod(self.shop, "until")["spec"]
        command = proxy_of({"spec": spec})["lifecycle"]["preStop"]["exec"]["command"]
        self.assertEqual(command[1:], ["--proxy-uid", "2102", "--timeout", "20s"])
        # The webhook's own image has the program.
        deployed = self.api.get("/apis/apps/v1/namespaces/gracekeeper/deployments/gracekeeper")
        image = deployed["spec"]["template"]["spec"]["containers"][0]["image"]
        helper = spec["initContainers"][-1]
        self.assertEqual((helper["name"], helper["image"]), ("gracekeeper-await-app", image))
        self.assertEqual(helper["resources"], {"requests": {"cpu": "10m", "memory": "16Mi"},
                                               "limits": {"cpu": "100m", "memory": "32Mi"}})

    def test_an_image_volume_is_taken_where_the_cluster_has_them(self):
        version = self.api.get("/version")
        if int(version["minor"].rstrip("+")) < 35:
            self.skipTest(f"Kubernetes {version['gitVersion']} has them off by default: run.py --newer")
        done = world.gracekeeper(
            "inject", "--helper-image", "gracekeeper:1", "--helper-delivery", "image-volume", "-",
            input=json.dumps(pod("volume", {WAIT: "20", GRACE: "30s", MODE: "until-app-exits"},
                                 seconds=60)))
        self.assertEqual(done.code, 0, done.err)
        made = json.loads(self.kubectl("-n", self.shop, "create", "--dry-run=server", "-o", "json",
                                       "-f", "-", input=done.out).out)
        volume = next(v for v in made["spec"]["volumes"] if v["name"] == "gracekeeper-await-app")
        self.assertEqual(volume["image"], {"reference": "gracekeeper:1", "pullPolicy": "IfNotPresent"})
        self.assertEqual(proxy_of(made)["lifecycle"]["preStop"]["exec"]["command"][0],
                         "/gracekeeper/usr/bin/gracekeeper-await-app")

    def test_what_was_admitted_can_be_updated_and_deleted(self):
        self.apply(pod("web", {WAIT: "20", GRACE: "30s"}, seconds=60))
        self.kubectl("-n", self.shop, "label", "pod", "web", "seen=yes")
        self.kubectl("-n", self.shop, "annotate", "pod", "web", "note=an update changes nothing")
        self.kubectl("-n", self.shop, "delete", "pod", "web", "--timeout=60s")

    def test_megabytes_of_managed_fields_do_not_matter(self):
        fields = {f"f:{'x' * 200}{n}": {} for n in range(12_000)}  # 2.5 MB; the API server takes 3
        large = pod("large", {WAIT: "20", GRACE: "30s"}, seconds=60)
        large["metadata"]["managedFields"] = [{
            "manager": "test", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "time": "2026-01-31T12:00:00Z", "fieldsV1": {"f:metadata": {"f:labels": fields}}}]
        size = len(json.dumps(large))
        self.assertGreater(size, 2_400_000)
        # Dry: what is stored may not be larger than etcd takes.
        made = self.api.post(f"/api/v1/namespaces/{self.shop}/pods?dryRun=All", large)
        proxy_of(made)

    def test_annotations_of_the_namespace_count_and_change_while_it_runs(self):
        bare = pod()
        bare["metadata"] = {"generateName": "web-"}
        bare["spec"]["terminationGracePeriodSeconds"] = 60

        def first():
            return self.api.post(f"/api/v1/namespaces/{self.shop}/pods?dryRun=All", bare)

        self.assertEqual(world.containers(first()), ["app"])
        self.kubectl("annotate", "namespace", self.shop, f"{INJECT}=enabled", f"{WAIT}=7",
                     f"{GRACE}=20s")
        made = wait_until(lambda: (lambda p: p if PROXY in world.containers(p) else None)(first()),
                          "the namespace's annotation to reach the webhook")
        self.assertEqual(proxy_of(made)["lifecycle"]["preStop"], {"sleep": {"seconds": 7}})
        self.kubectl("annotate", "namespace", self.shop, f"{WAIT}=9", "--overwrite")
        wait_until(lambda: proxy_of(first())["lifecycle"]["preStop"] == {"sleep": {"seconds": 9}},
                   "the changed wait to reach the webhook")
        self.kubectl("annotate", "namespace", self.shop, f"{INJECT}-")
        wait_until(lambda: world.containers(first()) == ["app"],
                   "the removed annotation to reach the webhook")

    def test_the_releases_own_namespace_and_kube_system_are_never_touched(self):
        for name in (world.RELEASE, "kube-system"):
            made = self.api.post(f"/api/v1/namespaces/{name}/pods?dryRun=All",
                                 pod("own", {WAIT: "20", GRACE: "30s"}, seconds=1))
            self.assertEqual(world.containers(made), ["app"], name)


class OtherWebhook:
    """A mutating webhook of someone else, in the test's own process: adds what `change` says."""

    def __init__(self, case, name, change):
        self.case, self.name, self.change = case, name, change
        self.calls = 0

    def __enter__(self):
        folder = self.case.plane.folder / self.name
        folder.mkdir()
        key, certificate = folder / "tls.key", folder / "tls.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=other",
                        "-addext", f"subjectAltName=IP:{NODE_ADDRESS}", "-keyout", key, "-out",
                        certificate], check=True, capture_output=True, timeout=60)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.calls += 1
                patch = outer.change(body["request"]["object"])
                response = {"uid": body["request"]["uid"], "allowed": True}
                if patch:
                    response.update(patchType="JSONPatch",
                                    patch=base64.b64encode(json.dumps(patch).encode()).decode())
                answer = json.dumps({"apiVersion": "admission.k8s.io/v1",
                                     "kind": "AdmissionReview", "response": response}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((NODE_ADDRESS, 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.case.api.post("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": self.name},
            "webhooks": [{
                "name": "other.example.com", "admissionReviewVersions": ["v1"],
                "sideEffects": "None", "failurePolicy": "Fail", "reinvocationPolicy": "IfNeeded",
                "namespaceSelector": {"matchLabels": {
                    "kubernetes.io/metadata.name": self.case.shop}},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                           "resources": ["pods"]}],
                "clientConfig": {
                    "url": f"https://{NODE_ADDRESS}:{self.server.server_port}/",
                    "caBundle": base64.b64encode(certificate.read_bytes()).decode()}}]})
        return self

    def __exit__(self, *_):
        self.case.api.delete("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/"
                             + self.name)
        self.server.shutdown()
        self.server.server_close()


class WithAnotherWebhook(world.TestCase):
    """Any order gives the right result; nothing is added twice."""

    def setUp(self):
        self.shop = self.namespace("two-" + self._testMethodName.replace("_", "-")[5:45].strip("-"))

    def create(self, **changes):
        asked = pod("web", {WAIT: "20", GRACE: "30s", **changes}, seconds=60)
        return self.api.post(f"/api/v1/namespaces/{self.shop}/pods?dryRun=All", asked)

    @staticmethod
    def add_container(thing):
        """Another injector's sidecar: a container that is not there yet."""
        if any(c["name"] == "other" for c in thing["spec"]["containers"]):
            return []
        return [{"op": "add", "path": "/spec/containers/-",
                 "value": {"name": "other", "image": "other:1"}}]

    def see(self, webhook):
        def seen():
            made = self.create()
            return made if "other" in world.containers(made) else None

        return wait_until(seen, f"the API server to call {webhook.name}")

    def check(self, made):
        self.assertEqual(sorted(world.containers(made)), ["app", PROXY, "other"])
        self.assertEqual(len({c["name"] for c in made["spec"].get("initContainers", [])}),
                         len(made["spec"].get("initContainers", [])))
        self.assertEqual(proxy_of(made)["lifecycle"]["preStop"], {"sleep": {"seconds": 20}})

    def test_one_before(self):
        with OtherWebhook(self, "aaa-other", self.add_container) as other:
            self.check(self.see(other))

    def test_one_after_causes_a_second_call_that_changes_nothing(self):
        with OtherWebhook(self, "zzz-other", self.add_container) as other:
            self.check(self.see(other))

    def test_one_after_that_takes_the_hook_away(self):
        def take(thing):
            for index, container in enumerate(thing["spec"]["containers"]):
                if container["name"] == PROXY and "lifecycle" in container \
                        and "taken" not in thing["metadata"]["annotations"]:
                    return [{"op": "remove", "path": f"/spec/containers/{index}/lifecycle"},
                            {"op": "add", "path": "/metadata/annotations/taken", "value": "yes"}]
            return []

        with OtherWebhook(self, "zzz-taker", take) as other:
            made = wait_until(
                lambda: (lambda p: p if "taken" in p["metadata"]["annotations"] else None)(
                    self.create()), f"the API server to call {other.name}")
            # The second call puts it back.
            self.assertEqual(proxy_of(made)["lifecycle"]["preStop"], {"sleep": {"seconds": 20}})
