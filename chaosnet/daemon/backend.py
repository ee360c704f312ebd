"""The interface's view of a running node: what is durable, never what the kernel merely works on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid, InvalidTransaction, Refused
from chaosnet.base.limits import BATCH_TXS_MAX, MEMPOOL_PER_SENDER_MAX
from chaosnet.crypto.addresses import parse_address
from chaosnet.daemon import present
from chaosnet.daemon.runtime import Runtime
from chaosnet.kernel import health
from chaosnet.kernel.chain import context_for
from chaosnet.kernel.events import HeadMoved, ReportFact, RoundMoved, TransactionsPending
from chaosnet.kernel.mempool import nonces_in
from chaosnet.kernel.node import Node, Published
from chaosnet.ledger.apply import apply_transaction
from chaosnet.ledger.keys import account_key, evidence_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.model import evidence as proofs
from chaosnet.model.block import validators_hash_of
from chaosnet.model.genesis import supply_at
from chaosnet.model.genesis_json import format_genesis
from chaosnet.model.transaction import decode_transaction
from chaosnet.rpc import schema
from chaosnet.rpc.stream import EventHub, Subscription
from chaosnet.rules.registry import rules_known
from chaosnet.storage.reader import StoredHeader
from chaosnet.storage.sqlite import ChainStore

T = TypeVar("T")

TXS_SHOWN = 100
"""Transactions listed with a block."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the operator named this node."""

    name: str
    software: str
    submit: str
    trust: str


class NodeBackend:
    """Implements rpc.backend.Backend over a runtime, its node and its store."""

    def __init__(self, runtime: Runtime, store: ChainStore, hub: EventHub, identity: Identity) -> None:
        self._runtime = runtime
        self._store = store
        self._hub = hub
        self._identity = identity
        self._started_ms = runtime.clock_ms()
        self._height = runtime.node.head.header.height
        self._txs_total = self._stored(self._height).txs_total
        self._health_code = ""
        self.metrics_text: Callable[[], bytes] = lambda: b""
        self.phase = ""
        """Overrides the kernel's phase while starting or stopping."""

    @property
    def _node(self) -> Node:
        return self._runtime.node

    @property
    def names(self) -> present.Names:
        """What turns identifiers into words now."""
        return present.Names(self._node.config.genesis.address_prefix, self._node.head.members)

    # ── facts from the kernel ────────────────────────────────────────────────────────────────────────────

    def on_report(self, fact: ReportFact) -> None:
        """Take a fact that is true by now, and tell the stream."""
        if isinstance(fact, HeadMoved):
            self._height = fact.height
            self._txs_total += len(fact.tx_ids)
            summary = present.block_summary(
                self.names, fact.header, fact.block_id, fact.size_bytes, is_final=fact.is_final
            )
            ids = [tx_id.hex() for tx_id in fact.tx_ids]
            self._hub.publish(schema.BlockEvent(block=summary, tx_ids=ids))
            if fact.is_final:
                self._hub.publish(schema.FinalEvent(height=fact.height, id=summary.id))
        elif isinstance(fact, TransactionsPending):
            self._hub.publish(schema.PendingEvent(tx_ids=[tx_id.hex() for tx_id in fact.tx_ids]))
        elif isinstance(fact, RoundMoved):
            self._hub.publish(schema.RoundEvent(height=fact.height, round=fact.round, step=fact.step))

    def watch_health(self) -> schema.Health:
        """Return the health and tell the stream when it changed; called every second."""
        now = self.health()
        if now.code != self._health_code:
            self._health_code = now.code
            self._hub.publish(schema.HealthEvent(health=now))
        return now

    # ── the node ─────────────────────────────────────────────────────────────────────────────────────────

    def health(self) -> schema.Health:
        """Return what is wrong, if anything."""
        view = health.health_of(self._node, self._runtime.clock_ms())
        if self.phase:
            return schema.Health(
                is_healthy=False, phase=self.phase, reason=self.phase, progress=view.progress
            )
        return schema.Health(
            is_healthy=view.is_healthy,
            phase=view.phase,
            code=view.code,
            reason=view.reason,
            since_ms=view.since_ms,
            progress=view.progress,
        )

    def status(self) -> schema.Status:
        """Return everything a dashboard needs."""
        node = self._node
        now = self._runtime.clock_ms()
        shown = self._published()
        header = shown.header
        genesis = node.config.genesis
        offsets = sorted(info.offset_ms for info in node.sessions.infos())
        intervals = sorted(node.intervals)
        return schema.Status(
            name=self._identity.name,
            software=self._identity.software,
            chain_name=genesis.chain_name,
            genesis=node.genesis_hash.hex(),
            address_prefix=genesis.address_prefix,
            node_id=node.config.node_id.hex(),
            rule=node.head.rules.number,
            rules_known=list(rules_known()),
            height=header.height,
            tip=shown.block_id.hex(),
            state_root=header.state_root.hex(),
            tip_time_ms=header.time_ms,
            final_height=header.height,
            final_id=shown.block_id.hex(),
            now_ms=now,
            started_ms=self._started_ms,
            peers=len(node.sessions.ready()),
            clock_offset_ms=offsets[len(offsets) // 2] if offsets else None,
            mempool_txs=len(node.mempool),
            mempool_bytes=node.mempool.bytes,
            best_height=max(header.height, node.sync.progress()[1]),
            trust=self._identity.trust,
            submit=self._identity.submit,
            consensus=self._consensus(),
            health=self.health(),
            members=self._members(now),
            block_interval_ms=intervals[len(intervals) // 2] if intervals else None,
            txs_total=self._txs_total,
        )

    def _consensus(self) -> schema.ConsensusStatus:
        node = self._node
        state = node.engine.round_state()
        validators = node.head.validators
        return schema.ConsensusStatus(
            engine=node.engine.name,
            finality=node.engine.finality.value,
            era=state.era,
            height=state.height,
            round=state.round,
            step=state.step,
            proposer=self.names.member(node.engine.proposer(state.height, state.round)),
            validators=len(validators.validators),
            needed=health.needed(node),
            is_validator=validators.index_of_key(node.config.consensus_key or b"") >= 0,
        )

    def _members(self, now: int) -> list[schema.MemberStatus]:
        node = self._node
        silent = health.silent_validators(node, now)
        return [
            schema.MemberStatus(
                name=member.name,
                operator=self.names.address(member.operator),
                role=member.role,
                is_self=member.node_key == node.config.node_id,
                is_connected=node.sessions.is_ready(member.node_key),
                is_silent=member.operator in silent,
                last_heard_ms=max(node.heard.get(member.node_key, 0), node.heard.get(member.consensus_key, 0))
                or None,
            )
            for member in node.head.members
        ]

    def peers(self, *, with_addresses: bool) -> schema.PeerList:
        """Return the connections."""
        return schema.PeerList(
            peers=[
                schema.Peer(
                    node_id=info.node_id.hex(),
                    member=self.names.node(info.node_id),
                    is_outbound=info.outbound,
                    height=info.height,
                    round=info.round,
                    offset_ms=info.offset_ms,
                    software=info.software,
                    since_ms=info.since_ms,
                    address=f"{info.host}:{info.port}" if with_addresses else "",
                )
                for info in self._node.sessions.infos()
            ]
        )

    def params(self) -> schema.Params:
        """Return the chain's parameters, schedule and prices."""
        head = self._node.head
        genesis = self._node.config.genesis
        return schema.Params(
            genesis=self._node.genesis_hash.hex(),
            chain_name=genesis.chain_name,
            address_prefix=genesis.address_prefix,
            params={name: getattr(head.params, name) for name in head.params.__struct_fields__},
            schedule=[{"height": entry.height, "engine": entry.engine} for entry in genesis.schedule],
            supply=str(supply_at(genesis, head.header.height)),
            rule=head.rules.number,
            gas={name: getattr(head.rules.gas, name) for name in head.rules.gas.__slots__},
        )

    def genesis(self) -> schema.GenesisDocument:
        """Return the genesis file."""
        genesis = self._node.config.genesis
        document = msgspec.json.decode(format_genesis(genesis), type=dict[str, object])
        return schema.GenesisDocument(hash=self._node.genesis_hash.hex(), document=document)

    # ── accounts ─────────────────────────────────────────────────────────────────────────────────────────

    def _address(self, text: str) -> bytes:
        return parse_address(self._node.config.genesis.address_prefix, text)

    def _published(self, height: int | None = None) -> Published:
        wanted = self._height if height is None else height
        shown = self._node.recent.get(wanted)
        if shown is None or wanted > self._height:
            raise Invalid("not_found", f"no state for height {wanted}: the last 128 heights are kept")
        return shown

    def account(self, address: str) -> schema.Account:
        """Return an account at the durable head."""
        raw = self._address(address)
        shown = self._published()
        node = self._node
        nonce = node.mempool.pending_nonce(raw, nonces_in(shown.state)(raw))
        found = present.account(self.names, node.config.genesis, raw, shown.state, shown.header, nonce)
        return msgspec.structs.replace(found, block_id=shown.block_id.hex())

    def account_proof(self, address: str, height: int | None, trusted_height: int) -> schema.AccountProof:
        """Return a self-contained proof of an account's presence or absence."""
        raw = self._address(address)
        shown = self._published(height)
        if trusted_height > shown.header.height:
            raise Invalid("bad_argument", "the trusted block is newer than the proof")
        key = account_key(raw)
        value = shown.state.get(key)
        changes = [self._pinned(trusted_height)] if trusted_height else []
        genesis = b"" if trusted_height else encode(self._node.config.genesis)
        return schema.AccountProof(
            address=address,
            key=key.hex(),
            value=value.hex() if value is not None else None,
            proof=shown.state.prove(key).hex(),
            header=encode(shown.header).hex(),
            seal=shown.seal.hex(),
            validators=encode(shown.sealed_by).hex(),
            set_changes=changes,
            genesis=genesis.hex(),
        )

    def _pinned(self, height: int) -> schema.SetChange:
        """Return a trusted block's header with the set that seals after it.

        Under rule set 1 the set never changes, so it is the present one; the hash is compared all the same.
        """
        found = self._store.header_at(height)
        if found is None:
            raise Invalid("not_found", f"block {height}")
        validators = self._node.head.validators
        stored = self._stored(height)
        if stored.decoded().next_validators_hash != validators_hash_of(validators):
            raise Invalid("not_found", f"validators of block {height}")
        return schema.SetChange(
            header=found[0].hex(), seal=found[1].hex(), validators=encode(validators).hex()
        )

    # ── blocks and transactions ──────────────────────────────────────────────────────────────────────────

    def _stored(self, name: int | bytes) -> StoredHeader:
        stored = self._store.stored_header(name)
        if stored is None or stored.height > max(self._height, 0):
            raise Invalid("not_found", "block")
        return stored

    def _named(self, name: str) -> int | bytes:
        if name in ("head", "final"):
            return self._height
        if name.isascii() and name.isdigit() and len(name) < 19:
            return int(name)
        try:
            block_id = bytes.fromhex(name)
        except ValueError:
            block_id = b""
        if len(block_id) != 32:
            raise Invalid("bad_argument", "a block is named by height, id, `head` or `final`")
        return block_id

    async def _read(self, function: Callable[[], T]) -> T:
        return await asyncio.to_thread(function)

    async def block(self, name: str) -> schema.Block:
        """Return a block."""
        wanted = self._named(name)
        names = self.names
        return await self._read(lambda: self._full_block(names, wanted))

    def _full_block(self, names: present.Names, wanted: int | bytes) -> schema.Block:
        stored = self._stored(wanted)
        shown = self._transactions_of(names, stored, 0, TXS_SHOWN)
        return present.full_block(names, stored, shown, final_height=self._height)

    def _transactions_of(
        self, names: present.Names, stored: StoredHeader, first: int, limit: int
    ) -> list[schema.TransactionSummary]:
        found = self._store.block(stored.height) if stored.height else None
        receipts = self._store.receipts(stored.height) if found else None
        if found is None or receipts is None:
            return []
        return present.block_transactions(names, found.block, receipts, first, limit)

    async def blocks(self, first: int | None, limit: int) -> schema.BlockList:
        """Return blocks, newest first."""
        start = self._height if first is None else min(first, self._height)
        names = self.names
        rows = await self._read(lambda: self._store.headers(start, limit, descending=True))
        blocks = [present.stored_summary(names, row, final_height=self._height) for row in rows]
        following = rows[-1].height - 1 if rows and rows[-1].height > 0 else None
        return schema.BlockList(blocks=blocks, next=following)

    async def block_transactions(self, name: str, position: int, limit: int) -> schema.TransactionList:
        """Return transactions of a block in order."""
        wanted = self._named(name)
        names = self.names

        def read() -> schema.TransactionList:
            stored = self._stored(wanted)
            shown = self._transactions_of(names, stored, position, limit)
            after = position + len(shown)
            is_more = bool(shown) and after < stored.decoded().tx_count
            return schema.TransactionList(transactions=shown, next=str(after) if is_more else None)

        return await self._read(read)

    async def transaction(self, tx_id: str) -> schema.Transaction:
        """Return a transaction, pending or on the chain."""
        try:
            raw_id = bytes.fromhex(tx_id)
        except ValueError as error:
            raise Invalid("bad_argument", "a transaction id is 64 hex digits") from error
        names = self.names
        found = await self._read(lambda: self._store.find_transaction(raw_id))
        if found is None or found.height > self._height:
            pending = self._node.mempool.get(raw_id)
            if pending is None:
                raise Invalid("not_found", "transaction")
            return schema.Transaction(
                id=tx_id,
                status="pending",
                raw=pending.raw.hex(),
                body=present.body_fields(names, pending),
            )
        stored = self._stored(found.height)
        header = stored.decoded()
        signed = decode_transaction(found.raw)
        receipt = found.receipt
        return schema.Transaction(
            id=tx_id,
            status="final",
            raw=found.raw.hex(),
            body=present.body_fields(names, signed),
            height=found.height,
            block_id=stored.block_id.hex(),
            position=found.position,
            time_ms=header.time_ms,
            code=receipt.code,
            gas=receipt.gas,
            fee=str(receipt.fee),
            summary=present.transaction_summary(
                names, signed, receipt, (found.height, found.position), header.time_ms
            ),
        )

    async def account_transactions(
        self, address: str, cursor: str | None, limit: int
    ) -> schema.TransactionList:
        """Return an account's transactions, newest first; a cursor is `height.position`."""
        raw = self._address(address)
        before = _cursor_of(cursor) if cursor else None
        names = self.names

        def read() -> schema.TransactionList:
            places = self._store.account_history(raw, before, limit)
            shown: list[schema.TransactionSummary] = []
            for height, position in places:
                shown.extend(self._transactions_of(names, self._stored(height), position, 1))
            following = f"{places[-1][0]}.{places[-1][1]}" if len(places) == limit else None
            return schema.TransactionList(transactions=shown, next=following)

        return await self._read(read)

    async def search(self, text: str) -> schema.SearchResult:
        """Say what a text names."""
        text = text.strip()
        if text.isascii() and text.isdigit() and len(text) < 19:
            kind = "block" if int(text) <= self._height else "none"
            return schema.SearchResult(kind=kind, key=text)
        if len(text) == 64:
            try:
                raw = bytes.fromhex(text)
            except ValueError:
                return schema.SearchResult(kind="none", key=text)
            if self._store.stored_header(raw) is not None:
                return schema.SearchResult(kind="block", key=text)
            known = self._node.mempool.get(raw) or await self._read(lambda: self._store.find_transaction(raw))
            return schema.SearchResult(kind="transaction" if known else "none", key=text)
        try:
            self._address(text)
        except Invalid:
            return schema.SearchResult(kind="none", key=text)
        return schema.SearchResult(kind="account", key=text)

    def evidence(self) -> schema.EvidenceList:
        """Return proofs of double signatures held here."""
        state = self._published().state
        names = self.names
        return schema.EvidenceList(
            evidence=[
                present.evidence_item(
                    names, item, on_chain=state.get(evidence_key(*proofs.evidence_key(item))) is not None
                )
                for item in self._store.evidence()
            ]
        )

    # ── submission ───────────────────────────────────────────────────────────────────────────────────────

    async def submit(self, raws: list[bytes]) -> list[schema.Verdict]:
        """Hand transactions to the mempool; one verdict each."""
        if len(raws) > BATCH_TXS_MAX:
            raise Invalid("too_large", f"at most {BATCH_TXS_MAX} transactions")
        verdicts = await self._runtime.submit(tuple(raws))
        return [schema.Verdict(id=i.hex(), code=code, detail=detail) for i, code, detail in verdicts]

    def simulate(self, raw: bytes) -> schema.Simulation:
        """Execute one transaction on the present state, without signatures, and forget it."""
        signed = decode_transaction(raw)
        node = self._node
        time_ms = max(self._runtime.clock_ms(), node.head.header.time_ms + 1)
        context = context_for(node, time_ms=time_ms, proposer=node.config.genesis.treasury)
        ahead = signed.body.nonce - nonces_in(node.head.state)(signed.body.sender)
        if 0 < ahead < MEMPOOL_PER_SENDER_MAX:
            detail = f"{ahead} transactions must come before this one"
            return schema.Simulation(code="nonce_too_high", detail=detail, gas=0, fee="0")
        try:
            receipt = apply_transaction(Overlay(node.head.state), signed, context)
        except (InvalidTransaction, Refused) as error:
            return schema.Simulation(code=error.code, detail=error.detail, gas=0, fee="0")
        return schema.Simulation(code=receipt.code, detail="", gas=receipt.gas, fee=str(receipt.fee))

    def subscribe(self, after: int | None) -> Subscription:
        """Start a stream."""
        return self._hub.subscribe(after)

    def metrics(self) -> bytes:
        """Return the metrics page."""
        return self.metrics_text()


def _cursor_of(text: str) -> tuple[int, int]:
    height, _, position = text.partition(".")
    if not (height.isascii() and height.isdigit() and position.isascii() and position.isdigit()):
        raise Invalid("bad_argument", "cursor")
    if len(text) > 40:
        raise Invalid("bad_argument", "cursor")
    return int(height), int(position)
