"""What a devnet is made of, for each engine."""

from pathlib import Path

import pytest

from chaosnet.base.errors import ChaosError
from chaosnet.daemon.devnet_plan import format_schedule, load_plan, make_plan, parse_schedule
from chaosnet.daemon.process import load_genesis
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.members import next_validators
from chaosnet.model.genesis import ENGINES_KNOWN, EngineFrom, engine_at


@pytest.mark.parametrize("text", [*ENGINES_KNOWN, "pow:20,pos", "pbft:5,pow:9,dpos:30,dbft"])
def test_a_schedule_is_read_and_written(text: str) -> None:
    assert format_schedule(parse_schedule(text)) == text


def test_each_engine_rules_up_to_its_height() -> None:
    assert parse_schedule("pow:20,pos") == (EngineFrom(1, "pow"), EngineFrom(21, "pos"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "raft",
        "pow:20",
        "pow,pos",
        "pow:x,pos",
        "pow:20,pow",
        "pow:0,pos",
        "pow:20,pos:10,pbft",
        "pow:٣,pos",
    ],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ChaosError) as error:
        parse_schedule(text)
    assert error.value.code in ("bad_argument", "engine_unknown")


@pytest.mark.parametrize("schedule", [*ENGINES_KNOWN, "pow:20,pos"])
def test_a_devnet_of_any_engine_has_a_good_genesis(tmp_path: Path, schedule: str) -> None:
    plan = make_plan(
        tmp_path / "net", nodes=2, base_port=30_000, explorer_port=30_010, schedule=parse_schedule(schedule)
    )
    assert load_plan(tmp_path / "net") == plan
    assert plan.schedule == schedule
    genesis = load_genesis(tmp_path / "net" / "genesis.json")
    validators = next_validators(genesis_state(genesis)).validators
    assert [v.operator for v in validators] == [m.operator for m in genesis.members]
    assert all(member.vrf_key for member in genesis.members)
    has_stake = engine_at(genesis, 1) == "pos"
    assert all((v.weight > 1) is has_stake for v in validators)
