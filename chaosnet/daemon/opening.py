"""Taking a chain up from disk where it was left: its head, what is final, and the states in between."""

from dataclasses import replace
from pathlib import Path

from chaosnet.base.errors import Refused
from chaosnet.kernel.boot import Stored, genesis_stored, publish_earlier, restore_branch
from chaosnet.kernel.node import Node
from chaosnet.ledger.epochs import epoch_of
from chaosnet.ledger.members import next_validators
from chaosnet.ledger.state import State
from chaosnet.model.block import Block, SealedBlock, validators_hash_of
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.storage.sqlite import ChainStore


def open_store(directory: Path, genesis: Genesis) -> tuple[ChainStore, Stored]:
    """Open or create the chain and load its state."""
    first = genesis_stored(genesis)
    block = SealedBlock(Block(header=first.header, parent_seal=b"", txs=()), b"")
    store = ChainStore.create_or_open(directory, genesis_hash_of(genesis), block, first.state.items())
    head = store.head()
    if head.height == 0:
        return store, replace(first, trust=store.trust())
    state = State.of(store.load_state())
    before = state.update(store.undo(head.height) or {})
    sealed_by = next_validators(before)
    if validators_hash_of(sealed_by) != head.header.validators_hash:
        store.close()
        raise Refused("data_damaged", "validators of the head are not in the state")
    stored = Stored(
        header=head.header,
        seal=head.seal,
        state=state,
        sealed_by=sealed_by,
        sealed_in=epoch_of(before),
        final_height=store.final_height(),
        view=store.view(head.height) or b"",
        trust=store.trust(),
    )
    return store, stored


def rebuild(node: Node, store: ChainStore) -> None:
    """Rebuild what a node keeps in memory of the blocks below its head; raises Broken(`data_damaged`)."""
    restore_branch(node, store.undo, store.view)
    publish_earlier(node, store.undo)
