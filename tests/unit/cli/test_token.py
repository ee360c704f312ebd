"""Tokens moved, approved, burned, ruled and changed for COS: as a person does it, on a real chain."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.cli.token import token_amount, token_text
from tests.making import Person
from tests.unit.cli.conftest import ANNA, Cli
from tests.unit.cli.contract_node import ContractNode, contract_node

BELLA = Person("bella")
LUA = """
contract{ api=1, name="Mint", permissions={issue=true}, storage={id="value text"},
  init={run=function()
    store.id:set(token.create(ctx.caller, 100000, map{symbol="GOLD", decimals=2, max=200000, issue=ctx.caller,
      freeze=ctx.caller, pause=ctx.caller, clawback=ctx.caller,
      reserve=map{motes=100, tokens=1, withdraw=ctx.caller}}))
  end},
  methods={id={kind="view", returns="text", run=function() return store.id:get() end}} }
"""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContractNode]:
    with contract_node(tmp_path / "chain", monkeypatch) as made:
        yield made


class Gold:
    """A token of anna's, who holds all rights, and bella, who has some coins."""

    def __init__(self, cli: Cli, directory: Path) -> None:
        self.anna, self.bella = cli, cli.as_of("bella")
        self.a, self.b = self.anna.add_key("anna", _seed(ANNA)), self.bella.add_key("bella", _seed(BELLA))
        self.anna("tx", "send", "--from", "anna", "--to", self.b, "--amount", "5")
        file = directory / "mint.lua"
        file.write_text(LUA)
        made = self.anna("contract", "deploy", file, "--from", "anna", "--yes", "--json").json
        self.id = self.anna("contract", "query", made["contract"], "id", "--json").json["value"]

    def do(self, verb: str, *args: object, who: str = "anna", code: int = 0) -> str:
        cli = self.anna if who == "anna" else self.bella
        done = cli("token", verb, self.id, *args, "--from", who, "--json", code=code)
        return str(done.json["code"]) if not code else done.problem

    def held(self) -> tuple[str, str]:
        shown = self.anna("token", "show", self.id).out
        lines = [line.replace(",", "").split() for line in shown.splitlines() if line.startswith("held")]
        amounts = {line[1]: line[2] for line in lines}
        return amounts.get(self.a, "0.00"), amounts.get(self.b, "0.00")


def _seed(person: Person) -> bytes:
    [seed] = person.seeds.values()
    return seed


@pytest.fixture
def gold(node: ContractNode, cli: Cli, tmp_path: Path) -> Gold:
    return Gold(cli, tmp_path)


def test_tokens_move_and_vanish(gold: Gold) -> None:
    assert gold.do("send", "--to", gold.b, "--amount", "12.5") == "ok"
    assert gold.held() == ("987.50", "12.50")
    assert gold.do("burn", "--amount", "0.5", who="bella") == "ok"
    assert gold.do("issue", "--to", gold.b, "--amount", "3") == "ok"
    assert gold.held() == ("987.50", "15.00")
    assert gold.do("burn", "--amount", "15.01", who="bella", code=1) == "not_enough"
    assert gold.do("issue", "--to", gold.b, "--amount", "1", who="bella", code=1) == "not_holder"


def test_an_owner_lets_another_take(gold: Gold) -> None:
    assert gold.do("approve", "--spender", gold.b, "--amount", "10") == "ok"
    assert gold.do("approve", "--spender", gold.b, "--amount", "20", code=1) == "changed"
    take = ("send", "--owner", gold.a, "--to", gold.b, "--amount", "4")
    assert gold.do(*take, who="bella") == "ok"
    assert gold.do("approve", "--spender", gold.b, "--amount", "0", "--expected", "6") == "ok"
    assert gold.do(*take, who="bella", code=1) == "not_enough"


def test_rights_are_used_and_renounced(gold: Gold) -> None:
    gold.do("send", "--to", gold.b, "--amount", "10")
    assert gold.do("change", "freeze", "--subject", gold.b) == "ok"
    assert gold.do("burn", "--amount", "1", who="bella", code=1) == "frozen"
    clawback = ("change", "clawback", "--subject", gold.b, "--to", gold.a, "--amount", "2.5")
    assert gold.do(*clawback) == "ok"
    assert gold.held() == ("992.50", "7.50")
    assert ", frozen" in gold.anna("token", "show", gold.id).out
    assert gold.do("change", "pause") == "ok"
    assert "paused" in gold.anna("token", "show", gold.id).out
    assert gold.do("change", "renounce", "--right", "clawback") == "ok"
    assert gold.do(*clawback, code=1) == "not_holder"
    done = gold.anna("token", "change", gold.id, "melt", "--from", "anna", "--json", code=2)
    assert done.problem == "bad_argument"


def test_coins_change_into_tokens_and_back(gold: Gold) -> None:
    assert gold.do("convert", "--amount", "0.001", "--least", "10", who="bella") == "ok"
    assert gold.held()[1] == "10.00"
    assert gold.do("convert", "--amount", "0.001", "--least", "10.01", who="bella", code=1) == "too_little"
    assert gold.do("convert", "--back", "--amount", "5", "--least", "0.0005", who="bella") == "ok"
    assert gold.do("change", "fund", "--amount", "1", who="bella") == "ok"
    assert gold.do("change", "withdraw", "--to", gold.a, "--amount", "1") == "ok"
    assert "0.00050000 COS: 100 motes for 1" in gold.anna("token", "show", gold.id).out


def test_tokens_are_listed(gold: Gold) -> None:
    assert gold.anna("token", "list").out.split() == ["GOLD", gold.id]
    assert gold.anna("token", "list", gold.a).out.split() == ["GOLD", "1000.00", gold.id]
    assert gold.anna("token", "list", "--json").json["tokens"][0]["id"] == gold.id
    assert gold.anna("token", "list", gold.a, "--json").json["holdings"][0]["amount"] == "100000"
    assert gold.anna("token", "show", gold.id, "--json").json["symbol"] == "GOLD"
    assert gold.anna("token", "show", "00" * 32, "--json", code=1).problem == "no_token"
    assert gold.anna("token", "show", "GOLD", "--json", code=2).problem == "bad_argument"


def test_what_would_fail_is_not_sent(gold: Gold) -> None:
    before = gold.anna("account", gold.a, "--json").json["nonce"]
    assert gold.do("burn", "--amount", "1000.01", code=1) == "not_enough"
    assert gold.anna("account", gold.a, "--json").json["nonce"] == before


@pytest.mark.parametrize(
    ("text", "decimals", "amount"),
    [("12.5", 2, 1250), ("7", 0, 7), ("0.01", 2, 1), ("1_000", 1, 10_000), ("0", 3, 0)],
)
def test_amounts_have_the_token_s_decimals(text: str, decimals: int, amount: int) -> None:
    assert token_amount(text, decimals) == amount


@pytest.mark.parametrize(
    "text", ["", ".5", "5.", "-1", "1e3", "0.001", "1.2.3", "9" * 40, "92233720368547758.08", "٣"]
)
def test_amounts_that_are_none(text: str) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        token_amount(text, 2)


def test_amounts_are_shown_with_all_decimals() -> None:
    assert [token_text(5, 0), token_text(5, 2), token_text(12_345, 3)] == ["5", "0.05", "12.345"]
