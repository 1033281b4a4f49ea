"""`gracekeeper serve` under the seccomp profile of deploy/seccomp: all that it does must be allowed."""

import json
import platform
import shutil
import subprocess
import sys
import time
import unittest

import gracekeeper
from confined import ARCHITECTURES
from fake_cluster import FakeCluster, namespace
from gracekeeper import (LIMIT, SOURCE, Server, TestCase, environment, main, make_certificate,
                         review, wait_until)

PROFILE = SOURCE / "deploy" / "seccomp" / "gracekeeper.json"
CONFINED = [sys.executable, "-B", str(SOURCE / "tests" / "e2e" / "confined.py")]
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
       "spec": {"containers": [{"name": "c"}]}}


def whole_system():
    """Whether this machine can filter system calls, and the program makes none of its own."""
    return platform.machine() in ARCHITECTURES and shutil.which("cc") \
        and gracekeeper.os.environ.get("GRACEKEEPER_BUILD") != "sanitized"


class Confined(Server):
    def __enter__(self):
        # The server's own start, but through confined.py.
        start = subprocess.Popen

        def confined(command, **options):
            return start([*CONFINED, str(PROFILE), *command], **options)

        gracekeeper.subprocess.Popen = confined
        try:
            return super().__enter__()
        finally:
            gracekeeper.subprocess.Popen = start


class Profile(TestCase):
    def setUp(self):
        super().setUp()
        if not whole_system():
            self.skipTest("needs a C compiler, no sanitizer, and x86-64 or arm64")

    def test_what_it_does_not_allow_ends_the_process(self):
        """Else the tests below would show nothing."""
        profile = json.loads(PROFILE.read_text())
        for rule in profile["syscalls"]:
            rule["names"] = [name for name in rule["names"] if not name.startswith("epoll")]
        tight = self.write("tight.json", json.dumps(profile))
        done = subprocess.run([*CONFINED, str(tight), gracekeeper.PROGRAM, "serve", "--listen",
                               "127.0.0.1:0", "--management-listen", "127.0.0.1:0"],
                              capture_output=True, env=environment(), timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, -31, done.stderr)  # SIGSYS

    def test_it_serves_reloads_and_stops(self):
        cluster = FakeCluster(self.folder)
        cluster.put("namespaces", namespace("shop", {"linkerd.io/inject": "enabled"}))
        cluster.start()
        self.addCleanup(cluster.stop)
        for name in ("first", "second"):
            make_certificate(self.folder, name, name)

        def install(name, mode):
            for kind in ("crt", "key"):
                self.write(f"tls.{kind}", (self.folder / f"{name}.{kind}").read_bytes())
            return self.write("config.yaml", "apiVersion: gracekeeper.dev/v1alpha1\n"
                              f"kind: Configuration\ndefaults:\n  onShortfall: {mode}\n")

        config = install("first", "deny")
        large = review(POD | {"metadata": {"name": "p", "annotations": {"a": "x" * 3_000_000}}})
        with Confined("--tls-cert", self.folder / "tls.crt", "--tls-key", self.folder / "tls.key",
                      "--config", config, "--kubeconfig", cluster.kubeconfig(),
                      "--shutdown-delay", "500ms") as server:
            wait_until(lambda: server.get("/readyz")[0] == 200, "readiness")
            kept = server.connect()
            for body in (review(POD), large):
                self.assertTrue(server.review("/mutate", body, connection=kept)["allowed"])
                self.assertTrue(server.review("/validate", body)["allowed"])
            self.assertEqual(server.post("/mutate", "nonsense").status, 400)
            install("second", "warn")
            server.wait_for_log("certificate replaced")
            server.wait_for_log("configuration loaded", generation=3)
            cluster.put("namespaces", namespace("other", {}))
            self.assertEqual(server.get("/metrics")[0], 200)
            time.sleep(6)  # free memory is given back every 5 s
            kept.close()
            server.terminate()
            self.assertEqual(server.wait(), 0, server.log())

    def test_it_makes_a_certificate_and_takes_over_from_another(self):
        ports = [f"127.0.0.1:{port}" for port in gracekeeper.free_ports(2)]

        def confined():
            server = Confined("--write-ca", self.folder / "ca.pem")
            server.arguments = ("--listen", ports[0], "--management-listen", ports[1],
                                *server.arguments[4:])
            return server

        with confined(), confined() as successor:
            self.assertIn("another process serves this port", successor.log())
            self.assertTrue(successor.review("/mutate", review(POD))["allowed"])


if __name__ == "__main__":
    main()
