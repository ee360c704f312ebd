"""A typed TypeScript client of one contract, as source text.

It needs nothing but something that asks and calls, such as the client in `clients/js`: the interface it must
have is written into the file. What the contract says of itself is only quoted.
"""

import json
from collections.abc import Sequence
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
export type Value = null | boolean | bigint | string | Uint8Array | Value[] | { [key: string]: Value };

export interface Sending {
  /** Asset -> amount in its smallest units. */
  sent?: Record<string, bigint>;
  gasLimit?: number;
  depositMax?: bigint;
}

/** Asks contracts and calls them; values go in and come out as they are. */
export interface Caller<Receipt> {
  query(contract: string, method: string, args: Value[]): Promise<unknown>;
  call(contract: string, method: string, args: Value[], options?: Sending): Promise<Receipt>;
}
"""
_WORDS: Final = (
    "arguments await break case catch class const continue debugger default delete do else enum eval export",
    "extends false finally for function if implements import in instanceof interface let new null package",
    "private protected public return static super switch this throw true try typeof var void while with",
    "yield options",
)


def typescript_client(interface: Interface, docs: dict[str, str], address: str) -> str:
    """Return the text of a module; `docs` by method, the contract's own under an empty name."""
    about = f"Client of the contract {interface.name} {interface.version}, by `chaosnet contract codegen`."
    lines = [
        f"// {_line(about)}",
        "",
        _HEAD,
        *_comment(docs.get("", ""), ""),
        f"export class {class_name(interface.name)}<Receipt = unknown> {{",
        f"  static readonly CONTRACT = {json.dumps(address)};",
        "  readonly #caller: Caller<Receipt>;",
        "  readonly #contract: string;",
        "",
        f"  constructor(caller: Caller<Receipt>, contract: string = {json.dumps(address)}) {{",
        "    this.#caller = caller;",
        "    this.#contract = contract;",
        "  }",
    ]
    for method in interface.methods.values():
        lines += ["", *_comment(docs.get(method.name, ""), "  "), *_method(method)]
    return "\n".join([*lines, "}"]) + "\n"


def _method(method: Method) -> list[str]:
    name = f"{method.name}_" if method.name == "constructor" else method.name
    listed = _listed(method.args)
    given = ", ".join(
        f"{_safe(arg)} ?? null" if kind.is_optional else _safe(arg) for arg, kind in method.args
    )
    quoted = json.dumps(method.name)
    if method.kind == "view":
        returns = _type(method.returns)
        return [
            f"  async {name}({', '.join(listed)}): Promise<{returns}> {{",
            f"    return (await this.#caller.query(this.#contract, {quoted}, [{given}])) as {returns};",
            "  }",
        ]
    return [
        f"  {name}({', '.join([*listed, 'options?: Sending'])}): Promise<Receipt> {{",
        f"    return this.#caller.call(this.#contract, {quoted}, [{given}], options);",
        "  }",
    ]


def _listed(args: Sequence[tuple[str, Kind]]) -> list[str]:
    last = max((place for place, (_, kind) in enumerate(args) if not kind.is_optional), default=-1)
    return [
        f"{_safe(name)}{'?' if place > last else ''}: {_type(kind)}"
        for place, (name, kind) in enumerate(args)
    ]


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
