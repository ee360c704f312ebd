"""Addresses: a kind byte and a 32-byte hash, shown as bech32m under the prefix of the genesis file.

What is hashed depends on the kind: the initial key policy of an account, creator and nonce of a contract
(protocol: Hashing, encoding, identity).
"""

from typing import Final

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Address
from chaosnet.crypto import bech32m

KEY_ACCOUNT: Final = 0
"""Kind byte of an account that keys speak for."""
CONTRACT: Final = 1
"""Kind byte of a contract."""
MODULE: Final = 2
"""Kind byte of a part of the chain itself that holds coins, such as the treasury."""

ADDRESS_BYTES: Final = 33
_KINDS = (KEY_ACCOUNT, CONTRACT, MODULE)


def format_address(hrp: str, address: Address) -> str:
    """Return an address as people see it, for example `cos1q...`: 63 characters under `cos`."""
    return bech32m.encode(hrp, address)


def parse_address(hrp: str, text: str) -> Address:
    """Return the address of a text; raise Invalid(`bad_address`) unless it is whole and of this network."""
    payload = bech32m.decode(hrp, text)
    if not is_address(payload):
        raise Invalid("bad_address", "not a kind of address this release knows")
    return Address(payload)


def is_address(data: bytes) -> bool:
    """Return whether the bytes have the length and a kind of an address."""
    return len(data) == ADDRESS_BYTES and data[0] in _KINDS
