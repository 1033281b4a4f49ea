"""The run inside the namespaces: everything up, all scenarios, verdicts, the table."""

import concurrent.futures
import dataclasses
import sys
import time
import traceback

import capture
import evidence
import judge
import postmortem
import scenarios
import traffic
from measure import Scene
from node_world import World
from webhook import Webhook, archive_around

STAGGER = 1.0  # seconds between deletions: the kubelet's and the runtime's work for one of them
WEBHOOK = {"helm-test": Webhook.helm_test, "webhook-rolling-update": Webhook.roll,
           "webhook-drain": Webhook.drain}


@dataclasses.dataclass
class Results:
    """What there is to tell. Unfinished: what could not be measured, by name."""
    terminations: list = dataclasses.field(default_factory=list)
    verdicts: list = dataclasses.field(default_factory=list)
    rollouts: list = dataclasses.field(default_factory=list)
    streams: list = dataclasses.field(default_factory=list)
    unfinished: dict = dataclasses.field(default_factory=dict)
    late: float = 0

    def fail(self, name, error):
        self.unfinished[name] = "".join(traceback.format_exception(error))

    def failures(self):
        return len(self.unfinished) + sum(
            bool(one.errors) for one in self.verdicts + self.rollouts + self.streams)

    def passes(self):
        return len(self.verdicts + self.rollouts + self.streams) + len(self.unfinished) - self.failures()


def main(options, cgroup):
    known = [s.name for s in scenarios.table()] + list(traffic.NAMES) + list(WEBHOOK) + [
        postmortem.NAME]
    if unknown := [name for name in options.scenarios if name not in known]:
        sys.exit(f"no scenario {', '.join(unknown)}; there are: {', '.join(known)}")
    started = time.monotonic()
    # Nothing is stopped at the end: all of it is gone with this program, the first of its namespace.
    image = options.image or archive_around(options.program, options.folder)
    world = World(options.folder, options.tools, options.program, image, cgroup)
    world.start()
    print(f"the node is up after {time.monotonic() - started:.1f} s", file=sys.stderr)
    results = Results()
    webhook = None
    if not options.without_webhook:
        webhook = Webhook(world)
        webhook.install()
        print(f"the webhook is up after {time.monotonic() - started:.1f} s", file=sys.stderr)
    wanted = [s for s in scenarios.table() if not options.scenarios or s.name in options.scenarios]
    rollouts = traffic.scenes(world, webhook, options.scenarios)
    terminations(world, wanted, rollouts, webhook, results)
    updates(rollouts, results)
    if webhook:
        disturbances(webhook, options.scenarios, results)
    if not options.scenarios or postmortem.NAME in options.scenarios:
        try:
            results.streams.append(postmortem.Scene(world, options.captures).run())
        except Exception as error:
            results.fail(postmortem.NAME, error)
    results.late = judge.tolerance(results.terminations)
    results.verdicts = [judge.Verdict(one, results.late) for one in results.terminations]
    for verdict in results.verdicts:
        verdict.errors += postmortem.errors(world, verdict.seen)
    report(results)
    if options.captures:
        capture.write(options.captures, world, results.terminations)
    if options.evidence:
        options.evidence.write_text(evidence.document(world, results, webhook is not None))
    print(f"{results.passes()} passed, {results.failures()} failed in "
          f"{time.monotonic() - started:.0f} s")
    return 1 if results.failures() or not results.passes() else 0


def terminations(world, wanted, rollouts, webhook, results):
    """All pods come up at once, those of the updates too, since they share nothing but the node; they
    are deleted in turn. Waits that end with the application come last, when the others are gone: how soon
    they end is measured in seconds, and starting their hook on a busy node takes as long."""
    scenes = [Scene(world, scenario, webhook) for scenario in wanted]
    with concurrent.futures.ThreadPoolExecutor(len(scenes) or 1) as pool:
        manifests = list(pool.map(Scene.prepare, scenes))
        manifests += [thing for scene in rollouts for thing in traffic.manifests(scene)]
        if manifests:
            world.apply(*manifests)
        runs = {}

        def turn(scene):
            return scene.scenario.act == "delete", scene.scenario.until_exit

        for scene in sorted(scenes, key=turn):
            if scene.scenario.until_exit:
                concurrent.futures.wait([run for other, run in runs.items()
                                         if not other.scenario.until_exit])
            try:
                scene.wait_up()
                runs[scene] = pool.submit(scene.run)
            except AssertionError as error:
                results.fail(scene.scenario.name, error)
            if scene.scenario.act == "delete":
                time.sleep(STAGGER)
        for scene in scenes:
            try:
                if scene in runs:
                    results.terminations.append(runs[scene].result())
            except Exception as error:
                results.fail(scene.scenario.name, error)


def updates(rollouts, results):
    """One after the other: both take kube-proxy for themselves."""
    for scene in rollouts:
        try:
            results.rollouts.append(scene.run())
        except Exception as error:
            results.fail(scene.name, error)


def disturbances(webhook, wanted, results):
    """What happens to the webhook, step by step."""
    for name, disturb in WEBHOOK.items():
        if not wanted or name in wanted:
            try:
                results.streams.append(disturb(webhook))
            except Exception as error:
                results.fail(name, error)


def report(results):
    for verdict in results.verdicts:
        seen = verdict.seen
        say(seen.scenario.name, verdict.errors)
        if seen.scenario.act != "delete":
            print("       {}: {}".format(*evidence.job(seen)))
            continue
        for row in evidence.rows(seen):
            print(f"       {row.container}: SIGTERM {row.sigterm}, end {row.end}, exit code {row.code}"
                  + (f", refused {row.refused}" if row.refused else ""))
        if seen.scenario.until_exit and (gone := judge.after_applications(seen)):
            print(f"       after the last application: SIGTERM {gone.sigterm:.2f}, end {gone.proxy:.2f}, "
                  f"pod {gone.pod:.2f}")
    for one in results.rollouts:
        say(one.name, one.errors)
        print(f"       {len(one.failures)} of {one.connections} connections failed")
    for one in results.streams:
        say(one.name, one.errors)
        if one.creates:
            print(f"       {one.failures} of {one.creates} creates failed")
    for name, error in results.unfinished.items():
        print(f"FAILED {name}\n       " + error.replace("\n", "\n       "))
    print(f"delays of the kubelet's first signals: {evidence.delays(results)}; "
          f"tolerance {results.late:.1f} s")


def say(name, errors):
    print(("FAILED " if errors else "ok     ") + name)
    for error in errors:
        print("       " + error)
