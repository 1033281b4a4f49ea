"""`gracekeeper why`: what a real API server keeps of a pod's end."""

import datetime
import json

import world
from control_plane import wait_until


def at(seconds):
    """A time so long after now, as a status has it."""
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


class Why(world.TestCase):
    def why(self, name, *options, where):
        done = world.gracekeeper("why", name, "-n", where, "-o", "json", *options)
        return done.code, json.loads(done.out)["pods"] if done.out else [], done.err

    def pod(self, where, name, seconds, **metadata):
        self.kubectl("-n", where, "apply", "-f", "-", input=json.dumps({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": {
                "terminationGracePeriodSeconds": seconds,
                "containers": [{"name": "app", "image": "app:1"}]}}))

    def has_ended(self, where, name, finished, **state):
        wait_until(lambda: self.api.get(f"/api/v1/namespaces/{where}/pods/{name}")["status"].get(
            "phase") == "Running", f"the stand-in node to run {name}")
        self.kubectl("-n", where, "patch", "pod", name, "--subresource=status", "--patch",
                     json.dumps({"status": {"containerStatuses": [{
                         "name": "app", "image": "app:1", "imageID": "", "restartCount": 0,
                         "ready": False, "state": {"terminated": {
                             "exitCode": 137, "reason": "Error", "startedAt": at(-60),
                             "finishedAt": finished, **state}}}]}}))

    def event(self, where, name, when, reason, message):
        uid = self.api.get(f"/api/v1/namespaces/{where}/pods/{name}")["metadata"]["uid"]
        self.kubectl("-n", where, "create", "-f", "-", input=json.dumps({
            "apiVersion": "v1", "kind": "Event", "metadata": {"generateName": name + "."},
            "reason": reason, "message": message, "type": "Normal", "count": 1,
            "firstTimestamp": at(when), "lastTimestamp": at(when), "source": {"component": "kubelet"},
            "involvedObject": {"kind": "Pod", "namespace": where, "name": name, "uid": uid,
                               "fieldPath": "spec.containers{app}"}}))

    def test_a_deletion_with_a_grace_of_its_own_is_told_from_the_pods(self):
        where = self.namespace("killed")
        self.pod(where, "web", 60, finalizers=["gracekeeper.test/hold"])
        self.addCleanup(self.kubectl, "-n", where, "patch", "pod", "web", "--type=json", "--patch",
                        '[{"op":"remove","path":"/metadata/finalizers"}]', check=False)
        code, (found,), _ = self.why("web", where=where)
        self.assertEqual((code, found["conclusions"], found["stop"]["kind"]), (0, [], "none"))

        # As a kubelet leaves it: its own last deletion has written over the grace of the first one.
        self.event(where, "web", -10, "Killing", "Stopping container app")
        self.has_ended(where, "web", at(-4))
        self.kubectl("-n", where, "delete", "pod", "web", "--grace-period=6", "--wait=false")
        wait_until(lambda: self.api.get(f"/api/v1/namespaces/{where}/pods/web")["metadata"].get(
            "deletionGracePeriodSeconds") == 0, "the node's deletion of web")
        code, (found,), error = self.why("pod/web", where=where)
        self.assertEqual((code, [(c["cause"], c["sureness"]) for c in found["conclusions"]], error),
                         (1, [("grace-period-overridden", "likely")], ""))
        self.assertIn(found["stop"]["graceSeconds"], (5, 6, 7))  # whole seconds, truncated
        self.assertFalse(found["stop"]["graceIsKnown"])
        self.assertEqual(found["options"][0]["option"], "leave-grace-period")

    def test_a_pod_that_is_gone_leaves_its_events(self):
        where = self.namespace("vanished")
        self.pod(where, "bare", 30)
        self.event(where, "bare", 0, "Killing", "Stopping container app")
        self.kubectl("-n", where, "delete", "pod", "bare", "--grace-period=0", "--force")
        code, (found,), _ = self.why("bare", where=where)
        self.assertEqual((code, found["gone"], found["planned"]), (0, True, None))
        code, pods, error = self.why("other", where=where)
        self.assertEqual((code, pods), (2, []))
        self.assertIn(f"no pod of other in Namespace {where}", error)
