"""Attacks that need a chain: several contracts, storage, assets; what they leave is told as a few values."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from chaosnet.contracts.values import decode, encode
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.model.contract_actions import Call, Deploy
from tests.fake_machine import ADA, BOB, Bench
from tests.machines import machine

FOLDER = Path(__file__).parent
SOURCES = {"lua/1": (FOLDER / "rogue.lua").read_text(), "js/1": (FOLDER / "rogue.js").read_text()}
COUNT = 9
SENT = 1_000
GAS = 3_000_000


class Chain:
    """A chain with nine rogues of one language, or of both in turn."""

    def __init__(self, *engines: str) -> None:
        self.bench = Bench(machine())
        self.rogues: list[bytes] = []
        for i in range(COUNT):
            engine = engines[i % len(engines)]
            self.rogues.append(contract_id(self.bench.hash, ADA.address, i, 0))
            action = Deploy(engine, SOURCES[engine].encode(), encode([i]), SENT, 10**9)
            receipt, outcome = self.bench.run(ADA, action)
            assert receipt.code == "ok", f"{receipt.code} {outcome.text}"
        self.bench.overlay.keep()

    def name(self, i: int) -> str:
        return self.bench.text(self.rogues[i])

    def call(self, method: str, *args: Any, gas: int = GAS) -> dict[str, Any]:
        """Call a method of the first rogue; return what is to be seen of it."""
        action = Call(self.rogues[0], method, encode(list(args)), (), 10**9)
        receipt, outcome = self.bench.run(ADA, action, gas=gas)
        returned = decode(outcome.returns[0]) if outcome.returns else outcome.text
        if isinstance(returned, str) and len(returned) > 256:
            returned = f"{len(returned)} characters"
        return {"code": receipt.code, "gas": receipt.gas, "said": returned, "state": self.state()}

    def state(self) -> str:
        """Return a hash of all that this chain changed."""
        new = self.bench.overlay.changes().new
        return sha256(repr(sorted(new.items())).encode()).hexdigest()[:32]

    def supply(self) -> int:
        """Return all coins of the chain, by what has changed."""
        return self.bench.overlay.changes().supply_delta


def scenarios(chain: Chain) -> dict[str, tuple[int, str, list[Any]]]:
    """Return gas, method and arguments of each attack, in the order of a block."""
    one, everybody = chain.name(1), [chain.name(i) for i in range(1, COUNT)]
    bob = chain.bench.text(BOB.address)
    return {
        "21 out of gas": (200_000, "spin", []),
        "21 a callee out of gas": (600_000, "calls", [one, "spin"]),
        "21 a callee out of gas is tried": (GAS, "tried", [one, "spin"]),
        "21 a callee out of gas is swallowed": (600_000, "swallows", [one, "spin"]),
        "22 out of gas while writing": (1_000_000, "writes", []),
        "22 a callee out of gas while writing": (GAS, "tried", [one, "writes"]),
        "52 an event": (GAS, "big_event", []),
        "52 events": (GAS, "many_events", []),
        "52 an entry": (GAS, "big_entry", []),
        "52 a key": (GAS, "big_key", []),
        "52 a result": (GAS, "big_return", []),
        "52 the largest": (GAS, "most", []),
        "63 eight frames": (GAS, "hop", [everybody[:7], "call"]),
        "63 nine frames": (GAS, "hop", [everybody[:8], "call"]),
        "63 the ninth is tried": (GAS, "hop", [everybody[:8], "try"]),
        "93 re-entry": (GAS, "back", [one, "closed"]),
        "93 re-entry that is allowed": (GAS, "back", [one, "open"]),
        "93 re-entry of a view": (GAS, "back", [one, "look"]),
        "93 a call of itself": (GAS, "calls", [chain.name(0), "closed"]),
        "93 a call of itself that is allowed": (GAS, "calls", [chain.name(0), "open"]),
        "92 a callee that is undone": (GAS, "undone", [one, bob]),
        "92 more than there is": (GAS, "sends", [bob, SENT + 1]),
        "92 all that there is": (GAS, "sends", [bob, SENT]),
    }


def everything(*engines: str) -> dict[str, dict[str, Any]]:
    """Do all of it on one chain; return what is to be seen after each."""
    chain = Chain(*engines)
    found = {}
    for name, (gas, method, args) in scenarios(chain).items():
        found[name] = chain.call(method, *args, gas=gas)
        assert chain.supply() == 0, name
    return found
