"""Benchmark of every engine on four real nodes, with a devnet's settings: rate, interval, finality, idle.

In this order on one fresh network: the processor time of idle nodes, a load for some seconds, then single
transfers on the quiet chain, each timed from its submission to the moment another node calls it final.
"""

import os
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from chaosnet.base.errors import Invalid
from chaosnet.daemon.benchmark import BATCH, EngineFigures, Note, block_times, network, scratch
from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.devnet_plan import NodePlan, parse_schedule
from chaosnet.daemon.loadgen import Push, make_senders, presign, read_total, wait_for_total
from chaosnet.model.genesis import ENGINES_KNOWN
from chaosnet.rpc.client import Client

NODES: Final = 4
WAVE: Final = 2_000
"""Transfers pushed at once."""
AHEAD_MAX: Final = 6_000
"""Transfers pushed and not committed: more than a block holds, few enough to be gone soon after the load."""
SETTLE_S: Final = 2.0
"""Pause after the nodes have found each other, so that their start is not counted as idle."""
GRACE_S: Final = 30.0
"""A load lasts this much longer when no block was found meanwhile: under pow the first may take its time."""
FINAL_S_MAX: Final = 90.0
POLL_S: Final = 0.02
NONE: Final = "none"
MINING_NOTE: Final = "idle_cpu_percent is that of the node and its miners, which always mine the next block"


class EngineScale(msgspec.Struct, frozen=True):
    """How much each engine is given to do."""

    load_s: float = 18.0
    senders: int = 2_000
    rounds: int = 20
    """Transfers of each sender at most: the load ends early when all are committed."""
    idle_s: float = 8.0
    probes: int = 12
    probe_pause_s: float = 0.4


def parse_engines(text: str) -> tuple[str, ...]:
    """Return the engines of `pow,pos`, or none of `none`; raises Invalid(`engine_unknown`)."""
    if text == NONE:
        return ()
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in ENGINES_KNOWN:
            raise Invalid("engine_unknown", f"{name!r}: there are {', '.join(ENGINES_KNOWN)}, or {NONE}")
    return names


def run_engines(engines: Sequence[str], scale: EngineScale, note: Note) -> dict[str, EngineFigures]:
    """Measure engines one after the other; raises RuntimeError when one does not commit or finalise."""
    found: dict[str, EngineFigures] = {}
    for engine in engines:
        note(f"{engine}, four validators")
        found[engine] = measure_engine(engine, scale)
    return found


def measure_engine(engine: str, scale: EngineScale) -> EngineFigures:
    """Run one engine on a fresh network; raises RuntimeError."""
    senders = make_senders(scale.senders)
    probes = make_senders(scale.probes, "probe")
    schedule = parse_schedule(engine)
    with scratch() as directory, network(NODES, senders + probes, directory, schedule=schedule) as net:
        time.sleep(SETTLE_S)
        idle = idle_percents(net, scale.idle_s)
        genesis = bytes.fromhex(net.plan.genesis)
        raws = presign(genesis, senders, scale.rounds)
        first = read_total(net.plan.nodes[0])[0]
        rate = carry(net.plan.nodes, raws, scale.load_s)
        times = block_times(net.plan.nodes[0], first + 1)
        if len(times) < 2:
            raise RuntimeError(f"{engine}: {len(times)} blocks under load")
        finality = finality_ms(net.plan.nodes, presign(genesis, probes, 1), scale.probe_pause_s)
    return EngineFigures(
        four_validators_per_s=round(rate, 1),
        block_interval_ms=statistics.median(b - a for a, b in pairwise(times)),
        finality_ms=round(statistics.median(finality), 1),
        idle_cpu_percent=round(statistics.median(idle), 2),
        note=MINING_NOTE if engine == "pow" else "",
    )


def carry(nodes: Sequence[NodePlan], raws: list[bytes], load_s: float) -> float:
    """Keep the nodes loaded for a time; return transfers a second on the chain of every node.

    Counted up to the last block that all have; returns when nothing that was pushed still waits. Raises
    RuntimeError when a transfer is refused or none is committed.
    """
    before = min(read_total(node)[1] for node in nodes)
    begin = time.perf_counter()
    pushed = done = 0
    moved_s = elapsed_s = 0.0
    while done < len(raws) and elapsed_s < (load_s if done else load_s + GRACE_S):
        if pushed < len(raws) and pushed - done <= AHEAD_MAX - WAVE:
            pushed += _push(nodes, raws[pushed : pushed + WAVE])
        least = min(read_total(node)[1] for node in nodes) - before
        elapsed_s = time.perf_counter() - begin
        if least > done:
            done, moved_s = least, elapsed_s
        time.sleep(POLL_S)
    if not done:
        raise RuntimeError(f"nothing of {pushed} transfers was committed in {elapsed_s:.0f} s")
    if wait_for_total(nodes, before + pushed) < before + pushed:
        raise RuntimeError(f"transfers are left behind: {pushed} were pushed")
    return done / moved_s


def _push(nodes: Sequence[NodePlan], raws: list[bytes]) -> int:
    push = Push(nodes, [raws[i : i + BATCH] for i in range(0, len(raws), BATCH)]).start()
    push.join()
    if push.codes["ok"] < len(raws):
        raise RuntimeError(f"of {len(raws)} transfers: {dict(push.codes)}")
    return len(raws)


def finality_ms(nodes: Sequence[NodePlan], raws: list[bytes], pause_s: float) -> list[float]:
    """Submit transfers on the first node, one a pause; return how long each took to be final on the last.

    Raises RuntimeError when one is not final after a long time.
    """
    taken: list[float] = []
    open_since: dict[str, float] = {}
    waiting = list(reversed(raws))
    next_at = moved = time.perf_counter()
    final_height = -1
    with Client(nodes[0].rest_url) as entry, Client(nodes[-1].rest_url) as watched:
        while waiting or open_since:
            now = time.perf_counter()
            if waiting and now >= next_at:
                open_since[entry.submit(waiting.pop()).id] = now
                next_at = now + pause_s
            height = watched.status().final_height
            if height > final_height:
                final_height, moved = height, now
                done = [tx_id for tx_id in open_since if _is_final(watched, tx_id)]
                taken += [(time.perf_counter() - open_since.pop(tx_id)) * 1_000 for tx_id in done]
            elif now - moved > FINAL_S_MAX:
                raise RuntimeError(f"{len(open_since)} transfers are not final, the chain is up to {height}")
            time.sleep(POLL_S)
    return taken


def _is_final(client: Client, tx_id: str) -> bool:
    """Return whether a node calls a transaction final; one it has not heard of is not."""
    try:
        return client.transaction(tx_id).status == "final"
    except Invalid as error:
        if error.code != "not_found":
            raise
        return False


def idle_percents(net: Devnet, seconds: float) -> list[float]:
    """Return what each node, with the processes it started, takes of one core."""
    pids = [net.pid(name) or 0 for name in net.names()]
    begin, ticks = time.perf_counter(), cpu_ticks(pids)
    time.sleep(seconds)
    passed = (time.perf_counter() - begin) * os.sysconf("SC_CLK_TCK")
    return [100 * (b - a) / passed for a, b in zip(ticks, cpu_ticks(pids), strict=True)]


def cpu_ticks(pids: Sequence[int], proc: Path = Path("/proc")) -> list[int]:
    """Return the processor time of processes, each with its children, in clock ticks (proc_pid_stat(5))."""
    total = dict.fromkeys(pids, 0)
    for stat in proc.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        pid, parent = int(stat.parent.name), int(fields[1])
        owner = pid if pid in total else parent
        if owner in total:
            total[owner] += int(fields[11]) + int(fields[12])
    return [total[pid] for pid in pids]
