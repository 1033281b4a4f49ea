"""What is tried on the real node: manifests as a user writes them, and what happens to each.

Durations are small so that all of it takes minutes, and so far apart that a slow machine does not
mistake one for another. The application takes exactly as long to stop as its annotation says.
"""

import copy
import dataclasses

import images

OUTBOUND = "127.0.0.1:4140"  # the proxy's port for outgoing connections
NATIVE = "config.linkerd.io/proxy-enable-native-sidecar"
WAIT = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
GRACE = "config.linkerd.io/shutdown-grace-period"
SHUTDOWN = "gracekeeper.dev/app-shutdown"
UNTIL_EXIT = {"gracekeeper.dev/wait-mode": "until-app-exits"}
EVENTS_FOLDER = "/run/gracekeeper-test"  # on the node; mounted where a program shall not be seen reporting


@dataclasses.dataclass
class Scenario:
    name: str
    claim: str
    manifest: dict
    act: str = "delete"          # delete | finish (a Job ends by itself) | stuck (a Job that does not)
    grace_period: int = None     # kubectl delete --grace-period
    exec_hooks: bool = False     # sidecar.preStop: exec
    adopt: object = None         # edits the injected pod, whose proxy is then found and adopted
    hook_fails: str = ""         # this container's hook cannot run: the prediction does not hold
    tell_to_exit: float = None   # seconds after the deletion
    second_delete: tuple = ()    # (seconds after the deletion, --grace-period)
    until_exit: bool = False     # the wait ends with the applications
    rule: str = ""               # a finding that `check` must have

    @property
    def kind(self):
        return self.manifest["kind"]

    def applications(self):
        """The containers as they are written."""
        spec = self.manifest["spec"]
        return spec.get("template", {}).get("spec", spec)["containers"]


def application(name="app", stop=1, connect=True, hold=False, pre_stop=None, ignore=False, run=None,
                awaits=False, every=0.1, more=()):
    arguments = ["--name", name, "--stop-after", str(stop)]
    if connect:
        arguments += ["--connect", OUTBOUND, "--every", str(every)]
    if hold:
        arguments += ["--hold", OUTBOUND]
    if ignore:
        arguments += ["--ignore-sigterm"]
    arguments += more
    if run is not None:
        arguments += ["--run-for", str(run)]
    container = {"name": name, "image": images.APPLICATION + ":1", "imagePullPolicy": "Never",
                 "args": arguments}
    if awaits:
        container["command"] = ["/linkerd-await", "--shutdown", "--", "/application"]
    if pre_stop:
        container["lifecycle"] = {"preStop": pre_stop}
    return container


def unseen(container):
    """It has no socket in the pod's network but those that it is told to have: see events.h."""
    return {**container, "env": [{"name": "EVENTS", "value": "/events/socket"}],
            "volumeMounts": [{"name": "events", "mountPath": "/events"}]}


EVENTS = [{"name": "events", "hostPath": {"path": EVENTS_FOLDER}}]


def sleep(seconds):
    return {"sleep": {"seconds": seconds}}


def exec_sleep(seconds):
    return {"exec": {"command": ["/bin/sleep", str(seconds)]}}


def template(name, containers, seconds, annotations, **spec):
    return {"metadata": {"labels": {"app": name}, "annotations": annotations},
            "spec": {"terminationGracePeriodSeconds": seconds, "containers": containers, **spec}}


def meshed(shutdown, wait=None, grace="2s", native=None, **more):
    found = {"linkerd.io/inject": "enabled", GRACE: grace, SHUTDOWN: shutdown}
    if wait is not None:
        found[WAIT] = str(wait)
    if native is not None:
        found[NATIVE] = "true" if native else "false"
    return {**found, **more}


def pod(name, seconds, annotations, *containers, **spec):
    made = template(name, list(containers), seconds, annotations, **spec)
    return {"apiVersion": "v1", "kind": "Pod", **made, "metadata": {"name": name, **made["metadata"]}}


def deployment(name, seconds, annotations, *containers, replicas=1):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "template": template(name, list(containers), seconds, annotations)}}


def job(name, seconds, annotations, *containers):
    made = template(name, list(containers), seconds, annotations, restartPolicy="Never")
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
            "spec": {"template": made, "backoffLimit": 0}}


WARN = {"gracekeeper.dev/on-shortfall": "warn"}
WITH_SLEEP = {"config.linkerd.io/proxy-version": "with-sleep"}


def proxy_of(manifest):
    spec = manifest["spec"]
    return next(c for c in spec.get("initContainers", []) + spec["containers"]
                if c["name"] == "linkerd-proxy")


def with_pre_stop(seconds):
    def edit(manifest):
        edited = copy.deepcopy(manifest)
        proxy_of(edited)["lifecycle"] = {**proxy_of(edited).get("lifecycle", {}),
                                         "preStop": sleep(seconds)}
        return edited
    return edit


def waits_that_end():
    """gracekeeper.dev/wait-mode. The proxy's grace is 0, so that its end is the end of the wait. The
    applications are not seen by their reports: what the hook sees are the sockets that are named here."""
    def one(name, claim, seconds, annotations, *containers, until_exit=True, **more):
        return Scenario(name, claim, pod(name, seconds, {**annotations, **UNTIL_EXIT},
                                         *map(unseen, containers), volumes=EVENTS),
                        until_exit=until_exit, **more)

    listening = ["--listen", "8080"]
    return [
        one("until-exit-early", "A wait of 25 s ends when the application is gone", 30,
            meshed("2s", wait=25, grace="0s"),
            application(stop=2, hold=True, more=listening)),
        one("until-exit-at-once", "The application exits at SIGTERM", 30,
            meshed("0s", wait=25, grace="0s"), application(stop=0, more=listening)),
        one("until-exit-closed-listener", "It closes its listener at SIGTERM and goes on with short "
            "connections, one every 0.5 s: the wait does not end before it", 40,
            meshed("12s", wait=25, grace="0s"),
            application(stop=12, every=0.5, more=[*listening, "--close-listener"])),
        one("until-exit-no-listener", "It never has a listener, and a preStop hook of its own", 40,
            meshed("3s", wait=25, grace="0s"),
            application(stop=3, every=0.5, pre_stop=sleep(4))),
        one("until-exit-listener-only", "It opens no connection, but has a listener until it exits", 40,
            meshed("7s", wait=25, grace="0s"), application(stop=7, connect=False, more=listening)),
        one("until-exit-two-speeds", "The slower one counts", 30,
            meshed("fast=1s,slow=5s", wait=22, grace="0s"),
            application("fast", 1, more=listening),
            application("slow", 5, more=["--listen", "8081"])),
        one("until-exit-ignores-sigterm", "An application that ignores SIGTERM: the wait ends when its "
            "time is over, and the application is killed later", 12,
            {**meshed("60s", wait=6, grace="1s"), **WARN},
            application(ignore=True, more=listening), until_exit=False, rule="GK001"),
        one("until-exit-impossible", "An application that runs as the proxy's user cannot be told from "
            "it: the wait stays a fixed sleep", 12, meshed("1s", wait=6, grace="0s"),
            {**application(stop=1), "securityContext": {"runAsUser": 2102}}, until_exit=False,
            rule="GK007"),
    ]


def table():
    shipper = {**application("shipper", stop=2, connect=False), "restartPolicy": "Always"}
    return [
        Scenario("classic-with-wait", "The application stops first, under its proxy's wait: no "
                 "connection fails", deployment(
                     "classic-with-wait", 12, meshed("2s", wait=7),
                     application(stop=2, hold=True))),
        Scenario("classic-without-wait", "The proxy stops at the same moment: every new connection "
                 "of the stopping application fails, an open one goes on for the grace",
                 pod("classic-without-wait", 8, meshed("6s", native=False),
                     application(stop=6, hold=True)), rule="GK003"),
        Scenario("wait-longer-than-grace-period", "The wait is cut off at the pod's grace period; "
                 "the proxy has 2 s left",
                 pod("wait-longer-than-grace-period", 6,
                     {**meshed("1s", wait=30, grace="20s"), **WARN, **WITH_SLEEP},
                     application(stop=1)), rule="GK002"),
        Scenario("grace-longer-classic", "A grace that does not fit: the proxy is killed",
                 pod("grace-longer-classic", 8, {**meshed("1s", wait=6, grace="20s"), **WARN},
                     application(stop=1)), rule="GK001"),
        Scenario("grace-longer-native", "The same with a native sidecar",
                 pod("grace-longer-native", 5, {**meshed("1s", grace="20s"), **WARN},
                     application(stop=1)), rule="GK001"),
        Scenario("hook-without-binary", "An exec hook whose program is not in the image delays "
                 "nothing",
                 pod("hook-without-binary", 40, meshed("3s"),
                     application(stop=3, pre_stop=exec_sleep(30))), hook_fails="app", rule="GK009"),
        Scenario("wait-without-binary", "The same on the proxy, as with exec hooks in a distroless "
                 "image: it stops before the application",
                 pod("wait-without-binary", 60, meshed("4s", wait=40), application(stop=4)),
                 exec_hooks=True, hook_fails="linkerd-proxy"),
        Scenario("native", "A native sidecar is stopped when the application has gone",
                 pod("native", 10, meshed("3s"), application(stop=3, hold=True))),
        Scenario("native-with-prestop", "A preStop hook on a native proxy only makes it slower",
                 pod("native-with-prestop", 14, meshed("1s", grace="1s", native=True),
                     application(stop=1)), adopt=with_pre_stop(8), rule="GK008"),
        Scenario("native-prestop-all-grace", "A hook that takes all of the grace leaves the native "
                 "proxy 2 s to drain", pod("native-prestop-all-grace", 5, {
                     **meshed("1s", grace="20s", native=True), **WARN}, application(stop=1)),
                 adopt=with_pre_stop(5), rule="GK013"),
        Scenario("native-prestop-late", "Hook and waiting are both taken off its grace, and less "
                 "than 2 s become 2", pod("native-prestop-late", 6, {
                     **meshed("5s", grace="20s", native=True), **WARN}, application(stop=5)),
                 adopt=with_pre_stop(4), rule="GK008"),
        Scenario("ignores-sigterm-classic", "An application that ignores SIGTERM is killed, and "
                 "outlives its proxy",
                 pod("ignores-sigterm-classic", 7, {**meshed("60s", wait=3, grace="1s"), **WARN},
                     application(ignore=True)), rule="GK001"),
        Scenario("ignores-sigterm-native", "The same with a native sidecar: SIGTERM only at the "
                 "end, and 2 s",
                 pod("ignores-sigterm-native", 5, {**meshed("60s", grace="20s"), **WARN},
                     application(ignore=True)), rule="GK001"),
        Scenario("two-speeds-classic", "A wait for the fast one cuts off the slow one",
                 pod("two-speeds-classic", 16, meshed("fast=1s,slow=9s", wait=6, grace="1s"),
                     application("fast", 1), application("slow", 9)), rule="GK003"),
        Scenario("two-speeds-native", "A native sidecar waits for the slower one",
                 pod("two-speeds-native", 12, meshed("fast=1s,slow=5s", grace="1s"),
                     application("fast", 1), application("slow", 5))),
        Scenario("prestop-and-wait", "The application's own preStop counts, then its shutdown",
                 pod("prestop-and-wait", 13, meshed("1s", wait=8, grace="1s"),
                     application(stop=1, pre_stop=sleep(3)))),
        Scenario("two-sidecars", "Native sidecars stop one after the other, the last one first",
                 pod("two-sidecars", 14, meshed("app=1s,shipper=2s", grace="1s", native=True),
                     application(stop=1), initContainers=[shipper])),
        Scenario("hook-as-long-as-grace", "A sleep as long as the grace period is accepted; SIGTERM "
                 "comes at its end, SIGKILL 2 s later",
                 pod("hook-as-long-as-grace", 4, {SHUTDOWN: "60s", **WARN},
                     application(stop=60, connect=False, pre_stop=sleep(4))), rule="GK013"),
        Scenario("short-remainder", "What the hook leaves is never less than 2 s",
                 pod("short-remainder", 4, {SHUTDOWN: "60s", **WARN},
                     application(stop=60, connect=False, pre_stop=sleep(3)))),
        Scenario("second-delete", "A second, shorter deletion changes nothing: the kubelet hears of "
                 "it, and goes on with the first one",
                 pod("second-delete", 30, meshed("1s", wait=14, grace="3s"), application(stop=1)),
                 second_delete=(3, 2)),
        Scenario("shorter-delete", "kubectl delete --grace-period cuts the wait off",
                 pod("shorter-delete", 60, meshed("1s", wait=30, grace="20s"), application(stop=1)),
                 grace_period=6),
        Scenario("longer-delete", "kubectl delete --grace-period also gives more than the pod asked for",
                 pod("longer-delete", 6, {**meshed("1s", wait=5, grace="4s"), **WARN},
                     application(stop=1)), grace_period=20),
        Scenario("zero-grace", "A pod that asks for no grace has SIGTERM all the same, and 2 s",
                 pod("zero-grace", 0, {SHUTDOWN: "60s", **WARN}, application(stop=60, connect=False)),
                 rule="GK001"),
        Scenario("ends-itself-sleep", "A sleep action holds the sidecar to its end, though the "
                 "process has ended long before",
                 pod("ends-itself-sleep", 20, meshed("1s", grace="1s", native=True),
                     application(stop=1, pre_stop=sleep(8))), tell_to_exit=2),
        Scenario("ends-itself-exec", "An exec hook ends with its container",
                 pod("ends-itself-exec", 40, meshed("1s", grace="1s", native=True),
                     {**application(stop=1, pre_stop=exec_sleep(30)),
                      "image": images.APPLICATION + ":with-sleep"}),
                 tell_to_exit=2),
        *waits_that_end(),
        Scenario("job-classic", "A Job beside a classic proxy never ends",
                 job("job-classic", 6, meshed("1s", native=False, grace="1s"), application(run=3)),
                 act="stuck", rule="GK011"),
        Scenario("job-native", "A Job beside a native sidecar ends by itself",
                 job("job-native", 6, meshed("1s", native=True, grace="1s"), application(run=3)),
                 act="finish"),
        Scenario("job-await", "linkerd-await --shutdown ends the classic proxy with the Job's command",
                 job("job-await", 6, meshed("1s", native=False, grace="1s", **{
                     "config.linkerd.io/proxy-admin-shutdown": "enabled"}),
                     application(run=3, awaits=True)), act="finish"),
        Scenario("job-wrapped", "The same, put there by the annotation gracekeeper.dev/job-shutdown",
                 job("job-wrapped", 6, meshed("1s", native=False, grace="1s", **{
                     "gracekeeper.dev/job-shutdown": "await",
                     "gracekeeper.dev/linkerd-await": "/linkerd-await"}),
                     {**application(run=3), "command": ["/application"]}), act="finish"),
    ]
