"""An address is a known kind and 32 bytes, under the prefix of its own network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Address
from chaosnet.crypto import bech32m
from chaosnet.crypto.addresses import CONTRACT, KEY_ACCOUNT, MODULE, format_address, parse_address

FIXED = "cos1qqqqzqsrqszsvpcgpy9qkrqdpc83qygjzv2p29shrqv35xcur50p7tje9jr"


@given(st.sampled_from([KEY_ACCOUNT, CONTRACT, MODULE]), st.binary(min_size=32, max_size=32))
def test_round_trip(kind: int, digest: bytes) -> None:
    address = Address(bytes([kind]) + digest)
    text = format_address("cos", address)
    assert (text[:5], len(text)) == ("cos1q", 63)
    assert parse_address("cos", text) == address
    assert parse_address("cos", text.upper()) == address


def test_one_fixed_string() -> None:
    address = Address(bytes([KEY_ACCOUNT]) + bytes(range(32)))
    assert format_address("cos", address) == FIXED
    assert parse_address("cos", FIXED) == address


@pytest.mark.parametrize("payload", [b"", bytes(32), bytes(34), bytes([3]) + bytes(32), b"\xff" * 33])
def test_other_lengths_and_kinds_are_refused(payload: bytes) -> None:
    with pytest.raises(Invalid, match="bad_address"):
        parse_address("cos", bech32m.encode("cos", payload))


def test_an_address_of_another_network_is_refused() -> None:
    text = format_address("tcos", Address(bytes(33)))
    with pytest.raises(Invalid, match="bad_address"):
        parse_address("cos", text)
