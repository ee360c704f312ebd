"""Load for benchmarks and fault tests: transfers from many senders, signed in advance, pushed in batches.

Sends to nodes of a devnet on this machine only. Plain HTTP connections in threads, so that the load costs the
shared cores little.
"""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from chaosnet.base.codec import encode
from chaosnet.base.units import Address
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.daemon.devnet_plan import NodePlan
from chaosnet.model.genesis import Allocation
from chaosnet.model.policy import KeyPolicy, Witness, address_of, single_key
from chaosnet.model.transaction import Transaction, Transfer, TxBody, tx_id_of

GAS_LIMIT = 21_000
EXPIRY = 90_000
FUNDS = 10**12
"""Motes of each sender at genesis."""


@dataclass(frozen=True, slots=True)
class Sender:
    """One funded account of the load."""

    seed: bytes
    policy: KeyPolicy
    address: Address


def make_senders(count: int, label: str = "load") -> list[Sender]:
    """Return accounts derived from a label."""
    senders = []
    for i in range(count):
        seed = sha256(f"{label}/{i}".encode()).digest()
        policy = single_key(public_key_of(seed))
        senders.append(Sender(seed, policy, address_of(policy)))
    return senders


def allocations_for(senders: Sequence[Sender]) -> tuple[Allocation, ...]:
    """Return genesis allocations that fund the senders."""
    return tuple(Allocation(f"load{i}", sender.address, FUNDS, None) for i, sender in enumerate(senders))


def transfer(genesis: bytes, sender: Sender, nonce: int, to: Address, *, amount: int = 1) -> bytes:
    """Return a signed transfer."""
    body = TxBody(
        genesis=genesis,
        sender=sender.address,
        nonce=nonce,
        anchor_height=0,
        anchor_prefix=genesis[:8],
        expiry=EXPIRY,
        gas_limit=GAS_LIMIT,
        gas_price=1,
        payer=None,
        memo="",
        actions=(Transfer(to=to, amount=amount),),
    )
    signature = sign(sender.seed, tx_id_of(body))
    witness = Witness(policy=sender.policy, signatures=((0, signature),))
    return encode(Transaction(body=body, witness=witness, payer_witness=None))


def presign(genesis: bytes, senders: Sequence[Sender], rounds: int, *, first_nonce: int = 0) -> list[bytes]:
    """Return `rounds` transfers of every sender, by nonce, each to another sender."""
    count = len(senders)
    return [
        transfer(genesis, sender, nonce, senders[(i * 7 + nonce + 1) % count].address)
        for nonce in range(first_nonce, first_nonce + rounds)
        for i, sender in enumerate(senders)
    ]


def batch_body(raws: Sequence[bytes]) -> bytes:
    """Return the body of a batch submission."""
    return msgspec.json.encode({"raws": [raw.hex() for raw in raws]})


class _Verdict(msgspec.Struct):
    code: str


class _Result(msgspec.Struct):
    verdicts: list[_Verdict]


_results = msgspec.json.Decoder(_Result)


@dataclass
class Push:
    """Pushes batches to nodes until all are out or `stop` is called; nodes that do not answer are skipped."""

    nodes: Sequence[NodePlan]
    batches: Sequence[Sequence[bytes]]
    workers: int = 2
    pause_s: float = 0.0
    """Pause of each worker between two batches."""
    codes: Counter[str] = field(default_factory=Counter)
    """Verdicts by code; `unanswered` counts transactions of requests that failed."""
    _threads: list[threading.Thread] = field(default_factory=list)
    _next: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "Push":
        """Begin in the background."""
        for _ in range(self.workers):
            thread = threading.Thread(target=self._work, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        """Send no more; wait for what is under way."""
        self._stopped.set()
        self.join()

    def join(self) -> None:
        """Wait until everything is out."""
        for thread in self._threads:
            thread.join()

    def _take(self) -> int | None:
        with self._lock:
            if self._stopped.is_set() or self._next >= len(self.batches):
                return None
            self._next += 1
            return self._next - 1

    def _work(self) -> None:
        connections: dict[str, http.client.HTTPConnection] = {}
        while (index := self._take()) is not None:
            raws = self.batches[index]
            node = self.nodes[index % len(self.nodes)]
            try:
                found = self._post(connections, node, batch_body(raws))
            except (OSError, http.client.HTTPException, msgspec.DecodeError):
                connections.pop(node.name).close()
                found = Counter({"unanswered": len(raws)})
                self._stopped.wait(0.2)
            with self._lock:
                self.codes.update(found)
            if self.pause_s:
                self._stopped.wait(self.pause_s)
        for connection in connections.values():
            connection.close()

    def _post(
        self, connections: dict[str, http.client.HTTPConnection], node: NodePlan, body: bytes
    ) -> Counter[str]:
        connection = connections.get(node.name)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", node.public_port, timeout=30)
            connections[node.name] = connection
        connection.request("POST", "/v1/transactions:batch", body, {"content-type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        if response.status != 200:
            raise http.client.HTTPException(f"status {response.status}")
        return Counter(verdict.code for verdict in _results.decode(data).verdicts)


class _Total(msgspec.Struct):
    height: int
    txs_total: int
    peers: int


_totals = msgspec.json.Decoder(_Total)


def read_total(node: NodePlan, timeout_s: float = 10.0) -> tuple[int, int, int]:
    """Return (height, transactions on the chain, peers) of a node; raises OSError when it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", node.public_port, timeout=timeout_s)
    try:
        connection.request("GET", "/v1/status")
        found = _totals.decode(connection.getresponse().read())
    except (http.client.HTTPException, msgspec.DecodeError) as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
    return found.height, found.txs_total, found.peers


def wait_for_total(
    nodes: Sequence[NodePlan], wanted: int, *, patience_s: float = 30.0, poll_s: float = 0.02
) -> int:
    """Wait until every node has `wanted` transactions on its chain; return the least total.

    Gives up when nothing moved for `patience_s`: then the result is below `wanted`.
    """
    best = -1
    moved = time.monotonic()
    while True:
        least = min(read_total(node)[1] for node in nodes)
        if least > best:
            best, moved = least, time.monotonic()
        if best >= wanted or time.monotonic() - moved > patience_s:
            return best
        time.sleep(poll_s)
