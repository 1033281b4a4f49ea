"""`gracekeeper why` about pods that a real kubelet has stopped.

Of every scenario of the run, from what the watch has kept of its pod; and of three pods of its own that
are asked for in the cluster: one that a finalizer holds, one that is gone, one that its probe restarts.
"""

import copy
import dataclasses
import json

import capture
import images
import scenarios
from control_plane import wait_until

NAME = "postmortem"
HELD, GONE, PROBED = "held", "gone", "probed"
LIMIT = 120

# The scenarios in which something ran out: container and cause, gravest first.
EXPECTED = {
    "classic-without-wait": [("linkerd-proxy", "proxy-stopped-first")],
    "wait-longer-than-grace-period": [("linkerd-proxy", "wait-outlives-grace-period")],
    "grace-longer-classic": [("linkerd-proxy", "proxy-grace-cut")],
    "grace-longer-native": [("linkerd-proxy", "proxy-grace-cut")],
    "hook-without-binary": [("app", "hook-failed")],
    "wait-without-binary": [("linkerd-proxy", "hook-failed"),
                            ("linkerd-proxy", "proxy-stopped-first")],
    "native-prestop-all-grace": [("linkerd-proxy", "hook-outlives-grace-period")],
    "native-prestop-late": [("linkerd-proxy", "sidecar-order")],
    "ignores-sigterm-classic": [("app", "grace-period-too-short"),
                                ("linkerd-proxy", "proxy-stopped-first")],
    "ignores-sigterm-native": [("app", "grace-period-too-short"),
                               ("linkerd-proxy", "sidecar-order")],
    "until-exit-ignores-sigterm": [("app", "grace-period-too-short"),
                                   ("linkerd-proxy", "proxy-stopped-first")],
    "two-speeds-classic": [("linkerd-proxy", "proxy-stopped-first")],
    "hook-as-long-as-grace": [("app", "hook-outlives-grace-period")],
    "short-remainder": [("app", "grace-period-too-short")],
    "shorter-delete": [("linkerd-proxy", "grace-period-overridden")],
}
# Their pods are gone at once, before an end of a container is written down.
UNSEEN = ("zero-grace",)


def why(world, name, *options, manifest=None):
    """(exit code, the pods of the answer)"""
    done = world.run("why", name, "-o", "json", *options, manifest=manifest)
    return done.returncode, json.loads(done.stdout)["pods"] if done.stdout else [], done.stderr


def causes(pod):
    return [(c["container"], c["cause"]) for c in pod["conclusions"]]


def errors(world, seen):
    """What `why` gets wrong about a scenario's pod."""
    name = seen.scenario.name
    if name in UNSEEN:
        return []
    expected = EXPECTED.get(name, [])
    found = []
    for kind in ("terminating", "latest"):
        state = getattr(seen.watched, kind)
        if state is None or not has_ended(state):
            continue
        code, pods, _ = why(world, seen.pod, "--from", "-",
                            manifest=capture.of(world, seen.pod, state))
        if sorted(causes(pods[0])) != sorted(expected) or code != bool(expected):
            found.append(f"why ({kind}): {code} {causes(pods[0])}, not {expected}")
        for option in pods[0]["options"]:
            if not option["verified"]:
                found.append(f"why: an option that was not planned again: {option}")
    return found


def has_ended(pod):
    status = pod["status"]
    sidecars = {c["name"] for c in pod["spec"].get("initContainers", []) if "restartPolicy" in c}
    return all("terminated" in one["state"] for one in status.get("containerStatuses", [])
               + [c for c in status.get("initContainerStatuses", []) if c["name"] in sidecars])


@dataclasses.dataclass
class Result:
    name: str
    errors: list
    creates: int = 0


class Scene:
    def __init__(self, world, captures):
        self.world = world
        self.captures = captures
        self.errors = []

    def run(self):
        self.world.apply(*self.manifests())
        names = {}

        def all_up():
            names.update({app: self.world.watch.pods_of(app)[:1] for app in (HELD, GONE, PROBED)})
            return all(found and self.world.watch.pod(found[0]).is_ready()
                       for app, found in names.items() if app != PROBED)

        wait_until(all_up, lambda: f"the pods of {NAME} to be up: {names}", LIMIT)
        self.held(names[HELD][0])
        self.gone(names[GONE][0])
        self.probed(names[PROBED][0])
        self.world.kubectl("delete", "deployment", GONE, "--wait=false")
        self.world.kubectl("delete", "pod", PROBED, "--wait=false")
        return Result(NAME, self.errors)

    @staticmethod
    def manifests():
        annotations = {"gracekeeper.dev/on-shortfall": "warn"}
        deaf = scenarios.application(ignore=True, connect=False)
        held = scenarios.pod(HELD, 5, {**annotations, scenarios.SHUTDOWN: "2s"}, deaf)
        held["metadata"]["finalizers"] = ["gracekeeper.test/hold"]
        slow = {**scenarios.application(connect=False, pre_stop=scenarios.exec_sleep(30)),
                "image": images.APPLICATION + ":with-sleep"}
        gone = scenarios.deployment(GONE, 4, annotations, slow)
        probed = copy.deepcopy(deaf)
        probed["livenessProbe"] = {"tcpSocket": {"port": 1}, "initialDelaySeconds": 15,
                                   "periodSeconds": 1, "failureThreshold": 1,
                                   "terminationGracePeriodSeconds": 3}
        return held, gone, scenarios.pod(PROBED, 30, annotations, probed)

    def ask(self, name, expected, sureness, code=1):
        got, pods, error = why(self.world, name, "-n", "proof", "--kubeconfig",
                               self.world.plane.kubeconfig)
        if not pods:
            self.errors.append(f"why {name}: {got} {error}")
            return None
        found = [(c["container"], c["cause"], c["sureness"]) for c in pods[0]["conclusions"]]
        if got != code or found != [(*expected, sureness)]:
            self.errors.append(f"why {name}: {got} {found}, not {(*expected, sureness)}; {error}")
        if not any(option["verified"] for option in pods[0]["options"]):
            self.errors.append(f"why {name}: nothing would have prevented it: {pods[0]['options']}")
        return pods[0]

    def keep(self, file, pod, state):
        if self.captures:
            (self.captures / f"{file}.json").write_text(
                json.dumps(capture.of(self.world, pod, state), indent=1) + "\n")

    def held(self, pod):
        """The status stays, and what the kubelet's own last deletion has written over."""
        self.world.kubectl("delete", "pod", pod, "--wait=false")
        watched = self.world.watch.pod(pod)
        wait_until(lambda: watched.deleting and has_ended(watched.latest)
                   and watched.latest["metadata"]["deletionGracePeriodSeconds"] == 0,
                   lambda: f"the last deletion of {pod}: {watched.latest}", LIMIT)
        self.ask(pod, ("app", "needs-longer"), "certain")
        self.keep(HELD, pod, watched.latest)
        self.world.kubectl("patch", "pod", pod, "--type=json",
                           "--patch", '[{"op":"remove","path":"/metadata/finalizers"}]')

    def gone(self, pod):
        """Only events are left, and the ReplicaSet that the pod was made from."""
        self.world.kubectl("delete", "pod", pod, "--wait=false")
        watched = self.world.watch.pod(pod)
        wait_until(lambda: watched.gone and "FailedPreStopHook" in self.world.watch.reasons(pod),
                   lambda: f"the end of {pod}: {self.world.watch.reasons(pod)}", LIMIT)
        found = self.ask(pod, ("app", "hook-outlives-grace-period"), "likely")
        if found and (not found["gone"] or found["owner"] != f"Deployment/{GONE}"):
            self.errors.append(f"why {pod}: gone {found['gone']}, owner {found['owner']}")
        self.keep(GONE, pod, None)
        code, pods, _ = why(self.world, f"deployment/{GONE}", "-n", "proof", "--kubeconfig",
                            self.world.plane.kubeconfig)
        if code != 1 or [p["pod"] for p in pods] != [pod]:
            self.errors.append(f"why deployment/{GONE}: {code} {[p['pod'] for p in pods]}")

    def probed(self, pod):
        watched = self.world.watch.pod(pod)

        def was_restarted():
            statuses = watched.latest["status"].get("containerStatuses", [])
            return statuses and "terminated" in statuses[0].get("lastState", {})

        wait_until(was_restarted, lambda: f"the restart of {pod}: {watched.latest}", LIMIT)
        self.ask(pod, ("app", "probe-grace-period"), "certain")
        self.keep(PROBED, pod, watched.latest)
