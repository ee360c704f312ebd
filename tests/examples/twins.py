"""Two chains on which the same happens: one has an example in Lua, the other the same one in JavaScript."""

from collections.abc import Callable
from typing import Final

from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.values import Value
from chaosnet.devchain.chain import DevChain, Result
from chaosnet.model.transaction import Action
from tests.machines import machine
from tests.tidy import REPOSITORY

EXAMPLES: Final = REPOSITORY / "examples"
SUFFIXES: Final = {"lua/1": "lua", "js/1": "js"}
SAID: Final = ("reverted",)
"""Codes of failures whose text is the contract's own; other texts name the language's files and lines."""


def source_of(name: str, engine: str) -> str:
    """Return the source of an example."""
    return (EXAMPLES / name / f"{name}.{SUFFIXES[engine]}").read_text(encoding="utf-8")


class Twins:
    """Does everything twice and fails when results, events or what is stored differ."""

    def __init__(self) -> None:
        self.chains = {engine: DevChain(machine()) for engine in SUFFIXES}

    @property
    def one(self) -> DevChain:
        """One of the chains, to look at."""
        return self.chains["lua/1"]

    def deploy(self, name: str, *args: Value, sender: str = "alice") -> Result:
        """Deploy an example, each in its language."""
        return self._both(
            lambda chain, engine: chain.deploy(source_of(name, engine), engine, *args, sender=sender)
        )

    def call(
        self,
        contract: str,
        method: str,
        *args: Value,
        sender: str = "alice",
        sent: dict[str, int] | None = None,
    ) -> Result:
        """Call a method."""
        return self._both(lambda chain, _: chain.call(contract, method, *args, sender=sender, sent=sent))

    def act(self, *actions: Action, sender: str = "alice") -> Result:
        """Do something that is no call."""
        return self._both(lambda chain, _: chain.act(*actions, sender=sender))

    def query(self, contract: str, method: str, *args: Value) -> Value:
        """Return what a view answers."""
        found = [chain.query(contract, method, *args) for chain in self.chains.values()]
        assert found[0] == found[1]
        return found[0]

    def fault(self, contract: str, method: str, *args: Value) -> str:
        """Return the code of the failure of a view."""
        codes = []
        for chain in self.chains.values():
            try:
                chain.query(contract, method, *args)
                codes.append("ok")
            except GuestFault as fault:
                codes.append(fault.code)
        assert codes[0] == codes[1]
        return codes[0]

    def advance(self, blocks: int = 1, seconds: int = 0) -> None:
        """Let time pass."""
        for chain in self.chains.values():
            chain.advance(blocks, seconds)

    def check_stored_alike(self) -> None:
        """Fail when the contracts have stored different things."""
        left, right = (dict(chain.state.scan(b"c/")) for chain in self.chains.values())
        assert left == right

    def _both(self, act: Callable[[DevChain, str], Result]) -> Result:
        left, right = (act(chain, engine) for engine, chain in self.chains.items())
        assert (left.code, left.value, left.events) == (right.code, right.value, right.events)
        assert left.code not in SAID or left.text == right.text
        return left


def deployed(twins: Twins, name: str, *args: Value, sender: str = "alice") -> str:
    """Deploy an example and return its address."""
    done = twins.deploy(name, *args, sender=sender)
    assert done.is_ok, f"{done.code} {done.text}"
    return str(done.value)
