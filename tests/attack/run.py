#!/usr/bin/env python3
"""Attacks `gracekeeper serve` on loopback while an honest client asks, and says what happened.

    tests/attack/run.py --program build/gracekeeper              about nine minutes
    tests/attack/run.py --program build/gracekeeper --short      about four
    tests/attack/run.py --program build/gracekeeper --only silent-tls,resets
    tests/attack/run.py --program build/gracekeeper --write docs/reliability.md

The server runs with its defaults. The honest client does what an API server does: 25 kept
connections, a limit of 2 s for each request, nothing sent twice; 5 requests a second come on
connections of their own, and two large reviews a second, for which an API server's usual 10 s are
the limit. Exit code 1 when a request failed or was answered wrongly, when memory
exceeded 128 MB or, with what the kernel held for the connections, the chart's limit of 256 MiB, when
threads or descriptors did not return to where they were, or when an attacker got an answer that he
should not. Needs Go and ss.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import corpus
import report
from figures import KernelMemory, Process
from scenarios import SCENARIOS

import gracekeeper  # tests/e2e, by way of corpus

HERE = pathlib.Path(__file__).resolve().parent
MEMORY_LIMIT = 128_000_000
CONTAINER_LIMIT = 256 * 1024 * 1024  # of the chart; what the kernel holds for connections counts
LARGE = 400_000  # bytes of a large review
LONG, SHORT = 8, 2.5  # seconds of an attack of weight 1
# Real attackers have processors of their own. Here they would take the honest client's.
NICE = 15
SETTLE = 15  # seconds within which an attack's descriptors have to be gone


def build_client(folder):
    """The Go program of both the honest client and the attackers."""
    program = folder / "client"
    subprocess.run(["go", "build", "-o", str(program), "."], cwd=HERE / "client", check=True,
                   timeout=300, env={**os.environ, "CGO_ENABLED": "0"})
    return program


class Run:
    def __init__(self, folder, server, seconds):
        self.folder, self.server, self.seconds = folder, server, seconds
        self.client = build_client(folder)
        self.process = Process(server.process.pid)
        self.corpus_file, self.sample_file = folder / "corpus.json", folder / "sample.json"
        self.large_file = folder / "large.json"
        self.large_file.write_text(json.dumps(corpus.make_corpus(server, huge=True, smallest=LARGE)))
        self.corpus_file.write_text(json.dumps(corpus.make_corpus(server)))
        self.sample_file.write_text(corpus.sample())
        self.webhook = f"127.0.0.1:{server.port}"
        self.management = f"127.0.0.1:{server.management_port}"

    def start(self, *arguments, niceness=0):
        return subprocess.Popen(["nice", "-n", str(niceness), *map(str, arguments)],
                                stdout=subprocess.PIPE, text=True)

    def honest(self, seconds):
        return self.start(self.client, "honest", "-address", self.webhook, "-corpus",
                          self.corpus_file, "-large", self.large_file, "-seconds", seconds)

    def attack(self, scenario, seconds, beside=()):
        if scenario.name == "renegotiation":
            return self.start(sys.executable, "-B", HERE / "renegotiation.py",
                              *self.webhook.split(":"), seconds, scenario.connections,
                              niceness=NICE)
        name, connections = beside or (re.split("-beside-|-by-", scenario.name)[0], scenario.connections)
        return self.start(self.client, "attack", "-name", name, "-seconds", seconds,
                          "-address", self.management if scenario.management else self.webhook,
                          "-connections", connections, "-sample", self.sample_file,
                          "-from", scenario.address, "-addresses", scenario.addresses, niceness=NICE)

    @staticmethod
    def result(process, seconds):
        out, _ = process.communicate(timeout=seconds + 60)
        if process.returncode != 0:
            raise SystemExit(f"{process.args} ended with {process.returncode}")
        return json.loads(out)

    def warm_up(self):
        """The first requests cost memory that stays: it belongs to the figures before."""
        self.result(self.honest(2), 2)
        self.process.wait_for_descriptors(0, 1)

    def one(self, scenario):
        """The figures of one attack."""
        with KernelMemory(self.server.port, self.server.management_port) as kernel:
            figures = self._one(scenario)
        if kernel.failure:
            raise SystemExit(f"what the kernel holds is not known: {kernel.failure}")
        return figures | {"kernel": kernel.most}

    def _one(self, scenario):
        seconds = self.seconds * scenario.weight
        process = self.process
        before = {"resident": process.resident(), "threads": process.threads(),
                  "descriptors": process.descriptors()}
        process.reset_peak()
        cpu, start = process.cpu_seconds(), time.monotonic()
        honest = self.honest(seconds + 1.5)
        time.sleep(0.5)
        attackers = {}
        probes = []
        if scenario.connections:
            others = self.attack(scenario, seconds, scenario.beside) if scenario.beside else None
            if others:
                time.sleep(seconds / 3)  # until they are there
            attacker = self.attack(scenario, seconds * 2 / 3 if others else seconds)
            while attacker.poll() is None:
                probes.append(self.probe())
                time.sleep(0.2)
            attackers = self.result(attacker, seconds)
            if others:
                attackers["beside"] = self.result(others, seconds)
                attackers["answers"] = attackers["beside"].pop("answers") | attackers["answers"]
        asked = self.result(honest, seconds)
        share = (process.cpu_seconds() - cpu) / (time.monotonic() - start)
        return {"scenario": scenario, "before": before, "peak": process.peak(), "cpu": share,
                "descriptors": process.wait_for_descriptors(before["descriptors"], SETTLE),
                "threads": process.threads(), "resident": process.resident(),
                "honest": asked, "attackers": attackers, "probe": max(probes, default=0)}

    def probe(self):
        """Seconds until /livez said yes, as the kubelet asks: with a limit of 2 s."""
        start = time.monotonic()
        try:
            status, _ = self.server.get("/livez")
        except OSError as error:
            return float("inf") if not isinstance(error, TimeoutError) else 30
        return time.monotonic() - start if status == 200 else float("inf")


def complaints(figures):
    """What is wrong with one attack's figures."""
    scenario, found = figures["scenario"], []
    for kind, asked in figures["honest"].items():
        if asked["failed"] or asked["wrong"]:
            found.append(f"{asked['failed']} of {asked['requests']} requests on {kind} connections "
                         f"failed, {asked['wrong']} were answered wrongly: {asked['examples']}")
        if asked["requests"] == 0:
            found.append(f"no request was made on {kind} connections")
    if figures["peak"] >= MEMORY_LIMIT:
        found.append(f"memory reached {figures['peak'] / 1e6:.0f} MB")
    if figures["peak"] + figures["kernel"] >= CONTAINER_LIMIT:
        found.append(f"memory reached {figures['peak'] / 1e6:.0f} MB, and the kernel held "
                     f"{figures['kernel'] / 1e6:.0f} MB for connections")
    for what in ("threads", "descriptors"):
        if figures[what] != figures["before"][what]:
            found.append(f"{what}: {figures['before'][what]} before, {figures[what]} after")
    if figures["probe"] > 2:
        found.append(f"/livez took {figures['probe']:.1f} s")
    attackers = figures["attackers"]
    wrong = set(attackers.get("answers", ())) - set(scenario.answers)
    if wrong:
        found.append(f"an attacker was answered {sorted(wrong)}")
    if attackers.get("done"):
        found.append(f"{attackers['done']} renegotiations were done")
    if scenario.connections and not attackers["opened"]:
        found.append("the attack did not take place")
    return found


def line(figures):
    kept, fresh, large = (figures["honest"][kind] for kind in ("kept", "fresh", "large"))
    return (f"{figures['scenario'].name:<19} honest {kept['requests']}+{fresh['requests']}"
            f"+{large['requests']} failed {kept['failed']}+{fresh['failed']}+{large['failed']} "
            f"p50 {kept['p50_ms']:.1f} p99 {kept['p99_ms']:.1f} max {kept['max_ms']:.0f} ms, "
            f"new {fresh['max_ms']:.0f} ms, large {large['max_ms']:.0f} ms; {figures['before']['resident'] / 1e6:.0f} -> "
            f"{figures['peak'] / 1e6:.0f} -> {figures['resident'] / 1e6:.0f} MB, kernel "
            f"{figures['kernel'] / 1e6:.0f} MB; "
            f"fd {figures['before']['descriptors']} -> {figures['descriptors']}; "
            f"threads {figures['threads']}; cpu {figures['cpu']:.2f}; {figures['attackers']}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("--program", required=True)
    arguments.add_argument("--short", action="store_true")
    arguments.add_argument("--only", help="names of attacks, with commas between")
    arguments.add_argument("--write", help="the document whose table is written anew")
    options = arguments.parse_args()
    gracekeeper.PROGRAM = str(pathlib.Path(options.program).resolve())
    wanted = options.only.split(",") if options.only else [s.name for s in SCENARIOS]
    unknown = set(wanted) - {s.name for s in SCENARIOS}
    if unknown:
        arguments.error(f"unknown attacks: {', '.join(sorted(unknown))}")

    failures, results = [], []
    with tempfile.TemporaryDirectory(prefix="gracekeeper-attack-") as folder, \
            gracekeeper.Server() as server:
        run = Run(pathlib.Path(folder), server, SHORT if options.short else LONG)
        run.warm_up()
        for scenario in SCENARIOS:
            if scenario.name not in wanted:
                continue
            figures = run.one(scenario)
            results.append(figures)
            print(line(figures), flush=True)
            for complaint in complaints(figures):
                failures.append(f"{scenario.name}: {complaint}")
                print(f"  {complaint}", flush=True)
        broken = [entry for entry in server.entries() if entry["level"] == "error"]
    failures += [f"the server's log: {entry}" for entry in broken[:5]]
    if options.write:
        report.write_attacks(pathlib.Path(options.write), gracekeeper.PROGRAM, results)
    print(f"{len(results)} attacks, {len(failures)} complaints")
    for failure in failures:
        print("  " + failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
