"""Load on one server with wrk, and what came of it. Closed loops: each connection waits for its answer."""

import json
import os
import pathlib
import statistics
import subprocess
from dataclasses import dataclass

import processes

SCRIPT = pathlib.Path(__file__).resolve().parent / "post.lua"


@dataclass
class Sample:
    """One round on one server."""

    rate: float  # requests per second
    p50: float  # milliseconds, as are the next two
    p99: float
    worst: float
    cpu: float  # microseconds of the server's CPU time per request
    server_busy: float  # 0 to 1: share of its core
    client_busy: float
    answer_bytes: float  # with the head of the answer


def put_load(server, body_file, connections, seconds, client_core, gzip=False):
    environment = {**os.environ, "BODY": str(body_file)}
    if gzip:
        environment["ACCEPT_ENCODING"] = "gzip"
    before, client_before = server.cpu_seconds(), processes.children_cpu_seconds()
    done = subprocess.run(
        ["taskset", "-c", str(client_core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s",
         "-s", str(SCRIPT), server.url], env=environment, capture_output=True, text=True,
        timeout=seconds + processes.LIMIT, check=False)
    cpu = server.cpu_seconds() - before
    client_cpu = processes.children_cpu_seconds() - client_before
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if done.returncode != 0 or line is None:
        raise processes.Failed(f"wrk failed on {server.name}: {done.stdout}{done.stderr}")
    result = json.loads(line.removeprefix("RESULT "))
    if result["status"] or result["broken"] or not result["requests"]:
        raise processes.Failed(f"{server.name} at {connections} connections: {result['status']} answers were no 200, "
                               f"{result['broken']} connections broke, {result['requests']} requests were answered")
    lasted = result["microseconds"] / 1e6
    return Sample(rate=result["requests"] / lasted, p50=result["p50"] / 1e3, p99=result["p99"] / 1e3,
                  worst=result["worst"] / 1e3, cpu=cpu / result["requests"] * 1e6, server_busy=cpu / lasted,
                  client_busy=client_cpu / lasted, answer_bytes=result["bytes"] / result["requests"])


class Rounds:
    """The samples of one server in one situation: {name: [minimum, median, maximum]}."""

    def __init__(self):
        self.samples = []

    def spread(self, what):
        values = sorted(getattr(sample, what) for sample in self.samples)
        return values[0], statistics.median(values), values[-1]

    def median(self, what):
        return self.spread(what)[1]


def interleave(servers, body_file, connections, seconds, client_core, rounds, gzip=False):
    """{name: Rounds}: all servers in turn, again and again, so that a busy minute hits them all."""
    results = {server.name: Rounds() for server in servers}
    for _ in range(rounds):
        for server in servers:
            results[server.name].samples.append(
                put_load(server, body_file, connections, seconds, client_core, gzip))
    return results
