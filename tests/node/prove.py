"""The run inside the namespaces: everything up, all scenarios at once, verdicts, the table."""

import concurrent.futures
import sys
import time
import traceback

import judge
import scenarios
from measure import Scene
from node_world import World

STAGGER = 1.0  # seconds between deletions: the kubelet's and the runtime's work for one of them


def main(options, cgroup):
    started = time.monotonic()
    # Nothing is stopped at the end: all of it is gone with this program, the first of its namespace.
    world = World(options.folder, options.tools, options.program, cgroup)
    world.start()
    print(f"the node is up after {time.monotonic() - started:.1f} s", file=sys.stderr)
    wanted = [s for s in scenarios.table() if not options.scenarios or s.name in options.scenarios]
    seen, errors = terminations(world, wanted, webhook=False)
    late = judge.tolerance(seen)
    failed = len(errors)
    for one in seen:
        verdict = judge.Verdict(one, late)
        failed += bool(verdict.errors)
        report(one, verdict)
    for name, text in errors.items():
        print(f"FAILED {name}: {text}")
    print(f"{len(wanted) - failed} passed, {failed} failed in {time.monotonic() - started:.0f} s; "
          f"tolerance {late:.1f} s")
    return 1 if failed or not wanted else 0


def terminations(world, wanted, webhook):
    """All at once: they share nothing but the node."""
    scenes = [Scene(world, scenario, webhook) for scenario in wanted]
    with concurrent.futures.ThreadPoolExecutor(len(scenes) or 1) as pool:
        manifests = list(pool.map(Scene.prepare, scenes))
        world.apply(*manifests)
        jobs = {scene: pool.submit(scene.run) for scene in scenes if scene.scenario.act != "delete"
                if scene.wait_up() is None}
        for scene in scenes:
            scene.wait_up()
        for scene in scenes:
            if scene not in jobs:
                jobs[scene] = pool.submit(scene.run)
                time.sleep(STAGGER)
        seen, errors = [], {}
        for scene in scenes:
            try:
                seen.append(jobs[scene].result())
            except Exception as error:
                errors[scene.scenario.name] = "".join(traceback.format_exception(error))
    return seen, errors


def report(seen, verdict):
    def at(moment):
        return "-" if moment is None else f"{seen.after(moment):.2f}"

    print(("ok     " if not verdict.errors else "FAILED ") + seen.scenario.name)
    for error in verdict.errors:
        print("       " + error)
    for container in seen.predicted["containers"] if seen.zero else []:
        life = seen.lives[container["name"]]
        print(f"       {container['name']}: SIGTERM {container['sigterm']:g} {at(life.time('sigterm'))}"
              f", end {container['exit']:g} {at(life.died)}, code "
              f"{seen.watched.codes.get(container['name'], '-')}, {len(life.failures())} failed")
    print(f"       gone {at(seen.watched.gone)}")
