#!/usr/bin/env bash
# Runs the tests in two stages: those within one process side by side, those with real processes one at a time.
# The last stage's closing section repeats the first one's result and all that this host could not run.
set -uo pipefail
cd "$(dirname "$0")/.."

CHAOSNET_TEST_REPORT=$(mktemp)
export CHAOSNET_TEST_REPORT
trap 'rm -f "$CHAOSNET_TEST_REPORT"' EXIT

.venv/bin/python -m pytest -q -n "${JOBS:-2}" --dist worksteal -m "not process and not browser and not soak"
first=$?
.venv/bin/python -m pytest -m "(process or browser) and not soak" --durations=10
second=$?
[ "$second" = 5 ] && second=0 # nothing selected
exit $((first > second ? first : second))
