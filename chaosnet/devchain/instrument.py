"""Marks in a contract's source, for coverage and profiles: a numbered call before each statement.

Engines of the chain have no hook for this, so the source is changed before it is deployed on a developer's
chain. Lines stay where they are. Statements are found by words, not by a parser: one that begins in the
middle of a line, not right after the opening of a block, gets no mark of its own.
"""

from dataclasses import dataclass, field
from typing import Final

from chaosnet.devchain.bundle import Bundle, place_of
from chaosnet.devchain.trace import MARK
from chaosnet.devchain.words import LUA, Word, line_of, words_of

_MARK: Final = f"\\x{ord(MARK):02x}"
PRELUDES: Final = {
    True: (
        "local _on, _print = false, print;"
        f" local function _hit(n) if _on then _print('{_MARK}' .. n) end end "
    ),
    False: (f"let _on = false; const _print = print, _hit = (n) => {{ if (_on) _print('{_MARK}' + n); }}; "),
}
"""By whether it is Lua. Nothing can be printed while a source is loaded: `_on` is set at its end."""
ENDS: Final = {True: "\n_on = true", False: "\n;_on = true;"}

_LUA_WAITING: Final = frozenset(
    ("and", "or", "not", "local", "function", "in", "return", "if", "elseif", "while", "until", "for", "goto")
)
"""After these no statement can begin."""
_LUA_INNER: Final = frozenset(
    ("and", "or", "not", "then", "do", "end", "else", "elseif", "until", "in", "nil", "true", "false")
)
"""These begin no statement that is marked."""
_JS_WAITING: Final = frozenset(
    (
        *("return", "throw", "new", "typeof", "void", "delete", "await", "yield", "const", "let", "var"),
        *("else", "do", "in", "of", "instanceof", "case", "async", "function", "class", "extends"),
        *("static", "get", "set", "import", "export", "default"),
    )
)
_JS_INNER: Final = frozenset(["in", "of", "instanceof", "else", "catch", "finally", "case", "default"])
_CONTROL: Final = ("if", "for", "while", "with", "switch", "catch")
_BLOCKS: Final = ("block", "function")


@dataclass(frozen=True, slots=True)
class Point:
    """A statement."""

    file: str
    line: int
    function: str


@dataclass(slots=True)
class _Open:
    kind: str
    """`block`, `function`, `paren`, `object`, `switch`, `arrow`."""
    name: str = ""
    """Of a function; the key under which an object stands; the word before a parenthesis."""
    at: int = 0
    """Index of its first word."""
    makes: str | None = None
    """Name of the function whose parameters these are."""


@dataclass(slots=True)
class _Scan:
    """Goes over the words of a source."""

    source: str
    words: list[Word]
    is_lua: bool
    opened: list[_Open] = field(default_factory=list)
    marks: list[tuple[int, str, str]] = field(default_factory=list)
    """(offset, what is put there with `#` for the number, function)."""
    is_first: bool = False
    """A block has just been opened."""
    waits: str | None = None
    """Name of the function whose parameters come next."""
    closed: _Open | None = None
    """What the word before has closed."""

    def word(self, index: int) -> str:
        return self.words[index].text if 0 <= index < len(self.words) else ""

    def top(self) -> str:
        return self.opened[-1].kind if self.opened else ""

    def function(self) -> str:
        """Return the name of the function around; empty outside of all."""
        return next((one.name for one in reversed(self.opened) if one.kind in ("function", "arrow")), "")

    def begins_line(self, index: int) -> bool:
        before = self.words[index - 1].end if index else 0
        return "\n" in self.source[before : self.words[index].at]

    def named(self, index: int) -> str:
        """Return the name that a function gets from what stands before its word."""
        name = ""
        if self.word(index - 1) in ("=", ":"):
            name = self.words[index - 2].text
        return self.in_object(name) or self.function() or "(function)"

    def in_object(self, name: str) -> str:
        """Return what `run` of an entry is called by people: the entry's name."""
        if name == "run":
            return next((one.name for one in reversed(self.opened) if one.kind == "object"), "") or name
        return name

    def push(self, kind: str, name: str = "", at: int = 0, makes: str | None = None) -> None:
        self.opened.append(_Open(kind, name, at, makes))
        self.is_first = kind in _BLOCKS

    def pop(self, *kinds: str) -> _Open:
        if self.top() not in kinds:
            raise ValueError
        return self.opened.pop()

    def mark(self, word: Word) -> None:
        self.marks.append((word.at, "_hit(#); ", self.function()))


def instrument(made: Bundle, first: int) -> tuple[bytes, list[Point]] | None:
    """Return a source with marks numbered from `first`, and what they stand for.

    None for a source whose blocks are not understood.
    """
    source, is_lua = made.text, made.engine == LUA
    scan = _Scan(source, words_of(source, made.engine), is_lua)
    step = _lua_step if is_lua else _js_step
    try:
        for index, word in enumerate(scan.words):
            step(scan, index, word)
    except ValueError:
        return None
    points: list[Point] = []
    parts: list[str] = [PRELUDES[is_lua]]
    done = 0
    for at, text, function in scan.marks:
        if text != ")":
            file, line = place_of(source, line_of(source, at), made.files[-1])
            points.append(Point(file, line, function))
        parts += [source[done:at], text.replace("#", str(first + len(points) - 1))]
        done = at
    parts += [source[done:], ENDS[is_lua]]
    return "".join(parts).encode(), points


def _lua_step(scan: _Scan, index: int, word: Word) -> None:
    text = word.text if word.kind in ("name", "sign") else ""
    before = scan.words[index - 1] if index else Word("sign", ";", 0)
    if (
        word.kind == "name"
        and text not in _LUA_INNER
        and scan.top() in _BLOCKS
        and scan.function()
        and (scan.is_first or (scan.begins_line(index) and _ends_lua(before)))
    ):
        scan.mark(word)
    scan.is_first = False
    if text == "function":
        names: list[str] = []
        at = index + 1
        while scan.word(at) not in ("(", ""):
            names.append(scan.word(at))
            at += 1
        scan.waits = "".join(names) or scan.named(index)
    elif text == "(":
        scan.push("paren", makes=scan.waits)
        scan.waits = None
    elif text == ")":
        makes = scan.pop("paren").makes
        if makes is not None:
            scan.push("function", makes)
    elif text in ("{", "["):
        scan.push("object", scan.words[index - 2].text if before.text == "=" else "")
    elif text in ("}", "]"):
        scan.pop("object")
    elif text in ("then", "do", "repeat"):
        scan.push("block")
    elif text in ("end", "until", "else", "elseif"):
        scan.pop(*_BLOCKS)
        if text == "else":
            scan.push("block")


def _ends_lua(word: Word) -> bool:
    if word.kind == "sign":
        return word.text in (")", "]", "}", "...", ";", "::")
    return word.kind != "name" or word.text not in _LUA_WAITING


def _js_step(scan: _Scan, index: int, word: Word) -> None:
    text = word.text if word.kind in ("name", "sign") else ""
    before = scan.words[index - 1] if index else Word("sign", ";", 0)
    begins = scan.is_first or (scan.begins_line(index) and _ends_js(scan, before))
    is_start = word.kind == "name" and text not in _JS_INNER and begins and not _is_tail(before, text)
    if scan.top() == "arrow" and (text in (",", ";", ")", "]", "}") or is_start):
        while scan.top() == "arrow":
            scan.opened.pop()
            scan.marks.append((before.end, ")", ""))
    if is_start and scan.top() in _BLOCKS and scan.function():
        scan.mark(word)
    scan.is_first = False
    closed, scan.closed = scan.closed, None
    if text in ("(", "["):
        scan.push("paren", before.text if before.kind == "name" else "", index)
    elif text in (")", "]"):
        scan.closed = scan.pop("paren")
    elif text == "{":
        _open_js(scan, index, before, closed)
    elif text == "}":
        scan.pop("block", "function", "object", "switch")
    elif text == "=>" and scan.word(index + 1) != "{":
        at = closed.at if before.text == ")" and closed else index - 1
        at -= scan.word(at - 1) == "async"
        scan.push("arrow", scan.named(at))
        scan.marks.append((scan.words[index + 1].at, "(_hit(#), ", scan.function()))


def _open_js(scan: _Scan, index: int, before: Word, closed: _Open | None) -> None:
    if before.text == ")" and closed is not None:
        if closed.name in _CONTROL:
            scan.push("switch" if closed.name == "switch" else "block")
            return
        head = scan.word(closed.at - 1)
        if head == "function":
            scan.push("function", scan.named(closed.at - 1))
        else:
            scan.push("function", scan.in_object(head) or "(function)")
    elif before.text == "=>":
        # The parameters ended one word before the arrow.
        at = _parameters(scan, index - 2)
        scan.push("function", scan.named(at - (scan.word(at - 1) == "async")))
    elif before.text in ("else", "try", "finally", "do") or (
        before.text in (";", "{", "}") and scan.top() in ("", *_BLOCKS)
    ):
        scan.push("block")
    else:
        scan.push("object", scan.words[index - 2].text if before.text in (":", "=") else "")


def _parameters(scan: _Scan, last: int) -> int:
    """Return the index at which the parameters begin that end at `last`."""
    depth = 0
    for index in range(last, -1, -1):
        depth += (scan.word(index) == ")") - (scan.word(index) == "(")
        if not depth:
            return index
    raise ValueError


def _ends_js(scan: _Scan, word: Word) -> bool:
    if word.kind == "sign":
        if word.text == ")":
            return scan.closed is None or scan.closed.name not in _CONTROL
        return word.text in ("]", "}", ";", "++", "--")
    return word.kind != "name" or word.text not in _JS_WAITING


def _is_tail(before: Word, text: str) -> bool:
    """Return whether `while` may belong to a `do`."""
    return text == "while" and before.text == "}"
