import pytest

from chaosnet.base.units import Address
from chaosnet.contracts.faults import GuestFault
from chaosnet.crypto.addresses import format_address
from chaosnet.ledger.contracts import names
from chaosnet.ledger.contracts.names import (
    address_of_text,
    address_text,
    asset_of_text,
    asset_text,
    is_address_text,
    token_of_text,
)

ACCOUNT, CONTRACT, MODULE = (Address(bytes([kind]) + bytes(32)) for kind in (0, 1, 2))


def test_accounts_and_contracts_have_names() -> None:
    for address in (ACCOUNT, CONTRACT):
        text = address_text("cos", address)
        assert text == format_address("cos", address)
        assert address_of_text("cos", text) == address
        assert is_address_text("cos", text)
        assert not is_address_text("other", text)


@pytest.mark.parametrize("text", [format_address("cos", MODULE), "cos1", "", 5, None, b"cos"])
def test_others_have_not(text: object) -> None:
    with pytest.raises(GuestFault, match="bad_args"):
        address_of_text("cos", text)


def test_assets_have_names() -> None:
    token = bytes(range(32))
    assert asset_text(b"") == "COS"
    assert asset_of_text("COS") == b""
    assert asset_of_text(asset_text(token)) == token == token_of_text(token.hex())


@pytest.mark.parametrize("text", ["cos", "", "AB" * 32, "0" * 63, "g" * 64, " " * 64, None, 5])
def test_other_texts_name_no_asset(text: object) -> None:
    with pytest.raises(GuestFault, match="bad_args"):
        asset_of_text(text)


def test_cos_is_no_token() -> None:
    with pytest.raises(GuestFault, match="bad_args"):
        token_of_text("COS")


def test_texts_that_cannot_be_addresses_are_not_kept() -> None:
    before = names._address.cache_info().currsize
    for i in range(50):
        long = f"cos1{i:0>87}"
        assert not is_address_text("cos", long)
        with pytest.raises(GuestFault, match="bad_args"):
            address_of_text("cos", long)
    assert names._address.cache_info().currsize == before
