"""What a host could not run is said at the end of a test run, with the reason."""

import os
from collections import Counter
from pathlib import Path

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Before the closing line, print what was skipped and why, in this stage and in the ones before it.

    `scripts/test.sh` runs several stages and hands the report from one to the next in a file.
    """
    if hasattr(config, "workerinput"):
        return  # the process that started the workers reports for them
    kept = os.environ.get("CHAOSNET_TEST_REPORT")
    earlier = Path(kept).read_text() if kept else ""
    stats = terminalreporter.stats
    reasons = Counter(_reason(report) for report in stats.get("skipped", []))
    now = "".join(f"not run on this host ({count}): {reason}\n" for reason, count in sorted(reasons.items()))
    if kept:
        counts = ", ".join(
            f"{len(stats[kind])} {kind}" for kind in ("passed", "failed", "error") if stats.get(kind)
        )
        Path(kept).write_text(f"{earlier}{now}earlier stage: {counts or 'nothing'}\n")
    if earlier + now:
        terminalreporter.section("what this host ran and could not run")
        terminalreporter.write(earlier + now)


def _reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
