"""The JavaScript client on a real network, as its README has it: coins, contracts, events, proofs, tokens."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chaosnet.crypto.addresses import format_address
from chaosnet.daemon.loadgen import make_senders
from tests.e2e.net import network

pytestmark = pytest.mark.process

REPOSITORY = Path(__file__).resolve().parents[2]
ENGINES = {"lua/1": "lua", "js/1": "js"}


def example(name: str, language: str) -> str:
    return (REPOSITORY / "examples" / name / f"{name}.{language}").read_text()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the client found, with integers as they are written in JavaScript."""
    if not shutil.which("node"):
        pytest.skip("node is not installed: the JavaScript client is not tried on a network")
    if not (REPOSITORY / "clients/js/node_modules/@noble/curves").exists():
        pytest.skip(
            "npm packages of clients/js are not installed (npm ci): the client is not tried on a network"
        )
    senders = make_senders(1, "javascript")
    directory = tmp_path_factory.mktemp("js") / "net"
    with network(directory, 2, senders, idle_interval_ms=1_000) as net:
        given = {
            "url": net.plan.nodes[0].rest_url,
            "seed": senders[0].seed.hex(),
            "counters": {engine: example("counter", language) for engine, language in ENGINES.items()},
            "token": example("token", "js"),
        }
        done = subprocess.run(
            ["node", str(Path(__file__).parent / "use_client.mjs")],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"own": format_address(net.plan.address_prefix, senders[0].address)}


def test_coins_arrive_and_cost_their_fee(told: dict[str, Any]) -> None:
    assert told["transfer"] == ["150000000n", "150000000n", "final", "ok"]
    assert told["transfer_refused"][0] == "not_enough"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_contract_is_deployed_called_asked_and_heard(told: dict[str, Any], engine: str) -> None:
    found, own = told["contracts"][engine], told["own"]
    said = [own, "7n", "12n"]
    assert found["expected"]
    assert found["name"] == "Counter"
    assert found["added"] == ["12n", "ok", said]
    assert found["heard"] == [said, True]
    assert found["together"] == ["13n", "15n", "18n"]
    assert (found["total"], found["added_by"], found["entry"]) == ("18n", "13n", "13n")
    assert found["events"] == ["3n", "2n", "1n", "7n"]
    assert found["reverted"] == ["reverted", "add 1 to 1000"]
    assert (found["static"][0], found["no_method"][0]) == ("static", "no_method")
    assert found["proved"] == [said, True, "01"]


def test_tokens_go_to_others(told: dict[str, Any]) -> None:
    assert told["token"] == ["ok", "30"]
    assert told["sent_to_contract"][0] == "bad_args"
