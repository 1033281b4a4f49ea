"""The webhook on the node: installed with the Helm chart, reached through its Service and kube-proxy."""

import dataclasses
import json
import pathlib
import re
import subprocess
import threading

import archive_image
import world as cluster
from control_plane import wait_until
from node_world import LINKERD_VALUES, NAMESPACE

HELPER = "gracekeeper-await-app"
SELECTOR = "app.kubernetes.io/name=gracekeeper"
# No pod may start unseen, and a slow machine is not a webhook that is down.
VALUES = {"image": {"pullPolicy": "Never"}, "linkerdConfig": {"enabled": True},
          "webhooks": {"timeoutSeconds": 10, "mutate": {"failurePolicy": "Fail"},
                       "validate": {"failurePolicy": "Fail"}}}


@dataclasses.dataclass
class Stream:
    """What became of the creates during a disturbance."""
    name: str
    claim: str
    creates: int = 0
    failures: int = 0
    unpatched: int = 0
    errors: list = dataclasses.field(default_factory=list)

    def take(self, stream):
        self.creates, self.failures = stream.done, len(stream.failures)
        self.unpatched = stream.unpatched
        if stream.failures:
            self.errors.append(f"{self.failures} of {self.creates} creates failed: "
                               f"{stream.failures[:3]}")
        if stream.unpatched:
            self.errors.append(f"{self.unpatched} of {self.creates} pods came back without a proxy")


def libraries(program):
    """The shared libraries of a program and its loader, as paths."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=60, check=True)
    return sorted(set(re.findall(r"(/\S+) \(0x", done.stdout)))


def archive_around(program, folder):
    """An image of the program and the libraries of this machine, where none has been built."""
    files = {"usr/bin/gracekeeper": program, "usr/bin/" + HELPER: program.parent / HELPER,
             **{path: path for path in libraries(program)}}
    return archive_image.write(folder / "gracekeeper.tar", "gracekeeper:this-machine", files,
                               ["/usr/bin/gracekeeper"], user="65532")


class Webhook:
    def __init__(self, world):
        self.world = world
        self.plane = world.plane

    def install(self):
        repository, tag = self.world.image_name.rsplit(":", 1)
        self.world.make_namespace("linkerd")
        self.plane.kubectl("create", "-f", "-", input=json.dumps({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "linkerd-config", "namespace": "linkerd"},
            "data": {"values": json.dumps(LINKERD_VALUES)}}))
        cluster.plane, cluster.node = self.plane, Logs(self.world.folder)
        try:
            cluster.helm_install(values={**VALUES, "image": {
                "repository": repository, "tag": tag, "pullPolicy": "Never"}})
            cluster.wait_for_webhook()
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.describe()}") from error

    def describe(self):
        pods = self.plane.kubectl("-n", cluster.RELEASE, "describe", "pods", check=False).out[-4000:]
        logs = self.plane.kubectl("-n", cluster.RELEASE, "logs", "-l", SELECTOR, "--tail=20",
                                  check=False)
        return pods + logs.out + logs.err

    def helm_test(self):
        result = Stream("helm-test", "The chart's own test passes")
        done = self.plane.helm("test", cluster.RELEASE, "-n", cluster.RELEASE, "--timeout", "120s",
                               limit=180, check=False)
        if "Succeeded" not in done.out:
            result.errors.append(done.out + done.err)
        return result

    def kubectl(self, *arguments, **options):
        return self.plane.kubectl("-n", cluster.RELEASE, *arguments, **options)

    def pods(self):
        """{name: watch.Pod} of the replicas that are there."""
        return {name: pod for name, pod in list(self.world.watch.pods.items())
                if pod.latest and not pod.gone
                and pod.latest["metadata"]["namespace"] == cluster.RELEASE}

    def roll(self):
        result = Stream("webhook-rolling-update", "Both replicas of the webhook are replaced while "
                        "pods are created: no create fails, every pod has its proxy")
        with cluster.Stream(NAMESPACE) as stream:
            self.kubectl("rollout", "restart", "deployment/gracekeeper")
            self.kubectl("rollout", "status", "deployment/gracekeeper", "--timeout=240s", limit=260)
            wait_until(lambda: len(self.pods()) == 2, "the old replicas to go")
            stream.wait_for(20)
        result.take(stream)
        return result

    def drain(self):
        """The node is drained; when one replica has gone it is uncordoned, in the part of the second
        node that would take the replacement."""
        result = Stream("webhook-drain", "The node is drained while pods are created: the disruption "
                        "budget holds the second replica until the first one's replacement is ready")
        before = self.pods()
        outcome = {}

        def drain():
            outcome["done"] = self.plane.kubectl(
                "drain", "node1", f"--pod-selector={SELECTOR}", "--timeout=240s", limit=260,
                check=False)

        with cluster.Stream(NAMESPACE) as stream:
            drainer = threading.Thread(target=drain)
            drainer.start()
            wait_until(lambda: any(pod.gone for pod in before.values()), "the first replica to go")
            if all(pod.deleting for pod in before.values()):
                result.errors.append("both replicas were evicted at once")
            wait_until(lambda: self.world.watch.reasons_in(cluster.RELEASE, "FailedScheduling"),
                       "the replacement to find no node")
            if all(pod.deleting for pod in before.values()):
                result.errors.append("the second replica was evicted before the replacement was ready")
            self.plane.kubectl("uncordon", "node1")
            drainer.join()
            self.kubectl("rollout", "status", "deployment/gracekeeper", "--timeout=240s", limit=260)
            stream.wait_for(20)
        result.take(stream)
        if outcome["done"].code != 0:
            result.errors.append(f"kubectl drain exited with {outcome['done'].code}: "
                                 f"{outcome['done'].err[-1500:]}")
        return result


class Logs:
    """What the shared helpers want to know of a node: where logs are."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
