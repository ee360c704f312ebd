"""A stored chain that is right in every part: executed, sealed by its validators, made from names."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.base.units import MOTES_PER_COS
from chaosnet.consensus.pbft import proposer_of
from chaosnet.contracts.machine import Machine
from chaosnet.crypto.signing import sign
from chaosnet.kernel import producer
from chaosnet.kernel.blocks import Head
from chaosnet.kernel.boot import genesis_stored, make_node
from chaosnet.kernel.chain import commit
from chaosnet.kernel.events import HeadMoved, PersistBlock, Report
from chaosnet.kernel.node import NodeConfig
from chaosnet.model.block import Block, Certificate, SealedBlock
from chaosnet.model.evidence import PRECOMMIT, vote_digest_of
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.model.header import QuorumProof
from chaosnet.model.transaction import decode_transaction
from chaosnet.storage.sqlite import ChainStore
from tests.making import Person, network

RICH = 10_000 * MOTES_PER_COS


class RealChain:
    """Makes block after block in a directory. Close it before anything else opens the directory alone."""

    def __init__(
        self,
        directory: Path,
        validators: int = 1,
        people: Sequence[Person] = (),
        machine: Machine | None = None,
        **params: int,
    ) -> None:
        self.validators = [Person(f"validator{i}") for i in range(validators)]
        self.genesis: Genesis = network(
            [(person, RICH, None) for person in people], self.validators, **params
        )
        self.genesis_hash = genesis_hash_of(self.genesis)
        first = genesis_stored(self.genesis)
        block = SealedBlock(Block(first.header, b"", ()), b"")
        self.store = ChainStore.create_or_open(directory, self.genesis_hash, block, first.state.items())
        self.node = make_node(NodeConfig(self.genesis, bytes(32), b"", machine=machine), first, self.store)

    @property
    def height(self) -> int:
        return self.node.head.header.height

    def add(self, raws: Iterable[bytes] = ()) -> int:
        """Commit one block with these transactions; return how many fitted in."""
        block, _ = self.commit(raws)
        self.store.commit_block(block)
        return len(block.tx_ids)

    def add_unfinal(self, raws: Iterable[bytes] = ()) -> tuple[PersistBlock, HeadMoved]:
        """Commit one block as an engine does whose chain can fork; block 0 alone is final."""
        block, fact = self.commit(raws)
        block, fact = replace(block, final_height=0), replace(fact, is_final=False)
        self.store.commit_block(block)
        return block, fact

    def roll_back(self, head: Head) -> None:
        """Go back to an earlier head, in the kernel and in the store."""
        node = self.node
        for height in range(head.header.height + 1, node.head.header.height + 1):
            del node.recent[height], node.ids[height]
        node.head = head
        self.store.roll_back(head.header.height)

    def commit(self, raws: Iterable[bytes] = ()) -> tuple[PersistBlock, HeadMoved]:
        """Commit one block in the kernel alone; return what is to be written, then reported."""
        node = self.node
        for raw in raws:
            node.mempool.add(decode_transaction(raw), node.head.header.time_ms)
        head = node.head.header
        proposer = proposer_of(node.head.validators, head.height + 1, 0).operator
        candidate = producer.build(node, QuorumProof(round=0), proposer, head.time_ms + 1_000)
        height, block_id = candidate.block.header.height, candidate.block_id
        digest = vote_digest_of(self.genesis_hash, PRECOMMIT, 0, height, 0, block_id)
        members = node.head.validators.validators
        people = {bytes(person.address): person for person in self.validators}
        signatures = tuple(sign(people[m.operator].member_seed("consensus"), digest) for m in members)
        seal = encode(Certificate(0, height, 0, block_id, tuple(range(len(members))), signatures))
        commit(node, candidate, seal, candidate.block.header.time_ms)
        block, report = node.effects
        node.effects = []
        assert isinstance(block, PersistBlock)
        assert isinstance(report, Report)
        assert isinstance(report.fact, HeadMoved)
        return block, report.fact
