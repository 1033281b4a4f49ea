"""docs/evidence.md: what was predicted and what a real kubelet did, side by side."""

import dataclasses
import datetime
import json
import platform
import subprocess

import judge
import traffic

HEAD = """# Evidence

Written by `make evidence` on {date}; `make node-test` checks the same every time. Everything ran on one
machine: a control plane ({kubelet}), a kubelet, {containerd}, {runc}, kube-proxy, CNI bridge; {kernel},
{processors} processors. Gracekeeper {gracekeeper}, {way}.

**The proxy here is a stand-in, not Linkerd's.** It does at SIGTERM what the model says of a proxy: it closes its
listener, lets open connections go on and exits at the end of its grace, always at the very end. When
signals come and who is killed is the kubelet's doing and does not depend on it; how Linkerd's proxy behaves between
its SIGTERM and its end is not shown here.

## How to read it

Times are seconds since the deletion, *predicted / measured*: predicted by `gracekeeper explain` of the manifest as it
was applied, and again of the pod as it ran (they must be equal); measured by the processes themselves and the API server on one
clock. The application opens a connection through the proxy ten times a second until it exits.
Where a process ended before it, there is no SIGTERM. `137` is SIGKILL. The pod object goes some time after its
last container: the kubelet's housekeeping.

A run fails when something happens before its predicted time, or more than {late:.1f} s after it (so much more for
each container whose end the runtime must report first), when an exit code is another one, or when a
connection fails that was not predicted to, or the other way round. The kubelet's first signals came
{delays} after the deletion: its own work, on this machine and with {count} pods on it.

## Termination

| what | T | proxy | pod gone | container | SIGTERM | end | exit code | new connections refused |
|---|---|---|---|---|---|---|---|---|
"""

UNTIL_EXIT = """
## Waits that end with the application

`gracekeeper.dev/wait-mode: until-app-exits`. Seconds since the end of the last application container. The
applications report over a socket that is not in their pod's network, so that the hook sees only the sockets that
they are said to have. These pods are deleted when the others are gone: a busy node takes longer to start a hook. A run
fails when the proxy has its SIGTERM before an application's end, or is gone more than {soon:g} s after it (on a machine on
which nine of ten signals take no longer than {usual:g} s). The pod object goes when the kubelet's housekeeping has seen
all of it end, as for every other pod.

| what | wait | the proxy's SIGTERM | the last container gone | the pod object gone |
|---|---|---|---|---|
"""

JOBS = """
## Jobs

Nobody deletes them; times are seconds since the work was done.

| what | predicted | measured |
|---|---|---|
"""

NOT_PREDICTED = """
## What is not predicted

- `hook-without-binary`, `wait-without-binary`: nobody can see from a manifest whether an image has `sleep`. The
  kubelet reports `FailedPreStopHook` and sends SIGTERM at once; `check` warns of it with GK009 for the application's hooks.
- `ends-itself-*`: a process that ends by itself during its hook. A `sleep` action runs on and holds native sidecars
  to its end; an `exec` hook ends with its container. Nothing in a manifest says that it will, so `explain`
  plans with the whole hook. (Seen once: the container ended just when containerd 1.6 was asked to stop it, the call
  failed with `ttrpc: closed`, and the native sidecar ran to the end of the grace.)
- Where an application is killed at the very moment when its native proxy gets SIGTERM (`ignores-sigterm-native`), the
  order of the two is the kubelet's: for some tenths of a second new connections may be refused.
"""

ROLLOUTS = """
## Rolling updates

Clients connect to a Deployment of {replicas} replicas through its Service, {rate} connections a second, while
`kubectl rollout restart` replaces all of them. The application exits at SIGTERM. For the first replica the node's
kube-proxy is stopped until {late:g} s after its SIGTERM or, with a preStop delay, after its deletion: on a large cluster
news travel like that, and which of kubelet and kube-proxy is the faster would be chance.

| what | predicted | connections | failed |
|---|---|---|---|
"""

WEBHOOK = """
## The webhook itself

Installed with the Helm chart, two replicas, `failurePolicy: Fail`; the chart's own test (`helm test`) passes; the API
server reaches it through its Service and kube-proxy. Pods are created (dry run) as fast as they are admitted.

| what | creates | failed | without a proxy |
|---|---|---|---|
"""

WEBHOOK_TAIL = """
The machine is a single node. In the drain it is cordoned, so that the first replica's replacement has nowhere to go until
the test uncordons it, in the part of a second node that would take it. That replicas are spread over nodes, and what
happens when a node dies, cannot be seen here.
"""


@dataclasses.dataclass
class Row:
    container: str
    sigterm: str
    end: str
    code: str
    refused: str


def number(value):
    return f"{value:g}"


def pair(predicted, moment, seen):
    measured = "–" if moment is None else f"{seen.after(moment):.2f}"
    return f"{predicted} / {measured}"


def refused(seen, container):
    """Where new connections fail: predicted / measured."""
    arguments = {c["name"]: c["args"] for c in seen.scenario.applications()}
    if "--connect" not in arguments.get(container["name"], []):
        return ""
    hazards = [h for h in seen.predicted["hazards"] if h["kind"] == "new-connections-refused"
               and container["name"] in h["containers"]]
    predicted = ", ".join(f"{h['from']:g} to {h['to']:g}" for h in hazards) or "none"
    start = seen.asked or 0
    failures = [f[1] for f in seen.lives[container["name"]].failures() if f[1] > start]
    measured = "none"
    if failures:
        measured = (f"{len(failures)}, {seen.after(failures[0]):.2f} to "
                    f"{seen.after(failures[-1]):.2f}")
    lost = seen.lives[container["name"]].time("held-connection-lost")
    return f"{predicted} / {measured}" + (
        f"; an open one lasted until {seen.after(lost):.2f}" if lost else "")


def rows(seen):
    for container in seen.predicted["containers"]:
        name = container["name"]
        life = seen.lives[name]
        code = str(seen.watched.codes.get(name, "not reported"))
        yield Row(name, pair(number(container["sigterm"]), life.time("sigterm"), seen),
                  pair(number(container["exit"]), life.died, seen), code, refused(seen, container))


def job(seen):
    """What becomes of a Job: predicted, measured."""
    done, proxy = seen.lives["app"].time("exit"), seen.lives["linkerd-proxy"]
    if seen.scenario.act == "stuck":
        return "never ends", f"the proxy still runs after {seen.looked - done:.0f} s"
    stop = proxy.time("sigterm") or proxy.time("shutdown-asked")
    how = "has SIGTERM" if proxy.time("sigterm") else "is asked to stop"
    return "ends by itself", (f"the proxy {how} after {stop - done:.2f} s and exits with "
                              f"{seen.watched.codes.get('linkerd-proxy')} after {proxy.died - done:.2f} s; "
                              "the Job completes")


def delays(results):
    found = judge.delays(results.terminations)
    if not found:
        return "not measured"
    return (f"{found[0]:.2f} to {found[-1]:.2f} s (nine of ten within "
            f"{judge.usual_delay(results.terminations):.2f} s)")


def gone(seen):
    """When the pod object goes; with T = 0 it does not wait for its containers."""
    last = max(c["exit"] for c in seen.predicted["containers"])
    return pair("0" if seen.predicted["terminationGracePeriodSeconds"] == 0 else number(last),
                seen.watched.gone, seen)


def termination(seen):
    text = ""
    for index, row in enumerate(rows(seen)):
        first = [f"**{seen.scenario.name}** {seen.scenario.claim}",
                 str(seen.predicted["terminationGracePeriodSeconds"])
                 + (f", deleted with {seen.scenario.grace_period}"
                    if seen.scenario.grace_period is not None else ""),
                 seen.predicted["sidecar"], gone(seen)] if index == 0 else [""] * 4
        text += "| " + " | ".join([*first, row.container, row.sigterm, row.end, row.code,
                                   row.refused]) + " |\n"
    return text


def until_exit(all_seen):
    if not all_seen:
        return ""
    text = UNTIL_EXIT.format(soon=judge.SOON, usual=judge.LATE / judge.SLOWER)
    for seen in all_seen:
        gone = judge.after_applications(seen)
        times = [gone.sigterm, gone.proxy, gone.pod] if gone else [None] * 3
        text += (f"| **{seen.scenario.name}** | {number(seen.predicted['budget']['wait'])} | "
                 + " | ".join("–" if t is None else f"{t:.2f}" for t in times) + " |\n")
    return text


def rollout(one):
    hazard = next((h for h in one.predicted["hazards"] if h["kind"] == "traffic-after-stop"), None)
    predicted = "none fails" if hazard is None else \
        f"traffic arrives after SIGTERM, until {hazard['to']:g} s"
    what = f"preStop sleep of {one.delay} s" if one.delay else "no preStop delay"
    return f"| **{one.name}** {what} | {predicted} | {one.connections} | {len(one.failures)} |\n"


def output(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60,
                          check=True).stdout.strip()


def document(world, results, with_webhook):
    node = json.loads(world.plane.kubectl("get", "node", "node1", "-o", "json").out)
    info = node["status"]["nodeInfo"]
    text = HEAD.format(
        date=datetime.date.today().isoformat(), kubelet="Kubernetes " + info["kubeletVersion"],
        containerd=info["containerRuntimeVersion"].replace("://", " "),
        runc=output("runc", "--version").splitlines()[0].replace(" version", ""),
        kernel=f"Linux {platform.release()}", processors=node["status"]["capacity"]["cpu"],
        gracekeeper=output(world.program, "--version").split()[-1],
        way="its webhook installed with the Helm chart and reached through its Service" if with_webhook
        else "`gracekeeper inject` applied", late=results.late, delays=delays(results),
        count=len(results.terminations))
    text += "".join(termination(seen) for seen in results.terminations if seen.scenario.act == "delete")
    text += until_exit([seen for seen in results.terminations if seen.scenario.until_exit])
    text += JOBS
    for seen in results.terminations:
        if seen.scenario.act != "delete":
            text += (f"| **{seen.scenario.name}** {seen.scenario.claim} | "
                     + " | ".join(job(seen)) + " |\n")
    text += NOT_PREDICTED + ROLLOUTS.format(replicas=traffic.REPLICAS, late=traffic.SLOW_NEWS,
                                            rate=f"up to {1 / traffic.EVERY:.0f}")
    text += "".join(map(rollout, results.rollouts))
    if with_webhook:
        text += WEBHOOK
        text += "".join(f"| **{one.name}** {one.claim} | {one.creates} | {one.failures} | "
                        f"{one.unpatched} |\n" for one in results.streams if one.creates)
        text += WEBHOOK_TAIL
    return text
