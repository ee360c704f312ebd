"""The gauges' values from a status."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from chaosnet.daemon.reading import reading_of
from chaosnet.ops.metrics import GAUGES
from chaosnet.rpc import schema


def status(**changes: Any) -> schema.Status:
    consensus = schema.ConsensusStatus(
        engine="pbft",
        finality="immediate",
        era=0,
        height=9,
        round=2,
        step="prevote",
        proposer="b",
        validators=4,
        needed=3,
        is_validator=True,
    )
    members = [
        schema.MemberStatus(
            name=name,
            operator=name,
            role=role,
            is_self=False,
            is_connected=True,
            is_silent=is_silent,
            last_heard_ms=None,
        )
        for name, role, is_silent in [
            ("a", "validator", True),
            ("b", "validator", False),
            ("o", "observer", True),
        ]
    ]
    fields: dict[str, Any] = {
        "name": "alpha",
        "software": "chaosnet/1",
        "chain_name": "c",
        "genesis": "00",
        "address_prefix": "cos",
        "node_id": "00",
        "rule": 1,
        "rules_known": [1],
        "height": 8,
        "tip": "00",
        "state_root": "00",
        "tip_time_ms": 1_500,
        "final_height": 7,
        "final_id": "00",
        "now_ms": 2_000,
        "started_ms": 250,
        "peers": 3,
        "clock_offset_ms": -40,
        "mempool_txs": 5,
        "mempool_bytes": 900,
        "best_height": 11,
        "trust": "genesis",
        "submit": "public",
        "consensus": consensus,
        "health": schema.Health(is_healthy=True, phase="running"),
        "members": members,
    }
    return schema.Status(**fields | changes)


def store(directory: Path) -> Any:
    return SimpleNamespace(size_bytes=lambda: 777, path=directory / "chain.db")


def test_every_gauge_has_a_value_in_base_units(tmp_path: Path) -> None:
    found = reading_of(status(), store(tmp_path))
    assert set(found.values) == set(GAUGES)
    values = dict(found.values)
    assert values.pop("disk_free_bytes") > 0
    assert values == {
        "height": 8,
        "final_height": 7,
        "best_height": 11,
        "head_time_seconds": 1.5,
        "peers": 3,
        "mempool_transactions": 5,
        "mempool_bytes": 900,
        "round": 2,
        "era": 0,
        "validators": 4,
        "validators_needed": 3,
        "validators_silent": 1,
        "is_validator": True,
        "is_healthy": True,
        "is_ready": True,
        "trusted": True,
        "clock_offset_seconds": -0.04,
        "chain_bytes": 777,
        "start_time_seconds": 0.25,
    }
    assert (found.name, found.engine, found.rule, found.health_code) == ("alpha", "pbft", 1, "")


def test_a_node_that_syncs_is_not_ready(tmp_path: Path) -> None:
    ill = schema.Health(is_healthy=False, phase="syncing", code="syncing", reason="syncing: block 1 of 2")
    found = reading_of(status(health=ill), store(tmp_path))
    assert (found.values["is_healthy"], found.values["is_ready"]) == (False, False)
    assert found.health_code == "syncing"


def test_without_peers_the_clock_is_not_off(tmp_path: Path) -> None:
    assert reading_of(status(clock_offset_ms=None), store(tmp_path)).values["clock_offset_seconds"] == 0
