"""A right chain replays to itself, and any damage to what is stored is found and named."""

import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from chaosnet.base.errors import Broken, Refused
from chaosnet.daemon.replay import replay
from chaosnet.ledger.keys import account_key
from chaosnet.model.build import signed_transfer
from chaosnet.model.genesis import Genesis, supply_at
from chaosnet.storage.reader import ChainView
from tests.making import Person, network, transfer
from tests.real_chain import RealChain

ANNA, BERT = Person("anna"), Person("bert")
BLOCKS = 4
TXS = 6


def fill(chain: RealChain, blocks: int) -> None:
    """Add blocks of two transfers each, the last one without any."""
    seed = ANNA.seeds[ANNA.policy.keys[0][0]]
    for i in range(blocks):
        chain.add(
            signed_transfer(
                seed, genesis_hash=chain.genesis_hash, nonce=2 * i + k, to=BERT.address, amount=7, gas_price=1
            )
            for k in range(2)
        )
    chain.add()


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Genesis]:
    """Return a directory with a chain of four blocks under four validators, closed."""
    chain = RealChain(tmp_path, 4, [ANNA])
    fill(chain, BLOCKS - 1)
    chain.store.close()
    return tmp_path, chain.genesis


def test_whole_chain_is_compared_without_the_lock(made: tuple[Path, Genesis]) -> None:
    directory, genesis = made
    told: list[tuple[int, int]] = []
    result = replay(ChainView.of_existing(directory), genesis, lambda done, of: told.append((done, of)))
    assert (result.height, result.txs) == (BLOCKS, TXS)
    assert result.supply == supply_at(genesis, BLOCKS)
    assert told == [(i, BLOCKS) for i in range(1, BLOCKS + 1)]


def test_chain_of_a_running_node_is_compared_as_it_was_at_the_start(tmp_path: Path) -> None:
    chain = RealChain(tmp_path, 1, [ANNA])
    fill(chain, 2)

    def go_on(_done: int, _all: int) -> None:
        chain.add()

    result = replay(ChainView.of_existing(tmp_path), chain.genesis, go_on)
    assert (result.height, chain.height) == (3, 6)
    assert replay(chain.store, chain.genesis).height == 6
    chain.store.close()


def test_a_chain_that_was_rolled_back_is_right(tmp_path: Path) -> None:
    """Neither a block nor a receipt nor a value of the branch that was left has stayed."""
    chain = RealChain(tmp_path, 4, [ANNA])
    txs = [transfer(chain.genesis, ANNA, nonce, BERT.address, 5 + nonce).raw for nonce in range(4)]
    chain.add_unfinal(txs[:1])
    common = chain.node.head
    for raw in txs[1:3]:
        chain.add_unfinal([raw])
    chain.roll_back(common)
    for raws in ([], txs[1:2], []):
        chain.add_unfinal(raws)
    assert replay(chain.store, chain.genesis).height == 0
    chain.add()
    result = replay(chain.store, chain.genesis)
    assert (result.height, result.txs) == (5, 2)
    assert result.block_id == chain.node.head.block_id
    chain.store.close()


def test_empty_chain_is_right(tmp_path: Path) -> None:
    chain = RealChain(tmp_path)
    assert replay(chain.store, chain.genesis).height == 0
    chain.store.close()


def test_other_genesis_is_refused(made: tuple[Path, Genesis]) -> None:
    directory, _ = made
    other = network([(BERT, 5, None)], [Person("validator0")])
    with pytest.raises(Refused, match="wrong_genesis"):
        replay(ChainView.of_existing(directory), other)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def repacked(data: bytes, at: int) -> bytes:
    """Flip a byte under the compression, so that no checksum of zlib tells."""
    return zlib.compress(flipped(zlib.decompress(data), at))


DAMAGE: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "header": ("header.header WHERE height = 2", lambda data: flipped(data, len(data) // 2)),
    "header of the head": ("header.header WHERE height = 4", lambda data: flipped(data, len(data) // 2)),
    "seal": ("header.seal WHERE height = 2", lambda data: flipped(data, len(data) - 1)),
    "seal of the head": ("header.seal WHERE height = 4", lambda data: flipped(data, len(data) - 1)),
    "body": ("body.body WHERE height = 2", lambda data: flipped(data, len(data) // 2)),
    "last signature": ("body.body WHERE height = 2", lambda data: repacked(data, -3)),
    "receipts": ("body.receipts WHERE height = 2", lambda data: flipped(data, len(data) // 2)),
    "receipts, content": ("body.receipts WHERE height = 2", lambda data: repacked(data, 4)),
    "receipts of block 0": ("body.receipts WHERE height = 0", lambda data: repacked(data, 0)),
    "count": ("header.txs_total WHERE height = 2", lambda _: 99),
    "size": ("header.block_bytes WHERE height = 2", lambda _: 99),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_one_flipped_byte_of_a_block_is_found(made: tuple[Path, Genesis], what: str) -> None:
    directory, genesis = made
    where, damage = DAMAGE[what]
    column, _, condition = where.partition(" ")
    table = column.partition(".")[0]
    with sqlite3.connect(directory / "chain.db") as connection:
        [data] = connection.execute(f"SELECT {column} FROM {table} {condition}").fetchone()
        name = column.partition(".")[2]
        connection.execute(f"UPDATE {table} SET {name} = ? {condition}", (damage(data),))
    connection.close()
    with pytest.raises(Broken) as caught:
        replay(ChainView.of_existing(directory), genesis)
    assert caught.value.code == "data_damaged"


STATE_DAMAGE = {
    "changed": "UPDATE state SET value = ? WHERE key = ?",
    "gone": "DELETE FROM state WHERE value != ? AND key = ?",
    "added": "INSERT INTO state (value, key) VALUES (?, CAST(? || x'00' AS BLOB))",
}


@pytest.mark.parametrize("statement", STATE_DAMAGE.values(), ids=STATE_DAMAGE.keys())
def test_damaged_state_row_is_found(made: tuple[Path, Genesis], statement: str) -> None:
    directory, genesis = made
    key = account_key(BERT.address)
    with sqlite3.connect(directory / "chain.db") as connection:
        [value] = connection.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
        changed = connection.execute(statement, (flipped(value, 3), key)).rowcount
    connection.close()
    assert changed == 1
    with pytest.raises(Broken, match=r"data_damaged.*state"):
        replay(ChainView.of_existing(directory), genesis)


def test_block_that_is_gone_is_found(made: tuple[Path, Genesis]) -> None:
    directory, genesis = made
    with sqlite3.connect(directory / "chain.db") as connection:
        connection.execute("DELETE FROM body WHERE height = 2")
    connection.close()
    with pytest.raises(Broken, match="block 2 is missing"):
        replay(ChainView.of_existing(directory), genesis)


def test_view_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no chain"):
        ChainView.of_existing(tmp_path)
