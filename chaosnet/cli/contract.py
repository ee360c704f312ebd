"""`chaosnet contract`: write, check, deploy, call and look at contracts; each part is a module of its own."""

from importlib import import_module
from importlib.util import find_spec
from typing import Final

import typer

PARTS: Final = (
    "contract_new",
    "contract_check",
    "contract_test",
    "contract_profile",
    "contract_dev",
    "contract_deploy",
    "contract_call",
    "contract_query",
    "contract_codegen",
    "contract_schema",
)
"""Modules, each with an application of one or more commands, in the order of the help."""

app = typer.Typer(
    no_args_is_help=True, help="Write contracts in Lua or JavaScript, try them, deploy and call them."
)


def _assemble() -> None:
    for name in PARTS:
        if find_spec(f"chaosnet.cli.{name}") is not None:
            app.add_typer(import_module(f"chaosnet.cli.{name}").app)


_assemble()
