"""One key in two places, and sign states that come back old: with the fence nothing is signed twice."""

from pathlib import Path

import pytest

from chaosnet.consensus.fence import Fence
from chaosnet.kernel import fencing
from chaosnet.sim.scenario import load_scenario
from chaosnet.sim.world import World, run_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def test_the_second_place_of_a_key_stops() -> None:
    world = World(load_scenario(SCENARIOS / "fence_copied.toml"), 1)
    assert not world.run().violations
    assert [host.node.halted for host in world.hosts if host.node] == ["", "", "", "", "fenced"]


@pytest.mark.parametrize("name", ["fence_copied", "fence_old_backup"])
def test_without_the_fence_it_would_sign_twice(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fence, "is_foreign", lambda *_, **__: False)
    monkeypatch.setattr(fencing, "may_sign", lambda *_: True)
    spec = load_scenario(SCENARIOS / f"{name}.toml")
    found = {v.code for seed in range(1, 8) for v in run_scenario(spec, seed).violations}
    assert found & {"double_sign", "accused"}
