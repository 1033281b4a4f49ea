"""`gracekeeper serve` with a cluster to read: Namespaces, Linkerd's settings, the version."""

import json

from fake_cluster import FakeCluster, config_map, namespace
from gracekeeper import Server, TestCase, main, patch_of, review, run, wait_until

PLAIN = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {}},
         "spec": {"containers": [{"name": "c"}], "terminationGracePeriodSeconds": 300}}
INJECT = {"linkerd.io/inject": "enabled"}
SYNCED = 'gracekeeper_cluster_synced{resource="namespaces"}'
ERRORS = 'gracekeeper_cluster_watch_errors_total{resource="namespaces"}'
LAST_SYNC = 'gracekeeper_cluster_last_sync_timestamp_seconds{resource="namespaces"}'


def is_injected(server, where="shop"):
    answer = server.review("/mutate", review(PLAIN, namespace=where))
    return "linkerd-proxy" in json.dumps(patch_of(answer))


def ready(server):
    wait_until(lambda: server.get("/readyz") == (200, "ok\n"), "readiness")


class Namespaces(TestCase):
    def setUp(self):
        super().setUp()
        self.cluster = FakeCluster(self.folder)
        self.addCleanup(self.cluster.stop)

    def start(self, *arguments):
        return Server("--kubeconfig", self.cluster.kubeconfig(), *arguments)

    def test_annotations_of_namespaces_count_and_their_changes_too(self):
        for name in ("a", "b", "c", "d"):
            self.cluster.put("namespaces", namespace(name))
        self.cluster.put("namespaces", namespace("shop", INJECT))
        self.cluster.start()
        with self.start() as server:
            ready(server)
            self.assertTrue(is_injected(server), "the last page of the list")
            self.assertFalse(is_injected(server, "a"))
            self.cluster.put("namespaces", namespace("shop"))
            wait_until(lambda: not is_injected(server), "the annotation to go")
            self.cluster.put("namespaces", namespace("new", INJECT))
            wait_until(lambda: is_injected(server, "new"), "the new Namespace")
            self.cluster.delete("namespaces", "new")
            wait_until(lambda: not is_injected(server, "new"), "the Namespace to go")
            server.wait_for_log("admission", remarks=[
                "the Namespace new is not known yet: decided as if it had no annotations"])
            self.assertEqual(server.metrics()[SYNCED], 1)
            self.assertEqual(server.metrics().get(ERRORS, 0), 0)

    def test_serves_from_what_it_knows_while_the_api_server_is_away(self):
        self.cluster.put("namespaces", namespace("shop", INJECT))
        self.cluster.start()
        with self.start() as server:
            ready(server)
            before = server.metrics()[LAST_SYNC]
            self.cluster.stop()
            server.wait_for_log("the cluster cannot be read, what was read last goes on being used",
                                resource="namespaces", level="warning")
            self.assertTrue(is_injected(server))
            self.assertEqual(server.get("/readyz"), (200, "ok\n"))
            self.assertEqual(server.metrics()[SYNCED], 0)
            self.assertGreaterEqual(server.metrics()[ERRORS], 1)
            # What happens meanwhile is seen afterwards, a Namespace that vanished too.
            self.cluster.put("namespaces", namespace("other", INJECT))
            self.cluster.delete("namespaces", "shop")
            self.cluster.forget_history()
            self.cluster.start()
            server.wait_for_log("the cluster is read again", resource="namespaces")
            wait_until(lambda: is_injected(server, "other"), "the Namespace made meanwhile")
            self.assertFalse(is_injected(server))
            self.assertEqual(server.metrics()[SYNCED], 1)
            self.assertGreater(server.metrics()[LAST_SYNC], before)

    def test_starts_without_an_api_server_and_says_why_it_is_not_ready(self):
        self.cluster.start()
        kubeconfig = self.cluster.kubeconfig()
        self.cluster.stop()
        with Server("--kubeconfig", kubeconfig) as server:
            expected = (503, "waiting for the cluster: namespaces: "
                        f"https://127.0.0.1:{self.cluster.port}: cannot connect: "
                        "Connection refused\n")
            wait_until(lambda: server.get("/readyz") == expected, "the reason")
            self.assertEqual(server.get("/livez"), (200, "ok\n"))
            self.assertFalse(is_injected(server), "it answers all the same")
            self.cluster.put("namespaces", namespace("shop", INJECT))
            self.cluster.start()
            ready(server)
            self.assertTrue(is_injected(server))

    def test_says_what_is_missing_when_it_may_not_read(self):
        self.cluster.forbid("namespaces")
        self.cluster.start()
        with self.start() as server:
            entry = server.wait_for_log("the cluster cannot be read yet", resource="namespaces")
            self.assertEqual(entry["reason"],
                             'the API server answered 403: namespaces is forbidden: User "u" '
                             "cannot list it: a ClusterRole or Role must allow to list and watch "
                             "namespaces")
        with Server("--kubeconfig", self.cluster.kubeconfig("wrong-token")) as server:
            entry = server.wait_for_log("the cluster cannot be read yet", resource="namespaces")
            self.assertEqual(entry["reason"],
                             "the API server answered 401: Unauthorized: the credentials are not "
                             "accepted (expired, or another cluster's)")

    def test_survives_a_watch_that_sends_rubbish(self):
        self.cluster.broken_watches = 1
        self.cluster.start()
        with self.start() as server:
            ready(server)
            server.wait_for_log("the cluster is read again", resource="namespaces")
            self.cluster.put("namespaces", namespace("shop", INJECT))
            wait_until(lambda: is_injected(server), "the Namespace")

    def test_stops_at_once_although_a_watch_waits(self):
        self.cluster.start()
        with self.start() as server:
            ready(server)
            server.terminate()
            self.assertEqual(server.wait(10), 0)


class Settings(TestCase):
    def setUp(self):
        super().setUp()
        self.cluster = FakeCluster(self.folder, version=("1", "28+"))
        self.cluster.put("namespaces", namespace("shop", INJECT))
        self.cluster.start()
        self.addCleanup(self.cluster.stop)

    def start(self, *arguments):
        return Server("--kubeconfig", self.cluster.kubeconfig(), *arguments)

    def put_values(self, text):
        self.cluster.put("configmaps", config_map("linkerd", "linkerd-config", {"values": text}))

    def image_version(self, server):
        answer = server.review("/mutate", review(PLAIN))
        for operation in patch_of(answer):
            text = json.dumps(operation)
            for version in ("one", "two"):
                if f"/proxy:{version}" in text:
                    return version
        return "default"

    def hook(self, server):
        """The form of the proxy's preStop sleep: exec before 1.30, else the built-in action."""
        pod = json.loads(json.dumps(PLAIN))
        pod["metadata"]["annotations"] = {
            "config.alpha.linkerd.io/proxy-wait-before-exit-seconds": "7"}
        text = json.dumps(patch_of(server.review("/mutate", review(pod))))
        return "exec" if '"preStop": {"exec"' in text else "sleep"

    def test_linkerds_config_map_is_followed_and_a_bad_one_is_not_used(self):
        with self.start("--linkerd-config", "linkerd/linkerd-config") as server:
            ready(server)
            server.wait_for_log("Linkerd's ConfigMap is not there",
                                configmap="linkerd/linkerd-config")
            self.assertEqual(self.image_version(server), "default")
            self.put_values("proxy:\n  image:\n    version: one\n")
            wait_until(lambda: self.image_version(server) == "one", "the first settings")
            seen = len(server.lines)
            self.put_values("proxy: [\n")
            entry = server.wait_for_log("Linkerd's new settings are not used, the last good ones "
                                        "stay", after=seen, level="error")
            self.assertIn("ConfigMap linkerd/linkerd-config (data.values):2:", entry["reason"])
            self.assertEqual(self.image_version(server), "one")
            wait_until(lambda: server.metrics().get(
                'gracekeeper_cluster_watch_errors_total{resource="linkerd-config"}') == 1,
                       "the count")
            self.put_values("proxy:\n  image:\n    version: two\n")
            wait_until(lambda: self.image_version(server) == "two", "the second settings")
            self.cluster.delete("configmaps", "linkerd-config", "linkerd")
            server.wait_for_log("Linkerd's ConfigMap is not there", after=seen)
            self.assertEqual(self.image_version(server), "two")

    def test_a_reload_keeps_what_the_cluster_said(self):
        self.put_values("proxy:\n  image:\n    version: one\n")
        path = self.write("config.yaml", "apiVersion: gracekeeper.dev/v1alpha1\n"
                          "kind: Configuration\ndefaults:\n  onShortfall: deny\n")
        with self.start("--linkerd-config", "linkerd/linkerd-config", "--config", path) as server:
            ready(server)
            self.assertEqual((self.image_version(server), self.hook(server)), ("one", "exec"))
            seen = len(server.lines)
            self.write(path.name, path.read_text().replace("deny", "warn"))
            server.wait_for_log("configuration loaded", after=seen)
            self.assertEqual((self.image_version(server), self.hook(server)), ("one", "exec"))

    def test_the_clusters_version_counts_where_nobody_states_one(self):
        stated = self.write("config.yaml", "apiVersion: gracekeeper.dev/v1alpha1\n"
                            'kind: Configuration\nkubernetesVersion: "1.33"\n')
        for arguments, expected in (((), "exec"),
                                    (("--kubernetes-version", "1.33"), "sleep"),
                                    (("--config", stated), "sleep")):
            with self.subTest(arguments=arguments), self.start(*arguments) as server:
                ready(server)
                self.assertEqual(self.hook(server), expected)


class CommandLine(TestCase):
    def test_options_that_do_not_go_together_are_refused(self):
        config = self.write("kubeconfig", "kind: Config\n")
        for arguments, message in (
                (("--in-cluster", "--kubeconfig", config),
                 "--in-cluster and --kubeconfig name two clusters: give one of them"),
                (("--linkerd-config", "linkerd/linkerd-config"),
                 "--linkerd-config is read from a cluster: add --in-cluster or --kubeconfig FILE"),
                (("--in-cluster",),
                 "--in-cluster: this is no pod of a cluster: KUBERNETES_SERVICE_HOST and "
                 "KUBERNETES_SERVICE_PORT are not set; outside of a cluster use a kubeconfig"),
                (("--kubeconfig", config),
                 "--kubeconfig: the kubeconfig has no current-context; its contexts: none"),
                (("--kubeconfig", self.folder / "no"),
                 f"--kubeconfig: {self.folder}/no: No such file or directory")):
            with self.subTest(arguments=arguments):
                done = run("serve", *arguments)
                self.assertEqual((done.code, done.out, done.err),
                                 (2, "", f"gracekeeper: {message}\n"))


if __name__ == "__main__":
    main()
