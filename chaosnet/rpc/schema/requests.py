"""Requests and their answers."""

from typing import Annotated

import msgspec

from chaosnet.base.limits import BATCH_TXS_MAX
from chaosnet.rpc.schema.chain import ContractEvent
from chaosnet.rpc.schema.node import Shape

RawHex = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": "^([0-9a-fA-F]{2})*$"})]
"""Canonical bytes of a transaction in hex; of more than 64 KiB: `too_large`."""


class SubmitRequest(Shape, forbid_unknown_fields=True):
    """One raw transaction, hex."""

    raw: RawHex


class BatchRequest(Shape, forbid_unknown_fields=True):
    """At most 1,000 raw transactions, hex."""

    raws: Annotated[list[str], msgspec.Meta(extra_json_schema={"maxItems": BATCH_TXS_MAX})]
    """What is no hex or too long gets its verdict like the others."""


class Verdict(Shape):
    """What became of one submitted transaction: `ok` = pending here."""

    id: str
    code: str
    detail: str = ""


class BatchResult(Shape):
    """One verdict for each transaction, in order."""

    verdicts: list[Verdict]


class Simulation(Shape):
    """Outcome of a dry run on the present state."""

    code: str
    detail: str
    gas: int
    fee: str
    deposit: str = "0"
    """Motes that the state would lock more than before; negative: they would be freed."""
    events: list[ContractEvent] = msgspec.field(default_factory=list)
    returns: list[object] = msgspec.field(default_factory=list)
    """Value of each deployment and each call (`rpc.schema.values`)."""
    failed_at: int | None = None
    """Position of the action that would fail."""
