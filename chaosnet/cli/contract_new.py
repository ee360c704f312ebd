"""`chaosnet contract new`: a folder with a contract that works, its tests, and what to do next."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from chaosnet.base.errors import Invalid, Refused
from chaosnet.cli.asking import write_text
from chaosnet.cli.contract_python import class_name
from chaosnet.cli.contract_stubs import template
from chaosnet.cli.output import Json, note, print_fields, print_json

app = typer.Typer()

_name = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII).fullmatch


class Language(StrEnum):
    """What contracts are written in."""

    lua = "lua"
    js = "js"


class Template(StrEnum):
    """What a contract begins as."""

    counter = "counter"
    token = "token"


_TEST: Final = {Language.lua: "{}_test.lua", Language.js: "{}.test.js"}
_NEXT: Final = {
    Template.counter: ("0", "add 1", "total"),
    Template.token: ("GOLD 2 1000000 2000000", "issue ADDRESS 100", "token"),
}
"""Arguments of a deployment, of a call, and of a question, for the README."""


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(help="Name of the folder and the contract: letters, digits, _ and -.")
    ],
    language: Annotated[Language, typer.Option(help="Language of the contract.")] = Language.lua,
    start: Annotated[Template, typer.Option("--template", help="What it begins as.")] = Template.counter,
    *,
    as_json: Json = False,
) -> None:
    """Make a folder with a contract, its tests and a README."""
    if not _name(name):
        raise Invalid("bad_argument", f"{name[:80]!r}: a letter, then letters, digits, _ and -, at most 64")
    folder = Path(name)
    if folder.exists():
        raise Refused("bad_argument", f"{folder} is there already")
    stem = name.lower().replace("-", "_")
    file, test = f"{stem}.{language}", _TEST[language].format(stem)
    args, call, query = _NEXT[start]
    words = {
        "NAME": class_name(name.replace("_", "-")),
        "FILE": file,
        "TEST": test,
        "ARGS": args,
        "CALL": call,
        "QUERY": query,
        "STUBS": "api.d.ts" if language is Language.js else "api.d.lua",
    }
    folder.mkdir()
    for target, source in (
        (file, f"{start}.{language}"),
        (test, _TEST[language].format(start)),
        ("README.md", "README.md"),
    ):
        text = template(source)
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        write_text(folder / target, text)
    if as_json:
        print_json({"folder": name, "contract": f"{name}/{file}", "tests": f"{name}/{test}"})
    else:
        print_fields([("contract", f"{name}/{file}"), ("tests", f"{name}/{test}")])
        note(f"try it: chaosnet contract test {name}")
