"""Keys are made, imported, listed and exported; secrets come from files and prompts, never from arguments."""

import json
from pathlib import Path

import pytest

from chaosnet.crypto.addresses import format_address
from chaosnet.crypto.signing import public_key_of
from chaosnet.daemon.hdkeys import account_path, derive, languages_of, seed_of
from chaosnet.daemon.keystore import decrypt_key
from chaosnet.model.policy import KeyPolicy, address_of
from tests.unit.cli.conftest import Cli

SEED = bytes(range(32))
PHRASE = "abandon " * 11 + "about"


def test_new_key_is_the_one_of_its_phrase(cli: Cli) -> None:
    made = cli("keys", "new", "main", "--account", 3, "--json").json
    assert len(made["phrase"].split()) == 24
    seed = derive(seed_of(made["phrase"]), account_path(3))
    assert made["public_key"] == public_key_of(seed).hex()
    assert made["path"] == account_path(3)
    again = cli("keys", "import", "again", "--account", 3, "--json", stdin=made["phrase"] + "\n").json
    assert again["address"] == made["address"]


@pytest.mark.parametrize("language", ["chinese_simplified", "chinese_traditional"])
def test_phrase_in_chinese(cli: Cli, language: str) -> None:
    made = cli("keys", "new", "main", "--language", language, "--words", 12, "--json").json
    assert language in languages_of(made["phrase"])
    assert len(made["phrase"].split()) == 12
    glued = made["phrase"].replace(" ", "")
    again = cli("keys", "import", "again", "--json", stdin=glued + "\n").json
    assert again["public_key"] == made["public_key"]


def test_phrase_is_shown_once_and_kept_nowhere(cli: Cli) -> None:
    shown = cli("keys", "new", "main").out
    words = [word for word in shown.split() if word.isalpha()][-24:]
    assert languages_of(" ".join(words)) == ("english",)
    [file] = (cli.home / "keys").iterdir()
    assert " ".join(words[:2]) not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_name_is_never_taken_twice(cli: Cli) -> None:
    cli.add_key("main", SEED)
    before = (cli.home / "keys/main.json").read_bytes()
    for command in (["new", "main"], ["import", "main"]):
        assert cli("keys", *command, "--json", code=1).problem == "key_exists"
    assert (cli.home / "keys/main.json").read_bytes() == before


def test_bad_phrase_is_named_without_repeating_it(cli: Cli) -> None:
    failed = cli("keys", "import", "main", stdin=PHRASE.replace("about", "secret") + "\n", code=2)
    assert "bad_mnemonic" in failed.err
    assert "secret" not in failed.err
    assert not (cli.home / "keys").exists()


def test_list_and_address_need_no_password(cli: Cli) -> None:
    address = cli.add_key("main", SEED)
    cli.password_file.unlink()
    assert cli("keys", "address", "main").out == address + "\n"
    assert cli("keys", "address", "main", "--prefix", "test").out.startswith("test1q")
    [listed] = cli("keys", "list", "--json").json["keys"]
    assert (listed["name"], listed["address"]) == ("main", address)
    assert address in cli("keys", "list").out


def test_export_is_encrypted_and_comes_back(cli: Cli, tmp_path: Path) -> None:
    address = cli.add_key("main", SEED)
    exported = tmp_path / "main.json"
    cli("keys", "export", "main", "--out", exported)
    assert exported.stat().st_mode & 0o777 == 0o600
    assert decrypt_key(json.loads(exported.read_text()), "password of anna") == SEED
    assert SEED.hex() not in exported.read_text()
    other = cli("keys", "import", "copy", "--file", exported, "--json").json
    assert other["address"] == address


def test_seed_is_shown_only_after_a_yes(cli: Cli) -> None:
    cli.add_key("main", SEED)
    failed = cli("keys", "export", "main", "--reveal-seed", "--json", code=2)
    assert SEED.hex() not in failed.out + failed.err
    assert cli("keys", "export", "main", "--reveal-seed", "--yes").out == SEED.hex() + "\n"


def test_without_terminal_or_file_there_is_no_password(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.password_file.unlink()
    assert cli("keys", "new", "main", "--json", code=2).problem == "bad_config"
    cli.password_file.touch(mode=0o644)
    cli.password_file.chmod(0o644)
    assert "chmod 600" in cli("keys", "new", "main", code=2).err


def test_hint_for_a_wrong_password_does_not_send_in_a_circle(cli: Cli) -> None:
    cli.add_key("main", SEED)
    cli.password_file.write_text("another\n")
    failed = cli(
        "keys", "export", "main", "--reveal-seed", "--yes", "--password-file", cli.password_file, code=1
    )
    assert "wrong password" in failed.err
    assert "--password-file" not in failed.err


def test_missing_key_is_named(cli: Cli) -> None:
    assert cli("keys", "address", "nobody", "--json", code=1).problem == "not_found"
    assert cli("keys", "list", "--json").json["keys"] == []


# ── several keys for one account ─────────────────────────────────────────────────────────────────────────


def test_policy_names_keys_by_name_or_in_hex(cli: Cli, tmp_path: Path) -> None:
    cli.add_key("main", SEED)
    other = public_key_of(bytes(32))
    out = tmp_path / "policy.json"
    command = ["keys", "policy", "--key", "main:2", "--key", other.hex(), "--threshold", 2]
    made = cli(*command, "--out", out, "--json").json
    policy = KeyPolicy(tuple(sorted([(public_key_of(SEED), 2), (other, 1)])), 2)
    assert made["address"] == format_address("cos", address_of(policy))
    assert json.loads(out.read_text()) == {name: made[name] for name in ("keys", "threshold")}
    assert made["address"] in cli(*command).out


@pytest.mark.parametrize(
    ("keys", "threshold", "code"),
    [
        (["00" * 32, "00" * 32], 1, "bad_policy"),
        (["00" * 32], 2, "bad_policy"),
        (["00" * 32 + ":0"], 1, "bad_policy"),
        (["00" * 32 + ":x"], 1, "bad_argument"),
        (["zz" * 32], 1, "bad_argument"),
        (["nobody"], 1, "not_found"),
    ],
)
def test_bad_policies_are_refused(cli: Cli, keys: list[str], threshold: int, code: str) -> None:
    options = [text for key in keys for text in ("--key", key)]
    command = ["keys", "policy", *options, "--threshold", threshold, "--json"]
    assert cli(*command, code=2 if code == "bad_argument" else 1).problem == code


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────

GENESIS = "ab" * 32


def test_signed_message_verifies_with_exactly_its_text_key_and_network(cli: Cli) -> None:
    address = cli.add_key("main", SEED)
    signed = cli("keys", "sign-message", "main", "I am Anna", "--genesis", GENESIS, "--json").json
    assert signed["address"] == address

    def verify(text: str = "I am Anna", genesis: str = GENESIS, code: int = 0, **changed: str) -> None:
        given = {"key": signed["public_key"], "signature": signed["signature"], "address": address} | changed
        options = [part for name, value in given.items() for part in (f"--{name}", value)]
        done = cli("keys", "verify-message", text, "--genesis", genesis, *options, "--json", code=code)
        assert done.json["valid"] if not code else done.problem == "bad_signature"

    verify()
    verify(text="I am anna", code=1)
    verify(genesis="ba" * 32, code=1)
    verify(key=public_key_of(bytes(32)).hex(), code=1)
    verify(signature="00" * 64, code=1)
    verify(address=cli.add_key("other", bytes(32)), code=1)
