from itertools import product

import pytest
from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken
from chaosnet.contracts import values
from chaosnet.ledger.contracts.records import (
    ContractRecord,
    contract_id,
    find_contract,
    interface_hash_of,
    source_hash_of,
    source_of,
    token_id,
)
from chaosnet.ledger.keys import contract_key, source_key
from chaosnet.ledger.state import State

INTERFACE = values.encode({"api": 1, "name": "x", "methods": {"m": {"kind": "view"}}})
RECORD = ContractRecord(
    b"\x00" * 33, 7, "lua/1", source_hash_of(b"s"), INTERFACE, interface_hash_of(INTERFACE), 9, 1_000, True
)
ADDRESS = b"\x01" + bytes(32)
CONTRACT_ID = "019f35207cdc5a875e8fcac5e6e4ad682533817239777c2ac922876b2ded79c0da"
TOKEN_ID = "ebe8f7f61fa1cee369e94911af1c9c91e5030630adb74a94181dfe1fb17ff667"


def test_ids_depend_on_everything() -> None:
    both = (0, 1)
    ids = [contract_id(bytes([g]) * 32, bytes([s]) * 33, n, a) for g, s, n, a in product(both, repeat=4)]
    assert len(dict.fromkeys(ids)) == 16
    assert all(len(i) == 33 and i[0] == 1 for i in ids)
    tokens = [token_id(bytes(32), bytes(33), (n, a, c)) for n in (0, 1) for a in (0, 1) for c in (0, 1)]
    assert len(dict.fromkeys(tokens)) == 8
    assert contract_id(bytes(32), bytes(33), 1, 2).hex() == CONTRACT_ID
    assert token_id(bytes(32), bytes(33), (1, 2, 3)).hex() == TOKEN_ID


def test_a_contract_is_found_with_its_interface() -> None:
    state = State.of([(contract_key(ADDRESS), encode(RECORD)), (source_key(RECORD.source_hash), b"s")])
    contract = find_contract(state.get, ADDRESS)
    assert contract is not None
    assert (contract.address, contract.record, list(contract.interface.methods)) == (ADDRESS, RECORD, ["m"])
    assert source_of(state, contract.record) == b"s"
    assert find_contract(state.get, b"\x01" + b"x" * 32) is None


def test_damage_is_noticed() -> None:
    for value in (b"\xc1", encode(RECORD)[:-1], encode(replace(RECORD, interface=b"\x80"))):
        with pytest.raises(Broken, match="data_damaged"):
            find_contract(State.of([(contract_key(ADDRESS), value)]).get, ADDRESS)
    with pytest.raises(Broken, match="data_damaged"):
        source_of(State.empty(), RECORD)
