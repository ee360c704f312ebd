"""A child process for the kill tests: commits blocks, and says so after each, until it is killed.

Arguments: directory, seed of the chain, transfers a block. It makes the whole chain again from the seed and
goes on behind the stored head.
"""

import os
import sys
from pathlib import Path

from chaosnet.kernel.events import PersistCandidate
from chaosnet.storage.sqlite import ChainStore
from tests.unit.storage.chain import GENESIS, Chain


def main(directory: str, seed: str, transfers: str) -> None:
    chain = Chain(seed=int(seed))
    store = ChainStore.create_or_open(
        Path(directory), GENESIS, chain.genesis_block, chain.genesis_state.items()
    )
    os.write(1, f"{store.head().height}\n".encode())
    while True:
        made = chain.next(int(transfers))
        if made.height <= store.head().height:
            continue
        store.keep_candidate(PersistCandidate(made.height, made.block_id, made.block))
        os.write(1, b"candidate\n")
        store.commit_block(made)
        os.write(1, f"{made.height}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
