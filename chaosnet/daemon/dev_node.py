"""A node of one for people who write contracts: each transaction becomes a block, and time can be turned.

Kernel, ledger, store and interface are those of every node; its only validator's key is in this file's
accounts, and everything is gone when it ends. What is undone here was never said to anybody else.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from msgspec.structs import replace as changed

from chaosnet.base.codec import encode
from chaosnet.base.errors import ChaosError, Invalid, InvalidTransaction
from chaosnet.base.limits import MEMPOOL_PER_SENDER_MAX
from chaosnet.contracts.machine import Machine
from chaosnet.crypto.addresses import parse_address
from chaosnet.crypto.signing import is_valid, sign
from chaosnet.daemon.backend import Identity, NodeBackend
from chaosnet.daemon.config import RpcSection
from chaosnet.daemon.query_pool import QueryPool
from chaosnet.devchain.accounts import NAMES, DevAccount, dev_account
from chaosnet.devchain.chain import EXPIRY_AHEAD, GAS, dev_genesis
from chaosnet.kernel import producer
from chaosnet.kernel.blocks import Head
from chaosnet.kernel.boot import genesis_stored, make_node
from chaosnet.kernel.chain import commit, context_for
from chaosnet.kernel.events import HeadMoved, PersistBlock, Reorganised, Report
from chaosnet.kernel.node import NodeConfig, Published
from chaosnet.ledger.check import check_against_state
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.block import Block, Certificate, SealedBlock
from chaosnet.model.evidence import PRECOMMIT, vote_digest_of
from chaosnet.model.genesis import genesis_hash_of
from chaosnet.model.genesis_make import ADDRESS_PREFIX, FIRST_RULE
from chaosnet.model.header import QuorumProof
from chaosnet.model.policy import Witness, policy_hash
from chaosnet.model.transaction import Action, SignedTx, Transaction, TxBody, decode_transaction, tx_id_of
from chaosnet.rpc import schema
from chaosnet.rpc.stream import EventHub
from chaosnet.storage.sqlite import ChainStore

BLOCKS_MAX: Final = 10_000
"""Empty blocks in one step."""
SNAPSHOTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Moment:
    head: Head
    recent: dict[int, Published]
    ids: dict[int, bytes]
    later_ms: int


class DevNode:
    """The chain behind the interface; what its backend calls a runtime. For one thread."""

    def __init__(self, directory: Path, machine: Machine, software: str, *, at_once: bool = True) -> None:
        """`at_once`: make a block of each transaction; else whoever holds it calls `make_block`."""
        self.accounts: dict[str, DevAccount] = {name: dev_account(name) for name in NAMES}
        self.keeper = dev_account("keeper")
        self.genesis = dev_genesis(tuple(self.accounts.values()), {})
        genesis_hash = genesis_hash_of(self.genesis)
        first = genesis_stored(self.genesis)
        block = SealedBlock(Block(first.header, b"", ()), b"")
        self.store = ChainStore.create_or_open(directory, genesis_hash, block, first.state.items())
        self.node = make_node(NodeConfig(self.genesis, bytes(32), b"", machine=machine), first, self.store)
        self._at_once = at_once
        self._later_ms = 0
        self._moments: list[_Moment] = []
        hub = EventHub(first_id=self.clock_ms() * 1_000)
        self.backend = DevBackend(self, self.store, hub, Identity("dev", software, "public"))  # type: ignore[arg-type]
        self.backend.query_pool = QueryPool(FIRST_RULE, RpcSection())

    def close(self) -> None:
        """Let go of threads and files."""
        if self.backend.query_pool is not None:
            self.backend.query_pool.close()
        self.store.close()

    # ── what a backend asks of a runtime ─────────────────────────────────────────────────────────────────

    def clock_ms(self) -> int:
        """Return the time of this chain: that of the computer, and what was added to it."""
        return max(time.time_ns() // 1_000_000 + self._later_ms, self.node.head.header.time_ms)

    async def submit(self, raws: tuple[bytes, ...]) -> tuple[tuple[bytes, str, str], ...]:
        """Take transactions; one verdict each."""
        return tuple(self._submit(raw) for raw in raws)

    def _submit(self, raw: bytes) -> tuple[bytes, str, str]:
        tx_id = b""
        try:
            signed = decode_transaction(raw)
            tx_id = signed.tx_id
            if not all(is_valid(*check) for check in signed.signature_checks()):
                raise InvalidTransaction("bad_signature")
            self.take(signed)
        except ChaosError as error:
            return tx_id, error.code, error.detail
        return tx_id, "ok", ""

    # ── blocks ───────────────────────────────────────────────────────────────────────────────────────────

    def take(self, signed: SignedTx) -> None:
        """Let a transaction wait, its signatures apart, or make its block; raises InvalidTransaction."""
        node = self.node
        now = self.clock_ms()
        ctx = context_for(node, time_ms=now + 1, proposer=self.keeper.address)
        check_against_state(Overlay(node.head.state), signed, ctx, nonce_ahead=MEMPOOL_PER_SENDER_MAX - 1)
        node.mempool.add(signed, now)
        if self._at_once:
            self.make_block()

    def make_block(self) -> None:
        """Make a block of what waits."""
        node = self.node
        proof = QuorumProof(round=0)
        candidate = producer.build(node, proof, self.keeper.address, self.clock_ms())
        height, block_id = candidate.block.header.height, candidate.block_id
        digest = vote_digest_of(node.genesis_hash, PRECOMMIT, 0, height, 0, block_id)
        votes = dev_account("keeper votes")
        seal = encode(Certificate(0, height, 0, block_id, (0,), (sign(votes.seed, digest),)))
        commit(node, candidate, seal, self.clock_ms())
        effects, node.effects = node.effects, []
        for effect in effects:
            if isinstance(effect, PersistBlock):
                # The store keeps all of them undoable; people are told that each is final.
                self.store.commit_block(changed(effect, final_height=0))
            elif isinstance(effect, Report) and isinstance(effect.fact, HeadMoved):
                self.backend.on_report(effect.fact)

    def advance(self, blocks: int, seconds: int) -> None:
        """Let time pass, then make empty blocks; raises Invalid(`bad_argument`)."""
        if not 0 < blocks <= BLOCKS_MAX or not 0 <= seconds <= 10**10:
            raise Invalid("bad_argument", f"1 to {BLOCKS_MAX} blocks, 0 to 10^10 seconds")
        self._later_ms += seconds * 1_000
        for _ in range(blocks):
            self.make_block()

    def snapshot(self) -> int:
        """Remember this moment; return its number."""
        if len(self._moments) >= SNAPSHOTS_MAX:
            raise Invalid("bad_argument", f"at most {SNAPSHOTS_MAX} snapshots")
        node = self.node
        self._moments.append(_Moment(node.head, dict(node.recent), dict(node.ids), self._later_ms))
        return len(self._moments) - 1

    def revert(self, number: int) -> None:
        """Go back to a moment and forget later ones; raises Invalid(`bad_argument`)."""
        if not 0 <= number < len(self._moments):
            raise Invalid("bad_argument", f"no snapshot has the number {number}")
        moment, node = self._moments[number], self.node
        del self._moments[number + 1 :]
        old = node.head
        node.head, self._later_ms = moment.head, moment.later_ms
        node.recent.clear()
        node.recent.update(moment.recent)
        node.ids.clear()
        node.ids.update(moment.ids)
        node.final_height = moment.head.header.height
        self.store.roll_back(moment.head.header.height)
        self.backend.turn_back(old, moment.head)

    # ── without keys ─────────────────────────────────────────────────────────────────────────────────────

    def act_as(self, sender: str, actions: Sequence[Action]) -> bytes:
        """Make a block with a transaction of anybody; return its id. Raises InvalidTransaction."""
        node = self.node
        address = parse_address(ADDRESS_PREFIX, sender)
        known = {account.address: account for account in self.accounts.values()}
        signer = known.get(address, self.keeper)
        overlay = Overlay(node.head.state)
        account = overlay.account(address)
        if signer is self.keeper:
            overlay.set_account(address, changed(account, policy_hash=policy_hash(signer.policy)))
            node.head = replace(node.head, state=node.head.state.update(overlay.changes().new))
        body = TxBody(
            genesis=node.genesis_hash,
            sender=address,
            nonce=account.nonce,
            anchor_height=0,
            anchor_prefix=node.genesis_hash[:8],
            expiry=node.head.header.height + EXPIRY_AHEAD,
            gas_limit=min(GAS, node.head.params.block_gas_max),
            gas_price=node.head.params.gas_price_min,
            payer=None,
            memo="",
            actions=tuple(actions),
        )
        signature = sign(signer.seed, tx_id_of(body))
        signed = decode_transaction(
            encode(Transaction(body, Witness(signer.policy, ((0, signature),)), None))
        )
        self.take(signed)
        if not self._at_once:
            self.make_block()
        return signed.tx_id


class DevBackend(NodeBackend):
    """The interface of such a node: it is never ill, and its blocks can be taken back."""

    def health(self) -> schema.Health:
        """Return that all is well: without transactions there are no blocks, and that is right here."""
        return schema.Health(is_healthy=True, phase="running")

    def turn_back(self, old: Head, new: Head) -> None:
        """Show the chain only up to an earlier block."""
        height = new.header.height
        self._final_height = height
        self.on_report(
            Reorganised(
                old_height=old.header.height,
                old_id=old.block_id,
                new_height=height,
                new_id=new.block_id,
                common_height=height,
                dropped=(),
            )
        )
