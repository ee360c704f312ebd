"""What is asked of a call, what it ends with, and the frame between."""

import msgspec

from chaosnet.contracts.values import Value
from chaosnet.ledger.contracts.records import Contract
from chaosnet.model.contract_actions import Sent


class Request(msgspec.Struct, frozen=True):
    """What is to be called."""

    contract: bytes
    """Address."""
    method: str
    args: bytes
    """Canonical list."""
    caller: bytes
    """Account or contract that calls; it pays what is sent."""
    sent: Sent = ()
    is_static: bool = False
    given: list[Value] | None = None
    """The arguments decoded, where they are at hand."""


class Result(msgspec.Struct, frozen=True):
    """How a call ended."""

    code: str
    """`ok`, or a code of FAULTS."""
    value: bytes
    """Canonical value, when ok."""
    text: str
    fuel: int
    """What the caller owes."""


class Frame(msgspec.Struct):
    """One call that is running."""

    contract: Contract
    caller: bytes
    sent: Sent
    is_static: bool
    left_at_fault: int = 0
    """Fuel that was left when a host function last ended the frame."""
