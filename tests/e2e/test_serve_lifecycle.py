"""`gracekeeper serve`: how it starts, refuses to start, is watched, and stops as it preaches."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
import unittest
import unittest.mock
import warnings

import gracekeeper
from gracekeeper import (LIMIT, Server, TestCase, main, make_certificate, review, run,
                         wait_until)

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
       "spec": {"containers": [{"name": "c"}]}}


class Start(TestCase):
    def test_the_ca_file_verifies_the_chain_and_the_names(self):
        ca = self.folder / "ca.pem"
        with Server("--write-ca", ca, "--tls-name", "gracekeeper.shop.svc") as server:
            trusting = ssl.create_default_context(cafile=str(ca))
            for name in ("localhost", "127.0.0.1", "gracekeeper.shop.svc"):
                with self.subTest(name=name), \
                        socket.create_connection(("127.0.0.1", server.port), LIMIT) as plain, \
                        trusting.wrap_socket(plain, server_hostname=name) as connection:
                    self.assertIn(connection.version(), ("TLSv1.2", "TLSv1.3"))
            with self.assertRaises(ssl.SSLCertVerificationError), \
                    socket.create_connection(("127.0.0.1", server.port), LIMIT) as plain:
                trusting.wrap_socket(plain, server_hostname="elsewhere.example")
            self.assertEqual(server.entries()[0]["certificate_names"],
                             ["localhost", "127.0.0.1", "::1", "gracekeeper.shop.svc"])
        with self.subTest("what was written is a CA and no key"):
            text = ca.read_text()
            self.assertEqual(text.count("BEGIN CERTIFICATE"), 1)
            self.assertNotIn("KEY", text)

    def test_old_tls_is_refused(self):
        with Server() as server:
            warnings.simplefilter("ignore", DeprecationWarning)  # that is what it is about
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname = False
            old.verify_mode = ssl.CERT_NONE
            old.minimum_version = ssl.TLSVersion.TLSv1
            old.maximum_version = ssl.TLSVersion.TLSv1_1
            old.set_ciphers("ALL:@SECLEVEL=0")
            with self.assertRaises((ssl.SSLError, ConnectionError)), \
                    socket.create_connection(("127.0.0.1", server.port), LIMIT) as plain:
                old.wrap_socket(plain)
            self.assertTrue(server.review("/mutate", review(POD))["allowed"])

    def test_the_allocators_setting_is_its_own_unless_somebody_has_set_it(self):
        def look(server):
            process = pathlib.Path(f"/proc/{server.process.pid}")
            variables = dict(line.split("=", 1) for line in (process / "environ").read_text().split("\0") if line)
            self.assertEqual((process / "comm").read_text(), pathlib.Path(gracekeeper.PROGRAM).name[:15] + "\n")
            self.assertEqual((process / "cmdline").read_text().split("\0")[1:-1], ["serve", *server.arguments])
            return variables["GLIBC_TUNABLES"]

        with unittest.mock.patch.dict(os.environ):
            os.environ.pop("GLIBC_TUNABLES", None)
            with Server() as server:
                self.assertIn("glibc.malloc.tcache_count=", look(server))
                self.assertTrue(server.review("/mutate", review(POD))["allowed"])
            os.environ["GLIBC_TUNABLES"] = ""
            with Server() as server:
                self.assertEqual(look(server), "")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a file capabilities")
    def test_with_file_capabilities_it_does_not_start_itself_again_and_again(self):
        program = self.folder / "gracekeeper"
        shutil.copy(gracekeeper.PROGRAM, program)
        bind = 1 << 10  # CAP_NET_BIND_SERVICE; struct vfs_cap_data, revision 2, effective
        os.setxattr(program, "security.capability", struct.pack("<5I", 0x02000001, bind, 0, 0, 0))
        self.folder.chmod(0o755)
        process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0", "--management-listen", "127.0.0.1:0",
             "--shutdown-delay", "0s"],
            env={k: v for k, v in os.environ.items() if k != "GLIBC_TUNABLES"}, user=65534,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        limit = threading.Timer(LIMIT, process.kill)
        limit.start()
        try:
            line = process.stderr.readline()
            self.assertTrue(line, f"nothing in its log within {LIMIT} s")
            self.assertEqual(json.loads(line)["message"], "serving")
            effective = re.search("CapEff:\t(.*)", pathlib.Path(f"/proc/{process.pid}/status").read_text())
            self.assertEqual(int(effective[1], 16), bind)
        finally:
            limit.cancel()
            process.terminate()
            process.communicate(timeout=LIMIT)

    def failed(self, *arguments):
        """The reason for which the server did not start."""
        listen = []
        for option in ("--listen", "--management-listen"):
            if option not in arguments:
                listen += [option, "127.0.0.1:0"]
        done = run("serve", *listen, *arguments)
        self.assertEqual(done.code, 2, done.err)
        self.assertEqual(done.out, "")
        return done.err

    def reason(self, text):
        entry = json.loads(text)
        self.assertEqual((entry["level"], entry["message"]), ("error", "cannot start"))
        return entry["reason"]

    def test_certificate_files_must_be_there_and_belong_together(self):
        certificate, key = make_certificate(self.folder)
        _, other_key = make_certificate(self.folder, stem="other")
        nothing = self.folder / "nothing.pem"
        odd, odd_key = make_certificate(self.folder, stem="odd", curve="secp256k1")
        empty = self.write("empty.pem", "")
        encrypted = self.folder / "encrypted.key"
        subprocess.run(["openssl", "ec", "-in", str(key), "-aes128", "-passout", "pass:secret",
                        "-out", str(encrypted)], check=True, capture_output=True, timeout=LIMIT)
        no_certificate = "the certificate is not PEM (expected -----BEGIN CERTIFICATE-----)"
        no_key = ("the key is not a PEM private key without a pass phrase (expected -----BEGIN "
                  "PRIVATE KEY-----)")
        cases = {
            "no certificate": (nothing, key, f"{nothing}: No such file or directory"),
            "no key": (certificate, nothing, f"{nothing}: No such file or directory"),
            "a folder": (self.folder, key, f"{self.folder}: is a directory, expected a file"),
            "an empty certificate": (empty, key, f"{empty}: {no_certificate}"),
            "an empty key": (certificate, empty, f"{empty}: {no_key}"),
            "exchanged": (key, certificate, f"{key}: {no_certificate}"),
            "another's key": (certificate, other_key,
                              f"{other_key}: the key does not belong to the certificate"),
            "a curve that no handshake has": (
                odd, odd_key, f"{odd_key}: the key is on a curve that no API server takes, secp256k1 "
                              "(expected P-256, P-384 or P-521)"),
            "a key with a pass phrase": (certificate, encrypted, f"{encrypted}: {no_key}"),
        }
        for name, (cert_file, key_file, message) in cases.items():
            with self.subTest(name=name):
                reason = self.reason(self.failed("--tls-cert", cert_file, "--tls-key", key_file))
                self.assertEqual(reason, message)

    def test_options_that_cannot_be_are_usage_errors(self):
        certificate, key = make_certificate(self.folder)
        bad = self.write("bad.yaml", "apiVersion: gracekeeper.dev/v1alpha1\nkind: Configuration\n"
                                     "defaults:\n  appShutdwn: 5s\n")
        cases = [
            (("--tls-cert", certificate),
             "gracekeeper: --tls-cert and --tls-key belong together: give both or neither\n"),
            (("--tls-cert", certificate, "--tls-key", key, "--write-ca", "ca.pem"),
             "gracekeeper: --write-ca is for the certificate that is made on the spot: leave out "
             "--tls-cert and --tls-key\n"),
            (("--shutdown-delay", "soon"), "gracekeeper: --shutdown-delay: "),
            (("--shutdown-delay", "-5s"), "gracekeeper: --shutdown-delay: "),
            (("--listen", "localhost"), "gracekeeper: --listen: "),
            (("--listen", "127.0.0.1:70000"), "gracekeeper: --listen: "),
            (("--config", bad), f"gracekeeper: {bad}:4"),
            (("--config", self.folder / "none.yaml"),
             f"gracekeeper: {self.folder}/none.yaml: No such file or directory\n"),
            (("--tls-cert", "", "--tls-key", ""), "--tls-cert: the value is empty\n"),
            (("--kubeconfig", ""), "--kubeconfig: the value is empty\n"),
            (("--config", ""), "--config: the value is empty\n"),
            (("--listen", "127.0.0.1:9443", "--management-listen", ":9443"),
             "gracekeeper: --listen and --management-listen have the same port, 9443: give each "
             "its own\n"),
            (("--log-format", "xml"), "--log-format: "),
            (("--threads", "257"), "--threads: "),
            (("--on-shortfall", "dney"),
             'gracekeeper: --on-shortfall: expected deny, warn, raise or fit, got "dney"\n'),
            (("--kubernetes-version", "latest"), "gracekeeper: --kubernetes-version: "),
        ]
        for arguments, message in cases:
            with self.subTest(arguments=arguments):
                told = self.failed(*arguments)
                self.assertEqual(told[:len(message)], message)

    def test_a_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            for option in ("--listen", "--management-listen"):
                with self.subTest(option=option):
                    reason = self.reason(self.failed(option, address))
                    self.assertIn(address, reason)
                    self.assertIn("Address already in use", reason)

    def test_a_ca_file_that_cannot_be_written_is_an_error(self):
        path = self.folder / "no-such-folder" / "ca.pem"
        self.assertIn(f"{path}: No such file or directory",
                      self.reason(self.failed("--write-ca", path)))


class Watched(TestCase):
    def test_the_management_port_tells_how_it_is(self):
        with Server() as server:
            self.assertEqual(server.get("/livez"), (200, "ok\n"))
            self.assertEqual(server.get("/readyz"), (200, "ok\n"))
            for path in ("/", "/healthz", "/mutate"):
                self.assertEqual(server.get(path), (404, "there is nothing at this path\n"))

    def test_the_metrics_have_the_names_that_dashboards_use(self):
        grace = {"annotations": {"linkerd.io/inject": "enabled",
                                 "config.linkerd.io/shutdown-grace-period": "60s"}}
        with Server() as server:
            server.review("/mutate", review(POD | {"metadata": grace}))
            server.review("/validate", review(POD))
            server.post("/mutate", "nonsense")
            server.post("/elsewhere", "{}")
            status, text = server.get("/metrics")
            self.assertEqual(status, 200)
            samples = server.metrics()
            expiry = samples["gracekeeper_certificate_expiry_timestamp_seconds"]
            self.assertGreater(expiry, time.time())

        expected = {
            'gracekeeper_requests_total{path="/mutate",outcome="denied"}': 1,
            'gracekeeper_requests_total{path="/validate",outcome="allowed"}': 1,
            'gracekeeper_requests_total{path="/mutate",outcome="invalid"}': 1,
            'gracekeeper_requests_total{path="other",outcome="invalid"}': 1,
            'gracekeeper_findings_total{rule="GK001",severity="error"}': 1,
            "gracekeeper_configuration_generation": 1,
            "gracekeeper_configuration_last_reload_successful": 1,
            "gracekeeper_request_duration_seconds_count": 3,
            'gracekeeper_request_duration_seconds_bucket{le="5e-05"}':
                samples.get('gracekeeper_request_duration_seconds_bucket{le="5e-05"}'),
            'gracekeeper_request_duration_seconds_bucket{le="+Inf"}': 3,
        }
        for name, value in expected.items():
            with self.subTest(name=name):
                found = {k: v for k, v in samples.items() if same_sample(k, name)}
                self.assertEqual(list(found.values()), [value], text)
        for state in ("handshake", "reading", "idle", "writing", "closing", "waiting"):
            self.assertIn(f'gracekeeper_connections{{state="{state}"}}', samples)
        for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds",
                     "start_time_seconds"):
            self.assertGreater(samples["process_" + name], 0)
        self.assertEqual(text.count("# TYPE gracekeeper_request_duration_seconds histogram"), 1)

    def test_the_text_log_is_for_people(self):
        with Server("--log-format", "text") as server:
            server.review("/mutate", review(POD))
            server.post("/mutate", "nonsense")
        serving, served, invalid, *rest = server.lines
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
        self.assertRegex(serving, f"^{stamp}INFO +serving listen=127.0.0.1:{server.port} ")
        self.assertRegex(served, f"^{stamp}INFO +admission path=/mutate outcome=allowed uid=")
        self.assertRegex(invalid, f"^{stamp}WARN\\w* +admission path=/mutate outcome=invalid .*"
                                  'reason="the body is not one JSON document: ')
        self.assertEqual([re.sub(stamp + " *INFO +", "", line) for line in rest],
                         ["shutting down signal=SIGTERM delay_seconds=0\n", "stopped\n"])


def same_sample(one, other):
    """The same name and labels, in whatever order."""
    def split(sample):
        name, _, labels = sample.partition("{")
        return name, set(re.findall(r'(\w+)="([^"]*)"', labels))
    return split(one) == split(other)


class Stop(TestCase):
    def test_it_serves_on_while_it_is_taken_out_of_rotation(self):
        body = review(POD)
        with Server("--shutdown-delay", "2s") as server:
            idle = server.connect()
            server.review("/mutate", body, connection=idle)
            server.terminate()
            server.wait_for_log("shutting down", delay_seconds=2)
            self.assertEqual(server.get("/readyz"), (503, "shutting down\n"))
            self.assertEqual(server.get("/livez"), (200, "ok\n"))
            for connection in (None, idle):
                answer = server.post("/mutate", json.dumps(body), connection=connection)
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.getheader("Connection"), "close")
                self.assertTrue(json.loads(answer.text)["response"]["allowed"])
            idle.close()
            self.assertEqual(server.wait(), 0)
            self.assertEqual(server.entries()[-1]["message"], "stopped")
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port), LIMIT)

    def test_a_request_in_flight_is_finished(self):
        text = json.dumps(review(POD)).encode()
        with Server("--shutdown-delay", "100ms") as server:
            connection = server.connect()
            connection.putrequest("POST", "/mutate")
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(text)))
            connection.endheaders(text[:100])
            wait_until(lambda: server.metrics()['gracekeeper_connections{state="reading"}'] == 1,
                       "the beginning of the request to arrive")
            server.terminate()
            server.wait_for_log("shutting down")
            # Until the listener is closed.
            wait_until(lambda: not accepts(server.port), "the listener to be closed")
            connection.send(text[100:])
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            self.assertEqual(response.getheader("Connection"), "close")
            self.assertTrue(json.loads(response.read())["response"]["allowed"])
            connection.close()
            self.assertEqual(server.wait(), 0)

    def test_the_delay_is_what_the_option_says(self):
        for delay, least, most in (("0s", 0, 10), ("1500ms", 1.5, 12)):
            with self.subTest(delay=delay), Server("--shutdown-delay", delay) as server:
                start = time.monotonic()
                server.terminate()
                self.assertEqual(server.wait(), 0)
                self.assertTrue(least <= time.monotonic() - start < most)

    def test_silent_connections_do_not_hold_it(self):
        with Server() as server:
            silent = [socket.create_connection(("127.0.0.1", server.port), LIMIT)
                      for _ in range(20)]
            kept = server.connect()
            server.review("/mutate", review(POD), connection=kept)
            start = time.monotonic()
            server.terminate()
            self.assertEqual(server.wait(), 0)
            self.assertLess(time.monotonic() - start, 15)
            kept.close()
            for connection in silent:
                connection.close()

    def test_every_usual_signal_ends_it_in_order(self):
        self.hand_on_hangups_as(signal.SIG_DFL)
        for ending in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            with self.subTest(signal=ending), Server("--shutdown-delay", "0s") as server:
                server.process.send_signal(ending)
                self.assertEqual(server.wait(), 0)
                self.assertIn(f'"shutting down","signal":"{ending.name}"', server.log())

    def test_hanging_up_does_nothing_under_nohup(self):
        self.hand_on_hangups_as(signal.SIG_IGN)
        with Server("--shutdown-delay", "0s") as server:
            server.process.send_signal(signal.SIGHUP)
            server.process.send_signal(signal.SIGINT)
            self.assertEqual(server.wait(), 0)
            self.assertIn('"shutting down","signal":"SIGINT"', server.log())

    def hand_on_hangups_as(self, disposition):
        """To the processes that are started now, whether or not these tests run under nohup."""
        before = signal.signal(signal.SIGHUP, disposition)
        self.addCleanup(signal.signal, signal.SIGHUP, before)

    def test_a_second_signal_ends_the_delay(self):
        with Server("--shutdown-delay", "60s") as server:
            server.terminate()
            server.wait_for_log("shutting down", delay_seconds=60)
            server.terminate()
            self.assertEqual(server.wait(), 0)

    def test_no_request_fails_while_clients_go_on(self):
        """Clients that do what API servers do: keep a connection until told, then make another."""
        body = json.dumps(review(POD))
        failures, answers = [], []
        ready = threading.Event()

        def client(server):
            connection = server.connect()
            try:
                while not ready.is_set():
                    answer = server.post("/mutate", body, connection=connection)
                    answers.append(answer.status)
                    if answer.getheader("Connection") == "close":
                        connection.close()
            except (OSError, http.client.HTTPException) as error:
                failures.append(error)
            connection.close()

        with Server("--shutdown-delay", "1s") as server:
            clients = [threading.Thread(target=client, args=(server,)) for _ in range(4)]
            for thread in clients:
                thread.start()
            wait_until(lambda: len(answers) > 20, "some answers")
            before = len(answers)
            server.terminate()
            wait_until(lambda: server.get("/readyz")[0] == 503, "readiness to go down")
            wait_until(lambda: len(answers) > before + 20, "answers after SIGTERM")
            ready.set()
            for thread in clients:
                thread.join(LIMIT)
            self.assertEqual(server.wait(), 0)
        self.assertEqual(failures, [])
        self.assertEqual(set(answers), {200})


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


if __name__ == "__main__":
    main()
