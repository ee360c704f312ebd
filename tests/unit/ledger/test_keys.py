from itertools import permutations

from chaosnet.ledger.keys import (
    ACCOUNT_PREFIX,
    account_key,
    address_of_key,
    evidence_key,
    member_key,
    members_key,
    params_key,
    rule_key,
)

ADDRESSES = [bytes([kind]) + bytes([fill]) * 32 for kind in (0, 2) for fill in (0, 1, 33, 255)]


def test_no_key_is_a_prefix_of_another() -> None:
    keys = [params_key(), rule_key(), members_key()]
    keys += [account_key(address) for address in ADDRESSES]
    keys += [member_key(address) for address in ADDRESSES]
    keys += [evidence_key(bytes([s]) * 32, era, h) for s in (1, 2) for era in (0, 1) for h in (1, 256, 2**63)]
    assert not any(longer.startswith(key) for key, longer in permutations(keys, 2))


def test_account_keys_have_their_room_and_length_before_the_address() -> None:
    for address in ADDRESSES:
        assert account_key(address) == b"\x01\x21" + address
        assert account_key(address).startswith(ACCOUNT_PREFIX)
        assert address_of_key(account_key(address)) == address


def test_an_evidence_key_names_signer_era_and_height() -> None:
    key = evidence_key(b"k" * 32, 1, 2)
    assert key == b"\x05\x20" + b"k" * 32 + b"\x08" + bytes(7) + b"\x01" + b"\x08" + bytes(7) + b"\x02"
