"""What a key has signed moves with `export-fence` and `import-fence`."""

import json
import shutil
from pathlib import Path

import pytest

from chaosnet.storage.signstate_file import SignStateFile
from tests.unit.cli.conftest import Cli


@pytest.fixture
def node(cli: Cli, tmp_path: Path) -> Path:
    """Return the directory of a validator whose network is founded."""
    directory, genesis = tmp_path / "node", tmp_path / "genesis.json"
    cli("init", directory, "--port", 0)
    cli("genesis", "new", "consortium", "--name", "club", "--member-dir", directory, "--out", genesis)
    cli("init", directory, "--genesis", genesis)
    return directory


def test_a_fence_moves_to_another_directory_and_retires_the_first(
    cli: Cli, node: Path, tmp_path: Path
) -> None:
    fence, config = tmp_path / "fence.json", node / "node.toml"
    done = cli("keys", "export-fence", "--config", config, "--out", fence, "--json").json
    assert (done["retired"], done["last"]) == (True, None)
    assert json.loads(fence.read_text())["key"] == done["key"]
    other = tmp_path / "other"
    shutil.copytree(node, other)
    shutil.rmtree(other / "keys")
    shutil.copytree(node / "keys", other / "keys", ignore=shutil.ignore_patterns("sign-state*"))
    taken = cli("keys", "import-fence", fence, "--config", other / "node.toml", "--json").json
    assert taken["sign_state"] == str(other / "keys/sign-state")
    again = cli("keys", "import-fence", fence, "--config", config, "--json", code=1)
    assert again.problem == "fenced"
    cli("keys", "import-fence", fence, "--config", config, "--back")


def test_a_copy_is_printed_and_the_node_may_go_on(cli: Cli, node: Path) -> None:
    shown = cli("keys", "export-fence", "--keep", "--config", node / "node.toml").json
    assert shown["format"] == "chaosnet-fence"
    document = {"genesis": bytes.fromhex(shown["genesis"]), "key": bytes.fromhex(shown["key"])}
    held = SignStateFile.hold(node / "keys/sign-state", document["genesis"], document["key"])
    assert not held.state.is_retired
    busy = cli("keys", "export-fence", "--config", node / "node.toml", "--json", code=1)
    assert busy.problem == "in_use"
    held.close()


def test_what_cannot_be_a_fence_is_refused(cli: Cli, node: Path, tmp_path: Path) -> None:
    before = (node / "keys/sign-state").read_bytes()
    for text, code in (("", 2), ("{}", 2), ("x" * 300_000, 1)):
        (tmp_path / "bad").write_text(text)
        cli("keys", "import-fence", tmp_path / "bad", "--config", node / "node.toml", code=code)
    assert (node / "keys/sign-state").read_bytes() == before


def test_a_node_that_follows_has_no_fence(cli: Cli, tmp_path: Path) -> None:
    cli("init", tmp_path / "follower", "--follow", "--port", 0)
    done = cli("keys", "export-fence", "--config", tmp_path / "follower/node.toml", "--json", code=1)
    assert done.problem == "not_found"
