"""docs/contracts.md keeps its promises: each block of code runs, in both languages with the same results."""

import re
from pathlib import Path

import pytest

from chaosnet.cli.main import run
from chaosnet.contracts import interface, keys, ops, values
from chaosnet.contracts.faults import FAULTS, TEXT_BYTES_MAX
from chaosnet.devchain.bundle import bundle
from chaosnet.devchain.chain import DevChain
from chaosnet.model.contract_actions import CONTRACT_BYTES_MAX, SENT_MAX
from chaosnet.rules.registry import rules_at
from tests.examples.documented import ENGINES, Block, Reader, blocks_of, save_files
from tests.machines import machine, on_big_stack
from tests.tidy import REPOSITORY

DOCUMENT = REPOSITORY / "docs/contracts.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
BLOCKS = blocks_of(DOCUMENT)


def blocks_in(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


@pytest.mark.parametrize("language", sorted(ENGINES))
def test_every_block_of_code_runs_and_keeps_its_promises(language: str) -> None:
    def run() -> int:
        reader = Reader(language)
        for block in blocks_in(language):
            reader.run(block)
        return reader.promises

    assert on_big_stack(run) > 90


def test_both_languages_are_shown_everywhere() -> None:
    lua, js = (
        [(re.sub(r"file=\S+", "", block.info), *_shape(block)) for block in blocks_in(name)]
        for name in ("lua", "js")
    )
    assert lua == js


def _shape(block: Block) -> tuple[int, ...]:
    """Return how many promises a block makes: the same in both languages, one line apart from none."""
    if block.info == "" and block.text.startswith(("os ==", "typeof")):
        return ()  # what each language lacks
    return (block.text.count(" → "),)


@pytest.mark.parametrize("language", sorted(ENGINES))
def test_a_contract_in_several_files(language: str, tmp_path: Path) -> None:
    save_files(DOCUMENT, language, tmp_path)
    made = bundle(tmp_path / f"shop.{language}")

    def price() -> object:
        chain = DevChain(machine())
        return chain.query(str(chain.deploy(made.source, made.engine).value), "price", 101)

    assert on_big_stack(price) == 121


def test_commands_are_those_there_are() -> None:
    for command in sorted(set(re.findall(r"chaosnet (contract|token|tx) ([a-z]+)", TEXT))):
        assert run([*command, "--help"]) == 0, command


def test_every_code_of_a_failure_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", TEXT.split("## When something fails")[1], re.MULTILINE)
    assert explained == list(FAULTS)


def test_numbers_are_those_of_the_chain() -> None:
    gas, prices = rules_at(1).gas, ops.prices_of(1)
    per_gas = gas.fuel_per_gas
    for name, number in (
        ("a transaction with a call, one signature", gas.tx_base + gas.per_signature + gas.call),
        ("every operation below", prices.host_call // per_gas),
        ("an entry or a balance that is read, each step through a map", prices.read // per_gas),
        ("an entry or a balance that is written", prices.change // per_gas),
        ("each byte by which the state grows", prices.state_byte // per_gas),
        ("an event", prices.event // per_gas),
        ("a signature that is verified", prices.verify // per_gas),
        ("each byte that is hashed", prices.hash_byte // per_gas),
        ("source", f"{CONTRACT_BYTES_MAX // 1024} KiB"),
        ("fuel to load it", ops.LOAD_FUEL_MAX),
        ("contracts inside each other", ops.DEPTH_MAX),
        ("a key of storage", f"{keys.KEY_BYTES_MAX} bytes"),
        ("a value, all arguments, a returned value", f"{values.VALUE_BYTES_MAX // 1024} KiB"),
        ("lists and maps inside each other", values.VALUE_DEPTH_MAX),
        ("events of a transaction; one event", f"{ops.EVENTS_MAX}; {ops.EVENT_BYTES_MAX // 1024} KiB"),
        ("entries of one page", ops.SCAN_MAX),
        ("assets sent with a call", SENT_MAX),
        ("methods; arguments of one", f"{interface.METHODS_MAX}; {interface.ARGS_MAX}"),
        ("events, errors, entries of storage", f"{interface.NAMES_MAX} each"),
        ("text of a revert in a receipt", f"{TEXT_BYTES_MAX} bytes"),
    ):
        shown = f"{number:,}" if isinstance(number, int) else number
        assert f"| {name} | {shown} |" in TEXT, f"{name}: {shown}"
    assert f"{prices.frame // per_gas:,}, and one {per_gas * prices.load_part}th of the fuel" in TEXT
