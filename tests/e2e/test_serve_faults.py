"""What the program does when something around it breaks. docs/reliability.md states each."""

import datetime
import itertools
import json
import os
import pathlib
import resource
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

import gracekeeper
from fake_cluster import FakeCluster, namespace
from gracekeeper import (EXAMPLES, LIMIT, Server, TestCase, environment, free_ports, main,
                         make_certificate, review, run, wait_until)

HERE = pathlib.Path(__file__).resolve().parent
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
       "spec": {"containers": [{"name": "c"}]}}
BODY = json.dumps(review(POD))
NOT_SERVED = "the new certificate is not served, the last good one stays"


def is_sanitized():
    """Sanitizers reserve address space without end and want to be loaded first."""
    return os.environ.get("GRACEKEEPER_BUILD") == "sanitized"


class Limited(Server):
    """A server under limits, with an environment or a standard error of its own."""

    def __init__(self, *arguments, limits=(), env=None, stderr=subprocess.PIPE, ports=None):
        super().__init__(*arguments)
        self.limits, self.env, self.stderr, self.ports = limits, env or {}, stderr, ports
        if ports:
            self.arguments = ("--listen", f"127.0.0.1:{ports[0]}", "--management-listen",
                              f"127.0.0.1:{ports[1]}", *self.arguments[4:])

    def __enter__(self):
        def limit():
            for what, value in self.limits:
                resource.setrlimit(what, (value, value))

        self.process = subprocess.Popen(
            [gracekeeper.PROGRAM, "serve", *self.arguments], env=environment(**self.env),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.stderr,
            preexec_fn=limit)
        if self.ports:
            self.port, self.management_port = self.ports
            wait_until(self.is_up, "the server to answer")
            return self
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        started = self.wait_for_log("serving")
        self.port = int(started["listen"].rsplit(":", 1)[1])
        self.management_port = int(started["management"].rsplit(":", 1)[1])
        return self

    def __exit__(self, kind, *rest):
        if not self.ports:
            return super().__exit__(kind, *rest)
        self.terminate()
        code = self.process.wait(LIMIT)
        if kind is None and code != 0:
            raise AssertionError(f"the server ended with {code}")
        return None

    def is_up(self):
        try:  # the management port listens first
            with socket.create_connection(("127.0.0.1", self.port), LIMIT):
                return self.get("/livez")[0] == 200
        except OSError:
            return False


class FullDisk(TestCase):
    def test_requests_are_answered_while_the_log_cannot_be_written(self):
        with open("/dev/full", "wb") as full, Limited(stderr=full, ports=free_ports(2)) as server:
            for _ in range(20):
                self.assertEqual(server.post("/mutate", BODY).status, 200)
            self.assertEqual(server.post("/mutate", "nonsense").status, 400)
            self.assertEqual(server.get("/readyz"), (200, "ok\n"))
            self.assertGreater(server.metrics()["gracekeeper_log_lines_lost_total"], 20)

    def test_requests_are_answered_while_nobody_reads_the_log(self):
        read_end, write_end = os.pipe()
        with os.fdopen(read_end, "rb") as log:
            with os.fdopen(write_end, "wb") as unread, \
                    Limited(stderr=unread, ports=free_ports(2)) as server:
                connection = server.connect()
                for _ in range(20_000):
                    self.assertEqual(server.post("/mutate", BODY, connection=connection).status, 200)
                    if server.metrics()["gracekeeper_log_lines_lost_total"] > 50:
                        break
                else:
                    self.fail("the log took 20,000 lines that nobody read")
                connection.close()
                self.assertEqual(server.get("/readyz"), (200, "ok\n"))
                os.set_blocking(read_end, False)
                log.read()  # all that is there
                self.assertEqual(server.post("/mutate", BODY).status, 200)
                last = [json.loads(line) for line in log.read().splitlines()]
            self.assertRegex(last[0]["message"], "lines of this log are lost")
            self.assertGreater(last[0]["lines"], 50)

    def test_output_that_is_cut_is_an_error(self):
        web = EXAMPLES / "web-stated.yaml"
        for arguments in (("check", web), ("explain", web), ("inject", EXAMPLES / "web.yaml"),
                          ("rules",), ("rules", "--format", "markdown"), ("completion", "bash"),
                          ("--help",), ("--version",), ("check", "--help")):
            with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                done = subprocess.run([gracekeeper.PROGRAM, *map(str, arguments)], stdout=full,
                                      stderr=subprocess.PIPE, env=environment(), timeout=LIMIT,
                                      check=False)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stderr.decode().splitlines()[-1],
                                 "gracekeeper: standard output cannot be written to its end")

    def test_files_that_cannot_be_written_stay_as_they_were(self):
        """The disk: a file system of 64 KB of its own where that can be had, else a limit."""
        text = (EXAMPLES / "web-stated.yaml").read_bytes()
        padding = b"# " + b"x" * 40_000 + b"\n"
        disk = self.folder / "disk"
        disk.mkdir()
        script = ('mount -t tmpfs -o size=64k none "$1" && cat "$2" > "$1/web.yaml" && '
                  '{ "$3" check --fix "$1/web.yaml"; code=$?; cat "$1/web.yaml" > "$4"; '
                  'ls -A "$1" > "$5"; exit $code; }')
        whole, after, listing = (self.folder / name for name in ("whole", "after", "listing"))
        whole.write_bytes(padding + text)
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", disk,
             whole, gracekeeper.PROGRAM, after, listing], capture_output=True, text=True,
            env=environment(), timeout=LIMIT, check=False)
        if after.exists():
            reason = "No space left on device"
        else:
            target = self.write("web.yaml", whole.read_bytes())
            done = subprocess.run(
                [gracekeeper.PROGRAM, "check", "--fix", str(target)], capture_output=True,
                text=True, env=environment(), timeout=LIMIT, check=False,
                restore_signals=False,  # SIGXFSZ stays ignored, and the limit is an error
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)))
            after.write_bytes(target.read_bytes())
            listing.write_text("web.yaml\n")
            reason = "File too large"
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(reason, done.stderr)
        self.assertEqual(after.read_bytes(), whole.read_bytes())
        self.assertEqual(listing.read_text(), "web.yaml\n", "nothing is left beside it")


class BrokenCertificates(TestCase):
    def setUp(self):
        super().setUp()
        self.good = make_certificate(self.folder, "good.example", "good")
        self.other = make_certificate(self.folder, "other.example", "other")
        self.certificate, self.key = self.folder / "tls.crt", self.folder / "tls.key"

    def install(self, certificate, key):
        for target, content in ((self.certificate, certificate), (self.key, key)):
            if target.is_symlink() or target.exists():
                target.unlink()
            if content is not None:
                self.write(target.name, content)

    def cases(self):
        """(name, certificate, key, the file that is named)"""
        certificate, key = (path.read_bytes() for path in self.good)
        _, other_key = (path.read_bytes() for path in self.other)
        return [
            ("certificate cut in the middle", certificate[:len(certificate) // 2], key, "crt"),
            ("certificate without its last line", certificate[:-30], key, "crt"),
            ("key cut in the middle", certificate, key[:len(key) // 2], "key"),
            ("key without its last line", certificate, key[:-20], "key"),
            ("empty certificate", b"", key, "crt"),
            ("empty key", certificate, b"", "key"),
            ("certificate of zeroes", bytes(2000), key, "crt"),
            ("no certificate", None, key, "crt"),
            ("no key", certificate, None, "key"),
            ("another's key", certificate, other_key, "key"),
        ]

    def served(self, server):
        with socket.create_connection(("127.0.0.1", server.port), LIMIT) as plain, \
                server.tls.wrap_socket(plain) as connection:
            return connection.getpeercert(binary_form=True)

    def test_the_last_good_pair_is_served(self):
        good = [path.read_bytes() for path in self.good]
        self.install(*good)
        der = ssl.PEM_cert_to_DER_cert(self.good[0].read_text())
        pairs = itertools.cycle([self.other, self.good])
        with Server("--tls-cert", self.certificate, "--tls-key", self.key) as server:
            errors = 0
            for name, certificate, key, blamed in self.cases():
                with self.subTest(name=name):
                    seen = len(server.lines)
                    self.install(certificate, key)
                    entry = server.wait_for_log(NOT_SERVED, after=seen, level="error")
                    self.assertIn(f"tls.{blamed}: ", entry["reason"])
                    self.assertEqual(self.served(server), der)
                    self.assertEqual(server.post("/mutate", BODY).status, 200)
                    self.assertEqual(server.get("/readyz"), (200, "ok\n"))
                    errors += 1
                    self.assertEqual(server.metrics()["gracekeeper_certificate_errors_total"],
                                     errors)
                    # An error that stays is told once: this one is over.
                    self.install(*(path.read_bytes() for path in next(pairs)))
                    server.wait_for_log("certificate replaced", after=seen)
                    der = self.served(server)

    @unittest.skipIf(os.geteuid() == 0, "root can read everything")
    def test_a_certificate_that_must_not_be_read(self):
        self.install(*(path.read_bytes() for path in self.good))
        with Server("--tls-cert", self.certificate, "--tls-key", self.key) as server:
            self.key.chmod(0)
            server.wait_for_log(NOT_SERVED, reason=f"{self.key}: Permission denied")
            self.assertEqual(server.post("/mutate", BODY).status, 200)

    def test_none_of_them_is_served_from_the_start(self):
        for name, certificate, key, blamed in self.cases():
            with self.subTest(name=name):
                self.install(certificate, key)
                done = run("serve", "--listen", "127.0.0.1:0", "--management-listen",
                           "127.0.0.1:0", "--tls-cert", self.certificate, "--tls-key", self.key)
                self.assertEqual(done.code, 2)
                self.assertIn(f"tls.{blamed}: ", json.loads(done.err)["reason"])


class StrangeApiServer(TestCase):
    """An API server's address at which something else answers."""

    def setUp(self):
        super().setUp()
        self.cluster = FakeCluster(self.folder)
        self.cluster.put("namespaces", namespace("shop", {}))
        self.addCleanup(self.cluster.stop)
        self.listener = None

    def answer_with(self, data, every=None):
        """A TLS server that sends these bytes to whoever asks; one at a time when `every` is set."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cluster.certificate, self.cluster.key)
        self.listener = socket.create_server(("127.0.0.1", self.cluster.port))
        self.addCleanup(self.stop_listening)

        def one(plain):
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    connection.settimeout(LIMIT)
                    connection.recv(65536)
                    for piece in [data] if every is None else [bytes([b]) for b in data]:
                        connection.sendall(piece)
                        time.sleep(every or 0)
                    while connection.recv(65536):
                        pass
            except OSError:
                pass

        def accept():
            while True:
                try:
                    plain, _ = self.listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(plain,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def stop_listening(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # ends accept() in its thread
        except OSError:
            pass
        self.listener.close()

    def test_nothing_that_it_sends_holds_up_a_request(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        self.cluster.start()
        self.cluster.stop()  # the port is known now
        for name, data, every in (
                ("nothing", b"", None),
                ("a byte at a time", head + b"Content-Length: 1000\r\n\r\n" + b" " * 1000, 0.2),
                ("no HTTP", b"\x00\xff" * 500, None),
                ("HTML", head + b"Content-Length: 13\r\n\r\n<html></html>", None),
                ("another kind", head + b'Content-Length: 16\r\n\r\n{"kind":"Status"', None),
                ("a body without end", head + b"Content-Length: 99999999999\r\n\r\n" + b"[" * 65536,
                 None),
                ("an error", b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", None)):
            with self.subTest(name=name):
                self.answer_with(data, every)
                with Server("--kubeconfig", self.cluster.kubeconfig()) as server:
                    for _ in range(3):
                        start = time.monotonic()
                        self.assertTrue(server.review("/mutate", review(POD))["allowed"])
                        self.assertLess(time.monotonic() - start, 2)
                    status, reason = server.get("/readyz")
                    self.assertEqual(status, 503)
                    self.assertIn("waiting for the cluster: ", reason)
                self.stop_listening()


class JumpingClock(TestCase):
    YEARS = 10 * 365 * 24 * 3600

    def setUp(self):
        super().setUp()
        if is_sanitized():
            self.skipTest("sanitizers want to be the first library that is loaded")
        self.shim = self.folder / "clock_shim.so"
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-shared", "-fPIC", "-o", self.shim,
                        HERE / "clock_shim.c"], check=True, timeout=LIMIT)
        self.offset = self.write("offset", "0")

    def logged(self, server):
        """The time of the last log line."""
        return datetime.datetime.fromisoformat(server.entries()[-1]["time"].replace("Z", "+00:00"))

    def test_requests_connections_and_deadlines_do_not_notice(self):
        with Limited(env={"LD_PRELOAD": str(self.shim),
                          "GRACEKEEPER_CLOCK_OFFSET": str(self.offset)}) as server:
            kept = server.connect()
            slow = socket.create_connection(("127.0.0.1", server.port), LIMIT)
            slow = server.tls.wrap_socket(slow)
            slow.sendall(b"POST /mutate HTTP/1.1\r\nHost: localhost\r\n")
            begun = time.monotonic()
            for seconds in (0, self.YEARS, -self.YEARS, 3600, 0):
                with self.subTest(seconds=seconds):
                    self.write("offset", str(seconds))
                    for connection in (kept, None):
                        self.assertEqual(
                            server.post("/mutate", BODY, connection=connection).status, 200)
                    expected = datetime.datetime.now(datetime.timezone.utc).timestamp() + seconds
                    wait_until(lambda: abs(self.logged(server).timestamp() - expected) < 60,
                               "the log to have the new time")
                    self.assertEqual(server.get("/readyz"), (200, "ok\n"))
            # The one that began before the jumps is cut at its own time, not before and not never.
            slow.settimeout(LIMIT)
            answer = slow.recv(65536)
            self.assertIn(b" 408 ", answer)
            self.assertTrue(4 < time.monotonic() - begun < 15)
            slow.close()
            kept.close()


class NoDescriptors(TestCase):
    def test_silent_connections_give_way_to_honest_ones(self):
        with Limited(limits=[(resource.RLIMIT_NOFILE, 64)]) as server:
            self.assertEqual(server.metrics()["process_max_fds"], 64)
            kept = server.connect()
            server.review("/mutate", review(POD), connection=kept)
            silent = [socket.create_connection(("127.0.0.1", server.port), LIMIT)
                      for _ in range(200)]
            for _ in range(5):
                start = time.monotonic()
                self.assertEqual(server.post("/mutate", BODY).status, 200)
                self.assertLess(time.monotonic() - start, 2)
                server.review("/mutate", review(POD), connection=kept)
            self.assertEqual(server.get("/readyz"), (200, "ok\n"))
            used = server.metrics()["process_cpu_seconds_total"]
            time.sleep(1)  # what is measured is this second
            self.assertLess(server.metrics()["process_cpu_seconds_total"] - used, 0.5, "it spins")
            for connection in [*silent, kept]:
                connection.close()
            wait_until(lambda: server.metrics()["process_open_fds"] < 30, "the descriptors back")
            self.assertNotIn('"level":"error"', server.log())


class NoMemory(TestCase):
    def test_a_request_without_memory_costs_nobody_else(self):
        if is_sanitized():
            self.skipTest("sanitizers reserve address space without end")
        # What it maps at its start, and 24 MB more.
        with Server() as server:
            server.review("/mutate", review(POD))
            status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
            mapped = next(int(line.split()[1]) * 1024 for line in status.splitlines()
                          if line.startswith("VmPeak"))
        large = json.dumps(review(POD | {"metadata": {"name": "p", "annotations": {
            "large": "x" * 7_000_000}}}))
        with Limited(limits=[(resource.RLIMIT_AS, mapped + 24_000_000)]) as server:
            outcomes, lock = [], threading.Lock()

            def ask():
                try:
                    answer = server.post("/mutate", large)
                    outcome = answer.status
                    if answer.status == 200 and not json.loads(answer.text)["response"]["allowed"]:
                        outcome = "denied"
                except (OSError, gracekeeper.http.client.HTTPException):
                    outcome = "cut"
                with lock:
                    outcomes.append(outcome)

            threads = [threading.Thread(target=ask) for _ in range(12)]
            for thread in threads:
                thread.start()
            for _ in range(20):
                self.assertTrue(server.review("/mutate", review(POD))["allowed"])
            for thread in threads:
                thread.join(LIMIT)
            self.assertEqual(len(outcomes), 12)
            self.assertLessEqual(set(outcomes), {200, 500, 503, "cut"})
            self.assertNotEqual(set(outcomes), {200}, "the limit was not felt")
            self.assertTrue(server.review("/mutate", review(POD))["allowed"])
            self.assertEqual(server.get("/readyz"), (200, "ok\n"))


class NoProcess(TestCase):
    def test_a_killed_server_leaves_nothing_that_hinders_the_next(self):
        ports = free_ports(2)
        with open(os.devnull, "wb") as nothing:
            server = Limited(stderr=nothing, ports=ports).__enter__()
            connection = server.connect()
            server.review("/mutate", review(POD), connection=connection)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait(LIMIT)
            with Limited(stderr=nothing, ports=ports) as again:
                self.assertTrue(again.review("/mutate", review(POD))["allowed"])
            connection.close()


if __name__ == "__main__":
    main()
