"""Who takes part in a transaction: an account and the key policy that speaks for it."""

from pathlib import Path
from typing import NamedTuple

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Address
from chaosnet.cli.asking import address_of_text
from chaosnet.cli.keyring import own_address
from chaosnet.cli.policy import load_policy
from chaosnet.crypto.addresses import format_address
from chaosnet.daemon.keystore import Keystore
from chaosnet.model.policy import KeyPolicy, address_of, single_key


class Party(NamedTuple):
    """An account, and who signs for it."""

    address: Address
    text: str
    """The address as people see it."""
    policy: KeyPolicy


def party_of(store: Keystore, prefix: str, name: str | None, policy_file: Path | None = None) -> Party:
    """Return the account of a key's name or an address, with the policy of a file or else that one key.

    Raises Invalid(`bad_argument`) when neither says which policy an address has.
    """
    policy = None if policy_file is None else load_policy(policy_file)
    if name is None:
        if policy is None:
            raise Invalid("bad_argument", "an account is needed: --from NAME or --policy FILE")
        address = address_of(policy)
        return Party(address, format_address(prefix, address), policy)
    info = next((info for info in store.list() if info.name == name), None)
    if info is not None:
        address = own_address(info.public_key)
        return Party(address, format_address(prefix, address), policy or single_key(info.public_key))
    if not name.startswith(f"{prefix}1"):
        raise Invalid("bad_argument", f"no key is named {name!r}: see `chaosnet keys list`")
    address = address_of_text(prefix, name)
    if policy is None:
        raise Invalid("bad_argument", f"which keys sign for {name}? Give a policy file, or the name of a key")
    return Party(address, format_address(prefix, address), policy)
