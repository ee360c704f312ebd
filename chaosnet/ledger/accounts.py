"""Accounts: coins, nonce, key policy and time locks of one address.

Decides how locked coins become spendable (protocol: Team lock) and how an amount is taken and given. All
functions return new values. An account that says nothing at all is not stored.
"""

from typing import Final

import msgspec

from chaosnet.base.codec import Record, encode
from chaosnet.base.errors import Broken
from chaosnet.model.genesis import LockTerms


class Lock(Record):
    """Coins that are released in steps; see LockTerms. Allocated by the genesis only."""

    amount: int
    """Motes locked at first."""
    claimed: int
    """Motes moved into the balance so far, at most what is released."""
    period_ms: int
    cliff: int
    steps: int


class Account(Record, tag=1):
    """What the state holds about one address."""

    nonce: int = 0
    """Transactions of this sender on the chain."""
    balance: int = 0
    """Motes that are free."""
    policy_hash: bytes = b""
    """Hash of the key policy in force; empty while the initial policy stands, which the address names."""
    locks: tuple[Lock, ...] = ()


NO_ACCOUNT: Final = Account()
"""Stands for an address the state knows nothing of."""

_decode = msgspec.msgpack.Decoder(Account).decode

encode_account = encode


def decode_account(value: bytes) -> Account:
    """Return the account of a state value, which the node wrote itself; raises Broken(`data_damaged`)."""
    try:
        return _decode(value)
    except msgspec.DecodeError as error:
        raise Broken("data_damaged", f"account: {error}") from error


def released(lock: Lock, t0_ms: int, now_ms: int) -> int:
    """Return the motes of a lock that are released; `t0_ms` is the genesis time, `now_ms` the parent's."""
    steps = (now_ms - t0_ms) // lock.period_ms - lock.cliff
    return lock.amount * min(max(steps, 0), lock.steps) // lock.steps


def spendable(account: Account, t0_ms: int, now_ms: int) -> int:
    """Return the motes that can be taken: the balance and what is released but not yet claimed."""
    if not account.locks:
        return account.balance
    return account.balance + sum(released(lock, t0_ms, now_ms) - lock.claimed for lock in account.locks)


def total(account: Account) -> int:
    """Return all motes of the account, locked ones included: its share of the supply."""
    if not account.locks:
        return account.balance
    return account.balance + sum(lock.amount - lock.claimed for lock in account.locks)


def claim(account: Account, t0_ms: int, now_ms: int) -> Account:
    """Return the account with all that is released moved into the balance; spent locks are dropped."""
    locks = tuple(
        Lock(lock.amount, released(lock, t0_ms, now_ms), lock.period_ms, lock.cliff, lock.steps)
        for lock in account.locks
    )
    return Account(
        account.nonce,
        spendable(account, t0_ms, now_ms),
        account.policy_hash,
        tuple(lock for lock in locks if lock.claimed < lock.amount),
    )


def debit(account: Account, amount: int, t0_ms: int, now_ms: int) -> Account:
    """Return the account with `amount` motes less; released coins are claimed first.

    The caller has compared with `spendable`; raises Broken(`internal`) if it did not.
    """
    if account.locks:
        account = claim(account, t0_ms, now_ms)
    if not 0 <= amount <= account.balance:
        raise Broken("internal", f"taking {amount} motes of {account.balance}")
    return Account(account.nonce, account.balance - amount, account.policy_hash, account.locks)


def credit(account: Account, amount: int) -> Account:
    """Return the account with `amount` free motes more."""
    if amount < 0:
        raise Broken("internal", f"giving {amount} motes")
    return Account(account.nonce, account.balance + amount, account.policy_hash, account.locks)


def credit_locked(account: Account, amount: int, terms: LockTerms) -> Account:
    """Return the account with `amount` motes more under these terms.

    Coins under equal terms share one lock, so that founding blocks can fill it bit by bit.
    """
    if amount < 0:
        raise Broken("internal", f"locking {amount} motes")
    shape = (terms.period_ms, terms.cliff, terms.steps)
    locks = list(account.locks)
    for i, lock in enumerate(locks):
        if (lock.period_ms, lock.cliff, lock.steps) == shape:
            locks[i] = Lock(lock.amount + amount, lock.claimed, *shape)
            break
    else:
        locks.append(Lock(amount, 0, *shape))
    return Account(account.nonce, account.balance, account.policy_hash, tuple(locks))
