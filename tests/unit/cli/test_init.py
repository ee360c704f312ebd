"""A node's directory: made once, completed by the genesis, reset without its keys and what they signed."""

import shutil
import tomllib
from pathlib import Path

import msgspec
import pytest

from chaosnet.cli.config_reference import tables, template
from chaosnet.cli.node_dir import read_node_dir
from chaosnet.daemon.config import Config, load_config, parse_config
from chaosnet.daemon.keystore import Keystore, read_password
from chaosnet.model.genesis import genesis_hash_of
from chaosnet.model.genesis_json import format_genesis, parse_genesis
from chaosnet.storage.datadir import CHAIN_FILE, LOCK_FILE, lock_directory
from chaosnet.storage.signstate_file import SignStateFile
from tests.making import Person, network
from tests.unit.cli.conftest import Cli


def founded(cli: Cli, directory: Path, tmp_path: Path) -> Path:
    """Initialise a validator and write the genesis of its network of one."""
    cli("init", directory, "--port", 0)
    path = tmp_path / "genesis.json"
    cli("genesis", "new", "consortium", "--name", "club", "--member-dir", directory, "--out", path)
    return path


def test_network_is_founded_in_two_steps(cli: Cli, tmp_path: Path) -> None:
    directory = tmp_path / "alpha"
    first = cli("init", directory, "--json").json
    assert first["member"].split(":") == [
        "alpha",
        first["operator"],
        first["consensus_key"],
        first["node_key"],
        first["vrf_key"],
    ]
    path = tmp_path / "genesis.json"
    cli("genesis", "new", "consortium", "--name", "club", "--member", first["member"], "--out", path)
    second = cli("init", directory, "--genesis", path, "--json").json
    assert second == first | {"genesis": second["genesis"], "warnings": []}
    config = load_config(directory / "node.toml")
    genesis = parse_genesis((directory / config.node.genesis).read_text())
    password = read_password(directory / config.keys.password_file, None)
    seed = Keystore(directory / "keys").load("consensus", password)
    SignStateFile.open(directory / config.keys.sign_state, genesis_hash_of(genesis), seed).close()
    assert (directory / "password").stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700


def test_keys_and_passwords_differ_between_nodes(cli: Cli, tmp_path: Path) -> None:
    made = [cli("init", tmp_path / name, "--json").json for name in ("a", "b")]
    for field in ("node_key", "consensus_key", "operator"):
        assert made[0][field] != made[1][field]
    passwords = {(tmp_path / name / "password").read_text() for name in ("a", "b")}
    assert len(passwords) == 2


def test_follower_has_no_consensus_key(cli: Cli, tmp_path: Path) -> None:
    made = cli("init", tmp_path / "n", "--follow", "--name", "reader", "--json").json
    assert (made["name"], made["consensus_key"], made["member"]) == ("reader", "", "")
    assert load_config(tmp_path / "n/node.toml").keys.consensus_key == ""


def test_operator_account_may_be_elsewhere(cli: Cli, tmp_path: Path) -> None:
    address = cli.add_key("operator", bytes(range(32)))
    made = cli("init", tmp_path / "n", "--operator", address, "--json").json
    assert made["operator"] == address
    assert made["member"].split(":")[1] == address
    assert not (tmp_path / "n/keys/operator.json").exists()
    assert cli("init", tmp_path / "m", "--operator", "cos1x", "--json", code=2).problem == "bad_address"
    assert not (tmp_path / "m").exists()


def test_own_password_file_is_named_not_copied(cli: Cli, tmp_path: Path) -> None:
    cli("init", tmp_path / "n", "--password-file", cli.password_file)
    config = load_config(tmp_path / "n/node.toml")
    assert config.keys.password_file == str(cli.password_file)
    Keystore(tmp_path / "n/keys").load("node", "password of anna")
    assert not (tmp_path / "n/password").exists()


def test_ports_and_bootstrap_nodes_are_set(cli: Cli, tmp_path: Path) -> None:
    ports = ["--port", 1, "--public-port", 2, "--operator-port", 3, "--host", "10.0.0.1"]
    cli("init", tmp_path / "n", *ports, "--bootstrap", "a:4", "--bootstrap", "b:5")
    config = load_config(tmp_path / "n/node.toml")
    assert config.network.listen == "10.0.0.1:1"
    assert tuple(config.network.bootstrap) == ("a:4", "b:5")
    assert (config.rpc.public, config.rpc.operator) == ("127.0.0.1:2", "127.0.0.1:3")
    assert cli("init", tmp_path / "m", "--bootstrap", "nowhere", "--json", code=2).problem == "bad_config"


def test_existing_node_is_never_overwritten(cli: Cli, tmp_path: Path) -> None:
    directory = tmp_path / "n"
    path = founded(cli, directory, tmp_path)
    before = files_of(directory)
    assert "already" in cli("init", directory, code=2).err
    assert files_of(directory) == before
    cli("init", directory, "--genesis", path)
    before = files_of(directory)
    cli("init", directory, "--genesis", path)
    assert files_of(directory) == before
    other = tmp_path / "other.json"
    other.write_text(format_genesis(network([], [Person("other")])))
    assert "another network" in cli("init", directory, "--genesis", other, code=2).err
    assert files_of(directory) == before


def files_of(directory: Path) -> dict[Path, bytes]:
    """Return what all files below a directory hold."""
    return {file: file.read_bytes() for file in directory.rglob("*") if file.is_file()}


def test_sign_state_is_not_begun_where_the_key_may_have_signed(cli: Cli, tmp_path: Path) -> None:
    directory = tmp_path / "n"
    path = founded(cli, directory, tmp_path)
    (directory / "data").mkdir()
    (directory / "data" / LOCK_FILE).touch()
    assert "may have signed" in cli("init", directory, "--genesis", path, code=2).err
    assert not (directory / "keys/sign-state").exists()


def test_sign_state_is_not_begun_again(cli: Cli, tmp_path: Path) -> None:
    directory = tmp_path / "n"
    path = founded(cli, directory, tmp_path)
    cli("init", directory, "--genesis", path)
    sign_state = directory / "keys/sign-state"
    sign_state.unlink()
    assert "may have signed" in cli("init", directory, "--genesis", path, code=2).err
    assert not sign_state.exists()


def test_sign_state_is_not_begun_for_a_copied_key(cli: Cli, tmp_path: Path) -> None:
    path = founded(cli, tmp_path / "n", tmp_path)
    shutil.copytree(tmp_path / "n", tmp_path / "copy")
    assert "may have signed" in cli("init", tmp_path / "copy", "--genesis", path, code=2).err
    assert not (tmp_path / "copy/keys/sign-state").exists()


def test_keys_brought_back_stay_and_get_no_new_sign_state(cli: Cli, tmp_path: Path) -> None:
    path = founded(cli, tmp_path / "n", tmp_path)
    restored = tmp_path / "restored"
    restored.mkdir()
    shutil.copytree(tmp_path / "n/keys", restored / "keys")
    shutil.copy(tmp_path / "n/password", restored / "password")
    before = files_of(restored)
    failed = cli("init", restored, "--genesis", path, code=2)
    assert "--new-key" in failed.err
    assert before.items() <= files_of(restored).items()
    assert not (restored / "keys/sign-state").exists()


def test_running_with_a_new_key_ends_its_newness(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "n"
    path = founded(cli, directory, tmp_path)
    monkeypatch.setattr("chaosnet.daemon.process.run_node", lambda *_, **__: None)
    cli("node", "run", "--config", directory / "node.toml", "--new-key")
    assert "may have signed" in cli("init", directory, "--genesis", path, code=2).err


def test_an_attempt_to_run_too_early_does_not_stand_in_the_way(cli: Cli, tmp_path: Path) -> None:
    directory = tmp_path / "n"
    path = founded(cli, directory, tmp_path)
    (directory / "genesis.json").write_bytes(path.read_bytes())
    failed = cli("node", "run", "--config", directory / "node.toml", code=1)
    assert "chaosnet init DIRECTORY --genesis FILE" in failed.err
    cli("init", directory, "--genesis", path)
    assert (directory / "keys/sign-state").exists()


def test_network_that_does_not_name_the_node_is_a_warning(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "genesis.json"
    path.write_text(format_genesis(network([], [Person("other")])))
    made = cli("init", tmp_path / "n", "--genesis", path, "--json").json
    assert len(made["warnings"]) == 1
    assert not cli("init", tmp_path / "m", "--follow", "--genesis", path, "--json").json["warnings"]


# ── configuration ────────────────────────────────────────────────────────────────────────────────────────


def test_every_setting_stands_in_the_file_and_its_default_is_the_default() -> None:
    text = template({"node": {"genesis": "g"}})
    uncommented = "\n".join(
        line.removeprefix("#") if line.startswith("#") and not line.startswith("# ") else line
        for line in text.splitlines()
    )
    assert parse_config(uncommented) == parse_config(text)
    for table in tables():
        assert set(tomllib.loads(uncommented)[table.name]) == {setting.name for setting in table.settings}


def test_every_setting_has_a_meaning() -> None:
    assert [s.name for table in tables() for s in table.settings if not s.note] == []
    assert [table.name for table in tables()] == [field.name for field in msgspec.structs.fields(Config)]


def test_reference_is_printed_as_page_and_as_json(cli: Cli) -> None:
    assert "| `disk_free_mib_min` | number | `512` |" in cli("node", "config-reference").out
    found = cli("node", "config-reference", "--json").json
    assert found["rpc"]["submit"]["default"] == "public"
    assert "default" not in found["node"]["genesis"]


# ── reset and run ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def used(cli: Cli, tmp_path: Path) -> Path:
    """A validator's directory with something in place of a chain."""
    directory = tmp_path / "n"
    cli("init", directory, "--genesis", founded(cli, directory, tmp_path))
    (directory / "data").mkdir()
    (directory / "data" / CHAIN_FILE).write_bytes(b"chain")
    (directory / "data/other").write_bytes(b"not ours")
    return directory


def test_reset_removes_the_chain_and_nothing_else(cli: Cli, used: Path) -> None:
    before = {file for file in used.rglob("*") if file.is_file()}
    done = cli("node", "reset", "--config", used / "node.toml", "--yes", "--json").json
    assert done["removed"]
    assert str(used / "keys/sign-state") in done["kept"]
    after = {file for file in used.rglob("*") if file.is_file()}
    assert before - after == {used / "data" / CHAIN_FILE}
    again = cli("node", "reset", "--config", used / "node.toml", "--yes", "--json").json
    assert not again["removed"]


def test_reset_asks_first_and_never_under_a_running_node(cli: Cli, used: Path) -> None:
    cli("node", "reset", "--config", used / "node.toml", code=2)
    with lock_directory(used / "data"):
        failed = cli("node", "reset", "--config", used / "node.toml", "--yes", "--json", code=1)
    assert failed.problem == "in_use"
    assert (used / "data" / CHAIN_FILE).exists()


def test_node_that_cannot_start_says_why_in_one_line(cli: Cli, used: Path) -> None:
    failed = cli("node", "run", "--config", used / "nothing.toml", code=2)
    assert "nothing.toml" in failed.err
    assert "Traceback" not in failed.err


def test_directory_says_who_the_node_is(cli: Cli, tmp_path: Path) -> None:
    made = cli("init", tmp_path / "n", "--json").json
    found = read_node_dir(tmp_path / "n")
    assert (found.member, found.node_key.hex()) == (made["member"], made["node_key"])


def test_a_block_to_trust_is_handed_to_the_node(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "n"
    founded(cli, directory, tmp_path)
    given: list[str] = []
    monkeypatch.setattr("chaosnet.daemon.process.run_node", lambda *_, pinned, **__: given.append(pinned))
    pin = f"7:{'ab' * 32}"
    cli("node", "run", "--config", directory / "node.toml", "--trust", pin)
    assert given == [pin]
    assert "block id" in cli("node", "run", "--config", directory / "node.toml", "--trust", "7", code=2).err
