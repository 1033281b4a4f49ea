"""`gracekeeper audit`: verdicts on what runs in a cluster."""

import json
import xml.etree.ElementTree

from fake_cluster import FakeCluster, config_map, namespace
from gracekeeper import TestCase, environment, main, run

INJECTED = {"linkerd.io/inject": "enabled"}
SHORT = {**INJECTED, "config.linkerd.io/shutdown-grace-period": "60s"}


def template(annotations=None, grace=30):
    return {"metadata": {"annotations": annotations or {}},
            "spec": {"terminationGracePeriodSeconds": grace,
                     "containers": [{"name": "web", "image": "web:1"}]}}


def workload(kind, where, name, annotations=None, grace=30, owner=None, api="apps/v1"):
    made = template(annotations, grace)
    spec = {"template": made}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    metadata = {"name": name, "namespace": where}
    if kind == "Pod":
        metadata["annotations"] = made["metadata"]["annotations"]
        spec = made["spec"]
    if owner:
        metadata["ownerReferences"] = [{"apiVersion": owner[0], "kind": owner[1], "name": "o",
                                        "uid": "1", "controller": True}]
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


class Audit(TestCase):
    def setUp(self):
        super().setUp()
        self.cluster = FakeCluster(self.folder).start()
        self.addCleanup(self.cluster.stop)
        self.cluster.put("namespaces", namespace("shop"))
        self.cluster.put("namespaces", namespace("mesh", SHORT))

    def audit(self, *arguments, kubeconfig=None):
        return run("audit", "--kubeconfig", kubeconfig or self.cluster.kubeconfig(), *arguments)

    def found(self, *arguments):
        done = self.audit("--format", "json", *arguments)
        report = json.loads(done.out)
        errors = [f["file"] + " " + f["rule"] for f in report["findings"]
                  if f["severity"] == "error"]
        return done.code, errors, report["summary"]

    def fill(self):
        put = self.cluster.put
        put("deployments", workload("Deployment", "shop", "web", SHORT))
        put("deployments", workload("Deployment", "shop", "fine", INJECTED, grace=300))
        put("deployments", workload("Deployment", "mesh", "inherits"))
        put("replicasets", workload("ReplicaSet", "shop", "web-1", SHORT,
                                    owner=("apps/v1", "Deployment")))
        put("statefulsets", workload("StatefulSet", "shop", "db", SHORT))
        put("cronjobs", workload("CronJob", "shop", "nightly", SHORT, api="batch/v1"))
        put("jobs", workload("Job", "shop", "nightly-1", SHORT, api="batch/v1",
                             owner=("batch/v1", "CronJob")))
        put("pods", workload("Pod", "shop", "bare", SHORT, api="v1"))
        put("pods", workload("Pod", "shop", "web-1-x", SHORT, api="v1",
                             owner=("apps/v1", "ReplicaSet")))

    def test_finds_each_thing_once_by_namespace(self):
        self.fill()
        code, errors, summary = self.found()
        self.assertEqual(errors, ["mesh/Deployment/inherits GK001", "shop/CronJob/nightly GK001",
                                  "shop/Deployment/web GK001", "shop/Pod/bare GK001",
                                  "shop/StatefulSet/db GK001"])
        self.assertEqual(code, 1)
        self.assertEqual((summary["files"], summary["objects"], summary["pods"]), (0, 8, 6))

    def test_looks_into_one_namespace_only(self):
        self.fill()
        code, errors, _ = self.found("-n", "mesh")
        self.assertEqual((code, errors), (1, ["mesh/Deployment/inherits GK001"]))
        self.assertNotIn("/apis/apps/v1/deployments?limit=500", self.cluster.requests)
        done = self.audit("-n", "nowhere")
        self.assertEqual((done.code, done.out, done.err),
                         (2, "", "gracekeeper: there is no Namespace nowhere\n"))
        done = self.audit("-n", "../x")
        self.assertEqual((done.code, done.err),
                         (2, 'gracekeeper: --namespace: "../x" is no Namespace\'s name\n'))

    def test_speaks_every_format(self):
        self.cluster.put("deployments", workload("Deployment", "shop", "web", SHORT))
        text = self.audit().out
        self.assertEqual(text.splitlines()[0],
                         "shop/Deployment/web: error GK001 grace-too-short  Deployment/web (shop)")
        self.assertTrue(text.rstrip().endswith("in 1 pod (3 objects)"), text)
        sarif = json.loads(self.audit("--format", "sarif").out)
        uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                for r in sarif["runs"][0]["results"]}
        self.assertIn("shop/Deployment/web", uris)
        junit = xml.etree.ElementTree.fromstring(self.audit("--format", "junit").out)
        self.assertIn("shop/Deployment/web", {s.get("name") for s in junit.iter("testsuite")})
        self.assertIn("::error file=shop/Deployment/web", self.audit("--format", "github").out)
        self.assertIn("Deployment/web", self.audit("--format", "markdown").out)
        path = self.folder / "out.json"
        self.audit("--format", f"json={path}")
        self.assertEqual(len(json.loads(path.read_text())["findings"]),
                         len(json.loads(self.audit("--format", "json").out)["findings"]))

    def test_goes_on_without_what_it_may_not_see(self):
        self.fill()
        self.cluster.forbid("statefulsets", "namespaces")
        done = self.audit("--format", "json")
        self.assertEqual(done.code, 1)
        files = {f["file"] for f in json.loads(done.out)["findings"] if f["severity"] == "error"}
        self.assertEqual(files, {"shop/CronJob/nightly", "shop/Deployment/web", "shop/Pod/bare"})
        self.assertEqual(done.err.splitlines(), [
            'gracekeeper: warning: Namespaces: the API server answered 403: namespaces is '
            'forbidden: User "u" cannot list it: a ClusterRole or Role must allow to list '
            'namespaces',
            'gracekeeper: warning: StatefulSets: the API server answered 403: statefulsets is '
            'forbidden: User "u" cannot list it: a ClusterRole or Role must allow to list '
            'statefulsets',
            "gracekeeper: the findings are without what was not seen: Namespaces, StatefulSets"])

    def test_says_when_nothing_could_be_seen(self):
        self.cluster.forbid("deployments", "statefulsets", "daemonsets", "replicasets",
                            "replicationcontrollers", "jobs", "cronjobs", "pods")
        done = self.audit()
        self.assertEqual(done.code, 2)
        self.assertEqual(done.err.splitlines()[-1], "gracekeeper: nothing could be seen")
        done = self.audit(kubeconfig=self.cluster.kubeconfig("wrong", "wrong.kubeconfig"))
        self.assertEqual((done.code, done.out, done.err), (
            2, "", "gracekeeper: the API server answered 401: Unauthorized: the credentials are "
            "not accepted (expired, or another cluster's)\n"))
        kubeconfig = self.cluster.kubeconfig()
        self.cluster.stop()
        done = self.audit(kubeconfig=kubeconfig)
        self.assertEqual((done.code, done.out, done.err), (
            2, "", f"gracekeeper: https://127.0.0.1:{self.cluster.port}: cannot connect: "
            "Connection refused\n"))

    def test_decides_with_the_clusters_own_settings(self):
        self.cluster.put("configmaps", config_map("linkerd", "linkerd-config", {
            "values": "proxy:\n  shutdownGracePeriod: 1000s\n"}))
        self.cluster.put("deployments", workload("Deployment", "shop", "web", INJECTED, grace=300))
        warnings = lambda done: [f["rule"] for f in json.loads(done.out)["findings"]
                                 if f["severity"] == "warning" and f["rule"] == "GK001"]
        self.assertEqual(warnings(self.audit("--format", "json", "-n", "shop")), [])
        done = self.audit("--format", "json", "-n", "shop", "--linkerd-config",
                          "linkerd/linkerd-config")
        self.assertEqual(warnings(done), ["GK001"])
        done = self.audit("--linkerd-config", "linkerd/other")
        self.assertEqual((done.code, done.err), (
            2, "gracekeeper: --linkerd-config: there is no ConfigMap linkerd/other with a key "
            "`values`\n"))

    def test_finds_the_kubeconfig_where_kubectl_does(self):
        self.cluster.put("deployments", workload("Deployment", "shop", "web", SHORT))
        config = json.loads(self.cluster.kubeconfig().read_text())
        users = {"kind": "Config", "users": config.pop("users")}
        home = self.folder / "home"
        (home / ".kube").mkdir(parents=True)
        self.write("one", json.dumps(config))
        self.write("two", json.dumps(users))
        listed = f"{self.folder}/one:{self.folder}/missing:{self.folder}/two"
        self.assertEqual(run("audit", env=environment(KUBECONFIG=listed)).code, 1)
        config["users"] = users["users"]
        config["clusters"][0]["cluster"]["certificate-authority"] = str(self.cluster.certificate)
        self.write("home/.kube/config", json.dumps(config))
        at_home = environment(HOME=str(home))
        at_home.pop("KUBECONFIG", None)
        self.assertEqual(run("audit", env=at_home).code, 1)
        self.assertEqual(run("audit", "--context", "other", env=at_home).err,
                         "gracekeeper: the kubeconfig has no context other; its contexts: test\n")
        (home / ".kube" / "config").unlink()
        self.assertEqual(run("audit", env=at_home).err,
                         f"gracekeeper: {home}/.kube/config: No such file or directory: use "
                         "--kubeconfig FILE\n")

    def test_the_environments_proxies_are_not_used(self):
        env = environment(HTTPS_PROXY="http://127.0.0.1:1", https_proxy="http://127.0.0.1:1",
                          KUBECONFIG=str(self.cluster.kubeconfig()))
        self.assertEqual(run("audit", env=env).code, 0)


if __name__ == "__main__":
    main()
