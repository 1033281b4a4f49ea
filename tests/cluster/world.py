"""The one control plane and stand-in node that all cluster tests of a run share."""

import base64
import json
import pathlib
import shutil
import subprocess
import threading
import unittest

import control_plane
import stand_in_node
from control_plane import wait_until

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CHART = SOURCE / "charts" / "gracekeeper"
RELEASE = "gracekeeper"  # also its namespace

plane = None
node = None


def start(folder, tools, program, newer=False):
    global plane, node
    plane = control_plane.ControlPlane(folder / "plane", tools)
    if newer:
        plane.api_server = "kube-apiserver-newer"
    try:
        plane.folder.mkdir(parents=True)
        plane.start()
        node = stand_in_node.StandInNode(plane, program, folder / "node")
        node.start()
    except BaseException:
        stop()
        raise


def stop():
    if node is not None:
        node.stop()
    if plane is not None:
        plane.stop()


class TestCase(unittest.TestCase):
    """With the shared cluster, and a namespace of its own that vanishes with the test."""

    maxDiff = None
    longMessage = True

    @property
    def plane(self):
        return plane

    @property
    def node(self):
        return node

    @property
    def api(self):
        return plane.api

    def kubectl(self, *arguments, **options):
        return plane.kubectl(*arguments, **options)

    def namespace(self, name, annotations=None, labels=None):
        """A new namespace with its default service account, deleted in the end."""
        plane.api.post("/api/v1/namespaces", {
            "kind": "Namespace", "apiVersion": "v1",
            "metadata": {"name": name, "annotations": annotations or {}, "labels": labels or {}}})
        self.addCleanup(self.remove_namespace, name)
        wait_until(lambda: plane.kubectl("-n", name, "get", "serviceaccount", "default",
                                         check=False).code == 0,
                   f"the default service account of namespace {name}")
        return name

    def remove_namespace(self, name):
        plane.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")

    def pod(self, namespace, name):
        return plane.api.get(f"/api/v1/namespaces/{namespace}/pods/{name}")


def helm_install(*arguments, values=None, check=True, action="install"):
    """helm install --wait of the chart as it stands in the checkout."""
    files = []
    if values is not None:
        path = plane.folder / "values.json"
        path.write_text(json.dumps(values))
        files = ["--values", path]
    namespace = ["--create-namespace"] if action == "install" else []
    return plane.helm(action, RELEASE, CHART, "--namespace", RELEASE, *namespace, "--wait",
                      "--timeout", "120s", *files, *arguments, check=check, limit=180)


def helm_uninstall():
    plane.helm("uninstall", RELEASE, "--namespace", RELEASE, "--wait", "--timeout", "120s",
               check=False, limit=180)
    plane.kubectl("delete", "namespace", RELEASE, "--ignore-not-found", "--timeout=120s")


def wait_for_webhook():
    """Until the API server's calls reach the webhook: a dry-run pod comes back with a proxy."""
    probe = {"apiVersion": "v1", "kind": "Pod",
             "metadata": {"generateName": "probe-", "namespace": "default",
                          "annotations": {"linkerd.io/inject": "enabled"}},
             "spec": {"containers": [{"name": "app", "image": "app"}],
                      "terminationGracePeriodSeconds": 600}}

    def injected():
        try:
            made = plane.api.post("/api/v1/namespaces/default/pods?dryRun=All", probe)
            return len(containers(made)) > 1
        except control_plane.ApiError:
            return False  # with failurePolicy Fail, as long as it cannot be reached

    wait_until(injected, lambda: "the webhook to be called; its pods' logs:\n" + node_logs())


def containers(pod):
    """Names of the init containers that stay and of the containers."""
    spec = pod["spec"]
    return [c["name"] for c in spec.get("initContainers", []) if c.get("restartPolicy") == "Always"] \
        + [c["name"] for c in spec["containers"]]


def node_logs(lines=15):
    return "\n".join(f"== {log.name}\n" + "\n".join(log.read_text().splitlines()[-lines:])
                     for log in sorted(node.folder.glob("*.log")))


class Stream:
    """Dry-run creates of an annotated pod, one after another, until the with block ends.

    Each is a call of the webhook; `failures` has what the API server refused, `unpatched` counts
    pods that came back without a proxy.
    """

    def __init__(self, namespace, threads=2):
        self.namespace = namespace
        self.done = 0
        self.unpatched = 0
        self.failures = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.loop, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for(1)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def wait_for(self, more):
        """Until so many more creates have been answered."""
        target = self.done + more
        wait_until(lambda: self.done >= target, lambda: f"{more} more creates; {self.failures[:3]}")

    def loop(self):
        pod = {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"generateName": "stream-", "annotations": {
                   "linkerd.io/inject": "enabled",
                   "config.linkerd.io/shutdown-grace-period": "10s"}},
               "spec": {"containers": [{"name": "app", "image": "app:1"}],
                        "terminationGracePeriodSeconds": 60}}
        path = f"/api/v1/namespaces/{self.namespace}/pods?dryRun=All"
        while not self.stopping.is_set():
            try:
                if len(containers(plane.api.post(path, pod))) < 2:
                    self.unpatched += 1
            except Exception as error:  # whatever it is, a user would see it
                self.failures.append(str(error))
            self.done += 1
            self.stopping.wait(0.005)


def gracekeeper(*arguments, limit=60, input=None):
    """Runs the program (the image's, where the run has one) with the cluster's kubeconfig."""
    config = json.loads(plane.kubeconfig.read_text())
    for entry, keys in (("cluster", ["certificate-authority"]),
                        ("user", ["client-certificate", "client-key"])):
        part = config[entry + "s"][0][entry]
        for key in keys:  # in the file itself: an image has no other files
            part[key + "-data"] = base64.b64encode(pathlib.Path(part.pop(key)).read_bytes()).decode()
    if node.program.is_dir():
        root = plane.folder / "program-root"
        if not root.exists():
            shutil.copytree(node.program, root, symlinks=True)
        command, kubeconfig = ["chroot", root, "/usr/bin/gracekeeper"], "/tmp/kubeconfig"
        (root / "tmp/kubeconfig").write_text(json.dumps(config))
    else:
        kubeconfig = plane.folder / "embedded.kubeconfig"
        kubeconfig.write_text(json.dumps(config))
        command = [node.program]
    done = subprocess.run([str(a) for a in (*command, *arguments)], text=True, capture_output=True,
                          input=input,
                          env=plane.environment(KUBECONFIG=str(kubeconfig)), timeout=limit,
                          check=False)
    return control_plane.Done(done.returncode, done.stdout, done.stderr)
