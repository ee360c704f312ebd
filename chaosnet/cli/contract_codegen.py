"""`chaosnet contract codegen`: typed clients of a contract, and stubs for editors."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from chaosnet.cli.asking import DEFAULT_NODE, Node, Out, asking, write_text
from chaosnet.cli.contract_python import python_client
from chaosnet.cli.contract_source import load_contract
from chaosnet.cli.contract_stubs import stubs
from chaosnet.cli.contract_typescript import typescript_client
from chaosnet.cli.contract_values import declared_of
from chaosnet.cli.output import Json, print_json
from chaosnet.contracts.interface import parse_interface
from chaosnet.contracts.values import Value
from chaosnet.devchain.bundle import SUFFIXES

app = typer.Typer()


class Language(StrEnum):
    """What can be made."""

    python = "python"
    typescript = "typescript"
    javascript = "javascript"
    stubs = "stubs"


@app.command()
def codegen(
    what: Annotated[str, typer.Argument(metavar="CONTRACT|FILE", help="Address on the chain, or a source.")],
    language: Annotated[Language, typer.Option(help="A client, or stubs for the editor of its source.")],
    out: Out = None,
    node: Node = DEFAULT_NODE,
    *,
    as_json: Json = False,
) -> None:
    """Make a typed client with one function a method, or stubs that tell an editor what a contract finds."""
    if Path(what).suffix in SUFFIXES:
        loaded = load_contract(Path(what))
        declared, engine, address = loaded.declared, loaded.bundle.engine, ""
    else:
        with asking(node) as client:
            found = client.contract(what)
        declared, engine, address = declared_of(found), found.summary.engine, found.summary.address
    text = made(language, declared, engine, address)
    if as_json:
        print_json({"language": language.value, "text": text})
    else:
        write_text(out, text)


def made(language: Language, declared: dict[str, Value], engine: str, address: str) -> str:
    """Return the text in a language."""
    interface = parse_interface(declared)
    match language:
        case Language.python:
            return python_client(interface, _docs(declared), engine, address)
        case Language.typescript | Language.javascript:
            is_typed = language is Language.typescript
            return typescript_client(interface, _docs(declared), engine, address, is_typed=is_typed)
        case Language.stubs:
            return stubs(engine, declared)


def _docs(declared: dict[str, Value]) -> dict[str, str]:
    methods = declared.get("methods")
    found: dict[str, Value] = {"": declared.get("doc")}
    for name, body in methods.items() if isinstance(methods, dict) else []:
        found[name] = body.get("doc") if isinstance(body, dict) else None
    return {name: doc for name, doc in found.items() if isinstance(doc, str) and doc}
