"""Compiles the busiest modules of the core to machine code: `make compile`.

Needs mypy (.venv has it), a C compiler and Python's headers. Everything is built aside and put in place at
once; see chaosnet/compiled.py for how it is found.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

os.environ["CHAOSNET_PURE"] = "1"
from chaosnet import compiled

_SETUP: Final = """
from mypyc.build import mypycify
from setuptools import setup

setup(name="core", packages=[], ext_modules=mypycify({paths!r}, opt_level="2", debug_level="0"))
"""


def missing() -> str:
    """Return what this host lacks for it; empty: nothing."""
    if not Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        return "Python's headers (Debian, Ubuntu: apt install python3-dev)"
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"the C compiler {compiler} (Debian, Ubuntu: apt install gcc)"
    return ""


def build(work: Path) -> Path:
    """Compile in a directory of its own; return where the result is. Exits with the compiler's words."""
    ignored = shutil.ignore_patterns("__pycache__", compiled.KEPT.name)
    shutil.copytree(compiled.ROOT, work / compiled.ROOT.name, ignore=ignored)
    paths = [str(compiled.source_of(module).relative_to(compiled.ROOT.parent)) for module in compiled.MODULES]
    (work / "setup.py").write_text(_SETUP.format(paths=paths), encoding="utf-8")
    out = work / "out"
    command = [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", str(out), "--parallel", "2"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    # A warning is about code that would mean something else once compiled.
    doubts = [line for line in said.splitlines() if ".py:" in line and "warning:" in line]
    if done.returncode or doubts:
        sys.exit("\n".join(doubts) or said[-4000:])
    return out


def main() -> None:
    """Compile, unless that is done already."""
    key, stamp = compiled.key(), f"mypy {version('mypy')}\n{_SETUP}"
    kept = compiled.KEPT / key
    built_with = kept / "built_with"
    if compiled.is_whole(kept) and built_with.is_file() and built_with.read_text(encoding="utf-8") == stamp:
        print("The core is compiled.")
        return
    if lacks := missing():
        sys.exit(f"The core stays Python, which is slower: this host lacks {lacks}.")
    print(f"Compiling {len(compiled.MODULES)} modules of the core; this takes a minute", flush=True)
    try:
        compiled.KEPT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=compiled.KEPT) as work:
            out = build(Path(work))
            (out / "built_with").write_text(stamp, encoding="utf-8")
            if compiled.key() != key:
                sys.exit("The sources changed meanwhile: compile again.")
            for old in compiled.KEPT.glob("[0-9a-f]" * 24):
                old.rename(Path(work) / old.name)  # gone with it
            out.rename(kept)
    except OSError as error:
        sys.exit(f"The core stays Python, which is slower: {error}.")
    print("The core is compiled. CHAOSNET_PURE=1 runs it as Python all the same.")


if __name__ == "__main__":
    main()
