"""The devnet as a user meets it: by the command line, through the public interface."""

import json
import subprocess
from pathlib import Path

import pytest

from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.devnet_plan import load_plan
from tests.e2e.net import chaosnet, free_ports, get, height, network, same_state, wait_for

pytestmark = pytest.mark.process


def test_up_status_send_down_and_up_again(tmp_path: Path) -> None:
    directory = tmp_path / "net"
    base = free_ports(13)
    up = ("devnet", "up", "--detach", "--dir", str(directory), "--nodes", "4", "--no-explorer")
    chaosnet(*up, "--base-port", str(base), "--explorer-port", str(base + 12))
    net = Devnet(directory, load_plan(directory))
    try:
        rows = json.loads(chaosnet("devnet", "status", "--dir", str(directory), "--json").stdout)["nodes"]
        wanted = {"name", "engine", "height", "final_height", "tip", "state_root", "peers", "healthy"}
        wanted |= {"reason", "rest_url", "pid"}
        assert all(set(row) == wanted for row in rows)
        assert [row["name"] for row in rows] == ["node0", "node1", "node2", "node3"]
        to = net.plan.faucet
        keys = ("--keys", str(directory / "keys"), "--password-file", str(directory / "password"))
        node = net.plan.nodes[0].rest_url
        sent = chaosnet(
            "tx", "send", "--from", "faucet", "--to", to, "--amount", "1.5", *keys, "--node", node, "--json"
        )
        receipt = json.loads(sent.stdout)
        assert receipt["code"] == "ok"
        assert receipt["gas"] == 21_000
        for other in net.plan.nodes:
            wait_for("seen everywhere", lambda n=other: height(n) >= receipt["height"])  # type: ignore[misc]
            assert get(other, f"/v1/transactions/{receipt['id']}")["status"] == "final"
        wait_for("one state", lambda: same_state(net))
        before = height(net.plan.nodes[0])
        chaosnet("devnet", "down", "--dir", str(directory))
        assert all(net.pid(name) is None for name in net.names())
        chaosnet(*up)
        assert height(net.plan.nodes[0]) >= before
    finally:
        net.stop_all()


def test_a_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    with network(tmp_path / "first", 1) as net:
        port = net.plan.nodes[0].public_port
        done = chaosnet(
            "devnet", "up", "--detach", "--dir", str(tmp_path / "second"), "--nodes", "1", "--no-explorer",
            "--base-port", str(port), "--explorer-port", str(port + 50), check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert "port_taken" in done.stderr
        assert str(port) in done.stderr


def test_a_proof_verifies_with_the_public_ics23_package(tmp_path: Path) -> None:
    modules = Path(__file__).parent / "node_modules" / "@confio" / "ics23"
    if not modules.exists():
        pytest.skip("the npm package @confio/ics23 is not installed (npm is missing on this host)")
    with network(tmp_path / "net", 1) as net:
        node = net.plan.nodes[0]
        wait_for("a block", lambda: height(node) >= 0)
        proof = get(node, f"/v1/accounts/{net.plan.faucet}/proof")
        root = get(node, "/v1/status")["state_root"]
        script = Path(__file__).parent / "check_proof.cjs"
        done = subprocess.run(
            ["node", str(script)],
            input=json.dumps({"root": root} | {k: proof[k] for k in ("key", "value", "proof")}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert result["right"] is True
        assert result["changed"] == 0, "a proof with one byte changed was accepted"
        assert result["tried"] > 100
