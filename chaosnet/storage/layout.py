"""How a block lies in chain.db: what can be computed or is stored already is left out, the rest compressed.

A block is split where its header ends, without decoding it. At level 1, zlib takes a transfer from about 253
to 176 bytes for some 3 us: the genesis hash, the anchor and the layout repeat in each; keys and signatures
do not shrink, so higher levels only cost more. Its checksum also finds damage.
"""

import zlib
from collections.abc import Iterable
from itertools import groupby
from struct import Struct
from typing import Final

import msgspec

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Broken
from chaosnet.model.block import Block
from chaosnet.model.receipt import Outcome, Receipt
from chaosnet.model.transaction import decode_transaction

_BLOCK_START: Final = b"\x94\x01"
"""An array of four (tag, header, parent_seal, txs) and the tag of Block."""
_SEALED_START: Final = b"\x93\x01"
"""An array of three (tag, block, seal) and the tag of SealedBlock."""
_POSITION_BITS: Final = 16
_TOKEN_KIND: Final = b"\xff"
"""Before the id of a token where addresses stand, which begin with their kind."""
_LEVEL: Final = 1

Changes = dict[bytes, bytes | None]


class _Outcomes(Record):
    """Receipts of `count` transactions in a row that ended alike; their ids are in the body."""

    count: int
    code: str
    gas: int
    fee: int
    return_hash: bytes
    events_root: bytes


_first_8 = Struct(">q")
_touched = Struct(">I x q")
_block_decoder = msgspec.msgpack.Decoder(Block)
_outcomes_decoder = msgspec.msgpack.Decoder(tuple[_Outcomes, ...])
_left_decoder = msgspec.msgpack.Decoder(tuple[Outcome, ...])
_changes_decoder = msgspec.msgpack.Decoder(Changes)
_names_decoder = msgspec.msgpack.Decoder(tuple[list[tuple[int, int]], list[tuple[int, int]]])


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────


def location_of(height: int, position: int) -> int:
    """Return one number for the place of a transaction; later ones are greater."""
    return height << _POSITION_BITS | position


def place_of(location: int) -> tuple[int, int]:
    """Return (height, position)."""
    return location >> _POSITION_BITS, location & ((1 << _POSITION_BITS) - 1)


def hash_prefix(name: bytes) -> int:
    """Return the first 6 bytes of a block or transaction id as an integer; SQLite keeps it in 6 bytes."""
    prefix: int = _first_8.unpack_from(name)[0]
    return prefix >> 16


def account_prefix(address: bytes) -> int:
    """Return the first 8 bytes of the hash in an address as an integer.

    To meet another's prefix takes 2^64 tries, and would only add foreign entries to its history.
    """
    prefix: int = _first_8.unpack_from(address, 1)[0]
    return prefix


def tx_rows(height: int, tx_ids: Iterable[bytes]) -> list[tuple[int, int]]:
    """Return (prefix, location) of each transaction, in key order: neighbours share pages."""
    first = location_of(height, 0)
    prefix_of = _first_8.unpack_from
    return sorted((prefix_of(tx_id)[0] >> 16, first + i) for i, tx_id in enumerate(tx_ids))


def history_rows(height: int, touched: Iterable[bytes]) -> list[tuple[int, int]]:
    """Return (account prefix, location) of each entry of PersistBlock.touched, in key order."""
    first = location_of(height, 0)
    return sorted((account, first + position) for position, account in map(_touched.unpack_from, touched))


def outcome_rows(height: int, outcomes: Iterable[Outcome]) -> set[tuple[int, int]]:
    """Return (prefix, location) of each contract that said something and each token that moved."""
    first = location_of(height, 0)
    names = (
        (position, name)
        for position, outcome in enumerate(outcomes)
        for name in (
            *[event.contract for event in outcome.events],
            *[token_name(move.token) for move in outcome.moves],
        )
    )
    return {(account_prefix(name), first + position) for position, name in names}


def token_name(token: bytes) -> bytes:
    """Return what stands for a token where addresses stand."""
    return _TOKEN_KIND + token


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────


def pack_body(block: bytes, header: bytes, parents_seal: bytes) -> tuple[bool, bytes]:
    """Return (its parent_seal is left out, what is stored of an encoded block beside its header).

    The parent_seal is left out when it is the very seal that is stored with the parent, as it mostly is.
    """
    start = _BLOCK_START + header
    if not block.startswith(start):
        raise Broken("internal", "the block does not begin with its header")
    seal = encode(parents_seal)
    has_stored_seal = block.startswith(seal, len(start))
    rest = block[len(start) + (len(seal) if has_stored_seal else 0) :]
    return has_stored_seal, zlib.compress(rest, _LEVEL)


def unpack_body(body: bytes, header: bytes, parents_seal: bytes | None) -> bytes:
    """Return the encoded block; `parents_seal` is None when the body has its own. Raises ValueError."""
    seal = b"" if parents_seal is None else encode(parents_seal)
    return _BLOCK_START + header + seal + inflate(body)


def join_sealed(block: bytes, seal: bytes) -> bytes:
    """Return the encoded SealedBlock of an encoded block."""
    return _SEALED_START + block + encode(seal)


def read_block(block: bytes) -> Block:
    """Decode a block that was checked before it was stored."""
    return _block_decoder.decode(block)


# ── receipts and undo ────────────────────────────────────────────────────────────────────────────────────


def outcomes_of(receipts: Iterable[Receipt]) -> bytes:
    """Return the receipts without their transaction ids."""
    outcomes = ((r.code, r.gas, r.fee, r.return_hash, r.events_root) for r in receipts)
    runs = tuple(_Outcomes(len(list(alike)), *outcome) for outcome, alike in groupby(outcomes))
    return encode(runs)


def pack_receipts(receipts: Iterable[Receipt]) -> bytes:
    """Return what is stored of a block's receipts."""
    return zlib.compress(outcomes_of(receipts), _LEVEL)


def unpack_receipts(packed: bytes, txs: tuple[bytes, ...]) -> tuple[Receipt, ...]:
    """Return the receipts of a block with these transactions. Raises ValueError."""
    rows = [o for o in _outcomes_decoder.decode(inflate(packed)) for _ in range(o.count)]
    return tuple(_receipt(raw, row) for raw, row in zip(txs, rows, strict=True))


def unpack_receipt(packed: bytes, raw: bytes, position: int) -> Receipt:
    """Return the receipt of the transaction at one position. Raises ValueError."""
    end = 0
    for row in _outcomes_decoder.decode(inflate(packed)):
        end += row.count
        if position < end:
            return _receipt(raw, row)
    raise ValueError(f"no receipt at position {position}")


def pack_left(outcomes: tuple[Outcome, ...]) -> bytes:
    """Return what is stored of events, returned values and texts."""
    return zlib.compress(encode(outcomes), _LEVEL)


def unpack_left(packed: bytes) -> tuple[Outcome, ...]:
    """Return what each transaction of a block left beside its receipt. Raises ValueError."""
    return _left_decoder.decode(inflate(packed))


def pack_undo(undo: Changes) -> bytes:
    """Return the record that takes a block back. Keys and values are mostly hashes: zlib gains nothing."""
    return encode(undo)


def unpack_undo(packed: bytes) -> Changes:
    """Return state key -> value before. Raises ValueError."""
    return _changes_decoder.decode(packed)


def take_back(state: dict[bytes, bytes], undo: Changes) -> None:
    """Turn the state after a block into the state before it."""
    for key, value in undo.items():
        if value is None:
            state.pop(key, None)
        else:
            state[key] = value


def pack_names(txs: list[tuple[int, int]], history: list[tuple[int, int]]) -> bytes:
    """Return the rows that a block adds to the indexes, to be found again when it is taken back."""
    return encode((txs, history))


def unpack_names(packed: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return (rows of transactions, rows of the history). Raises ValueError."""
    return _names_decoder.decode(packed)


def inflate(packed: bytes) -> bytes:
    """Decompress; raises ValueError when the bytes are damaged."""
    try:
        return zlib.decompress(packed)
    except zlib.error as error:
        raise ValueError(str(error)) from error


def _receipt(raw: bytes, row: _Outcomes) -> Receipt:
    tx_id = decode_transaction(raw).tx_id
    return Receipt(tx_id, row.code, row.gas, row.fee, row.return_hash, row.events_root)
