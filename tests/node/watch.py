"""Watches pods and events as the API server tells of them, with the time of receipt."""

import http.client
import json
import threading
import time

from control_plane import API_PORT, NODE_ADDRESS


class Pod:
    """What was seen of one pod."""

    def __init__(self):
        self.latest = None
        self.terminating = None  # the last one that says with which grace it was deleted
        self.deleting = None  # the deletionTimestamp was first seen
        self.gone = None
        self.codes = {}       # container -> exit code of its last run

    def is_ready(self):
        conditions = (self.latest or {}).get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def take(self, kind, pod, moment):
        self.latest = pod
        if pod["metadata"].get("deletionGracePeriodSeconds"):
            self.terminating = pod
        if self.deleting is None and "deletionTimestamp" in pod["metadata"]:
            self.deleting = moment
        if kind == "DELETED":
            self.gone = moment
        status = pod.get("status", {})
        for one in status.get("containerStatuses", []) + status.get("initContainerStatuses", []):
            state = one.get("state", {}).get("terminated")
            if state:
                self.codes[one["name"]] = state["exitCode"]


class Watch:
    def __init__(self, api):
        self.api = api
        self.pods = {}
        self.events = []
        for path, take in (("/api/v1/pods", self.take_pod), ("/api/v1/events", self.take_event)):
            threading.Thread(target=self.loop, args=(path, take), daemon=True).start()

    def loop(self, path, take):
        version = self.api.get(path + "?limit=1")["metadata"]["resourceVersion"]
        while True:
            try:
                version = self.follow(path, take, version)
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.1)  # the API server is being stopped

    def follow(self, path, take, version):
        connection = http.client.HTTPSConnection(NODE_ADDRESS, API_PORT, timeout=600,
                                                 context=self.api.tls)
        connection.request("GET", f"{path}?watch=1&timeoutSeconds=590&resourceVersion={version}")
        answer = connection.getresponse()
        while line := answer.readline():
            moment = time.monotonic()
            change = json.loads(line)
            version = change["object"]["metadata"].get("resourceVersion", version)
            take(change["type"], change["object"], moment)
        return version

    def take_pod(self, kind, pod, moment):
        self.pods.setdefault(pod["metadata"]["name"], Pod()).take(kind, pod, moment)

    def take_event(self, _, event, __):
        self.events.append(event)

    def pod(self, name):
        return self.pods.setdefault(name, Pod())

    def pods_of(self, label):
        """Names of the pods with this label app=…, those that are gone included."""
        return sorted(name for name, pod in list(self.pods.items())
                      if pod.latest and pod.latest["metadata"].get("labels", {}).get("app") == label)

    def reasons_in(self, namespace, reason):
        """The events of one kind in a namespace."""
        return [e for e in list(self.events)
                if e["metadata"]["namespace"] == namespace and e.get("reason") == reason]

    def reasons(self, pod):
        """{reason: messages} of the events about a pod."""
        found = {}
        for event in list(self.events):
            if event["involvedObject"].get("name") == pod:
                found.setdefault(event.get("reason"), []).append(event.get("message", ""))
        return found
