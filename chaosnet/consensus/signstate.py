"""The sign state, or fence: what a key has signed, so that no crash and no copy makes it sign twice.

Decides whether a request is signed, repeated or refused, and in which bytes that is remembered. The shell
keeps the journal beside the key, not in the data directory, and makes each entry durable before it releases
the message (protocol: Engines, Sign state).

Two rules for votes. Positions (era, height, round, kind) only rise, across all kinds. And a lock is never
forgotten: an engine that lost its lock may prevote nothing but the block locked on, or nil. An engine that
still has the lock, or a newer one, judges for itself (Tendermint L23, L29).

Headers of pos and dpos have the position (era, slot, 0, HEADER). Beyond that (prevoted height, height) must
rise from one to the next, and each must own up to the greatest height signed in its era: then no two of them
contradict each other (LIP-14). An era has either votes or headers.

The prevotes behind a lock are kept with it. Else, once every node has been restarted, those locked could no
longer prove it to the others, nor be freed, and the height would never end.
"""

from collections.abc import Callable
from enum import Enum
from hashlib import sha256
from typing import Final

from msgspec.structs import replace

from chaosnet.base.codec import Decoder, Record, encode
from chaosnet.base.errors import Broken, Invalid, Refused
from chaosnet.consensus.engine import AskSignature, Resume
from chaosnet.model.evidence import (
    NIL,
    PRECOMMIT,
    PREVOTE,
    PROPOSAL,
    Proposal,
    Signable,
    SignedHeader,
    Vote,
    header_digest,
    heights_of,
    proposal_digest,
    vote_digest,
)
from chaosnet.model.header import SlotProof, StakeProof

RECORD_BYTES_MAX: Final = 64 * 1024
"""The prevotes of the largest validator set fit."""
_LENGTH_BYTES: Final = 4
_CHECKSUM_BYTES: Final = 8
_FRAME_BYTES: Final = _LENGTH_BYTES + _CHECKSUM_BYTES

HEADER: Final = 3
"""Kind of a header, after those of votes."""

Position = tuple[int, int, int, int]
"""(era, height, round, kind), of a header (era, slot, 0, HEADER): the order of everything a key signs."""
NOWHERE: Final[Position] = (-1, 0, 0, 0)
"""Before everything."""


class Lock(Record):
    """The block a key has precommitted last."""

    era: int
    height: int
    round: int
    block_id: bytes
    proof: tuple[tuple[bytes, bytes], ...] = ()
    """Key and signature of each prevote that justifies it; empty in an entry: unchanged."""

    def is_same(self, other: "Lock") -> bool:
        """Return whether it is the same lock, whatever is known of the proof."""
        return replace(self, proof=()) == replace(other, proof=())


NO_LOCK: Final = Lock(0, 0, -1, NIL)


class JournalHead(Record, tag=1):
    """First record of a journal: whose it is."""

    genesis: bytes
    key: bytes


class JournalEntry(Record, tag=2):
    """One signature, and the lock after it."""

    message: Signable
    lock: Lock


class JournalSeen(Record, tag=3):
    """A signature of this key that was made elsewhere: nothing up to it is signed here any more."""

    message: Signable


class JournalMark(Record, tag=4):
    """What else is known of the journal; the last one counts."""

    place: int
    """Where the journal lies, as a number that a copy of it does not share; 0: not known."""
    max_height_generated: int
    is_listening: bool
    is_retired: bool


class SignState(Record):
    """The latest signed message of each kind, and the lock."""

    proposal: Proposal | None = None
    prevote: Vote | None = None
    precommit: Vote | None = None
    lock: Lock = NO_LOCK
    header: SignedHeader | None = None
    max_height_generated: int = 0
    """Greatest height of a header signed in the era of the latest one."""
    place: int = 0
    is_listening: bool = False
    """The key may be in use elsewhere: nothing is signed before others were listened to."""
    is_retired: bool = False
    """The key was moved away: nothing is signed here."""

    @property
    def messages(self) -> tuple[Signable, ...]:
        """What there is of the four, in the order it was signed."""
        latest = (m for m in (self.proposal, self.prevote, self.precommit, self.header) if m is not None)
        return tuple(sorted(latest, key=position_of))

    @property
    def position(self) -> Position:
        """Where the latest signature stands."""
        return max((position_of(m) for m in self.messages), default=NOWHERE)


class Decision(Enum):
    """What becomes of a request."""

    SIGN = "sign"
    REPEAT = "repeat"
    """The very same was signed before: give that again."""
    REFUSE = "refuse"


JournalRecord = JournalHead | JournalEntry | JournalSeen | JournalMark
_decoder: Decoder[JournalRecord] = Decoder(JournalRecord, RECORD_BYTES_MAX)


def position_of(message: Signable) -> Position:
    """Return the place of a message in the order of signing."""
    if isinstance(message, SignedHeader):
        proof = message.header.proof
        slot = proof.slot if isinstance(proof, StakeProof | SlotProof) else 0
        return message.header.era, slot, 0, HEADER
    kind = message.kind if isinstance(message, Vote) else PROPOSAL
    return message.era, message.height, message.round, kind


def digest_of(genesis: bytes, message: Signable) -> bytes:
    """Return what the signer of a message signs."""
    if isinstance(message, SignedHeader):
        return header_digest(message.header)
    return vote_digest(genesis, message) if isinstance(message, Vote) else proposal_digest(genesis, message)


def decide(state: SignState, request: AskSignature) -> Decision:
    """Return whether to sign: strictly after all that was signed, and true to the lock."""
    unsigned = replace(request.unsigned, signature=b"")
    if state.is_retired:
        return Decision.REFUSE
    if any(replace(m, signature=b"") == unsigned for m in state.messages):
        return Decision.REPEAT
    if position_of(unsigned) <= state.position:
        return Decision.REFUSE
    if isinstance(unsigned, SignedHeader):
        return Decision.SIGN if _is_consistent(state, unsigned) else Decision.REFUSE
    if state.position[0] == unsigned.era and state.position[3] == HEADER:
        return Decision.REFUSE
    return Decision.SIGN if _is_true_to_lock(state.lock, unsigned, request) else Decision.REFUSE


def sign_request(
    state: SignState, request: AskSignature, genesis: bytes, sign: Callable[[bytes], bytes]
) -> tuple[SignState, bytes | None, Signable | None]:
    """Return the state after the request, the journal entry to make durable first, and the signed message.

    A repeated message needs no entry; a refused one is None. `sign` gets the digest. What is only to be
    remembered (`is_seen`) is not signed, and needs no entry unless it is later than all there is.
    """
    unsigned = request.unsigned
    entry: JournalEntry | JournalSeen
    if request.is_seen:
        entry = JournalSeen(unsigned)
        is_later = position_of(unsigned) > state.position
        return (_apply(state, entry), encode_entry(entry), unsigned) if is_later else (state, None, unsigned)
    decision = decide(state, request)
    if decision is Decision.REFUSE:
        return state, None, None
    if decision is Decision.REPEAT:
        return state, None, next(m for m in state.messages if position_of(m) == position_of(unsigned))
    message = replace(unsigned, signature=sign(digest_of(genesis, unsigned)))
    lock = state.lock if isinstance(unsigned, SignedHeader) else _lock_after(state.lock, unsigned, request)
    entry = JournalEntry(message, replace(lock, proof=()) if lock.is_same(state.lock) else lock)
    return _apply(state, entry), encode_entry(entry), message


def resume_of(state: SignState) -> Resume:
    """Return what the engine and the fence must know at start-up."""
    messages, lock = state.messages, state.lock
    era = max(state.position[0], 0)
    return Resume(
        era=era,
        locked_height=lock.height if messages and lock.era == era else 0,
        locked_round=lock.round,
        locked_block=lock.block_id,
        own=tuple(m for m in messages if not isinstance(m, SignedHeader)),
        proof=lock.proof,
        max_height_generated=state.max_height_generated,
        generated_era=state.header.header.era if state.header is not None else 0,
        signed=messages,
        is_listening=state.is_listening,
    )


def encode_entry(entry: JournalRecord) -> bytes:
    """Return the bytes to append: length, record, checksum."""
    record = encode(entry)
    return len(record).to_bytes(_LENGTH_BYTES, "big") + record + _checksum(record)


def encode_journal(state: SignState, *, genesis: bytes, key: bytes) -> bytes:
    """Return the shortest journal that replays to this state: to begin a file, or to replace a long one."""
    entries = [encode_entry(JournalEntry(message, state.lock)) for message in state.messages]
    mark = JournalMark(state.place, state.max_height_generated, state.is_listening, state.is_retired)
    if mark != JournalMark(0, _generated_after(SignState(), state.header), False, False):
        entries.append(encode_entry(mark))
    return encode_entry(JournalHead(genesis, key)) + b"".join(entries)


def marked(state: SignState, **changes: int | bool) -> tuple[SignState, bytes]:
    """Return the state with another `place`, `is_listening` or `is_retired`, and the entry that says so."""
    changed = replace(state, **changes)
    mark = JournalMark(changed.place, changed.max_height_generated, changed.is_listening, changed.is_retired)
    return changed, encode_entry(mark)


def replay(data: bytes, *, genesis: bytes, key: bytes) -> tuple[SignState, int]:
    """Return the state a journal leads to, and how many of its bytes count: cut the file there.

    The last entry may be torn: its message was never released. Raises Broken(`data_damaged`) for damage
    anywhere else, Refused(`fenced`) for the journal of another network or key.
    """
    first = _read(data, 0)
    if first is None or not isinstance(first[0], JournalHead):
        raise Broken("data_damaged", "sign state does not begin as one")
    if first[0] != JournalHead(genesis, key):
        raise Refused("fenced", "sign state belongs to another network or key")
    state, offset = SignState(), first[1]
    while (found := _read(data, offset)) is not None:
        entry, end = found
        if isinstance(entry, JournalHead) or (
            not isinstance(entry, JournalMark) and position_of(entry.message) <= state.position
        ):
            raise Broken("data_damaged", f"sign state is out of order at byte {offset}")
        state, offset = _apply(state, entry), end
    rest = len(data) - offset
    if rest >= RECORD_BYTES_MAX + _FRAME_BYTES or any(_read(data, offset + i) for i in range(1, rest)):
        raise Broken("data_damaged", f"sign state at byte {offset}")
    return state, offset


def _is_consistent(state: SignState, unsigned: SignedHeader) -> bool:
    """Return whether a header may follow those signed before (LIP-14)."""
    header, last = unsigned.header, state.header
    if not isinstance(header.proof, StakeProof | SlotProof):
        return False
    if state.position[0] < header.era:
        return True
    if last is None or last.header.era != header.era:
        return False  # votes were signed in this era
    generated, prevoted = heights_of(header)
    before = heights_of(last.header)[1], last.header.height
    return generated >= state.max_height_generated and (prevoted, header.height) > before


def _generated_after(state: SignState, message: Signable | None) -> int:
    """Return the greatest height that headers of the era account for, after one more."""
    if not isinstance(message, SignedHeader):
        return state.max_height_generated
    header = message.header
    is_same_era = state.header is not None and state.header.header.era == header.era
    proof = header.proof
    claimed = proof.max_height_generated if isinstance(proof, StakeProof | SlotProof) else 0
    return max(header.height, claimed, state.max_height_generated if is_same_era else 0)


def _claimed_lock(unsigned: Proposal | Vote, request: AskSignature) -> Lock:
    """Return the lock the engine says it has at this height."""
    if request.locked_height != unsigned.height or not request.locked_block:
        return NO_LOCK
    return Lock(unsigned.era, unsigned.height, request.locked_round, request.locked_block, request.proof)


def _is_true_to_lock(lock: Lock, unsigned: Proposal | Vote, request: AskSignature) -> bool:
    if isinstance(unsigned, Proposal) or unsigned.block_id == NIL:
        return True
    claimed = _claimed_lock(unsigned, request)
    if unsigned.kind == PRECOMMIT:  # L38-L39: it is this vote that locks
        return claimed.is_same(_lock_of(unsigned))
    if (lock.era, lock.height) != (unsigned.era, unsigned.height) or lock.block_id == unsigned.block_id:
        return True
    return claimed.round > lock.round or claimed.is_same(lock)


def _lock_after(lock: Lock, unsigned: Proposal | Vote, request: AskSignature) -> Lock:
    claimed = _claimed_lock(unsigned, request)
    is_of_this_height = (lock.era, lock.height) == (unsigned.era, unsigned.height)
    return lock if is_of_this_height and lock.round >= claimed.round else claimed


def _lock_of(precommit: Vote) -> Lock:
    return Lock(precommit.era, precommit.height, precommit.round, precommit.block_id)


def _apply(state: SignState, entry: JournalEntry | JournalSeen | JournalMark) -> SignState:
    if isinstance(entry, JournalMark):
        return replace(
            state,
            place=entry.place,
            max_height_generated=entry.max_height_generated,
            is_listening=entry.is_listening,
            is_retired=entry.is_retired,
        )
    message = entry.message
    state = replace(
        state,
        max_height_generated=_generated_after(state, message),
        is_listening=isinstance(entry, JournalSeen),
    )
    if isinstance(entry, JournalEntry):
        state = replace(state, lock=state.lock if entry.lock.is_same(state.lock) else entry.lock)
    elif isinstance(message, Vote) and message.kind == PRECOMMIT and message.block_id:
        state = replace(state, lock=_lock_of(message))
    if isinstance(message, SignedHeader):
        return replace(state, header=message)
    if isinstance(message, Proposal):
        return replace(state, proposal=message)
    return replace(state, prevote=message) if message.kind == PREVOTE else replace(state, precommit=message)


def _read(data: bytes, offset: int) -> tuple[JournalRecord, int] | None:
    """Return the record at an offset and where it ends; None when none is whole there."""
    start = offset + _LENGTH_BYTES
    length = int.from_bytes(data[offset:start], "big")
    end = start + length + _CHECKSUM_BYTES
    if not 0 < length <= RECORD_BYTES_MAX or end > len(data):
        return None
    record = data[start : start + length]
    if data[start + length : end] != _checksum(record):
        return None
    try:
        return _decoder.decode(record), end
    except Invalid as error:
        raise Broken("data_damaged", "sign state was written by another release") from error


def _checksum(record: bytes) -> bytes:
    return sha256(record).digest()[:_CHECKSUM_BYTES]
