"""A kernel of a ring behind the interface: its blocks on a real disk, all of them reported."""

from pathlib import Path

from chaosnet.crypto.addresses import format_address
from chaosnet.daemon.backend import Identity, NodeBackend
from chaosnet.kernel.node import Node
from chaosnet.model.block import Block, SealedBlock
from chaosnet.model.genesis import genesis_hash_of
from chaosnet.rpc.stream import EventHub
from chaosnet.storage.sqlite import ChainStore
from tests.making import Person
from tests.unit.kernel.ring import Ring


class RingShell:
    """What a backend asks of the runtime."""

    def __init__(self, ring: Ring, node: Node) -> None:
        self.ring = ring
        self.node = node

    def clock_ms(self) -> int:
        return self.ring.now


class RingStage:
    """The view of one machine; `catch_up` after the ring went on."""

    def __init__(self, directory: Path, ring: Ring, place: int = 0) -> None:
        self.ring = ring
        self.machine = ring.machines[place]
        first = self.machine.disk.first
        block = SealedBlock(Block(first.header, b"", ()), b"")
        genesis_hash = genesis_hash_of(ring.genesis)
        self.store = ChainStore.create_or_open(directory, genesis_hash, block, first.state.items())
        for write in self.machine.disk.blocks:
            self.store.commit_block(write)
        shell = RingShell(ring, self.machine.node)
        identity = Identity("alpha", "chaosnet/test", "public")
        self.hub = EventHub(first_id=1)
        self.backend = NodeBackend(shell, self.store, self.hub, identity)  # type: ignore[arg-type]
        self._told = len(self.machine.reports)

    def catch_up(self) -> None:
        """Write what the machine wrote meanwhile, and report what it reported."""
        disk = self.machine.disk
        common = min(self.store.head().height, len(disk.blocks))
        while self.store.block_id_at(common) != disk.block_id_at(common):
            common -= 1
        if common < self.store.head().height:
            self.store.roll_back(common)
        for write in disk.blocks[common:]:
            self.store.commit_block(write)
        for fact in self.machine.reports[self._told :]:
            self.backend.on_report(fact)
        self._told = len(self.machine.reports)

    def text(self, person: Person) -> str:
        return format_address(self.ring.genesis.address_prefix, person.address)
