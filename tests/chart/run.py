#!/usr/bin/env python3
"""Runs the chart's tests: make chart-test. They render with the real helm and kubectl, without a cluster.

    run.py [--tools FOLDER] [TEST …]        FOLDER has helm and kubectl; built when it is not given

TEST is a name as unittest takes it: test_values or test_values.Values.test_every_value_is_read.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "cluster" / "tools" / "build.sh"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", help="the folder with helm and kubectl, already built")
    parser.add_argument("tests", nargs="*")
    options = parser.parse_args()
    os.environ["TOOLS"] = options.tools or subprocess.run(
        [BUILD, "helm", "kubectl"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    sys.path.insert(0, str(HERE))
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(options.tests) if options.tests \
        else loader.discover(str(HERE), "test_*.py")
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


if __name__ == "__main__":
    main()
