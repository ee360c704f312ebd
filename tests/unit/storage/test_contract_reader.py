"""What contracts made is found again: after a roll back, after a restart, and in an older file."""

import sqlite3
from typing import Any

from msgspec.structs import replace

from chaosnet.crypto.addresses import CONTRACT
from chaosnet.kernel.events import PersistBlock
from chaosnet.ledger.keys import contract_key, holding_key, token_key
from chaosnet.model.receipt import NO_OUTCOME, Event, Move, Outcome
from chaosnet.storage.layout import token_name
from chaosnet.storage.sqlite import ChainStore
from tests.unit.storage.chain import Chain
from tests.unit.storage.stores import reopened

BOX, OTHER = (bytes((CONTRACT,)) + name * 32 for name in (b"b", b"o"))
ONE, TWO = b"\x11" * 32, b"\xff" * 32
ANN, BEN = b"\x00" + b"\xff" * 32, b"\x00" + b"a" * 32


def with_state(chain: Chain, made: PersistBlock, changes: dict[bytes, bytes | None]) -> PersistBlock:
    """Return a block that changes more of the state, and let the chain know."""
    undo = {key: chain.state.get(key) for key in changes}
    block = replace(made, changes=made.changes | changes, undo=made.undo | undo)
    chain.persisted.pop()
    chain.apply(block)
    return block


def made(chain: Chain, *things: bytes, final_height: int = 0) -> PersistBlock:
    return with_state(chain, chain.next(1, final_height=final_height), dict.fromkeys(things, b"\x92\x01\x01"))


def all_of(store: ChainStore) -> dict[str, Any]:
    return {
        "contracts": [address for _, address in store.contracts(None, 9)],
        "tokens": store.tokens(b"", 9),
        "holders": [store.holders(token, b"", 9) for token in (ONE, TWO)],
        "held": [store.held_by(person, b"", 9) for person in (ANN, BEN)],
    }


def test_contracts_tokens_and_holders_follow_the_state(store: ChainStore, chain: Chain) -> None:
    store.commit_block(made(chain, contract_key(BOX), token_key(TWO), holding_key(TWO, ANN)))
    first = all_of(store)
    assert first == {"contracts": [BOX], "tokens": [TWO], "holders": [[], [ANN]], "held": [[TWO], []]}
    store.commit_block(
        made(
            chain, contract_key(OTHER), token_key(ONE), holding_key(ONE, BEN), holding_key(TWO, BEN),
            holding_key(ONE, ANN),
        )
    )  # fmt: skip
    second = all_of(store)
    assert second == {
        "contracts": [OTHER, BOX],
        "tokens": [ONE, TWO],
        "holders": [[BEN, ANN], [BEN, ANN]],
        "held": [[ONE, TWO], [ONE, TWO]],
    }
    (number, _), *_ = store.contracts(None, 1)
    assert [address for _, address in store.contracts(number, 9)] == [BOX]
    assert store.tokens(ONE, 9) == [TWO]
    assert store.holders(TWO, BEN, 9) == [ANN]
    assert (store.held_by(ANN, ONE, 9), store.held_by(ANN, b"", 1)) == ([TWO], [ONE])
    store.commit_block(with_state(chain, chain.next(1, final_height=0), {holding_key(TWO, ANN): None}))
    assert all_of(store) == second | {"holders": [[BEN, ANN], [BEN]], "held": [[ONE], [ONE, TWO]]}
    for height, expected in ((2, second), (1, first)):
        store.roll_back(chain.roll_back(height).height)
        assert all_of(store) == expected
    store.commit_block(made(chain, contract_key(OTHER), token_key(ONE)))
    after = all_of(store)
    assert (after["contracts"], after["tokens"], after["holders"]) == ([OTHER, BOX], [ONE, TWO], [[], [ANN]])
    store.close()
    again = reopened(store.directory)
    assert all_of(again) == after
    again.close()


def test_a_file_without_these_tables_gets_them_filled(store: ChainStore, chain: Chain) -> None:
    store.commit_block(made(chain, contract_key(BOX), token_key(TWO), holding_key(TWO, ANN)))
    store.commit_block(made(chain, holding_key(ONE, BEN)))
    before = all_of(store)
    store.close()
    raw = sqlite3.connect(store.path)
    raw.executescript("DROP TABLE contract; DROP TABLE held; PRAGMA user_version = 4")
    raw.close()
    again = reopened(store.directory)
    assert all_of(again) == before
    again.close()


def test_where_something_was_said_or_moved_is_found_and_taken_back(store: ChainStore, chain: Chain) -> None:
    said = Outcome((Event(BOX, "E", b"\x90", 0), Event(BOX, "E", b"\x90", 1)))
    moved = Outcome(moves=(Move(ONE, ANN, BEN, 5),))
    store.commit_block(replace(chain.next(3, final_height=0), outcomes=(NO_OUTCOME, said, moved)))
    store.commit_block(replace(chain.next(1, final_height=0)))
    store.commit_block(replace(chain.next(2, final_height=0), outcomes=(said, NO_OUTCOME)))
    assert store.account_history(BOX, None, 9) == [(3, 0), (1, 1)]
    assert store.account_history(BOX, (3, 0), 9) == [(1, 1)]
    assert store.account_history(token_name(ONE), None, 9) == [(1, 2)]
    assert store.heights_with_outcomes(9, 9) == [3, 1]
    left = store.left_by(1)
    assert left is not None
    assert left[2].moves == moved.moves
    store.roll_back(1)
    assert store.account_history(BOX, None, 9) == [(1, 1)]
    assert store.heights_with_outcomes(9, 9) == [1]
    store.roll_back(0)
    assert store.account_history(token_name(ONE), None, 9) == store.account_history(BOX, None, 9) == []
