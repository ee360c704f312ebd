"""Which operator a public key belongs to: of members and of candidates, former consensus keys included.

Every key has one operator and one purpose, so that evidence, links and leader election never mean two. Former
consensus keys stay here as long as what they signed can be punished (protocol: identity, Evidence).
"""

from typing import Final

import msgspec

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Broken, Invalid
from chaosnet.ledger.context import Context, Reader
from chaosnet.ledger.keys import key_owner_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.genesis import WEIGHT_LAG_EPOCHS, ChainParams, Member

CONSENSUS: Final = 1
VRF: Final = 2
NODE: Final = 3


class KeyOwner(Record, tag=1):
    """Who uses a key for what."""

    operator: bytes
    purpose: int
    """CONSENSUS, VRF or NODE."""
    until: int = 0
    """Last height at which a former consensus key can be accused; 0: in use."""


_decode = msgspec.msgpack.Decoder(KeyOwner).decode


def find_owner(reader: Reader, public_key: bytes) -> KeyOwner | None:
    """Return who uses, or used, a key; raises Broken(`data_damaged`)."""
    value = reader.get(key_owner_key(public_key))
    try:
        return None if value is None else _decode(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"owner of a key: {error}") from error


def operator_of_signer(reader: Reader, consensus_key: bytes, height: int) -> bytes | None:
    """Return the operator that can be punished at a height for what a consensus key signed."""
    owner = find_owner(reader, consensus_key)
    if owner is None or owner.purpose != CONSENSUS or (owner.until and owner.until < height):
        return None
    return owner.operator


def owner_values(members: tuple[Member, ...]) -> dict[bytes, bytes]:
    """Return the state's keys and values for the keys of these members."""
    return {
        key_owner_key(key): encode(KeyOwner(member.operator, purpose))
        for member in members
        for key, purpose in keys_of_member(member)
    }


def keys_of_member(member: Member) -> tuple[tuple[bytes, int], ...]:
    """Return (key, purpose) of each key a member has."""
    pairs = ((member.consensus_key, CONSENSUS), (member.vrf_key, VRF), (member.node_key, NODE))
    return tuple((key, purpose) for key, purpose in pairs if key)


def claim_key(overlay: Overlay, public_key: bytes, owner: KeyOwner, height: int) -> None:
    """Give a free key to an operator, who may have it already; raises Invalid(`key_taken`)."""
    before = find_owner(overlay, public_key)
    if before == owner:
        return
    if before is not None and not 0 < before.until < height:
        raise Invalid("key_taken")
    overlay.set(key_owner_key(public_key), encode(owner))


def retire_key(overlay: Overlay, public_key: bytes, owner: KeyOwner, ctx: Context) -> int:
    """Take a key out of use; return the height until which a consensus key stays punishable, else 0."""
    if owner.purpose != CONSENSUS:
        overlay.set(key_owner_key(public_key), None)
        return 0
    until = ctx.height + punishable_blocks(ctx.params)
    overlay.set(key_owner_key(public_key), encode(KeyOwner(owner.operator, CONSENSUS, until)))
    return until


def forget_key(overlay: Overlay, public_key: bytes) -> None:
    """Free a former consensus key whose time is over."""
    overlay.set(key_owner_key(public_key), None)


def punishable_blocks(params: ChainParams) -> int:
    """Return how long a former key counts: it may sign until no set holds it, and be accused after that."""
    return params.evidence_age + WEIGHT_LAG_EPOCHS * params.epoch_blocks
