#!/usr/bin/env python3
"""gracekeeper-await-app, the real program, in network namespaces of its own."""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.environ.get("GRACEKEEPER_AWAIT_APP", "")
LIMIT = 60
# Root in a user namespace of its own where this user is not root; its sockets have uid 0 in it.
NAMESPACE = ["unshare", "--net"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])
OTHERS, OWN = "2102", "0"  # as --proxy-uid: the sockets here are the application's, or the proxy's


MOUNTS = ["unshare", "--mount", "--net"]


def can_unshare(command):
    return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0


def in_namespace(play, *arguments):
    """Runs the program in a namespace in which `play`, Python, goes on at the same time; both end.
    Returns its exit code, how long it took, what it said, what the other one printed, and when it
    was over on the clock that both see."""
    with tempfile.TemporaryDirectory(prefix="gracekeeper-await-") as folder:
        ready = pathlib.Path(folder, "ready")
        scene = subprocess.Popen(
            [*NAMESPACE, sys.executable, "-B", "-c",
             "import pathlib, socket, subprocess, sys, time\n"
             "from socket import *\n"
             "def ready(): pathlib.Path(sys.argv[1]).touch()\n"
             "subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)\n" + play, ready],
            stdout=subprocess.PIPE, text=True)
        try:
            end = time.monotonic() + LIMIT
            while not ready.exists():
                if scene.poll() is not None or time.monotonic() > end:
                    raise AssertionError("the scene has not begun")
                time.sleep(0.01)
            enter = ["nsenter", "-t", str(scene.pid), "-n"]
            if os.geteuid() != 0:
                enter += ["-U", "--preserve-credentials"]
            started = time.monotonic()
            done = subprocess.run([*enter, PROGRAM, *arguments], capture_output=True, text=True,
                                  timeout=LIMIT, check=False)
            over = time.monotonic()
        finally:
            scene.terminate()
            printed = scene.communicate(timeout=LIMIT)[0]
    return done.returncode, over - started, done.stderr, printed, over


# Says when it happened: on a busy machine the program begins late, and ends soon after.
CLOSE = "time.sleep(2); print(time.monotonic(), flush=True); s.close(); "
LISTEN = "s = socket(); s.bind(('127.0.0.1', 5000)); s.listen(); ready()\n"


@unittest.skipUnless(can_unshare(NAMESPACE), "network namespaces are not allowed here")
class Waiting(unittest.TestCase):
    def expect(self, play, arguments, least, most, code=0, says=""):
        done, took, said, printed, _ = in_namespace(play, *arguments)
        self.assertEqual((done, said), (code, says))
        self.assertGreaterEqual(took, least)
        self.assertLess(took, most)
        return printed

    def expect_end_after(self, play, quiet, proxy=OTHERS):
        """It ends after the moment that the scene prints last, and not much later."""
        done, _, said, printed, over = in_namespace(
            play, "--proxy-uid", proxy, "--timeout", "40s", "--quiet", quiet)
        self.assertEqual((done, said), (0, ""))
        self.assertGreaterEqual(over, float(printed.split()[-1]))
        self.assertLess(over, float(printed.split()[-1]) + 15)

    def test_it_ends_after_the_quiet_period_where_nobody_has_a_socket(self):
        self.expect("ready(); time.sleep(60)",
                    ["--proxy-uid", OTHERS, "--timeout", "20s", "--quiet", "500ms"], 0.5, 10)

    def test_it_waits_for_a_listener_to_go(self):
        self.expect_end_after(LISTEN + CLOSE + "time.sleep(60)", "500ms")

    def test_it_waits_for_a_listener_of_ipv6_and_for_one_of_udp(self):
        for kind in ("AF_INET6, SOCK_STREAM", "AF_INET, SOCK_DGRAM"):
            with self.subTest(kind):
                self.expect_end_after(f"s = socket({kind}); s.bind(('', 5000))\n"
                                      f"'STREAM' in '{kind}' and s.listen()\n"
                                      "ready(); " + CLOSE + "time.sleep(60)", "500ms")

    def test_it_waits_for_a_connection_whose_listener_has_gone(self):
        self.expect_end_after(LISTEN + "c = create_connection(('127.0.0.1', 5000)); a, _ = s.accept()\n"
                    "s.close(); " + CLOSE + "a.close(); c.close(); time.sleep(60)", "500ms")

    def test_it_notices_connections_that_are_over_before_it_looks(self):
        # To a listener of the proxy's, which is the user of this test here; nobody else has a socket
        # for longer than a millisecond.
        self.expect_end_after(LISTEN + "end = time.monotonic() + 5\n"
                              "while time.monotonic() < end:\n"
                              "  c = create_connection(('127.0.0.1', 5000)); a, _ = s.accept()\n"
                              "  print(time.monotonic(), flush=True)\n"
                              "  c.close(); a.close(); time.sleep(0.4)\n"
                              "time.sleep(60)", "3s", OWN)

    def test_refused_connections_hold_nothing(self):
        # The proxy's, on behalf of clients that do not know yet that the application is gone.
        self.expect("ready()\n"
                    "while True: socket().connect_ex(('127.0.0.1', 5001)); time.sleep(0.1)",
                    ["--proxy-uid", OTHERS, "--timeout", "20s", "--quiet", "500ms"], 0.5, 10)

    def test_a_connection_that_nobody_has_any_more_holds_nothing(self):
        # TIME_WAIT, for a minute.
        printed = self.expect(
            "s = socket(); s.bind(('127.0.0.1', 5000)); s.listen()\n"
            "c = create_connection(('127.0.0.1', 5000)); a, _ = s.accept()\n"
            "c.close(); a.close(); s.close()\n"
            "print([line.split()[3] for line in open('/proc/self/net/tcp')], flush=True)\n"
            "ready(); time.sleep(60)",
            ["--proxy-uid", OTHERS, "--timeout", "20s", "--quiet", "500ms"], 0.5, 10)
        self.assertEqual(printed, "['st', '06']\n")

    @unittest.skipUnless(os.geteuid() == 0, "the proxy's end belongs to another user")
    def test_data_that_the_proxy_has_not_taken_yet_holds_nothing(self):
        # The application has closed, and its data waits for the proxy to read on: FIN_WAIT1.
        printed = self.expect(
            "import os\n"
            "parent = os.getpid()\n"
            "if os.fork() == 0:\n"
            "  os.setuid(2102)\n"
            "  s = socket(); s.bind(('127.0.0.1', 5000)); s.listen(); a, _ = s.accept()\n"
            "  while os.getppid() == parent: time.sleep(0.1)\n"
            "  os._exit(0)\n"
            "c = socket()\n"
            "while c.connect_ex(('127.0.0.1', 5000)): c = socket(); time.sleep(0.01)\n"
            "c.setblocking(False)\n"
            "try:\n"
            "  while True: c.send(bytes(65536))\n"
            "except BlockingIOError: c.close()\n"
            "print(sorted(line.split()[3] for line in open('/proc/self/net/tcp')), flush=True)\n"
            "ready(); time.sleep(60)",
            ["--proxy-uid", OTHERS, "--timeout", "20s", "--quiet", "500ms"], 0.5, 10)
        self.assertEqual(printed, "['01', '04', '0A', 'st']\n")

    def test_the_proxys_own_sockets_hold_nothing(self):
        self.expect(LISTEN + "time.sleep(60)",
                    ["--proxy-uid", OWN, "--timeout", "20s", "--quiet", "500ms"], 0.5, 10)

    def test_it_ends_at_the_timeout(self):
        self.expect(LISTEN + "time.sleep(60)", ["--proxy-uid", OTHERS, "--timeout", "1500ms"], 1.5, 10)


class CommandLine(unittest.TestCase):
    def run_program(self, *arguments):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=LIMIT,
                              check=False)
        return done.returncode, done.stderr.splitlines()[0] if done.stderr else ""

    def test_a_wrong_command_line_is_told(self):
        table = [
            ([], "--proxy-uid is missing"),
            (["--proxy-uid", "1"], "--timeout is missing"),
            (["--proxy-uid"], "a value is missing after --proxy-uid"),
            (["--proxy-uid", "root", "--timeout", "1s"], "--proxy-uid: not a user id: root"),
            (["--proxy-uid", "1", "--timeout", "1h"], "not a duration such as 30s or 500ms: 1h"),
            (["--port", "1"], "unknown option --port"),
        ]
        for arguments, message in table:
            with self.subTest(arguments):
                self.assertEqual(self.run_program(*arguments),
                                 (64, "gracekeeper-await-app: " + message))

    def test_it_installs_itself(self):
        with tempfile.TemporaryDirectory(prefix="gracekeeper-await-") as folder:
            old = os.umask(0o077)
            try:
                self.assertEqual(self.run_program("--install", folder), (0, ""))
                self.assertEqual(self.run_program("--install", folder), (0, ""))  # again
            finally:
                os.umask(old)
            installed = pathlib.Path(folder, "gracekeeper-await-app")
            self.assertEqual(os.listdir(folder), [installed.name])
            self.assertEqual(installed.stat().st_mode & 0o777, 0o755)
            self.assertEqual(installed.read_bytes(), pathlib.Path(PROGRAM).read_bytes())

    def test_an_installation_that_fails_is_told(self):
        self.assertEqual(self.run_program("--install", "/nowhere"), (
            1, "gracekeeper-await-app: /nowhere/.gracekeeper-await-app: No such file or directory"))

    @unittest.skipUnless(can_unshare(MOUNTS), "what hides /proc/self/net, mounts, is not allowed here")
    def test_what_cannot_be_read_makes_it_wait_for_all_of_the_time(self):
        started = time.monotonic()
        done = subprocess.run(
            [*MOUNTS, "sh", "-c",
             'mount -t tmpfs none /proc/$$/net && exec "$0" --proxy-uid 2102 --timeout 2s', PROGRAM],
            capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(time.monotonic() - started, 2)
        self.assertEqual(done.stderr, "gracekeeper-await-app: /proc/self/net/snmp: No such file or "
                         "directory\ngracekeeper-await-app: the application cannot be seen: waiting "
                         "for all of the 2000 ms, as a fixed sleep does\n")


if __name__ == "__main__":
    unittest.main()
