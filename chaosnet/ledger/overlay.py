"""Changes over a state that is not touched: what a block, or a transaction of it, has done so far.

Accounts stay decoded until the end, so that an account written often is decoded and encoded once. Entries of
contracts' storage can be listed in order: the keys that are not in the state below are kept sorted here.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from typing import Any, Final

from chaosnet.ledger.accounts import NO_ACCOUNT, Account, decode_account, encode_account, total
from chaosnet.ledger.keys import account_key
from chaosnet.ledger.state import State

_CONTRACT_BYTES: Final = 34
"""Bytes that all keys of one contract's storage begin with."""


@dataclass(frozen=True, slots=True)
class Changes:
    """All that differs from the state below."""

    new: dict[bytes, bytes | None]
    """State key -> new value; None deletes."""
    old: dict[bytes, bytes | None]
    """The same keys -> value before: what undoes the change."""
    supply_delta: int
    """Motes that all accounts together hold more than before."""


class Overlay:
    """A state with changes on top. Reads alone leave no change, so it also serves as a reading cache."""

    __slots__ = ("_accounts", "_added", "_entries", "_journal", "_loaded", "_read", "_state", "_values")

    def __init__(self, state: State) -> None:
        self._state = state
        self._accounts: dict[bytes, Account] = {}
        self._loaded: dict[bytes, tuple[bytes | None, Account]] = {}
        self._values: dict[bytes, bytes | None] = {}
        self._entries: dict[bytes, bytes | None] = {}
        self._read: dict[bytes, bytes | None] = {}
        """What the state below says: a way down the tree costs more than the rest of most operations."""
        self._added: dict[bytes, list[bytes]] = {}
        """By contract, in ascending order: keys of entries that exist here but not in the state below."""
        self._journal: list[tuple[dict[bytes, Any], bytes, Any]] = []

    def account(self, address: bytes) -> Account:
        """Return an account; NO_ACCOUNT when the state knows nothing of the address."""
        account = self._accounts.get(address)
        if account is None:
            value = self._state.get(account_key(address))
            account = NO_ACCOUNT if value is None else decode_account(value)
            self._loaded[address] = (value, account)
            self._accounts[address] = account
        return account

    def set_account(self, address: bytes, account: Account) -> None:
        """Replace an account; NO_ACCOUNT deletes."""
        before = self._accounts.get(address)
        if before is None:
            before = self.account(address)
        self._journal.append((self._accounts, address, before))
        self._accounts[address] = account

    def get(self, key: bytes) -> bytes | None:
        """Return a value that is no account."""
        return self._values[key] if key in self._values else self._below(key)

    def set(self, key: bytes, value: bytes | None) -> None:
        """Replace a value that is no account; None deletes."""
        self._journal.append((self._values, key, self.get(key)))
        self._values[key] = value

    def entry(self, key: bytes) -> bytes | None:
        """Return an entry of a contract's storage."""
        entries = self._entries
        return entries[key] if key in entries else self._below(key)

    def set_entry(self, key: bytes, old: bytes | None, value: bytes | None) -> None:
        """Replace an entry of a contract's storage; None deletes. `old` is what `entry` says of it."""
        self._journal.append((self._entries, key, old))
        self._entries[key] = value
        if (old is None) != (value is None):
            self._list(key, is_there=value is not None)

    def entries(self, prefix: bytes, start: bytes) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield (key, value) of entries whose key begins so, from `start` on, ascending.

        One that was deleted above the state still comes, with None: passing it is work too. `prefix` names
        one contract at least; `start` begins with it.
        """
        added = self._added.get(prefix[:_CONTRACT_BYTES], [])
        at = bisect_left(added, start)
        for key in merge(self._state.entries_from(start), _from(added, at)):
            if not key.startswith(prefix):
                return
            yield key, self.entry(key)

    def checkpoint(self) -> int:
        """Return a mark of this moment for `rollback`."""
        return len(self._journal)

    def rollback(self, mark: int) -> None:
        """Undo every change since the mark."""
        journal = self._journal
        while len(journal) > mark:
            values, key, old = journal.pop()
            if values is self._entries:
                is_there = self._entries[key] is not None
                self._entries[key] = old
                if is_there != (old is not None):
                    self._list(key, is_there=not is_there)
            else:
                values[key] = old

    def keep(self) -> None:
        """Forget all marks: what is done stays."""
        self._journal.clear()

    def changes(self) -> Changes:
        """Return what differs from the state below, and by how much the supply does."""
        new: dict[bytes, bytes | None] = {}
        old: dict[bytes, bytes | None] = {}
        supply_delta = 0
        for address, (value_before, before) in self._loaded.items():
            account = self._accounts[address]
            if account is before:
                continue
            value = None if account == NO_ACCOUNT else encode_account(account)
            if value != value_before:
                key = account_key(address)
                new[key] = value
                old[key] = value_before
                supply_delta += total(account) - total(before)
        for values in (self._values, self._entries):
            for key, value in values.items():
                value_before = self._below(key)
                if value != value_before:
                    new[key] = value
                    old[key] = value_before
        return Changes(new, old, supply_delta)

    def _list(self, key: bytes, *, is_there: bool) -> None:
        """Keep `_added` right when an entry came or went."""
        if self._below(key) is not None:
            return
        added = self._added.setdefault(key[:_CONTRACT_BYTES], [])
        if is_there:
            insort(added, key)
        else:
            del added[bisect_left(added, key)]

    def _below(self, key: bytes) -> bytes | None:
        """Return what the state says, which never changes, without what is on top."""
        read = self._read
        if key in read:
            return read[key]
        value = read[key] = self._state.get(key)
        return value


def _from(keys: list[bytes], at: int) -> Iterator[bytes]:
    for i in range(at, len(keys)):
        yield keys[i]
