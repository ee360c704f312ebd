from itertools import permutations

from chaosnet.contracts.keys import encode_key
from chaosnet.ledger.keys import (
    ACCOUNT_PREFIX,
    account_key,
    active_key,
    address_of_key,
    allowance_key,
    candidate_key,
    candidates_key,
    contract_key,
    delegation_key,
    delegator_key,
    entry_key,
    entry_prefix,
    epoch_key,
    evidence_key,
    exit_key,
    frozen_key,
    holding_key,
    key_owner_key,
    member_key,
    members_key,
    missed_key,
    params_key,
    reveal_key,
    rule_key,
    seed_key,
    source_key,
    token_key,
    unbonding_key,
    upcoming_key,
)

ADDRESSES = [bytes([kind]) + bytes([fill]) * 32 for kind in (0, 2) for fill in (0, 1, 33, 255)]


def test_no_key_is_a_prefix_of_another() -> None:
    keys = [params_key(), rule_key(), members_key()]
    keys += [account_key(address) for address in ADDRESSES]
    keys += [member_key(address) for address in ADDRESSES]
    keys += [evidence_key(bytes([s]) * 32, era, h) for s in (1, 2) for era in (0, 1) for h in (1, 256, 2**63)]
    keys += [epoch_key(), active_key(), upcoming_key(), seed_key(), candidates_key()]
    for room in (reveal_key, missed_key, candidate_key, key_owner_key, delegator_key):
        keys += [room(address) for address in ADDRESSES]
    for pair in (delegation_key, unbonding_key):
        keys += [pair(one, other) for one in ADDRESSES for other in ADDRESSES]
    keys += [exit_key(address, height) for address in ADDRESSES for height in (0, 1, 2**40)]
    for record in (contract_key, source_key, token_key):
        keys += [record(address[1:]) for address in ADDRESSES[:4]]
    for held in (holding_key, frozen_key):
        keys += [held(one[1:], other) for one in ADDRESSES[:4] for other in ADDRESSES]
    keys += [allowance_key(ADDRESSES[0][1:], one, other) for one in ADDRESSES for other in ADDRESSES]
    keys += [entry_key(a, encode_key(parts)) for a in ADDRESSES[:4] for parts in (["a"], ["a", 0], ["a\0"])]
    assert len(keys) == len(dict.fromkeys(keys))
    assert not any(longer.startswith(key) for key, longer in permutations(keys, 2))


def test_account_keys_have_their_room_and_length_before_the_address() -> None:
    for address in ADDRESSES:
        assert account_key(address) == b"\x01\x21" + address
        assert account_key(address).startswith(ACCOUNT_PREFIX)
        assert address_of_key(account_key(address)) == address


def test_an_evidence_key_names_signer_era_and_height() -> None:
    key = evidence_key(b"k" * 32, 1, 2)
    assert key == b"\x05\x20" + b"k" * 32 + b"\x08" + bytes(7) + b"\x01" + b"\x08" + bytes(7) + b"\x02"


def test_storage_has_the_contracts_id_before_the_key() -> None:
    contract = b"\x01" + b"i" * 32
    assert entry_prefix(contract) == b"c/" + b"i" * 32
    assert entry_key(contract, b"\x02k\x00\x00") == b"c/" + b"i" * 32 + b"\x02k\x00\x00"
