"""Deployment, what a transaction pays, and actions of accounts on tokens."""

from dataclasses import replace
from typing import Any

import pytest

from chaosnet.base.errors import Broken, InvalidTransaction
from chaosnet.base.units import EMPTY_HASH
from chaosnet.contracts import ops, values
from chaosnet.contracts.machine import METHOD_INIT
from chaosnet.contracts.values import encode
from chaosnet.ledger.apply import apply_block, execute_transaction
from chaosnet.ledger.contracts.actions import ContractRun, query_contract
from chaosnet.ledger.contracts.records import find_contract, source_hash_of, source_of
from chaosnet.ledger.contracts.tokens import read_holding
from chaosnet.ledger.keys import source_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.contract_actions import (
    ApproveToken,
    BurnToken,
    Call,
    ChangeToken,
    ConvertToken,
    Deploy,
    IssueToken,
    SendToken,
)
from chaosnet.model.receipt import events_root_of, return_hash_of
from chaosnet.model.transaction import SetPolicy, Transfer
from tests.fake_machine import (
    ADA,
    BOB,
    EVE,
    FUNDS,
    Api,
    Bench,
    FakeContract,
    FakeMachine,
    Revert,
)
from tests.making import body_of, signed_by


def start(api: Api, n: int) -> None:
    if n < 0:
        raise Revert("too few")
    api.set(["count"], n)
    api.emit("Began", n)


COUNTER = FakeContract(
    {"init": start, "count": lambda api: api.get("count"), "boom": lambda _: 1 // 0},
    {
        "init": {"args": ["n int"], "kind": "payable"},
        "events": {"Began": ["n int"]},
        "methods": {"count": {"kind": "view"}, "boom": {"kind": "write"}},
    },
)
PLAIN = FakeContract({"nothing": lambda _: None})
BROKEN = FakeContract({"a": lambda _: None}, {"surprise": 1})
EMPTY_ARGS = b"\x90"


@pytest.fixture
def bench() -> Bench:
    return Bench(FakeMachine(counter=COUNTER, plain=PLAIN, broken=BROKEN))


def deploy(name: str, *args: Any, sent: int = 0, deposit_max: int = 10**10) -> Deploy:
    return Deploy("lua/1", name.encode(), encode(list(args)), sent, deposit_max)


def test_a_deployment_stores_record_and_source_and_runs_init(bench: Bench) -> None:
    receipt, outcome = bench.run(ADA, deploy("counter", 7, sent=500))
    assert receipt.code == "ok"
    text = values.decode(outcome.returns[0])
    assert isinstance(text, str)
    address = outcome.events[0].contract
    assert text == bench.text(address)
    contract = find_contract(bench.overlay.get, address)
    assert contract is not None
    record = contract.record
    assert (record.creator, record.height, record.engine) == (ADA.address, 1, "lua/1")
    assert source_of(bench.overlay, record) == b"counter"
    assert contract.interface.name == "counter"
    assert record.load_fuel == 80_000
    assert bench.value(address, "count") == 7
    assert bench.cos(address) == 500
    assert receipt.return_hash == return_hash_of("ok", outcome) != EMPTY_HASH
    assert receipt.events_root == events_root_of(outcome.events) != EMPTY_HASH
    assert bench.code(address, METHOD_INIT, 9) == "no_method"


def test_the_same_source_is_stored_once(bench: Bench) -> None:
    before = bench.deposits()
    bench.deploy("counter", 1)
    first = bench.deposits() - before
    bench.deploy("counter", 1)
    second = bench.deposits() - before - first
    key = source_key(source_hash_of(b"counter"))
    assert first - second == (len(key) + len(b"counter") + 512) * 1_000


@pytest.mark.parametrize(
    "action, code",
    [
        (deploy("unknown"), "script_error"),
        (deploy("broken"), "bad_interface"),
        (deploy("counter"), "bad_args"),
        (deploy("counter", -1), "reverted"),
        (deploy("plain", 1), "bad_args"),
        (deploy("plain", sent=1), "bad_args"),
        (deploy("counter", 1, deposit_max=10**5), "deposit"),
    ],
)
def test_a_failed_deployment_leaves_nothing(bench: Bench, action: Deploy, code: str) -> None:
    before = bench.overlay.changes().new
    receipt, outcome = bench.run(ADA, action)
    assert (receipt.code, outcome.failed_at, outcome.returns) == (code, 0, ())
    changed = {key for key, value in bench.overlay.changes().new.items() if before.get(key) != value}
    assert len(changed) == 2, "sender and proposer"
    assert receipt.return_hash == return_hash_of(code, outcome)
    assert (receipt.return_hash != EMPTY_HASH) == (code == "reverted")


def test_deployers_may_be_limited_to_members() -> None:
    bench = Bench(FakeMachine(plain=PLAIN), deploy_members_only=1)
    assert bench.run(ADA, deploy("plain"))[0].code == "permission"
    member = Bench(FakeMachine(plain=PLAIN), validators=[ADA], deploy_members_only=1)
    assert member.run(ADA, deploy("plain"))[0].code == "ok"


def test_without_a_machine_it_is_refused(bench: Bench) -> None:
    ctx = replace_machine(bench)
    signed = signed_by(ADA, body_of(bench.genesis, ADA, 0, deploy("plain"), gas_limit=5_000_000))
    with pytest.raises(InvalidTransaction, match="no_contracts"):
        apply_one(bench, signed, ctx)


def replace_machine(bench: Bench) -> Any:
    return replace(bench.ctx, machine=None)


def apply_one(bench: Bench, signed: Any, ctx: Any) -> Any:
    return execute_transaction(Overlay(bench.state), signed, ctx)[0]


def test_actions_are_all_or_none_and_gas_is_counted_over_all(bench: Bench) -> None:
    counter = bench.deploy("counter", 5)
    call = Call(counter, "count", EMPTY_ARGS, (), 0)
    one = bench.run(ADA, call)[0].gas
    receipt, outcome = bench.run(ADA, call, Transfer(BOB.address, 5), call)
    assert receipt.code == "ok"
    assert outcome.returns == (b"\x05", b"\x05")
    gas = bench.ctx.rules.gas
    extra_bytes = max(0, receipt.gas - 2 * one + gas.tx_base + gas.per_signature - gas.transfer)
    assert extra_bytes < 3_000, "each action once, the transaction's own price once"
    bob = bench.cos(BOB.address)
    receipt, outcome = bench.run(ADA, Transfer(BOB.address, 5), Call(counter, "no", EMPTY_ARGS, (), 0))
    assert (receipt.code, outcome.failed_at) == ("no_method", 1)
    assert bench.cos(BOB.address) == bob
    receipt, outcome = bench.run(ADA, call, SetPolicy(BOB.policy), Transfer(b"\x00" + bytes(32), 1))
    assert receipt.code == "ok"


def test_the_payer_of_the_fee_pays_for_contracts_too(bench: Bench) -> None:
    counter = bench.deploy("counter", 5)
    body = body_of(
        bench.genesis,
        EVE,
        0,
        Call(counter, "count", EMPTY_ARGS, (), 0),
        gas_limit=1_000_000,
        payer=BOB.address,
    )
    receipt, _ = execute_transaction(bench.overlay, signed_by(EVE, body, payer=BOB), bench.ctx)
    assert (bench.cos(EVE.address), bench.cos(BOB.address)) == (FUNDS, FUNDS - receipt.fee)


def test_a_block_holds_what_its_transactions_left(bench: Bench) -> None:
    txs = [
        signed_by(ADA, body_of(bench.genesis, ADA, 0, deploy("counter", 5), gas_limit=2_000_000)),
        signed_by(BOB, body_of(bench.genesis, BOB, 0, Transfer(EVE.address, 1))),
    ]
    applied = apply_block(bench.state, bench.ctx, txs)
    assert [receipt.code for receipt in applied.receipts] == ["ok", "ok"]
    assert [len(outcome.events) for outcome in applied.outcomes] == [1, 0]
    assert applied.gas_used == sum(receipt.gas for receipt in applied.receipts)
    assert applied.supply_delta == 0
    assert applied.state.update(applied.undo).root == bench.state.root


def test_a_query_answers_and_changes_nothing(bench: Bench) -> None:
    counter = bench.deploy("counter", 5)
    changes = bench.overlay.changes().new

    def ask(method: str, fuel: int = 10**7) -> Any:
        return query_contract(
            bench.overlay,
            bench.ctx,
            bench.machine,
            contract=counter,
            method=method,
            args=EMPTY_ARGS,
            caller=ADA.address,
            fuel=fuel,
        )

    assert (ask("count").code, ask("count").value) == ("ok", b"\x05")
    assert ask("nothing").code == "no_method"
    assert ask("count", 100).code == "out_of_gas"
    assert bench.overlay.changes().new == changes


MINT = FakeContract(
    {"run": lambda api, options: api.op(ops.ISSUE, None, api.ctx()["caller"], 1_000, options)},
    {"permissions": {"issue": True}, "methods": {"run": {"kind": "write", "args": ["options map"]}}},
)


def test_accounts_use_tokens_without_a_contract(bench: Bench) -> None:
    bench.machine.contracts["mint"] = MINT
    mint = bench.deploy("mint")
    ada = bench.text(ADA.address)
    options = {"symbol": "TOK", "issue": ada, "pause": ada, "reserve": {"motes": 1, "tokens": 1}}
    token = bytes.fromhex(bench.value(mint, "run", options))

    def code(sender: Any, action: Any) -> str:
        return bench.run(sender, action, gas=200_000)[0].code

    def held(person: Any) -> int:
        return read_holding(bench.overlay, token, person.address)

    assert code(ADA, SendToken(token, b"", BOB.address, 100, 10**6)) == "ok"
    assert code(ADA, SendToken(token, b"", BOB.address, 901, 10**6)) == "not_enough"
    assert code(ADA, SendToken(token, b"", EVE.address, 1, 0)) == "deposit"
    assert code(BOB, ApproveToken(token, EVE.address, 0, 50, 9, 10**6)) == "ok"
    assert code(EVE, SendToken(token, BOB.address, EVE.address, 30, 10**6)) == "ok"
    assert code(EVE, SendToken(token, BOB.address, EVE.address, 30, 10**6)) == "not_enough"
    assert code(BOB, BurnToken(token, 20)) == "ok"
    assert code(BOB, IssueToken(token, BOB.address, 5, 10**6)) == "not_holder"
    assert code(ADA, IssueToken(token, BOB.address, 5, 10**6)) == "ok"
    assert code(EVE, ConvertToken(token, 40, 40, 9, 10**6, False)) == "ok"
    assert code(EVE, ConvertToken(token, 10, 10, 9, 10**6, True)) == "ok"
    assert [held(person) for person in (ADA, BOB, EVE)] == [900, 55, 60]
    assert code(ADA, ChangeToken(token, "pause", "", b"", b"", 0, 0)) == "ok"
    assert code(BOB, SendToken(token, b"", ADA.address, 1, 10**6)) == "frozen"


def test_a_fault_outside_the_guest_is_no_receipt(bench: Bench) -> None:
    counter = bench.deploy("counter", 1)
    with pytest.raises(ZeroDivisionError):
        bench.call(counter, "boom")
    run = ContractRun(
        bench.overlay,
        signed_by(ADA, body_of(bench.genesis, ADA, 9, deploy("plain"))),
        replace_machine(bench),
        9,
    )
    with pytest.raises(Broken):
        run.apply(0, deploy("plain"))
