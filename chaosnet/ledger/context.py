"""All that execution may read beside the state, and the settings the state itself holds.

Execution reads only height, times, proposer, the chain's identity and its parameters (protocol: Blocks).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from chaosnet.base.errors import Broken
from chaosnet.contracts.machine import Machine
from chaosnet.ledger.keys import params_key, rule_key
from chaosnet.model.genesis import ChainParams, Genesis
from chaosnet.rules.registry import rules_at
from chaosnet.rules.ruleset import RuleSet


class Reader(Protocol):
    """A State or an Overlay."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """The block that transactions are executed in."""

    genesis: Genesis
    genesis_hash: bytes
    height: int
    era: int
    time_ms: int
    """Time of this block."""
    parent_time_ms: int
    """Time of the parent: locks are released by it."""
    proposer: bytes
    """Operator account that receives the fees."""
    params: ChainParams
    """Of the parent's state."""
    rules: RuleSet
    """In force by the parent's state."""
    anchor_ok: Callable[[int, bytes], bool]
    """Whether the ancestor at a height (1 .. height-1) has a block id with these first 8 bytes."""
    engine: str = "pbft"
    """Of this block."""
    entropy: bytes = b""
    """What the block adds to the next seed: the VRF output under pos, the reveal under dpos and dbft."""
    missed: tuple[tuple[bytes, int], ...] = ()
    """(operator, slots) that passed unused since the parent, where leaders are known in advance."""
    machine: Machine | None = None
    """Runs contracts. Every node has one: without it, transactions that need it are refused."""


_decode_params = msgspec.msgpack.Decoder(ChainParams).decode


def params_of(reader: Reader) -> ChainParams:
    """Return the chain's parameters; raises Broken(`data_damaged`) when the state has none."""
    value = reader.get(params_key())
    try:
        return _decode_params(value or b"")
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"parameters: {error}") from error


def rules_of(reader: Reader) -> RuleSet:
    """Return the rules for the next block; raises Broken(`data_damaged`, `rule_unknown`)."""
    value = reader.get(rule_key())
    if value is None:
        raise Broken("data_damaged", "the state names no rule set")
    return rules_at(int.from_bytes(value, "big"))


def encode_rule(number: int) -> bytes:
    """Return the state value of a rule number."""
    return number.to_bytes(4, "big")
