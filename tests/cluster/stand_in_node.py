"""A stand-in for a node, for tests of admission: it runs the webhook's pods as real processes.

    node = StandInNode(plane, program, folder)
    node.start()

Every pod of the cluster is bound to it. A container whose image is gracekeeper's is run for real:
the program (or the program of an image's root file
system) with the container's own arguments, environment, volumes (configMap, secret, projected,
emptyDir), user and probes, in network and mount namespaces of its own with an address on the
bridge. Any other container counts as running at once. Deleted pods get SIGTERM, then SIGKILL at the
end of their grace. What it reports (phase, readiness, address) goes through the pod's status, so
Deployments, EndpointSlices, `helm --wait` and `kubectl rollout` see a node like any other.

It is no kubelet: the tests of termination run on a real one.
"""

import base64
import http.client
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

from control_plane import API_PORT, NODE_ADDRESS, ApiError, Process
from namespaces import BRIDGE, ip

NODE = "stand-in"
PERIOD = 0.2


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def nested(thing, *path, default=None):
    for part in path:
        if not isinstance(thing, dict) or part not in thing:
            return default
        thing = thing[part]
    return thing


class Sandbox:
    """The namespaces of one pod, held by a process that sleeps."""

    numbers = itertools.count(2)

    def __init__(self):
        number = next(Sandbox.numbers)
        self.address = f"10.77.{number // 250}.{number % 250 + 2}"
        self.device = f"pod{number}"
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--propagation", "private", "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/net")
        end = time.monotonic() + 30
        while os.readlink(f"/proc/{self.holder.pid}/ns/net") == own:
            if time.monotonic() > end:
                raise AssertionError("a pod's network namespace did not come up within 30 s")
            time.sleep(0.005)
        ip("link", "add", self.device, "type", "veth", "peer", "name", "eth0", "netns",
           self.holder.pid)
        ip("link", "set", self.device, "master", BRIDGE, "up")
        for command in (["link", "set", "lo", "up"],
                        ["addr", "add", f"{self.address}/16", "dev", "eth0"],
                        ["link", "set", "eth0", "up"],
                        ["route", "replace", "default", "via", NODE_ADDRESS]):
            subprocess.run([*self.inside(), "ip", *command], check=True, capture_output=True,
                           timeout=30)

    def inside(self):
        return ["nsenter", "-t", str(self.holder.pid), "-m", "-n"]

    def mount(self, source, target):
        subprocess.run([*self.inside(), "sh", "-c",
                        'mkdir -p "$2" && mount --bind "$1" "$2"', "mount", source, target],
                       check=True, capture_output=True, timeout=30)

    def remove(self):
        self.holder.kill()
        self.holder.wait()


class RealPod:
    """The processes of one pod of gracekeeper."""

    def __init__(self, node, pod):
        self.node = node
        self.key = pod["metadata"]["uid"]
        self.folder = node.folder / self.key
        self.started = now()
        self.ready = False
        self.deleting_since = None
        self.sandbox = Sandbox()
        self.address = self.sandbox.address
        self.processes = []
        self.volumes = {}
        self.write_volumes(pod)
        for container in pod["spec"]["containers"]:
            self.processes.append(self.run(pod, container))

    def write_volumes(self, pod):
        for volume in pod["spec"].get("volumes", []):
            folder = self.folder / volume["name"]
            folder.mkdir(parents=True, exist_ok=True)
            self.volumes[volume["name"]] = folder
            for name, data in self.files(pod, volume).items():
                partial = folder / f".{name}"
                partial.write_bytes(data)
                partial.rename(folder / name)

    def files(self, pod, volume):
        sources = nested(volume, "projected", "sources", default=[volume])
        namespace = pod["metadata"]["namespace"]
        found = {}
        for source in sources:
            if "configMap" in source:
                name = source["configMap"]["name"]
                data = self.node.api.get(f"/api/v1/namespaces/{namespace}/configmaps/{name}")
                found.update({k: v.encode() for k, v in data.get("data", {}).items()})
            elif "secret" in source:
                secret = source["secret"]
                name = secret.get("secretName", secret.get("name"))
                data = self.node.api.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
                found.update({k: base64.b64decode(v) for k, v in data.get("data", {}).items()})
            elif "serviceAccountToken" in source:
                account = pod["spec"]["serviceAccountName"]
                path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
                answer = self.node.api.post(path, {"kind": "TokenRequest", "spec": {}})
                found[source["serviceAccountToken"]["path"]] = answer["status"]["token"].encode()
            elif "downwardAPI" in source:
                for item in source["downwardAPI"]["items"]:
                    found[item["path"]] = self.field(pod, item["fieldRef"]).encode()
        return found

    def field(self, pod, reference):
        path = reference["fieldPath"]
        if path == "status.podIP":
            return self.address
        return str(nested(pod, *path.split("."), default=""))

    def run(self, pod, container):
        root = ""
        if self.node.program.is_dir():  # an image's root file system: a copy for each container
            root = str(self.folder / f"root-{container['name']}")
            shutil.copytree(self.node.program, root, symlinks=True)
            for name in ("dev", "proc"):  # as every container runtime does
                self.sandbox.mount("/" + name, f"{root}/{name}")
        for mount in container.get("volumeMounts", []):
            source = self.volumes[mount["name"]]
            if "subPath" in mount:
                raise AssertionError("the stand-in node knows no subPath")
            self.sandbox.mount(str(source), root + mount["mountPath"])
        context = {**pod["spec"].get("securityContext", {}), **container.get("securityContext", {})}
        user = context.get("runAsUser", 65532)  # as the image says
        environment = {"PATH": "/usr/bin", "KUBERNETES_SERVICE_HOST": NODE_ADDRESS,
                       "KUBERNETES_SERVICE_PORT": str(API_PORT)}
        for variable in container.get("env", []):
            environment[variable["name"]] = variable["value"] if "value" in variable else \
                self.field(pod, variable["valueFrom"]["fieldRef"])
        arguments = [re.sub(r"\$\((\w+)\)", lambda m: environment.get(m[1], m[0]), a)
                     for a in container.get("args", ["serve"])]
        for folder in self.volumes.values():
            for path in [folder, *folder.iterdir()]:
                os.chown(path, user, user)
        drop = ["setpriv", "--no-new-privs", "--inh-caps=-all"]
        if root:
            program = ["chroot", f"--userspec={user}:{user}", root, "/usr/bin/gracekeeper"]
        else:
            drop += [f"--reuid={user}", f"--regid={user}", "--clear-groups", "--bounding-set=-all"]
            program = [self.node.program]
        return Process(container["name"], [*self.sandbox.inside(), *drop, *program, *arguments],
                       self.node.folder / f"{pod['metadata']['name']}.log",
                       env={**environment, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def probe(self, pod):
        """Asks the readiness probes; a container without one is ready while it runs."""
        for container in pod["spec"]["containers"]:
            get = nested(container, "readinessProbe", "httpGet")
            if get is None:
                continue
            port = get["port"]
            if isinstance(port, str):
                port = next(p["containerPort"] for p in container["ports"] if p["name"] == port)
            try:
                connection = http.client.HTTPConnection(self.address, port, timeout=2)
                connection.request("GET", get.get("path", "/"))
                status = connection.getresponse().status
                connection.close()
                if status >= 400:
                    return False
            except (OSError, http.client.HTTPException):
                return False
        return all(p.alive() for p in self.processes)

    def terminate(self):
        for process in self.processes:
            if process.alive():
                process.child.send_signal(signal.SIGTERM)

    def remove(self):
        for process in self.processes:
            process.child.kill()
            process.child.wait()
        self.sandbox.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


class StandInNode:
    def __init__(self, plane, program, folder, image="gracekeeper"):
        self.plane = plane
        self.api = plane.api
        self.program = pathlib.Path(program).resolve()
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.image = image
        self.pods = {}  # uid -> RealPod
        self.written = {}  # uid -> the status that was written last
        self.errors = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.loop, daemon=True)

    def start(self):
        self.api.post("/api/v1/nodes", {"kind": "Node", "apiVersion": "v1",
                                        "metadata": {"name": NODE, "labels": {
                                            "kubernetes.io/hostname": NODE}}})
        self.api.patch(f"/api/v1/nodes/{NODE}/status", {"status": {
            "capacity": {"cpu": "8", "memory": "16Gi", "pods": "500"},
            "allocatable": {"cpu": "8", "memory": "16Gi", "pods": "500"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "StandIn",
                            "lastHeartbeatTime": now(), "lastTransitionTime": now()}]}})
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join(30)
        for pod in self.pods.values():
            pod.remove()
        self.pods = {}

    def real(self, pod):
        return any(self.image in c.get("image", "") for c in pod["spec"]["containers"])

    def running(self):
        """The real pods that are ready: [(name, RealPod)]"""
        return [pod for pod in list(self.pods.values()) if pod.ready]

    def loop(self):
        while not self.stopping.wait(PERIOD):
            try:
                for pod in self.api.get("/api/v1/pods")["items"]:
                    self.sync(pod)
            except ApiError as error:
                if error.status not in (404, 409):
                    self.errors.append(str(error))
            except (OSError, http.client.HTTPException):
                pass  # the API server is being restarted

    def sync(self, pod):
        uid = pod["metadata"]["uid"]
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
        if not pod["spec"].get("nodeName"):
            if "deletionTimestamp" not in pod["metadata"]:
                self.api.post(path + "/binding", {
                    "kind": "Binding", "apiVersion": "v1",
                    "metadata": {"name": pod["metadata"]["name"]},
                    "target": {"kind": "Node", "apiVersion": "v1", "name": NODE}})
            return
        if uid not in self.pods and self.real(pod) and "deletionTimestamp" not in pod["metadata"] \
                and nested(pod, "status", "phase") not in ("Succeeded", "Failed"):
            self.pods[uid] = RealPod(self, pod)
        real = self.pods.get(uid)
        if "deletionTimestamp" in pod["metadata"]:
            self.terminate(path, pod, real)
        elif real is None:
            if nested(pod, "status", "phase") not in ("Succeeded", "Failed"):
                self.write_status(path, pod, "Running", True, "10.77.255.254", now())
        else:
            self.report(path, pod, real)

    def report(self, path, pod, real):
        codes = [p.child.poll() for p in real.processes]
        if None not in codes and pod["spec"].get("restartPolicy", "Always") != "Always":
            real.ready = False
            self.write_status(path, pod, "Failed" if any(codes) else "Succeeded", False,
                              real.address, real.started, codes)
            return
        real.ready = real.probe(pod)
        self.write_status(path, pod, "Running", real.ready, real.address, real.started, codes)

    def terminate(self, path, pod, real):
        if real is not None:
            if real.deleting_since is None:
                real.deleting_since = time.monotonic()
                real.terminate()
            real.ready = False
            grace = pod["metadata"].get("deletionGracePeriodSeconds", 30)
            over = time.monotonic() - real.deleting_since > grace
            if any(p.alive() for p in real.processes) and not over:
                self.write_status(path, pod, "Running", False, real.address, real.started)
                return
            real.exit_codes = [p.child.poll() for p in real.processes]
            real.remove()
            self.pods.pop(pod["metadata"]["uid"], None)
        self.written.pop(pod["metadata"]["uid"], None)
        self.api.delete(path, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0,
                               "preconditions": {"uid": pod["metadata"]["uid"]}})

    def write_status(self, path, pod, phase, ready, address, started, codes=()):
        uid = pod["metadata"]["uid"]
        state = (phase, ready, address)
        if self.written.get(uid) == state:
            return
        word = "True" if ready else "False"
        statuses = []
        for index, container in enumerate(pod["spec"]["containers"]):
            status = {"running": {"startedAt": started}}
            if phase in ("Succeeded", "Failed"):
                status = {"terminated": {"exitCode": abs(codes[index] or 0), "startedAt": started,
                                         "finishedAt": now()}}
            statuses.append({"name": container["name"], "image": container.get("image", ""),
                             "imageID": "", "ready": ready, "restartCount": 0, "started": True,
                             "state": status})
        self.api.patch(path + "/status", {"status": {
            "phase": phase, "podIP": address, "podIPs": [{"ip": address}], "hostIP": NODE_ADDRESS,
            "startTime": started, "containerStatuses": statuses,
            "conditions": [{"type": kind, "status": word, "lastTransitionTime": now()}
                           for kind in ("Ready", "ContainersReady")]
            + [{"type": kind, "status": "True", "lastTransitionTime": now()}
               for kind in ("PodScheduled", "Initialized")]}})
        self.written[uid] = state
