"""Small chains for the tests of sync: real headers and bodies, and seals that say whether they hold."""

from chaosnet.base.codec import encode
from chaosnet.model.block import Block, SealedBlock, tx_root_of
from chaosnet.model.header import (
    Header,
    QuorumProof,
    block_id_of,
    seal_hash_of,
)
from chaosnet.protocol.branch import Branch

GENESIS_ID = b"\x11" * 32
SEAL = b"good"
FALSE_SEAL = b"forged"


def block(height: int, parent: bytes, *, txs: tuple[bytes, ...] = (), salt: bytes = b"") -> Block:
    header = Header(
        version=1,
        genesis=b"g" * 32,
        era=0,
        height=height,
        parent=parent,
        time_ms=1_000 * height,
        proposer=salt.ljust(33, b"p"),
        rule=1,
        engine="pbft",
        tx_root=tx_root_of(txs),
        tx_count=len(txs),
        state_root=bytes(32),
        receipts_root=bytes(32),
        validators_hash=bytes(32),
        next_validators_hash=bytes(32),
        parent_seal_hash=seal_hash_of(SEAL),
        gas_used=0,
        proof=QuorumProof(round=0),
    )
    return Block(header=header, parent_seal=SEAL, txs=txs)


class Chain:
    """Sealed blocks 1 .. n, as a node serves them; index 0 stands for genesis."""

    def __init__(self, count: int, *, on: "Chain | None" = None, fork: int = 0, salt: bytes = b"") -> None:
        """Make `count` blocks; those up to `fork` are shared with the chain `on`."""
        self.blocks: list[SealedBlock] = list(on.blocks[:fork]) if on else []
        self.ids: list[bytes] = list(on.ids[: fork + 1]) if on else [GENESIS_ID]
        seal = FALSE_SEAL if on else SEAL
        for height in range(fork + 1, count + 1):
            made = block(height, self.ids[-1], txs=(b"tx%d" % height,), salt=salt)
            self.blocks.append(SealedBlock(block=made, seal=seal))
            self.ids.append(block_id_of(made.header))

    def __len__(self) -> int:
        return len(self.blocks)

    def block_id_at(self, height: int) -> bytes | None:
        return self.ids[height] if 0 <= height <= len(self) else None

    def header_at(self, height: int) -> tuple[bytes, bytes] | None:
        if not 1 <= height <= len(self):
            return None
        sealed = self.blocks[height - 1]
        return encode(sealed.block.header), sealed.seal

    def sealed_at(self, height: int) -> bytes | None:
        return encode(self.blocks[height - 1]) if 1 <= height <= len(self) else None


def branch_of(chain: Chain, head: int, giver: bytes) -> Branch:
    """Return a branch above a head that holds all headers of a chain."""
    branch = Branch()
    branch.move_head(head, chain.ids[head])
    for block_id in chain.ids[head + 1 :]:
        branch.extend(block_id, giver)
    return branch
