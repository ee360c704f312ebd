"""Validators, bonds and trees as nodes of the staking and the mining engines tell of them."""

from typing import Any

from msgspec import structs

from chaosnet.rpc import schema
from tests import fake_staking
from tests.unit.tui.answers import MadeFeed
from tests.unit.tui.making import NAMES, NOW, address_of, id_of, network_of, status_of
from tui.network import Network

HEAD = fake_staking.TOP
FINAL = fake_staking.FINAL


def validator_list() -> schema.ValidatorList:
    """Four delegates, delta silent; candidates epsilon and a jailed stranger."""
    found = fake_staking.validator_list()
    rows = [
        structs.replace(row, operator=address_of(row.name)) if row.name in NAMES else row
        for row in found.validators
    ]
    return structs.replace(found, validators=rows)


def bonds_of(address: str) -> schema.DelegationList:
    return fake_staking.delegation_list(address)


def consensus_of(engine: str, **changes: Any) -> schema.ConsensusStatus:
    """Return what a node under that engine says of it."""
    finality = {"pow": "depth", "pos": "gadget", "dpos": "gadget"}.get(engine, "immediate")
    state = structs.replace(status_of("alpha").consensus, engine=engine, finality=finality)
    return structs.replace(state, **changes)


def status_under(
    engine: str,
    name: str = "alpha",
    height: int = HEAD,
    *,
    final: int = FINAL,
    chain: str = "tree",
    **changes: Any,
) -> schema.Status:
    state = consensus_of(engine, **changes)
    if state.finality == "immediate":
        final = height
    status = status_of(name, height, chain=chain)
    return structs.replace(
        status, consensus=state, final_height=final, final_id=id_of(f"tree {final}"), tip_time_ms=NOW - 500
    )


def network_under(engine: str, **changes: Any) -> Network:
    """Four nodes that agree, with no stream."""
    network = network_of()
    for index, name in enumerate(NAMES):
        network.answered(index, status_under(engine, name, **changes), NOW)
    network.source = 0
    return network


def feed_under(engine: str, **changes: Any) -> MadeFeed:
    """Return a feed of four nodes under that engine, which answer with made-up validators and trees."""
    feed = MadeFeed(network_under(engine, **changes))
    feed.answers.validator_list = structs.replace(validator_list(), engine=engine)
    feed.answers.block_tree = fake_staking.block_tree()
    feed.answers.bonds = bonds_of
    return feed


def reorg_event(*, depth: int = 2, is_deep: bool = False) -> schema.ReorgEvent:
    return schema.ReorgEvent(
        common_height=HEAD - depth,
        dropped=[id_of("dropped 1"), id_of("dropped 2")],
        old_height=HEAD,
        old_id=id_of("side"),
        new_height=HEAD + 1,
        new_id=id_of(f"tree {HEAD + 1}"),
        depth=depth,
        is_deep=is_deep,
    )
