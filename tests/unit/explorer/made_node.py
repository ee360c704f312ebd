"""A node with a chain made up for the explorer's tests: it grows when told to, and says what it is told."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from chaosnet.base.errors import Invalid
from chaosnet.base.units import MOTES_PER_COS, Address
from chaosnet.crypto.addresses import format_address, parse_address
from chaosnet.rpc import schema
from chaosnet.rpc.stream import EventHub
from tests.fake_backend import FakeBackend

START_MS = 1_790_000_000_000
BLOCK_MS = 2_000
MEMBERS = ("alpha", "beta", "gamma", "delta")
HOSTILE = "<script>alert(1)</script> \" onload='x' & {{ 7*7 }}"


def address_of(name: str) -> str:
    return format_address("cos", Address(b"\x00" + sha256(name.encode()).digest()))


def id_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


ALICE, BOB, TEAM, NOBODY = (address_of(name) for name in ("alice", "bob", "team", "nobody"))


class MadeNode(FakeBackend):
    """Implements rpc.backend.Backend."""

    def __init__(self, name: str = "alpha", *, start_ms: int = START_MS, chain: str = "made") -> None:
        super().__init__()
        self.name = name
        self.chain = chain
        self.start_ms = start_ms
        self.now_ms = start_ms
        self.made: list[schema.BlockSummary] = []
        self.txs: list[list[schema.TransactionSummary]] = []
        self.pending: list[str] = []
        self.memo = "for the coffee"
        self.wrong = schema.Health(is_healthy=True, phase="running")
        self.silent: tuple[str, ...] = ()
        self.calls: list[str] = []
        self.salt = ""
        self.hub = EventHub(first_id=start_ms)
        self.grow(0)

    # ── making ───────────────────────────────────────────────────────────────────────────────────────────

    def grow(self, tx_count: int = 1, *, time_ms: int | None = None) -> schema.BlockSummary:
        """Add a block, final at once, and tell the stream."""
        height = len(self.made)
        self.now_ms = time_ms or self.start_ms + height * BLOCK_MS
        proposer = MEMBERS[height % 4]
        block = schema.BlockSummary(
            height=height,
            id=self.block_id(height),
            parent=self.block_id(height - 1) if height else "00" * 32,
            time_ms=self.now_ms,
            proposer=address_of(proposer),
            proposer_name=proposer,
            tx_count=tx_count,
            gas_used=21_000 * tx_count,
            size_bytes=600 + 212 * tx_count,
            engine="pbft",
            era=0,
            round=0,
            is_final=True,
            state_root=id_of(f"state {height}"),
        )
        made = [self._line(height, position) for position in range(tx_count)]
        waiting, self.pending = self.pending[:tx_count], self.pending[tx_count:]
        for position, tx_id in enumerate(waiting):
            made[position] = msgspec.structs.replace(made[position], id=tx_id)
        self.made.append(block)
        self.txs.append(made)
        self.hub.publish(schema.BlockEvent(block=block, tx_ids=[tx.id for tx in made]))
        self.hub.publish(schema.FinalEvent(height=height, id=block.id))
        return block

    def submit_made(self, tx_id: str) -> None:
        """Have a transaction wait for the next block."""
        self.pending.append(tx_id)
        self.hub.publish(schema.PendingEvent(tx_ids=[tx_id]))

    def be_wrong(self, health: schema.Health, silent: Iterable[str] = ()) -> None:
        self.wrong = health
        self.silent = tuple(silent)
        self.hub.publish(schema.HealthEvent(health=health))

    def block_id(self, height: int) -> str:
        return id_of(f"{self.chain} block {height} {self.salt}")

    def tx_id(self, height: int, position: int) -> str:
        return self.txs[height][position].id

    def _line(self, height: int, position: int) -> schema.TransactionSummary:
        return schema.TransactionSummary(
            id=id_of(f"{self.chain} tx {height}.{position}"),
            height=height,
            position=position,
            sender=BOB if position % 3 == 2 else ALICE,
            nonce=height,
            code="not_enough" if position % 7 == 5 else "ok",
            fee="21000",
            actions=["transfer", "transfer"] if position % 5 == 4 else ["transfer"],
            to=ALICE if position % 3 == 2 else BOB,
            amount=str(12 * MOTES_PER_COS + MOTES_PER_COS // 2 + position),
            time_ms=self.now_ms,
        )

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> schema.Status:
        self.calls.append("status")
        top = self.made[-1]
        return msgspec.structs.replace(
            super().status(),
            name=self.name,
            chain_name=self.chain,
            genesis=id_of(f"genesis {self.chain}"),
            height=top.height,
            tip=top.id,
            state_root=top.state_root,
            tip_time_ms=top.time_ms,
            final_height=top.height,
            final_id=top.id,
            now_ms=self.now_ms,
            started_ms=self.start_ms,
            peers=3,
            clock_offset_ms=4,
            mempool_txs=len(self.pending),
            mempool_bytes=212 * len(self.pending),
            block_interval_ms=1_250,
            txs_total=sum(block.tx_count for block in self.made),
            members=[
                schema.MemberStatus(
                    name=name,
                    operator=address_of(name),
                    role="validator",
                    is_self=name == self.name,
                    is_connected=name not in self.silent,
                    is_silent=name in self.silent,
                    last_heard_ms=self.now_ms - 800,
                )
                for name in MEMBERS
            ],
        )

    def health(self) -> schema.Health:
        return self.wrong

    def params(self) -> schema.Params:
        self.calls.append("params")
        return msgspec.structs.replace(super().params(), params={"block_gas_max": 1_000_000})

    async def block(self, name: str) -> schema.Block:
        self.calls.append("block")
        height = self._height_of(name)
        return schema.Block(
            summary=self.made[height],
            rule=1,
            tx_root=id_of(f"txs {height}"),
            receipts_root=id_of(f"receipts {height}"),
            validators_hash=id_of("validators"),
            next_validators_hash=id_of("validators"),
            parent_seal_hash=id_of(f"seal {height - 1}"),
            header="9a" * 180,
            seal="5b" * 260 if height else "",
            signers=["alpha", "beta", "delta"] if height else [],
            transactions=self.txs[height][:100],
        )

    async def blocks(self, first: int | None, limit: int) -> schema.BlockList:
        self.calls.append("blocks")
        top = min(len(self.made) - 1 if first is None else first, len(self.made) - 1)
        shown = self.made[max(0, top - limit + 1) : top + 1][::-1]
        return schema.BlockList(blocks=shown, next=top - limit if top >= limit else None)

    async def block_transactions(self, name: str, position: int, limit: int) -> schema.TransactionList:
        self.calls.append("block_transactions")
        return schema.TransactionList(
            transactions=self.txs[self._height_of(name)][position : position + limit]
        )

    async def transaction(self, tx_id: str) -> schema.Transaction:
        self.calls.append("transaction")
        body = {
            "sender": ALICE,
            "nonce": 4,
            "anchor_height": 1,
            "anchor_prefix": "0011223344556677",
            "expiry": 5_000,
            "gas_limit": 50_000,
            "gas_price": "1",
            "payer": None,
            "memo": self.memo,
            "actions": [
                {"kind": "transfer", "to": BOB, "amount": str(5 * MOTES_PER_COS // 2)},
                {"kind": "set_policy", "keys": [{"key": "0a" * 32, "weight": "2"}], "threshold": "2"},
                {"kind": "accuse", "signer": "0b" * 32, "height": 3, "evidence": "0c" * 200},
                {"kind": HOSTILE, HOSTILE: HOSTILE},
            ],
            "signers": 1,
            "threshold": "1",
            "hash": id_of("hash " + tx_id),
        }
        for lines in self.txs:
            for line in lines:
                if line.id == tx_id:
                    return schema.Transaction(
                        id=tx_id,
                        status="final",
                        raw="0d" * 212,
                        body=body,
                        height=line.height,
                        block_id=self.block_id(line.height),
                        position=line.position,
                        time_ms=line.time_ms,
                        code=line.code,
                        gas=21_000,
                        fee=line.fee,
                        summary=line,
                    )
        if tx_id in self.pending:
            return schema.Transaction(id=tx_id, status="pending", raw="0d" * 212, body=body)
        raise Invalid("not_found", "transaction")

    def account(self, address: str) -> schema.Account:
        self.calls.append("account")
        parse_address("cos", address)
        is_team = address == TEAM
        locks = [
            schema.LockStatus(
                amount=str(2_000_000 * MOTES_PER_COS),
                claimed="0",
                released=str(400_000 * MOTES_PER_COS),
                next_release_ms=self.start_ms + 3 * 365 * 86_400_000,
            )
        ]
        return schema.Account(
            address=address,
            exists=address in (ALICE, BOB, TEAM),
            nonce=7,
            balance=str(400_000 * MOTES_PER_COS if is_team else 1234 * MOTES_PER_COS + 5),
            locked=str(1_600_000 * MOTES_PER_COS if is_team else 0),
            total=str(2_000_000 * MOTES_PER_COS if is_team else 1234 * MOTES_PER_COS + 5),
            policy_hash=id_of("policy") if is_team else "",
            locks=locks if is_team else [],
            height=len(self.made) - 1,
            block_id=self.made[-1].id,
            pending_nonce=9,
        )

    async def account_transactions(
        self, address: str, cursor: str | None, limit: int
    ) -> schema.TransactionList:
        parse_address("cos", address)
        lines = [line for block in self.txs for line in block if address in (line.sender, line.to)][::-1]
        first = int(cursor or 0)
        following = str(first + limit) if first + limit < len(lines) else None
        return schema.TransactionList(transactions=lines[first : first + limit], next=following)

    async def search(self, text: str) -> schema.SearchResult:
        self.calls.append(f"search {text}")
        if text.isdecimal() and int(text) < len(self.made):
            return schema.SearchResult(kind="block", key=text)
        if any(text == block.id for block in self.made):
            return schema.SearchResult(kind="block", key=text)
        if any(text == line.id for block in self.txs for line in block):
            return schema.SearchResult(kind="transaction", key=text)
        try:
            parse_address("cos", text)
        except Invalid:
            return schema.SearchResult(kind="none", key=text)
        return schema.SearchResult(kind="account", key=text)

    def _height_of(self, name: str) -> int:
        if name in ("head", "final"):
            return len(self.made) - 1
        for block in self.made:
            if name in (str(block.height), block.id):
                return block.height
        raise Invalid("not_found", f"block {name}")
