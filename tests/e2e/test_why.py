"""`gracekeeper why`: the cause of a hard kill, from files and from a cluster.

killed/*.json is what a real kubelet (1.34) has left of pods: tests/node/run.py --captures FOLDER.
"""

import copy
import json
import pathlib

from fake_cluster import FakeCluster, namespace
from gracekeeper import TestCase, main, run

KILLED = pathlib.Path(__file__).resolve().parent / "killed"


def killed(name):
    return json.loads((KILLED / f"{name}.json").read_text())


def causes(pod):
    return [(c["container"], c["cause"], c["sureness"]) for c in pod["conclusions"]]


def workload(kind, name, seconds, hook):
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "proof"},
            "spec": {"template": {"spec": {
                "terminationGracePeriodSeconds": seconds, "containers": [{
                    "name": "app", "image": "app:1", "lifecycle": {"preStop": {"exec": {
                        "command": ["/bin/sleep", str(hook)]}}}}]}}}}


class Files(TestCase):
    def ask(self, name, *things, code):
        """The pods of the answer about what was left of them."""
        items = [item for thing in things for item in thing.get("items", [thing])]
        done = run("why", name, "-o", "json", "--from", "-", input=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": items}))
        self.assertEqual((done.code, done.err), (code, ""), done.out)
        return json.loads(done.out)["pods"]

    def test_the_budget_that_ran_out_and_what_would_have_prevented_it(self):
        for name, pod, expected, option in (
                ("grace-longer-classic", "grace-longer-classic",
                 [("linkerd-proxy", "proxy-grace-cut", "certain")], "native-sidecar"),
                ("shorter-delete", "shorter-delete",
                 [("linkerd-proxy", "grace-period-overridden", "certain")], "leave-grace-period"),
                # The kubelet's last deletion has written over the grace: the times show it.
                ("shorter-delete-last", "shorter-delete",
                 [("linkerd-proxy", "grace-period-overridden", "likely")], "leave-grace-period"),
                ("hook-without-binary", "hook-without-binary",
                 [("app", "hook-failed", "certain")], "sleep-action"),
                ("ignores-sigterm-native", "ignores-sigterm-native",
                 [("app", "grace-period-too-short", "certain"),
                  ("linkerd-proxy", "sidecar-order", "certain")],
                 "longer-termination-grace-period"),
                ("held", "held", [("app", "needs-longer", "certain")],
                 "longer-termination-grace-period"),
                ("probed", "probed", [("app", "probe-grace-period", "certain")],
                 "longer-probe-grace-period")):
            with self.subTest(name):
                found, = self.ask(f"pod/{pod}", killed(name), code=1)
                self.assertEqual(causes(found), expected)
                self.assertEqual(found["options"][0]["option"], option)
                self.assertTrue(all(o["verified"] for o in found["options"]))

    def test_the_settings_of_every_option_hold_when_they_are_applied(self):
        evidence = killed("grace-longer-classic")
        found, = self.ask("grace-longer-classic", evidence, code=1)
        pod = next(item for item in evidence["items"] if item["kind"] == "Pod")
        self.assertEqual(len(found["options"]), 5)
        for option in found["options"]:
            with self.subTest(option["option"]):
                changed = copy.deepcopy(pod)
                changed["metadata"]["annotations"].update(option["annotations"])
                changed["spec"]["containers"] = [c for c in changed["spec"]["containers"]
                                                 if c["name"] != "linkerd-proxy"]
                changed["spec"]["initContainers"] = []
                seconds = option["fields"].get("spec.terminationGracePeriodSeconds")
                if seconds:
                    changed["spec"]["terminationGracePeriodSeconds"] = int(seconds)
                done = run("explain", "-", "--format", "json", input=json.dumps(changed))
                planned = json.loads(done.out)["pods"][0]
                self.assertTrue(planned["budget"]["fits"])
                self.assertFalse(any(c["killed"] for c in planned["containers"]))

    def test_the_text_says_what_happened_and_from_what_it_knows(self):
        done = run("why", "shorter-delete", "--from", KILLED / "shorter-delete.json")
        self.assertEqual((done.code, done.err), (1, ""))
        begin = done.out[:done.out.index("What would have prevented it")]
        self.assertEqual(begin, """\
pod/shorter-delete in namespace proof

What happened
  05:32:56Z      0 s  deletion asked for, with 6 s of grace [metadata.deletionTimestamp less
                      deletionGracePeriodSeconds]
  05:32:56Z      0 s  Killing of linkerd-proxy: Stopping container linkerd-proxy [event]
  05:32:56Z      0 s  Killing of app: Stopping container app [event]
  05:32:57Z      1 s  app ended: exit code 0 [status of app]
  05:33:04Z      8 s  linkerd-proxy ended: exit code 137 (SIGKILL) [status of linkerd-proxy]

What was planned
  6 s of grace (terminationGracePeriodSeconds 60), 51 needed: app 1 + wait 30 + grace 20.
  container       preStop   SIGTERM       end   SIGKILL  seen
  app                   -         0      by 1         6  exit code 0 at 1 s
  linkerd-proxy      to 6         6    killed         8  exit code 137 (SIGKILL) at 8 s

Which budget ran out
  certain  grace-period-overridden: the deletion gave 6 s where the pod asks for 60: linkerd-proxy
           may drain for up to 20 s (its own setting).
      from metadata.deletionGracePeriodSeconds 6, spec.terminationGracePeriodSeconds 60; status of
           linkerd-proxy: exit code 137, reason Error, ended 8 s after the stop was asked for

""")
        self.assertIn("""\
  1. Delete the pod without a grace period of one's own (no --grace-period, also in kubectl drain),
     or with at least 51: app 1 + wait 30 + grace 20.
     planned again with it: nothing is cut short
""", done.out)

    def test_a_pod_that_is_gone_is_judged_from_events_and_from_what_it_was_made_from(self):
        gone = killed("gone")
        name = gone["items"][0]["involvedObject"]["name"]
        found, = self.ask(name, gone, workload("ReplicaSet", name.rsplit("-", 1)[0], 4, 30), code=1)
        self.assertEqual(causes(found), [("app", "hook-outlives-grace-period", "likely")])
        self.assertEqual((found["gone"], found["owner"], found["planned"]["fromTemplate"]),
                         (True, "Deployment/gone", True))
        found, = self.ask("deployment/gone", gone, workload("Deployment", "gone", 4, 30), code=1)
        self.assertEqual(found["pod"], name)
        # Without the template nothing is guessed.
        found, = self.ask(name, gone, code=0)
        self.assertEqual((causes(found), found["planned"]), ([], None))
        self.assertEqual([m["command"] for m in found["missing"]][1],
                         "kubectl get deployments,replicasets,statefulsets,daemonsets,jobs -n proof "
                         "-o yaml")

    def test_what_is_no_termination_budget_is_not_blamed_on_one(self):
        for state, cause in (({"exitCode": 137, "reason": "OOMKilled"}, "out-of-memory"),
                             ({"exitCode": 137, "reason": "Error"}, "killed-from-elsewhere"),
                             ({"exitCode": 137, "reason": "ContainerStatusUnknown"}, "status-lost")):
            with self.subTest(cause):
                evidence = killed("held")
                pod = evidence["items"][0]
                for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "finalizers"):
                    del pod["metadata"][key]
                pod["status"]["containerStatuses"][0]["state"] = {"terminated": {
                    **state, "finishedAt": "2026-11-26T05:39:59Z"}}
                found, = self.ask("held", pod, code=0)
                self.assertEqual([c["cause"] for c in found["conclusions"]], [cause])
                self.assertEqual((found["budgetRanOut"], found["options"]), (False, []))

    def test_usage_and_input_errors(self):
        file = KILLED / "held.json"
        broken = self.write("broken.json", '{"kind": "Pod", "metadata": {"deletionTimestamp": 7}}')
        for arguments, error in (
                (("--from", file), "give either the NAME of a pod or workload, or --all"),
                (("held", "--all", "--from", file),
                 "give either the NAME of a pod or workload, or --all"),
                (("other", "--from", file),
                 "the input has no pod of other and no event about one; its pods: held"),
                (("svc/x", "--from", file),
                 '"svc/x": pods of a svc cannot be found; write pod, deployment, statefulset, '
                 "daemonset, replicaset or job before the name"),
                (("x", "--from", self.folder / "none"),
                 f"{self.folder}/none: No such file or directory"),
                (("x", "--from", broken),
                 f"{broken}:1:51: metadata.deletionTimestamp: expected a string, got 7")):
            done = run("why", *arguments)
            self.assertEqual((done.code, done.out, done.err), (2, "", f"gracekeeper: {error}\n"))
        self.assertEqual(run("why", "x", "--from", file, "--context", "y").code, 2)


class Cluster(TestCase):
    def setUp(self):
        super().setUp()
        self.cluster = FakeCluster(self.folder).start()
        self.addCleanup(self.cluster.stop)
        self.cluster.put("namespaces", namespace("proof"))
        self.cluster.put("namespaces", namespace("default"))

    def fill(self, *names):
        for name in names:
            for item in killed(name)["items"]:
                self.cluster.put(item["kind"].lower() + "s", item)

    def why(self, *arguments):
        return run("why", "--kubeconfig", self.cluster.kubeconfig(), *arguments)

    def pods(self, *arguments, code=1):
        done = self.why("-o", "json", *arguments)
        self.assertEqual(done.code, code, done.err)
        return json.loads(done.out)["pods"], done.err

    def test_a_pod_takes_its_own_objects_and_no_lists_but_its_events(self):
        self.fill("held", "probed")
        (found,), error = self.pods("held", "-n", "proof")
        self.assertEqual((causes(found), error), ([("app", "needs-longer", "certain")], ""))
        self.assertEqual(self.cluster.requests, [
            "/version", "/api/v1/namespaces/proof", "/api/v1/namespaces/proof/pods/held",
            "/api/v1/namespaces/proof/events?limit=500&fieldSelector="
            "involvedObject.kind%3DPod%2CinvolvedObject.name%3Dheld"])

    def test_a_workloads_pods_and_all_pods(self):
        self.fill("held", "probed", "gone")
        self.cluster.put("deployments", workload("Deployment", "gone", 4, 30))
        self.cluster.put("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {
            "name": "quiet", "namespace": "proof", "uid": "q"}, "spec": {"containers": []}})
        (found,), error = self.pods("deploy/gone", "-n", "proof")
        self.assertEqual((causes(found), found["owner"], error),
                         ([("app", "hook-outlives-grace-period", "likely")], "Deployment/gone", ""))
        found, error = self.pods("--all", "-n", "proof")
        self.assertEqual([pod["pod"].split("-")[0] for pod in found], ["probed", "gone", "held"])
        self.assertEqual(error, "gracekeeper: 1 of 4 pods: nothing stopped or killed them\n")

    def test_says_what_it_could_not_read(self):
        self.fill("gone")
        self.cluster.forbid("replicasets", "deployments", "namespaces")
        name = killed("gone")["items"][0]["involvedObject"]["name"]
        done = self.why(name, "-n", "proof")
        self.assertEqual(done.code, 0)
        self.assertEqual([line.split(":")[2].strip() for line in done.err.splitlines()],
                         ["namespaces", "replicasets", "deployments"])
        self.assertIn("a ClusterRole or Role must allow to get replicasets", done.err)
        self.assertIn("Not known: no end of a container is recorded.", done.out)

    def test_what_is_not_there(self):
        done = self.why("web-1")
        self.assertEqual((done.code, done.out, done.err), (
            2, "", "gracekeeper: there is no pod of web-1 in Namespace default, and no event tells "
            "of one (events are kept for 1 h by default)\n"))
        done = self.why("web-1", "-n", "nowhere")
        self.assertEqual((done.code, done.err), (2, "gracekeeper: there is no Namespace nowhere\n"))
        done = self.why("web-1", "-n", "../x")
        self.assertEqual((done.code, done.err),
                         (2, 'gracekeeper: --namespace: "../x" is no Namespace\'s name\n'))


if __name__ == "__main__":
    main()
