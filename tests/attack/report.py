"""Writes figures into docs/reliability.md, each kind between its own two marks."""

import datetime
import os
import platform
import subprocess


def _replace(path, mark, text):
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->\n"
    whole = path.read_text()
    before, _, rest = whole.partition(begin)
    _, _, after = rest.partition(end)
    if not rest or end not in whole:
        raise SystemExit(f"{path} has no place for the {mark}: {begin.strip()}")
    path.write_text(before + begin + text + end + after)


def _where(program):
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True,
                             timeout=30).stdout.strip()
    return (f"Measured on {datetime.date.today()}: {version}, {platform.system()} "
            f"{platform.release()}, {os.cpu_count()} processors that attackers, honest client and "
            f"server share.\n\n")


def _mb(size):
    return f"{size / 1e6:.0f}"


def write_attacks(path, program, results):
    lines = ["| attack | honest requests | failed | p50 ms | p99 ms | new connection, slowest ms "
             "| large review, slowest ms | memory MB: before, peak, after | kernel's MB, peak "
             "| threads | descriptors: before, after |",
             "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for figures in results:
        kept, fresh, large = (figures["honest"][kind] for kind in ("kept", "fresh", "large"))
        asked = (kept, fresh, large)
        failed = sum(kind["failed"] + kind["wrong"] for kind in asked)
        before = figures["before"]
        threads = (f"{figures['threads']}" if figures["threads"] == before["threads"]
                   else f"{before['threads']}, {figures['threads']}")
        lines.append(
            f"| {figures['scenario'].title} | {sum(kind['requests'] for kind in asked):,} | {failed} | "
            f"{kept['p50_ms']:.1f} | {kept['p99_ms']:.1f} | {fresh['max_ms']:.0f} | "
            f"{large['max_ms']:.0f} | "
            f"{_mb(before['resident'])}, {_mb(figures['peak'])}, {_mb(figures['resident'])} | "
            f"{_mb(figures['kernel'])} | {threads} | {before['descriptors']}, {figures['descriptors']} |")
    _replace(path, "attacks", _where(program) + "\n".join(lines) + "\n")


def write_changes(path, program, results):
    lines = ["| change | for | what happened | requests | failed | wrong | p99 ms |",
             "|---|--:|---|--:|--:|--:|--:|"]
    for figures in results:
        kept, fresh = figures["honest"]["kept"], figures["honest"]["fresh"]
        lines.append(
            f"| {figures['name']} | {figures['seconds']} s | {figures['what']} | "
            f"{kept['requests'] + fresh['requests']:,} | {kept['failed'] + fresh['failed']} | "
            f"{kept['wrong'] + fresh['wrong']} | {kept['p99_ms']:.1f} |")
    _replace(path, "changes", _where(program) + "\n".join(lines) + "\n")


def write_soak(path, program, figures):
    kept, fresh = figures["honest"]["kept"], figures["honest"]["fresh"]
    text = (f"{figures['minutes']:.0f} minutes: {kept['requests'] + fresh['requests']:,} honest "
            f"requests, {kept['failed'] + fresh['failed']} failed, {kept['wrong'] + fresh['wrong']} "
            f"answered wrongly; {figures['attacks']:,} attacks and {figures['replaced']:,} changes "
            f"of certificate and configuration beside them. p50 {kept['p50_ms']:.1f} ms, p99 "
            f"{kept['p99_ms']:.1f} ms.\n\n"
            f"Resident memory, sampled every 5 s after {figures['warm_up'] / 60:.0f} minutes: least "
            f"{figures['least'] / 1e6:.1f} MB, median {figures['median'] / 1e6:.1f} MB, most "
            f"{figures['most'] / 1e6:.1f} MB; slope {figures['kb_per_hour']:+.0f} KB an hour (± "
            f"{2 * figures['error_kb_per_hour']:.0f}, two standard errors, through the medians of "
            f"{figures['rounds']} rounds of attacks). Peak over all: "
            f"{_mb(figures['peak'])} MB. Threads and descriptors, before and after: "
            f"{figures['before'][0]} and {figures['before'][1]}, {figures['after'][0]} and "
            f"{figures['after'][1]}.\n")
    _replace(path, "soak", _where(program) + text)
