"""`chaosnet contract new`: what it makes passes its own check and its own tests."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli


@pytest.mark.parametrize("language", ["lua", "js"])
@pytest.mark.parametrize("template", ["counter", "token"])
def test_what_is_made_works(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, template: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made = cli("contract", "new", "My-first", "--language", language, "--template", template, "--json").json
    file = Path(made["contract"])
    assert file == Path("My-first") / f"my_first.{language}"
    found = cli("contract", "check", file, "--strict", "--json").json
    assert found["interface"]["name"] == "MyFirst"
    assert "@" not in "".join(path.read_text() for path in file.parent.iterdir())
    told = cli("contract", "test", file.parent, "--json").json
    assert (told["failed"], told["passed"]) == (0, 3)
    readme = (file.parent / "README.md").read_text()
    assert f"chaosnet contract deploy {file.name} " in readme


def test_nothing_is_written_over(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "chaosnet contract test box" in cli("contract", "new", "box").err
    assert cli("contract", "new", "box", "--json", code=2).problem == "bad_argument"
    for name in ("../box2", "1box", "", "x" * 65, "a b"):
        assert cli("contract", "new", name, "--json", code=2).problem == "bad_argument"
    assert [path.name for path in tmp_path.iterdir() if path.name != "anna"] == ["box"]
