"""Who makes the blocks and whose coins stand behind them, on a terminal."""

import msgspec
import pytest

from chaosnet.cli import validators
from tests.fake_backend import ABSENT, PRESENT
from tests.fake_staking import COS, delegation_list, operator_of, validator_list
from tests.unit.cli.conftest import Cli, NodeOfOne


def line_of(text: str, name: str) -> str:
    [line] = [line for line in text.splitlines() if line.startswith(name)]
    return line


def test_validators_are_listed_with_what_is_wrong_with_them(cli: Cli, node: NodeOfOne) -> None:
    shown = cli("validators").out
    assert "dpos, at block 106" in shown
    assert "4, blocks 101 to 125" in shown
    assert line_of(shown, "turn").endswith("gamma")
    assert "this node" in line_of(shown, "alpha")
    assert "25.00 %" in line_of(shown, "alpha")
    assert "4000000.00000000 COS" in line_of(shown, "alpha")
    delta = line_of(shown, "delta")
    assert "silent" in delta
    assert " 7 " in delta
    assert "candidate" in line_of(shown, "epsilon")
    stranger = line_of(shown, "cos1")
    assert "jailed until block 1200" in stranger
    assert operator_of("a stranger") in stranger


def test_validators_come_in_pages_and_as_json(cli: Cli, node: NodeOfOne) -> None:
    page = cli("validators", "--from", 1, "-n", 2, "--json").json
    assert [v["name"] for v in page["validators"]] == ["beta", "gamma"]
    assert page["next"] == 3
    assert "more: --from 3" in cli("validators", "--from", 1, "-n", 2).err
    assert "none at this position" in cli("validators", "--from", 99).err
    assert cli("validators", "--json").json == msgspec.to_builtins(validator_list())


@pytest.mark.parametrize("option", [("-n", 0), ("-n", 1201), ("--from", -1)])
def test_a_page_that_cannot_be_is_wrong_usage(cli: Cli, option: tuple[str, int]) -> None:
    cli("validators", *option, code=2)


def test_without_a_node_there_is_no_answer(cli: Cli) -> None:
    for command in (("validators",), ("tree",), ("delegations", PRESENT)):
        assert cli(*command, "--node", "http://127.0.0.1:9", "--json", code=3).problem == "connection"


def test_delegations_say_what_is_free_and_when(cli: Cli, node: NodeOfOne) -> None:
    shown = cli("delegations", PRESENT).out
    assert line_of(shown, "bonded").endswith("1500.00000000 COS")
    assert line_of(shown, "unbonding").endswith("300.00000000 COS")
    assert "1000.00000000 COS" in line_of(shown, "alpha")
    first = line_of(shown, operator_of("a stranger")[:16])
    assert "100.00000000 COS" in first
    assert "now" in first
    assert "from block 2000" in shown
    assert cli("delegations", PRESENT, "--json").json == msgspec.to_builtins(delegation_list(PRESENT))


def test_who_has_nothing_bonded_is_told_so(cli: Cli, node: NodeOfOne) -> None:
    shown = cli("delegations", ABSENT).out
    assert line_of(shown, "bonded").endswith(" 0.00000000 COS")
    assert "candidate" not in shown
    assert cli("delegations", "cos1nonsense", "--json", code=2).problem == "bad_address"


def test_each_amount_on_its_way_out_has_a_line() -> None:
    stranger = delegation_list(PRESENT).delegations[1]
    rows = validators._rows(stranger, 106)
    assert [row[2] for row in rows] == ["100.00000000 COS", "200.00000000 COS"]
    assert [row[1] for row in rows] == [f"{500 * COS // COS}.00000000 COS", ""]
