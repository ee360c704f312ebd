"""A made-up node on a real port, and the explorer over it as the process that operators start."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from chaosnet.rpc.app import public_app
from tests.unit.explorer.made_node import MadeNode

REPOSITORY = Path(__file__).parent.parent.parent
START_S = 30.0


class NodeServer:
    """Serves a made-up node from a thread with an event loop of its own."""

    def __init__(self, node: MadeNode) -> None:
        self.node = node
        self._loop = asyncio.new_event_loop()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        app = public_app(node, submit="public", on_error=print)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
            )
        )
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve(sockets=[self._socket]))

    def do(self, work: Callable[[], Any]) -> Any:
        """Run something on the node's loop and return its result."""

        async def run() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def stop(self) -> None:
        """End the node; whoever reads its stream is cut off."""
        self.do(self.node.hub.close)
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextlib.contextmanager
def explorer_over(*node_urls: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run `python -m explorer`; yield its address and the process."""
    port = free_port()
    command = [sys.executable, "-m", "explorer", "--port", str(port)]
    for url in node_urls:
        command += ["--node", url]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.DEVNULL)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_up(url: str) -> None:
    """Wait until something answers there."""
    deadline_s = time.monotonic() + START_S
    while True:
        try:
            httpx.get(url, trust_env=False)
            return
        except httpx.HTTPError:
            if time.monotonic() > deadline_s:
                raise
        time.sleep(0.05)
