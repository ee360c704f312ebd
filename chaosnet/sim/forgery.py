"""Blocks that a byzantine proposer makes: each follows its parent, and all but one rule.

`other_signers` breaks none: where an account has several keys, a known transaction signed by others of them
is as good. A network must not be split by either (protocol: Transactions, "a bad signature never marks the
id").
"""

from typing import Final

from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.base.dice import Dice
from chaosnet.crypto.signing import sign
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.node import Node
from chaosnet.kernel.producer import build
from chaosnet.model.block import Block, tx_root_of
from chaosnet.model.evidence import Proposal
from chaosnet.model.header import Header, QuorumProof, block_id_of, seal_hash_of
from chaosnet.model.policy import Witness
from chaosnet.model.transaction import Transaction, decode_transaction
from chaosnet.sim.cast import SHARED_KEYS, account_at

ACCOUNTS_MAX: Final = 64
"""Accounts among which the keys of a shared one are looked for."""

FORGERIES: Final = (
    "wrong_root",
    "altered_signature",
    "other_signers",
    "duplicate_tx",
    "foreign_tx",
    "wrong_gas",
    "early_time",
    "late_time",
    "wrong_parent_seal",
    "wrong_proposer",
)


def second_block(node: Node, proposal: Proposal) -> Candidate | None:
    """Return another valid block for the place of a proposal; None when the chain has gone on."""
    if proposal.height != node.head.header.height + 1:
        return None
    turn = node.engine.proposer(proposal.height, proposal.round)
    first = node.candidates.get(proposal.block_id)
    time_ms = first.block.header.time_ms + 1 if first is not None else node.head.header.time_ms + 1
    return build(node, QuorumProof(round=proposal.round), turn, time_ms)


def forge(name: str, block: Block, dice: Dice) -> tuple[bytes, bytes] | None:
    """Return (id, encoded block) of a changed block; None when there is nothing to change in it."""
    header, txs = block.header, block.txs
    match name:
        case "wrong_root":
            return _made(block, replace(header, state_root=dice.u64().to_bytes(32, "big")))
        case "wrong_gas":
            return _made(block, replace(header, gas_used=header.gas_used + 1))
        case "early_time":
            return _made(block, replace(header, time_ms=0))
        case "late_time":
            return _made(block, replace(header, time_ms=header.time_ms + 3_600_000))
        case "wrong_proposer":
            return _made(block, replace(header, proposer=account_at(0).address))
        case "wrong_parent_seal" if block.parent_seal:
            seal = block.parent_seal[:-1] + bytes((block.parent_seal[-1] ^ 1,))
            return _made(
                replace(block, parent_seal=seal), replace(header, parent_seal_hash=seal_hash_of(seal))
            )
        case "altered_signature" if txs:
            return _with_txs(block, (_altered(txs[0]), *txs[1:]))
        case "other_signers":
            others = tuple(_other_signers(raw) for raw in txs)
            return _with_txs(block, others) if others != txs else None
        case "duplicate_tx" if txs:
            return _with_txs(block, (*txs, txs[0]))
        case "foreign_tx":
            return _with_txs(block, (*txs, dice.u64().to_bytes(8, "big")))
    return None


def _made(block: Block, header: Header) -> tuple[bytes, bytes]:
    return block_id_of(header), encode(replace(block, header=header))


def _with_txs(block: Block, txs: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    header = replace(block.header, tx_root=tx_root_of(txs), tx_count=len(txs))
    return _made(replace(block, txs=txs), header)


def _altered(raw: bytes) -> bytes:
    """Return a transaction whose first signature does not verify."""
    tx = decode_transaction(raw).tx
    (index, signature), *rest = tx.witness.signatures
    bad = bytes((signature[0] ^ 1,)) + signature[1:]
    return encode(replace(tx, witness=replace(tx.witness, signatures=((index, bad), *rest))))


def _other_signers(raw: bytes) -> bytes:
    """Return a transaction of a shared account as another pair of its keys signs it."""
    signed = decode_transaction(raw)
    tx = signed.tx
    if len(tx.witness.policy.keys) != SHARED_KEYS:
        return raw
    account = next((a for a in map(account_at, range(ACCOUNTS_MAX)) if a.address == tx.body.sender), None)
    if account is None:
        return raw
    used = [index for index, _ in tx.witness.signatures]
    signers = next(pair for pair in ((0, 1), (0, 2), (1, 2)) if list(pair) != used)
    signatures = tuple((i, sign(account.seeds[i], signed.tx_id)) for i in signers)
    return encode(Transaction(tx.body, Witness(account.policy, signatures), tx.payer_witness))
