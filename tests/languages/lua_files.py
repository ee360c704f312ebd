"""Lua's own test files, out of the package that the engine is built from, as programs for a contract.

Nothing of them is in this repository: the package is fetched once (its SHA-256 is in engines/build.py), and
its files are patched as lua_suite.toml says.
"""

import importlib.util
import os
import subprocess
import tarfile
import tempfile
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.tidy import REPOSITORY

HERE = Path(__file__).parent
PACKAGES = REPOSITORY / ".pytest_cache/engine-packages"
FOLDER = "third-party/lua54/testes/"


def _build() -> ModuleType:
    found = importlib.util.spec_from_file_location("engines_build", REPOSITORY / "engines/build.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def _package(build: ModuleType) -> Path:
    """Return lupa's source package, which others may be fetching at the same time; raise where nobody can."""
    packages = Path(os.environ.get("CHAOSNET_ENGINE_PACKAGES", PACKAGES))
    package: Path = packages / build.PACKAGES["lupa"][1]
    if not package.exists():
        packages.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=packages) as scratch:
            build.fetch(Path(scratch), ["lupa"])
            (Path(scratch) / package.name).replace(package)
    build.fetch(packages, ["lupa"])
    return package


@cache
def _read() -> dict[str, bytes] | str:
    try:
        package = _package(_build())
    except (subprocess.CalledProcessError, OSError):
        return "Lua's own test files are in lupa's source package, which pip cannot fetch here"
    found = {}
    with tarfile.open(package) as archive:
        for member in archive:
            _, _, name = member.name.partition(FOLDER)
            if name.endswith(".lua") and "/" not in name:
                content = archive.extractfile(member)
                assert content
                found[name] = content.read()
    return found


def test_files() -> dict[str, bytes]:
    """Return Lua's own test files by name; skip where their package cannot be had."""
    found = _read()
    if isinstance(found, str):
        pytest.skip(found)
    return found


test_files.__test__ = False  # type: ignore[attr-defined]


def table() -> dict[str, dict[str, Any]]:
    """Return what is done with each file, by name; each is in the table once."""
    entries = tomllib.loads((HERE / "lua_suite.toml").read_text())["file"]
    found = {entry["name"]: entry for entry in entries}
    assert len(found) == len(entries), "a file is listed twice"
    return found


def patched(content: bytes, patches: list[dict[str, Any]]) -> bytes:
    """Return the file with its patches; lines keep their numbers, which the package's hash makes sure of.

    A patch leaves out `lines`, which are pairs of the first and the last one, or replaces `find`, which is
    there once, in one `line`.
    """
    lines = content.split(b"\n")
    for patch in patches:
        for first, last in patch.get("lines", []):
            lines[first - 1 : last] = [b""] * (last - first + 1)
        if "line" in patch:
            line, find = lines[patch["line"] - 1], patch["find"].encode()
            assert line.count(find) == 1, f"line {patch['line']} is {line!r}"
            lines[patch["line"] - 1] = line.replace(find, patch["replace"].encode())
    return b"\n".join(lines)


def _quoted(content: bytes) -> bytes:
    return (
        b'"'
        + b"".join(b"\\%03d" % byte if byte < 32 or byte in b'"\\' else b"%c" % byte for byte in content)
        + b'"'
    )


def contract(name: str, content: bytes) -> bytes:
    """Return a contract whose method `run` runs the file as a chunk of its own."""
    if content.startswith(b"#"):
        content = b"--" + content
    return b"\n".join(
        [
            (HERE / "stand_ins.lua").read_bytes(),
            b'contract{api = 1, name = "Suite", methods = {run = {kind = "write", run = function()',
            b"  local chunk, why = load(" + _quoted(content) + b', "@' + name.encode() + b'")',
            b"  if not chunk then error(why, 0) end",
            b"  return tostring((chunk()))",
            b"end}}}",
        ]
    )
