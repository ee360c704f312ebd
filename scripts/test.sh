#!/usr/bin/env bash
# Runs the tests in three stages: those within one process side by side, those of the ledger and of contracts once
# more on the compiled core, and those with real processes, which run the compiled core, one at a time.
# The last stage's closing section repeats the earlier results and all that this host could not run.
set -uo pipefail
cd "$(dirname "$0")/.."

CHAOSNET_TEST_REPORT=$(mktemp)
export CHAOSNET_TEST_REPORT
trap 'rm -f "$CHAOSNET_TEST_REPORT"' EXIT

worst=0
stage() { # run pytest so, and remember how it ended
    .venv/bin/python -m pytest "$@"
    local ended=$?
    [ "$ended" = 5 ] && ended=0 # nothing selected
    worst=$((ended > worst ? ended : worst))
}

within="not process and not browser and not soak"
CHAOSNET_PURE=1 stage -q -n "${JOBS:-2}" --dist worksteal -m "$within and not compiled"
if why=$(.venv/bin/python scripts/compile_core.py 2>&1); then
    stage -q -n "${JOBS:-2}" --dist worksteal -m "$within" tests/test_compiled.py tests/fuzz/test_host.py \
        tests/unit/{base,contracts,crypto,ledger} tests/{attacks,examples,golden,languages,properties}
else
    echo "not run on this host: the compiled core. $why" | tee -a "$CHAOSNET_TEST_REPORT"
fi
stage -m "(process or browser) and not soak" --durations=10
exit "$worst"
