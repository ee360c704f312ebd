"""Running a local network: real processes over real TCP and TLS, started, watched and stopped by name.

Each process writes its pid and the kernel's start time of that pid beside its log, so that a pid that was
reused is never signalled.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from chaosnet.base.errors import ChaosError, Refused, Unavailable
from chaosnet.daemon.devnet_plan import NodePlan, Plan
from chaosnet.ledger.genesis_state import genesis_header
from chaosnet.model.genesis_json import parse_genesis
from chaosnet.model.header import block_id_of
from chaosnet.rpc.client import Client
from chaosnet.rpc.schema import Status
from chaosnet.storage.reader import ChainView

EXPLORER = "explorer"
ENDED_FILE = "ended"
"""Beside a log: how somebody ended the process on purpose."""
STOP_S = 15.0
READY_S = 60.0
ANSWER_S = 2.0
POLL_S = 0.05


def check_ports(nodes: Sequence[NodePlan], explorer_port: int | None) -> None:
    """Raise Refused(`port_taken`) when another process uses a port that these nodes or the explorer need."""
    wanted = [(node.name, port) for node in nodes for port in _ports(node)]
    if explorer_port is not None:
        wanted.append((EXPLORER, explorer_port))
    for name, port in wanted:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError as error:
                raise Refused("port_taken", f"{port}, for {name}") from error


def _ports(node: NodePlan) -> tuple[int, int, int]:
    return node.p2p_port, node.public_port, node.operator_port


class Devnet:
    """The processes of one devnet directory."""

    def __init__(self, directory: Path, plan: Plan) -> None:
        self.directory = directory
        self.plan = plan
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    # ── processes ────────────────────────────────────────────────────────────────────────────────────────

    def start(self, name: str) -> int:
        """Start one node, or the explorer; return its pid. Raises Refused(`in_use`) when it runs."""
        running = self.pid(name)
        if running is not None:
            raise Refused("in_use", f"{name} runs already (pid {running})")
        folder = self.directory / name
        folder.mkdir(exist_ok=True)
        (folder / ENDED_FILE).unlink(missing_ok=True)
        with (folder / "log").open("ab") as log:
            child = subprocess.Popen(
                self._command(name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.directory,
            )
        self._children[name] = child
        (folder / "pid").write_text(f"{child.pid} {_start_time(child.pid)}", encoding="utf-8")
        return child.pid

    def _command(self, name: str) -> list[str]:
        if name == EXPLORER:
            command = [sys.executable, "-m", "explorer", "--host", "127.0.0.1"]
            command += ["--port", str(self.plan.explorer_port)]
            for node in self.plan.nodes:
                command += ["--node", node.rest_url]
            return command
        config = self.directory.absolute() / name / "node.toml"
        command = [sys.executable, "-m", "chaosnet", "node", "run", "--config", str(config)]
        pin = stale_pin(self.directory / "genesis.json", config.parent / "data", time.time_ns() // 1_000_000)
        return [*command, "--trust", pin] if pin else command

    def pid(self, name: str) -> int | None:
        """Return the pid of a running node, or None."""
        try:
            text = (self.directory / name / "pid").read_text(encoding="utf-8")
        except OSError:
            return None
        pid, _, started = text.partition(" ")
        child = self._children.get(name)
        if child is not None and child.pid == int(pid) and child.poll() is not None:
            return None
        return int(pid) if started and _start_time(int(pid)) == started else None

    def names(self) -> list[str]:
        """Return the names of all nodes."""
        return [node.name for node in self.plan.nodes]

    def running(self) -> list[str]:
        """Return the names of all processes that run: nodes, and the explorer."""
        return [name for name in (*self.names(), EXPLORER) if self.pid(name) is not None]

    def signal(self, name: str, number: int) -> bool:
        """Send a signal; return False when it does not run."""
        pid = self.pid(name)
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def wait_gone(self, name: str, timeout_s: float = STOP_S) -> bool:
        """Wait until a process has ended; return False when it did not in time."""
        deadline = time.monotonic() + timeout_s
        while self.pid(name) is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        if child := self._children.get(name):
            child.wait(timeout_s)  # a zombie is reaped only when the last of its threads has ended
        return True

    def end(self, name: str, number: int) -> bool:
        """Send a signal that ends a process, having noted that this is wanted; False when it does not run."""
        if self.pid(name) is None:
            return False
        # Before the signal: who watches may look right after it.
        word = "killed" if number == signal.SIGKILL else "stopped"
        (self.directory / name / ENDED_FILE).write_text(word, encoding="utf-8")
        return self.signal(name, number)

    def how_ended(self, name: str) -> str:
        """Return `stopped` or `killed` when somebody wanted the process to end, else an empty text."""
        try:
            return (self.directory / name / ENDED_FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def stop(self, name: str) -> None:
        """End a process cleanly; by force when it does not answer."""
        if self.end(name, signal.SIGTERM) and not self.wait_gone(name):
            self.kill(name)

    def kill(self, name: str) -> None:
        """End a process as a crash would."""
        if self.end(name, signal.SIGKILL):
            self.wait_gone(name)

    def stop_all(self) -> None:
        """End everything, all at once."""
        names = [EXPLORER, *self.names()]
        for name in names:
            self.end(name, signal.SIGTERM)
        for name in names:
            if not self.wait_gone(name):
                self.kill(name)

    # ── what they say ────────────────────────────────────────────────────────────────────────────────────

    def wait_ready(self, names: list[str], timeout_s: float = READY_S) -> None:
        """Wait until processes answer; raises Unavailable(`timeout`) with the tail of a log."""
        deadline = time.monotonic() + timeout_s
        for name in names:
            while not self.answers(name):
                if self.pid(name) is None or time.monotonic() > deadline:
                    raise Unavailable("timeout", f"{name} did not start:\n{self.tail(name)}")
                time.sleep(POLL_S)

    def answers(self, name: str) -> bool:
        """Return whether a process, a node or the explorer, answers requests."""
        if name == EXPLORER:
            try:
                httpx.get(f"{self.plan.explorer_url}/health", timeout=ANSWER_S)
            except httpx.HTTPError:
                return False
            return True
        try:
            with Client(self.plan.node(name).rest_url) as client:
                client.health()
        except ChaosError:
            return False
        return True

    def tail(self, name: str, lines: int = 15) -> str:
        """Return the end of a node's log."""
        try:
            text = (self.directory / name / "log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def status(self, name: str) -> Status | None:
        """Return a node's status, or None when it does not answer."""
        try:
            with Client(self.plan.node(name).rest_url, timeout_ms=2_000) as client:
                return client.status()
        except ChaosError:
            return None

    def table(self) -> list[dict[str, object]]:
        """Return one row a node, as `devnet status --json` prints it."""
        rows: list[dict[str, object]] = []
        for node in self.plan.nodes:
            status = self.status(node.name)
            pid = self.pid(node.name)
            rows.append(
                {
                    "name": node.name,
                    "engine": status.consensus.engine if status else None,
                    "height": status.height if status else None,
                    "final_height": status.final_height if status else None,
                    "tip": status.tip if status else None,
                    "state_root": status.state_root if status else None,
                    "peers": status.peers if status else 0,
                    "healthy": bool(status and status.health.is_healthy),
                    "reason": status.health.reason if status else _absence(pid),
                    "rest_url": node.rest_url,
                    "pid": pid,
                }
            )
        return rows


def stale_pin(genesis_path: Path, data: Path, now_ms: int) -> str:
    """Return `height:id` of a stopped node's newest final block if it is past the trust period, else nothing.

    A devnet has all keys of its network: where its own nodes stand is where the network stands.
    """
    genesis = parse_genesis(genesis_path.read_text(encoding="utf-8"))
    header = genesis_header(genesis)
    with suppress(ChaosError):  # nothing there yet, or the node will say what is wrong with it
        view = ChainView.of_existing(data)
        newest = view.stored_header(view.final_height())
        view.close()
        header = newest.decoded() if newest is not None else header
    if now_ms - header.time_ms <= genesis.params.trust_period_ms:
        return ""
    return f"{header.height}:{block_id_of(header).hex()}"


def _absence(pid: int | None) -> str:
    return "not running" if pid is None else "does not answer"


def _start_time(pid: int) -> str:
    """Return when the kernel says a process started, in clock ticks after boot; empty: no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
