"""A child process for the kill tests: commits and takes back blocks, and says so after each, until killed.

Arguments: directory, seed, transfers a block at most.
"""

import os
import sys
from pathlib import Path

from chaosnet.kernel.events import RollBack
from chaosnet.storage.sqlite import ChainStore
from tests.unit.storage.chain import GENESIS, Chain, forking


def main(directory: str, seed: str, transfers: str) -> None:
    chain = Chain(seed=int(seed))
    store = ChainStore.create_or_open(
        Path(directory), GENESIS, chain.genesis_block, chain.genesis_state.items()
    )
    os.write(1, b"0\n")
    for count, write in enumerate(forking(chain, int(seed), int(transfers)), 1):
        if isinstance(write, RollBack):
            store.roll_back(write.height)
        else:
            store.commit_block(write)
        os.write(1, f"{count}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
