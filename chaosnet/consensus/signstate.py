"""The sign state, or fence: what a key has signed, so that no crash and no copy makes it sign twice.

Decides whether a request is signed, repeated or refused, and in which bytes that is remembered. The shell
keeps the journal beside the key, not in the data directory, and makes each entry durable before it releases
the message (protocol: Engines, Sign state).

Two rules. Positions (era, height, round, kind) only rise, across all kinds. And a lock is never forgotten: an
engine that lost its lock may prevote nothing but the block locked on, or nil. An engine that still has the
lock, or a newer one, judges for itself (Tendermint L23, L29).

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
    Vote,
    proposal_digest,
    vote_digest,
)

RECORD_BYTES_MAX: Final = 64 * 1024
"""The prevotes of the largest validator set fit."""
_LENGTH_BYTES: Final = 4
_CHECKSUM_BYTES: Final = 8
_FRAME_BYTES: Final = _LENGTH_BYTES + _CHECKSUM_BYTES

Position = tuple[int, int, int, int]
"""(era, height, round, kind): the order of everything a key signs."""


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

    message: Proposal | Vote
    lock: Lock


class SignState(Record):
    """The latest signed message of each kind, and the lock."""

    proposal: Proposal | None = None
    prevote: Vote | None = None
    precommit: Vote | None = None
    lock: Lock = NO_LOCK

    @property
    def messages(self) -> tuple[Proposal | Vote, ...]:
        """What there is of the three, in the order it was signed."""
        latest = (m for m in (self.proposal, self.prevote, self.precommit) if m is not None)
        return tuple(sorted(latest, key=position_of))


class Decision(Enum):
    """What becomes of a request."""

    SIGN = "sign"
    REPEAT = "repeat"
    """The very same was signed before: give that again."""
    REFUSE = "refuse"


_decoder: Decoder[JournalHead | JournalEntry] = Decoder(JournalHead | JournalEntry, RECORD_BYTES_MAX)


def position_of(message: Proposal | Vote) -> Position:
    """Return the place of a message in the order of signing."""
    return message.era, message.height, message.round, _kind_of(message)


def decide(state: SignState, request: AskSignature) -> Decision:
    """Return whether to sign: strictly after all that was signed, and true to the lock."""
    unsigned = replace(request.unsigned, signature=b"")
    messages = state.messages
    if any(replace(m, signature=b"") == unsigned for m in messages):
        return Decision.REPEAT
    if messages and position_of(unsigned) <= position_of(messages[-1]):
        return Decision.REFUSE
    return Decision.SIGN if _is_true_to_lock(state.lock, request) else Decision.REFUSE


def sign_request(
    state: SignState, request: AskSignature, genesis: bytes, sign: Callable[[bytes], bytes]
) -> tuple[SignState, bytes | None, Proposal | Vote | None]:
    """Return the state after the request, the journal entry to make durable first, and the signed message.

    A repeated message needs no entry; a refused one is None. `sign` gets the digest.
    """
    decision = decide(state, request)
    if decision is Decision.REFUSE:
        return state, None, None
    unsigned = request.unsigned
    if decision is Decision.REPEAT:
        return state, None, next(m for m in state.messages if position_of(m) == position_of(unsigned))
    message: Proposal | Vote
    if isinstance(unsigned, Vote):
        message = replace(unsigned, signature=sign(vote_digest(genesis, unsigned)))
    else:
        message = replace(unsigned, signature=sign(proposal_digest(genesis, unsigned)))
    lock = _lock_after(state.lock, request)
    entry = JournalEntry(message, replace(lock, proof=()) if lock.is_same(state.lock) else lock)
    return _apply(state, entry), encode_entry(entry), message


def resume_of(state: SignState) -> Resume:
    """Return what the engine must know at start-up."""
    messages, lock = state.messages, state.lock
    return Resume(
        era=messages[-1].era if messages else 0,
        locked_height=lock.height if messages and lock.era == messages[-1].era else 0,
        locked_round=lock.round,
        locked_block=lock.block_id,
        own=messages,
        proof=lock.proof,
    )


def encode_entry(entry: JournalHead | JournalEntry) -> bytes:
    """Return the bytes to append: length, record, checksum."""
    record = encode(entry)
    return len(record).to_bytes(_LENGTH_BYTES, "big") + record + _checksum(record)


def encode_journal(state: SignState, *, genesis: bytes, key: bytes) -> bytes:
    """Return the shortest journal that replays to this state: to begin a file, or to replace a long one."""
    entries = (encode_entry(JournalEntry(message, state.lock)) for message in state.messages)
    return encode_entry(JournalHead(genesis, key)) + b"".join(entries)


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
        messages = state.messages
        if isinstance(entry, JournalHead) or (
            messages and position_of(entry.message) <= position_of(messages[-1])
        ):
            raise Broken("data_damaged", f"sign state is out of order at byte {offset}")
        state, offset = _apply(state, entry), end
    rest = len(data) - offset
    if rest >= RECORD_BYTES_MAX + _FRAME_BYTES or any(_read(data, offset + i) for i in range(1, rest)):
        raise Broken("data_damaged", f"sign state at byte {offset}")
    return state, offset


def _kind_of(message: Proposal | Vote) -> int:
    return message.kind if isinstance(message, Vote) else PROPOSAL


def _claimed_lock(request: AskSignature) -> Lock:
    """Return the lock the engine says it has at this height."""
    unsigned = request.unsigned
    if request.locked_height != unsigned.height or not request.locked_block:
        return NO_LOCK
    return Lock(unsigned.era, unsigned.height, request.locked_round, request.locked_block, request.proof)


def _is_true_to_lock(lock: Lock, request: AskSignature) -> bool:
    unsigned = request.unsigned
    if isinstance(unsigned, Proposal) or unsigned.block_id == NIL:
        return True
    claimed = _claimed_lock(request)
    if unsigned.kind == PRECOMMIT:  # L38-L39: it is this vote that locks
        return claimed.is_same(Lock(unsigned.era, unsigned.height, unsigned.round, unsigned.block_id))
    if (lock.era, lock.height) != (unsigned.era, unsigned.height) or lock.block_id == unsigned.block_id:
        return True
    return claimed.round > lock.round or claimed.is_same(lock)


def _lock_after(lock: Lock, request: AskSignature) -> Lock:
    unsigned, claimed = request.unsigned, _claimed_lock(request)
    is_of_this_height = (lock.era, lock.height) == (unsigned.era, unsigned.height)
    return lock if is_of_this_height and lock.round >= claimed.round else claimed


def _apply(state: SignState, entry: JournalEntry) -> SignState:
    message = entry.message
    lock = state.lock if entry.lock.is_same(state.lock) else entry.lock
    if isinstance(message, Proposal):
        return replace(state, proposal=message, lock=lock)
    if message.kind == PREVOTE:
        return replace(state, prevote=message, lock=lock)
    return replace(state, precommit=message, lock=lock)


def _read(data: bytes, offset: int) -> tuple[JournalHead | JournalEntry, int] | None:
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
