#!/usr/bin/env python3
"""Changes under load: certificates, configuration, the process itself. No request may be lost, and
none answered otherwise than the configuration before or after a change says.

    tests/attack/changes.py --program build/gracekeeper                 a minute of each
    tests/attack/changes.py --program build/gracekeeper --short         some seconds
    tests/attack/changes.py --program build/gracekeeper --write docs/reliability.md

Exit code 1 when a request failed or was answered wrongly. Needs Go.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import corpus
import report
from run import build_client

import gracekeeper  # tests/e2e, by way of corpus

CHANGE_EVERY = 0.1
MODES = ("deny", "warn")


def configuration(mode, number=0):
    return (f"apiVersion: gracekeeper.dev/v1alpha1\nkind: Configuration\n# {number}\n"
            f"defaults:\n  onShortfall: {mode}\n")


class Files:
    """Certificate, key and configuration, and the two ways in which they are replaced."""

    def __init__(self, folder, projected):
        self.folder, self.projected, self.number = folder, projected, 0
        self.pairs = [[path.read_bytes() for path in gracekeeper.make_certificate(
            folder, "webhook", stem)] for stem in ("one", "two")]
        self.mount = folder / "mount"
        self.mount.mkdir()
        if projected:
            for name in ("tls.crt", "tls.key", "config.yaml"):
                (self.mount / name).symlink_to(f"..data/{name}")
        self.change()

    def contents(self):
        certificate, key = self.pairs[self.number % 2]
        return {"tls.crt": certificate, "tls.key": key,
                "config.yaml": configuration(MODES[self.number % 2], self.number).encode()}

    def change(self):
        self.number += 1
        if self.projected:  # as the kubelet does: a folder of its own, and the link to it switched
            data = self.mount / f"..{self.number}"
            data.mkdir()
            for name, content in self.contents().items():
                (data / name).write_bytes(content)
            link = self.mount / "..data_tmp"
            link.symlink_to(data.name)
            link.replace(self.mount / "..data")
            before = self.mount / f"..{self.number - 2}"
            if before.exists():
                for path in before.iterdir():
                    path.unlink()
                before.rmdir()
            return
        for name, content in self.contents().items():
            partial = self.mount / (name + ".partial")
            partial.write_bytes(content)
            partial.replace(self.mount / name)

    def options(self):
        return ("--tls-cert", self.mount / "tls.crt", "--tls-key", self.mount / "tls.key",
                "--config", self.mount / "config.yaml")


class Load:
    """The honest client in the background."""

    def __init__(self, client, folder, port, exchanges, seconds):
        path = folder / "corpus.json"
        path.write_text(json.dumps(exchanges))
        self.seconds = seconds
        self.process = subprocess.Popen(
            [str(client), "honest", "-address", f"127.0.0.1:{port}", "-corpus", str(path),
             "-seconds", str(seconds), "-fresh", "25"], stdout=subprocess.PIPE, text=True)

    def result(self):
        out, _ = self.process.communicate(timeout=self.seconds + 60)
        if self.process.returncode != 0:
            raise SystemExit("the honest client failed")
        return json.loads(out)


def answers_of_both(folder):
    """The exchanges with the answers of either configuration."""
    paths = []
    for mode in MODES:
        paths.append(folder / f"{mode}.yaml")
        paths[-1].write_text(configuration(mode))
    with gracekeeper.Server("--config", paths[0]) as one, \
            gracekeeper.Server("--config", paths[1]) as other:
        return corpus.make_corpus(one, other)


def change_files(client, folder, exchanges, seconds, projected):
    folder = folder / ("projected" if projected else "renamed")
    folder.mkdir()
    files = Files(folder, projected)
    with gracekeeper.Server(*files.options()) as server:
        load = Load(client, folder, server.port, exchanges, seconds)
        end = time.monotonic() + seconds - 0.5
        while time.monotonic() < end:
            files.change()
            time.sleep(CHANGE_EVERY)
        asked = load.result()
        entries = server.entries()
    count = {message: sum(e["message"] == message for e in entries) for message in (
        "certificate replaced", "configuration loaded")}
    return {"name": f"certificate and configuration changed every 100 ms, "
                    f"{'a switched link' if projected else 'renamed files'}",
            "honest": asked, "seconds": seconds,
            "what": f"{files.number} changes; {count['certificate replaced']} certificates and "
                    f"{count['configuration loaded']} configurations came into service",
            "enough": min(count.values()) >= seconds / 2}


def restart(client, folder, exchanges, seconds, pause, changing):
    """Successors on the same port. pause: seconds from a process' SIGTERM to the next one's start;
    negative: the next one starts first."""
    folder = folder / f"restart{pause}{changing}"
    folder.mkdir()
    files = Files(folder, False)
    port, management = gracekeeper.free_ports(2)
    stop = threading.Event()

    def change():
        while not stop.wait(CHANGE_EVERY):
            files.change()

    def start():
        server = gracekeeper.Server(*files.options(), "--shutdown-delay", "2s")
        server.arguments = ("--listen", f"127.0.0.1:{port}", "--management-listen",
                            f"127.0.0.1:{management}", *server.arguments[4:])
        return server.__enter__()

    changer = threading.Thread(target=change)
    server, restarts, leaving = start(), 0, []
    load = Load(client, folder, port, exchanges, seconds)
    if changing:
        changer.start()
    end = time.monotonic() + seconds - 4
    try:
        time.sleep(1)
        while time.monotonic() < end:
            old = server
            if pause < 0:
                server = start()
                time.sleep(-pause)
                old.terminate()
            else:
                old.terminate()
                time.sleep(pause)
                server = start()
            restarts += 1
            leaving.append(old)
            time.sleep(2.5 + restarts % 3)
        asked = load.result()
    finally:
        stop.set()
        if changing:
            changer.join()
        for one in leaving + [server]:
            one.__exit__(None)
    order = "the new process first, then SIGTERM" if pause < 0 else "SIGTERM, then a new process"
    return {"name": f"restart on the same port: {order}"
                    + (", while certificate and configuration change" if changing else ""),
            "honest": asked, "seconds": seconds, "what": f"{restarts} restarts",
            "enough": restarts >= 1}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("--program", required=True)
    arguments.add_argument("--short", action="store_true")
    arguments.add_argument("--write", help="the document whose table is written anew")
    options = arguments.parse_args()
    gracekeeper.PROGRAM = str(pathlib.Path(options.program).resolve())
    seconds = 10 if options.short else 60
    results, failures = [], []
    with tempfile.TemporaryDirectory(prefix="gracekeeper-changes-") as name:
        folder = pathlib.Path(name)
        client = build_client(folder)
        exchanges = answers_of_both(folder)
        for run in (lambda: change_files(client, folder, exchanges, seconds, False),
                    lambda: change_files(client, folder, exchanges, seconds, True),
                    lambda: restart(client, folder, exchanges, seconds, -0.5, False),
                    lambda: restart(client, folder, exchanges, seconds, 0.2, True)):
            figures = run()
            results.append(figures)
            for kind, asked in figures["honest"].items():
                print(f"{figures['name']}: {figures['what']}; {kind} {asked['requests']} requests, "
                      f"{asked['failed']} failed, {asked['wrong']} wrong, p99 {asked['p99_ms']:.1f} "
                      f"max {asked['max_ms']:.0f} ms, by answer {asked['per_answer']}", flush=True)
                if asked["failed"] or asked["wrong"]:
                    failures.append(f"{figures['name']}: {asked['examples']}")
            if not figures["enough"]:
                failures.append(f"{figures['name']}: too little has changed: {figures['what']}")
    if options.write:
        report.write_changes(pathlib.Path(options.write), gracekeeper.PROGRAM, results)
    for failure in failures:
        print("  " + failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
