"""One source out of several local files: what is deployed, and how its lines lead back to the files.

Lua says `require("./name")`, JavaScript `import { a } from './name.js'`. Each file becomes a function that
runs once, files that others need first; lines stay whole lines, and a comment before each file names it. So
whoever has only the source on the chain can still tell file and line. A contract in one file stays as it is.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from chaosnet.base.errors import Invalid
from chaosnet.devchain.javascript_files import Module, rewrite_javascript
from chaosnet.devchain.words import JAVASCRIPT, LUA, Word, line_of, words_of
from chaosnet.model.contract_actions import CONTRACT_BYTES_MAX

FILES_MAX: Final = 256
SUFFIXES: Final = {".lua": LUA, ".js": JAVASCRIPT}

_COMMENT: Final = {LUA: "--", JAVASCRIPT: "//"}
_HEAD: Final = "chaosnet bundle 1"
_MARK: Final = re.compile(r"(?:--|//) @file ([^\n]+)")
_PLACE: Final = re.compile(r"\bcontract:([0-9]{1,9})\b")


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is deployed."""

    engine: str
    source: bytes
    files: tuple[str, ...]
    """Relative to the folder of the main file, which is the last."""

    @property
    def text(self) -> str:
        """The source as text."""
        return self.source.decode()

    def explained(self, text: str) -> str:
        """Return what an engine said with files and lines instead of `contract:` and a line."""
        return explained(text, self.text, self.files[-1])


@dataclass(slots=True)
class _Files:
    engine: str
    root: Path
    order: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    exports: dict[str, frozenset[str]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)


def engine_of(path: Path) -> str:
    """Return the engine that a file is for; raises Invalid(`bad_argument`)."""
    engine = SUFFIXES.get(path.suffix)
    if engine is None:
        raise Invalid("bad_argument", f"{path}: contracts are files named {', '.join(SUFFIXES)}")
    return engine


def bundle(path: Path) -> Bundle:
    """Read a contract and what it needs; raises Invalid(`bad_argument` | `too_large`) with file and line."""
    files = _Files(engine_of(path), path.parent)
    name = path.name
    _add(files, name, "")
    source = _read(path) if files.order == [name] else _joined(files)
    raw = source.encode()
    if len(raw) > CONTRACT_BYTES_MAX:
        raise Invalid("too_large", f"{path}: {len(raw)} bytes, a contract has at most {CONTRACT_BYTES_MAX}")
    return Bundle(files.engine, raw, tuple(files.order))


def place_of(source: str, line: int, main: str) -> tuple[str, int]:
    """Return file and line of a line of a source; `main` names the file of one that is no bundle."""
    lines = source.split("\n")
    if not lines[0].endswith(_HEAD):
        return main, line
    for number in range(min(line, len(lines)) - 1, 0, -1):
        mark = _MARK.fullmatch(lines[number - 1])
        if mark is not None:
            return mark[1], line - number
    return main, line


def explained(text: str, source: str, main: str) -> str:
    """Return what an engine said about a source with files and lines instead of `contract:` and a line."""

    def named(found: re.Match[str]) -> str:
        file, line = place_of(source, int(found[1]), main)
        return f"{file}:{line}"

    return _PLACE.sub(named, text)


def _add(files: _Files, name: str, asked: str) -> None:
    if name in files.order:
        return
    if name in files.open:
        ring = " -> ".join([*files.open[files.open.index(name) :], name])
        raise Invalid("bad_argument", f"{asked}: files need each other in a ring: {ring}")
    if len(files.texts) >= FILES_MAX:
        raise Invalid("too_large", f"over {FILES_MAX} files")
    text = _read(files.root / name, asked)
    for number, line in enumerate(text.split("\n"), 1):
        if _MARK.fullmatch(line):
            raise Invalid("bad_argument", f"{name}:{number}: `@file` marks files of a bundle")
    files.open.append(name)
    files.texts[name] = ""
    if files.engine == LUA:
        files.texts[name] = _rewrite_lua(files, name, text)
    else:

        def need(target: str, at: int) -> tuple[str, frozenset[str]]:
            found = _target(files, name, text, target, at)
            return found, files.exports[found]

        module = Module(name, text, need, is_main=len(files.open) == 1)
        files.texts[name], files.exports[name] = rewrite_javascript(module)
    files.open.pop()
    files.order.append(name)


def _rewrite_lua(files: _Files, name: str, text: str) -> str:
    parts: list[str] = []
    done = 0
    words = words_of(text, LUA)
    for index, word in enumerate(words):
        if word.text != "require" or word.kind != "name" or _is_field(words, index):
            continue
        has_bracket = index + 1 < len(words) and words[index + 1].text == "("
        at = index + (2 if has_bracket else 1)
        if at >= len(words) or words[at].kind != "text":
            _refuse(text, name, word.at, 'require needs a text, as in require("./name")')
        last = words[at]
        if has_bracket:
            if at + 1 >= len(words) or words[at + 1].text != ")":
                _refuse(text, name, word.at, 'require needs one text, as in require("./name")')
            last = words[at + 1]
        target = _target(files, name, text, words[at].content, word.at)
        newlines = "\n" * text.count("\n", word.at, last.end)
        parts += [text[done : word.at], f"_files[{_quoted(target)}]", newlines]
        done = last.end
    return "".join([*parts, text[done:]])


def _is_field(words: list[Word], index: int) -> bool:
    return index > 0 and words[index - 1].text in (".", ":", "function")


def _target(files: _Files, name: str, text: str, target: str, at: int) -> str:
    """Return the name of a needed file after adding it."""
    if not target.startswith(("./", "../")):
        _refuse(text, name, at, f"{target!r} is no local file: names begin with ./ or ../")
    suffix = Path(files.open[0]).suffix
    path = target if target.endswith(suffix) else target + suffix
    found = os.path.normpath(os.path.join(os.path.dirname(name), path)).replace(os.sep, "/")  # noqa: PTH118, PTH120 - names, not paths of this system
    if any(mark in found for mark in '\n"\\\0'):
        _refuse(text, name, at, "the name of a file has quotes, line ends or zero bytes")
    _add(files, found, f"{name}:{line_of(text, at)}")
    return found


def _joined(files: _Files) -> str:
    comment = _COMMENT[files.engine]
    is_lua = files.engine == LUA
    lines = [f"{comment} {_HEAD}", "local _files = {}" if is_lua else "'use strict'; const _files = {};"]
    for name in files.order[:-1]:
        opening = "(function(...)" if is_lua else "(() => {"
        closing = "end)()" if is_lua else "})();"
        lines += [
            f"_files[{_quoted(name)}] = {opening}",
            f"{comment} @file {name}",
            files.texts[name],
            closing,
        ]
    main = files.order[-1]
    return "\n".join([*lines, f"{comment} @file {main}", files.texts[main]])


def _quoted(name: str) -> str:
    return f'"{name}"'


def _read(path: Path, asked: str = "") -> str:
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise Invalid("bad_argument", f"{asked + ': ' if asked else ''}{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Invalid("bad_argument", f"{path}: not a text in UTF-8") from error


def _refuse(text: str, name: str, at: int, cause: str) -> NoReturn:
    raise Invalid("bad_argument", f"{name}:{line_of(text, at)}: {cause}")
