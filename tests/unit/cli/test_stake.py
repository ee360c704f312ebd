"""Staking in one step: each command makes its one action, and says what became of it."""

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.base.units import MOTES_PER_COS
from chaosnet.cli.stake import check_free
from chaosnet.crypto.addresses import format_address
from chaosnet.model.transaction import (
    Action,
    Delegate,
    Redelegate,
    Undelegate,
    Unjail,
    Withdraw,
    decode_transaction,
)
from chaosnet.rpc.schema import Delegation, DelegationList, UnbondingPart
from tests.making import Person
from tests.unit.cli.conftest import ANNA, Cli, NodeOfOne

BERT, CARL = Person("bert"), Person("carl")
TO_BERT, TO_CARL = (format_address("cos", person.address) for person in (BERT, CARL))
[ANNA_SEED] = ANNA.seeds.values()

COMMANDS: list[tuple[list[str], Action, str]] = [
    (["delegate", TO_BERT, "2.5"], Delegate(BERT.address, 5 * MOTES_PER_COS // 2), "not_a_candidate"),
    (["undelegate", TO_BERT, "1"], Undelegate(BERT.address, MOTES_PER_COS), "not_a_candidate"),
    (
        ["redelegate", TO_BERT, TO_CARL, "1"],
        Redelegate(BERT.address, CARL.address, MOTES_PER_COS),
        "not_a_candidate",
    ),
    (["withdraw", TO_BERT], Withdraw(BERT.address), "not_a_candidate"),
    (["unjail"], Unjail(), "not_a_candidate"),
]


@pytest.fixture
def anna(cli: Cli) -> Cli:
    """Anna has the key of the rich account."""
    cli.add_key("anna", ANNA_SEED)
    return cli


@pytest.mark.parametrize(("command", "action", "code"), COMMANDS, ids=lambda value: str(value)[:12])
def test_a_command_sends_its_action(
    anna: Cli, node: NodeOfOne, command: list[str], action: Action, code: str
) -> None:
    sent = anna("stake", *command, "--from", "anna", "--json", code=1).json
    assert decode_transaction(bytes.fromhex(sent["raw"])).body.actions == (action,)
    assert sent["code"] == code, "nobody stands for election here: it fails on the chain, and says so"


def test_amounts_and_addresses_are_checked_before_anything_is_sent(anna: Cli, node: NodeOfOne) -> None:
    assert anna("stake", "delegate", TO_BERT, "0", "--from", "anna", "--json", code=2).problem
    assert anna("stake", "delegate", "nobody", "1", "--from", "anna", "--json", code=2).problem
    assert node.chain.height == 0


def test_who_withdraws_too_early_is_told_the_height_and_pays_no_fee() -> None:
    def found(height: int) -> DelegationList:
        parts = [UnbondingPart(amount="150000000", free_height=90), UnbondingPart(amount="1", free_height=80)]
        bond = Delegation(operator=TO_BERT, name="", bonded="0", unbonding=parts)
        return DelegationList(
            address=TO_CARL, height=height, bonded="0", unbonding="150000001", delegations=[bond]
        )

    with pytest.raises(Invalid, match=r"0\.00000001 COS are free from height 80 on.* at 78") as refused:
        check_free(found(78), TO_BERT)
    assert refused.value.code == "not_matured"
    check_free(found(79), TO_BERT)  # the next block is 80
    check_free(found(78), TO_CARL)
