"""A chain of plausible blocks for the storage tests: right shapes and sizes, signatures are noise."""

from collections.abc import Iterator
from random import Random

from chaosnet.base.codec import encode
from chaosnet.base.units import EMPTY_HASH
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.kernel.events import PersistBlock, RollBack
from chaosnet.model.block import (
    Block,
    Certificate,
    SealedBlock,
    tx_root_of,
)
from chaosnet.model.evidence import PREVOTE, DuplicateVote, Vote
from chaosnet.model.header import (
    GenesisProof,
    Header,
    QuorumProof,
    block_id_of,
    seal_hash_of,
)
from chaosnet.model.policy import Witness, address_of, single_key
from chaosnet.model.receipt import Receipt, receipts_root_of
from chaosnet.model.transaction import Transaction, Transfer, TxBody, tx_id_of

GENESIS = tagged_hash(b"genesis", b"storage tests")


class Chain:
    """Makes PersistBlock after PersistBlock, and keeps what it made."""

    def __init__(self, *, accounts: int = 20, seed: int = 1) -> None:
        self._random = Random(seed)
        self._keys = [self._random.randbytes(32) for _ in range(accounts)]
        self._addresses = [bytes(address_of(single_key(key))) for key in self._keys]  # type: ignore[arg-type]
        block = Block(self._header(0, b"", (), ()), b"", ())
        self.genesis_block = SealedBlock(block, b"")
        self.genesis_state = {b"\x01\x21" + a: self._account() for a in self._addresses}
        self.state: dict[bytes, bytes] = dict(self.genesis_state)
        self.persisted: list[PersistBlock] = []
        self._tip, self._tip_seal = block.header, b""

    def next(
        self, transfers: int, *, seal_is_ours: bool = True, final_height: int = -1, view: bytes = b""
    ) -> PersistBlock:
        """Return the next block; with `seal_is_ours` false its parent_seal is another than the stored one."""
        height = self._tip.height + 1
        rows = [self._transfer(height) for _ in range(transfers)]
        txs, ids = tuple(raw for raw, _, _ in rows), tuple(tx_id for _, tx_id, _ in rows)
        codes = ("ok", "not_enough") if transfers < 1000 else ("ok",)
        receipts = tuple(Receipt(tx_id, self._random.choice(codes), 250, 250) for tx_id in ids)
        parent_seal = self._tip_seal if seal_is_ours else self._seal(height - 1)
        header = self._header(height, parent_seal, txs, receipts)
        block = Block(header, parent_seal, txs)
        changes: dict[bytes, bytes | None] = {
            b"\x01\x21" + address: self._account() for _, _, pair in rows for address in pair
        }
        made = PersistBlock(
            height=height,
            block_id=block_id_of(header),
            header=header,
            block=encode(block),
            seal=self._seal(height),
            receipts=receipts,
            tx_ids=ids,
            changes=changes,
            undo={key: self.state.get(key) for key in changes},
            touched=tuple(
                position.to_bytes(4, "big") + address
                for position, (_, _, pair) in enumerate(rows)
                for address in pair
            ),
            final_height=final_height,
            view=view,
        )
        self._tip, self._tip_seal = header, made.seal
        self.apply(made)
        return made

    def apply(self, block: PersistBlock) -> None:
        """Record a block, made here or changed by a test."""
        self.persisted.append(block)
        for key, value in block.changes.items():
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value

    def roll_back(self, height: int) -> RollBack:
        """Go back to the block at a height; the next one is another than it was."""
        while len(self.persisted) > height:
            for key, value in self.persisted.pop().undo.items():
                if value is None:
                    self.state.pop(key, None)
                else:
                    self.state[key] = value
        tip = self.persisted[-1] if self.persisted else None
        self._tip = tip.header if tip else self.genesis_block.block.header
        self._tip_seal = tip.seal if tip else b""
        return RollBack(height)

    def _account(self) -> bytes:
        return encode((self._random.randrange(10**6), self._random.randrange(10**12)))

    def _seal(self, height: int) -> bytes:
        signers = (0, 1, 2)
        signatures = tuple(self._random.randbytes(64) for _ in signers)
        return encode(Certificate(0, height, 0, self._random.randbytes(32), signers, signatures))

    def _transfer(self, height: int) -> tuple[bytes, bytes, tuple[bytes, bytes]]:
        sender, to = self._random.sample(range(len(self._keys)), 2)
        body = TxBody(
            genesis=GENESIS,
            sender=self._addresses[sender],
            nonce=self._random.randrange(1000),
            anchor_height=height - 1,
            anchor_prefix=GENESIS[:8],
            expiry=height + 1000,
            gas_limit=1000,
            gas_price=1,
            payer=None,
            memo="",
            actions=(Transfer(self._addresses[to], self._random.randrange(1, 10**10)),),
        )
        policy = single_key(self._keys[sender])  # type: ignore[arg-type]
        tx = Transaction(body, Witness(policy, ((0, self._random.randbytes(64)),)), None)
        return encode(tx), tx_id_of(body), (self._addresses[sender], self._addresses[to])

    def _header(
        self, height: int, parent_seal: bytes, txs: tuple[bytes, ...], receipts: tuple[Receipt, ...]
    ) -> Header:
        return Header(
            version=1,
            genesis=GENESIS,
            era=0,
            height=height,
            parent=block_id_of(self._tip) if height else EMPTY_HASH,
            time_ms=1_790_000_000_000 + height,
            proposer=bytes(33),
            rule=1,
            engine="pbft",
            tx_root=tx_root_of(txs),
            tx_count=len(txs),
            state_root=self._random.randbytes(32),
            receipts_root=receipts_root_of(receipts),
            validators_hash=tagged_hash(b"validators", b"four"),
            next_validators_hash=tagged_hash(b"validators", b"four"),
            parent_seal_hash=seal_hash_of(parent_seal),
            gas_used=250 * len(txs),
            proof=QuorumProof(0) if height else GenesisProof(),
        )


def forking(chain: Chain, seed: int, transfers: int) -> Iterator[PersistBlock | RollBack]:
    """Yield what a node with a chain that forks writes: two steps up, now and then one to five back."""
    random = Random(seed)
    final = 0
    while True:
        head = len(chain.persisted)
        if head > final and random.randrange(3) == 0:
            yield chain.roll_back(random.randrange(max(final, head - 5), head))
        else:
            final = max(final, head - random.randrange(4, 9))
            yield chain.next(random.randrange(transfers + 1), final_height=final, view=random.randbytes(9))


def duplicate_vote(height: int) -> DuplicateVote:
    """Return evidence of the right shape."""
    first, second = (Vote(PREVOTE, 0, height, 0, bytes([i]) * 32, bytes(32), bytes(64)) for i in (1, 2))
    return DuplicateVote(first, second)
