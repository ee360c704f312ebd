"""Small branches of headers for the engines whose chain can fork: no bodies, no state, no kernel."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from msgspec import structs

from chaosnet.base.units import EMPTY_HASH
from chaosnet.consensus.branching import BranchEngine, Parent, View
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.model.block import Validator, ValidatorSet
from chaosnet.model.epoch import Epoch
from chaosnet.model.evidence import header_digest
from chaosnet.model.genesis import ChainParams
from chaosnet.model.header import GenesisProof, Header, Proof, SlotProof, StakeProof, block_id_of

GENESIS = b"g" * 32
ERA_HEIGHT = 10
ERA_TIME_MS = 1_700_000_000_000
ERA = 1
SEED = b"e" * 32


def operator(name: str) -> bytes:
    return b"\x00" + sha256(f"operator {name}".encode()).digest()


def key_seed(name: str, purpose: str = "consensus") -> bytes:
    return sha256(f"{purpose} {name}".encode()).digest()


def validators(**weights: int) -> ValidatorSet:
    made = [
        Validator(operator(n), public_key_of(key_seed(n)), w, public_key_of(key_seed(n, "vrf")))
        for n, w in weights.items()
    ]
    return ValidatorSet(tuple(sorted(made, key=lambda v: v.operator)))


def name_of(operator_account: bytes, names: str) -> str:
    return next(name for name in names if operator(name) == operator_account)


def header(parent: Header | None, proof: Proof, **fields: Any) -> Header:
    """Return a header that follows a parent; without one, the last block before the era."""
    values: dict[str, Any] = {
        "version": 1,
        "genesis": GENESIS,
        "era": ERA if parent else ERA - 1,
        "height": parent.height + 1 if parent else ERA_HEIGHT,
        "parent": block_id_of(parent) if parent else EMPTY_HASH,
        "time_ms": parent.time_ms + 1 if parent else ERA_TIME_MS,
        "proposer": operator("a"),
        "rule": 1,
        "engine": "test",
        "tx_root": EMPTY_HASH,
        "tx_count": 0,
        "state_root": EMPTY_HASH,
        "receipts_root": EMPTY_HASH,
        "validators_hash": EMPTY_HASH,
        "next_validators_hash": EMPTY_HASH,
        "parent_seal_hash": EMPTY_HASH,
        "gas_used": 0,
        "proof": proof,
    }
    return Header(**values | fields)


def start(members: ValidatorSet, **params: int) -> Parent:
    """Return the last block before the era."""
    last = header(None, GenesisProof())
    return _parent(last, members, ChainParams(**params), None, _unknown)


def extend(engine: BranchEngine, parent: Parent, new: Header, seal: bytes) -> Parent:
    """Check a block, and return it as the parent of the next one."""
    engine.check(new, seal, parent)
    view = engine.follow(new, parent)

    def ancestor(height: int) -> Header:
        return new if height == new.height else parent.ancestor(height)

    return _parent(new, parent.validators, parent.params, view, ancestor)


def with_(value: Header, **changes: Any) -> Header:
    """Return a header with other fields; those of the proof by their own names."""
    inner = {k: v for k, v in changes.items() if k not in Header.__struct_fields__}
    outer = {k: v for k, v in changes.items() if k in Header.__struct_fields__}
    proof = structs.replace(value.proof, **inner) if inner else value.proof
    return structs.replace(value, **{"proof": proof} | outer)


def sealed(value: Header, name: str) -> bytes:
    """Return the signature of a producer."""
    return sign(key_seed(name), header_digest(value))


def slotted(parent: Parent, proof: StakeProof | SlotProof, name: str) -> Header:
    """Return a header at its slot's start."""
    time_ms = ERA_TIME_MS + proof.slot * parent.params.slot_ms
    return header(parent.header, proof, time_ms=time_ms, proposer=operator(name))


def _unknown(height: int) -> Header:
    raise AssertionError(f"no engine needs height {height}")


def _parent(
    last: Header,
    members: ValidatorSet,
    params: ChainParams,
    view: View | None,
    ancestor: Callable[[int], Header],
) -> Parent:
    return Parent(
        header=last,
        block_id=block_id_of(last),
        era=ERA,
        era_height=ERA_HEIGHT,
        era_time_ms=ERA_TIME_MS,
        validators=members,
        params=params,
        epoch=Epoch(ERA, ERA_HEIGHT, ERA_TIME_MS, 0, ERA_HEIGHT + 1, SEED),
        view=view,
        ancestor=ancestor,
    )
