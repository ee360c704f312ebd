"""Nothing a commit reported is lost when the process is killed, wherever the kill hits."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from chaosnet.storage.sqlite import ChainStore
from tests.unit.storage.chain import GENESIS, Chain, forking
from tests.unit.storage.stores import assert_holds, reopened

SEED, TRANSFERS, KILLS = 7, 200, 10


def killed_run(directory: Path, lines: int, extra_ns: int, *, loop: str = "commit_loop") -> int:
    """Run the child, kill it some time after its n-th line, and return the last number it reported."""
    module = f"tests.unit.storage.{loop}"
    command = [sys.executable, "-m", module, str(directory), str(SEED), str(TRANSFERS)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    reported = [child.stdout.readline() for _ in range(lines)]
    # Not a wait for anything: it moves the kill to another place inside a commit.
    spin = Random(extra_ns)
    for _ in range(extra_ns):
        spin.random()
    child.kill()
    reported += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    return max(int(line) for line in reported if line.strip().isdigit())


@pytest.mark.process
def test_no_kill_loses_a_reported_block(tmp_path: Path) -> None:
    dice = Random(1)
    chain = Chain(seed=SEED)
    last = 0
    for _ in range(KILLS):
        reported = killed_run(tmp_path, dice.randrange(1, 30), dice.randrange(200_000))
        store = ChainStore.create_or_open(tmp_path, GENESIS, None)
        head = store.head()
        assert head.height in (reported, reported + 1)
        assert head.height >= last
        last = head.height
        while len(chain.persisted) < last:
            chain.next(TRANSFERS)
        for made in chain.persisted:
            assert store.block_id_at(made.height) == made.block_id
            assert store.receipts(made.height) == made.receipts
        assert dict(store.load_state()) == chain.state
        check = store._writer.execute("PRAGMA integrity_check").fetchall()
        assert check == [("ok",)]
        store.close()
    assert last > KILLS


@pytest.mark.process
def test_a_kill_between_roll_back_and_commits_leaves_a_shorter_chain(tmp_path: Path) -> None:
    dice = Random(2)
    for run in range(KILLS // 2):
        directory = tmp_path / str(run)
        reported = killed_run(directory, dice.randrange(2, 30), dice.randrange(200_000), loop="reorg_loop")
        store = reopened(directory)
        chain = Chain(seed=SEED)
        steps = forking(chain, SEED, TRANSFERS)
        for _ in range(reported):
            next(steps)
        if store.head().height != len(chain.persisted) or (
            chain.persisted and store.head().block_id != chain.persisted[-1].block_id
        ):
            next(steps)
        assert_holds(store, chain)
        for made in chain.persisted[store.final_height() :]:
            assert (store.undo(made.height), store.view(made.height)) == (made.undo, made.view)
        store.close()
