"""Several files make one source: each file once, in order, and every line can be found again."""

from pathlib import Path

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.contracts.faults import GuestFault
from chaosnet.devchain.bundle import Bundle, bundle, place_of
from tests.machines import call, machine, on_big_stack, value_of

LUA_MAIN = """local sums = require("./lib/sums")
local again = require "./lib/sums.lua" -- require("./not_there") in a comment
local text = "require('./nor_there')"
contract{ api=1, name="Many", methods={
  add={kind="view", args={"a int", "b int"}, run=function(a, b) return sums.add(a, b) end},
  same={kind="view", run=function() return sums == again and text end},
  fail={kind="view", run=function() return sums.fail() end} } }
"""
LUA_SUMS = """local base = require("../base")
local M = {}
function M.add(a, b) return int.add(base, int.add(a, b)) end
function M.fail()
  local nothing = nil
  return nothing.x
end
return M"""
JS_MAIN = """import { add, fail as broken } from './lib/sums.js';
import * as sums from './lib/sums';
import
  start
  from "./base.js"
contract({ api: 1, name: 'Many', methods: {
  add: { kind: 'view', args: ['a int', 'b int'], run: (a, b) => add(a, b) },
  same: { kind: 'view', run: () => sums.add === add && `import ${start} from './x'` },
  fail: { kind: 'view', run: () => broken() } } })
"""
JS_SUMS = """import base from '../base.js'
export const add = (a, b) => int.add(base, int.add(a, b))
export function fail() {
  const nothing = null
  return nothing.x
}
const hidden = { import: 1, export: 2 }
export { hidden as shown, add as sum }
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    texts = {
        "main.lua": LUA_MAIN,
        "lib/sums.lua": LUA_SUMS,
        "base.lua": "return 100",
        "main.js": JS_MAIN,
        "lib/sums.js": JS_SUMS,
        "base.js": "export default 100n;\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_files_run_as_one_source(files: Path, suffix: str) -> None:
    made = bundle(files / f"main.{suffix}")
    assert made.files == (f"base.{suffix}", f"lib/sums.{suffix}", f"main.{suffix}")
    assert value_of(call(made.engine, made.text, "add", 1, 2)) == 103
    same = value_of(call(made.engine, made.text, "same"))
    assert same == ("require('./nor_there')" if suffix == "lua" else "import 100 from './x'")
    assert bundle(files / f"main.{suffix}") == made


@pytest.mark.parametrize("suffix", ["lua", "js"])
def test_faults_name_file_and_line(files: Path, suffix: str) -> None:
    made = bundle(files / f"main.{suffix}")
    ended = call(made.engine, made.text, "fail")
    assert ended.code == "script_error"
    assert made.explained(ended.text).startswith(f"lib/sums.{suffix}:{6 if suffix == 'lua' else 5}: ")
    (files / f"lib/sums.{suffix}").write_text("\n\n= =\n")
    with pytest.raises(Invalid if suffix == "js" else GuestFault) as caught:
        broken = bundle(files / f"main.{suffix}")
        on_big_stack(lambda: machine().prepare(broken.engine, broken.source))
    if suffix == "lua":
        assert broken.explained(str(caught.value)).startswith("script_error: lib/sums.lua:3: ")
    else:
        assert "main.js:1: lib/sums.js does not export add" in str(caught.value)


def test_every_line_leads_back_to_its_file(files: Path) -> None:
    for suffix in ("lua", "js"):
        made = bundle(files / f"main.{suffix}")
        lines = made.text.split("\n")
        for name in made.files:
            texts = (files / name).read_text().split("\n")
            found = [place_of(made.text, number, "?") for number in range(1, len(lines) + 1)]
            assert [line for file, line in found if file == name][: len(texts)] == list(
                range(1, len(texts) + 1)
            )


def test_one_file_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "c.lua").write_text(LUA_SUMS.replace('require("../base")', "1"))
    made = bundle(tmp_path / "c.lua")
    assert made.text == (tmp_path / "c.lua").read_text()
    assert made.explained("contract:7: no") == "c.lua:7: no"
    assert made.explained("subcontract:7 contract:x") == "subcontract:7 contract:x"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.lua", 'local x = 1\nrequire("socket")', "a.lua:2: 'socket' is no local file"),
        ("a.lua", 'require("./b")', "a.lua:1: "),
        ("a.lua", "require(name)", "a.lua:1: require needs a text"),
        ("a.lua", 'require("./a")', "ring: a.lua -> a.lua"),
        ("a.js", "import x from 'fs'", "a.js:1: 'fs' is no local file"),
        ("a.js", "import { x } from './b.js'", "a.js:1: "),
        ("a.js", "\nawait import('./b.js')", "a.js:2: only `import ... from`"),
        ("a.js", "export const x = 1", "a.js:1: the main file exports nothing"),
        ("a.js", "import './a.js'", "ring: a.js -> a.js"),
        ("a.js", "import 1 from './b.js'", "a.js:1: an import names what it takes"),
        ("a.js", "// @file x.js\n", "a.js:1: `@file` marks"),
        ("a.ts", "", "a.ts: contracts are files named"),
        ("a.lua", "-" * 140_000, "at most 131072"),
    ],
)
def test_what_cannot_be_bundled_is_said_with_its_line(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Invalid, match=r"^(bad_argument|too_large)") as caught:
        bundle(tmp_path / name)
    assert said in str(caught.value)


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.lua").write_bytes(b"\xff")
    with pytest.raises(Invalid, match="UTF-8"):
        bundle(tmp_path / "a.lua")
    assert Bundle("lua/1", b"x", ("a.lua",)).text == "x"
