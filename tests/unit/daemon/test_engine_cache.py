"""Compiled engines are taken only from this user, for this module, and as they were written."""

from pathlib import Path

import pytest

from chaosnet.contracts.wasm import WasmMachine
from chaosnet.daemon.engine_cache import EngineCache, cache_directory
from chaosnet.daemon.machines import read_engines
from tests.machines import on_big_stack

MODULES = {"a": b"module a", "b": b"module b"}


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "x/engines", MODULES)


def files(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "x/engines").iterdir() if path.name != "secret")


def test_what_was_put_is_there_for_the_next(tmp_path: Path, cache: EngineCache) -> None:
    assert cache.get("a") is None
    cache.put("a", b"code")
    assert EngineCache(tmp_path / "x/engines", MODULES).get("a") == b"code"
    assert cache.get("b") is None
    assert (tmp_path / "x/engines").stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "x/engines").iterdir())


def test_another_module_has_other_code(tmp_path: Path, cache: EngineCache) -> None:
    cache.put("a", b"code")
    assert EngineCache(tmp_path / "x/engines", {"a": b"another"}).get("a") is None


def test_changed_code_or_code_of_another_engine_is_not_taken(tmp_path: Path, cache: EngineCache) -> None:
    cache.put("a", b"code")
    (of_a,) = files(tmp_path)
    cache.put("b", b"other")
    (of_b,) = set(files(tmp_path)) - {of_a}
    of_b.write_bytes(of_a.read_bytes())
    assert cache.get("b") is None
    of_a.write_bytes(of_a.read_bytes()[:-1] + b"X")
    assert cache.get("a") is None
    of_a.write_bytes(b"")
    assert cache.get("a") is None


def test_a_directory_that_others_can_write_is_not_used(tmp_path: Path, cache: EngineCache) -> None:
    cache.put("a", b"code")
    (tmp_path / "x/engines").chmod(0o770)
    assert cache.get("a") is None
    cache.put("b", b"code")
    assert len(files(tmp_path)) == 1


def test_no_place_to_keep_anything(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = EngineCache(tmp_path / "file/engines", MODULES)
    cache.put("a", b"code")
    assert cache.get("a") is None


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "chaosnet/engines"
    monkeypatch.setenv("CACHE_DIRECTORY", "/var/cache/node:/x")
    assert cache_directory() == Path("/var/cache/node/chaosnet/engines")


def test_a_machine_starts_from_what_another_compiled(tmp_path: Path) -> None:
    modules, preludes = read_engines(1)
    cache = EngineCache(tmp_path / "engines", modules)
    images = []
    for _ in range(2):
        machine = WasmMachine(modules, preludes, compiled=cache)
        images.append(on_big_stack(lambda m=machine: m.prepare("lua/1", b"contract{methods={}}")))  # type: ignore[misc]
    assert images[0] == images[1]
    assert cache.get("lua/1")
    assert cache.get("js/1") is None
