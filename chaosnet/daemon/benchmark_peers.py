"""The token transfer on other people's machines, where they are installed: py-evm and anvil.

`make bench` brings both into a folder of their own (scripts/bench_peers.sh). Anvil runs as a process on
loopback; its accounts are its own, so that it signs: from submission in batches to one mined block.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from chaosnet.daemon import benchmark_evm

CALLS: Final = 5_000
BATCH: Final = 250
SENDERS: Final = 10
START_S: Final = 20
PY_EVM_S: Final = 300
TOKEN: Final = "0x" + "01" * 20
HELD: Final = 10**18
GAS: Final = 100_000


def py_evm_rate(folder: Path) -> tuple[float, str]:
    """Return (transfers a second of processor time, ""), or (0, why there are none)."""
    python = folder / "venv/bin/python"
    if not python.exists():
        return 0, "py-evm: not installed, left out; scripts/bench_peers.sh brings it"
    program = Path(benchmark_evm.__file__)
    try:
        done = subprocess.run(
            [python, "-I", program], capture_output=True, text=True, timeout=PY_EVM_S, check=True
        )
        return float(done.stdout), ""
    except (subprocess.SubprocessError, ValueError, OSError) as error:
        return 0, f"py-evm: failed, left out: {error}"


def anvil_rate(folder: Path, calls: int = CALLS) -> tuple[float, str]:
    """Return (transfers a second from submission to a mined block, ""), or (0, why there are none)."""
    program = folder / "node_modules/.bin/anvil"
    if not program.exists():
        return 0, "anvil: not installed, left out; scripts/bench_peers.sh brings it"
    try:
        with _anvil(program) as client:
            return _transfers(client, calls), ""
    except (httpx.HTTPError, OSError, RuntimeError) as error:
        return 0, f"anvil: failed, left out: {error}"


@contextmanager
def _anvil(program: Path) -> Iterator[httpx.Client]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--accounts", str(SENDERS), "--no-mining", "--silent"]
    limits = ["--gas-limit", str(10**12), "--order", "fifo", "--prune-history"]
    process = subprocess.Popen([program.resolve(), *options, *limits])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            _wait(client, process)
            yield client
    finally:
        process.terminate()
        process.wait()


def _wait(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        try:
            _ask(client, ("eth_blockNumber",))
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("it does not start")


def _ask(client: httpx.Client, *asked: tuple[Any, ...]) -> list[Any]:
    """Return the answers to (method, parameters ...), asked in one request; raises RuntimeError."""
    body = [
        {"jsonrpc": "2.0", "id": i, "method": method, "params": params}
        for i, (method, *params) in enumerate(asked)
    ]
    answers = sorted(client.post("/", json=body).raise_for_status().json(), key=lambda one: one["id"])
    for answer in answers:
        if "error" in answer:
            raise RuntimeError(str(answer["error"]))
    return [answer["result"] for answer in answers]


def _transfers(client: httpx.Client, calls: int) -> float:
    """Give accounts something to send, let them send it, and return how many a second arrived."""
    (accounts,) = _ask(client, ("eth_accounts",))
    hashes = _ask(client, *(("web3_sha3", f"0x{account[2:]:0>64}{0:064x}") for account in accounts))
    _ask(client, ("anvil_setCode", TOKEN, "0x" + benchmark_evm.token_code().hex()))
    _ask(client, *(("anvil_setStorageAt", TOKEN, place, f"0x{HELD:064x}") for place in hashes))
    sent = [_transfer(accounts, i) for i in range(calls)]
    ids: list[str] = []
    begin = time.perf_counter()
    for i in range(0, calls, BATCH):
        ids += _ask(client, *sent[i : i + BATCH])
    _ask(client, ("evm_mine",))
    seconds = time.perf_counter() - begin
    left = _ask(client, *(("eth_getStorageAt", TOKEN, place, "latest") for place in hashes))
    (last,) = _ask(client, ("eth_getTransactionReceipt", ids[-1]))
    if sum(int(one, 16) for one in left) != HELD * len(accounts) - calls or len(last["logs"]) != 1:
        raise RuntimeError("the transfers did not happen")
    return round(calls / seconds, 1)


def _transfer(accounts: list[str], number: int) -> tuple[Any, ...]:
    nonce, sender = divmod(number, len(accounts))
    data = f"0xa9059cbb{number % 100 + 1:064x}{1:064x}"
    fields = {"from": accounts[sender], "nonce": hex(nonce), "to": TOKEN, "gas": hex(GAS), "data": data}
    return "eth_sendTransaction", fields
