"""Code out of a document, made to run: whole contracts, pieces of a method's body, and what they promise.

A fence's first word is the language; the words after it say what the block is:

* `contract name=bank args=["a",1]`: a whole contract, deployed with these arguments; its address can be used
  under that name by pieces after it.
* `declares`: fields of the contract in which the pieces after it run.
* nothing: a piece of a method's body. A line that ends in a comment with an arrow promises: `-- → 23`
  (in JavaScript `// → 23n`) that its expression has this value, `-- → reverts "text"` and `-- → fails code`
  that the call fails so.
* `test`: left to `chaosnet contract test`.

`file=bank.lua` says under which name a reader saves a block.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chaosnet.contracts.values import Value
from chaosnet.devchain.chain import DevChain, Result
from tests.machines import machine

ENGINES: Final = {"lua": "lua/1", "js": "js/1"}
SENT: Final = 1_000
"""Motes that come with each piece."""
_FENCE: Final = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMISE: Final = re.compile(r"^(?P<code>.*\S)\s*(?:--|//) → (?P<promise>.+)$")
_NAMED: Final = re.compile(r"(\w+)=(\S+)")
_PEOPLE: Final = ("alice", "bob")


@dataclass(frozen=True, slots=True)
class Block:
    language: str
    info: str
    text: str
    line: int

    @property
    def kind(self) -> str:
        return self.info.split()[0] if self.info else ""

    @property
    def options(self) -> dict[str, str]:
        return dict(_NAMED.findall(self.info))


def blocks_of(path: Path) -> list[Block]:
    """Return the fenced blocks of a document."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(found[1], found[2].strip(), found[3], text.count("\n", 0, found.start()) + 1)
        for found in _FENCE.finditer(text)
    ]


def commands_in(path: Path, title: str) -> list[str]:
    """Return the lines of shell in one chapter of a document, without comments."""
    chapter = path.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    text = "".join(found[3] for found in _FENCE.finditer(chapter) if found[1] == "sh")
    lines = (line.split(" #")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def save_files(path: Path, language: str, folder: Path) -> None:
    """Save the blocks of a document that a reader is told to save."""
    for block in blocks_of(path):
        if block.language == language and "file" in block.options:
            (folder / block.options["file"]).write_text(block.text, encoding="utf-8")


@dataclass(slots=True)
class Reader:
    """Runs the blocks of one language in order, on a chain of its own."""

    language: str
    declared: str = ""
    known: dict[str, str] = field(default_factory=dict)
    chain: DevChain = field(default_factory=lambda: DevChain(machine()))
    promises: int = 0

    def __post_init__(self) -> None:
        self.known = {name: self.chain.accounts[name].text for name in _PEOPLE}

    def run(self, block: Block) -> None:
        """Run a block; fails with its line."""
        if block.kind == "contract":
            args = json.loads(block.options.get("args", "[]"))
            done = self.chain.deploy(block.text, ENGINES[self.language], *args)
            assert done.is_ok, f"line {block.line}: {done.code} {done.text}"
            self.known[block.options.get("name", "self")] = str(done.value)
        elif block.kind == "declares":
            self.declared = block.text.strip()
        elif not block.kind:
            self._run_piece(block)

    def _run_piece(self, block: Block) -> None:
        lines = block.text.rstrip().split("\n")
        for count, line in enumerate(lines):
            found = _PROMISE.match(line)
            failure = found and re.match(r'(reverts|fails) "?([^"]*)"?$', found["promise"])
            if found and failure:
                before = [item for item in lines[:count] if not _fails(item)]
                last = found["code"] if found["code"].endswith(")") else self._quiet(line)
                done = self._called("\n".join([*map(self._quiet, before), last]))
                said = done.text if failure[1] == "reverts" else done.code
                assert said == failure[2], f"line {block.line + count + 1}: {done.code} {done.text}"
                self.promises += 1
        kept = [line for line in lines if not _fails(line)]
        done = self._called("\n".join(map(self._kept, kept)))
        assert done.is_ok, f"line {block.line}: {done.code} {done.text}"
        assert isinstance(done.value, list)
        wanted = [line for line in kept if _PROMISE.match(line)]
        for line, pair in zip(wanted, done.value, strict=True):
            assert isinstance(pair, list)
            assert pair[0] == pair[1], f"line {block.line}: {line}: it is {pair[0]!r}"
        self.promises += len(wanted)

    def _quiet(self, line: str) -> str:
        found = _PROMISE.match(line)
        if not found:
            return line
        return f"local _ = {found['code']}" if self.language == "lua" else f"void ({found['code']});"

    def _kept(self, line: str) -> str:
        found = _PROMISE.match(line)
        if not found:
            return line
        if self.language == "lua":
            return f"kept[#kept + 1] = {{or_null({found['code']}), or_null({found['promise']})}}"
        return f"kept.push([{found['code'].rstrip(';')}, {found['promise']}]);"

    def _called(self, body: str) -> Result:
        names = sorted(self.known)
        args: list[Value] = [self.known[name] for name in names]
        source = _scaffold(self.language, self.declared, ", ".join(names), body, len(names))
        made = self.chain.deploy(source, ENGINES[self.language])
        assert made.is_ok, f"{made.code} {made.text}:\n{source}"
        return self.chain.call(str(made.value), "run", *args, sent={"COS": SENT})


def _fails(line: str) -> bool:
    found = _PROMISE.match(line)
    return bool(found and re.match(r"(reverts|fails) ", found["promise"]))


def _scaffold(language: str, declared: str, names: str, body: str, count: int) -> str:
    kinds = ", ".join(f'"a{number} any"' for number in range(count))
    if declared and not declared.endswith(","):
        declared += ","
    if language == "lua":
        return f"""
local function or_null(value) if value == nil then return null end return value end
contract{{ api=1, name="Piece", {declared}
  methods={{run={{kind="payable", args={{{kinds}}}, run=function({names})
    local kept = {{}}
    {body}
    return kept
  end}}}} }}"""
    return f"""
contract({{ api: 1, name: 'Piece', {declared}
  methods: {{ run: {{ kind: 'payable', args: [{kinds}], async run({names}) {{
    const kept = [];
    {body}
    return kept;
  }} }} }} }});"""
