"""What holds whatever contracts do: supply, deposits, sums of tokens, undo, and order of storage."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.contracts import ops
from chaosnet.contracts.ops import ENTRY_OVERHEAD
from chaosnet.contracts.values import encode
from chaosnet.ledger.accounts import decode_account
from chaosnet.ledger.apply import full_supply
from chaosnet.ledger.contracts.books import DEPOSITS, RESERVES, entry_rate, entry_value
from chaosnet.ledger.contracts.tokens import Token
from chaosnet.ledger.keys import (
    ALLOWANCE,
    CONTRACT,
    ENTRY,
    FROZEN,
    HOLDING,
    SOURCE,
    TOKEN,
    account_key,
    token_key,
)
from chaosnet.ledger.state import State
from chaosnet.model.contract_actions import (
    ApproveToken,
    BurnToken,
    Call,
    ChangeToken,
    ConvertToken,
    IssueToken,
    SendToken,
)
from chaosnet.model.genesis import supply_at
from chaosnet.model.transaction import Transfer
from tests.fake_machine import ADA, BOB, EVE, Api, Bench, FakeContract, FakeMachine, Revert

PEOPLE = (ADA, BOB, EVE)
RATE = 1_000


def run_all(api: Api, steps: list[Any], end: str) -> None:
    for step in steps:
        kind, *given = step
        if kind == "try":
            to, inner, how = given
            sent = {"COS": 3} if api.ctx()["sent"] else None
            api.call(to, "run", inner, how, is_try=True, sent=sent)
        else:
            api.op(kind, *given)
    if end == "revert":
        raise Revert("as told")
    if end == "spin":
        api.burn_fuel(2**62)


ANYTHING = FakeContract(
    {"run": run_all},
    {
        "permissions": {"transfer": "any", "issue": True, "call": "any"},
        "methods": {"run": {"kind": "payable", "args": ["steps list", "end text"], "reentrant": True}},
    },
)


class World(Bench):
    """Two contracts that do as they are told, and a token of theirs with a reserve and every right."""

    def __init__(self) -> None:
        super().__init__(FakeMachine(anything=ANYTHING), motes_per_state_byte=RATE)
        self.contracts = [self.deploy("anything"), self.deploy("anything", sender=BOB)]
        self.addresses = [*(person.address for person in PEOPLE), *self.contracts]
        me = self.text(self.contracts[0])
        options: dict[str, Any] = {right: self.text(ADA.address) for right in ("freeze", "pause", "clawback")}
        options |= {"issue": me, "symbol": "TOK", "max": 10_000}
        options["reserve"] = {"motes": 3, "tokens": 2, "fee": 7, "withdraw": self.text(EVE.address)}
        step = [ops.ISSUE, None, me, 5_000, options]
        assert self.code(self.contracts[0], "run", [step], "") == "ok"
        self.token = next(
            key[2:34] for key, _ in self.state.update(self.overlay.changes().new).scan(bytes((TOKEN,)))
        )

    def step(self, plan: tuple[str, int, int, int]) -> list[Any]:
        """Return one operation of a contract."""
        kind, who, which, amount = plan
        to, token = self.text(self.addresses[who]), self.token.hex()
        match kind:
            case "set":
                return [ops.SET, ["k", which], amount or None]
            case "send":
                return [ops.TRANSFER, to, token if which % 2 else "COS", amount]
            case "burn":
                return [ops.BURN, token, amount]
            case "issue":
                return [ops.ISSUE, token, to, amount, None]
            case "approve":
                return [ops.APPROVE, token, to, 0, amount, 9]
            case "take":
                return [ops.TRANSFER_FROM, token, to, self.text(self.addresses[which]), amount]
            case "buy":
                return [ops.CONVERT, "COS", amount, token, 0, 9]
            case _:
                return [ops.CONVERT, token, amount, "COS", 0, 9]

    def act(self, plan: tuple[str, int, int, int]) -> Any:
        """Return one action of an account."""
        kind, who, which, amount = plan
        to, amount = self.addresses[who], max(1, amount)
        match kind:
            case "set":
                subject = self.addresses[which]
                change = ("freeze", "unfreeze", "clawback", "fund", "withdraw")[which]
                fields = {
                    "freeze": (subject, b"", 0),
                    "unfreeze": (subject, b"", 0),
                    "clawback": (subject, to, amount),
                    "fund": (b"", b"", amount),
                    "withdraw": (b"", to, amount),
                }[change]
                return ChangeToken(self.token, change, "", *fields, 10**7)
            case "send":
                return SendToken(self.token, b"", to, amount, 10**7)
            case "burn":
                return BurnToken(self.token, amount)
            case "issue":
                return IssueToken(self.token, to, amount, 10**7)
            case "approve":
                return ApproveToken(self.token, to, 0, amount, 9, 10**7)
            case "take":
                return SendToken(self.token, to, self.addresses[which], amount, 10**7)
            case _:
                return ConvertToken(self.token, amount, 0, 9, 10**7, kind != "buy")


WHO = st.integers(0, 4)
KINDS = st.sampled_from(["set", "send", "burn", "issue", "approve", "take", "buy", "sell"])
STEP = st.tuples(KINDS, WHO, WHO, st.sampled_from([0, 1, 2, 30, 700, 5_000]))
END = st.sampled_from(["", "", "", "revert", "spin"])
STEPS = st.lists(STEP, max_size=3)
INNER = st.none() | st.tuples(STEPS, END)
CALL = st.tuples(st.just("call"), st.integers(0, 1), STEPS, INNER, END, st.booleans())
ACT = st.tuples(st.just("act"), STEP)
TX = st.tuples(st.integers(0, 2), st.lists(st.one_of(CALL, CALL, ACT), min_size=1, max_size=2))


def action_of(world: World, planned: Any) -> Any:
    if planned[0] == "act":
        return world.act(planned[1])
    _, place, steps, inner, end, paid = planned
    told: list[Any] = [world.step(step) for step in steps]
    if inner is not None:
        other = world.text(world.contracts[1 - place])
        told.append(["try", other, [world.step(step) for step in inner[0]], inner[1]])
    sent = ((b"", 50),) if paid else ()
    return Call(world.contracts[place], "run", encode([told, end]), sent, 10**8)


def check(world: World, state: State) -> None:
    """Raise unless all sums are right."""
    assert full_supply(state) == supply_at(world.genesis, world.height)
    items = dict(state.items())
    bearing = [(k, v) for k, v in items.items() if k[0] in (ENTRY, HOLDING, ALLOWANCE, FROZEN, TOKEN)]
    deposits = sum((len(k) + len(entry_value(v)) + ENTRY_OVERHEAD) * entry_rate(v) for k, v in bearing)
    kept = [(k, v) for k, v in items.items() if k[0] in (CONTRACT, SOURCE)]
    deposits += sum(len(k) + len(v) + ENTRY_OVERHEAD for k, v in kept) * RATE
    assert decode_account(items[account_key(DEPOSITS)]).balance == deposits
    token = msgspec.msgpack.decode(entry_value(items[token_key(world.token)]), type=Token)
    holdings = [msgspec.msgpack.decode(entry_value(v)) for k, v in items.items() if k[0] == HOLDING]
    assert sum(holdings) == token.supply <= token.supply_max
    assert all(amount > 0 for amount in holdings)
    assert token.reserve is not None
    reserve = items.get(account_key(RESERVES))
    assert token.reserve.motes == (0 if reserve is None else decode_account(reserve).balance)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(TX, max_size=4), min_size=1, max_size=3))
def test_nothing_is_lost_or_made_whatever_contracts_do(blocks: list[Any]) -> None:
    world = World()
    for block in blocks:
        for who, planned in block:
            actions = [action_of(world, one) for one in planned] + [Transfer(EVE.address, 1)]
            before = world.overlay.changes().new
            receipt, outcome = world.run(PEOPLE[who], *actions, gas=3_000_000)
            assert receipt.gas <= 3_000_000
            if receipt.code != "ok":
                assert outcome.events == ()
                after = world.overlay.changes().new
                changed = [k for k in before | after if before.get(k) != after.get(k)]
                assert len(changed) <= 2, "a failure changes who pays and who is paid, nothing else"
        changes = world.overlay.changes()
        assert changes.supply_delta == 0
        state = world.state.update(changes.new)
        check(world, state)
        assert state.update(changes.old).root == world.state.root
        again = State.of(state.items())
        assert list(again.entries_from(b"c/")) == list(state.entries_from(b"c/"))
        world.seal()
