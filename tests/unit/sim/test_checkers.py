"""Checkers see what is wrong: false facts fed by hand, and networks with more liars than may be."""

from typing import Any

import msgspec
import pytest

from chaosnet.kernel import events as ev
from chaosnet.ledger.accounts import decode_account, encode_account
from chaosnet.ledger.keys import account_key
from chaosnet.model.evidence import NIL, PRECOMMIT, PREVOTE, Vote
from chaosnet.protocol.messages import Votes, encode_message
from chaosnet.sim.scenario import Byzantine, Expect, Fault, Load, Scenario
from chaosnet.sim.world import World, run_scenario

SPEC = Scenario(name="checked", about="", duration_ms=4_000, load=Load(per_minute=600))


@pytest.fixture(scope="module")
def ran() -> World:
    world = World(SPEC, 1)
    world.plan()
    world.run_until(SPEC.duration_ms * 1_000)
    assert world.checkers.height > 2
    return world


@pytest.fixture
def world(ran: World) -> World:
    ran.checkers.violations.clear()
    return ran


def codes(world: World) -> list[str]:
    return [violation.code for violation in world.checkers.violations]


def changed(block: ev.PersistBlock, **fields: Any) -> ev.PersistBlock:
    return msgspec.structs.replace(block, **fields)


def test_a_true_network_has_no_violation(world: World) -> None:
    for host in world.hosts:
        for block in host.disk.blocks.values():
            world.checkers.wrote(host, block)
        world.checkers.check_whole(host)
    assert codes(world) == []


def test_a_fork_is_seen(world: World) -> None:
    world.checkers.wrote(world.hosts[0], changed(world.hosts[0].disk.blocks[1], block_id=bytes(32)))
    assert codes(world) == ["fork"]


def test_other_results_of_the_same_block_are_seen(world: World) -> None:
    block = next(block for block in world.hosts[0].disk.blocks.values() if block.receipts)
    world.checkers.wrote(world.hosts[0], changed(block, receipts=()))
    world.checkers.wrote(world.hosts[0], changed(block, changes={}))
    assert codes(world) == ["diverged", "diverged"]


def test_a_changed_supply_is_seen(world: World) -> None:
    host = world.hosts[0]
    last = host.disk.blocks[world.checkers.height]
    address = world.load.clients[0].account.address
    assert host.node is not None
    value = host.node.head.state.get(account_key(address))
    assert value is not None
    rich = decode_account(value)
    more = encode_account(msgspec.structs.replace(rich, balance=rich.balance + 1))
    undo: dict[bytes, bytes | None] = {account_key(address): value}
    changes: dict[bytes, bytes | None] = {account_key(address): more}
    more_fields = {"block_id": b"s" * 32, "changes": changes, "undo": undo, "tx_ids": (), "final_height": -1}
    world.checkers.wrote(host, changed(last, height=last.height + 1, **more_fields))
    assert codes(world) == ["supply"]
    del world.checkers.chain[last.height + 1]
    world.checkers.height -= 1
    world.checkers.finals[host.place] -= 1


def test_a_transaction_twice_is_seen(world: World) -> None:
    host = world.hosts[0]
    block = next(block for block in host.disk.blocks.values() if block.tx_ids)
    height = world.checkers.height + 1
    world.checkers.wrote(host, changed(block, height=height, final_height=-1))
    assert codes(world) == ["twice"] * len(block.tx_ids)
    del world.checkers.chain[height]
    world.checkers.height -= 1
    world.checkers.finals[host.place] -= 1


def say(world: World, place: int, kind: int, block_id: bytes, round_: int = 77) -> None:
    key = world.hosts[place].actor.consensus_key
    vote = Vote(kind, 0, world.checkers.height, round_, block_id, key, bytes(64))
    world.checkers.sent(world.hosts[place], encode_message(Votes(votes=(vote,))))


def test_two_votes_in_one_place_are_seen(world: World) -> None:
    say(world, 1, PREVOTE, NIL)
    say(world, 1, PREVOTE, bytes(32))
    assert "double_sign" in codes(world)


def test_a_vote_that_is_not_recorded_is_seen(world: World) -> None:
    say(world, 1, PREVOTE, NIL, round_=78)
    assert codes(world) == ["unrecorded"]


def test_a_lock_on_a_block_that_is_not_kept_is_seen(world: World) -> None:
    say(world, 1, PRECOMMIT, bytes(32), round_=79)
    assert "unkept" in codes(world)


def test_votes_of_others_that_a_node_passes_on_are_not_its_own(world: World) -> None:
    key = world.hosts[2].actor.consensus_key
    vote = Vote(PREVOTE, 0, 9, 80, NIL, key, bytes(64))
    world.checkers.sent(world.hosts[1], encode_message(Votes(votes=(vote,))))
    assert codes(world) == []


def test_a_head_reported_before_it_is_durable_is_seen(world: World) -> None:
    header = world.hosts[0].disk.blocks[1].header
    fact = ev.HeadMoved(world.checkers.height + 1, bytes(32), header, 0, True, 0, False)
    world.checkers.reported(world.hosts[3], fact)
    assert codes(world) == ["unpersisted"]
    assert world.hosts[3].node is not None
    world.checkers.started(world.hosts[3], world.hosts[3].node)
    assert codes(world) == ["unpersisted", "undone"]


def test_a_ban_between_honest_nodes_is_seen(world: World) -> None:
    note = ev.PeerNote(world.hosts[1].node_key, "banned", "unexpected")
    world.checkers.reported(world.hosts[0], note)
    assert codes(world) == ["banned"]


def test_a_failing_kernel_is_seen(world: World) -> None:
    world.checkers.failed(world.hosts[0], ValueError("x"))
    assert codes(world) == ["failed"]


def test_half_of_the_members_can_split_the_network() -> None:
    spec = Scenario(
        name="half",
        about="two of four equivocate",
        duration_ms=15_000,
        params={"idle_interval_ms": 1_000},
        byzantine=Byzantine(count=2, traits=("equivocate",)),
    )
    found = [violation.code for seed in range(6) for violation in run_scenario(spec, seed).violations[:1]]
    assert found.count("fork") >= 3


def test_a_network_that_cannot_go_on_is_stalled() -> None:
    spec = Scenario(
        name="mute",
        about="two of four may not sign any more",
        duration_ms=5_000,
        faults=(Fault(kind="wipe_sign_state", at_ms=2_000, length_ms=500, count=2),),
        expect=Expect(recover_ms=20_000),
    )
    (violation,) = run_scenario(spec, 1).violations
    assert violation.code == "stalled"
    assert violation.at_ms >= 20_000


def test_a_pause_between_blocks_is_seen() -> None:
    spec = Scenario(
        name="gap",
        about="three of four dead for five seconds",
        duration_ms=12_000,
        load=Load(per_minute=600),
        faults=(Fault(kind="crash", at_ms=4_000, length_ms=5_000, count=3),),
        expect=Expect(gap_ms_max=3_000),
    )
    assert run_scenario(spec, 1).violations[0].code == "gap"
