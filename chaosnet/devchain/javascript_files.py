"""`import` and `export` of one JavaScript file turned into what a script can hold.

An import becomes constants out of the other file's exports. Names are taken when the file has run: an
exported variable that changes later does not change for whoever imported it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn

from chaosnet.base.errors import Invalid
from chaosnet.devchain.words import JAVASCRIPT, Word, line_of, words_of

DEFAULT: Final = "default"
_DECLARING: Final = ("const", "let", "var", "class", "function")

Need = Callable[[str, int], tuple[str, frozenset[str]]]
"""Adds a file by what `from` names and the offset: its name in the bundle, and what it exports."""


@dataclass(slots=True)
class Module:
    """A file on its way into a bundle."""

    name: str
    text: str
    need: Need
    is_main: bool
    words: list[Word] = field(default_factory=list)
    at: int = 0
    """Index of the next word."""
    changes: list[tuple[int, int, str]] = field(default_factory=list)
    """(from, to, what stands there instead)."""
    exports: dict[str, str] = field(default_factory=dict)
    """Name outside -> name inside."""

    def peek(self) -> Word:
        """Return the next word; the end of the file is an empty sign."""
        return self.words[self.at] if self.at < len(self.words) else Word("sign", "", len(self.text))

    def take(self, expected: str = "") -> Word:
        """Return the next word and go on; refuse another one than expected."""
        word = self.peek()
        if expected and word.text != expected:
            self.refuse(word, f"`{expected}` was expected")
        self.at += 1
        return word

    def refuse(self, word: Word, cause: str) -> NoReturn:
        """Raise Invalid(`bad_argument`) with file and line."""
        raise Invalid("bad_argument", f"{self.name}:{line_of(self.text, word.at)}: {cause}")

    def replace(self, first: Word, end: int, text: str) -> None:
        """Put a text in the place of words; lines stay as many as they were."""
        self.changes.append((first.at, end, text + "\n" * self.text.count("\n", first.at, end)))


def rewrite_javascript(module: Module) -> tuple[str, frozenset[str]]:
    """Return the text without imports and exports, and the names that it exports."""
    module.words = words_of(module.text, JAVASCRIPT)
    depth = 0
    previous = ""
    while module.at < len(module.words):
        word = module.take()
        if word.kind == "sign" and word.text in "{([":
            depth += 1
        elif word.kind == "sign" and word.text in "})]":
            depth -= 1
        elif word.kind == "name" and previous != "." and word.text in ("import", "export"):
            following = module.peek().text
            if following in (":", "=", ","):  # a property of this name
                pass
            elif following in ("(", ".") and word.text == "import":
                if following == "." or not depth or previous not in ("{", ","):
                    module.refuse(word, "only `import ... from` a local file")
            elif not depth:
                _import(module, word) if word.text == "import" else _export(module, word)
        previous = word.text
    if module.exports and module.is_main:
        module.refuse(Word("sign", "", 0), "the main file exports nothing: it calls contract({...})")
    parts: list[str] = []
    done = 0
    for start, end, text in module.changes:
        parts += [module.text[done:start], text]
        done = end
    text = "".join([*parts, module.text[done:]])
    if not module.is_main:
        pairs = (outer if outer == inner else f"{outer}: {inner}" for outer, inner in module.exports.items())
        text = f"{text}\nreturn {{ {', '.join(pairs)} }};"
    return text, frozenset(module.exports)


def _import(module: Module, first: Word) -> None:
    constants: list[tuple[str, str]] = []
    whole: list[str] = []
    if module.peek().kind != "text":
        while True:
            word = module.take()
            if word.text == "{":
                constants += _pairs(module)
            elif word.text == "*":
                module.take("as")
                whole.append(module.take().text)
            elif word.kind == "name":
                constants.append((DEFAULT, word.text))
            else:
                module.refuse(word, "an import names what it takes, as in import { a } from './b.js'")
            if module.peek().text != ",":
                break
            module.take()
        module.take("from")
    target = module.take()
    if target.kind != "text":
        module.refuse(target, "`from` needs a text")
    name, exports = module.need(target.content, target.at)
    for outer, _ in constants:
        if outer not in exports:
            module.refuse(first, f"{name} does not export {outer}")
    pairs = (outer if outer == inner else f"{outer}: {inner}" for outer, inner in constants)
    made = [f'const {{ {", ".join(pairs)} }} = _files["{name}"];'] if constants else []
    made += [f'const {inner} = _files["{name}"];' for inner in whole]
    end = module.take().end if module.peek().text == ";" else target.end
    module.replace(first, end, " ".join(made))


def _export(module: Module, first: Word) -> None:
    word = module.take()
    if word.text == "{":
        for inner, outer in _pairs(module):
            module.exports[outer] = inner
        if module.peek().text == "from":
            module.refuse(first, "import it, then export it")
        end = module.take().end if module.peek().text == ";" else module.words[module.at - 1].end
        module.replace(first, end, "")
        return
    if word.text == DEFAULT:
        following = module.peek()
        named = module.words[module.at + 1 : module.at + 2]
        if following.text in ("function", "class") and named and named[0].kind == "name":
            module.exports[DEFAULT] = named[0].text
            module.replace(first, following.at, "")
        else:
            module.exports[DEFAULT] = "_default"
            module.replace(first, following.at, "const _default = ")
        return
    start = word
    if word.text == "async":
        word = module.take("function")
    if word.text not in _DECLARING:
        module.refuse(first, "export a const, a function, a class, or { names }")
    if module.peek().text == "*":
        module.take()
    name = module.take()
    if name.kind != "name":
        module.refuse(name, "export one name at a time")
    module.exports[name.text] = name.text
    module.replace(first, start.at, "")


def _pairs(module: Module) -> list[tuple[str, str]]:
    """Return (name, name it gets) up to the closing brace."""
    found: list[tuple[str, str]] = []
    while module.peek().text != "}":
        word = module.take()
        if word.kind != "name":
            module.refuse(word, "a name was expected")
        new = word
        if module.peek().text == "as":
            module.take()
            new = module.take()
        found.append((word.text, new.text))
        if module.peek().text != "}":
            module.take(",")
    module.take("}")
    return found
