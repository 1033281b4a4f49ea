"""`gracekeeper serve`: reviews as an API server sends them, and what it would do with the answers."""

import copy
import json
import unittest

import yaml
from gracekeeper import (EXAMPLES, Server, TestCase, apply_patch, main, patch_of, pod_of, review,
                         run)

WAIT = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
GRACE = "config.linkerd.io/shutdown-grace-period"
SHORTFALL = "gracekeeper.dev/on-shortfall"
DENIAL = ("GK001 grace-too-short: terminationGracePeriodSeconds 30 is less than 95 = app 15 "
          "(container web: preStop 5 + shutdown 10) + wait 20 ({}) + grace 60 ({}). Set "
          "terminationGracePeriodSeconds to 95 or more (the timeline's exact need is 80).")
STATED = DENIAL.format("annotation", "annotation")
NO_TRUST_ANCHORS = "Linkerd's values have no identityTrustAnchorsPEM (--linkerd-values): the injected proxy cannot start"


def example(name="web", **annotations):
    workload = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    workload["spec"]["template"]["metadata"]["annotations"].update(annotations)
    return workload


class Admission(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server().__enter__()
        cls.addClassCleanup(cls.server.__exit__, None)

    def mutate(self, pod, **changes):
        return self.server.review("/mutate", review(pod, **changes))

    def validate(self, thing, **changes):
        return self.server.review("/validate", review(thing, **changes))

    def test_the_patch_is_what_inject_prints(self):
        for name, annotations in (("web", {}), ("web", {SHORTFALL: "raise"}),
                                  ("web-stated", {SHORTFALL: "fit", WAIT: "5"}),
                                  ("web", {"config.linkerd.io/proxy-enable-native-sidecar": "true"})):
            with self.subTest(name=name, annotations=annotations):
                pod = pod_of(example(name, **annotations))
                answer = self.mutate(pod)
                self.assertTrue(answer["allowed"])
                patched = apply_patch(pod, patch_of(answer))
                self.assertNotEqual(patched, pod)
                # The API server sends the namespace beside the pod, a manifest has it inside.
                manifest = copy.deepcopy(pod)
                manifest["metadata"]["namespace"] = "shop"
                injected = run("inject", "-", input=json.dumps(manifest))
                self.assertEqual(injected.code, 0, injected.err)
                patched["metadata"]["namespace"] = "shop"
                self.assertEqual(json.loads(injected.out), patched)
                yaml_out = run("inject", "-", input=yaml.safe_dump(manifest))
                self.assertEqual(yaml.safe_load(yaml_out.out), patched)

    def test_the_rest_of_the_pod_is_left_as_it_is(self):
        pod = pod_of(example())
        patched = apply_patch(pod, patch_of(self.mutate(pod)))
        self.assertEqual([c["name"] for c in patched["spec"]["containers"]],
                         ["linkerd-proxy", "web"])
        self.assertEqual(patched["spec"]["containers"][1], pod["spec"]["containers"][0])
        proxy = patched["spec"]["containers"][0]
        self.assertEqual(proxy["lifecycle"]["preStop"], {"sleep": {"seconds": 20}})
        self.assertEqual(patched["metadata"]["managedFields"], pod["metadata"]["managedFields"])
        self.assertEqual(patched["spec"]["terminationGracePeriodSeconds"], 30)
        self.assertIn(pod["spec"]["volumes"][0], patched["spec"]["volumes"])

    def test_a_warning_has_the_arithmetic(self):
        answer = self.mutate(pod_of(example()))
        self.assertTrue(answer["allowed"])
        self.assertEqual(answer["warnings"], [
            "GK001 terminationGracePeriodSeconds 30 < 155 = app 15 + wait 20 + grace 120",
            NO_TRUST_ANCHORS])
        self.assertEqual(answer["auditAnnotations"], {"findings": "GK001"})
        self.assertNotIn("status", answer)

    def test_mutating_twice_changes_nothing_more(self):
        for mode in ("deny", "warn", "raise", "fit"):
            with self.subTest(mode=mode):
                pod = pod_of(example(**{SHORTFALL: mode, WAIT: "10"}))
                once = apply_patch(pod, patch_of(self.mutate(pod)))
                again = self.mutate(once)
                self.assertTrue(again["allowed"])
                self.assertEqual(patch_of(again), [])
                self.assertNotIn("patchType", again)

    def test_a_stated_shortfall_is_denied(self):
        workload = example("web-stated")
        injected = yaml.safe_load(run("inject", "-", "--on-shortfall", "warn",
                                      input=yaml.safe_dump(workload)).out)
        stated = ("annotation", "annotation")
        on_the_proxy = ("the proxy's hook", "the proxy's environment")
        for name, answer, sources in (
                ("mutate a pod", self.mutate(pod_of(workload)), stated),
                ("validate a Deployment", self.validate(workload), stated),
                ("validate a pod with its proxy", self.validate(pod_of(injected)), on_the_proxy)):
            with self.subTest(name=name):
                self.assertEqual(answer, {
                    "uid": answer["uid"], "allowed": False, "status": {
                        "code": 403, "reason": "Forbidden",
                        "message": DENIAL.format(*sources)}})

    def test_a_pod_that_should_have_a_proxy_and_has_none_gets_a_warning(self):
        answer = self.validate(pod_of(example("web-stated")))
        self.assertTrue(answer["allowed"])
        self.assertEqual(answer["warnings"], [
            "linkerd.io/inject asks for a proxy but the pod has none: was the mutating webhook "
            "out of reach?"])

    def test_raise_and_fit_mend(self):
        pod = pod_of(example("web-stated", **{SHORTFALL: "raise"}))
        answer = self.mutate(pod)
        self.assertEqual(apply_patch(pod, patch_of(answer))["spec"]["terminationGracePeriodSeconds"],
                         95)
        self.assertEqual(answer["auditAnnotations"],
                         {"findings": "GK001", "raised": "terminationGracePeriodSeconds=95"})

        workload = example("web-stated", **{SHORTFALL: "fit"})
        workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 60
        pod = pod_of(workload)
        answer = self.mutate(pod)
        patched = apply_patch(pod, patch_of(answer))
        self.assertEqual(patched["spec"]["terminationGracePeriodSeconds"], 60)
        proxy = patched["spec"]["containers"][0]
        self.assertIn({"name": "LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD", "value": "25000ms"}, proxy["env"])
        self.assertEqual(answer["auditAnnotations"],
                         {"findings": "GK001", "fitted": "shutdown-grace-period=25s"})

    def test_every_kind_with_a_pod_template_is_judged(self):
        template = example("web-stated")["spec"]["template"]
        kinds = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1",
                 "ReplicaSet": "apps/v1", "ReplicationController": "v1", "Job": "batch/v1"}
        for kind, version in kinds.items():
            with self.subTest(kind=kind):
                answer = self.validate({"apiVersion": version, "kind": kind,
                                        "metadata": {"name": "w"}, "spec": {"template": template}})
                self.assertFalse(answer["allowed"], answer)
                self.assertEqual(STATED, answer["status"]["message"])
                self.assertNotIn("patch", answer)
        cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "w"},
                "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}}}
        self.assertEqual(STATED, self.validate(cron)["status"]["message"])

    def test_validate_never_patches(self):
        answer = self.validate(example())
        self.assertTrue(answer["allowed"])
        self.assertNotIn("patch", answer)
        self.assertNotIn("patchType", answer)
        self.assertIn("GK001 terminationGracePeriodSeconds 30 < 155 = app 15 + wait 20 + grace 120",
                      answer["warnings"])

    def test_what_is_none_of_its_business_is_allowed_and_left_alone(self):
        pod = pod_of(example("web-stated"))
        named = copy.deepcopy(pod)
        named["metadata"]["name"] = "web-1"
        mirror = copy.deepcopy(pod)
        mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "abc"
        reviews = {
            "delete": review(named, operation="DELETE", object=None, oldObject=named),
            "connect": review({"apiVersion": "v1", "kind": "PodExecOptions", "metadata": {}},
                              operation="CONNECT", subResource="exec"),
            "subresource": review(named, operation="UPDATE", subResource="ephemeralcontainers"),
            "update of a pod": review(named, operation="UPDATE", oldObject=named),
            "a mirror pod": review(mirror),
            "a Service": review({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
                                 "spec": {}}),
        }
        for name, body in reviews.items():
            for path in ("/mutate", "/validate"):
                with self.subTest(name=name, path=path):
                    answer = self.server.review(path, body)
                    self.assertEqual(answer, {"uid": body["request"]["uid"], "allowed": True})

    def test_warnings_stay_within_120_characters(self):
        noisy = {GRACE: "thirty " * 40, WAIT: "20s\nand\tmore" + "é" * 200,
                 "gracekeeper.dev/app-shutdown": "w" * 300 + "=5s",
                 "config.linkerd.io/proxy-wait-before-exit-second": "5"}
        for thing in (pod_of(example(**noisy)), example(**noisy)):
            answer = self.validate(thing)
            self.assertGreaterEqual(len(answer["warnings"]), 4)
            for warning in answer["warnings"]:
                self.assertLessEqual(len(warning), 120, warning)
                self.assertTrue(warning.isprintable(), warning)

    def test_one_log_line_for_each_decision(self):
        body = review(pod_of(example()))
        self.server.review("/mutate", body)
        entry = self.server.wait_for_log("admission", uid=body["request"]["uid"])
        self.assertGreater(entry.pop("seconds"), 0)
        self.assertGreater(entry.pop("patch_operations"), 3)
        del entry["time"]
        self.assertEqual(entry, {
            "level": "info", "message": "admission", "path": "/mutate", "outcome": "patched",
            "uid": body["request"]["uid"], "operation": "CREATE", "kind": "Pod",
            "namespace": "shop", "name": "web-6d4cf56db6-", "owner": "Deployment/web", "rules": ["GK001"],
            "terminationGracePeriodSeconds": 30, "app": 15, "wait": 20, "grace": 120, "need": 155,
            "exactNeed": 140, "remarks": [NO_TRUST_ANCHORS]})


if __name__ == "__main__":
    main()
