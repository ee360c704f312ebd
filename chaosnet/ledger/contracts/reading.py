"""Looking at contracts' storage and tokens in a state, for interfaces: free, and without a change."""

from itertools import islice, takewhile
from typing import NamedTuple

import msgspec

from chaosnet.base.errors import Broken
from chaosnet.contracts.keys import Part, decode_key, encode_key, encode_prefix
from chaosnet.ledger.contracts.books import entry_rate, entry_value
from chaosnet.ledger.keys import allowance_key, entry_key, entry_prefix, frozen_key
from chaosnet.ledger.state import State

_decode_allowance = msgspec.msgpack.Decoder(tuple[int, int]).decode


class Entry(NamedTuple):
    """One entry of a contract's storage."""

    key: list[Part]
    value: bytes
    """Canonical."""
    rate: int
    """Motes a byte that its deposit was paid at."""


def storage_entry(state: State, contract: bytes, key: list[Part]) -> Entry | None:
    """Return an entry, or None; raises Invalid(`bad_argument`, `too_large`) for what is no key."""
    leaf = state.get(entry_key(contract, encode_key(key)))
    return None if leaf is None else Entry(key, entry_value(leaf), entry_rate(leaf))


def storage_entries(
    state: State, contract: bytes, prefix: list[Part], after: list[Part] | None, limit: int
) -> list[Entry]:
    """Return entries whose keys begin with some parts, in order, from behind `after` on.

    Raises Invalid(`bad_argument`, `too_large`) for what is no key.
    """
    start = within = entry_key(contract, encode_prefix(prefix))
    if after is not None:
        start = max(within, entry_key(contract, encode_key(after)) + b"\x00")
    keys = takewhile(lambda key: key.startswith(within), state.entries_from(start))
    return [_entry(state, contract, key) for key in islice(keys, limit)]


def allowance_at(state: State, token: bytes, owner: bytes, spender: bytes) -> tuple[int, int]:
    """Return (amount, last height) that an owner has granted, whether or not that height has passed."""
    leaf = state.get(allowance_key(token, owner, spender))
    return (0, 0) if leaf is None else _decode_allowance(entry_value(leaf))


def is_frozen_at(state: State, token: bytes, holder: bytes) -> bool:
    """Return whether a holder was frozen; that counts as long as somebody holds the right to freeze."""
    return state.get(frozen_key(token, holder)) is not None


def _entry(state: State, contract: bytes, key: bytes) -> Entry:
    leaf = state.get(key)
    if leaf is None:
        raise Broken("internal", "a key of the index is not in the state")
    return Entry(decode_key(key[len(entry_prefix(contract)) :]), entry_value(leaf), entry_rate(leaf))
