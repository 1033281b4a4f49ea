"""`gracekeeper serve`: certificate and configuration files that change under a running server."""

import http.client
import json
import os
import shutil
import socket
import ssl
import threading

from gracekeeper import (LIMIT, Server, TestCase, main, make_certificate, patch_of, review,
                         wait_until)

ANNOTATED = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {
    "linkerd.io/inject": "enabled", "config.linkerd.io/shutdown-grace-period": "60s"}},
    "spec": {"containers": [{"name": "c"}], "terminationGracePeriodSeconds": 30}}
LAST_GOOD = "the last good one stays"


def configuration(mode):
    return ("apiVersion: gracekeeper.dev/v1alpha1\nkind: Configuration\ndefaults:\n"
            f"  onShortfall: {mode}\n")


def served_certificate(server):
    with socket.create_connection(("127.0.0.1", server.port), LIMIT) as plain, \
            server.tls.wrap_socket(plain) as connection:
        return connection.getpeercert(binary_form=True)


def der(path):
    return ssl.PEM_cert_to_DER_cert(path.read_text())


class Certificates(TestCase):
    def setUp(self):
        super().setUp()
        self.first = make_certificate(self.folder, "first.example", "first")
        self.second = make_certificate(self.folder, "second.example", "second")
        self.certificate, self.key = self.folder / "tls.crt", self.folder / "tls.key"
        self.install(self.first)

    def install(self, pair):
        for source, target in zip(pair, (self.certificate, self.key)):
            self.write(target.name, source.read_bytes())

    def start(self):
        return Server("--tls-cert", self.certificate, "--tls-key", self.key)

    def test_a_new_pair_is_served_and_no_request_fails(self):
        body = json.dumps(review(ANNOTATED))
        failures, statuses, stop = [], [], threading.Event()

        def client(server):
            while not stop.is_set():
                try:  # a connection for each request: every one is a handshake
                    statuses.append(server.post("/mutate", body).status)
                except (OSError, http.client.HTTPException) as error:
                    failures.append(error)

        with self.start() as server:
            kept = server.connect()
            server.review("/mutate", review(ANNOTATED), connection=kept)
            clients = [threading.Thread(target=client, args=(server,)) for _ in range(3)]
            for thread in clients:
                thread.start()
            self.assertEqual(served_certificate(server), der(self.first[0]))
            for name, pair in (("second.example", self.second), ("first.example", self.first)):
                seen, before = len(server.lines), len(statuses)
                self.install(pair)
                entry = server.wait_for_log("certificate replaced", after=seen)
                self.assertEqual(entry["certificate_names"], [name, "127.0.0.1"])
                self.assertEqual(served_certificate(server), der(pair[0]))
                wait_until(lambda: len(statuses) > before + 5, "requests after the change")
            stop.set()
            for thread in clients:
                thread.join(LIMIT)
            # Connections that were there before go on.
            server.review("/mutate", review(ANNOTATED), connection=kept)
            kept.close()
        self.assertEqual(failures, [])
        self.assertEqual(set(statuses), {200})

    def test_the_expiry_in_the_metrics_follows(self):
        with self.start() as server:
            before = server.metrics()["gracekeeper_certificate_expiry_timestamp_seconds"]
            expected = ssl.cert_time_to_seconds(
                ssl._ssl._test_decode_cert(str(self.certificate))["notAfter"])
            self.assertEqual(before, expected)

    def test_what_does_not_belong_together_is_refused(self):
        with self.start() as server:
            for name, target, source, reason in (
                    ("another's key", self.key, self.second[1],
                     f"{self.key}: the key does not belong to the certificate"),
                    ("no certificate", self.certificate, self.second[1],
                     f"{self.certificate}: the certificate is not PEM (expected -----BEGIN "
                     "CERTIFICATE-----)")):
                with self.subTest(name=name):
                    seen = len(server.lines)
                    self.write(target.name, source.read_bytes())
                    server.wait_for_log("the new certificate is not served, " + LAST_GOOD,
                                        after=seen, level="error", reason=reason)
                    self.assertEqual(served_certificate(server), der(self.first[0]))
            with self.subTest("a file that is gone"):
                seen = len(server.lines)
                self.certificate.unlink()
                server.wait_for_log("the new certificate is not served, " + LAST_GOOD, after=seen,
                                    reason=f"{self.certificate}: No such file or directory")
                self.assertEqual(served_certificate(server), der(self.first[0]))
            with self.subTest("a pipe, which nobody writes to"):
                seen = len(server.lines)
                os.mkfifo(self.certificate)
                server.wait_for_log("the new certificate is not served, " + LAST_GOOD, after=seen,
                                    reason=f"{self.certificate}: is a pipe, expected a file")
                self.assertEqual(served_certificate(server), der(self.first[0]))
                self.certificate.unlink()
            with self.subTest("and a good pair in the end"):
                self.install(self.second)
                server.wait_for_log("certificate replaced")
                self.assertEqual(served_certificate(server), der(self.second[0]))

    def test_a_mounted_secret_is_followed_through_its_links(self):
        """The kubelet switches ..data, a link to a folder; the files themselves are links."""
        for name, pair in (("one", self.first), ("two", self.second)):
            folder = self.folder / f"..{name}"
            folder.mkdir()
            shutil.copy(pair[0], folder / "tls.crt")
            shutil.copy(pair[1], folder / "tls.key")
        mount = self.folder / "mount"
        mount.mkdir()
        data = mount / "..data"
        data.symlink_to(self.folder / "..one")
        for name in ("tls.crt", "tls.key"):
            (mount / name).symlink_to(f"..data/{name}")
        with Server("--tls-cert", mount / "tls.crt", "--tls-key", mount / "tls.key") as server:
            self.assertEqual(served_certificate(server), der(self.first[0]))
            switched = mount / "..data_tmp"
            switched.symlink_to(self.folder / "..two")
            switched.replace(data)
            server.wait_for_log("certificate replaced")
            self.assertEqual(served_certificate(server), der(self.second[0]))


class Configuration(TestCase):
    def verdict(self, server):
        answer = server.review("/mutate", review(ANNOTATED))
        if not answer["allowed"]:
            return "deny"
        raised = [o for o in patch_of(answer) if o["path"] == "/spec/terminationGracePeriodSeconds"]
        return "raise" if raised else "warn"

    def loads(self, server):
        metrics = server.metrics()
        return (metrics["gracekeeper_configuration_generation"],
                metrics["gracekeeper_configuration_last_reload_successful"])

    def test_a_new_configuration_is_used_and_a_bad_one_is_not(self):
        path = self.write("config.yaml", configuration("deny"))
        with Server("--config", path) as server:
            self.assertEqual(self.verdict(server), "deny")
            self.assertEqual(self.loads(server), (1, 1))

            self.write(path.name, configuration("raise"))
            server.wait_for_log("configuration loaded", generation=2)
            self.assertEqual(self.verdict(server), "raise")
            self.assertEqual(self.loads(server), (2, 1))

            for name, text, reason in (
                    ("a bad value", configuration("rise"), f"{path}:4:3: defaults.onShortfall: "),
                    ("no YAML", "apiVersion: [\n", f"{path}:2:1: ")):
                with self.subTest(name=name):
                    seen = len(server.lines)
                    self.write(path.name, text)
                    entry = server.wait_for_log(
                        "the new configuration is not used, " + LAST_GOOD, after=seen,
                        level="error")
                    self.assertEqual(entry["reason"][:len(reason)], reason)
                    self.assertEqual(self.verdict(server), "raise")
                    self.assertEqual(self.loads(server), (2, 0))
                    self.assertEqual(server.get("/readyz")[0], 200)

            path.unlink()
            server.wait_for_log("the new configuration is not used, " + LAST_GOOD,
                                reason=f"{path}: No such file or directory")
            self.assertEqual(self.verdict(server), "raise")

            os.mkfifo(path)
            server.wait_for_log("the new configuration is not used, " + LAST_GOOD,
                                reason=f"{path}: is a pipe, expected a file")
            path.unlink()

            self.write(path.name, configuration("warn"))
            server.wait_for_log("configuration loaded", generation=3)
            self.assertEqual(self.verdict(server), "warn")
            self.assertEqual(self.loads(server), (3, 1))

    def test_the_linkerd_values_are_followed_too(self):
        path = self.write("values.yaml", "proxy:\n  image:\n    version: one\n")

        def image(server):
            pod = json.loads(json.dumps(ANNOTATED).replace("60s", "1s"))
            values = [o["value"] for o in patch_of(server.review("/mutate", review(pod)))]
            return "one" if ":one" in json.dumps(values) else "two"

        with Server("--linkerd-values", path, "--on-shortfall", "warn") as server:
            self.assertEqual(image(server), "one")
            self.write(path.name, "proxy:\n  image:\n    version: two\n")
            server.wait_for_log("configuration loaded", generation=2)
            self.assertEqual(image(server), "two")

    def test_options_win_over_the_configuration_after_a_reload_too(self):
        path = self.write("config.yaml", configuration("deny"))
        with Server("--config", path, "--on-shortfall", "warn") as server:
            self.assertEqual(self.verdict(server), "warn")
            self.write(path.name, configuration("raise"))
            server.wait_for_log("configuration loaded", generation=2)
            self.assertEqual(self.verdict(server), "warn")


if __name__ == "__main__":
    main()
