"""`gracekeeper serve` with many clients while everything that it reloads changes, again and again.

What this looks for shows under the thread sanitizer (`make tsan`): there a race ends the server with
another exit code than 0.
"""

import http.client
import json
import threading

from gracekeeper import LIMIT, Server, TestCase, main, make_certificate, review, wait_until

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {
    "linkerd.io/inject": "enabled", "config.linkerd.io/shutdown-grace-period": "60s"}},
    "spec": {"containers": [{"name": "c"}], "terminationGracePeriodSeconds": 30}}
ROUNDS = 6
MODES = ("raise", "warn")


def configuration(mode):
    return ("apiVersion: gracekeeper.dev/v1alpha1\nkind: Configuration\ndefaults:\n"
            f"  onShortfall: {mode}\n")


class Clients:
    """Threads that ask until the end of the with block; what went wrong is in `failures`."""

    def __init__(self, server):
        self.server = server
        self.answers = 0
        self.failures = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        asks = [self._handshakes, self._handshakes, self._keeps_alive, self._keeps_alive,
                self._keeps_alive, self._scrapes]
        self._threads = [threading.Thread(target=self._run, args=(ask,)) for ask in asks]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(LIMIT)

    def _run(self, ask):
        try:
            ask()
        except (OSError, http.client.HTTPException, AssertionError) as failure:
            self.failures.append(failure)

    def _count(self):
        with self._lock:
            self.answers += 1

    def _handshakes(self):
        while not self._stop.is_set():
            self.server.review("/mutate", review(POD))
            self._count()

    def _keeps_alive(self):
        connection = self.server.connect()
        while not self._stop.is_set():
            for path in ("/mutate", "/validate"):
                self.server.review(path, review(POD), connection=connection)
                self._count()
        connection.close()

    def _scrapes(self):
        while not self._stop.is_set():
            self.server.metrics()
            for path in ("/livez", "/readyz"):
                if self.server.get(path)[0] != 200:
                    raise AssertionError(f"{path} does not answer 200")
            self._count()


class UnderLoad(TestCase):
    def test_no_request_fails_while_certificates_configuration_and_values_change(self):
        pairs = [make_certificate(self.folder, f"{stem}.example", stem) for stem in ("one", "two")]

        def install(number):
            for name, source in zip(("tls.crt", "tls.key"), pairs[number % 2]):
                self.write(name, source.read_bytes())

        install(0)
        config = self.write("config.yaml", configuration(MODES[0]))
        values = self.write("values.yaml", "proxy: {cores: 1}\n")
        with Server("--tls-cert", self.folder / "tls.crt", "--tls-key", self.folder / "tls.key",
                    "--config", config, "--linkerd-values", values) as server:
            with Clients(server) as clients:
                for number in range(1, ROUNDS + 1):
                    seen, before = len(server.lines), clients.answers
                    install(number)
                    server.wait_for_log("certificate replaced", after=seen)
                    seen = len(server.lines)
                    self.write(config.name, configuration(MODES[number % 2]))
                    server.wait_for_log("configuration loaded", after=seen)
                    seen = len(server.lines)
                    self.write(values.name, json.dumps({"proxy": {"cores": number + 1}}))
                    server.wait_for_log("configuration loaded", after=seen)
                    wait_until(lambda: clients.failures or clients.answers > before + 12,
                               "answers after the change")
            self.assertEqual(clients.failures, [])


if __name__ == "__main__":
    main()
