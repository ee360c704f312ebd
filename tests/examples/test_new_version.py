"""The way to a new version in docs/contracts.md: a name leads elsewhere, and data moves by pages."""

import pytest

from chaosnet.devchain.chain import DevChain
from tests.examples.documented import ENGINES, blocks_of
from tests.examples.twins import source_of
from tests.machines import machine, on_big_stack
from tests.tidy import REPOSITORY

PEOPLE = ("alice", "bob", "carol", "dave", "erin")


def documented(chain: DevChain, language: str, name: str) -> str:
    """Deploy a contract of the document."""
    [source] = [
        block.text
        for block in blocks_of(REPOSITORY / "docs/contracts.md")
        if block.language == language and block.options.get("name") == name
    ]
    return str(chain.deploy(source, ENGINES[language]).value)


def moved(language: str) -> None:
    chain = DevChain(machine())
    engine = ENGINES[language]
    old = str(chain.deploy(source_of("counter", engine), engine, 0).value)
    names, new = (documented(chain, language, name) for name in ("names", "new_counter"))
    for amount, who in enumerate(PEOPLE, 1):
        assert chain.call(old, "add", amount, sender=who).is_ok
    fetched = [chain.call(new, "fetch", old, 2).value for _ in range(3)]
    assert fetched == [False, False, True]
    assert chain.call(new, "fetch", old, 2).text == "everything is here"
    for amount, who in enumerate(PEOPLE, 1):
        assert chain.query(new, "added_by", chain.accounts[who].text) == amount
    assert chain.query(names, "at", "counter") is None
    assert chain.call(names, "lead", "counter", old).is_ok
    assert chain.call(names, "lead", "counter", new).is_ok
    assert chain.call(names, "lead", "counter", old, sender="bob").text == "only the owner may do this"
    assert chain.query(names, "at", "counter") == new


@pytest.mark.parametrize("language", sorted(ENGINES))
def test_a_name_leads_on_and_data_moves(language: str) -> None:
    on_big_stack(lambda: moved(language))
