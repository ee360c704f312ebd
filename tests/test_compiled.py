"""The compiled core: found only where it is right, and never another verdict than Python's."""

import ast
import importlib.machinery
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from chaosnet import compiled

Test = TypeVar("Test", bound=Callable[..., None])
ROOT = Path(__file__).parent.parent


def needs_compiled(test: Test) -> Test:
    why = "the core is not compiled here: `make compile`, without CHAOSNET_PURE"
    needs: Test = pytest.mark.skipif(not compiled.is_in_use(), reason=why)(test)
    marked: Test = pytest.mark.compiled(needs)
    return marked


def said_by(code: str, **environment: str) -> str:
    """Return what a fresh interpreter prints."""
    kept = {name: value for name, value in os.environ.items() if name != "CHAOSNET_PURE"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | environment | {"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", compiled.MODULES)
def test_a_compiled_module_defines_no_class_whose_options_would_be_lost(module: str) -> None:
    tree = ast.parse(compiled.source_of(module).read_text(encoding="utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert [c.name for c in classes if c.keywords] == []
    bases = {ast.unparse(base) for c in classes for base in c.bases}
    assert bases.isdisjoint({"Record", "Struct", "msgspec.Struct", "NamedTuple", "Enum", "IntEnum"})


def test_the_key_names_every_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = compiled.key()
    copy = tmp_path / "chaosnet"
    shutil.copytree(compiled.ROOT, copy, ignore=shutil.ignore_patterns("__pycache__", "_compiled", "*.wasm"))
    monkeypatch.setattr(compiled, "ROOT", copy)
    assert compiled.key() == before
    keys = {before}
    changed = [*map(compiled.source_of, compiled.MODULES), copy / "base/limits.py", copy / "model/header.py"]
    for path in changed:
        with path.open("ab") as file:
            file.write(b"\n")
        keys.add(compiled.key())
    assert len(keys) == len(changed) + 1


def test_compiled_modules_import_only_what_the_key_names() -> None:
    for module in compiled.MODULES:
        tree = ast.parse(compiled.source_of(module).read_text(encoding="utf-8"))
        imports = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        rooms = {name.split(".")[1] for name in imports if name.startswith("chaosnet.")}
        assert rooms <= set(compiled.ROOMS)


def test_what_was_compiled_of_other_sources_is_left_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAOSNET_PURE", raising=False)
    monkeypatch.setattr(compiled, "KEPT", tmp_path)
    (tmp_path / "0123456789abcdef01234567").mkdir()
    finders = list(sys.meta_path)
    compiled.install()
    assert sys.meta_path == finders


def test_what_was_made_on_another_system_is_left_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHAOSNET_PURE", raising=False)
    monkeypatch.setattr(compiled, "KEPT", tmp_path)
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    directory = tmp_path / compiled.key()
    for module in ("0123__mypyc", *compiled.MODULES):
        path = directory.joinpath(*module.split(".")).with_suffix(suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x7fELF of elsewhere")
    finders = list(sys.meta_path)
    assert compiled.is_whole(directory)
    compiled.install()
    assert sys.meta_path == finders
    path.unlink()
    assert not compiled.is_whole(directory)


WHERE = "import chaosnet.ledger.contracts.host as host; print(host.__file__)"


@needs_compiled
def test_python_runs_where_it_is_asked_for() -> None:
    assert Path(said_by(WHERE)).suffix == ".so"
    assert Path(said_by(WHERE, CHAOSNET_PURE="1")).suffix == ".py"


@needs_compiled
def test_hostile_guests_get_the_same_answers() -> None:
    code = "from tests.hostile_host import digest; print(digest('compiled', 6_000))"
    assert said_by(code) == said_by(code, CHAOSNET_PURE="1")


@needs_compiled
@pytest.mark.parametrize("scenario", ["contracts_crash_any", "pow_contracts_partition_heal", "dpos_calm"])
def test_simulated_networks_end_the_same(scenario: str) -> None:
    code = (
        "from chaosnet.cli.sim import run_task; from tests.test_scenarios import tasks_of;"
        f"print(*(run_task(task).trace_hash for task in tasks_of({scenario!r}, range(2))))"
    )
    assert said_by(code) == said_by(code, CHAOSNET_PURE="1")
