"""The simulated disk keeps what a real one keeps, and nothing more."""

from itertools import islice

import pytest

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Broken
from chaosnet.consensus.engine import AskSignature
from chaosnet.consensus.signstate import position_of
from chaosnet.kernel.boot import Stored, genesis_stored
from chaosnet.kernel.events import PersistCandidate, RollBack
from chaosnet.ledger.state import State
from chaosnet.model.block import ValidatorSet
from chaosnet.model.evidence import NIL, PRECOMMIT, PREVOTE, Vote
from chaosnet.model.genesis import genesis_hash_of
from chaosnet.sim.cast import actor_at, genesis_of
from chaosnet.sim.disk import JOURNAL_BYTES_MAX, Disk, Journal
from chaosnet.sim.scenario import Scenario
from chaosnet.sim.world import World
from tests.unit.storage.chain import Chain, forking

GENESIS = genesis_of(4, 0, 2, {})
KEY = actor_at(0).consensus_key


def journal() -> Journal:
    return Journal(genesis_hash_of(GENESIS), actor_at(0).consensus_seed)


def request(height: int, kind: int = PREVOTE) -> AskSignature:
    return AskSignature(Vote(kind, 0, height, 0, NIL, KEY, b""), 0, -1, NIL)


def test_a_finished_entry_survives_and_an_unfinished_one_never_repeats() -> None:
    for i in range(40):
        fence, dice = journal(), Dice(bytes((i,)))
        first = fence.begin(request(1))
        fence.finish()
        second = fence.begin(request(2))
        assert second is not None
        fence.crash(dice)
        resume = fence.open()
        assert first in resume.own or second in resume.own
        is_whole = second in resume.own
        assert ((position_of(second), NIL, -1) in fence.recorded) == is_whole
        fence.begin(request(3))
        fence.finish()
        assert fence.open().own[-1].height == 3, "the torn end was cut off"


def test_a_long_journal_is_replaced_by_a_short_one() -> None:
    fence = journal()
    for height in range(1, 1_000):
        assert fence.begin(request(height, PRECOMMIT)) is not None
        fence.finish()
        assert len(fence._data) <= JOURNAL_BYTES_MAX + 1_000
    assert fence.open().own[-1].height == 999


def test_a_refused_request_writes_nothing() -> None:
    fence = journal()
    fence.begin(request(5))
    fence.finish()
    assert fence.begin(request(4)) is None
    assert not fence.is_writing()


def test_a_disk_starts_from_its_blocks_and_refuses_gaps() -> None:
    world = World(Scenario(name="t", about="", duration_ms=5_000), 1)
    world.plan()
    world.run_until(5_000_000)
    disk = world.hosts[0].disk
    assert disk.height >= 1
    stored = disk.load()
    assert stored.header.height == disk.height
    assert stored.state.root == stored.header.state_root
    other = Disk(genesis_stored(world.genesis), None)
    for height in range(1, disk.height + 1):
        other.write(disk.blocks[height])
    assert other.load().state.root == stored.state.root
    with pytest.raises(Broken):
        other.write(disk.blocks[1])
    head = disk.blocks[disk.height]
    other.write(PersistCandidate(head.height + 1, b"x", b"raw"))
    assert other.candidate(b"x") == b"raw"
    other.wipe_chain()
    assert (other.height, other.candidate(b"x")) == (0, None)
    assert other.load().header.height == 0


def test_a_disk_takes_back_what_is_not_final() -> None:
    chain = Chain()
    disk = Disk(
        Stored(chain.genesis_block.block.header, b"", State.of(chain.state.items()), ValidatorSet(())), None
    )
    for write in islice(forking(chain, 3, 4), 60):
        disk.write(write)
        assert (disk.height, dict(disk._items)) == (len(chain.persisted), chain.state)
        assert disk.height >= disk.final_height
    assert disk.final_height > 0
    for made in chain.persisted:
        assert disk.block_id_at(made.height) == made.block_id
        assert (disk.undo(made.height), disk.view(made.height)) == (made.undo, made.view)
    assert disk.view(disk.height + 1) is None
    for height in (disk.final_height - 1, disk.height + 1):
        with pytest.raises(Broken):
            disk.write(RollBack(height))


def test_what_another_machine_signed_may_be_said_again_where_its_file_was_brought() -> None:
    first, second = journal(), journal()
    said = first.begin(request(1))
    first.finish()
    assert said is not None
    second.bring(first.copy(), is_imported=True)
    assert second.open().own == (said,)
    assert second.recorded == second.brought == {(position_of(said), NIL, -1)}
    assert first.brought == frozenset()
