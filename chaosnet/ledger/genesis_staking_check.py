"""Whether a genesis has what its staking engines need: safe delays, keys for the lottery, covered bonds."""

from chaosnet.base.errors import Invalid
from chaosnet.model.genesis import STAKING_ENGINES, VALIDATOR, WEIGHT_LAG_EPOCHS, Genesis


def check_staking(genesis: Genesis) -> None:
    """Raise Invalid(`bad_argument`) unless somebody can make every era's first block, and offences can be
    punished.

    The founding validators make the first blocks under any engine but pow until candidates have enough coins:
    without one a public network would stop at its hand-over, since nobody has to bond before it.

    Under staking engines coins stay punishable until they give no weight and evidence no longer counts, and
    longer than a node may be away without a trusted block (protocol: Evidence, Trust).
    """
    engines = [entry.engine for entry in genesis.schedule]
    later = next((engine for engine in engines if engine != "pow"), "")
    if later and not any(member.role == VALIDATOR for member in genesis.members):
        raise Invalid("bad_argument", f"members: a validator is needed, to make the first {later} blocks")
    if not any(engine in STAKING_ENGINES for engine in engines):
        return
    params = genesis.params
    if params.unbonding_blocks <= params.evidence_age + WEIGHT_LAG_EPOCHS * params.epoch_blocks:
        detail = f"more than evidence_age and {WEIGHT_LAG_EPOCHS} epochs"
        raise Invalid("bad_argument", f"params.unbonding_blocks: {detail}")
    if params.trust_period_ms >= params.unbonding_blocks * params.slot_ms:
        raise Invalid("bad_argument", "params.trust_period_ms: less than unbonding_blocks x slot_ms")
    if "pos" not in engines:
        return
    for member in genesis.members:
        if member.role == VALIDATOR and not member.vrf_key:
            raise Invalid("bad_argument", "members.vrf_key: pos needs one of every validator")


def check_bonds(genesis: Genesis) -> None:
    """Raise Invalid(`bad_argument`) unless each bond is a validator's own and its free coins cover it."""
    bonds = genesis.bonds
    if not bonds:
        return
    if genesis.founding_blocks:
        raise Invalid("bad_argument", "bonds: there are no coins before the founding blocks")
    operators = [bond.operator for bond in bonds]
    if operators != sorted(dict.fromkeys(operators)):
        raise Invalid("bad_argument", "bonds: in ascending operator order, each once")
    validators = {member.operator for member in genesis.members if member.role == VALIDATOR}
    free: dict[bytes, int] = {}
    for allocation in genesis.allocations:
        if allocation.lock is None:
            free[allocation.address] = free.get(allocation.address, 0) + allocation.amount
    for bond in bonds:
        if bond.operator not in validators:
            raise Invalid("bad_argument", "bonds.operator: not a validator of members")
        if not 1 <= bond.amount <= free.get(bond.operator, 0):
            raise Invalid("bad_argument", "bonds.amount: at least 1, covered by unlocked allocations")
        if not 0 <= bond.commission_permille <= 1_000:
            raise Invalid("bad_argument", "bonds.commission_permille: 0 to 1000")
