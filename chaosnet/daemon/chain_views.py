"""The chain as the interface shows it: blocks, transactions, accounts, proofs, up to the durable head."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.base.limits import BLOCK_TXS_MAX
from chaosnet.crypto.addresses import parse_address
from chaosnet.daemon import present
from chaosnet.kernel.mempool import nonces_in
from chaosnet.kernel.node import Node, Published
from chaosnet.ledger.epochs import staked_members
from chaosnet.ledger.keys import account_key, evidence_key
from chaosnet.model import evidence as proofs
from chaosnet.model.block import ValidatorSet, validators_hash_of
from chaosnet.model.header import Header
from chaosnet.model.receipt import NO_OUTCOME, Outcome
from chaosnet.model.transaction import decode_transaction
from chaosnet.rpc import schema
from chaosnet.storage.reader import FoundTransaction, StoredHeader
from chaosnet.storage.sqlite import ChainStore

T = TypeVar("T")

TXS_SHOWN = 100
"""Transactions listed with a block."""
SETS_KEPT = 64
WRITE_WAITS = 100
WRITE_WAIT_S = 0.02
"""Two seconds together: longer than a block ever takes to be written."""


class ChainViews:
    """Reads of one node's chain."""

    def __init__(self, node: Node, store: ChainStore) -> None:
        self._node = node
        self._store = store
        self._height = node.head.header.height
        """Of the durable head: what the kernel has beyond it is not shown."""
        self._final_height = store.final_height()
        self._txs_total = 0
        self._names: tuple[bytes, present.Names] | None = None
        self._sets: dict[bytes, ValidatorSet] = {}
        """Validator sets by their hash: those in force since this node runs and just before it."""
        self._move(self._height)
        for shown in node.recent.values():
            self._learn_set(shown)

    def _move(self, height: int) -> None:
        """Show the chain up to a durable block."""
        self._height = height
        self._txs_total = self._stored(height).txs_total
        self._learn_set(self._node.recent.get(height))

    def _learn_set(self, shown: Published | None) -> None:
        """Remember which set sealed a block."""
        if shown is None or (name := shown.header.validators_hash) in self._sets:
            return
        if validators_hash_of(shown.sealed_by) == name:
            self._sets[name] = shown.sealed_by
        if len(self._sets) > SETS_KEPT:
            del self._sets[next(iter(self._sets))]

    @property
    def names(self) -> present.Names:
        """What turns identifiers into words now."""
        head = self._node.head
        if self._names is None or self._names[0] != head.block_id:
            prefix = self._node.config.genesis.address_prefix
            self._names = head.block_id, present.Names(prefix, head.members, staked_members(head.state))
        return self._names[1]

    # ── accounts ─────────────────────────────────────────────────────────────────────────────────────────

    def _address(self, text: str) -> bytes:
        return parse_address(self._node.config.genesis.address_prefix, text)

    def _published(self, height: int | None = None) -> Published:
        # A branch that is shorter may take the head back before its blocks are durable.
        wanted = min(self._height, self._node.head.header.height) if height is None else height
        shown = self._node.recent.get(wanted)
        if shown is None or wanted > self._height:
            raise Invalid("not_found", f"no state for height {wanted}: the last 128 heights are kept")
        return shown

    def account(self, address: str) -> schema.Account:
        """Return an account at the durable head."""
        raw = self._address(address)
        shown = self._published()
        node = self._node
        # What is pending follows the newest block, which may not be durable yet.
        nonce = node.mempool.pending_nonce(raw, nonces_in(node.head.state)(raw))
        found = present.account(self.names, node.config.genesis, raw, shown.state, shown.header, nonce)
        return msgspec.structs.replace(found, block_id=shown.block_id.hex())

    def account_proof(self, address: str, height: int | None, trusted_height: int) -> schema.AccountProof:
        """Return a self-contained proof of an account's presence or absence."""
        raw = self._address(address)
        shown = self._published(height)
        key = account_key(raw)
        value = shown.state.get(key)
        return schema.AccountProof(
            address=address,
            key=key.hex(),
            value=value.hex() if value is not None else None,
            proof=shown.state.prove(key).hex(),
            **self._trust_of(shown.header, shown.seal, shown.sealed_by, trusted_height),
        )

    def _trust_of(
        self, header: Header, seal: bytes, sealed_by: ValidatorSet, trusted_height: int
    ) -> dict[str, Any]:
        """Return the fields of a proof that lead from a trusted block to a header."""
        if trusted_height > header.height:
            raise Invalid("bad_argument", "the trusted block is newer than the proof")
        return {
            "header": encode(header).hex(),
            "seal": seal.hex(),
            "validators": encode(sealed_by).hex(),
            "set_changes": [self._pinned(trusted_height)] if trusted_height else [],
            "genesis": "" if trusted_height else encode(self._node.config.genesis).hex(),
        }

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
        if name == "head":
            return self._height
        if name == "final":
            return self._final_height
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
        return present.full_block(
            names, stored, shown, final_height=self._final_height, sealed_by=self._sealed_by(stored)
        )

    def _sealed_by(self, stored: StoredHeader) -> ValidatorSet | None:
        """Return the set that sealed a block; None when it is not known any more."""
        return self._sets.get(stored.decoded().validators_hash)

    def _transactions_of(
        self, names: present.Names, stored: StoredHeader, first: int, limit: int
    ) -> list[schema.TransactionSummary]:
        found = self._store.block(stored.block_id) if stored.height else None
        receipts = self._store.receipts(stored.block_id) if found else None
        if found is None or receipts is None:
            return []
        return present.block_transactions(names, found.block, receipts, first, limit)

    async def blocks(self, first: int | None, limit: int) -> schema.BlockList:
        """Return blocks, newest first."""
        start = self._height if first is None else min(first, self._height)
        names = self.names
        rows = await self._read(lambda: self._store.headers(start, limit, descending=True))
        blocks = [present.stored_summary(names, row, final_height=self._final_height) for row in rows]
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
        found = await self._on_chain(raw_id)
        if found is None:
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
        outcome = await self._outcome_of(found)
        # What contracts left behind can be large: it is laid out beside the loop.
        left = await self._read(lambda: present.outcome_fields(names, outcome, raw_id, found.height))
        return schema.Transaction(
            id=tx_id,
            status="final" if found.height <= self._final_height else "included",
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
            **left,
        )

    async def _outcome_of(self, found: FoundTransaction) -> Outcome:
        outcomes = await self._read(lambda: self._store.left_by(found.height)) or ()
        return outcomes[found.position] if found.position < len(outcomes) else NO_OUTCOME

    async def _on_chain(self, tx_id: bytes) -> FoundTransaction | None:
        """Return a transaction of a durable block, or None.

        One that is neither there nor pending may be in a block that is being written: that is waited for, or
        a transaction would vanish for a moment between the two.
        """
        for _ in range(WRITE_WAITS):
            height = self._height
            found = await self._read(lambda: self._store.find_transaction(tx_id))
            if found is not None and found.height <= self._height:
                return found
            if self._node.mempool.get(tx_id) is not None:
                return None
            if height == self._height == self._node.head.header.height:
                return None
            await asyncio.sleep(WRITE_WAIT_S)
        return None

    async def account_transactions(
        self, address: str, cursor: str | None, limit: int
    ) -> schema.TransactionList:
        """Return an account's transactions, newest first; a cursor is `height.position`."""
        raw = self._address(address)
        before = _cursor_of(cursor) if cursor else None
        names = self.names

        def read() -> schema.TransactionList:
            # The store may be a block ahead of what was reported.
            end = (self._height + 1, 0)
            places = self._store.account_history(raw, min(before or end, end), limit)
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
            is_known = self._node.mempool.get(raw) is not None or await self._read(
                lambda: self._store.find_transaction(raw) is not None
            )
            return schema.SearchResult(kind="transaction" if is_known else "none", key=text)
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


def _cursor_of(text: str) -> tuple[int, int]:
    height, _, position = text.partition(".")
    if not (height.isascii() and height.isdigit() and position.isascii() and position.isdigit()):
        raise Invalid("bad_argument", "cursor")
    if len(height) > 18 or len(position) > 6 or int(position) >= BLOCK_TXS_MAX:
        raise Invalid("bad_argument", "cursor")
    return int(height), int(position)
