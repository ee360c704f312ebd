from pathlib import Path

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.sim.scenario import Fault, Random, load_regressions, load_scenario, parse_scenario

TEXT = """
name = "two"
about = "two nodes, one dies"
nodes = 2

[load]
per_minute = 30

[[faults]]
kind = "crash"
at_ms = 1_000
nodes = [1]

[[random]]
kind = "reset"
every_ms = 500
"""


def test_a_scenario_is_read() -> None:
    spec = parse_scenario(TEXT)
    assert (spec.name, spec.nodes, spec.load.per_minute) == ("two", 2, 30)
    assert spec.faults == (Fault(kind="crash", at_ms=1_000, nodes=(1,)),)
    assert spec.random == (Random(kind="reset", every_ms=500),)
    assert spec.kinds() == ["crash", "reset"]


@pytest.mark.parametrize(
    "text",
    ["nodes = 4", TEXT + "sevrity = 3", TEXT.replace("= 2", '= "two"'), "name = ", TEXT + "[links]\nx=1"],
)
def test_a_mistake_is_told(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_scenario(text)
    assert caught.value.code == "bad_config"


def test_a_file_is_named_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    with pytest.raises(Invalid, match="bad.toml"):
        load_scenario(path)
    path.write_text("name = 3")
    with pytest.raises(Invalid, match="bad.toml"):
        load_scenario(path)


def test_regressions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "regressions.toml"
    path.write_text('[[regression]]\nscenario = "calm"\nseed = 7\nnote = "why"\n')
    (regression,) = load_regressions(path)
    assert (regression.scenario, regression.seed, regression.note) == ("calm", 7, "why")
