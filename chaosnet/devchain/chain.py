"""A chain for tests of contracts: each transaction is a block at once, on the real ledger and engines.

Gas, deposits, receipts, events and the state root are those of a network with the same genesis. Three things
are easier here: nobody signs, gas has no price, and whoever is named can be the sender.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.base.units import MOTES_PER_COS, Address
from chaosnet.contracts import values
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.interface import Interface
from chaosnet.contracts.machine import Machine
from chaosnet.contracts.values import Value
from chaosnet.crypto.addresses import format_address, parse_address
from chaosnet.devchain.accounts import NAMES, DevAccount, dev_account
from chaosnet.devchain.trace import Tracer
from chaosnet.ledger.apply import Execution
from chaosnet.ledger.context import Context, params_of, rules_of
from chaosnet.ledger.contracts.actions import query_contract
from chaosnet.ledger.contracts.books import DEPOSITS
from chaosnet.ledger.contracts.names import asset_of_text
from chaosnet.ledger.contracts.records import find_contract
from chaosnet.ledger.contracts.tokens import read_holding
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.state import State
from chaosnet.model.contract_actions import COS, Call, Deploy, Sent
from chaosnet.model.genesis import VALIDATOR, Allocation, Genesis, Member, genesis_hash_of
from chaosnet.model.genesis_make import ADDRESS_PREFIX, consortium_genesis
from chaosnet.model.policy import Witness, policy_hash
from chaosnet.model.receipt import Outcome, Receipt
from chaosnet.model.transaction import Action, SignedTx, Transaction, Transfer, TxBody

FUNDS: Final = 1_000_000 * MOTES_PER_COS
"""Motes of each account at the start."""
TIME_MS: Final = 1_750_000_000_000
BLOCK_MS: Final = 1_000
GAS: Final = 20_000_000
DEPOSIT_MAX: Final = 1_000 * MOTES_PER_COS
EXPIRY_AHEAD: Final = 100


class Said(NamedTuple):
    """One event."""

    contract: str
    name: str
    values: list[Value]


@dataclass(frozen=True, slots=True)
class Result:
    """What a transaction did."""

    code: str
    """`ok`, or the code of the receipt."""
    value: Value
    """What the call returned; the address, for a deployment."""
    text: str
    """What was said when it failed: of a contract's program with file and line."""
    gas: int
    deposit: int
    """Motes that the state locks more than before; negative: they were freed."""
    events: tuple[Said, ...]
    prints: tuple[list[Value], ...]
    height: int
    tx_id: bytes

    @property
    def is_ok(self) -> bool:
        """Return whether it did what was asked."""
        return self.code == "ok"


class _Moment(NamedTuple):
    state: State
    height: int
    time_ms: int


class DevChain:
    """A chain of blocks with one transaction each. All addresses are texts; amounts are motes.

    The machine of contracts needs a large stack: see `daemon.machines`.
    """

    def __init__(self, machine: Machine, names: tuple[str, ...] = NAMES, **params: int) -> None:
        """`params`: fields of ChainParams that differ from those of a new network."""
        self.tracer = Tracer(machine)
        self.accounts: Mapping[str, DevAccount] = {name: dev_account(name) for name in names}
        self.genesis: Genesis = dev_genesis(tuple(self.accounts.values()), params)
        self.genesis_hash = genesis_hash_of(self.genesis)
        self._moment = _Moment(genesis_state(self.genesis), 0, self.genesis.time_ms)
        self._kept: list[_Moment] = []
        self._by_address = {account.address: account for account in self.accounts.values()}
        self._keeper = dev_account("keeper")

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def height(self) -> int:
        """Return the height of the last block."""
        return self._moment.height

    @property
    def time_ms(self) -> int:
        """Return the time of the last block."""
        return self._moment.time_ms

    @property
    def state(self) -> State:
        """Return the state after the last block."""
        return self._moment.state

    @property
    def root(self) -> bytes:
        """Return the state root after the last block."""
        return self._moment.state.root

    def balance(self, who: str, asset: str = "COS") -> int:
        """Return how much of COS, or of a token, an account or a contract holds."""
        address = self.address_of(who)
        token = asset_of_text(asset)
        if token == COS:
            return Overlay(self.state).account(address).balance
        return read_holding(self.state, token, address)

    def interface_of(self, contract: str) -> Interface:
        """Return what a contract offers; raises Invalid(`no_contract`)."""
        found = find_contract(self.state.get, self.address_of(contract))
        if found is None:
            raise Invalid("no_contract", contract)
        return found.interface

    def query(self, contract: str, method: str, *args: Value, caller: str = "alice", gas: int = GAS) -> Value:
        """Return what a method answers without changing anything; raises GuestFault when it fails."""
        ctx = self._context(self.height + 1, self.time_ms)
        self.tracer.clear()
        found = query_contract(
            Overlay(self.state),
            ctx,
            self.tracer,
            contract=self.address_of(contract),
            method=method,
            args=values.encode(list(args)),
            caller=self.address_of(caller),
            fuel=gas * ctx.rules.gas.fuel_per_gas,
        )
        if found.code != "ok":
            raise GuestFault(found.code, found.text)
        return values.decode(found.value)

    def address_of(self, who: str) -> Address:
        """Return the address of a name or a text; raises Invalid(`bad_address`)."""
        known = self.accounts.get(who)
        return Address(known.address) if known else parse_address(ADDRESS_PREFIX, who)

    def text_of(self, who: str) -> str:
        """Return the text of an address, by name or text; raises Invalid(`bad_address`)."""
        return format_address(ADDRESS_PREFIX, self.address_of(who))

    # ── acting ───────────────────────────────────────────────────────────────────────────────────────────

    def deploy(
        self,
        source: bytes | str,
        engine: str,
        *args: Value,
        sender: str = "alice",
        sent: int = 0,
        gas: int = GAS,
        deposit_max: int | None = None,
    ) -> Result:
        """Put a contract on the chain; the result's value is its address.

        `deposit_max`: motes, by default as much as the sender has, up to DEPOSIT_MAX.
        """
        raw = source.encode() if isinstance(source, str) else source
        deposit_max = self._free(sender, sent) if deposit_max is None else deposit_max
        action = Deploy(engine, raw, values.encode(list(args)), sent, deposit_max)
        return self.act(action, sender=sender, gas=gas)

    def call(
        self,
        contract: str,
        method: str,
        *args: Value,
        sender: str = "alice",
        sent: Mapping[str, int] | None = None,
        gas: int = GAS,
        deposit_max: int | None = None,
    ) -> Result:
        """Call a method in a transaction; `sent`: asset -> amount; `deposit_max` as in `deploy`."""
        assets: Sent = tuple(sorted((asset_of_text(name), amount) for name, amount in (sent or {}).items()))
        if deposit_max is None:
            deposit_max = self._free(sender, sum(amount for asset, amount in assets if asset == COS))
        action = Call(self.address_of(contract), method, values.encode(list(args)), assets, deposit_max)
        return self.act(action, sender=sender, gas=gas)

    def transfer(self, to: str, amount: int, *, sender: str = "alice") -> Result:
        """Send motes to an account."""
        return self.act(Transfer(self.address_of(to), amount), sender=sender)

    def act(self, *actions: Action, sender: str = "alice", gas: int = GAS) -> Result:
        """Make a block with one transaction; raises InvalidTransaction for one that no block may hold."""
        address = self.address_of(sender)
        moment = self._prepared(address)
        signed = self._signed(moment, address, actions, gas)
        receipt, outcome = self._block(moment, signed)
        return self._result(moment, signed, receipt, outcome)

    def send(self, signed: SignedTx) -> Result:
        """Make a block with a transaction that somebody signed; the signatures were verified before."""
        moment = self._moment
        receipt, outcome = self._block(moment, signed)
        return self._result(moment, signed, receipt, outcome)

    def fund(self, who: str, motes: int) -> None:
        """Send motes out of the last account of the chain: from there they cannot run short soon."""
        done = self.transfer(who, motes, sender=list(self.accounts)[-1])
        if not done.is_ok:
            raise Invalid("bad_argument", f"funding failed: {done.code}")

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────

    def advance(self, blocks: int = 1, seconds: int = 0) -> None:
        """Make empty blocks; the first one comes so many seconds later than usual."""
        if not 0 < blocks <= 100_000 or not 0 <= seconds <= 10**10:
            raise Invalid("bad_argument", "1 to 100,000 blocks, 0 to 10^10 seconds")
        later_ms = seconds * 1_000
        for _ in range(blocks):
            moment = self._moment
            time_ms = moment.time_ms + BLOCK_MS + later_ms
            later_ms = 0
            ctx = self._context(moment.height + 1, time_ms)
            self._moment = _Moment(Execution(moment.state, ctx).finish().state, ctx.height, time_ms)

    def snapshot(self) -> int:
        """Remember this moment; return its number for `revert`."""
        self._kept.append(self._moment)
        return len(self._kept) - 1

    def revert(self, number: int) -> None:
        """Go back to a moment and forget later ones; raises Invalid(`bad_argument`) for an unknown one."""
        if not 0 <= number < len(self._kept):
            raise Invalid("bad_argument", f"no snapshot has the number {number}")
        self._moment = self._kept[number]
        del self._kept[number + 1 :]

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _free(self, sender: str, sent: int) -> int:
        """Return the motes that a sender can offer as a deposit beside what it sends."""
        return max(0, min(self.balance(sender) - sent, DEPOSIT_MAX))

    def _context(self, height: int, time_ms: int) -> Context:
        state = self._moment.state
        return Context(
            genesis=self.genesis,
            genesis_hash=self.genesis_hash,
            height=height,
            era=0,
            time_ms=time_ms,
            parent_time_ms=self._moment.time_ms,
            proposer=self._keeper.address,
            params=params_of(state),
            rules=rules_of(state),
            anchor_ok=lambda *_: True,
            machine=self.tracer,
        )

    def _prepared(self, sender: bytes) -> _Moment:
        """Return the moment in which the keeper's key speaks for an account that has no key here."""
        moment = self._moment
        if sender in self._by_address:
            return moment
        overlay = Overlay(moment.state)
        hash_ = policy_hash(self._keeper.policy)
        account = overlay.account(sender)
        if account.policy_hash != hash_:
            overlay.set_account(sender, replace(account, policy_hash=hash_))
            moment = moment._replace(state=moment.state.update(overlay.changes().new))
        return moment

    def _signed(self, moment: _Moment, sender: bytes, actions: tuple[Action, ...], gas: int) -> SignedTx:
        signer = self._by_address.get(sender, self._keeper)
        body = TxBody(
            genesis=self.genesis_hash,
            sender=sender,
            nonce=Overlay(moment.state).account(sender).nonce,
            anchor_height=0,
            anchor_prefix=self.genesis_hash[:8],
            expiry=moment.height + EXPIRY_AHEAD,
            gas_limit=min(gas, params_of(moment.state).block_gas_max),
            gas_price=params_of(moment.state).gas_price_min,
            payer=None,
            memo="",
            actions=actions,
        )
        tx = Transaction(body, Witness(signer.policy, ((0, bytes(64)),)), None)
        return SignedTx(encode(tx), tx)

    def _block(self, moment: _Moment, signed: SignedTx) -> tuple[Receipt, Outcome]:
        self.tracer.clear()
        time_ms = moment.time_ms + BLOCK_MS
        execution = Execution(moment.state, self._context(moment.height + 1, time_ms))
        execution.add(signed)
        applied = execution.finish()
        self._moment = _Moment(applied.state, moment.height + 1, time_ms)
        return applied.receipts[0], applied.outcomes[0]

    def _result(self, before: _Moment, signed: SignedTx, receipt: Receipt, outcome: Outcome) -> Result:
        locked = [Overlay(state).account(DEPOSITS).balance for state in (before.state, self.state)]
        text = ADDRESS_PREFIX
        return Result(
            code=receipt.code,
            value=values.decode(outcome.returns[-1]) if outcome.returns else None,
            text=outcome.text,
            gas=receipt.gas,
            deposit=locked[1] - locked[0],
            events=tuple(
                Said(format_address(text, Address(event.contract)), event.name, _list(event.values))
                for event in outcome.events
            ),
            prints=tuple(self.tracer.prints),
            height=self.height,
            tx_id=signed.tx_id,
        )


def _list(raw: bytes) -> list[Value]:
    found = values.decode(raw)
    return found if isinstance(found, list) else [found]


def dev_genesis(accounts: tuple[DevAccount, ...], params: dict[str, int]) -> Genesis:
    """Return a network of one validator, the keeper, where gas has no price and each account holds FUNDS."""
    keeper = dev_account("keeper")
    keys = [dev_account(f"keeper {purpose}").policy.keys[0][0] for purpose in ("votes", "links")]
    member = Member(
        name="keeper",
        operator=keeper.address,
        role=VALIDATOR,
        consensus_key=keys[0],
        node_key=keys[1],
        vrf_key=b"",
    )
    allocations = [Allocation(account.name, account.address, FUNDS, None) for account in accounts]
    found = consortium_genesis("dev", TIME_MS, [member], allocations, gas_price_min=0)
    return replace(found, params=replace(found.params, **params))
