#!/usr/bin/python3
"""Measures the speed goals and writes docs/performance.md: make bench. Needs Go (once), wrk and two cores.

    run.py --build build [--only ceiling,peer,growth,check,start] [--archive IMAGE.tar] [--quick] [--no-document]

Everything is measured in one run, servers in turn, on loopback; figures are ratios of that run. A goal that
is missed is said to be missed; the exit code is 0 all the same, and 2 when something could not be measured.
"""

import argparse
import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path.insert(0, str(HERE))

import document  # noqa: E402
import load  # noqa: E402
import measure_admission  # noqa: E402
import measure_programs  # noqa: E402
import processes  # noqa: E402

PARTS = ("ceiling", "peer", "growth", "check", "start")
STARTED = time.monotonic()


def say(text):
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build", help="folder with the programs")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, comma-separated (default all)")
    parser.add_argument("--archive", type=pathlib.Path, help="a docker-archive of the image, for its size")
    parser.add_argument("--quick", action="store_true", help="one short round each: whether it works at all")
    parser.add_argument("--no-document", action="store_true", help="print only")
    options = parser.parse_args()
    options.only = [part for part in options.only.split(",") if part]
    unknown = [part for part in options.only if part not in PARTS]
    if unknown:
        parser.error(f"--only: expected some of {', '.join(PARTS)}, got {', '.join(unknown)}")
    return options


def megabytes(size):
    return f"{size / 1e6:.1f} MB"


class Goals:
    """Rows of the first table: goal, measured, met."""

    def __init__(self):
        self.rows = []

    def add(self, what, goal, measured, met):
        self.rows.append((what, goal, measured, "yes" if met else "**no**"))


def ratio_goals(goals, measured, with_peer):
    results = measured["results"]
    for (connections, gzip), of in results.items():
        how = f"{connections} connections" + (", `Accept-Encoding: gzip`" if gzip else "")
        ours, ceiling = of["gracekeeper"], of["ceiling"]
        rate = ours.median("rate") / ceiling.median("rate")
        cpu = ceiling.median("cpu") / ours.median("cpu")
        tail = ours.median("p99") / ceiling.median("p99")
        goals.add("Admission against the ceiling's rate", f"≥ 0.5 at {how}",
                  f"{rate:.2f} (by CPU time per request {cpu:.2f})", rate >= 0.5)
        goals.add("Admission against the ceiling's p99", f"≤ 2 at {how}", f"{tail:.2f}", tail <= 2)
        if with_peer and not gzip:
            peer = of["peer"]
            rate = ours.median("rate") / peer.median("rate")
            cpu = peer.median("cpu") / ours.median("cpu")
            tail = ours.median("p99") / peer.median("p99")
            goals.add("Against the peer's rate on one core", f"≥ 5 at {how}",
                      f"{rate:.1f} (by CPU time per request {cpu:.1f})", rate >= 5)
            goals.add("Against the peer's p99", f"≤ 0.5 at {how}", f"{tail:.2f}", tail <= 0.5)
    if with_peer:
        ours, peer = (measured["memory"][name][1:4] for name in ("gracekeeper", "peer"))
        goals.add("Against the peer's memory", f"≤ 1/3 at {measure_admission.MEMORY_CONNECTIONS} connections",
                  f"{ours[0] / peer[0]:.2f} ({megabytes(ours[0])} against {megabytes(peer[0])}); the most, during their "
                  f"handshakes, {ours[1] / peer[1]:.2f} ({megabytes(ours[1])} against {megabytes(peer[1])})",
                  ours[0] <= peer[0] / 3)


def bottleneck(rounds):
    server, client = rounds.median("server_busy"), rounds.median("client_busy")
    return f"{'server' if server >= client else 'client'} ({server:.0%} / {client:.0%})"


def servers_table(measured):
    rows = []
    for (connections, gzip), of in measured["results"].items():
        for name, rounds in of.items():
            low, rate, high = rounds.spread("rate")
            rows.append((f"{connections}{', gzip accepted' if gzip else ''}", name, f"{rate:,.0f}",
                         f"{low:,.0f} to {high:,.0f}", f"{rounds.median('cpu'):.1f}",
                         "{:.2f} to {:.2f}".format(rounds.spread("cpu")[0], rounds.spread("cpu")[2]),
                         f"{rounds.median('p50'):.2f}", f"{rounds.median('p99'):.2f}", bottleneck(rounds)))
    memory = [(name, *map(megabytes, of)) for name, of in measured["memory"].items()]
    return "\n\n".join([
        f"A review of {measured['request_bytes']:,} bytes, an answer of {measured['answer_bytes']:,}. Medians over "
        "the rounds, with the smallest and the largest.",
        document.table(["connections", "server", "requests/s", "spread", "CPU µs per request", "spread", "p50 ms",
                        "p99 ms", "bottleneck (server / client busy)"], rows),
        "![Rate and p99 of the three servers](performance/servers.svg)",
        document.table(["server", "idle", f"at {measure_admission.MEMORY_CONNECTIONS} connections", "most",
                        "of those connections' without pages of files"], memory)])


def growth_table(growth):
    texts = ["![Cost by size, containers and connections](performance/growth.svg)"]
    for kind, title, unit in (("bytes", "review, bytes", 1000), ("containers", "containers", 1)):
        (x0, first), (x1, last) = growth[kind][0], growth[kind][-1]
        slope = (last.median("cpu") - first.median("cpu")) / (x1 - x0) * unit
        rows = []
        for x, rounds in growth[kind]:
            linear = first.median("cpu") + slope * (x - x0) / unit
            rows.append((f"{x:,}", f"{rounds.median('cpu'):,.0f}", f"{rounds.median('cpu') / linear:.2f}",
                         f"{rounds.median('p99'):.2f}"))
        texts.append(document.table([title, "CPU µs per request", "of a straight line through the ends", "p99 ms"], rows))
    texts.append(document.table(
        ["connections", "requests/s", "CPU µs per request", "p50 ms", "p99 ms"],
        [(x, f"{rounds.median('rate'):,.0f}", f"{rounds.median('cpu'):.1f}", f"{rounds.median('p50'):.2f}",
          f"{rounds.median('p99'):.2f}") for x, rounds in growth["connections"]]))
    return "\n\n".join(texts)


def growth_goal(goals, growth):
    """Near-linear: eight times the size costs at most ten times as much, anywhere on the way; and connections
    cost nothing: the rate at the most of them is at least 0.7 of the best."""
    for kind in ("bytes", "containers"):
        exponents = []
        points = [(x, rounds.median("cpu")) for x, rounds in growth[kind]]
        for at, (x0, y0) in enumerate(points):
            for x1, y1 in points[at + 1:]:
                if x1 >= 8 * x0:
                    exponents.append((y1 / y0) / (x1 / x0))
        worst = max(exponents)
        goals.add(f"Cost growth with {kind}", "near-linear: k times as much costs at most 1.25 k (k ≥ 8)",
                  f"{worst:.2f} k at worst", worst <= 1.25)
    cpu = [rounds.median("cpu") for _, rounds in growth["connections"]]
    goals.add("Cost growth with connections", "at 512 at most 1.5 times the CPU time per request at 8",
              f"{cpu[-1] / cpu[3]:.2f}", cpu[-1] <= 1.5 * cpu[3])


def median(values):
    return sorted(values)[len(values) // 2]


def check_table(measured, linter, goals):
    runs = {name: runs for name, runs in measured["runs"].items() if runs}
    rows = []
    for name, of in runs.items():
        title = {"peer": linter, "one core": "gracekeeper, one core"}.get(name, name)
        seconds = sorted(run[0] for run in of)
        rows.append((title, f"{median(seconds):.2f}", f"{seconds[0]:.2f} to {seconds[-1]:.2f}",
                     f"{median([run[1] for run in of]):.2f}", megabytes(median([run[2] for run in of]))))
    if "peer" in runs:
        factor = median([run[0] for run in runs["peer"]]) / median([run[0] for run in runs["gracekeeper"]])
        cpu = median([run[1] for run in runs["peer"]]) / median([run[1] for run in runs["gracekeeper"]])
        goals.add("`check` against a linter (kube-score; kube-linter cannot be had here)", "≥ 10 times its speed",
                  f"{factor:.1f} (by CPU time {cpu:.1f})", factor >= 10)
    memory, few, many = measured["memory"], measure_programs.DOCUMENTS // 10, measure_programs.DOCUMENTS
    rows_of_memory = [
        (title, megabytes(memory[kind, few]), megabytes(memory[kind, many]))
        for kind, title in (("file", "one file"), ("input", "standard input"), ("folder", "a folder of files"))]
    growth = max(memory[kind, many] - memory[kind, few] for kind in ("file", "input", "folder"))
    limit = (memory["bytes", many] - memory["bytes", few]) / 4
    goals.add("Memory of `check`", "bounded by the largest document: ten times the documents, less than a quarter of "
              "their size more", f"{megabytes(max(0, growth))} more for {megabytes(4 * limit)} more", growth < limit)
    return "\n\n".join([
        f"{measure_programs.DOCUMENTS:,} Deployments ({megabytes(measured['bytes'])}) in files of "
        f"{measure_programs.PER_FILE}, all cores unless it says otherwise, in turn.",
        document.table(["tool", "seconds", "spread", "CPU seconds", "most memory"], rows),
        "Most memory of `check`:",
        document.table(["from", f"{few:,} documents, {megabytes(memory['bytes', few])}",
                        f"{many:,} documents, {megabytes(memory['bytes', many])}"], rows_of_memory)])


def start_table(measured, goals):
    low, middle, high = measured["ready"]
    goals.add("Start-up to ready", "< 100 ms", f"{middle * 1e3:.0f} ms", middle < 0.1)
    goals.add("Idle resident memory", "< 20 MB", megabytes(measured["idle"]), measured["idle"] < 20e6)
    image = megabytes(measured["image"]) if measured["image"] else "not measured: `make bench ARCHIVE=image.tar`"
    return document.table(["what", "measured"], [
        ("start-up to 200 of `/readyz`", f"{middle * 1e3:.0f} ms ({low * 1e3:.0f} to {high * 1e3:.0f})"),
        ("resident memory, idle", megabytes(measured["idle"])),
        ("the program", megabytes(measured["program"])), ("the image, unpacked", image)])


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=processes.LIMIT)
        return (done.stdout + done.stderr).splitlines()[0].strip()
    except (OSError, IndexError):
        return "unknown"


def pinned(module, name):
    found = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", (HERE / name / "go.mod").read_text(), re.M)
    return found[1] if found else "unknown"


def machine(program):
    cpu = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith(("model name", "Model"))), platform.machine())
    wrk = re.search(r"wrk \S+", first_line("wrk", "-v"))
    return document.table(["", ""], [
        ("measured", datetime.date.today().isoformat()),
        ("machine", f"{cpu}, {len(os.sched_getaffinity(0))} cores, Linux {platform.release()}"),
        ("load at the begin", f"{os.getloadavg()[0]:.1f} (other work on the machine makes all figures worse)"),
        ("gracekeeper", first_line(str(program), "--version").replace("gracekeeper ", "")),
        ("peer", f"controller-runtime {pinned('sigs.k8s.io/controller-runtime', 'peer')}, "
                 f"{first_line('go', 'version').replace('go version ', '')}"),
        ("linter", f"kube-score {pinned('github.com/zegl/kube-score', 'linter')}"),
        ("client", wrk[0] if wrk else "wrk")])


def write_document(parts, goals):
    path = SOURCE / "docs/performance.md"
    text = path.read_text()
    rows = {(row[0], row[1]): list(row) for row in goals.rows}
    kept = document.goals_of(text)
    merged = {**kept, **rows}
    order = list(kept) + [key for key in rows if key not in kept]
    parts["goals"] = document.table(["what", "goal", "measured", "met"], [merged[key] for key in order])
    path.write_text(document.replace_parts(text, parts))


def go_programs(only):
    wanted = [name for name, part in (("peer", "peer"), ("kube-score", "check")) if part in only]
    if not wanted:
        return None
    say(f"building {', '.join(wanted)} unless they are there")
    done = subprocess.run([HERE / "build.sh", *wanted], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise processes.Failed("the Go programs could not be built")
    return pathlib.Path(done.stdout.strip())


def main():
    options = parse()
    program = options.build.resolve() / "gracekeeper"
    if not program.exists():
        raise processes.Failed(f"{program.name} is not in the build folder: make build")
    server_core, client_core = processes.cores()
    if server_core == client_core:
        say("only one core: client and server share it, and no figure means much")
    rounds, seconds = (1, 1) if options.quick else (7, 2)
    programs = go_programs(options.only)
    goals, parts = Goals(), {"machine": machine(program)}
    plots = SOURCE / "docs/performance"
    # In memory where that can be had: what the disk takes for a log of 11 MB/s, and for what else is written just then,
    # is no figure of the server's.
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="gracekeeper-bench-", dir=in_memory) as name:
        world = measure_admission.World(pathlib.Path(name), program, options.build.resolve() / "bench-ceiling",
                                        programs / "peer" if programs else None)
        import plots as drawing
        plots.mkdir(exist_ok=True)
        if "ceiling" in options.only or "peer" in options.only:
            with_peer = "peer" in options.only
            measured = measure_admission.measure_servers(world, with_peer, rounds, seconds, say)
            ratio_goals(goals, measured, with_peer)
            parts["ceiling"] = servers_table(measured)
            if not options.no_document:
                drawing.servers(plots, measured["results"])
        if "growth" in options.only:
            growth = measure_admission.measure_growth(world, seconds, 1 if options.quick else 2, say)
            growth_goal(goals, growth)
            parts["growth"] = growth_table(growth)
            if not options.no_document:
                drawing.growth(plots, growth)
        if "check" in options.only:
            measured = measure_programs.measure_check(program, programs / "kube-score", pathlib.Path(name),
                                                      1 if options.quick else 3, say)
            parts["check"] = check_table(measured, "kube-score", goals)
        if "start" in options.only:
            measured = measure_programs.measure_start(world, 3 if options.quick else 21, options.archive, say)
            parts["start"] = start_table(measured, goals)
    for part, text in parts.items():
        print(f"\n== {part}\n{text}")
    print("\n== goals\n" + document.table(["what", "goal", "measured", "met"], goals.rows))
    if not options.no_document:
        write_document(parts, goals)
        say("docs/performance.md and docs/performance/*.svg are written")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (processes.Failed, OSError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
