"""How contracts write addresses and assets: as text, checked, and quickly where the same ones come again."""

from functools import lru_cache
from typing import Final

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Address
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.values import encode_known
from chaosnet.crypto.addresses import CONTRACT, KEY_ACCOUNT, format_address, parse_address
from chaosnet.crypto.bech32m import TEXT_LENGTH_MAX
from chaosnet.model.contract_actions import COS

COS_TEXT: Final = "COS"
_NAMES_KEPT: Final = 65_536
_ID_BYTES: Final = 32


@lru_cache(maxsize=_NAMES_KEPT)
def address_text(prefix: str, address: bytes) -> str:
    """Return an address as contracts see it."""
    return format_address(prefix, Address(address))


@lru_cache(maxsize=_NAMES_KEPT)
def address_value(prefix: str, address: bytes) -> bytes:
    """Return the same text as the bytes of a value."""
    return encode_known(address_text(prefix, address))


@lru_cache(maxsize=_NAMES_KEPT)
def _address(prefix: str, text: str) -> bytes | None:
    try:
        address = parse_address(prefix, text)
    except Invalid:
        return None
    # A second spelling, in capitals, would be another key to a contract that keeps things under addresses.
    return address if address[0] in (KEY_ACCOUNT, CONTRACT) and text == text.lower() else None


def is_address_text(prefix: str, text: str) -> bool:
    """Return whether a text is the address of an account or a contract of this network."""
    return len(text) <= TEXT_LENGTH_MAX and _address(prefix, text) is not None


def address_of_text(prefix: str, text: object) -> bytes:
    """Return the address of an account or a contract; fault `bad_args`."""
    is_short = isinstance(text, str) and len(text) <= TEXT_LENGTH_MAX  # what is kept is small
    address = _address(prefix, str(text)) if is_short else None
    if address is None:
        raise GuestFault("bad_args", "not an address of this network")
    return address


def asset_text(asset: bytes) -> str:
    """Return an asset as contracts see it: `COS`, or a token's id in hex."""
    return COS_TEXT if asset == COS else asset.hex()


def asset_of_text(text: object) -> bytes:
    """Return the asset of a text; fault `bad_args`."""
    if text == COS_TEXT:
        return COS
    try:
        asset = bytes.fromhex(text) if isinstance(text, str) and text == text.lower() else b""
    except ValueError:
        asset = b""
    if len(asset) != _ID_BYTES or not isinstance(text, str) or len(text) != 2 * _ID_BYTES:
        raise GuestFault("bad_args", "not an asset: COS, or the id of a token")
    return asset


def token_of_text(text: object) -> bytes:
    """Return the id of a token; fault `bad_args`."""
    asset = asset_of_text(text)
    if asset == COS:
        raise GuestFault("bad_args", "COS is not a token")
    return asset


def said(name: object) -> str:
    """Return what an error says of a name that nobody knows."""
    return repr(name[:64]) if isinstance(name, str) else f"a {type(name).__name__}"
