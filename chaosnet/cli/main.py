"""The `chaosnet` command: its parts put together, and what becomes of errors.

A module of this package is a part. It offers `app`, a typer application: a group of commands, or commands of
the top level. Parts that may be absent are named in LATER; such a part may also be one function of its own
name, then it is one command.
"""

import os
import platform
import sys
import traceback
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Final

import typer

from chaosnet import __version__, compiled
from chaosnet.base.errors import ChaosError
from chaosnet.cli import (
    account,
    chain,
    contract,
    fence,
    genesis,
    init,
    keys,
    messages,
    node,
    output,
    policy,
    registration,
    stake,
    token,
    tree,
    tx,
    tx_build,
    tx_trace,
    validators,
    verify,
)
from chaosnet.cli.output import EXIT_CODES, INTERNAL, INTERRUPTED, Json, print_fields, print_json, print_text
from chaosnet.rules.registry import rules_known

LATER: Final = ("devnet", "bench", "sim", "tui", "explorer")
"""Parts that are there in some installations."""

PROGRAM: Final = "chaosnet"
TRACEBACK_VARIABLE: Final = "CHAOSNET_TRACEBACK"

_EPILOG: Final = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."

app = typer.Typer(
    name=PROGRAM,
    no_args_is_help=True,
    help="An ops-focused blockchain node: run it, use it, verify it.",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print_text(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the release and end.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Take the options that belong to no command."""


@app.command()
def version(*, as_json: Json = False) -> None:
    """Print the release, the rule sets it knows, and whether its core is compiled."""
    if as_json:
        known = {
            "version": __version__,
            "rules": rules_known(),
            "python": platform.python_version(),
            "core": compiled.word(),
        }
        print_json(known)
    else:
        rules = ", ".join(map(str, rules_known()))
        print_fields([("chaosnet", __version__), ("rule sets", rules), ("core", compiled.word())])


def assemble() -> None:
    """Add all parts to the application."""
    app.add_typer(init.app)
    app.add_typer(node.app, name="node")
    app.add_typer(genesis.app, name="genesis")
    keys.app.add_typer(policy.app)
    keys.app.add_typer(messages.app)
    keys.app.add_typer(fence.app)
    keys.app.add_typer(registration.app)
    app.add_typer(keys.app, name="keys")
    tx.app.add_typer(tx_build.app)
    tx.app.add_typer(tx_trace.app)
    app.add_typer(tx.app, name="tx")
    app.add_typer(stake.app, name="stake")
    app.add_typer(contract.app, name="contract")
    app.add_typer(token.app, name="token")
    app.add_typer(account.app)
    app.add_typer(chain.app)
    app.add_typer(validators.app)
    app.add_typer(tree.app)
    app.add_typer(verify.app)
    for name in LATER:
        if find_spec(f"chaosnet.cli.{name}") is None:
            continue
        part = import_module(f"chaosnet.cli.{name}")
        group = getattr(part, "app", None)
        if isinstance(group, typer.Typer):
            app.add_typer(group, name=name)
        else:
            app.command(name=name)(getattr(part, name))


assemble()


def run(arguments: list[str]) -> int:
    """Run one command and return the exit code; expected errors are one line, without a traceback."""
    as_json = "--json" in arguments
    command = typer.main.get_command(app)
    try:
        result = command.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except ChaosError as error:
        output.report_error(error.code, error.detail, as_json=as_json)
        return output.exit_code_of(error)
    except typer.TyperException as error:
        _report_usage(error, as_json=as_json)
        return error.exit_code
    except typer.Abort:
        return INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        output.report_error("bad_argument", f"{where}{error.strerror or error}", as_json=as_json)
        return output.USAGE
    except Exception as error:  # noqa: BLE001 - the last place to say what happened
        if not as_json or TRACEBACK_VARIABLE in os.environ:
            traceback.print_exc()
        output.report_error("internal", f"{type(error).__name__}: {error}", as_json=as_json)
        return INTERNAL
    return result if isinstance(result, int) else 0


def _report_usage(error: typer.TyperException, *, as_json: bool) -> None:
    if type(error).__name__ == "NoArgsIsHelpError":
        output.note(error.format_message())
        return
    output.report_error("bad_argument", error.format_message(), as_json=as_json)
    context = getattr(error, "ctx", None)
    if context is not None and not as_json:
        output.note(f"Try `{context.command_path} --help`.")


def main() -> None:
    """Entry point."""
    sys.exit(run(sys.argv[1:]))
