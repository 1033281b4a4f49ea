#!/usr/bin/env bash
# conformance.sh SUITE BUILD: runs the cases of a conformance suite for Linkerd's injection. The
# suite is not part of this repository; without it nothing is run, and that is said.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=$1
export BUILD=$2
if [ ! -f "$suite/run_suite.py" ]; then
  echo "conformance: SKIPPED, there is no suite in $suite (make conformance LINKERD_CONFORMANCE=FOLDER)"
  exit 0
fi
python3 -B "$suite/run_suite.py" --cmd 'tests/conformance/linkerd-case {case}' \
  --list "$suite/cases.txt" --reports -- --strict-args --strict-env-order
