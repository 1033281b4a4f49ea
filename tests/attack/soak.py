#!/usr/bin/env python3
"""A long mixed load on `gracekeeper serve`, and whether its memory stays where it is.

    tests/attack/soak.py --program build/gracekeeper --minutes 60 [--write docs/reliability.md]

An honest client asks all the time, with reviews of 4 KB to 500 KB; one small attack after the other
goes on beside it; certificate and configuration are replaced every few seconds. Resident memory is
sampled every 5 s. After the warm-up (a tenth of the time, at least one round of all attacks) a line
is laid through the medians of the rounds: attacks differ in what they take while they last. Exit code 1 when a request failed or was answered wrongly, when memory
grows by more than the limit, or when threads or descriptors are not what they were. Needs Go.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import corpus
import report
from figures import Process
from run import build_client
from trend import slope

import gracekeeper  # tests/e2e, by way of corpus

SAMPLE_EVERY = 5  # seconds
ATTACK_FOR = 6
REPLACE_EVERY = 3
LIMIT_KB_PER_HOUR = 1024
# Name, connections, seconds from one life of a connection to the next.
ATTACKS = [("silent-tls", 50, 1), ("slow-headers", 20, 1), ("slow-body", 20, 1),
           ("many-headers", 2, 0.5), ("chunked-body", 2, 1), ("gzip-bomb", 2, 0.5),
           ("unfinished-bodies", 4, 1), ("wide-bodies", 1, 1), ("deep-bodies", 1, 1),
           ("large-answers", 2, 1), ("costly-reviews", 4, 0.5), ("waiting-reviews", 4, 0.5),
           ("garbage", 4, 0.2), ("garbage-inside", 4, 0.2),
           ("plain-http", 4, 0.2), ("resumption", 4, 0.2), ("resets", 8, 0.1),
           ("pipelining-unread", 2, 1), ("half-closed", 4, 0.2)]


class Soak:
    def __init__(self, folder, minutes):
        self.folder, self.seconds = folder, minutes * 60
        self.client = build_client(folder)
        self.pairs = [gracekeeper.make_certificate(folder, "webhook", stem)
                      for stem in ("one", "two")]
        self.stop = threading.Event()
        self.samples, self.replaced, self.attacks = [], 0, 0
        self.install(0)

    def install(self, number):
        """Certificate and configuration of that number, renamed into place."""
        certificate, key = self.pairs[number % 2]
        # The comment changes the file; what it says stays the same, and so do the answers.
        text = ("apiVersion: gracekeeper.dev/v1alpha1\nkind: Configuration\n"
                f"# {number}\ndefaults:\n  onShortfall: deny\n")
        for name, data in (("tls.crt", certificate.read_bytes()), ("tls.key", key.read_bytes()),
                           ("config.yaml", text.encode())):
            partial = self.folder / (name + ".partial")
            partial.write_bytes(data)
            partial.replace(self.folder / name)

    def replacing(self):
        while not self.stop.wait(REPLACE_EVERY):
            self.replaced += 1
            self.install(self.replaced)

    def sampling(self, server, process):
        start = time.monotonic()
        while not self.stop.wait(SAMPLE_EVERY):
            self.samples.append((time.monotonic() - start, process.resident()))
            server.lines.clear()  # an hour's log is long

    def attacking(self, server):
        while not self.stop.is_set():
            for name, connections, pause in ATTACKS:
                if self.stop.is_set():
                    return
                subprocess.run(["nice", "-n", "15", str(self.client), "attack", "-name", name,
                                "-connections", str(connections), "-pause", f"{pause}s",
                                "-seconds", str(ATTACK_FOR), "-sample",
                                str(self.folder / "sample.json"),
                                "-address", f"127.0.0.1:{server.port}"],
                               check=True, stdout=subprocess.DEVNULL, timeout=120)
                self.attacks += 1

    def run(self, server, rate):
        process = Process(server.process.pid)
        exchanges = corpus.make_corpus(server, huge=True)
        (self.folder / "corpus.json").write_text(json.dumps(exchanges))
        (self.folder / "sample.json").write_text(corpus.sample())
        before = process.threads(), process.wait_for_descriptors(0, 2)
        threads = [threading.Thread(target=target, args=arguments) for target, arguments in (
            (self.replacing, ()), (self.sampling, (server, process)), (self.attacking, (server,)))]
        for thread in threads:
            thread.start()
        try:
            done = subprocess.run(
                [str(self.client), "honest", "-address", f"127.0.0.1:{server.port}",
                 "-corpus", str(self.folder / "corpus.json"), "-seconds", str(self.seconds),
                 "-rate", str(rate), "-fresh", "1"],
                check=True, stdout=subprocess.PIPE, text=True, timeout=self.seconds + 120)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(120)
        after = process.threads(), process.wait_for_descriptors(before[1], 15)
        return {"honest": json.loads(done.stdout), "before": before, "after": after,
                "peak": process.peak(), "minutes": self.seconds / 60, "attacks": self.attacks,
                "replaced": self.replaced, "samples": len(self.samples), **self.trend()}

    def trend(self):
        """What resident memory did after the warm-up."""
        one_round = len(ATTACKS) * (ATTACK_FOR + 1)
        warm_up = max(self.seconds / 10, min(self.seconds / 4, one_round))
        later = [(seconds, size) for seconds, size in self.samples if seconds >= warm_up]
        rounds = {}
        for seconds, size in later:
            rounds.setdefault(int((seconds - warm_up) / one_round), []).append((seconds, size))
        points = [(statistics.mean(s for s, _ in samples) / 3600,
                   statistics.median(size for _, size in samples) / 1024)
                  for samples in rounds.values()]
        if len(points) < 3:
            raise SystemExit(f"too short: give it {4 * one_round / 60 + 1:.0f} minutes or more")
        found, error = slope(points)
        sizes = [size for _, size in later]
        return {"kb_per_hour": found, "error_kb_per_hour": error, "rounds": len(points),
                "least": min(sizes), "median": statistics.median(sizes), "most": max(sizes),
                "warm_up": warm_up}


def complaints(figures):
    found = []
    for kind, asked in figures["honest"].items():
        if asked["failed"] or asked["wrong"]:
            found.append(f"{asked['failed']} requests on {kind} connections failed, "
                         f"{asked['wrong']} were answered wrongly: {asked['examples']}")
    # Certainly more than the limit, not perhaps.
    if figures["kb_per_hour"] - 2 * figures["error_kb_per_hour"] > LIMIT_KB_PER_HOUR:
        found.append(f"memory grows by {figures['kb_per_hour']:.0f} KB an hour")
    if figures["before"] != figures["after"]:
        found.append(f"(threads, descriptors): {figures['before']} before, "
                     f"{figures['after']} after")
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    arguments.add_argument("--program", required=True)
    arguments.add_argument("--minutes", type=float, default=60)
    arguments.add_argument("--rate", type=float, default=50, help="honest requests a second")
    arguments.add_argument("--write", help="the document whose table is written anew")
    arguments.add_argument("--samples", help="a file for the samples: seconds and bytes, one a line")
    options = arguments.parse_args()
    gracekeeper.PROGRAM = str(pathlib.Path(options.program).resolve())
    with tempfile.TemporaryDirectory(prefix="gracekeeper-soak-") as name:
        soak = Soak(pathlib.Path(name), options.minutes)
        with gracekeeper.Server("--tls-cert", soak.folder / "tls.crt", "--tls-key",
                                soak.folder / "tls.key", "--config", soak.folder / "config.yaml") as server:
            figures = soak.run(server, options.rate)
    if options.samples:
        pathlib.Path(options.samples).write_text(
            "".join(f"{seconds:.0f} {size}\n" for seconds, size in soak.samples))
    kept = figures["honest"]["kept"]
    print(f"{figures['minutes']:.0f} minutes: {kept['requests']} requests, {kept['failed']} failed, "
          f"{kept['wrong']} wrong, p50 {kept['p50_ms']:.1f} ms, p99 {kept['p99_ms']:.1f} ms; "
          f"{figures['attacks']} attacks, {figures['replaced']} replacements; resident "
          f"{figures['least'] / 1e6:.1f} to {figures['most'] / 1e6:.1f} MB, median "
          f"{figures['median'] / 1e6:.1f} MB, {figures['kb_per_hour']:+.0f} ± "
          f"{2 * figures['error_kb_per_hour']:.0f} KB an hour; peak {figures['peak'] / 1e6:.0f} MB; "
          f"(threads, descriptors) {figures['before']} and {figures['after']}")
    if options.write:
        report.write_soak(pathlib.Path(options.write), gracekeeper.PROGRAM, figures)
    found = complaints(figures)
    for complaint in found:
        print("  " + complaint)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
