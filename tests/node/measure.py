"""Lets one scenario happen on the node and keeps what was seen of it."""

import dataclasses
import time

from control_plane import wait_until

LIMIT = 400  # seconds: all pods of the run come up at the same time, on a machine that may be slow


@dataclasses.dataclass
class Seen:
    """Times are absolute and monotonic."""
    scenario: object
    predicted: dict            # `explain` of the manifest as it was written
    predicted_live: dict       # `explain` of the pod as it was in the cluster
    findings: set
    pod: str                   # its name
    watched: object            # watch.Pod
    lives: dict                # container -> collector.Life
    reasons: dict              # events about the pod
    asked: float = None        # just before the deletion was asked for
    still_running: bool = None  # a Job's proxy, long after the work was done
    looked: float = None       # when that was seen

    @property
    def zero(self):
        """When the API server told of the deletion, so that the kubelet knew too."""
        return self.watched.deleting or self.watched.gone

    def after(self, moment):
        return None if moment is None else moment - self.zero


class Scene:
    """A scenario on its way."""

    def __init__(self, world, scenario, webhook):
        self.world = world
        self.scenario = scenario
        self.webhook = webhook
        self.written = scenario.manifest
        self.applied = scenario.manifest
        self.asked = self.still_running = self.looked = None

    def prepare(self):
        """What will be applied, and what is predicted of it."""
        exec_hooks = self.scenario.exec_hooks
        if self.scenario.adopt:
            self.written = self.applied = self.scenario.adopt(self.world.inject(self.written))
        elif exec_hooks or not self.webhook:
            self.applied = self.world.inject(self.written, exec_hooks)
        if exec_hooks:  # the webhook's own configuration is another one
            self.applied["metadata"]["labels"]["gracekeeper.dev/admission"] = "disabled"
        options = []
        if self.scenario.grace_period is not None:
            options = ["--grace-period", f"{self.scenario.grace_period}s"]
        self.options = options
        self.predicted = self.world.explain(self.written, *options, exec_hooks=exec_hooks)
        self.findings = self.world.findings(self.written, exec_hooks)
        return self.applied

    @property
    def pod(self):
        if self.scenario.kind == "Pod":
            return self.scenario.name
        names = self.world.watch.pods_of(self.scenario.name)
        return names[0] if names else ""

    def containers(self):
        return [c["name"] for c in self.predicted["containers"]]

    def life(self, container):
        return self.world.collector.last(self.pod, container)

    def is_up(self):
        """Every container runs and every application that connects has connected."""
        if not self.pod or not all(self.life(name) for name in self.containers()):
            return False
        if self.scenario.act != "delete":
            return True
        return self.world.watch.pod(self.pod).is_ready() and all(
            self.life(c["name"]).time("connected") for c in self.scenario.applications()
            if "--connect" in c["args"])

    def wait_up(self):
        wait_until(self.is_up, lambda: f"{self.scenario.name} to be up: " + self.describe(),
                   LIMIT)

    def describe(self):
        done = self.world.kubectl("describe", "pod", "-l", f"app={self.scenario.name}", check=False)
        return done.out[-3000:]

    def run(self):
        if self.scenario.act == "delete":
            self.delete()
        else:
            self.watch_job()
        return self.seen()

    def delete(self):
        options = [] if self.scenario.grace_period is None else [
            f"--grace-period={self.scenario.grace_period}"]
        self.live = self.world.watch.pod(self.pod).latest
        self.asked = time.monotonic()
        self.world.kubectl("delete", self.scenario.kind, self.scenario.name, "--wait=false", *options)
        watched = self.world.watch.pod(self.pod)
        if self.scenario.tell_to_exit is not None:
            wait_until(lambda: watched.deleting, f"{self.scenario.name} to be deleted")
            time.sleep(max(0, watched.deleting + self.scenario.tell_to_exit - time.monotonic()))
            self.life("app").tell_to_exit()
        if self.scenario.second_delete:
            after, grace = self.scenario.second_delete
            time.sleep(max(0, self.asked + after - time.monotonic()))
            self.world.kubectl("delete", "pod", self.scenario.name, "--wait=false",
                               f"--grace-period={grace}")
        wait_until(lambda: watched.gone and all(self.life(name).died for name in self.containers()),
                   lambda: f"{self.scenario.name} to be gone: " + self.describe(), LIMIT)

    def job_is_complete(self):
        done = self.world.kubectl("get", "job", self.scenario.name, "-o", "jsonpath={.status.succeeded}")
        return done.out == "1"

    def watch_job(self):
        self.live = self.world.watch.pod(self.pod).latest
        wait_until(lambda: self.life("app").died, f"the work of {self.scenario.name} to end")
        if self.scenario.act == "finish":
            wait_until(self.job_is_complete, lambda: f"{self.scenario.name} to complete: "
                       + self.describe(), pause=0.5)
        else:
            time.sleep(8)  # it would take for ever: the proof is that the proxy is unimpressed
            self.looked = time.monotonic()
            self.still_running = not self.life("linkerd-proxy").died and not self.job_is_complete()
        self.world.kubectl("delete", "job", self.scenario.name, "--wait=false")

    def seen(self):
        watched = self.world.watch.pod(self.pod)
        live = {"apiVersion": "v1", "kind": "Pod", **self.live}
        return Seen(self.scenario, self.predicted,
                    self.world.explain(live, *self.options, exec_hooks=self.scenario.exec_hooks),
                    self.findings, self.pod, watched, {c: self.life(c) for c in self.containers()},
                    self.world.watch.reasons(self.pod), self.asked, self.still_running,
                    self.looked)
