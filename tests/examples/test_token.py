"""A token and its contract: what the contract may do, and what holders do without it."""

from collections.abc import Callable
from functools import wraps

from chaosnet.base.units import MOTES_PER_COS
from chaosnet.model.contract_actions import ApproveToken, BurnToken, IssueToken, SendToken
from tests.examples.twins import Twins, deployed
from tests.machines import on_big_stack

SUPPLY = 1_000_000
MOST = 1_500_000
COS = MOTES_PER_COS


class Issued:
    def __init__(self) -> None:
        self.twins = Twins()
        self.contract = deployed(self.twins, "token", "GOLD", 2, SUPPLY, MOST)
        self.id = str(self.twins.query(self.contract, "token"))
        self.raw = bytes.fromhex(self.id)
        self.call, self.act = self.twins.call, self.twins.act

    def held(self, who: str) -> int:
        amounts = {chain.balance(who, self.id) for chain in self.twins.chains.values()}
        assert len(amounts) == 1
        return amounts.pop()

    def text(self, name: str) -> str:
        return self.twins.one.accounts[name].text

    def address(self, name: str) -> bytes:
        return self.twins.one.accounts[name].address

    def supply(self) -> int:
        info = self.twins.query(self.contract, "info")
        assert isinstance(info, dict)
        assert isinstance(info["supply"], int)
        return info["supply"]


def in_both_languages(function: Callable[[Issued], None]) -> Callable[[], None]:
    @wraps(function)
    def test() -> None:
        def run() -> None:
            issued = Issued()
            function(issued)
            issued.twins.check_stored_alike()

        on_big_stack(run)

    del test.__wrapped__
    return test


@in_both_languages
def test_birth_gives_the_supply_to_the_owner(gold: Issued) -> None:
    info = gold.twins.query(gold.contract, "info")
    assert isinstance(info, dict)
    assert gold.held("alice") == SUPPLY
    assert {info[right] for right in ("freeze", "pause", "clawback")} == {None}
    assert (info["issue"], info["issuer"], info["max"]) == (gold.contract, gold.contract, MOST)
    assert gold.twins.deploy("token", "COS", 2, 1, 1).code == "bad_args"
    assert gold.twins.deploy("token", "GOLD", 19, 1, 1).code == "bad_args"
    assert gold.twins.deploy("token", "GOLD", 2, 2, 1).code == "supply"


@in_both_languages
def test_holders_send_approve_and_burn_without_the_contract(gold: Issued) -> None:
    assert gold.act(SendToken(gold.raw, b"", gold.address("bob"), 100, COS)).is_ok
    height = gold.twins.one.height
    allow = ApproveToken(gold.raw, gold.address("carol"), 0, 60, height + 3, COS)
    assert gold.act(allow, sender="bob").is_ok
    assert gold.act(allow, sender="bob").code == "changed"
    take = SendToken(gold.raw, gold.address("bob"), gold.address("carol"), 40, COS)
    assert gold.act(take, sender="carol").is_ok
    assert gold.act(take, sender="carol").code == "not_enough"
    assert (gold.held("bob"), gold.held("carol")) == (60, 40)
    assert gold.act(BurnToken(gold.raw, 10), sender="carol").is_ok
    assert gold.supply() == SUPPLY - 10


@in_both_languages
def test_an_allowance_ends_at_its_height(gold: Issued) -> None:
    allow = ApproveToken(gold.raw, gold.address("carol"), 0, 60, gold.twins.one.height + 3, COS)
    take = SendToken(gold.raw, gold.address("alice"), gold.address("carol"), 1, COS)
    assert gold.act(allow).is_ok
    assert gold.act(take, sender="carol").is_ok
    gold.twins.advance(5)
    assert gold.act(take, sender="carol").code == "not_enough"


@in_both_languages
def test_only_the_owner_issues_and_never_over_the_most(gold: Issued) -> None:
    bob = gold.text("bob")
    assert gold.call(gold.contract, "issue", bob, 5, sender="bob").text == "only the owner may do this"
    assert gold.call(gold.contract, "issue", bob, MOST - SUPPLY).is_ok
    assert gold.call(gold.contract, "issue", bob, 1).code == "supply"
    assert gold.act(IssueToken(gold.raw, gold.address("bob"), 1, COS)).code == "not_holder"
    assert gold.supply() == MOST


@in_both_languages
def test_burning_takes_exactly_what_was_sent(gold: Issued) -> None:
    done = gold.call(gold.contract, "burn", sent={gold.id: 30})
    assert (done.value, [event.name for event in done.events]) == (30, ["Burned"])
    assert (gold.supply(), gold.held("alice"), gold.held(gold.contract)) == (SUPPLY - 30, SUPPLY - 30, 0)
    assert gold.call(gold.contract, "burn").text == "send some of the token"
    assert gold.call(gold.contract, "burn", sent={"COS": 5}).text == "send some of the token"
    mixed = gold.call(gold.contract, "burn", sent={"COS": 5, gold.id: 1})
    assert mixed.text == "send nothing but the token"


@in_both_languages
def test_the_treasury_pays_allows_and_collects(gold: Issued) -> None:
    gold.act(SendToken(gold.raw, b"", gold.twins.one.address_of(gold.contract), 500, COS))
    assert gold.call(gold.contract, "pay", gold.text("bob"), 200).is_ok
    assert gold.call(gold.contract, "pay", gold.text("bob"), 301).code == "not_enough"
    until = gold.twins.one.height + 10
    assert gold.call(gold.contract, "allow", gold.text("carol"), 0, 50, until).is_ok
    assert gold.call(gold.contract, "allow", gold.text("carol"), 0, 70, until).code == "changed"
    treasury = gold.twins.one.address_of(gold.contract)
    assert gold.act(SendToken(gold.raw, treasury, gold.address("dave"), 50, COS), sender="carol").is_ok
    assert gold.act(ApproveToken(gold.raw, treasury, 0, 20, until, COS), sender="bob").is_ok
    assert gold.call(gold.contract, "collect", gold.text("bob"), 20).is_ok
    assert [gold.held(who) for who in ("bob", "dave", gold.contract)] == [180, 50, 270]
    for method, *args in (
        ("pay", gold.text("bob"), 1),
        ("allow", gold.text("bob"), 0, 1, until),
        ("collect", gold.text("bob"), 1),
        ("close",),
        ("hand_on", gold.text("bob")),
    ):
        assert gold.call(gold.contract, method, *args, sender="erin").text == "only the owner may do this"


@in_both_languages
def test_a_closed_token_never_grows_again(gold: Issued) -> None:
    assert [event.name for event in gold.call(gold.contract, "close").events] == ["Closed"]
    assert gold.call(gold.contract, "issue", gold.text("bob"), 1).code == "not_holder"
    assert gold.call(gold.contract, "close").code == "not_holder"


@in_both_languages
def test_another_owner_takes_over(gold: Issued) -> None:
    assert gold.call(gold.contract, "hand_on", gold.text("bob")).is_ok
    assert gold.call(gold.contract, "issue", gold.text("bob"), 1).code == "reverted"
    assert gold.call(gold.contract, "issue", gold.text("bob"), 1, sender="bob").is_ok
