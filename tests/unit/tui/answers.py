"""Nodes that answer as told, and a feed without a network."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import TypeVar, cast

import msgspec

from chaosnet.base.errors import Invalid, Unavailable
from chaosnet.rpc import schema
from chaosnet.rpc.client import AsyncClient
from tests.unit.tui.making import NAMES, NOW, address_of, block_of, id_of, running, status_of, tx_of
from tui.network import Network

T = TypeVar("T")


def members_list() -> schema.ValidatorList:
    """The validators of a network whose members vote with equal weight."""
    rows = [
        schema.ValidatorStatus(
            operator=address_of(name),
            name=name,
            key=id_of(f"key {name}"),
            is_validator=True,
            is_next=True,
            weight="1",
            weight_ppm=250_000,
            is_candidate=False,
            bonded="0",
            commission_permille=0,
            is_jailed=False,
            jailed_until=0,
            missed_slots=0,
            is_self=name == "alpha",
            is_silent=False,
            last_block=10 - place,
        )
        for place, name in enumerate(NAMES)
    ]
    return schema.ValidatorList(
        engine="pbft",
        height=10,
        leader=address_of("alpha"),
        leader_name="alpha",
        total_weight="4",
        epoch=None,
        validators=rows,
    )


def just_head(height: int) -> schema.Tree:
    """The tree of a chain that never forks."""
    block = block_of(height)
    head = schema.TreeBlock(
        id=block.id,
        parent=block.parent,
        height=height,
        time_ms=block.time_ms,
        proposer=block.proposer,
        proposer_name=block.proposer_name,
        tx_count=block.tx_count,
        engine="pbft",
        era=0,
        weight="",
        is_canonical=True,
        is_final=True,
        is_tail=False,
    )
    return schema.Tree(
        finality="immediate",
        final_height=height,
        final_id=block.id,
        head_height=height,
        head_id=block.id,
        blocks=[head],
        left_out=0,
        reorganisations=[],
    )


def no_bonds(address: str) -> schema.DelegationList:
    return schema.DelegationList(address=address, height=10, bonded="0", unbonding="0", delegations=[])


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
        self.validator_list = members_list()
        self.block_tree: schema.Tree | None = None
        self.bonds: Callable[[str], schema.DelegationList] = no_bonds
        self.unknown: set[str] = set()
        """Routes that an old node does not have."""

    def client(self) -> AsyncClient:
        return cast("AsyncClient", self)

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if what in self.unknown:
            raise Invalid("not_found", f"no such route: {what}")
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

    async def validators(self, first: int = 0, limit: int = 200) -> schema.ValidatorList:
        self._note("validators")
        rows = self.validator_list.validators[first : first + limit]
        after = first + limit if first + limit < len(self.validator_list.validators) else None
        return msgspec.structs.replace(self.validator_list, validators=rows, next=after)

    async def tree(self) -> schema.Tree:
        self._note("tree")
        return self.block_tree if self.block_tree is not None else just_head(self.height)

    async def delegations(self, address: str) -> schema.DelegationList:
        self._note("delegations")
        return self.bonds(address)

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
