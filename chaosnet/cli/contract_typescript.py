"""A client of one contract on top of `clients/js`, as source text: TypeScript, or JavaScript without types.

Questions go through a Client or a Wallet of that package, calls through a Wallet. What the contract says of
itself is only quoted.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chaosnet.cli.contract_python import class_name
from chaosnet.contracts.interface import Interface, Kind, Method

_TYPES: Final = {
    "int": "bigint",
    "text": "string",
    "address": "string",
    "bytes": "Uint8Array",
    "bool": "boolean",
    "list": "Value[]",
    "map": "{ [key: string]: Value }",
    "any": "Value",
}
_HEAD: Final = """\
import type { Client, Options, Receipt, Value, Wallet } from 'chaosnet-client';

/** Asset -> amount in its smallest units, and limits. */
export type Sending = Options & { sent?: Record<string, bigint> };
export type Done<T> = Receipt & { value: T };
"""
_WORDS: Final = (
    "arguments await break case catch class const continue debugger default delete do else enum eval export",
    "extends false finally for function if implements import in instanceof interface let new null package",
    "private protected public return static super switch this throw true try typeof var void while with",
    "yield options wallet source caller contract",
)


@dataclass(frozen=True, slots=True)
class _Writer:
    is_typed: bool

    def of(self, kind: str) -> str:
        """Return what says that a name has a type."""
        return f": {kind}" if self.is_typed else ""

    def cast(self, kind: str) -> str:
        """Return what says that an expression has a type."""
        return f" as {kind}" if self.is_typed else ""

    def optional(self) -> str:
        """Return what says that a parameter may be left out."""
        return "?" if self.is_typed else ""

    def parameters(self, args: Sequence[tuple[str, Kind]]) -> list[str]:
        """Return parameters; those at the end that may lack can be left out."""
        last = max((place for place, (_, kind) in enumerate(args) if not kind.is_optional), default=-1)
        return [
            f"{_safe(name)}{self.optional() if place > last else ''}{self.of(_type(kind))}"
            for place, (name, kind) in enumerate(args)
        ]


def typescript_client(
    interface: Interface, docs: dict[str, str], engine: str, address: str, *, is_typed: bool = True
) -> str:
    """Return the text of a module; `docs` by method, the contract's own under an empty name."""
    write = _Writer(is_typed)
    caller = f"caller{write.of('Client | Wallet')}"
    name = class_name(interface.name)
    about = f"Client of the contract {interface.name} {interface.version}, by `chaosnet contract codegen`."
    lines = [
        f"// {_line(about)}",
        *([_HEAD] if is_typed else []),
        *_comment(docs.get("", ""), ""),
        f"export class {name} {{",
        f"  static {'readonly ' if is_typed else ''}CONTRACT = {json.dumps(address)};",
        f"  {'readonly ' if is_typed else ''}#{caller};",
        f"  {'readonly ' if is_typed else ''}#contract{write.of('string')};",
        "",
        "  /** A Client only asks; a Wallet also calls. */",
        f"  constructor({caller}, contract{write.of('string')} = {name}.CONTRACT) {{",
        "    this.#caller = caller;",
        "    this.#contract = contract;",
        "  }",
        "",
        *_deploy(write, name, interface.init, engine),
        "",
        f"  get contractAddress(){write.of('string')} {{",
        "    return this.#contract;",
        "  }",
        "",
        f"  #wallet(){write.of('Wallet')} {{",
        "    if (!('call' in this.#caller)) throw new Error('this client only asks: calls need a Wallet');",
        "    return this.#caller;",
        "  }",
    ]
    for method in interface.methods.values():
        lines += ["", *_comment(docs.get(method.name, ""), "  "), *_method(write, method)]
    return "\n".join([*lines, "}"]) + "\n"


def _method(write: _Writer, method: Method) -> list[str]:
    name = f"{method.name}_" if method.name in ("constructor", "contractAddress") else method.name
    listed = write.parameters(method.args)
    quoted = json.dumps(method.name)
    returns = _type(method.returns)
    if method.kind == "view":
        asked = f"await this.#caller.query(this.#contract, {quoted}, [{_given(method.args)}])"
        return [
            f"  async {name}({', '.join(listed)}){write.of(f'Promise<{returns}>')} {{",
            f"    return ({asked}){write.cast(returns)};",
            "  }",
        ]
    options = f"options{write.optional()}{write.of('Sending')}"
    called = f"await this.#wallet().call(this.#contract, {quoted}, [{_given(method.args)}], options)"
    return [
        f"  async {name}({', '.join([*listed, options])}){write.of(f'Promise<Done<{returns}>>')} {{",
        f"    return ({called}){write.cast(f'Done<{returns}>')};",
        "  }",
    ]


def _deploy(write: _Writer, name: str, init: Method | None, engine: str) -> list[str]:
    args = init.args if init is not None else ()
    options = f"options{write.optional()}{write.of('Options & { sent?: bigint }')}"
    listed = [f"wallet{write.of('Wallet')}", f"source{write.of('string')}", *write.parameters(args), options]
    return [
        "  /** Put the contract on the chain and return a client of it. */",
        f"  static async deploy({', '.join(listed)}){write.of(f'Promise<{name}>')} {{",
        f"    const done = await wallet.deploy({json.dumps(engine)}, source, [{_given(args)}], options);",
        f"    return new {name}(wallet, done.value{write.cast('string')});",
        "  }",
    ]


def _given(args: Sequence[tuple[str, Kind]]) -> str:
    return ", ".join(f"{_safe(name)} ?? null" if kind.is_optional else _safe(name) for name, kind in args)


def _type(kind: Kind | None) -> str:
    if kind is None:
        return "Value"
    found = _TYPES[kind.word]
    return f"{found} | null" if kind.is_optional and kind.word != "any" else found


def _safe(name: str) -> str:
    return f"{name}_" if any(name in words.split() for words in _WORDS) else name


def _comment(text: str, indent: str) -> list[str]:
    return [f"{indent}/** {_line(text)} */"] if text else []


def _line(text: str) -> str:
    """Return a text that cannot end the comment it stands in."""
    return " ".join(text.split()).replace("*/", "* /")
