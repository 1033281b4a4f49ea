"""What is left of a pod that has terminated: its last status and its events, as a v1 List.

    capture.of(world, "app-1", world.watch.pod("app-1").latest)
                                 # what `kubectl get pod,events -o yaml` would have shown just in time
    capture.write(folder, world, terminations)

Only what somebody looking for the cause of a kill would read is kept, so that the files can be read by
people and stay the same from run to run, but for times and ids.
"""

import json

POD = {"name", "namespace", "uid", "labels", "annotations", "creationTimestamp", "deletionTimestamp",
       "deletionGracePeriodSeconds", "finalizers", "ownerReferences"}
CONTAINER = {"name", "image", "lifecycle", "livenessProbe", "startupProbe", "restartPolicy"}
ANNOTATIONS = ("linkerd.io/inject", "config.", "gracekeeper.dev/")
VARIABLES = {"LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD"}
BEGINNING = {"Scheduled", "Pulled", "Created", "Started"}  # events that tell of no end
STATUS = {"name", "state", "lastState", "restartCount", "ready"}
TERMINATED = {"exitCode", "signal", "reason", "startedAt", "finishedAt"}
EVENT = {"reason", "message", "type", "firstTimestamp", "lastTimestamp", "eventTime", "count", "source"}


def only(thing, keys):
    return {key: value for key, value in thing.items() if key in keys}


def container(found):
    kept = only(found, CONTAINER)
    if env := [one for one in found.get("env", []) if one["name"] in VARIABLES]:
        kept["env"] = env
    return kept


def container_status(status):
    kept = only(status, STATUS)
    for state in ("state", "lastState"):
        if "terminated" in kept.get(state, {}):
            kept[state] = {"terminated": only(kept[state]["terminated"], TERMINATED)}
    return kept


def pod(found):
    spec, status = found["spec"], found.get("status", {})
    kept = {"apiVersion": "v1", "kind": "Pod", "metadata": only(found["metadata"], POD), "spec": {
        "terminationGracePeriodSeconds": spec.get("terminationGracePeriodSeconds"),
        "restartPolicy": spec.get("restartPolicy"), "nodeName": spec.get("nodeName")},
        "status": only(status, {"phase", "reason", "message"})}
    if "annotations" in kept["metadata"]:
        kept["metadata"]["annotations"] = {
            key: value for key, value in kept["metadata"]["annotations"].items()
            if key.startswith(ANNOTATIONS)}
    for group in ("initContainers", "containers"):
        if group in spec:
            kept["spec"][group] = [container(one) for one in spec[group]]
    for group in ("initContainerStatuses", "containerStatuses"):
        if group in status:
            kept["status"][group] = [container_status(one) for one in status[group]]
    kept["status"]["conditions"] = [c for c in status.get("conditions", [])
                                    if c["type"] in ("Ready", "DisruptionTarget")]
    return kept


def event(found):
    return {"apiVersion": "v1", "kind": "Event",
            "metadata": only(found["metadata"], {"name", "namespace"}),
            "involvedObject": only(found["involvedObject"],
                                   {"kind", "namespace", "name", "uid", "fieldPath"}),
            **only(found, EVENT)}


def events(world, name):
    found = {}  # an event that happens again is the same object
    for one in list(world.watch.events):
        about = one["involvedObject"]
        if about.get("name") == name and about["kind"] == "Pod" and one["reason"] not in BEGINNING:
            found[one["metadata"]["name"]] = event(one)
    return list(found.values())


def of(world, name, state):
    """`state`: one of the pod's states that the watch has seen; None: only its events."""
    return {"apiVersion": "v1", "kind": "List",
            "items": ([pod(state)] if state else []) + events(world, name)}


def write(folder, world, terminations):
    for seen in terminations:
        watched = world.watch.pod(seen.pod)
        for kind, state in (("terminating", watched.terminating), ("last", watched.latest)):
            if state:
                (folder / f"{seen.scenario.name}.{kind}.json").write_text(
                    json.dumps(of(world, seen.pod, state), indent=1) + "\n")
