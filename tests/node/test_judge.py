#!/usr/bin/env python3
"""The judge of the node test finds every way in which a kubelet could disagree. No cluster."""

import copy
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cluster")]

import judge  # noqa: E402
from collector import Life  # noqa: E402
from measure import Seen  # noqa: E402
from scenarios import Scenario  # noqa: E402
from watch import Pod  # noqa: E402

ZERO = 1000.0


def container(name, sigterm, end, killed=False, role="app"):
    return {"name": name, "role": role, "preStopEnd": sigterm, "sigterm": sigterm, "exit": end,
            "sigkill": 10, "killed": killed}


def life(sigterm, end, killed=False, failures=(), begun=-5):
    made = Life(None)
    made.events = [{"event": "start", "time": ZERO + begun}]
    made.events += [{"event": "connect-failed", "started": ZERO + f - 0.01, "time": ZERO + f}
                    for f in failures]
    if sigterm is not None:
        made.events.append({"event": "sigterm", "time": ZERO + sigterm + 0.02, "at": ZERO + sigterm})
    if not killed:
        made.events.append({"event": "exit", "time": ZERO + end})
    made.died = ZERO + end
    return made


def seen(mode="classic", hazard=False, **changes):
    """An application of 2 s under a wait of 5 s, or, with a hazard, without a wait."""
    predicted = {"terminationGracePeriodSeconds": 10, "effectiveGracePeriodSeconds": 10, "sidecar": mode,
                 "containers": [container("app", 0, 2),
                                container("linkerd-proxy", 0, 1, role="proxy") if hazard else
                                container("linkerd-proxy", 5, 7, role="proxy")],
                 "hazards": [{"kind": "new-connections-refused", "from": 0, "to": 2,
                              "containers": ["app"]}] if hazard else []}
    watched = Pod()
    watched.deleting, watched.gone = ZERO, ZERO + 8
    watched.codes = {"app": 0, "linkerd-proxy": 0}
    lives = {"app": life(0.1, 2.1, failures=(0.5, 1.5) if hazard else ()),
             "linkerd-proxy": life(0.1, 1.1) if hazard else life(5.1, 7.1)}
    made = Seen(Scenario("example", "", {"kind": "Pod"}), predicted, copy.deepcopy(predicted), set(),
                "example", watched, lives, {}, asked=ZERO - 0.2)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


class Judge(unittest.TestCase):
    def errors(self, one):
        return judge.Verdict(one, 3).errors

    def test_agreement_has_no_errors(self):
        for one in (seen(), seen(hazard=True), seen("native")):
            self.assertEqual(self.errors(one), [])

    def test_a_sidecar_may_be_held_by_a_container_that_ended_by_itself_but_not_anyhow(self):
        late = {2.3: [], 10.2: [], 7: ["SIGTERM of linkerd-proxy: at 7.20 s, before the predicted 10 s"]}
        for sigterm, expected in late.items():
            one = seen(scenario=Scenario("ends-itself-exec", "", {"kind": "Pod"}, tell_to_exit=2),
                       lives={"app": life(None, 2), "linkerd-proxy": life(sigterm, sigterm + 1)})
            self.assertEqual(self.errors(one), expected)

    def test_every_disagreement_is_an_error(self):
        app, proxy = life(0.1, 2.1), life(5.1, 7.1)
        table = [
            ("SIGTERM of linkerd-proxy: at 4.70 s, before the predicted 5 s",
             seen(lives={"app": app, "linkerd-proxy": life(4.5, 7.1)})),
            ("SIGTERM of linkerd-proxy: at 8.50 s, more than 3.0 s after the predicted 5 s",
             seen(lives={"app": app, "linkerd-proxy": life(8.5, 9)})),
            ("SIGTERM of app: never seen, predicted at 0 s",
             seen(lives={"app": life(None, 2.1), "linkerd-proxy": proxy})),
            ("end of app: at 1.20 s, before the predicted 2 s",
             seen(lives={"app": life(0.1, 1.0), "linkerd-proxy": proxy})),
            ("app was killed", seen(lives={"app": life(0.1, 2.1, killed=True), "linkerd-proxy": proxy})),
            ("1 connections of app failed, none was predicted to",
             seen(lives={"app": life(0.1, 2.1, failures=[0.4]), "linkerd-proxy": proxy})),
            ("connections of app failed before the deletion",
             seen(lives={"app": life(0.1, 2.1, failures=[-1]), "linkerd-proxy": proxy})),
            ("no connection of app failed, though it was predicted",
             seen(hazard=True, lives={"app": app, "linkerd-proxy": life(0.1, 1.1)})),
            (f"the proxy's SIGTERM ({ZERO + 1}) is not before the first failure of app ({ZERO + 0.5})",
             seen(hazard=True, lives={"app": life(0.1, 2.1, failures=[0.5]),
                                      "linkerd-proxy": life(1, 2)})),
        ]
        for message, one in table:
            with self.subTest(message):
                self.assertEqual(self.errors(one), [message])

    def test_exit_codes_and_the_pods_end_are_compared(self):
        one = seen()
        one.watched.codes["linkerd-proxy"] = 137
        one.watched.gone = ZERO + 3
        self.assertEqual(self.errors(one), ["linkerd-proxy has exit code 137",
                                            "pod gone: at 3.20 s, before the predicted 7 s"])

    def test_a_finding_that_is_missing_is_an_error(self):
        one = seen()
        one.scenario.rule = "GK003"
        self.assertEqual(self.errors(one), ["check does not say GK003: []"])

    def test_the_pod_in_the_cluster_has_the_same_timeline(self):
        one = seen()
        one.predicted_live["containers"][0]["exit"] = 3
        self.assertEqual(len(self.errors(one)), 1)
        self.assertIn("explain says of the pod in the cluster", self.errors(one)[0])

    def test_a_wait_that_ends_with_the_application_ends_after_it_and_soon(self):
        def one(app_end, proxy_sigterm, proxy_end):
            made = seen(lives={"app": life(0.1, app_end), "linkerd-proxy": life(proxy_sigterm, proxy_end)})
            made.scenario.until_exit = True
            return judge.Verdict(made, 3).errors

        self.assertEqual(one(5.0, 6.1, 7.0), [])
        self.assertEqual(one(5.0, 6.1, 7.1), [
            "the proxy was gone 2.10 s after the last application, more than 2.0 s"])
        self.assertEqual(one(5.0, 4.95, 7.0), [
            "the proxy's wait ended 0.05 s before the last application"])

    def test_a_hook_that_fails_gives_no_delay_and_an_event(self):
        one = seen()
        one.scenario.hook_fails = "linkerd-proxy"
        self.assertEqual(self.errors(one), [
            "SIGTERM of linkerd-proxy waited for its hook",
            "no event FailedPreStopHook: []", "no connection of app failed, though it was predicted"])

    def test_the_tolerance_follows_the_kubelets_own_work(self):
        self.assertEqual(judge.tolerance([seen()]), 3.0)
        slow = seen(lives={"app": life(0.9, 2.9), "linkerd-proxy": life(5.9, 7.9)})
        self.assertAlmostEqual(judge.tolerance([slow]), 3.6)


if __name__ == "__main__":
    unittest.main()
