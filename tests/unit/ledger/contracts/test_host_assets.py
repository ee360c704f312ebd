"""Contracts that hold, move and issue assets, within their permissions."""

from typing import Any

import pytest

from chaosnet.contracts import ops
from chaosnet.contracts.values import Value
from chaosnet.model.contract_actions import ChangeToken, SendToken
from tests.fake_machine import ADA, BOB, Api, Bench, FakeContract, FakeMachine


def run_all(api: Api, steps: list[Any]) -> list[Any]:
    return [api.op(number, *given) for number, given in steps]


def bank(**permissions: Value) -> FakeContract:
    return FakeContract(
        {"run": run_all},
        {
            "permissions": permissions,
            "methods": {"run": {"kind": "payable", "args": ["steps list"], "returns": "list"}},
        },
    )


OPTIONS = {"symbol": "TOK", "decimals": 2}


class Bank(Bench):
    def __init__(self) -> None:
        super().__init__(
            FakeMachine(
                bank=bank(transfer=["COS", "own"], issue=True, call="any"),
                poor=bank(),
                taker=bank(transfer="any", call="any"),
            )
        )
        self.bank, self.poor, self.taker = (self.deploy(name) for name in ("bank", "poor", "taker"))
        self.ada, self.bob = self.text(ADA.address), self.text(BOB.address)

    def do(self, *steps: tuple[int, list[Any]], at: bytes = b"", **how: Any) -> Any:
        return self.value(at or self.bank, "run", [list(step) for step in steps], **how)

    def fails(self, *steps: tuple[int, list[Any]], at: bytes = b"", **how: Any) -> str:
        return self.code(at or self.bank, "run", [list(step) for step in steps], gas=500_000, **how)

    def token(self, **options: Any) -> str:
        token = self.do((ops.ISSUE, [None, self.text(self.bank), 1_000, OPTIONS | options]))[0]
        assert isinstance(token, str)
        return token

    def held(self, token: str, *addresses: bytes) -> list[int]:
        return self.do(*((ops.BALANCE, [self.text(address), token]) for address in addresses))  # type: ignore[no-any-return]


@pytest.fixture
def b() -> Bank:
    return Bank()


def test_coins_leave_with_permission_only(b: Bank) -> None:
    for at in (b.bank, b.poor):
        b.do(at=at, sent=((b"", 100),))
    b.do((ops.TRANSFER, [b.bob, "COS", 60]))
    assert b.do((ops.BALANCE, [b.text(b.bank), "COS"])) == [40]
    assert b.fails((ops.TRANSFER, [b.bob, "COS", 60])) == "not_enough"
    assert b.fails((ops.TRANSFER, [b.bob, "COS", 1]), at=b.poor) == "permission"
    for bad in ([b.bob, "COS", 0], [b.bob, "cos", 1], ["cos1", "COS", 1], [b.bob, "COS", -1]):
        assert b.fails((ops.TRANSFER, bad)) == "bad_args"


def test_a_contract_issues_tokens_and_sends_its_own(b: Bank) -> None:
    first, second = b.token(), b.token()
    assert first != second
    assert len(first) == 64
    twins = b.do(*((ops.ISSUE, [None, b.ada, 0, OPTIONS]) for _ in range(2)))
    assert len({first, second, *twins}) == 4, "also within one action"
    b.do((ops.TRANSFER, [b.bob, first, 400]))
    assert b.held(first, b.bank, BOB.address) == [600, 400]
    assert b.do((ops.TOKEN, [first]))[0]["supply"] == 1_000
    assert b.do((ops.TOKEN, ["00" * 32])) == [None]
    assert b.fails((ops.ISSUE, [None, b.ada, 1, OPTIONS]), at=b.poor) == "permission"
    assert b.fails((ops.ISSUE, [first, b.ada, 1, None])) == "not_holder", "nobody was named at birth"
    assert b.fails((ops.ISSUE, [None, b.ada, 1, None])) == "bad_args"
    assert b.fails((ops.ISSUE, [None, b.ada, 1, OPTIONS | {"symbol": "cos"}])) == "bad_args"


def test_a_named_holder_issues_more(b: Bank) -> None:
    token = b.token(issue=b.text(b.bank), max=1_500)
    b.do((ops.ISSUE, [token, b.bob, 500, None]))
    assert b.fails((ops.ISSUE, [token, b.bob, 1, None])) == "supply"
    b.do((ops.BURN, [token, 300]))
    assert b.held(token, b.bank, BOB.address) == [700, 500]


def test_tokens_of_others_need_a_permission_that_names_them(b: Bank) -> None:
    token = b.token()
    b.do((ops.TRANSFER, [b.text(b.taker), token, 10]), (ops.TRANSFER, [b.text(b.poor), token, 10]))
    b.do((ops.TRANSFER, [b.ada, token, 10]), at=b.taker)
    assert b.fails((ops.TRANSFER, [b.ada, token, 10]), at=b.poor) == "permission"
    assert b.fails((ops.BURN, [token, 10]), at=b.poor) == "permission"


def test_allowances_between_contracts_and_accounts(b: Bank) -> None:
    token = b.token()
    b.do((ops.APPROVE, [token, b.text(b.taker), 0, 50, 9]))
    assert b.do((ops.ALLOWANCE, [token, b.text(b.bank), b.text(b.taker)])) == [50]
    b.do((ops.TRANSFER_FROM, [token, b.text(b.bank), b.bob, 20]), at=b.taker)
    assert b.held(token, b.bank, BOB.address) == [980, 20]
    assert b.fails((ops.TRANSFER_FROM, [token, b.text(b.bank), b.bob, 31]), at=b.taker) == "not_enough"
    b.do((ops.APPROVE, [token, b.ada, 0, 5, 9]))
    receipt, _ = b.run(ADA, SendToken(bytes.fromhex(token), b.bank, ADA.address, 5, 10**6))
    assert receipt.code == "ok"
    assert b.held(token, ADA.address) == [5]


def test_assets_go_along_with_a_call(b: Bank) -> None:
    token = b.token()
    taker = b.text(b.taker)
    step = [ops.BALANCE, [taker, token]]
    assert b.do((ops.TRANSFER_AND_CALL, [taker, token, 7, "run", [[step]]])) == [[7]]
    sent = {token: 3}
    assert b.do((ops.CALL, [taker, "run", [[step]], sent, None, False, False])) == [[10]]
    assert b.fails((ops.TRANSFER_AND_CALL, [taker, token, 7, "nothing", []])) == "no_method"
    assert b.fails((ops.TRANSFER_AND_CALL, [b.bob, token, 7, "run", []])) == "no_contract"
    assert b.fails((ops.CALL, [taker, "run", [[]], {"COS": 1}, None, True, False])) == "static"
    assert b.held(token, b.bank, b.taker) == [990, 10]


def test_rights_of_contracts_and_of_accounts(b: Bank) -> None:
    token = b.token(pause=b.text(b.bank), freeze=b.ada)
    b.do((ops.RIGHTS, [token, "pause", {}]))
    assert b.fails((ops.TRANSFER, [b.bob, token, 1])) == "frozen"
    b.do((ops.RIGHTS, [token, "unpause", {}]))
    b.do((ops.RIGHTS, [token, "hand_on", {"right": "pause", "to": b.bob}]))
    assert b.fails((ops.RIGHTS, [token, "pause", {}])) == "not_holder"
    assert b.fails((ops.RIGHTS, [token, "pause", {"why": 1}])) == "bad_args"
    assert b.fails((ops.RIGHTS, [token, "explode", {}])) == "bad_args"
    assert b.fails((ops.RIGHTS, [token, "pause", {}]), at=b.poor) == "permission"
    freeze = ChangeToken(bytes.fromhex(token), "freeze", "", b.bank, b"", 0, 10**6)
    assert b.run(ADA, freeze)[0].code == "ok"
    assert b.fails((ops.TRANSFER, [b.bob, token, 1])) == "frozen"


def test_conversion_by_contracts(b: Bank) -> None:
    token = b.token(reserve={"motes": 2, "tokens": 1})
    b.do((ops.CONVERT, ["COS", 100, token, 50, 9]), sent=((b"", 100),))
    assert b.held(token, b.bank) == [1_050]
    assert b.do((ops.CONVERT, [token, 20, "COS", 40, 9])) == [40]
    assert b.fails((ops.CONVERT, [token, 20, "COS", 41, 9])) == "too_little"
    assert b.fails((ops.CONVERT, [token, 20, token, 1, 9])) == "bad_args"
    assert b.fails((ops.CONVERT, ["COS", 20, token, 1, 9]), at=b.poor) == "permission"
    b.do((ops.RIGHTS, [token, "fund", {"amount": 10}]))
    assert b.do((ops.TOKEN, [token]))[0]["reserve"]["held"] == 70
