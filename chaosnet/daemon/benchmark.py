"""Benchmarks of real processes on this machine: what one and four validators carry, and what it costs.

Rates count transfers from the first byte pushed over REST to the last one committed on every node. Compare
figures of one run only: machines are shared and noisy. The Ed25519 limit is measured in the same run.
"""

import http.client
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import msgspec

from chaosnet import compiled
from chaosnet.crypto.signing import is_valid, public_key_of, sign
from chaosnet.daemon.benchmark_contracts import ContractFigures
from chaosnet.daemon.devnet import Devnet, check_ports
from chaosnet.daemon.devnet_plan import PBFT, NodePlan, make_plan
from chaosnet.daemon.loadgen import (
    Push,
    Sender,
    allocations_for,
    make_senders,
    presign,
    read_total,
    wait_for_total,
)
from chaosnet.daemon.process import load_genesis
from chaosnet.daemon.replay import replay
from chaosnet.model.genesis import EngineFrom
from chaosnet.rpc.client import Client
from chaosnet.storage.datadir import chain_bytes
from chaosnet.storage.reader import ChainView

BATCH = 500
PORTS = {1: 29_000, 4: 29_100}
Note = Callable[[str], None]


class Scale(msgspec.Struct, frozen=True):
    """How much a benchmark does."""

    runs: int = 3
    senders: int = 2_000
    rounds_one: int = 15
    """Transfers of each sender with one validator."""
    rounds_four: int = 10
    singles: int = 1_000
    idle_probes: int = 30
    trickle: int = 200
    """Transfers at 20 a second, for the disk figure of a quiet chain."""


class EngineFigures(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one engine does on four nodes; see `benchmark_engines`."""

    four_validators_per_s: float
    """Transfers on the chain of every node, final or not."""
    block_interval_ms: float
    """Median under load, of the times in the headers."""
    finality_ms: float
    """Median of single transfers on a quiet chain, from submission to final on another node."""
    idle_cpu_percent: float
    """Of one core; median of the nodes."""
    note: str = ""


class Figures(msgspec.Struct):
    """What was measured; medians over the runs."""

    core: str = ""
    """`compiled` or `python`."""
    ed25519_per_s: float = 0
    ed25519_two_threads_per_s: float = 0
    one_validator_per_s: float = 0
    four_validators_per_s: float = 0
    one_down_per_s: float = 0
    """Committed by three of four validators, the fourth killed."""
    one_down_ratio: float = 0
    """The same against four, in this run."""
    one_down_gap_ms_max: float = 0
    """Longest time between two blocks after the kill."""
    single_submits_per_s: float = 0
    replay_per_s: float = 0
    idle_visible_ms_median: float = 0
    idle_visible_ms_p95: float = 0
    disk_bytes_per_transfer: float = 0
    disk_bytes_per_transfer_at_20_per_s: float = 0
    rss_mib: float = 0
    startup_s: float = 0
    lua_vm_per_s: float = 0
    """Token transfers a second of one core in the machine with its real host; likewise below."""
    js_vm_per_s: float = 0
    lua_call_one_validator_per_s: float = 0
    """Calls of the same contract that are committed; likewise below."""
    js_call_one_validator_per_s: float = 0
    lua_call_four_validators_per_s: float = 0
    js_call_four_validators_per_s: float = 0
    native_call_ratio: float = 0
    """Time of such a call in the ledger against a native transfer: of the slower language."""
    contracts: ContractFigures | None = None
    runs: dict[str, list[float]] = {}
    """Single results behind the medians."""
    engines: dict[str, EngineFigures] = {}
    """One entry an engine; other settings than the figures above, so not to be compared with them."""


def run_benchmark(scale: Scale, note: Note) -> Figures:
    """Measure everything; takes some minutes."""
    figures = Figures(core=compiled.word())
    note("signatures")
    figures.ed25519_per_s = ed25519_rate(threads=1)
    figures.ed25519_two_threads_per_s = ed25519_rate(threads=2)
    senders = make_senders(scale.senders)
    runs = figures.runs
    for i in range(scale.runs):
        note(f"one validator, run {i + 1} of {scale.runs}")
        measure_one(scale, senders, runs)
    for i in range(scale.runs):
        note(f"four validators, run {i + 1} of {scale.runs}")
        measure_four(scale, senders, runs, is_last=i == scale.runs - 1)
    for i in range(scale.runs):
        note(f"three of four validators, run {i + 1} of {scale.runs}")
        measure_one_down(scale, senders, runs)
    note("quiet chain")
    measure_trickle(scale, senders, runs)
    for name, values in runs.items():
        if hasattr(figures, name):
            setattr(figures, name, statistics.median(values))
    figures.one_down_ratio = round(figures.one_down_per_s / figures.four_validators_per_s, 3)
    probes = sorted(runs["idle_visible_ms"])
    figures.idle_visible_ms_median = statistics.median(probes)
    figures.idle_visible_ms_p95 = probes[len(probes) * 95 // 100]
    del runs["idle_visible_ms"]
    return figures


def ed25519_rate(*, threads: int, count: int = 8_000) -> float:
    """Return verified signatures a second."""
    seed = bytes(range(32))
    key, message = public_key_of(seed), bytes(32)
    signature = sign(seed, message)

    def verify(times: int) -> bool:
        return all(is_valid(key, message, signature) for _ in range(times))

    with ThreadPoolExecutor(threads) as pool:
        begin = time.perf_counter()
        list(pool.map(verify, [count // threads] * threads))
        seconds = time.perf_counter() - begin
    return count / seconds


@contextmanager
def network(
    nodes: int, senders: list[Sender], directory: Path, *, schedule: tuple[EngineFrom, ...] = PBFT
) -> Iterator[Devnet]:
    """Run a fresh network with funded senders; everything ends with the block."""
    plan = make_plan(
        directory,
        nodes=nodes,
        base_port=PORTS.get(nodes, 29_200),
        explorer_port=28_999,
        schedule=schedule,
        allocations=allocations_for(senders),
    )
    net = Devnet(directory, plan)
    check_ports(plan.nodes, None)
    try:
        for name in net.names():
            net.start(name)
        net.wait_ready(net.names())
        _wait_linked(plan.nodes)
        yield net
    finally:
        net.stop_all()


def _wait_linked(nodes: list[NodePlan]) -> None:
    deadline = time.monotonic() + 30
    while any(read_total(node)[2] < len(nodes) - 1 for node in nodes):
        if time.monotonic() > deadline:
            raise TimeoutError("the nodes do not find each other")
        time.sleep(0.05)


def push_all(nodes: list[NodePlan], raws: list[bytes], *, already: int = 0) -> float:
    """Push transfers to the nodes in turn; return committed transfers a second."""
    batches = [raws[i : i + BATCH] for i in range(0, len(raws), BATCH)]
    begin = time.perf_counter()
    push = Push(nodes, batches).start()
    push.join()
    before = push.codes.total() - push.codes["ok"]
    done = wait_for_total(nodes, already + len(raws) - before) - already
    seconds = time.perf_counter() - begin
    if done < len(raws):
        raise RuntimeError(f"{done} of {len(raws)} transfers committed; verdicts {dict(push.codes)}")
    return done / seconds


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a directory that goes away."""
    directory = Path(tempfile.mkdtemp(prefix="chaosnet-bench-"))
    try:
        yield directory / "net"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def measure_one(scale: Scale, senders: list[Sender], runs: dict[str, list[float]]) -> None:
    """One validator: rate, memory, disk, start-up, replay."""
    with scratch() as directory:
        with network(1, senders, directory) as net:
            genesis = bytes.fromhex(net.plan.genesis)
            raws = presign(genesis, senders, scale.rounds_one)
            _add(runs, "one_validator_per_s", push_all(net.plan.nodes, raws))
            _add(runs, "rss_mib", rss_mib(net.pid("node0") or 0))
            singles = presign(genesis, senders, 1, first_nonce=scale.rounds_one)[: scale.singles]
            _add(runs, "single_submits_per_s", push_singles(net, singles))
        data = directory / "node0" / "data"
        empty = _empty_bytes(senders)
        _add(runs, "disk_bytes_per_transfer", (chain_bytes(data) - empty) / (len(raws) + len(singles)))
        begin = time.perf_counter()
        net.start("node0")
        net.wait_ready(["node0"])
        _add(runs, "startup_s", time.perf_counter() - begin)
        net.stop("node0")
        result = replay(ChainView(data), load_genesis(directory / "genesis.json"))
        _add(runs, "replay_per_s", result.txs_per_second)


def _empty_bytes(senders: list[Sender]) -> int:
    """Return what a chain with only its genesis takes on disk."""
    with scratch() as directory:
        with network(1, senders, directory):
            pass
        return chain_bytes(directory / "node0" / "data")


def measure_four(scale: Scale, senders: list[Sender], runs: dict[str, list[float]], *, is_last: bool) -> None:
    """Four validators: rate; on the last run also how soon a transfer is seen on another, idle node."""
    with scratch() as directory, network(4, senders, directory) as net:
        genesis = bytes.fromhex(net.plan.genesis)
        _add(
            runs,
            "four_validators_per_s",
            push_all(net.plan.nodes, presign(genesis, senders, scale.rounds_four)),
        )
        if is_last:
            raws = presign(genesis, senders, 1, first_nonce=scale.rounds_four)[: scale.idle_probes]
            for raw in raws:
                time.sleep(0.4)
                _add(runs, "idle_visible_ms", visible_ms(net, raw))


def measure_one_down(scale: Scale, senders: list[Sender], runs: dict[str, list[float]]) -> None:
    """Four validators, one of them killed under load: rate of the rest and the longest gap between blocks."""
    with scratch() as directory, network(4, senders, directory) as net:
        raws = presign(bytes.fromhex(net.plan.genesis), senders, scale.rounds_four)
        rest = net.plan.nodes[:3]
        first = raws[:BATCH]
        Push(rest, [first]).start().join()
        wait_for_total(rest, len(first))
        net.kill("node3")
        killed_at = read_total(rest[0])[0]
        _add(runs, "one_down_per_s", push_all(rest, raws[BATCH:], already=len(first)))
        times = block_times(rest[0], killed_at)
        _add(runs, "one_down_gap_ms_max", max(b - a for a, b in pairwise(times)))


def block_times(node: NodePlan, first: int) -> list[int]:
    """Return the times in ms of the blocks from a height to the head, as the chain has them."""
    times: dict[int, int] = {}
    with Client(node.rest_url) as client:
        start: int | None = None
        while start is None or start >= first:
            page = client.blocks(start, 100)
            times |= {block.height: block.time_ms for block in page.blocks}
            if page.next is None:
                break
            start = page.next
    return [times[height] for height in sorted(times) if height >= first]


def measure_trickle(scale: Scale, senders: list[Sender], runs: dict[str, list[float]]) -> None:
    """Disk of a quiet chain: 20 transfers a second on one validator."""
    empty = _empty_bytes(senders)
    with scratch() as directory:
        with network(1, senders, directory) as net:
            raws = presign(bytes.fromhex(net.plan.genesis), senders, 1)[: scale.trickle]
            Push(net.plan.nodes, [[raw] for raw in raws], workers=1, pause_s=0.05).start().join()
            wait_for_total(net.plan.nodes, len(raws))
        grown = chain_bytes(directory / "node0" / "data") - empty
        _add(runs, "disk_bytes_per_transfer_at_20_per_s", grown / len(raws))


def push_singles(net: Devnet, raws: list[bytes]) -> float:
    """Submit one transfer a request; return accepted requests a second."""
    node = net.plan.nodes[0]
    begin = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", node.public_port, timeout=30)
    for raw in raws:
        body = msgspec.json.encode({"raw": raw.hex()})
        connection.request("POST", "/v1/transactions", body, {"content-type": "application/json"})
        response = connection.getresponse()
        response.read()
        if response.status >= 300:
            raise RuntimeError(f"status {response.status}")
    seconds = time.perf_counter() - begin
    connection.close()
    wait_for_total(net.plan.nodes, read_total(node)[1])
    return len(raws) / seconds


def visible_ms(net: Devnet, raw: bytes) -> float:
    """Submit on the first node; return when the last node shows it committed."""
    wanted = read_total(net.plan.nodes[-1])[1] + 1
    body = msgspec.json.encode({"raw": raw.hex()})
    connection = http.client.HTTPConnection("127.0.0.1", net.plan.nodes[0].public_port, timeout=30)
    begin = time.perf_counter()
    connection.request("POST", "/v1/transactions", body, {"content-type": "application/json"})
    connection.getresponse().read()
    connection.close()
    wait_for_total([net.plan.nodes[-1]], wanted, poll_s=0.002)
    return (time.perf_counter() - begin) * 1_000


def rss_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _add(runs: dict[str, list[float]], name: str, value: float) -> None:
    runs.setdefault(name, []).append(round(value, 3))
