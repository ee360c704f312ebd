"""What clients do with contracts: tokens in both languages, deployed, called, called through each other, and
called wrongly.

The first transaction of each client deploys a token, so everybody knows its address from the start; calls
that come before it fail like the others that are meant to.
"""

from typing import Final

from chaosnet.base.dice import Dice
from chaosnet.contracts import values
from chaosnet.contracts.values import Value
from chaosnet.crypto.addresses import format_address
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model.contract_actions import Call, Deploy
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.model.transaction import Action
from chaosnet.sim.cast import Account

DEPLOY_GAS: Final = 1_500_000
CALL_GAS: Final = 200_000
DEPOSIT_MAX: Final = 10**9

LUA: Final = """contract{ api=1, name="Token", version="1.0.0", licence="MIT", permissions={call="any"},
  events={Sent={"to address", "amount int"}}, storage={balances="map address int", calls="counter"},
  methods={
    send={kind="write", args={"to address", "amount int"}, run=function(to, amount)
      local have = store.balances:get(ctx.caller) or 100
      ensure(amount <= have, "not enough")
      store.balances:set(ctx.caller, have - amount)
      store.balances:set(to, (store.balances:get(to) or 100) + amount)
      emit("Sent", to, amount)
    end},
    through={kind="write", args={"other address", "to address", "amount int"}, run=function(other, to, amount)
      store.calls:add(1)
      local tried = try_call(other, "send", {to, amount})
      if not tried.ok then call(other, "send", {to, 1}) end
    end},
    spin={kind="write", run=function() while true do store.calls:add(1) end end},
  } }
"""
JS: Final = """contract({ api: 1, name: 'Token', version: '1.0.0', licence: 'MIT',
  permissions: { call: 'any' }, events: { Sent: ['to address', 'amount int'] },
  storage: { balances: 'map address int', calls: 'counter' },
  methods: {
    send: { kind: 'write', args: ['to address', 'amount int'], run(to, amount) {
      const have = store.balances.get(ctx.caller) ?? 100n;
      ensure(amount <= have, 'not enough');
      store.balances.set(ctx.caller, have - amount);
      store.balances.set(to, (store.balances.get(to) ?? 100n) + amount);
      emit('Sent', to, amount);
    } },
    through: { kind: 'write', args: ['other address', 'to address', 'amount int'], run(other, to, amount) {
      store.calls.add(1n);
      const tried = try_call(other, 'send', [to, amount]);
      if (!tried.ok) call(other, 'send', [to, 1n]);
    } },
    spin: { kind: 'write', run() { for (;;) store.calls.add(1n); } },
  } });
"""
SOURCES: Final = (("lua/1", LUA), ("js/1", JS))


class Traffic:
    """Draws what a client does next."""

    def __init__(self, dice: Dice, genesis: Genesis, accounts: list[Account]) -> None:
        self._dice = dice
        self._prefix = genesis.address_prefix
        self._accounts = accounts
        hash_ = genesis_hash_of(genesis)
        self.contracts = [contract_id(hash_, account.address, 0, 0) for account in accounts]

    def next(self, account: Account, nonce: int) -> tuple[Action, int]:
        """Return (action, gas limit) of an account's transaction with this nonce."""
        dice = self._dice
        if not nonce:
            engine, source = SOURCES[self._accounts.index(account) % len(SOURCES)]
            return Deploy(engine, source.encode(), values.encode([]), 0, DEPOSIT_MAX), DEPLOY_GAS
        to = self._text(dice.pick(self._accounts).address)
        other = self._text(dice.pick(self.contracts))
        kind = dice.below(10)
        if kind < 5:
            return self._call("send", to, dice.between(1, 20))
        if kind < 7:
            return self._call("through", other, to, dice.between(1, 200))
        if kind == 7:
            return self._call("send", to, 10**9)
        if kind == 8:
            return self._call("spin")
        return self._call(dice.pick(("nothing", "send")), to)

    def _call(self, method: str, *args: Value) -> tuple[Action, int]:
        contract = self._dice.pick(self.contracts)
        return Call(contract, method, values.encode(list(args)), (), DEPOSIT_MAX), CALL_GAS

    def _text(self, address: bytes) -> str:
        return format_address(self._prefix, address)  # type: ignore[arg-type]
