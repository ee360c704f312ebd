"""Statuses and blocks from a few words, nodes that answer as told, and a feed without a network."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from hashlib import sha256
from typing import TypeVar, cast

import msgspec

from chaosnet.base.errors import Invalid, Unavailable
from chaosnet.rpc import schema
from chaosnet.rpc.client import AsyncClient
from tui.network import Network, Target

T = TypeVar("T")

NOW = 1_700_000_000_000
NAMES = ("alpha", "beta", "gamma", "delta")
HEALTHY = schema.Health(is_healthy=True, phase="running")
SINCE = NOW - 192_000
HALTED = schema.Health(
    is_healthy=False,
    phase="running",
    code="quorum_lost",
    reason="2 of 4 members silent, 3 needed",
    since_ms=SINCE,
)


def id_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def address_of(name: str) -> str:
    return f"cos1q{id_of(name)[:50]}"


def members_of(name: str, silent: Collection[str] = ()) -> list[schema.MemberStatus]:
    return [
        schema.MemberStatus(
            name=other,
            operator=address_of(other),
            role="validator",
            is_self=other == name,
            is_connected=other != name and other not in silent,
            is_silent=other in silent,
            last_heard_ms=None if other == name else SINCE if other in silent else NOW - 300,
        )
        for other in NAMES
    ]


def status_of(
    name: str,
    height: int = 10,
    *,
    chain: str = "main",
    silent: Collection[str] = (),
    health: schema.Health = HEALTHY,
    pool: int = 0,
    started_ms: int = NOW - 60_000,
    genesis: str = "genesis",
    round: int = 0,
    interval_ms: int | None = 950,
) -> schema.Status:
    return schema.Status(
        name=name,
        software="chaosnet/0",
        chain_name="made",
        genesis=id_of(genesis),
        address_prefix="cos",
        node_id=id_of(f"node {name}"),
        rule=1,
        rules_known=[1],
        height=height,
        tip=id_of(f"{chain} {height}"),
        state_root=id_of(f"{chain} state {height}"),
        tip_time_ms=NOW - 500,
        final_height=height,
        final_id=id_of(f"{chain} {height}"),
        now_ms=NOW,
        started_ms=started_ms,
        peers=3 - len(silent),
        clock_offset_ms=-3,
        mempool_txs=pool,
        mempool_bytes=pool * 250,
        best_height=height,
        trust="genesis",
        submit="public",
        consensus=schema.ConsensusStatus(
            engine="pbft",
            finality="immediate",
            era=0,
            height=height + 1,
            round=round,
            step="propose",
            proposer="alpha",
            validators=4,
            needed=3,
            is_validator=True,
        ),
        health=health,
        members=members_of(name, silent),
        block_interval_ms=interval_ms,
        txs_total=1_234,
    )


def block_of(height: int, *, chain: str = "main", txs: int = 2, round: int = 0) -> schema.BlockSummary:
    return schema.BlockSummary(
        height=height,
        id=id_of(f"{chain} {height}"),
        parent=id_of(f"{chain} {height - 1}"),
        time_ms=NOW + (height - 10) * 1_000,
        proposer=address_of(NAMES[height % 4]),
        proposer_name=NAMES[height % 4],
        tx_count=txs,
        gas_used=42_000,
        size_bytes=700,
        engine="pbft",
        era=0,
        round=round,
        is_final=True,
        state_root=id_of(f"{chain} state {height}"),
    )


def tx_of(height: int, position: int = 0) -> schema.TransactionSummary:
    return schema.TransactionSummary(
        id=id_of(f"tx {height} {position}"),
        height=height,
        position=position,
        sender=address_of("alpha"),
        nonce=height,
        code="ok" if position == 0 else "insufficient_funds",
        fee="21000",
        actions=["transfer"],
        to=address_of("beta"),
        amount="123456789000",
        time_ms=NOW,
    )


def network_of(count: int = 4) -> Network:
    return Network([Target(name, f"http://{name}:26710") for name in NAMES[:count]])


def running(heights: int = 30) -> Network:
    """Four nodes that agree, after some blocks."""
    network = network_of()
    for index, name in enumerate(NAMES):
        network.answered(index, status_of(name), NOW, 4)
    network.source, network.is_streaming = 0, True
    network.take_blocks(0, [block_of(h) for h in range(max(1, 11 - heights), 10)])
    network.take_event(0, schema.BlockEvent(block=block_of(10), tx_ids=[id_of("tx 10 0")]), NOW)
    return network


def lose_two(network: Network) -> None:
    """Let two nodes fall silent and the others say so."""
    for index in (2, 3):
        network.lost(index, "connection: refused", NOW)
    for index in (0, 1):
        network.answered(index, status_of(NAMES[index], silent=NAMES[2:], health=HALTED), NOW)


class Answers:
    """Stands in for a client: the routes the terminal uses, over a few made-up blocks. Fails when told to."""

    def __init__(self, name: str = "alpha", height: int = 10) -> None:
        self.name = name
        self.height = height
        self.chain = "main"
        self.failure: Exception | None = None
        self.stream_failure: Exception | None = None
        self.events: asyncio.Queue[schema.StreamEvent | None] = asyncio.Queue()
        self.asked: list[str] = []
        self.is_closed = False

    def client(self) -> AsyncClient:
        return cast("AsyncClient", self)

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if self.failure is not None:
            raise self.failure

    async def close(self) -> None:
        self.is_closed = True

    async def status(self) -> schema.Status:
        self._note("status")
        return status_of(self.name, self.height, chain=self.chain)

    async def blocks(self, first: int | None = None, limit: int = 20) -> schema.BlockList:
        self._note(f"blocks {first}")
        top = self.height if first is None else min(first, self.height)
        heights = range(top, max(-1, top - limit), -1)
        return schema.BlockList(blocks=[block_of(h, chain=self.chain) for h in heights])

    async def block(self, name: int | str) -> schema.Block:
        self._note(f"block {name}")
        height = int(name) if str(name).isdecimal() else self.height
        if height > self.height:
            raise Invalid("not_found", f"block {name}")
        return schema.Block(
            summary=block_of(height, txs=3),
            rule=1,
            tx_root=id_of("t"),
            receipts_root=id_of("r"),
            validators_hash=id_of("v"),
            next_validators_hash=id_of("v"),
            parent_seal_hash=id_of("s"),
            header="00",
            seal="00",
            signers=list(NAMES[:3]),
            transactions=[tx_of(height, 0), tx_of(height, 1)],
        )

    async def block_transactions(
        self, name: int | str, position: int = 0, limit: int = 20
    ) -> schema.TransactionList:
        self._note(f"block_transactions {position}")
        return schema.TransactionList(transactions=[tx_of(self.height, position)])

    async def transaction(self, tx_id: str) -> schema.Transaction:
        self._note("transaction")
        body: dict[str, object] = {
            "sender": address_of("alpha"),
            "nonce": 7,
            "memo": "[b]thanks[/]\x1b[31m",
            "signers": 1,
            "threshold": "1",
            "payer": address_of("gamma"),
            "actions": [
                {"kind": "transfer", "to": address_of("beta"), "amount": "500000000"},
                {"kind": "transfer", "to": address_of("beta"), "amount": "1"},
                {"kind": "accuse", "height": 3},
            ],
        }
        return schema.Transaction(
            id=tx_id, status="final", raw="00", body=body, height=9, code="ok", gas=21, fee="21", time_ms=NOW
        )

    async def account(self, address: str) -> schema.Account:
        self._note(f"account {address}")
        return schema.Account(
            address=address,
            exists=True,
            nonce=7,
            balance="123456789012",
            locked="400000000",
            total="123856789012",
            policy_hash="",
            locks=[schema.LockStatus(amount="500000000", claimed="0", released="1", next_release_ms=NOW)],
            height=self.height,
            block_id=id_of(f"main {self.height}"),
            pending_nonce=8,
        )

    async def account_transactions(
        self, address: str, cursor: str | None = None, limit: int = 20
    ) -> schema.TransactionList:
        self._note(f"account_transactions {cursor}")
        if cursor is None:
            return schema.TransactionList(transactions=[tx_of(10), tx_of(9)], next="older")
        return schema.TransactionList(transactions=[tx_of(8)])

    async def search(self, text: str) -> schema.SearchResult:
        self._note(f"search {text}")
        if text.isdecimal():
            return schema.SearchResult(kind="block", key=text)
        if text.startswith("cos1"):
            return schema.SearchResult(kind="account", key=text)
        return schema.SearchResult(kind="none", key="")

    async def peers(self) -> schema.PeerList:
        self._note("peers")
        return schema.PeerList(
            peers=[
                schema.Peer(
                    node_id=id_of(f"node {other}"),
                    member=other if other != "delta" else "",
                    is_outbound=other == "beta",
                    height=self.height,
                    round=0,
                    offset_ms=-3,
                    software="chaosnet/0",
                    since_ms=NOW - 5_000,
                )
                for other in NAMES
                if other != self.name
            ]
        )

    async def stream(
        self, after: int | None = None, *, kinds: Collection[str] = (), resume: bool = True
    ) -> AsyncIterator[tuple[int, schema.StreamEvent]]:
        self.asked.append("stream")
        if self.stream_failure is not None:
            raise self.stream_failure
        while (event := await self.events.get()) is not None:
            yield 1, event


class MadeFeed:
    """A feed that asks nobody by itself; questions go to one set of answers."""

    def __init__(self, network: Network | None = None) -> None:
        self.network = network if network is not None else running()
        self.refresh_ms = 1_000
        self.now = NOW
        self.clock_ms: Callable[[], int] = lambda: self.now
        self.answers = Answers()
        self.woken = 0
        self.is_closed = False

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.is_closed = True

    def wake(self) -> None:
        self.woken += 1

    async def ask(self, question: Callable[[AsyncClient], Awaitable[T]]) -> T:
        return await question(self.answers.client())

    async def ask_node(self, index: int, question: Callable[[AsyncClient], Awaitable[T]]) -> T:
        if not self.network.nodes[index].is_reachable:
            raise Unavailable("connection", "refused")
        return await question(self.answers.client())


def with_health(status: schema.Status, health: schema.Health) -> schema.Status:
    return msgspec.structs.replace(status, health=health)
