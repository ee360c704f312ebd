"""Recursion to the guest's own bound, in each of the eight frames of calls: it ends alike in all of them."""

from pathlib import Path
from typing import Any

import pytest

from chaosnet.contracts.ops import DEPTH_MAX
from chaosnet.contracts.values import encode
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model.contract_actions import Deploy
from tests.fake_machine import ADA, Bench
from tests.machines import machine, on_big_stack

FOLDER = Path(__file__).parent
SOURCES = {"lua/1": (FOLDER / "deep.lua").read_text(), "js/1": (FOLDER / "deep.js").read_text()}
KINDS = {
    "lua/1": {
        "plain": "stack overflow",
        "gsub": "C stack overflow",
        "sort": "C stack overflow",
        "index": "C stack overflow",
        "text": "C stack overflow",
        "coroutines": "C stack overflow",
        "pattern": "pattern too complex",
        "captures": "too many captures",
        "parser": "C stack overflow",
        "blocks": "C stack overflow",
    },
    "js/1": {
        **dict.fromkeys(("plain", "sort", "replace", "getter", "proxy", "text"), "Maximum call stack size"),
        **dict.fromkeys(("generators", "apply", "parse", "stringify", "flat"), "Maximum call stack size"),
        **dict.fromkeys(("regexp", "lookahead"), "stack overflow"),
        **dict.fromkeys(("parser", "template"), "Maximum call stack size"),
    },
}
CASES = [(engine, kind, text) for engine, kinds in KINDS.items() for kind, text in kinds.items()]


class Ladder:
    """Eight contracts of one language, and eight of the other."""

    def __init__(self) -> None:
        self.bench = Bench(machine())
        self.steps: dict[str, list[bytes]] = {}
        for engine, source in SOURCES.items():
            self.steps[engine] = []
            for _ in range(DEPTH_MAX):
                nonce = self.bench.nonces.get(ADA.address, 0)
                self.steps[engine].append(contract_id(self.bench.hash, ADA.address, nonce, 0))
                receipt, outcome = self.bench.run(ADA, Deploy(engine, source.encode(), encode([]), 0, 10**9))
                assert receipt.code == "ok", outcome.text

    def ask(self, path: list[bytes], kind: str) -> Any:
        texts = [self.bench.text(address) for address in path[1:]]
        return self.bench.value(path[0], "down", texts, kind, gas=60_000_000)


@pytest.fixture(scope="module")
def ladder() -> Ladder:
    return on_big_stack(Ladder)


@pytest.mark.parametrize(("engine", "kind", "text"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_recursion_ends_alike_in_each_of_eight_frames(
    ladder: Ladder, engine: str, kind: str, text: str
) -> None:
    own, other = ladder.steps[engine], ladder.steps["js/1" if engine == "lua/1" else "lua/1"]

    def task() -> list[Any]:
        found = [ladder.ask(own[:depth], kind) for depth in range(1, DEPTH_MAX + 1)]
        mixed = [other[i] if i % 2 else own[i] for i in range(DEPTH_MAX - 1)] + [own[DEPTH_MAX - 1]]
        return [*found, ladder.ask(mixed, kind)]

    answers = on_big_stack(task)
    assert text in answers[0], answers[0]
    assert set(answers) == {answers[0]}
