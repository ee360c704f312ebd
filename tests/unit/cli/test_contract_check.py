"""`chaosnet contract check`: what a contract declares, and what deserves a second look."""

import re
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

LUA = """contract{ api=1, name="Till", version="2.1.0", licence="MIT", doc="Keeps coins.",
  permissions={transfer={"COS"}}, events={Paid={"to address", "amount int"}},
  storage={total="counter"}, init={args={"start int"}, run=function(start) store.total:set(start) end},
  methods={
    pay={kind="write", args={"to address", "amount int"}, returns="int?", doc="Pay.", run=function(to, amount)
      transfer(to, amount)
      emit("Paid", to, amount)
      return store.total:sub(amount)
    end},
  } }
"""
JS = """contract({ api: 1, name: 'Till', version: '2.1.0', licence: 'MIT', doc: 'Keeps coins.',
  permissions: { transfer: ['COS'] }, events: { Paid: ['to address', 'amount int'] },
  storage: { total: 'counter' }, init: { args: ['start int'], run: (start) => store.total.set(start) },
  methods: {
    pay: { kind: 'write', args: ['to address', 'amount int'], returns: 'int?', doc: 'Pay.', run(to, amount) {
      transfer(to, amount)
      emit('Paid', to, amount)
      return store.total.sub(amount)
    } },
  } })
"""
SOURCES = {"lua": LUA, "js": JS}
both = pytest.mark.parametrize("suffix", ["lua", "js"])


def write(folder: Path, suffix: str, text: str | None = None) -> Path:
    file = folder / f"till.{suffix}"
    file.write_text(SOURCES[suffix] if text is None else text)
    return file


def codes(cli: Cli, file: Path, code: int = 0, *more: str) -> list[tuple[str, int]]:
    found = cli("contract", "check", file, "--json", *more, code=code).json["warnings"]
    return [(one["code"], one["line"]) for one in found]


@both
def test_what_it_declares(cli: Cli, tmp_path: Path, suffix: str) -> None:
    file = write(tmp_path, suffix)
    found = cli("contract", "check", file, "--json").json
    assert found["engine"] == f"{suffix}/1"
    assert found["files"] == [file.name]
    assert found["source_bytes"] == len(SOURCES[suffix])
    assert found["interface"]["permissions"] == {"transfer": ["COS"]}
    assert found["warnings"] == []
    assert 100_000 < found["load_fuel"] < 5_000_000
    assert found["frame_gas"] > 1_000
    assert len(bytes.fromhex(found["interface_hash"] + found["source_hash"])) == 64
    text = cli("contract", "check", file, "--strict").out
    for part in (
        "Till",
        "COS",
        "init(start int)",
        "pay(to address, amount int) -> int?  Pay.",
        "total counter",
    ):
        assert part in text


@both
def test_origin_must_not_be_compared(cli: Cli, tmp_path: Path, suffix: str) -> None:
    equal = "==" if suffix == "lua" else "==="
    line = f"transfer(to, amount) ensure(ctx.origin {equal} to, 'no')"
    file = write(tmp_path, suffix, SOURCES[suffix].replace("transfer(to, amount)", line))
    line = line.replace(" ensure", "; ensure")
    file.write_text(SOURCES[suffix].replace("transfer(to, amount)", line))
    assert codes(cli, file, 1) == [("origin", 6)]
    alias = "local who = ctx.origin" if suffix == "lua" else "const who = ctx.origin"
    line = f"{alias}; transfer(to, amount); ensure(to {equal} who, 'no')"
    file.write_text(SOURCES[suffix].replace("transfer(to, amount)", line))
    assert codes(cli, file, 1) == [("origin", 6)]
    if suffix == "js":
        for line in ("const { caller, origin: who } = ctx;", "const { origin: who } = ctx;"):
            line += " transfer(to, amount); ensure(who === to, 'no')"
            file.write_text(SOURCES[suffix].replace("transfer(to, amount)", line))
            assert codes(cli, file, 1) == [("origin", 6)]
    line = f"transfer(to, amount); ensure(to {equal} ctx['origin'], 'no')"
    file.write_text(SOURCES[suffix].replace("transfer(to, amount)", line))
    assert codes(cli, file, 1) == [("origin", 6)]
    own = alias.replace("ctx.origin", "to").replace("who", "origin")
    line = f"transfer(to, amount); {own}; ensure(origin {equal} to)"
    file.write_text(SOURCES[suffix].replace("transfer(to, amount)", line))
    assert codes(cli, file) == []
    line = f"{alias}; transfer(to, amount); ensure(to {equal} who, 'no')"
    file.write_text(SOURCES[suffix].replace("transfer(to, amount)", line))
    assert "error: till." in cli("contract", "check", file, code=1).err
    file.write_text(
        SOURCES[suffix].replace("transfer(to, amount)", "transfer(to, amount); print(ctx.origin)")
    )
    assert codes(cli, file) == []


@both
def test_bare_arithmetic_with_amounts(cli: Cli, tmp_path: Path, suffix: str) -> None:
    dot = ":" if suffix == "lua" else "."
    one = "1" if suffix == "lua" else "1n"
    for text, is_found in (
        (f"amount + {one}", True),
        (f"{one} * amount", True),
        (f"store.total{dot}get() - {one}", True),
        (f"{one} + {one}", False),
        (f"-{one}", False),
        ("'amount - 1'", False),
        ("int.add(amount, amount)", False),
    ):
        made = SOURCES[suffix].replace(f"store.total{dot}sub(amount)", text)
        assert codes(cli, write(tmp_path, suffix, made)) == ([("bare_arithmetic", 8)] if is_found else []), (
            text
        )
    made = SOURCES[suffix].replace(f"store.total{dot}sub(amount)", f"amount + {one}")
    codes(cli, write(tmp_path, suffix, made), 1, "--strict")


@both
def test_what_a_view_changes_and_tokens_without_the_permission(cli: Cli, tmp_path: Path, suffix: str) -> None:
    view = re.sub(r"""(["'])write""", r"\1view", SOURCES[suffix])
    assert codes(cli, write(tmp_path, suffix, view)) == [("change_in_view", line) for line in (6, 7, 8)]
    none = "nil" if suffix == "lua" else "null"
    made = SOURCES[suffix].replace(
        "transfer(to, amount)", f"transfer(to, amount); token.issue({none}, to, amount)"
    )
    assert codes(cli, write(tmp_path, suffix, made)) == [("missing_permission", 0)]
    asked = view.replace("sub(amount)", "get()").replace("transfer(to, amount)", "").split("\n")
    file = write(tmp_path, suffix, "\n".join(line for line in asked if "emit" not in line))
    assert ("change_in_view", 8) not in codes(cli, file)


@both
def test_permissions_events_and_docs(cli: Cli, tmp_path: Path, suffix: str) -> None:
    text = SOURCES[suffix]
    quote = '"' if suffix == "lua" else "'"
    file = write(tmp_path, suffix, text.replace("transfer(to, amount)", ""))
    assert codes(cli, file) == [("unused_permission", 0)]
    bare = text.replace('{transfer={"COS"}}', "{}").replace("{ transfer: ['COS'] }", "{}")
    assert codes(cli, write(tmp_path, suffix, bare)) == [("missing_permission", 0)]
    other = text.replace(f"emit({quote}Paid", f"emit({quote}Spent")
    assert codes(cli, write(tmp_path, suffix, other)) == [("unused_event", 0), ("unknown_event", 0)]
    silent = text.replace('doc="Pay.", ', "").replace("doc: 'Pay.', ", "")
    assert codes(cli, write(tmp_path, suffix, silent)) == [("no_doc", 0)]
    wide = text.replace('{transfer={"COS"}}', '{transfer="any", issue=true, call="any"}')
    wide = wide.replace("{ transfer: ['COS'] }", "{ transfer: 'any', issue: true, call: 'any' }")
    found = [code for code, _ in codes(cli, write(tmp_path, suffix, wide))]
    assert found == ["unused_permission"] * 2 + ["wide_permission"] * 2


@both
def test_what_does_not_load_is_refused_with_file_and_line(cli: Cli, tmp_path: Path, suffix: str) -> None:
    file = write(tmp_path, suffix, "\n\n) = (\n")
    ran = cli("contract", "check", file, "--json", code=1)
    assert ran.problem == "script_error"
    assert f"till.{suffix}:3: " in ran.err
    file.write_text(SOURCES[suffix].replace("returns", "gives"))
    assert cli("contract", "check", file, "--json", code=1).problem == "bad_interface"
    (tmp_path / "till.txt").write_text("")
    assert cli("contract", "check", tmp_path / "till.txt", "--json", code=2).problem == "bad_argument"
    assert cli("contract", "check", tmp_path / f"no.{suffix}", "--json", code=2).problem == "bad_argument"
