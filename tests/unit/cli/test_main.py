"""The command as a whole: what an exit code means, what an error looks like, what every command offers."""

import subprocess
import sys
from typing import Any

import pytest
import typer

from chaosnet import __version__
from chaosnet.base.errors import CODES, Broken, ChaosError, Invalid, Refused, Unavailable
from chaosnet.cli import chain, main, output
from chaosnet.cli.reference import leaves
from tests.unit.cli.conftest import Cli

COMMANDS = dict(leaves(typer.main.get_command(main.app), "chaosnet"))


def test_version(cli: Cli) -> None:
    assert cli("version", "--json").json["version"] == __version__
    assert __version__ in cli("version").out
    assert cli("--version").out == f"chaosnet {__version__}\n"


def test_every_command_has_json_and_help() -> None:
    for name, command in COMMANDS.items():
        options = [text for parameter in command.params for text in parameter.opts]
        assert "--json" in options, name
        assert command.help, name
        undescribed = [p.name for p in command.params if not getattr(p, "help", "")]
        assert not undescribed, (name, undescribed)


def test_commands_of_the_issue_are_there() -> None:
    wanted = (
        "init, node run, node reset, version, account, block, status, peers, verify, keys new, keys list,"
        " keys import, keys export, keys sign-message, keys verify-message, tx send, tx build, tx sign,"
        " tx combine, tx submit, tx simulate, tx wait, tx show, genesis hash, genesis new consortium"
    )
    assert {f"chaosnet {name}" for name in wanted.split(", ")} <= set(COMMANDS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("mempool_full"), output.REFUSED),
        (Invalid("not_enough"), output.REFUSED),
        (Broken("data_damaged"), output.REFUSED),
        (Invalid("bad_address"), output.USAGE),
        (Invalid("bad_config"), output.USAGE),
        (Unavailable("connection"), output.UNREACHABLE),
        (Unavailable("timeout"), output.UNREACHABLE),
        (Unavailable("overloaded"), output.REFUSED),
        (Invalid("proof_invalid"), output.PROOF_INVALID),
        (Broken("internal"), output.INTERNAL),
        (Broken("supply_changed"), output.INTERNAL),
        (Broken("rule_unknown"), output.REFUSED),
    ],
)
def test_exit_codes(error: ChaosError, code: int) -> None:
    assert output.exit_code_of(error) == code
    assert code in output.EXIT_CODES


def test_hints_are_for_codes_that_exist() -> None:
    assert set(output.HINTS) <= set(CODES)


def test_unreachable_node_says_how_to_start_one(cli: Cli) -> None:
    failed = cli("status", "--node", "http://127.0.0.1:1", code=3)
    assert "http://127.0.0.1:1" in failed.err
    assert "chaosnet node run" in failed.err
    assert failed.out == ""
    assert cli("status", "--node", "http://127.0.0.1:1", "--json", code=3).problem == "connection"
    assert cli("status", "--node", "127.0.0.1:1", "--json", code=2).problem == "bad_argument"
    assert cli("status", "--node", "unix:///nowhere/admin.sock", "--json", code=3).problem == "connection"


@pytest.mark.parametrize(
    "arguments",
    [["nothing"], ["block", "--nothing"], ["wait-height", "x"], ["tx", "send"], ["block", "1", "2"]],
)
def test_wrong_usage_is_one_line_and_exit_code_2(cli: Cli, arguments: list[str]) -> None:
    assert cli(*arguments, "--json", code=2).problem == "bad_argument"
    failed = cli(*arguments, code=2)
    assert "--help" in failed.err
    assert "Traceback" not in failed.err


def test_without_arguments_there_is_help(cli: Cli) -> None:
    done = cli(code=2)
    assert "keys" in done.out + done.err
    assert "Exit codes" in cli("--help").out


def test_expected_errors_have_no_traceback_and_faults_have_one(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(chain, "asking", fail)
    failed = cli("status", code=70)
    assert "ZeroDivisionError: planted" in failed.err
    assert "Traceback" in failed.err
    assert cli("status", "--json", code=70).problem == "internal"


def test_file_that_is_not_there_is_wrong_usage(cli: Cli) -> None:
    assert cli("tx", "submit", "/nowhere/tx.json", "--json", code=2).problem == "bad_argument"


def test_shell_completion_knows_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from chaosnet.cli.main import main; main()"],
        env={"_CHAOSNET_COMPLETE": "complete_bash", "COMP_WORDS": "chaosnet ver", "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["version", "verify"]
