"""Random sequences of calls, on which promises of a contract are tried; the same again for the same steps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from chaosnet.base.dice import Dice
from chaosnet.contracts.values import Value
from chaosnet.devchain.chain import DevChain
from chaosnet.devchain.generate import Generator, Parameter

SENT_MAX = 10**9
"""Motes with a call of a payable method."""


class Actor(Protocol):
    """Performs calls."""

    def act(self, contract: str, method: str, args: list[Value], options: dict[str, Any]) -> dict[str, Value]:
        """Call a method in a transaction and tell all."""
        ...


@dataclass(slots=True)
class Steps:
    """One sequence: made by dice, or given.

    A step is [sender, contract, method, args, motes] or [sender, number of the action, args].
    """

    dice: Dice
    most: int = 0
    actions: Sequence[tuple[str, Sequence[Parameter]]] = ()
    given: list[Value] | None = None
    taken: list[Value] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """Steps and their ends, for people."""
    _people: list[str] = field(default_factory=list)
    _addresses: list[str] = field(default_factory=list)
    _methods: list[tuple[str, str, str, list[Parameter], bool]] = field(default_factory=list)

    def prepare(self, chain: DevChain, contracts: list[str]) -> None:
        """Learn what there is to call."""
        self._people = [account.text for account in chain.accounts.values()][:4]
        self._addresses = [*self._people, *contracts]
        for address in contracts:
            interface = chain.interface_of(address)
            for name, method in sorted(interface.methods.items()):
                if method.kind != "view":
                    takes = [Parameter(arg, kind.word, kind.is_optional) for arg, kind in method.args]
                    self._methods.append((address, interface.name, name, takes, method.kind == "payable"))

    def next(self, desk: Actor) -> Value:
        """Take a step: True when it was a call, else what the script has to do; False at the end."""
        step = self._drawn()
        if step is None:
            return False
        self.taken.append(step)
        if len(step) == 3:
            sender, number, args = step
            name, takes = self.actions[int(str(number)) - 1]
            self.told.append(f"{name}({shown(args, takes)}) by {sender!s}")
            return {"sender": sender, "action": number, "args": args}
        sender, contract, method, args, motes = step
        sent = {"COS": motes} if motes else None
        assert isinstance(args, list)  # noqa: S101 - made below
        done = desk.act(str(contract), str(method), args, {"as": sender, "sent": sent})
        name = next(title for address, title, *_ in self._methods if address == contract)
        paid = f" with {motes!s} motes" if motes else ""
        said = f"{done['code']!s}: {done['text']!s}" if done["text"] else done["code"]
        self.told.append(f"{name}.{method!s}({shown(args)}) by {sender!s}{paid} -> {said!s}")
        return True

    def _drawn(self) -> list[Value] | None:
        at = len(self.taken)
        if self.given is not None:
            found = self.given[at] if at < len(self.given) else None
            return found if isinstance(found, list) else None
        if at >= self.most or not (self.actions or self._methods):
            return None
        dice = self.dice.fork(str(at))
        generator = Generator(dice, self._addresses)
        sender: Value = dice.pick(self._people)
        if self.actions:
            number = dice.below(len(self.actions)) + 1
            return [sender, number, generator.values(self.actions[number - 1][1])]
        address, _, method, takes, is_payable = dice.pick(self._methods)
        motes = dice.below(SENT_MAX) if is_payable and dice.chance(3, 4) else 0
        return [sender, address, method, generator.values(takes), motes]


def shown(args: Value, takes: Sequence[Parameter] = ()) -> str:
    """Return arguments for people."""
    found = args if isinstance(args, list) else [args]
    names = [f"{one.name} = " for one in takes] or [""] * len(found)
    return ", ".join(f"{name}{one!r}" for name, one in zip(names, found, strict=False))
