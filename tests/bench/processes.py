"""The programs that are measured: started on one core, watched from /proc, stopped in the end."""

import http.client
import json
import os
import pathlib
import resource
import signal
import socket
import ssl
import subprocess
import time

LIMIT = 30  # seconds for anything to start or to end
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Failed(RuntimeError):
    """The benchmark cannot go on; the text is for a person."""


def cores():
    """(core of the servers, core of the client); the same one twice where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(folder):
    """(certificate, key): self-signed, ECDSA P-256, for localhost."""
    certificate, key = folder / "tls.crt", folder / "tls.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "3", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True, timeout=LIMIT)
    return certificate, key


class Server:
    """A webhook on https://127.0.0.1:PORT/mutate that runs on one core, until the end of the with block."""

    def __init__(self, name, command, port, core, log, environment=None):
        self.name, self.command, self.port, self.core, self.log = name, command, port, core, log
        self.environment = {**os.environ, **(environment or {})}

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}/mutate"

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["taskset", "-c", str(self.core), *map(str, self.command)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        end = time.monotonic() + LIMIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.__exit__()
                    text = pathlib.Path(self.log).read_text(errors="replace")[-2000:]
                    raise Failed(f"{self.name} did not start; its output:\n{text}") from None
                time.sleep(0.01)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """Bytes: resident now, the most so far, and of those now what no file stands for."""
        return tuple(memory_of(self.process.pid, "VmRSS", "VmHWM", "RssAnon"))

    def post(self, body, headers=None):
        """The answer's body to one request; anything but 200 is a failure."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=LIMIT,
                                                 context=ssl._create_unverified_context())
        try:
            connection.request("POST", "/mutate", body, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise Failed(f"{self.name} answered {answer.status}: {text[:500]!r}")
        return text

    def review(self, body):
        """The `response` of the answer to one AdmissionReview."""
        return json.loads(self.post(body))["response"]


def memory_of(pid, *names):
    """Values of /proc/PID/status in bytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in status if line.startswith(names)}
    return [kilobytes[name] * 1024 for name in names]


def run_measured(command, core=None, environment=None, expect=(0,), **arguments):
    """Runs a program to its end: (seconds, CPU seconds, most resident bytes)."""
    pinned = command if core is None else ["taskset", "-c", str(core), *command]
    started = time.monotonic()
    process = subprocess.Popen(list(map(str, pinned)), stdin=arguments.pop("stdin", subprocess.DEVNULL),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, **(environment or {})}, **arguments)
    # ru_maxrss begins with what this Python has; VmHWM is the program's own.
    most = 0
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid != 0:
            break
        if time.monotonic() > started + 20 * LIMIT:
            process.kill()
        try:
            most = max(most, *memory_of(process.pid, "VmHWM"))
        except (KeyError, OSError):
            pass  # it has just ended
        time.sleep(0.005)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    if process.returncode not in expect:
        raise Failed(f"{command[0]} ended with {process.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, most


def children_cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
