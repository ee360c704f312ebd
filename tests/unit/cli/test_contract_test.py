"""`contract test` as a person runs it."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

EXAMPLES = Path(__file__).parents[3] / "examples/counter"
TESTS = """local counter
before_each(function() counter = chain.deploy("counter.lua", {5}) end)
test("adds", function() print("so") expect(counter.add(1)):equals(6) end)
test("any", {"n int 1..2000"}, function(n) counter.add(n) end)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "contracts"
    path.mkdir()
    (path / "counter.lua").write_text((EXAMPLES / "counter.lua").read_text())
    (path / "counter_test.lua").write_text(TESTS)
    return path


def test_it_shows_what_passed_and_what_failed(cli: Cli, folder: Path) -> None:
    ran = cli("contract", "test", str(folder / "counter.lua"), "--seed", "one", code=1)
    assert "| so" in ran.out
    assert f"{folder / 'counter_test.lua'}:4: add failed: reverted: add 1 to 1000" in ran.out
    assert "n = 1001" in ran.out
    assert "1 passed, 1 failed" in ran.out
    assert "--seed one" in ran.out
    ran = cli("contract", "test", str(folder), "--filter", "adds")
    assert "1 passed, 0 failed" in ran.out


def test_it_tells_programs(cli: Cli, folder: Path) -> None:
    (folder / "broken_test.lua").write_text("\n= 1")
    found = cli("contract", "test", str(folder), "--seed", "one", "--json", code=1).json
    assert (found["passed"], found["failed"], found["seed"]) == (1, 2, "one")
    broken, file = found["files"]
    assert broken["refused"].startswith("broken_test.lua:2: ")
    first, second = file["tests"]
    assert (first["is_ok"], first["prints"]) == (True, ["so"])
    assert (second["is_ok"], second["place"], second["example"]) == (
        False,
        "counter_test.lua:4",
        ["n = 1001"],
    )


def test_nothing_to_test_is_a_wrong_use(cli: Cli, tmp_path: Path) -> None:
    cli("contract", "test", str(tmp_path), code=2)
    (tmp_path / "a_test.lua").write_text("")
    cli("contract", "test", str(tmp_path), code=1)


def test_coverage_is_shown(cli: Cli, folder: Path) -> None:
    ran = cli("contract", "test", str(folder), "--filter", "adds", "--coverage")
    row = next(line for line in ran.out.splitlines() if "counter.lua" in line and "%" in line)
    assert row.split()[0] != "100%"
    found = cli("contract", "test", str(folder), "--filter", "adds", "--coverage", "--json").json
    covered = found["coverage"]
    lines = (folder / "counter.lua").read_text().split("\n")
    missed = [lines[number - 1] for number in covered[0]["missed"]]
    assert (covered[0]["file"], len(missed)) == ("counter.lua", 3)
    assert ":get(who)" in missed[1]
    assert ":page(" in missed[2]


def test_a_profile_is_shown(cli: Cli, folder: Path, tmp_path: Path) -> None:
    ran = cli("contract", "profile", str(folder), "--filter", "adds", "--folded", str(tmp_path / "folded"))
    assert "counter.lua:" in ran.out
    assert "host operation" in ran.out
    stacks = (tmp_path / "folded").read_text().splitlines()
    assert all(line.rpartition(" ")[2].isdigit() for line in stacks)
    assert any(line.startswith("add;add:") for line in stacks)
    found = cli("contract", "profile", str(folder), "--filter", "adds", "--json").json
    assert found["functions"][0]["gas"] >= found["functions"][1]["gas"]
    assert found["operations"]["set"] > found["operations"]["emit"]
    cli("contract", "profile", str(folder), "--filter", "any", "--by", "function", code=1)


def test_lua_itself_is_compared(cli: Cli, folder: Path) -> None:
    pytest.importorskip("lupa.lua54", reason="Lua for this host is not installed: pip install lupa")
    cli("contract", "test", str(folder), "--filter", "adds", "--native")
    source = (folder / "counter.lua").read_text()
    (folder / "counter.lua").write_text(
        source.replace("return total", "return total + #tostring(print) - 16", 1)
    )
    ran = cli("contract", "test", str(folder), "--filter", "adds", "--native", code=1)
    assert "engines_differ" in ran.out
