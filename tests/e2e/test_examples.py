"""deploy/examples: the verdict on each is what its first comment says."""

import json

from gracekeeper import EXAMPLES, TestCase, main, run

# file -> exit code, findings
VERDICTS = {
    "web.yaml": (0, [("GK001", "warning", "Deployment/web")]),
    "web-stated.yaml": (1, [("GK001", "error", "Deployment/web-stated")]),
    "native.yaml": (0, []),
    "job.yaml": (0, []),
    "raise.yaml": (0, [("GK001", "info", "Deployment/raise")]),
    "namespace.yaml": (0, [("GK001", "info", "Pod/quiet")]),
}
MENDED = {
    "raise.yaml": "terminationGracePeriodSeconds: 82",
    "namespace.yaml": "config.linkerd.io/shutdown-grace-period: 22s",
}


class Examples(TestCase):
    def test_each_has_its_verdict(self):
        for name, (code, findings) in VERDICTS.items():
            with self.subTest(name):
                done = run("check", EXAMPLES / name, "--format", "json")
                self.assertEqual(done.code, code, done.err)
                self.assertEqual([(f["rule"], f["severity"], f["object"])
                                  for f in json.loads(done.out)["findings"]], findings)

    def test_the_webhook_mends_what_asks_for_it(self):
        for name, line in MENDED.items():
            with self.subTest(name):
                self.assertNotIn(line, (EXAMPLES / name).read_text())
                self.assertIn(line, run("inject", EXAMPLES / name).out)


if __name__ == "__main__":
    main()
