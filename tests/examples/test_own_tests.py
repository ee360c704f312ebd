"""The tests that the examples, and docs/contracts.md, have in their own languages."""

from pathlib import Path

import pytest

from chaosnet.devchain.chain import DevChain
from chaosnet.devchain.script import Plan, Script, find_scripts
from tests.examples.documented import ENGINES, save_files
from tests.machines import machine, new_machine, on_big_stack
from tests.tidy import REPOSITORY

PLAN = Plan("examples", runs=20, sequences=5)
TESTS = {"lua": "_test.lua", "js": ".test.js"}


def failures(path: Path) -> tuple[int, list[str]]:
    """Run a file; return how many tests it has, and what failed."""

    def run() -> tuple[int, list[str]]:
        script = Script(path, new_machine(), DevChain(machine()))
        verdicts = [script.run(item, PLAN) for item in script.items]
        return len(verdicts), [
            f"{one.place} {one.failure} {one.example}" for one in verdicts if not one.is_ok
        ]

    return on_big_stack(run)


@pytest.mark.parametrize("path", find_scripts([REPOSITORY / "examples"]), ids=lambda path: path.name)
def test_examples_pass_their_own_tests(path: Path) -> None:
    count, failed = failures(path)
    assert not failed
    assert count >= 6


@pytest.mark.parametrize("language", sorted(ENGINES))
@pytest.mark.parametrize(("name", "count"), [("gold", 2), ("bank", 6)])
def test_tests_in_the_document_pass(name: str, count: int, language: str, tmp_path: Path) -> None:
    save_files(REPOSITORY / "docs/contracts.md", language, tmp_path)
    assert failures(tmp_path / f"{name}{TESTS[language]}") == (count, [])
