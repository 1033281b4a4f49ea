"""`gracekeeper serve` while certificate, configuration and the process itself change under load: no
request is lost, and each is answered as the configuration before or after says. tests/attack has the
longer form."""

import json
import pathlib
import threading
import time

from gracekeeper import (Server, TestCase, free_ports, main, make_certificate, review,
                         wait_until)
from load import Load, UID

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {
    "linkerd.io/inject": "enabled", "config.linkerd.io/shutdown-grace-period": "60s"}},
    "spec": {"containers": [{"name": "c"}], "terminationGracePeriodSeconds": 30}}
MODES = ("deny", "warn")
EVERY = 0.1  # seconds
TIME = 10


def configuration(mode, number=0):
    return (f"apiVersion: gracekeeper.dev/v1alpha1\nkind: Configuration\n# {number}\n"
            f"defaults:\n  onShortfall: {mode}\n")


class Changes(TestCase):
    def setUp(self):
        super().setUp()
        self.pairs = [make_certificate(self.folder, name, name) for name in ("first", "second")]
        body = json.dumps(review(POD, uid=UID))
        right = {path: [] for path in ("/mutate", "/validate")}
        for mode in MODES:
            with Server("--config", self.write(f"{mode}.yaml", configuration(mode))) as server:
                for path, answers in right.items():
                    answers.append(server.post(path, body).text)
        self.assertNotEqual(*right["/mutate"])
        self.exchanges = [(path, body, answers) for path, answers in right.items()]
        self.number = 0

    def contents(self):
        certificate, key = self.pairs[self.number % 2]
        return {"tls.crt": certificate.read_bytes(), "tls.key": key.read_bytes(),
                "config.yaml": configuration(MODES[self.number % 2], self.number).encode()}

    def rename(self):
        self.number += 1
        for name, content in self.contents().items():
            self.write(name, content)

    def switch(self):
        """As the kubelet does: a new folder, and the link to it switched."""
        self.number += 1
        data = pathlib.Path(f"..{self.number}")
        for name, content in self.contents().items():
            self.write(data / name, content)
            if self.number == 1:
                (self.folder / name).symlink_to(f"..data/{name}")
        link = self.folder / "..data_tmp"
        link.symlink_to(data)
        link.replace(self.folder / "..data")

    def options(self):
        return ("--tls-cert", self.folder / "tls.crt", "--tls-key", self.folder / "tls.key",
                "--config", self.folder / "config.yaml")

    def check(self, load):
        self.assertEqual(load.failures, [])
        self.assertGreater(min(load.counts), 0, "each configuration has answered")

    def test_files_change_ten_times_a_second(self):
        for change in (self.rename, self.switch):
            with self.subTest(change=change.__name__):
                self.number = 0
                change()
                with Server(*self.options()) as server:
                    with Load(server.port, self.exchanges) as load:
                        end = time.monotonic() + TIME / 2
                        while time.monotonic() < end:
                            change()
                            time.sleep(EVERY)
                    done = [entry["message"] for entry in server.entries()]
                    self.check(load)
                    self.assertGreater(done.count("certificate replaced"), 1)
                    self.assertGreater(done.count("configuration loaded"), 1)
                for name in ("tls.crt", "tls.key", "config.yaml"):
                    (self.folder / name).unlink()

    def start(self, port, management):
        server = Server(*self.options(), "--shutdown-delay", "1s")
        server.arguments = ("--listen", f"127.0.0.1:{port}", "--management-listen",
                            f"127.0.0.1:{management}", *server.arguments[4:])
        server.__enter__()
        self.addCleanup(lambda: server.process.poll() is None and server.process.kill())
        return server

    def restart(self, before_sigterm):
        """Three processes after each other while files change. Returns the load's figures."""
        self.rename()
        port, management = free_ports(2)
        stop = threading.Event()

        def change():
            while not stop.wait(EVERY):
                self.rename()

        changing = threading.Thread(target=change)
        server = self.start(port, management)
        changing.start()
        try:
            with Load(port, self.exchanges) as load:
                for _ in range(2):
                    asked = load.count
                    wait_until(lambda: load.count > asked + 20, "some answers")
                    old = server
                    if before_sigterm:
                        server = self.start(port, management)
                        old.terminate()
                    else:
                        old.terminate()
                        old.wait_for_log("shutting down")
                        server = self.start(port, management)
                    taken = [e for e in server.entries() if "another process" in e["message"]]
                    self.assertEqual(len(taken), 1, server.log())
                    self.assertEqual(old.wait(), 0)
                asked = load.count
                wait_until(lambda: load.count > asked + 20, "answers of the last process")
        finally:
            stop.set()
            changing.join()
        server.__exit__(None)
        return load

    def test_a_successor_on_the_same_port_before_sigterm(self):
        self.check(self.restart(before_sigterm=True))

    def test_a_successor_on_the_same_port_after_sigterm(self):
        self.check(self.restart(before_sigterm=False))

    def test_new_connections_are_the_successors_alone(self):
        self.rename()
        port, management = free_ports(2)
        old, new = self.start(port, management), self.start(port, management)
        body = json.dumps(review(POD))
        for _ in range(30):
            self.assertEqual(new.post("/mutate", body).status, 200)
        def answered():  # a line of the log may come after its answer
            return [sum(e["message"] == "admission" for e in s.entries()) for s in (old, new)]

        wait_until(lambda: sum(answered()) == 30, "30 lines of the log")
        self.assertEqual(answered(), [0, 30])
        new.__exit__(None)
        self.assertEqual(old.post("/mutate", body).status, 200, "and the old one's again")
        old.__exit__(None)


if __name__ == "__main__":
    main()
