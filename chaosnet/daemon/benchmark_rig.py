"""A chain in this process for benchmarks of contracts: accounts, and blocks on the real ledger."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

import msgspec

from chaosnet.base.codec import encode
from chaosnet.base.units import Address
from chaosnet.contracts import values
from chaosnet.contracts.keys import encode_key
from chaosnet.contracts.machine import Machine
from chaosnet.contracts.values import Value
from chaosnet.crypto.addresses import KEY_ACCOUNT, format_address
from chaosnet.daemon.collecting import collecting_seldom
from chaosnet.daemon.loadgen import Sender, make_senders
from chaosnet.daemon.machines import start_thread
from chaosnet.devchain.accounts import dev_account
from chaosnet.devchain.chain import dev_genesis
from chaosnet.ledger.accounts import Account
from chaosnet.ledger.apply import Execution
from chaosnet.ledger.context import Context, params_of, rules_of
from chaosnet.ledger.contracts.books import entry_start
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.keys import entry_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.state import State
from chaosnet.model.contract_actions import Call, Deploy
from chaosnet.model.genesis import genesis_hash_of
from chaosnet.model.policy import Witness
from chaosnet.model.receipt import Receipt
from chaosnet.model.transaction import Action, SignedTx, Transaction, TxBody

LANGUAGES: Final = {"lua": "lua/1", "js": "js/1"}
GAS: Final = 20_000_000
CALL_GAS: Final = 80_000
"""Limit of one transfer of the token: what it takes and a quarter, as clients set it."""
BLOCK_GAS: Final = 10**12
HELD: Final = 10**9
"""Tokens of each holder."""
FUNDS: Final = 10**15
"""Motes of each account."""
DEPOSIT_MAX: Final = 10**12

T = TypeVar("T")


class ContractScale(msgspec.Struct, frozen=True):
    """How much is measured."""

    runs: int = 9
    """Of each short measurement, of which the median counts."""
    accounts: int = 100_000
    calls: int = 3_000
    """Transfers of a token in a row."""
    senders: int = 1_000
    contracts: int = 5_000
    """Different ones that are called in turn."""
    nasty_gas: int = 1_000_000
    """Of each program that is meant to be slow."""


@dataclass(slots=True)
class Rig:
    """A chain with accounts and contracts, on which blocks are executed."""

    machine: Machine
    senders: list[Sender]
    nonces: dict[bytes, int]
    state: State
    ctx: Context

    def text(self, address: bytes) -> str:
        return format_address(self.ctx.genesis.address_prefix, Address(address))

    def tx(self, sender: Sender, action: Action, gas: int) -> SignedTx:
        """Return a transaction whose signature nobody will look at."""
        nonce = self.nonces.get(sender.address, 0)
        self.nonces[sender.address] = nonce + 1
        body = TxBody(
            genesis=self.ctx.genesis_hash,
            sender=sender.address,
            nonce=nonce,
            anchor_height=0,
            anchor_prefix=self.ctx.genesis_hash[:8],
            expiry=self.ctx.height + 1,
            gas_limit=gas,
            gas_price=1,
            payer=None,
            memo="",
            actions=(action,),
        )
        found = Transaction(body, Witness(sender.policy, ((0, bytes(64)),)), None)
        return SignedTx(encode(found), found)

    def block(self, txs: list[SignedTx]) -> tuple[list[Receipt], float, float]:
        """Execute a block; return receipts, seconds of the transactions, and seconds with the block's end."""
        execution = Execution(self.state, self.ctx)
        begin = time.process_time()
        receipts = [execution.add(tx) for tx in txs]
        middle = time.process_time()
        self.state = execution.finish().state
        return receipts, middle - begin, time.process_time() - begin

    def deploy(self, engine: str, source: str, *args: Value) -> bytes:
        """Put a contract on the chain; return its address."""
        sender = self.senders[0]
        nonce = self.nonces.get(sender.address, 0)
        action = Deploy(engine, source.encode(), values.encode(list(args)), 0, DEPOSIT_MAX)
        receipts, _, _ = self.block([self.tx(sender, action, GAS)])
        check_ok(receipts)
        return contract_id(self.ctx.genesis_hash, sender.address, nonce, 0)

    def fill(self, contract: bytes, count: int) -> None:
        """Give `count` holders of a token something to send, the senders among them."""
        start = entry_start(self.ctx.params.motes_per_state_byte)
        new: dict[bytes, bytes | None] = {}
        for address in addresses_of(self.senders, count):
            key = entry_key(contract, encode_key(["balances", self.text(address)]))
            new[key] = start + values.encode(HELD)
        self.state = self.state.update(new)


def addresses_of(senders: list[Sender], count: int) -> list[Address]:
    """Return the senders' addresses, filled up with others."""
    own = [sender.address for sender in senders]
    return own + [
        Address(bytes((KEY_ACCOUNT,)) + sha256(i.to_bytes(8, "big")).digest())
        for i in range(count - len(own))
    ]


def make_rig(machine: Machine, scale: ContractScale) -> Rig:
    """Return a chain with so many accounts that hold coins."""
    genesis = dev_genesis((dev_account("alice"),), {"block_gas_max": BLOCK_GAS})
    state = genesis_state(genesis)
    senders = make_senders(scale.senders)
    overlay = Overlay(state)
    for address in addresses_of(senders, scale.accounts):
        overlay.set_account(address, Account(balance=FUNDS))
    state = state.update(overlay.changes().new)
    ctx = Context(
        genesis=genesis,
        genesis_hash=genesis_hash_of(genesis),
        height=1,
        era=0,
        time_ms=genesis.time_ms + 1_000,
        parent_time_ms=genesis.time_ms,
        proposer=dev_account("keeper").address,
        params=params_of(state),
        rules=rules_of(state),
        anchor_ok=lambda *_: True,
        machine=machine,
    )
    return Rig(machine, senders, {}, state, ctx)


def on_large_stack(work: Callable[[], T]) -> T:
    """Do some work in a thread with the stack that contracts need, and return what it returns."""
    done: Future[T] = Future()

    def work_and_tell() -> None:
        try:
            with collecting_seldom():  # as a node does
                done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            done.set_exception(error)

    start_thread(work_and_tell, "benchmark")
    return done.result()


def transfers(
    rig: Rig, token: bytes, scale: ContractScale
) -> tuple[list[bytes], list[Sender], list[SignedTx]]:
    """Return arguments and senders of transfers of a token, and the transactions."""
    peers = addresses_of(rig.senders, scale.accounts)
    names = [rig.text(peers[(i * 7_919 + 1) % len(peers)]) for i in range(scale.calls)]
    given = [values.encode([name, 1]) for name in names]
    callers = [rig.senders[i % len(rig.senders)] for i in range(scale.calls)]
    txs = [
        rig.tx(sender, Call(token, "send", args, (), DEPOSIT_MAX), CALL_GAS)
        for sender, args in zip(callers, given, strict=True)
    ]
    return given, callers, txs


def check_ok(receipts: list[Receipt]) -> None:
    """Raise RuntimeError unless every transaction did what it was to do."""
    failed = [receipt.code for receipt in receipts if receipt.code != "ok"]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(receipts)} failed: {failed[0]}")
