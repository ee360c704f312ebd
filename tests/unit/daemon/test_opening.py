"""A chain that can fork is taken up where it was left, and stands its replay."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from chaosnet.base.errors import Broken
from chaosnet.base.limits import PROOF_HEIGHTS
from chaosnet.consensus.pow import Pow
from chaosnet.daemon.opening import open_store, rebuild
from chaosnet.daemon.replay import replay
from chaosnet.kernel import events as ev
from chaosnet.kernel.boot import make_node
from chaosnet.kernel.node import Node, NodeConfig
from chaosnet.kernel.step import step
from chaosnet.model.block import validators_hash_of
from chaosnet.model.genesis import EngineFrom, Genesis
from chaosnet.model.transaction import Delegate
from chaosnet.storage.reader import ChainView
from chaosnet.storage.sqlite import ChainStore
from tests.making import Person, body_of, network, signed_by
from tests.unit.daemon.ring_stage import RingStage
from tests.unit.kernel.ring import Ring

MINER = Person("miner")
DEPTH = 2


def genesis_of() -> Genesis:
    """Return a chain that is easy to mine and final after two blocks."""
    made = network([(MINER, 1_000, None)], [MINER])
    params = replace(made.params, pow_bits=0x207F_FFFF, finality_depth=DEPTH, pow_target_ms=10)
    return replace(made, params=params, schedule=(EngineFrom(1, "pow"),))


def start(directory: Path, genesis: Genesis) -> tuple[ChainStore, Node]:
    """Take a chain up from disk."""
    store, stored = open_store(directory, genesis)
    node = make_node(NodeConfig(genesis, node_id=bytes(32), seed=b"", miner=MINER.address), stored, store)
    rebuild(node, store)
    return store, node


def mine(store: ChainStore, node: Node, blocks: int) -> None:
    """Let the node make blocks, each durable at once."""
    now = node.head.header.time_ms + 10
    waiting = step(node, ev.Started(), now)
    wanted = node.head.header.height + blocks
    while node.head.header.height < wanted:
        now += 10
        effect = waiting.pop(0)
        match effect:
            case ev.PersistBlock():
                store.commit_block(effect)
            case ev.SetTimer(name="turn"):
                waiting += step(node, ev.TimerFired("turn"), max(now, effect.at_ms))
            case ev.Mine(ticket=ticket, pre_hash=pre_hash, target=target):
                nonce = next(n for n in range(10_000) if Pow()._hash(pre_hash, n) <= target)
                waiting += step(node, ev.Mined(ticket, nonce), now)
            case _:
                pass
    for effect in waiting:
        if isinstance(effect, ev.PersistBlock):
            store.commit_block(effect)


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Genesis, bytes]:
    """Return a closed chain of five mined blocks, and the id of its head."""
    genesis = genesis_of()
    store, node = start(tmp_path, genesis)
    mine(store, node, 5)
    store.close()
    return tmp_path, genesis, node.head.block_id


def test_what_is_not_final_can_fork_again_after_a_restart(made: tuple[Path, Genesis, bytes]) -> None:
    directory, genesis, head = made
    store, node = start(directory, genesis)
    assert (node.head.block_id, node.head.header.height, node.final_height) == (head, 5, 5 - DEPTH)
    assert node.tree is not None
    heights = sorted(entry.head.header.height for entry in node.tree.entries.values())
    assert heights == [3, 4, 5]
    assert all(e.head.view is not None and e.score for e in node.tree.entries.values())
    assert node.tree.best().head.block_id == head
    mine(store, node, 2)
    assert store.head().height == 7
    assert store.final_height() == 5
    store.close()


def test_a_mined_chain_stands_its_replay_up_to_the_final_block(made: tuple[Path, Genesis, bytes]) -> None:
    directory, genesis, _ = made
    result = replay(ChainView.of_existing(directory), genesis)
    assert result.height == 5 - DEPTH


def test_replay_asks_the_engine_about_each_block(
    made: tuple[Path, Genesis, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, genesis, _ = made
    monkeypatch.setattr("chaosnet.consensus.pow.target_of", lambda _bits: 0)
    with pytest.raises(Broken) as error:
        replay(ChainView.of_existing(directory), genesis)
    assert "block 1: bad_seal" in error.value.detail


@pytest.mark.parametrize("engine", ["pos", "dbft"])
def test_states_before_the_restart_are_there_again_each_with_the_set_that_sealed_it(
    tmp_path: Path, engine: str
) -> None:
    """Sets change by epochs, and what a proof rests on must be the set of its own height."""
    ring = Ring(engine, validators_max=3 if engine == "dbft" else 101).start()
    body = body_of(
        ring.genesis, ring.alice, 0, Delegate(ring.people[3].address, 10**11), gas_limit=10**6, expiry=500
    )
    ring.feed(0, ev.SubmitTransactions(7, (signed_by(ring.alice, body).raw,)))
    ring.settle()
    machine = ring.machines[0]
    ring.pass_ms(400_000, until=lambda: machine.node.head.header.height >= 35)
    ring.pass_ms(10_000)
    before = machine.node
    RingStage(tmp_path, ring).store.close()
    store, stored = open_store(tmp_path, ring.genesis)
    node = make_node(machine.config, stored, store)
    rebuild(node, store)
    top = node.head.header.height
    assert top == before.head.header.height >= 35
    assert sorted(node.recent) == list(range(1, top + 1))
    sets = set()
    for height, shown in node.recent.items():
        assert shown.block_id == before.recent[height].block_id
        assert shown.state.root == shown.header.state_root
        assert validators_hash_of(shown.sealed_by) == shown.header.validators_hash
        sets.add(shown.header.validators_hash)
    assert len(sets) > 1, "the set did not change"
    store.close()


def test_no_more_is_rebuilt_than_proofs_are_served_for(tmp_path: Path) -> None:
    genesis = genesis_of()
    store, node = start(tmp_path, genesis)
    mine(store, node, PROOF_HEIGHTS + 8)
    store.close()
    store, node = start(tmp_path, genesis)
    top = node.head.header.height
    assert sorted(node.recent) == list(range(top - PROOF_HEIGHTS + 1, top + 1))
    store.close()
