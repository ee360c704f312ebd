"""`chaosnet tui` without a terminal: which nodes, what is printed, how it ends."""

import json
from pathlib import Path

import httpx
import msgspec
import pytest

from chaosnet.base.errors import Invalid
from chaosnet.cli.asking import DEFAULT_NODE
from chaosnet.cli.main import run
from chaosnet.cli.output import OK, REFUSED, UNREACHABLE, USAGE
from chaosnet.cli.tui import targets
from chaosnet.daemon.devnet_plan import NodePlan, Plan
from chaosnet.rpc.app import public_app
from chaosnet.rpc.client import AsyncClient
from tests.fake_backend import FakeBackend

CLOSED = "http://127.0.0.1:1"


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> FakeBackend:
    """A node that every URL but CLOSED leads to."""
    made = FakeBackend()

    def fail(error: BaseException) -> None:
        raise error

    def connect(url: str, **_: object) -> AsyncClient:
        app = public_app(made, submit="public", on_error=fail)
        transport = httpx.AsyncHTTPTransport() if url == CLOSED else httpx.ASGITransport(app=app)
        return AsyncClient(url, transport=transport)

    monkeypatch.setattr("tui.feed.AsyncClient", connect)
    return made


def plan_in(folder: Path) -> None:
    nodes = [NodePlan(f"node{i}", 1, 2 + i, 3) for i in range(2)]
    plan = Plan("made", "00", "cos", "cos1", 9, nodes)
    (folder / "devnet.json").write_bytes(msgspec.json.encode(plan))


def test_nodes_are_those_named_those_of_a_devnet_or_the_default(tmp_path: Path) -> None:
    assert [target.url for target in targets([], None)] == [DEFAULT_NODE]
    assert [target.name for target in targets(["http://a:1/", "unix:///x"], None)] == ["a:1", "unix:///x"]
    plan_in(tmp_path)
    assert [target.name for target in targets([], tmp_path)] == ["node0", "node1"]
    assert [target.url for target in targets(["http://a:1"], tmp_path)][-1] == "http://a:1"
    with pytest.raises(Invalid, match="bad_argument"):
        targets([], tmp_path / "elsewhere")


def test_table_is_printed_once(backend: FakeBackend, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tui", "--node", "http://a", "--node", "http://b", "--lang", "en"]) == OK
    out = capsys.readouterr().out
    assert "2 agree at 5" in out
    assert out.count("✓ healthy") == 2


def test_json_in_either_language_has_the_same_keys(
    backend: FakeBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tui", "--node", "http://a", "--json", "--lang", "zh"]) == OK
    found = json.loads(capsys.readouterr().out)
    assert found["nodes"][0]["status"]["chain_name"] == "fake"
    assert found["troubles"] == []


def test_trouble_is_an_exit_code(backend: FakeBackend, capsys: pytest.CaptureFixture[str]) -> None:
    backend.is_healthy = False
    assert run(["tui", "--node", "http://a", "--once"]) == REFUSED
    backend.is_healthy = True
    assert run(["tui", "--node", "http://a", "--node", CLOSED, "--once"]) == REFUSED
    assert run(["tui", "--node", CLOSED, "--once", "--lang", "en"]) == UNREACHABLE
    assert "NO NODE ANSWERS" in capsys.readouterr().out


def test_what_is_no_url_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tui", "--node", "nonsense", "--once"]) == USAGE
    assert "nonsense" in capsys.readouterr().err
