"""A rolling update under traffic: clients reach the application through its Service and kube-proxy.

Twice the same Deployment, with and without a preStop sleep. Without it the application is gone
before kube-proxy knows; with it there is time. Which of the two is the faster is chance, and on a small
cluster it may be kube-proxy. So it is stopped for the first of the replicas: a cluster whose news
travel slowly, in both cases for less time than the configured propagation.
"""

import contextlib
import dataclasses
import signal
import time

import scenarios
from control_plane import wait_until

REPLICAS = 3
DELAY = 12  # seconds of preStop, many times SLOW_NEWS
SLOW_NEWS = 1
EVERY = 0.02
NAMES = {"rollout-without-prestop": 0, "rollout-with-prestop": DELAY}


@dataclasses.dataclass
class Rollout:
    name: str
    delay: int
    predicted: dict
    connections: int = 0
    failures: list = None     # when they began
    stops: list = None        # when the old replicas got SIGTERM
    errors: list = dataclasses.field(default_factory=list)


def application(name, delay):
    container = scenarios.application(stop=0, connect=False)
    container["args"] += ["--listen", "8080"]
    container["ports"] = [{"containerPort": 8080}]
    container["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    annotations = scenarios.meshed("1s", grace="1s", native=True)
    if delay:
        annotations["gracekeeper.dev/app-prestop-sleep"] = f"{delay}s"
    return scenarios.deployment(name, 20, annotations, container, replicas=REPLICAS)


def service(name):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}}


class Scene:
    def __init__(self, world, name, webhook):
        self.world = world
        self.webhook = webhook
        self.name = name
        self.delay = NAMES[name]

    def prepare(self):
        self.written = application(self.name, self.delay)
        self.applied = self.written if self.webhook else self.world.inject(self.written)
        self.result = Rollout(self.name, self.delay, self.world.explain(self.written))
        return self.applied

    def run(self):
        self.world.kubectl("rollout", "status", f"deployment/{self.name}", "--timeout=120s")
        self.old = self.world.watch.pods_of(self.name)
        address = self.world.kubectl("get", "service", self.name, "-o",
                                     "jsonpath={.spec.clusterIP}").out
        client = self.world.spawn(f"client-{self.name}", self.world.folder / "images/application",
                                  "--name", self.name, "--connect", f"{address}:80",
                                  "--every", str(EVERY))
        wait_until(lambda: self.life() and self.life().time("connected"),
                   lambda: f"a client of {self.name} to connect")
        began = time.monotonic()
        with self.slow_news():
            self.world.kubectl("rollout", "restart", f"deployment/{self.name}")
            self.wait_for_news()
        self.world.kubectl("rollout", "status", f"deployment/{self.name}", "--timeout=240s", limit=260)
        wait_until(lambda: all(self.world.watch.pod(name).gone for name in self.old),
                   f"the old pods of {self.name} to go")
        client.stop()
        wait_until(lambda: self.life().died, "the client to end")
        self.result.connections = self.life().events[-1].get("connections", 0)
        self.result.failures = [f for f in self.life().failures() if f[1] > began]
        self.result.stops = [self.world.collector.last(name, "app").time("sigterm")
                             for name in self.old]
        self.judge()
        return self.result

    @contextlib.contextmanager
    def slow_news(self):
        """kube-proxy learns nothing."""
        proxy = self.world.node.process("kube-proxy").child
        proxy.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            proxy.send_signal(signal.SIGCONT)

    def wait_for_news(self):
        """Until SLOW_NEWS after the first old replica's deletion; without a delay, after its SIGTERM."""
        def stopped():
            watched = [self.world.watch.pod(name).deleting for name in self.old]
            if self.delay:
                return any(watched)
            return any(self.world.collector.last(name, "app").time("sigterm") for name in self.old)

        wait_until(stopped, f"an old replica of {self.name} to be stopped")
        time.sleep(SLOW_NEWS)

    def life(self):
        found = [life for life in self.world.collector.lives if life.container == self.name]
        return found[-1] if found else None

    def judge(self):
        result = self.result
        warned = any(h["kind"] == "traffic-after-stop" for h in result.predicted["hazards"])
        if warned != (self.delay == 0):
            result.errors.append(f"explain says {'' if warned else 'not '}that traffic comes after "
                                 "the stop")
        if None in result.stops:
            result.errors.append("an old replica had no SIGTERM")
        elif self.delay and result.failures:
            result.errors.append(f"{len(result.failures)} of {result.connections} connections failed")
        elif not self.delay and not result.failures:
            result.errors.append("no connection failed without a preStop delay")
        elif not self.delay and result.failures[0][1] < min(result.stops):
            result.errors.append("connections failed before the first SIGTERM")


def scenes(world, webhook, wanted):
    return [Scene(world, name, webhook) for name in NAMES if not wanted or name in wanted]


def manifests(scene):
    return [scene.prepare(), service(scene.name)]
