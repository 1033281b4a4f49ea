#!/usr/bin/env python3
"""Runs the fuzzers, or makes the kept corpus small again.

  tests/fuzz/run.py --seconds 20                     each fuzzer for 20 s
  tests/fuzz/run.py --runs 10000000 patch planner    these two, ten million runs each
  tests/fuzz/run.py --runs 3000 --seed 1             the same inputs every time, as in CI
  tests/fuzz/run.py --merge                          corpus/ becomes what still adds coverage

The fuzzers are programs of a build made with the preset fuzz or fuzz-fast (--build). What they find
worth keeping goes to <build>/corpus/<name>, beside the kept inputs of tests/fuzz/corpus/<name>; what
breaks a rule is written to tests/fuzz/crashes/<name>, where the ordinary tests replay it.

Prints a line a fuzzer; ends with 1 when one of them found something.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Longest input, in bytes: enough for every choice that a fuzzer makes, and for texts of some lines.
FUZZERS = {
    "duration": 48,
    "framing": 512,
    "hello": 256,
    "planner": 256,
    "settings": 512,
    "cluster": 512,
    "patch": 256,
    "review": 512,
    "manifest": 768,
}


def seeds(name):
    """Inputs made of the repository's own files, for the fuzzers that read texts."""
    if name == "manifest":
        files = [*ROOT.glob("tests/golden/*/input.yaml"), *ROOT.glob("tests/rules/*/*.yaml"),
                 *ROOT.glob("deploy/examples/*.yaml")]
        return [file.read_bytes() + bytes(8) for file in files]
    if name == "settings":
        files = {4: [*ROOT.glob("tests/golden/*/config.yaml"), *ROOT.glob("tests/rules/*/config.yaml")],
                 5: [*ROOT.glob("tests/golden/*/values.yaml"), *ROOT.glob("tests/golden/*/*/values.yaml")],
                 6: [*ROOT.glob("tests/golden/*/profile.yaml"),
                     *ROOT.glob("deploy/examples/*-profile.yaml")]}
        return [bytes([kind]) + file.read_bytes() for kind in files for file in files[kind]]
    if name == "framing":
        return [b"\xff\x0f\xff\x00POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
                b"\xff\x0f\xff\x00POST http://a:1/?x HTTP/1.1\r\nHost: [::1]:1\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n2 ;x\r\n{}\r\n0\r\nX: y\r\n\r\n"]
    return []


def seed_folder(build, name):
    folder = build / "corpus" / f"{name}-seeds"
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(name)):
        (folder / f"{number:03}").write_bytes(data)
    return folder


def options(name):
    made = [f"-max_len={FUZZERS[name]}", "-timeout=10", "-rss_limit_mb=2048",
            # The entropic schedule takes more time than programs as quick as these.
            "-entropic=0 -len_control=0", "-print_funcs=0", "-print_final_stats=1"]
    dictionary = HERE / "dictionaries" / f"{name}.dict"
    return made + ([f"-dict={dictionary}"] if dictionary.exists() else [])


def last_number(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def at_fixed_addresses():
    """What starts a program at the same addresses every time, where that is allowed: libFuzzer's choices depend
    on pointers that it sees compared."""
    prefix = ["setarch", "-R"]
    try:
        return prefix if subprocess.run([*prefix, "true"], check=False).returncode == 0 else []
    except OSError:
        return []


def run(name, build, seconds, runs, seed, log_folder):
    found = build / "corpus" / name
    kept = HERE / "corpus" / name
    crashes = HERE / "crashes" / name
    if seed:
        shutil.rmtree(found, ignore_errors=True)  # what earlier runs found would change this one
    for folder in (found, kept, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    limit = [f"-runs={runs}"] if runs else [f"-max_total_time={seconds}"]
    limit += [f"-seed={seed}"] if seed else []
    start = at_fixed_addresses() if seed else []
    command = [*start, build / f"fuzz_{name}", *limit, *options(name), f"-artifact_prefix={crashes}/", found, kept,
               seed_folder(build, name)]
    log = (log_folder or build) / f"{name}.log"
    with log.open("wb") as output:
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    text = log.read_text(errors="replace")
    runs_done = last_number(r"stat::number_of_executed_units: (\d+)", text)
    speed = last_number(r"stat::average_exec_per_sec: +(\d+)", text)
    coverage, features, inputs = (last_number(rf" {what}: (\d+)", text) for what in ("cov", "ft", "corp"))
    print(f"{name:9} {runs_done:>10} runs {speed:>7}/s  coverage {coverage:>6}  features {features:>6}"
          f"  corpus {inputs:>5}  {'ok' if code == 0 else f'FOUND: see {log}'}", flush=True)
    if code != 0:
        print(text[-4000:], file=sys.stderr)
    for folder in (kept, crashes):
        if not any(folder.iterdir()):
            folder.rmdir()
    return code == 0


def merge(name, build):
    kept = HERE / "corpus" / name
    small = build / "corpus" / f"{name}-small"
    shutil.rmtree(small, ignore_errors=True)
    small.mkdir(parents=True)
    kept.mkdir(parents=True, exist_ok=True)
    # Edges only: how often each is taken matters to the search, but would keep ten times the inputs.
    command = [build / f"fuzz_{name}", "-set_cover_merge=1", "-use_counters=0", *options(name), small, kept,
               seed_folder(build, name)]
    found = build / "corpus" / name
    subprocess.run(command + ([found] if found.exists() else []), check=True, capture_output=True)
    shutil.rmtree(kept)
    shutil.copytree(small, kept)
    files = list(kept.iterdir())
    print(f"{name:9} {len(files)} inputs, {sum(file.stat().st_size for file in files)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FUZZERS)}; none: all")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build-fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, help="instead of a time")
    parser.add_argument("--seed", type=int, help="of the random choices; default: another one each time")
    parser.add_argument("--logs", type=pathlib.Path, help="folder of the logs; default: the build's")
    parser.add_argument("--merge", action="store_true")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(FUZZERS)
    if unknown:
        parser.error(f"no such fuzzer: {', '.join(sorted(unknown))}")
    names = arguments.names or list(FUZZERS)
    build = arguments.build.resolve()
    if arguments.merge:
        for name in names:
            merge(name, build)
        return 0
    results = [run(name, build, arguments.seconds, arguments.runs, arguments.seed, arguments.logs) for name in names]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
