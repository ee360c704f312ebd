"""The first ten minutes of docs/contracts.md, word for word: each command, in both languages, on a chain.

What a reader copies from what a command printed is copied here too. Only what needs several processes is left
out: the network itself, and looking at the explorer.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.documented import ENGINES, commands_in, save_files
from tests.tidy import REPOSITORY
from tests.unit.cli.conftest import ANNA, Cli, cli
from tests.unit.cli.contract_node import ContractNode, contract_node

__all__ = ["cli"]

DOCUMENT = REPOSITORY / "docs/contracts.md"
TITLE = "Ten minutes to a token"
PREPARING = ("source ", "export ")
"""What the shell does: the test's own home and node stand there."""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContractNode]:
    with contract_node(tmp_path / "chain", monkeypatch) as made:
        yield made


@pytest.mark.parametrize("language", sorted(ENGINES))
def test_a_newcomer_gets_a_token(
    language: str, node: ContractNode, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_files(DOCUMENT, language, tmp_path)
    [seed] = ANNA.seeds.values()
    faucet = cli.add_key("faucet", seed)
    known, shown = {"BOB": faucet}, ""
    for line in commands_in(DOCUMENT, TITLE):
        if line.startswith(PREPARING):
            continue
        name, is_given, _ = line.partition("=")
        if is_given and name.isupper():
            known[name] = known.get(name) or _value(name, shown)
            continue
        program, *words = shlex.split(re.sub(r"\$(\w+)", lambda found: known[found[1]], line))
        assert program == "chaosnet"
        if words[:2] == ["contract", "deploy"]:
            words.append("--yes")  # a reader is asked, and says yes
        shown = cli(*[word.replace("gold.lua", f"gold.{language}") for word in words]).out
    assert "Issued" in shown
    owned = cli("token", "list", faucet).out
    assert owned.split()[:2] == ["GOLD", "10005.00"]


def _value(name: str, shown: str) -> str:
    """Return what a reader copies out of what was printed last."""
    if name == "TOKEN":
        return shown.rsplit(maxsplit=1)[-1]
    [address] = re.findall(r"^contract +(\S+)$", shown, re.MULTILINE)
    return str(address)
