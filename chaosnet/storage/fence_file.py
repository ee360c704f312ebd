"""The file that moves a sign state with its key: plain JSON, complete, and checked at every field.

It holds no secret. Every signature in it is verified at import, so that nobody but the holder of the key can
make one up; the checksum is for accidents (protocol: Engines, Sign state).
"""

from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from chaosnet.base.codec import Decoder, encode
from chaosnet.base.errors import Invalid, Refused
from chaosnet.consensus.signstate import Lock, SignState, digest_of, position_of
from chaosnet.crypto.signing import is_valid
from chaosnet.model.evidence import PRECOMMIT, PREVOTE, PROPOSAL, Proposal, Signable, SignedHeader, Vote
from chaosnet.model.header import HEADER_BYTES_MAX
from chaosnet.storage.signstate_file import SignStateFile

FORMAT: Final = "chaosnet-fence"
VERSION: Final = 1
FENCE_BYTES_MAX: Final = 256 * 1024
NUMBER_MAX: Final = 2**63 - 1
KINDS: Final = ("proposal", "prevote", "precommit", "header")

_header_decoder: Decoder[SignedHeader] = Decoder(SignedHeader, HEADER_BYTES_MAX + 256)


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part of the file; bytes are in hex."""


class SignedAt(Table, frozen=True, kw_only=True):
    """The latest message of one kind."""

    kind: str
    era: int
    height: int
    """Of a header the slot."""
    round: int
    block: str = ""
    """Empty: a vote for no block."""
    justified: int = -1
    """Of a proposal: the round that justifies it."""
    header: str = ""
    """The whole signed header, in canonical bytes."""
    signature: str


class LockAt(Table, frozen=True, kw_only=True):
    """The block last precommitted, with the prevotes that justify it."""

    era: int
    height: int
    round: int
    block: str
    proof: list[tuple[str, str]] = []


class FenceFile(Table, frozen=True, kw_only=True):
    """The whole file."""

    format: str
    version: int
    genesis: str
    key: str
    signed: list[SignedAt]
    lock: LockAt | None = None
    max_height_generated: int = 0
    checksum: str = ""
    """SHA-256 of the compact JSON of the file with this field empty."""


def format_fence(state: SignState, *, genesis: bytes, key: bytes) -> str:
    """Return the file of a sign state."""
    lock = state.lock
    file = FenceFile(
        format=FORMAT,
        version=VERSION,
        genesis=genesis.hex(),
        key=key.hex(),
        signed=[_signed_at(message) for message in state.messages],
        lock=LockAt(
            era=lock.era,
            height=lock.height,
            round=lock.round,
            block=lock.block_id.hex(),
            proof=[(signer.hex(), signature.hex()) for signer, signature in lock.proof],
        )
        if lock.block_id
        else None,
        max_height_generated=state.max_height_generated,
    )
    file = replace(file, checksum=_checksum(file))
    return msgspec.json.format(msgspec.json.encode(file), indent=2).decode() + "\n"


def parse_fence(text: str, *, genesis: bytes, key: bytes) -> SignState:
    """Return the sign state of a file.

    Raises Refused(`fenced`) for one of another network or key, Invalid(`malformed`, `too_large`,
    `bad_signature`) for one that is not whole.
    """
    if len(text) > FENCE_BYTES_MAX:
        raise Invalid("too_large", f"a fence file has at most {FENCE_BYTES_MAX} characters")
    try:
        file = msgspec.json.decode(text, type=FenceFile)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid("malformed", f"not a fence file: {error}") from error
    if (file.format, file.version) != (FORMAT, VERSION):
        raise Invalid("malformed", f"not a {FORMAT} file of version {VERSION}")
    if file.checksum != _checksum(file):
        raise Invalid("malformed", "checksum of the fence file does not match: it was cut or changed")
    if (_bytes(file.genesis), _bytes(file.key)) != (genesis, key):
        raise Refused("fenced", "the fence file belongs to another network or key")
    messages = [_message(at, key) for at in file.signed]
    for message in messages:
        if not is_valid(key, digest_of(genesis, message), message.signature):
            raise Invalid("bad_signature", f"fence file: {position_of(message)} was not signed by this key")
    state = SignState(lock=_lock(file.lock))
    for message in messages:
        if position_of(message) <= state.position:
            raise Invalid("malformed", "fence file: messages are not in order")
        state = _with(state, message)
    generated = _number(file.max_height_generated)
    if state.header is not None and generated < state.header.header.height:
        raise Invalid("malformed", "fence file: max_height_generated")
    return replace(state, max_height_generated=generated)


def merge(ours: SignState, theirs: SignState) -> SignState:
    """Return a state that forbids whatever one of the two forbids."""
    merged = ours
    for message in theirs.messages:
        before = next((m for m in ours.messages if position_of(m)[3] == position_of(message)[3]), None)
        if before is None or position_of(message) > position_of(before):
            merged = _with(merged, message)
    lock = max(ours.lock, theirs.lock, key=lambda lock: (lock.era, lock.height, lock.round, len(lock.proof)))
    eras = [state.header.header.era if state.header is not None else -1 for state in (ours, theirs)]
    generated = max(
        state.max_height_generated
        for state, era in zip((ours, theirs), eras, strict=True)
        if era == max(eras)
    )
    return replace(merged, lock=lock, max_height_generated=generated)


def export_fence(path: Path, *, genesis: bytes, key: bytes, retire: bool) -> tuple[str, SignState]:
    """Return the file of a journal and its state; with `retire` nothing is signed from the journal any more.

    Raises Refused: `in_use` while a node signs with it, `no_fence`, `fenced`; Broken.
    """
    with closing(SignStateFile.hold(path, genesis, key)) as held:
        if retire and not held.state.is_retired:
            held.retire()
        return format_fence(held.state, genesis=genesis, key=key), held.state


def import_fence(path: Path, theirs: SignState, *, genesis: bytes, key: bytes, take_back: bool) -> SignState:
    """Begin a journal with a state from elsewhere, or raise the one there to it; return the result.

    The node listens before it signs. Raises Refused(`fenced`) where the key was moved away and the state is
    not newer than what was moved, unless it comes back unused (`take_back`); `in_use`.
    """
    if not path.exists():
        made = replace(theirs, is_listening=True)
        SignStateFile.create(path, genesis, key, made)
        return made
    with closing(SignStateFile.hold(path, genesis, key)) as held:
        ours = held.state
        is_newer = theirs.position > ours.position or (take_back and theirs.position == ours.position)
        if ours.is_retired and not is_newer:
            raise Refused("fenced", "the key was moved away, and this fence file is not newer than that")
        merged = replace(merge(ours, theirs), is_listening=True, is_retired=False)
        held.put(merged)
        return merged


def _signed_at(message: Signable) -> SignedAt:
    era, height, round_, kind = position_of(message)
    is_header = isinstance(message, SignedHeader)
    return SignedAt(
        kind=KINDS[kind],
        era=era,
        height=height,
        round=round_,
        block="" if isinstance(message, SignedHeader) else message.block_id.hex(),
        justified=message.pol_round if isinstance(message, Proposal) else -1,
        header=encode(message).hex() if is_header else "",
        signature=message.signature.hex(),
    )


def _message(at: SignedAt, key: bytes) -> Signable:
    place = _number(at.era), _number(at.height), _number(at.round)
    block, signature = _bytes(at.block), _bytes(at.signature)
    if at.kind not in KINDS or len(block) not in (0, 32) or not -1 <= at.justified <= NUMBER_MAX:
        raise Invalid("malformed", f"fence file: {at.kind!r}")
    kind = KINDS.index(at.kind)
    message: Signable
    if at.kind == "header":
        message = _header_decoder.decode(_bytes(at.header))
    elif kind == PROPOSAL:
        message = Proposal(*place, at.justified, block, key, signature)
    else:
        message = Vote(PREVOTE if at.kind == "prevote" else PRECOMMIT, *place, block, key, signature)
    if position_of(message) != (*place, kind) or (message.signer, message.signature) != (key, signature):
        raise Invalid("malformed", "fence file: a message is not the one it is called")
    return message


def _with(state: SignState, message: Signable) -> SignState:
    if isinstance(message, SignedHeader):
        return replace(state, header=message)
    if isinstance(message, Proposal):
        return replace(state, proposal=message)
    return replace(state, prevote=message) if message.kind == PREVOTE else replace(state, precommit=message)


def _lock(at: LockAt | None) -> Lock:
    if at is None:
        return SignState().lock
    proof = tuple((_bytes(signer), _bytes(signature)) for signer, signature in at.proof)
    block = _bytes(at.block)
    if len(block) != 32 or any((len(k), len(s)) != (32, 64) for k, s in proof):
        raise Invalid("malformed", "fence file: lock")
    return Lock(_number(at.era), _number(at.height), _number(at.round), block, proof)


def _number(value: int) -> int:
    if not 0 <= value <= NUMBER_MAX:
        raise Invalid("malformed", f"fence file: {value} is out of range")
    return value


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise Invalid("malformed", "fence file: not hexadecimal") from error


def _checksum(file: FenceFile) -> str:
    return sha256(msgspec.json.encode(replace(file, checksum=""))).hexdigest()
