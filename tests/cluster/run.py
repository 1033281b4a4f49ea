#!/usr/bin/env python3
"""Runs the cluster tests: make cluster-test. Needs root, Go (once), openssl, iproute2.

    run.py --program build/gracekeeper [--tools FOLDER] [TEST …]

TEST is a name as unittest takes it: test_admission or test_admission.Pods.test_dry_run. Everything
runs inside namespaces of its own and in a temporary folder, and ends with this program; after a
failure the folder with the logs is kept and named (--keep keeps it always).
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import control_plane  # noqa: E402
import image  # noqa: E402
import namespaces  # noqa: E402
import world  # noqa: E402

PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=HERE.parents[1] / "build/gracekeeper")
    parser.add_argument("--image", type=pathlib.Path, metavar="ARCHIVE",
                        help="run the program of this docker-archive instead")
    parser.add_argument("--newer", action="store_true",
                        help="with the API server of a later minor version")
    parser.add_argument("--tools", type=pathlib.Path, help="folder of the programs, already built")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("tests", nargs="*")
    return parser.parse_args()


def main():
    options = parse()
    if options.folder is None:
        # Outside the namespaces: what may need the network, and what must be gone at the end.
        if not (options.image or options.program).is_file():
            sys.exit(f"{options.image or options.program} is not there: run make build or make image")
        tools = options.tools or subprocess.run(
            [HERE / "tools/build.sh", *PROGRAMS, *(["kube-apiserver-newer"] if options.newer else [])],
            check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        folder = pathlib.Path(tempfile.mkdtemp(prefix="gracekeeper-cluster-"))
        folder.chmod(0o755)
        if options.image:
            options.program = folder / "image"
            image.unpack(options.image, options.program)
        command = [sys.executable, "-B", __file__, "--folder", folder, "--tools", tools,
                   "--program", options.program.resolve(),
                   *(["--newer"] if options.newer else []), *options.tests]
        code = subprocess.run([str(part) for part in command], check=False).returncode
        if code == 0 and not options.keep:
            shutil.rmtree(folder)
        else:
            print(f"logs: {folder}", file=sys.stderr)
        sys.exit(code)

    namespaces.enter(control_plane.NODE_ADDRESS)
    started = time.monotonic()
    world.start(options.folder, options.tools, options.program, options.newer)
    print(f"the control plane is up after {time.monotonic() - started:.1f} s", file=sys.stderr)
    try:
        loader = unittest.TestLoader()
        suite = loader.loadTestsFromNames(options.tests) if options.tests \
            else loader.discover(str(HERE), "test_*.py")
        result = unittest.TextTestRunner(verbosity=2, failfast=False).run(suite)
    finally:
        world.stop()
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


if __name__ == "__main__":
    os.environ.setdefault("LANG", "C.UTF-8")
    main()
