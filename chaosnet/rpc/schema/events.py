"""Events of the stream; the SSE event type is the struct's tag."""

from chaosnet.rpc.schema.chain import BlockSummary, ContractEvent
from chaosnet.rpc.schema.node import Health, Shape


class BlockEvent(Shape, tag="block", tag_field="event"):
    """A block became the head (SSE event `block`)."""

    block: BlockSummary
    tx_ids: list[str]


class SaidEvent(Shape, tag="said", tag_field="event"):
    """Contracts said something in the block that became the head (SSE event `said`, after its `block`)."""

    height: int
    block_id: str
    is_final: bool
    """Otherwise a `reorg` may take the block back, and what was said in it."""
    events: list[ContractEvent]
    """In the order of the block."""
    left_out: int = 0
    """How many more there are: where contracts say a great deal, the rest has to be asked for."""


class ReorgEvent(Shape, tag="reorg", tag_field="event"):
    """Blocks above `common_height` were replaced (never under immediate finality)."""

    common_height: int
    dropped: list[str]
    """Transactions of the old branch that the new one does not hold, at most 1,000; they wait again."""
    old_height: int = 0
    old_id: str = ""
    new_height: int = 0
    new_id: str = ""
    depth: int = 0
    """Blocks undone."""
    is_deep: bool = False
    """At least as deep as the node's warning depth."""


class FinalEvent(Shape, tag="final", tag_field="event"):
    """Finality advanced."""

    height: int
    id: str


class PendingEvent(Shape, tag="pending", tag_field="event"):
    """Transactions entered the mempool."""

    tx_ids: list[str]


class HealthEvent(Shape, tag="health", tag_field="event"):
    """Health changed."""

    health: Health


class RoundEvent(Shape, tag="round", tag_field="event"):
    """The engine moved."""

    height: int
    round: int
    step: str


class ResetEvent(Shape, tag="reset", tag_field="event"):
    """Events were missed that the node no longer holds: read again whatever is shown."""


class ClosedEvent(Shape, tag="closed", tag_field="event"):
    """Last event of a stream that the node ends; connecting again with the last id goes on from there."""

    code: str
    """`overloaded`: over 1,000 events were waiting for this reader; `shutdown`: the node stops."""


StreamEvent = (
    BlockEvent
    | SaidEvent
    | ReorgEvent
    | FinalEvent
    | PendingEvent
    | HealthEvent
    | RoundEvent
    | ResetEvent
    | ClosedEvent
)
