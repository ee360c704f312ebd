"""A network of real node processes for one test, and waiting for what it must come to."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chaosnet.base.errors import ChaosError
from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.devnet_plan import NodePlan, make_plan, parse_schedule
from chaosnet.daemon.loadgen import Sender, allocations_for, read_total
from chaosnet.rpc.client import Client
from chaosnet.rpc.schema import Status

POLL_S = 0.05


def wait_for(what: str, is_so: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Poll until a condition holds: the one place where an end-to-end test sleeps."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {timeout_s} s: {what}")
        time.sleep(POLL_S)


def free_ports(count: int) -> int:
    """Return the first of `count` ports in a row that nobody listens on.

    Below 32,768, from where on the system takes ports for outgoing connections: what a node that starts late
    will need stays free. Each test run looks elsewhere first.
    """
    bases = list(range(12_000, 32_600, 128))
    start = os.getpid() % len(bases)
    for base in bases[start:] + bases[:start]:
        if all(_is_free(base + i) for i in range(count)):
            return base
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def network(
    directory: Path,
    nodes: int,
    senders: list[Sender] | None = None,
    *,
    schedule: str = "pbft",
    late: tuple[str, ...] = (),
    **params: int,
) -> Iterator[Devnet]:
    """Run a fresh network; end every process with the block. `params` are chain parameters.

    `late` names nodes that the test starts itself.
    """
    base = free_ports(nodes * 3 + 1)
    plan = make_plan(
        directory,
        nodes=nodes,
        base_port=base,
        explorer_port=base + nodes * 3,
        schedule=parse_schedule(schedule),
        allocations=allocations_for(senders or []),
        params=params,
    )
    net = Devnet(directory, plan)
    first = [node for node in plan.nodes if node.name not in late]
    names = [node.name for node in first]
    try:
        for name in names:
            net.start(name)
        net.wait_ready(names)
        wait_for("all nodes linked", lambda: all(peers(n) == len(first) - 1 for n in first))
        yield net
    finally:
        net.stop_all()


def peers(node: NodePlan) -> int:
    """Return the connections of a node; -1 when it does not answer."""
    try:
        return read_total(node)[2]
    except OSError:
        return -1


def status(node: NodePlan) -> Status | None:
    """Return a node's status, or None when it does not answer."""
    try:
        with Client(node.rest_url) as client:
            return client.status()
    except ChaosError:
        return None


def height(node: NodePlan) -> int:
    """Return a node's height; -1 when it does not answer."""
    try:
        return read_total(node)[0]
    except OSError:
        return -1


def get(node: NodePlan, path: str) -> Any:
    """Return the JSON of a path of the public listener."""
    connection = http.client.HTTPConnection("127.0.0.1", node.public_port, timeout=20)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def same_state(net: Devnet, names: list[str] | None = None) -> bool:
    """Return whether the nodes stand on the same block with the same state root."""
    rows = [row for row in net.table() if names is None or row["name"] in names]
    return len({(row["height"], row["tip"], row["state_root"]) for row in rows}) == 1


def block_times(node: NodePlan, first: int, last: int) -> list[int]:
    """Return the times of blocks first..last in ms, as the chain has them."""
    times: dict[int, int] = {}
    at = last
    while at >= first:
        page = get(node, f"/v1/blocks?from={at}&limit=100")["blocks"]
        times |= {block["height"]: block["time_ms"] for block in page}
        at = min(times) - 1
        if not page:
            break
    return [times[h] for h in sorted(times) if first <= h <= last]


def chaosnet(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", "chaosnet", *arguments],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    if check and done.returncode != 0:
        raise AssertionError(
            f"chaosnet {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done
