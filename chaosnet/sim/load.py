"""Clients: they send transfers through random nodes and expect every one of them in a block.

Where the scenario wants contracts, these are deployed and called too.

A client sends again, elsewhere, only what a node refused or lost with its memory. What a running node has
accepted is the network's to include.
"""

from dataclasses import dataclass
from typing import Final

from chaosnet.base.codec import encode
from chaosnet.base.dice import Dice
from chaosnet.crypto.signing import sign
from chaosnet.kernel.events import Reply, SubmitTransactions
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.model.policy import Witness
from chaosnet.model.transaction import Action, Transaction, Transfer, TxBody, tx_id_of
from chaosnet.sim.cast import Account, account_at
from chaosnet.sim.checkers import Checkers
from chaosnet.sim.host import Host
from chaosnet.sim.schedule import Schedule
from chaosnet.sim.traffic import Traffic

RETRY_US: Final = 1_500_000
WAITING_MAX: Final = 32
"""Transactions of one account under way: half of what a mempool takes from it."""
GAS_LIMIT: Final = 100_000
EXPIRY: Final = 50_000


@dataclass(slots=True)
class Sent:
    """One transaction that is not in a block yet."""

    raw: bytes
    tx_id: bytes
    since_us: int
    place: int = -1
    """Node that has it; -1: none."""
    run: int = 0
    tried_us: int = -RETRY_US


@dataclass(slots=True)
class Client:
    """One account with its transactions under way, by nonce."""

    account: Account
    nonce: int
    waiting: dict[int, Sent]


def sign_body(account: Account, body: TxBody, signers: tuple[int, ...]) -> bytes:
    """Return the encoded transaction, signed by these keys of the account."""
    message = tx_id_of(body)
    signatures = tuple((i, sign(account.seeds[i], message)) for i in signers)
    return encode(Transaction(body, Witness(account.policy, signatures), None))


class Load:
    """All clients of a world."""

    def __init__(
        self, schedule: Schedule, dice: Dice, genesis: Genesis, hosts: list[Host], checkers: Checkers
    ) -> None:
        self._schedule = schedule
        self._dice = dice
        self._genesis_hash = genesis_hash_of(genesis)
        self._hosts = hosts
        self._checkers = checkers
        free = {a.address for a in genesis.allocations if a.lock is None}
        accounts = [account_at(i) for i in range(len(genesis.allocations))]
        self.clients = [Client(account, 0, {}) for account in accounts if account.address in free]
        self._traffic: Traffic | None = None
        self._tickets: dict[int, list[Sent]] = {}
        self._ticket = 0
        self.sent = 0
        self.refusals: dict[str, int] = {}

    def use_contracts(self, genesis: Genesis) -> None:
        """Mix calls of contracts into the transfers from now on."""
        self._traffic = Traffic(self._dice.fork("traffic"), genesis, [c.account for c in self.clients])

    def begin(self, per_minute: int, burst_max: int, end_us: int) -> None:
        """Send about so many transfers a minute until `end_us`, up to `burst_max` at once."""
        self._schedule.after(500_000, self._retry)
        if per_minute:
            pause_us = 60_000_000 * (1 + burst_max) // 2 // per_minute
            self._schedule.after(1_000_000, self._tick, pause_us, burst_max, end_us)

    def missing(self) -> list[Sent]:
        """Return what is not in a block yet, after forgetting what is."""
        missing: list[Sent] = []
        included = self._checkers.included
        for client in self.clients:
            for nonce in [n for n, sent in client.waiting.items() if sent.tx_id in included]:
                del client.waiting[nonce]
            missing.extend(client.waiting.values())
        return missing

    def replied(self, place: int, run: int, reply: Reply) -> None:
        """Note what a node accepted."""
        for sent, (_, code, _) in zip(self._tickets.pop(reply.ticket, []), reply.verdicts, strict=False):
            if code in ("ok", "already_known"):
                sent.place, sent.run = place, run
            else:
                sent.place = -1
                self.refusals[code] = self.refusals.get(code, 0) + 1

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _tick(self, pause_us: int, burst_max: int, end_us: int) -> None:
        if self._schedule.now_us >= end_us:
            return
        self._schedule.after(
            self._dice.between(pause_us // 2, pause_us * 3 // 2), self._tick, pause_us, burst_max, end_us
        )
        client = self._dice.pick(self.clients)
        count = self._dice.between(1, burst_max)
        self.missing()
        made = [self._make(client) for _ in range(min(count, WAITING_MAX - len(client.waiting)))]
        self._submit(made)

    def _make(self, client: Client) -> Sent:
        account, dice = client.account, self._dice
        price = dice.between(1, 5)
        action, gas = self._next(client)
        body = TxBody(
            genesis=self._genesis_hash,
            sender=account.address,
            nonce=client.nonce,
            anchor_height=0,
            anchor_prefix=self._genesis_hash[:8],
            expiry=EXPIRY,
            gas_limit=gas,
            gas_price=price,
            payer=None,
            memo="",
            actions=(action,),
        )
        signers = (0,) if len(account.seeds) == 1 else dice.pick(((0, 1), (0, 2), (1, 2)))
        sent = Sent(sign_body(account, body, signers), tx_id_of(body), self._schedule.now_us)
        client.waiting[client.nonce] = sent
        client.nonce += 1
        self.sent += 1
        return sent

    def _next(self, client: Client) -> tuple[Action, int]:
        """Return the action of a client's next transaction, and its gas limit."""
        dice = self._dice
        if self._traffic is not None and (not client.nonce or dice.chance(1, 2)):
            return self._traffic.next(client.account, client.nonce)
        to = dice.pick(self.clients).account.address
        return Transfer(to=to, amount=dice.between(1, 1_000)), GAS_LIMIT

    def _submit(self, batch: list[Sent]) -> None:
        able = [h for h in self._hosts if h.is_up and not h.is_paused and not (h.is_byzantine or h.is_spare)]
        able = [h for h in able if h.place not in self._checkers.doubted]  # it is not ready
        if not able or not batch:
            return
        host = self._dice.pick(able)
        self._ticket += 1
        self._tickets[self._ticket] = batch
        for sent in batch:
            sent.tried_us = self._schedule.now_us
            sent.place, sent.run = host.place, host.run
        host.deliver(SubmitTransactions(self._ticket, tuple(sent.raw for sent in batch)))

    def _retry(self) -> None:
        """Send again what no running node has."""
        self._schedule.after(RETRY_US, self._retry)
        self.missing()
        for client in self.clients:
            lost = [sent for sent in client.waiting.values() if self._is_lost(sent)]
            self._submit(lost)

    def _is_lost(self, sent: Sent) -> bool:
        if self._schedule.now_us - sent.tried_us < RETRY_US:
            return False
        if sent.place < 0:
            return True
        host = self._hosts[sent.place]
        return not host.is_up or host.run != sent.run
