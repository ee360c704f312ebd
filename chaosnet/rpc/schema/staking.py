"""Who makes the blocks, whose coins stand behind them, and the branches they have made."""

from chaosnet.rpc.schema.node import Shape


class EpochStatus(Shape):
    """The epoch of the next block, under engines with elected validators."""

    number: int
    """From 0 in each era."""
    first_height: int
    last_height: int
    seed: str
    """32 bytes, hex."""


class ValidatorStatus(Shape):
    """One validator, one that will be, or one that stands for election."""

    operator: str
    name: str
    """Of the member with the same operator account, or empty."""
    key: str
    """Consensus key."""
    is_validator: bool
    """In the set in force for the next block."""
    is_next: bool
    """In the set of the next epoch; where sets do not change by epochs, as `is_validator`."""
    weight: str
    """Votes, or motes of stake under pos, in the set in force; `0` outside it."""
    weight_ppm: int
    """Parts in a million of the set's weight."""
    is_candidate: bool
    bonded: str
    """Motes bonded to it now, its own and others'."""
    commission_permille: int
    is_jailed: bool
    jailed_until: int
    """Height from which the operator may ask back."""
    missed_slots: int
    """Slots it let pass since the chain began."""
    is_self: bool
    is_silent: bool
    """A validator that this node has not heard for five seconds."""
    last_block: int | None = None
    """Height of its newest block among the last 128; None: none of them is its own."""


class ValidatorList(Shape):
    """Validators by weight, then candidates by bond; both descending."""

    engine: str
    height: int
    """Of the head."""
    leader: str
    """Operator whose turn is now, where that is known to all (pbft, dbft, dpos); else empty."""
    leader_name: str
    total_weight: str
    epoch: EpochStatus | None
    validators: list[ValidatorStatus]
    next: int | None = None
    """Position to pass as `from` for the next page."""


class TreeBlock(Shape):
    """One block of the tree between the final block and all tips."""

    id: str
    parent: str
    height: int
    time_ms: int
    proposer: str
    proposer_name: str
    tx_count: int
    engine: str
    era: int
    weight: str
    """What the branch up to it counts: work (pow), or the greatest height its weight prevoted (pos, dpos)."""
    is_canonical: bool
    is_final: bool
    is_tail: bool
    """It only makes the last block of an era final, and is no block of the chain."""
    slot: int | None = None
    """Under pos and dpos, from the start of the era."""


class Reorganisation(Shape):
    """The chain left a branch for another that counts more."""

    at_ms: int
    common_height: int
    """Of the last block of both."""
    old_height: int
    old_id: str
    new_height: int
    new_id: str
    depth: int
    """Blocks undone."""
    is_deep: bool
    """At least as deep as the node's warning depth."""
    dropped: list[str]
    """Transactions that were in the old branch and are not in the new one, at most 1,000; they wait again."""
    dropped_total: int


class Tree(Shape):
    """Blocks that may still be undone. Under immediate finality just the head."""

    finality: str
    """`immediate` | `gadget` | `depth`."""
    final_height: int
    final_id: str
    head_height: int
    head_id: str
    blocks: list[TreeBlock]
    """By descending height, the final block last; at most 256, the newest."""
    left_out: int
    """Older blocks of the tree that are not in the list."""
    reorganisations: list[Reorganisation]
    """The last 32 since the node started, newest first."""


class UnbondingPart(Shape):
    """Coins on their way out of a bond."""

    amount: str
    free_height: int
    """Height from which they can be withdrawn."""


class Delegation(Shape):
    """What an account has with one candidate."""

    operator: str
    name: str
    bonded: str
    """Motes that its shares are worth now."""
    unbonding: list[UnbondingPart]


class DelegationList(Shape):
    """Coins of one account that are bonded or on their way out."""

    address: str
    height: int
    bonded: str
    """Motes, all together."""
    unbonding: str
    delegations: list[Delegation]
