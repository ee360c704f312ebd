"""What survives a crash: the chain, in whole transactions, and the journal of the sign state, in bytes.

SQLite rolls a torn transaction back, so a write of the chain is there or not. The journal is a file: a crash
while an entry is appended leaves any part of it, and its message was never released (storage/sqlite.py and
storage/signstate_file.py on a real disk).
"""

from dataclasses import replace
from typing import Final

from chaosnet.base.codec import encode
from chaosnet.base.dice import Dice
from chaosnet.base.errors import Broken
from chaosnet.consensus.engine import AskSignature, Resume
from chaosnet.consensus.signstate import (
    Position,
    SignState,
    encode_journal,
    marked,
    position_of,
    replay,
    resume_of,
    sign_request,
)
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.kernel.boot import Stored
from chaosnet.kernel.events import PersistBlock, PersistCandidate, PersistEvidence, PersistTrust, RollBack
from chaosnet.ledger.epochs import epoch_of
from chaosnet.ledger.members import next_validators
from chaosnet.ledger.state import State
from chaosnet.model.block import Block, SealedBlock, decode_block
from chaosnet.model.evidence import Evidence, Proposal, Signable, SignedHeader
from chaosnet.model.header import block_id_of

JOURNAL_BYTES_MAX: Final = 64 * 1024
"""Far less than on a real disk, so that journals are replaced often."""

Recorded = tuple[Position, bytes, int]
"""What a journal entry fixes: position, block id, round of proof."""


def recorded_of(message: Signable) -> Recorded:
    """Return what a signed message says, for comparison."""
    if isinstance(message, SignedHeader):
        return position_of(message), block_id_of(message.header), -1
    return position_of(message), message.block_id, message.pol_round if isinstance(message, Proposal) else -1


class Journal:
    """The sign state of one key."""

    def __init__(self, genesis_hash: bytes, seed: bytes) -> None:
        self._genesis = genesis_hash
        self._seed = seed
        self._key = public_key_of(seed)
        self._state = SignState()
        self._data = encode_journal(self._state, genesis=genesis_hash, key=self._key)
        self._next: tuple[SignState, bytes, Recorded] | None = None
        """State, entry and meaning of the append under way."""
        self.recorded: set[Recorded] = set()
        """Everything that was ever durable here; only asked, never iterated."""
        self.brought: frozenset[Recorded] = frozenset()
        """What another machine has signed, from whose file this one goes on: it may be said here again."""

    def open(self) -> Resume:
        """Read the journal as a process does at start; raises Broken or Refused."""
        self._state, length = replay(self._data, genesis=self._genesis, key=self._key)
        self._data = self._data[:length]
        return resume_of(self._state)

    def begin(self, request: AskSignature) -> Signable | None:
        """Decide on a request and begin to append its entry; the message is not to be released yet."""
        state, entry, message = sign_request(self._state, request, self._genesis, self._sign)
        if entry is not None and message is not None:
            self._next = state, entry, recorded_of(message)
        return message

    def copy(self) -> bytes:
        """Return the file, as a backup has it."""
        return self._data

    def bring(self, data: bytes, *, is_imported: bool) -> None:
        """Put the file of a backup in place, or with `is_imported` what a fence file says."""
        state, _ = replay(data, genesis=self._genesis, key=self._key)
        if is_imported:
            state, _ = marked(state, is_listening=True)
        self._state, self._next = state, None
        self.brought = frozenset(recorded_of(message) for message in state.messages)
        self.recorded |= self.brought
        self._data = encode_journal(state, genesis=self._genesis, key=self._key)

    def is_writing(self) -> bool:
        """Whether an append is under way."""
        return self._next is not None

    def finish(self) -> None:
        """Make the entry under way durable."""
        if self._next is None:
            return
        state, entry, recorded = self._next
        if len(self._data) + len(entry) > JOURNAL_BYTES_MAX:
            self._data = encode_journal(self._state, genesis=self._genesis, key=self._key)
        self._data += entry
        self._state = state
        self.recorded.add(recorded)
        self._next = None

    def crash(self, dice: Dice) -> None:
        """Leave some first bytes of the entry under way, at times all of them."""
        if self._next is None:
            return
        _, entry, recorded = self._next
        kept = dice.pick((0, 1, len(entry) - 1, len(entry), dice.below(len(entry))))
        self._data += entry[:kept]
        if kept == len(entry):
            self.recorded.add(recorded)
        self._next = None

    def _sign(self, digest: bytes) -> bytes:
        return sign(self._seed, digest)


class Disk:
    """The data directory of one node, and the journal beside its key. Also the kernel's ChainReader."""

    def __init__(self, genesis: Stored, journal: Journal | None) -> None:
        self._genesis = genesis
        header = genesis.header
        self._first = SealedBlock(Block(header=header, parent_seal=b"", txs=()), b"")
        self._first_id = block_id_of(header)
        self.journal = journal
        self.evidence: list[Evidence] = []
        self.wipe_chain()

    def wipe_chain(self) -> None:
        """Lose the data directory; the journal stays."""
        self.unkept = frozenset(self.journal.recorded) if self.journal is not None else frozenset()
        """What was signed before, whose blocks nobody can ask this disk for."""
        self.height = 0
        self.final_height = 0
        self._trust = b""
        self.blocks: dict[int, PersistBlock] = {}
        self._items = dict(self._genesis.state.items())
        self._candidates: dict[bytes, PersistCandidate] = {}

    def copy_chain(self, other: "Disk") -> None:
        """Hold the blocks of another disk."""
        self.height, self.final_height = other.height, other.final_height
        self.blocks, self._items = dict(other.blocks), dict(other._items)  # noqa: SLF001

    def load(self) -> Stored:
        """Return what a process finds at start."""
        if self.height == 0:
            return replace(self._genesis, trust=self._trust)
        head = self.blocks[self.height]
        state = State.of(self._items.items())
        before = state.update(head.undo)
        return Stored(
            header=head.header,
            seal=head.seal,
            state=state,
            sealed_by=next_validators(before),
            sealed_in=epoch_of(before),
            final_height=self.final_height,
            view=head.view,
            trust=self._trust,
        )

    # ── writes: each is one durable transaction ──────────────────────────────────────────────────────────

    def write(
        self, effect: PersistBlock | RollBack | PersistCandidate | PersistEvidence | PersistTrust
    ) -> None:
        """Make an effect durable; raises Broken for a block that does not follow or must not be undone."""
        match effect:
            case PersistBlock():
                self._commit(effect)
            case RollBack(height=height):
                self._roll_back(height)
            case PersistCandidate(block_id=block_id):
                self._candidates[block_id] = effect
            case PersistEvidence(evidence=evidence):
                self.evidence.append(evidence)
            case PersistTrust(trust=trust):
                self._trust = trust

    def _commit(self, block: PersistBlock) -> None:
        if block.height != self.height + 1 or block.header.parent != self.block_id_at(self.height):
            raise Broken("internal", f"block {block.height} written on height {self.height}")
        self.height = block.height
        self.blocks[block.height] = block
        final_height = block.height if block.final_height < 0 else min(block.final_height, block.height)
        self.final_height = max(self.final_height, final_height)
        self._change(block.changes)
        for old in [i for i, c in self._candidates.items() if c.height <= block.height]:
            del self._candidates[old]

    def _roll_back(self, height: int) -> None:
        if not self.final_height <= height <= self.height:
            raise Broken("internal", f"roll back from {self.height} to {height}, {self.final_height} final")
        for undone in range(self.height, height, -1):
            self._change(self.blocks.pop(undone).undo)
        self.height = height

    def _change(self, changes: dict[bytes, bytes | None]) -> None:
        for key, value in changes.items():
            if value is None:
                self._items.pop(key, None)
            else:
                self._items[key] = value

    # ── reads (kernel/ports.py) ──────────────────────────────────────────────────────────────────────────

    def block_id_at(self, height: int) -> bytes | None:
        """Return the id of the block at a height."""
        if height == 0:
            return self._first_id
        block = self.blocks.get(height)
        return block.block_id if block is not None else None

    def header_at(self, height: int) -> tuple[bytes, bytes] | None:
        """Return (encoded header, seal)."""
        if height == 0:
            return encode(self._genesis.header), b""
        block = self.blocks.get(height)
        return (encode(block.header), block.seal) if block is not None else None

    def sealed_at(self, height: int) -> bytes | None:
        """Return the encoded SealedBlock."""
        if height == 0:
            return encode(self._first)
        block = self.blocks.get(height)
        return encode(SealedBlock(decode_block(block.block), block.seal)) if block is not None else None

    def candidate(self, block_id: bytes) -> bytes | None:
        """Return the bytes of a kept candidate."""
        kept = self._candidates.get(block_id)
        return kept.block if kept is not None else None

    def tail_blocks(self) -> list[bytes]:
        """Return the kept candidates by height."""
        return [c.block for c in sorted(self._candidates.values(), key=lambda c: (c.height, c.block_id))]

    def has_transaction(self, tx_id: bytes) -> bool:
        """Return whether a block holds this transaction."""
        return any(tx_id in block.tx_ids for block in self.blocks.values())

    def undo(self, height: int) -> dict[bytes, bytes | None] | None:
        """Return state key -> value before the block at a height."""
        block = self.blocks.get(height)
        return block.undo if block is not None else None

    def view(self, height: int) -> bytes | None:
        """Return what the engine remembers at the block at a height."""
        block = self.blocks.get(height)
        return block.view if block is not None else None

    def keeps(self, height: int, block_id: bytes) -> bool:
        """Return whether a block is durable here, as a candidate or in the chain."""
        return block_id in self._candidates or self.block_id_at(height) == block_id
