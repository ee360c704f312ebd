"""The fence: whether this node may sign at all, now that the same key may be in use elsewhere.

Pure judgement; the kernel asks it before every signature and tells it what it sees of its own key
(protocol: Engines, Sign state). Four answers:

- A journal that was imported or copied *listens*: the node follows and signs nothing until some blocks were
  made after its start. A network that makes none, since it needs this very key, is waited for so long only.
- Any journal may be an old copy. So the first signature waits until others have told how far they are.
- A signature of the key that is later than the sign state, or differs from it, was made elsewhere. The node
  *stops* for good: two places with one key will sooner or later contradict each other.
- Unless it is older than this process, in a block that was made before: then the sign state is an old copy.
  Nothing is signed up to that place, and the node listens first.
"""

from msgspec.structs import replace

from chaosnet.consensus.engine import AskSignature, Resume
from chaosnet.consensus.signstate import NOWHERE, Position, digest_of, position_of
from chaosnet.crypto.signing import is_valid
from chaosnet.model.block import ValidatorSet, decode_certificate
from chaosnet.model.evidence import PRECOMMIT, Signable, SignedHeader, Vote
from chaosnet.model.header import Header, QuorumProof, RoundProof, SlotProof, StakeProof

WITHHELD_MAX = 16
"""Requests kept while nothing is signed: the latest ones."""


class Fence:
    """What one process knows of the use of its key. Times are in ms."""

    def __init__(
        self, genesis: bytes, key: bytes, resume: Resume | None, *, listen_blocks: int, listen_ms: int
    ) -> None:
        """`listen_blocks` 0: never listen."""
        self._genesis = genesis
        self._key = key
        self._blocks = listen_blocks
        self._quiet_ms = listen_ms
        self._latest: dict[int, Signable] = {}
        """Own messages by kind, durable here."""
        self._position: Position = NOWHERE
        for message in resume.signed if resume is not None else ():
            self.note(message)
        self._left = listen_blocks if resume is not None and resume.is_listening else 0
        """Blocks still to listen to."""
        self._started_ms = 0
        self._since_ms = 0
        """Since when nothing of this key was heard, as far as there was somebody to hear."""
        self.is_stopped = False
        self.has_caught_up = False
        """Once since the start no other node was ahead."""
        self.caught_up_at = 0
        """Height at that time: blocks that this key made before, and nobody has any more, are not above."""
        self._is_from_elsewhere = resume is not None and resume.is_listening
        self._heard_ms: int | None = None
        """Since when enough others are heard."""
        self._withheld: list[AskSignature] = []

    @property
    def is_listening(self) -> bool:
        """Return whether nothing may be signed yet."""
        return self._left > 0

    def start(self, now: int) -> None:
        """Begin to count."""
        self._started_ms = self._since_ms = now

    def on_block(self, time_ms: int) -> None:
        """Count a block that was made since this process began."""
        if self._left and self._started_ms <= time_ms:
            self._left -= 1

    def watch(self, now: int, *, can_hear: bool) -> None:
        """Let time pass; `can_hear`: another user of the key would be heard now."""
        if not can_hear:
            self._since_ms = now
        elif now - self._since_ms >= self._quiet_ms:
            self._left = 0

    def has_heard_enough(self, now: int, *, is_heard: bool, settle_ms: int) -> bool:
        """Return whether we know how far the network is: enough others tell, and have for `settle_ms`.

        The sign state may be an old copy, and nothing here says so. Where others are silent, they are waited
        for so long only.
        """
        if not is_heard:
            self._heard_ms = None
            return now - self._started_ms >= self._quiet_ms
        if self._heard_ms is None:
            self._heard_ms = now
        return now - self._heard_ms >= settle_ms

    def catch_up(self, height: int) -> None:
        """Nobody is ahead of us at this height.

        What came from elsewhere may be in use there still, by somebody who does not know this height: headers
        for one slot are then the same only if we do not own up to more than the sign state knows.
        """
        self.has_caught_up = True
        if not self._is_from_elsewhere:
            self.caught_up_at = height

    def withhold(self, request: AskSignature) -> None:
        """Keep a request until something may be signed."""
        self._withheld = [*self._withheld, request][-WITHHELD_MAX:]

    def release(self) -> list[AskSignature]:
        """Return what was withheld, in order, and forget it."""
        withheld, self._withheld = self._withheld, []
        return withheld

    def note(self, message: Signable) -> None:
        """An own message is durable in the sign state."""
        position = position_of(message)
        self._latest[position[3]] = message
        self._position = max(self._position, position)

    def is_foreign(self, message: Signable, *, is_verified: bool = False) -> bool:
        """Return whether this key made a signature that the sign state does not know.

        Later than all that it knows, or in place of one that it knows. Forged ones are nobody's.
        """
        if message.signer != self._key or not self._key:
            return False
        position = position_of(message)
        known = self._latest.get(position[3])
        if position <= self._position:
            is_same_place = known is not None and position_of(known) == position
            if not is_same_place or _content(known) == _content(message):
                return False
        return is_verified or is_valid(self._key, digest_of(self._genesis, message), message.signature)

    def is_history(self, time_ms: int) -> bool:
        """Return whether a block is older than this process."""
        return time_ms < self._started_ms

    def yield_to(self, message: Signable, now: int) -> AskSignature:
        """Sign nothing up to a foreign signature, and listen; return what to make durable first."""
        self.note(message)
        self.has_caught_up = False
        self._left = self._blocks
        self._since_ms = now
        return AskSignature(message, 0, -1, b"", is_seen=True)

    def stop(self) -> None:
        """Sign nothing any more."""
        self.is_stopped = True
        self._withheld = []


def own_signature(header: Header, seal: bytes, validators: ValidatorSet, key: bytes) -> Signable | None:
    """Return what a key has signed of a block that is verified, its set being `validators`."""
    index = validators.index_of_key(key)
    if index < 0:
        return None
    if isinstance(header.proof, StakeProof | SlotProof):
        is_own = header.proposer == validators.validators[index].operator
        return SignedHeader(header, key, seal) if is_own else None
    if not isinstance(header.proof, QuorumProof | RoundProof) or not seal:
        return None
    c = decode_certificate(seal)
    if index not in c.signers:
        return None
    signature = c.signatures[c.signers.index(index)]
    return Vote(PRECOMMIT, c.era, c.height, c.round, c.block_id, key, signature)


def _content(message: Signable | None) -> Signable | None:
    return None if message is None else replace(message, signature=b"")
