"""Where the time of contract calls goes: shown where a call costs more than twice a native transfer."""

import cProfile
import os
import pstats
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from chaosnet.daemon.benchmark_programs import SOURCES
from chaosnet.daemon.benchmark_rig import LANGUAGES, ContractScale, make_rig, on_large_stack, transfers
from chaosnet.daemon.machines import load_machine

RATIO_MAX: Final = 2.0
"""Calls that cost more, against a native transfer, are looked into."""
ROWS: Final = 15
_ROOT: Final = Path(__file__).parent.parent


class ProfileRow(msgspec.Struct):
    """One function. The profiler's own cost makes small ones look dearer than they are."""

    function: str
    calls: float
    """Of it, for one contract call."""
    share: float
    """Of all time, in itself, without what it calls."""


def profile_of(language: str, accounts: int, calls: int) -> list[ProfileRow]:
    """Profile transfers of a token in a process that runs the core as Python: compiled code shows nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "chaosnet.daemon.benchmark_profile", language, str(accounts), str(calls)],
        env={**os.environ, "CHAOSNET_PURE": "1"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=600,
    )
    return msgspec.json.decode(done.stdout, type=list[ProfileRow])


def profiled(work: Callable[[], object], count: int) -> list[ProfileRow]:
    """Return the functions that take most of the time of some work on `count` contract calls."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    stats = pstats.Stats(profiler)
    rows = [
        (own, ProfileRow(_name(*where), round(calls / count, 1), own / stats.total_tt))  # type: ignore[attr-defined]
        for where, (_, calls, own, _, _) in stats.stats.items()  # type: ignore[attr-defined]
    ]
    rows.sort(key=lambda row: -row[0])
    return [msgspec.structs.replace(row, share=round(row.share, 3)) for _, row in rows[:ROWS]]


def _name(file: str, line: int, function: str) -> str:
    """Return a function's name with its file in the package; what is built in has none."""
    path = Path(file)
    if not line:
        return function
    return f"{path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path.name}:{function}"


def profile_calls(language: str, scale: ContractScale) -> list[ProfileRow]:
    """Return where the time of a block of transfers goes, the second of two: the first fills what is kept."""
    rig = make_rig(load_machine(1), scale)
    token = rig.deploy(LANGUAGES[language], SOURCES[language])
    rig.fill(token, scale.accounts)
    _, _, txs = transfers(rig, token, scale)
    rig.block(txs)
    _, _, txs = transfers(rig, token, scale)
    return profiled(lambda: rig.block(txs), len(txs))


def main() -> None:
    """Write the profile to standard output as JSON."""
    language, accounts, calls = sys.argv[1:]
    scale = ContractScale(accounts=int(accounts), calls=int(calls))
    rows = on_large_stack(lambda: profile_calls(language, scale))
    sys.stdout.write(msgspec.json.encode(rows).decode())


if __name__ == "__main__":
    main()
