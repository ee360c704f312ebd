"""A typed Python client of one contract, as source text. What the contract says of itself is only quoted."""

import keyword
import re
from collections.abc import Sequence
from typing import Final

from chaosnet.contracts.interface import Interface, Kind, Method
from chaosnet.rpc.contract_client import ContractClient

_TYPES: Final = {
    "int": "int",
    "text": "str",
    "address": "str",
    "bytes": "bytes",
    "bool": "bool",
    "list": "list[Value]",
    "map": "dict[str, Value]",
    "any": "Value",
}
_OWN: Final = ("self", "cls", "options", "client", "seed", "source", "sent", "Value", "Options", "Done")


def python_client(interface: Interface, docs: dict[str, str], engine: str, address: str) -> str:
    """Return the text of a module; `docs` by method, the contract's own under an empty name."""
    name = class_name(interface.name)
    lines = [
        repr(f"Client of the contract {interface.name} {interface.version}, by `chaosnet contract codegen`."),
        "",
        "from __future__ import annotations",
        "",
        "from chaosnet.contracts import values",
        "from chaosnet.contracts.values import Value",
        "from chaosnet.model.contract_actions import Deploy",
        "from chaosnet.rpc.client import Client",
        "from chaosnet.rpc.contract_client import NOTHING, ContractClient, Done, Options, run_action",
        "",
        "",
        f"class {name}(ContractClient):",
        f"    {(docs.get('') or interface.name)!r}",
        "",
        f"    CONTRACT = {address!r}",
    ]
    for method in interface.methods.values():
        lines += ["", *_method(method, docs.get(method.name, ""))]
    lines += ["", *_deploy(name, interface.init, engine)]
    return "\n".join(lines) + "\n"


def class_name(name: str) -> str:
    """Return the name of a contract as the name of a class."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    joined = "".join(word[0].upper() + word[1:] for word in words) or "Contract"
    return f"Contract{joined}" if joined[0].isdigit() or keyword.iskeyword(joined) else joined


def safe_name(name: str, taken: Sequence[str]) -> str:
    """Return a name that is no word of the language and not taken."""
    while keyword.iskeyword(name) or name in taken:
        name += "_"
    return name


def _method(method: Method, doc: str) -> list[str]:
    name = safe_name(method.name, ["deploy", *dir(ContractClient)])
    if name.startswith("__"):
        name = f"method{name}"
    given = ", ".join(safe_name(arg, _OWN) for arg, _ in method.args)
    returns = _type(method.returns)
    shown = repr(doc or f"Call {method.name}.")
    if method.kind == "view":
        return [
            f"    def {name}({_parameters(method)}) -> {returns}:",
            f"        {shown}",
            f"        answer: {returns} = self._ask({method.name!r}, [{given}])",
            "        return answer",
        ]
    more = f"{_parameters(method)}, *, options: Options = NOTHING"
    return [
        f"    def {name}({more}) -> Done[{returns}]:",
        f"        {shown}",
        f"        return self._do({method.name!r}, [{given}], options)",
    ]


def _deploy(name: str, init: Method | None, engine: str) -> list[str]:
    args = init.args if init else ()
    given = ", ".join(safe_name(arg, _OWN) for arg, _ in args)
    named = _listed(args)
    parameters = ", ".join(["cls, client: Client, seed: bytes, source: bytes", *named])
    return [
        "    @classmethod",
        f"    def deploy({parameters}, *, options: Options = NOTHING) -> {name}:",
        '        """Put the contract on the chain and return a client of it."""',
        f"        args = values.encode([{given}])",
        f"        action = Deploy({engine!r}, source, args, options.sent.get('COS', 0), 0)",
        "        done = run_action(client, seed, action, options)",
        "        return cls(client, seed, done.value)",
    ]


def _parameters(method: Method) -> str:
    return ", ".join(["self", *_listed(method.args)])


def _listed(args: Sequence[tuple[str, Kind]]) -> list[str]:
    """Return parameters; those that may be left out at the end have a default."""
    last = max((place for place, (_, kind) in enumerate(args) if not kind.is_optional), default=-1)
    return [
        f"{safe_name(name, _OWN)}: {_type(kind)}{' = None' if place > last else ''}"
        for place, (name, kind) in enumerate(args)
    ]


def _type(kind: Kind | None) -> str:
    if kind is None:
        return "Value"
    found = _TYPES[kind.word]
    return f"{found} | None" if kind.is_optional and kind.word != "any" else found
