"""What in a contract deserves a second look: found in its words, so some may be wrong and others missed.

Comparing `ctx.origin` is refused: whoever lures a user into a call of their own contract would pass the test.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from chaosnet.cli.contract_source import Loaded
from chaosnet.contracts.values import Value
from chaosnet.devchain.bundle import place_of
from chaosnet.devchain.words import Word, line_of, words_of

REFUSED: Final = ("origin",)
"""Findings that make a check fail."""

_AMOUNT: Final = re.compile(
    r"(?i)(?:^|_)(?:amounts?|balance|price|fees?|supply|shares|reserves?|paid|motes|cos|deposit|stake|reward|"
    r"value|total|sent|allowance)(?:_|[0-9]*$)"
)
_BARE: Final = ("+", "-", "*", "/", "//", "%", "**", "+=", "-=", "*=", "/=")
_EQUAL: Final = ("==", "~=", "===", "!==", "!=")
_CALLS: Final = ("call", "try_call", "static_call", "transfer_and_call")
_CHANGES: Final = ("set", "add", "sub", "delete", "push", "pop")
"""What changes storage."""
_ISSUES: Final = ("create", "issue")
_PAYS: Final = ("transfer", "transfer_and_call", *_CALLS)


class Finding(NamedTuple):
    """Something to look at."""

    code: str
    file: str
    line: int
    """0: the contract as a whole."""
    text: str


def findings_in(loaded: Loaded) -> list[Finding]:
    """Return what deserves a look, in the order of the source."""
    source = loaded.bundle.text
    words = words_of(source, loaded.bundle.engine)
    main = loaded.bundle.files[-1]
    found = []
    for code, at, text in [*_origin(words), *_arithmetic(words), *_views(words)]:
        file, line = place_of(source, line_of(source, at), main)
        found.append(Finding(code, file, line, text))
    found.sort(key=lambda one: (loaded.bundle.files.index(one.file), one.line))
    whole = [*_permissions(loaded, words), *_events(loaded, words), *_docs(loaded)]
    return found + [Finding(code, main, 0, text) for code, text in whole]


def _origin(words: list[Word]) -> Iterator[tuple[str, int, str]]:
    """Find comparisons of the transaction's sender, also under another name."""
    names: set[str] = set()
    for index, word in enumerate(words):
        if word.text == "ctx" and _text(words, index - 1) == "=" and _text(words, index - 2) == "}":
            names.update(_taken_apart(words, index - 2))
        if word.text == "origin" and _text(words, index - 1) == "." and _text(words, index - 3) == "=":
            names.add(_text(words, index - 4))
    for index, word in enumerate(words):
        is_field = _text(words, index - 1) in (".", "[") and _text(words, index - 2) == "ctx"
        if is_field:
            is_found = word.text == "origin" or (word.kind == "text" and word.content == "origin")
        else:
            is_found = word.kind == "name" and word.text in names and _text(words, index - 1) != "."
        if not is_found:
            continue
        start = index - 2 if is_field else index
        end = index + 2 if _text(words, index - 1) == "[" else index + 1
        if _text(words, end) in _EQUAL or _text(words, start - 1) in _EQUAL:
            yield "origin", word.at, "ctx.origin must not decide anything: use ctx.caller"


def _taken_apart(words: list[Word], index: int) -> Iterator[str]:
    """Yield what `const { origin: name } = ctx` calls it, from the closing brace."""
    while index >= 0 and words[index].text != "{":
        if words[index].text == "origin":
            yield _text(words, index + 2) if _text(words, index + 1) == ":" else "origin"
        index -= 1


def _arithmetic(words: list[Word]) -> Iterator[tuple[str, int, str]]:
    """Find operators beside something that is called like an amount."""
    for index, word in enumerate(words):
        if word.kind != "sign" or word.text not in _BARE or index == 0:
            continue
        before, after = words[index - 1], words[index + 1 : index + 2]
        if before.kind == "sign" and before.text not in (")", "]"):
            continue  # a sign of a number
        names = [name for name in (_last_name(words, index - 1), _next_name(words, index + 1)) if name]
        amounts = [name for name in names if _AMOUNT.search(name)]
        if amounts and after:
            yield (
                "bare_arithmetic",
                word.at,
                f"`{word.text}` with {amounts[0]}: int.add, int.sub, ... check it",
            )


def _views(words: list[Word]) -> Iterator[tuple[str, int, str]]:
    """Find what changes something in a method that says `view`."""
    for index, word in enumerate(words[:-2]):
        if word.text != "kind" or words[index + 1].text not in ("=", ":"):
            continue
        if words[index + 2].kind != "text" or words[index + 2].content != "view":
            continue
        for at in range(*_braces_around(words, index)):
            is_change = words[at].text in ("emit", *_PAYS) and _is_called(words, at)
            if is_change or _is_store_changed(words, at) or _is_token_issued(words, at):
                yield "change_in_view", words[at].at, f"{words[at].text} in a view: the call fails `static`"


def _braces_around(words: list[Word], index: int) -> tuple[int, int]:
    """Return the places of the innermost braces around a word, as far as there are any."""
    depth, first = 0, index
    while first > 0 and depth >= 0:
        first -= 1
        depth += {"}": 1, "{": -1}.get(words[first].text, 0)
    depth, last = 0, index
    while last < len(words) - 1 and depth >= 0:
        last += 1
        depth += {"{": 1, "}": -1}.get(words[last].text, 0)
    return first, last


def _is_store_changed(words: list[Word], index: int) -> bool:
    """Return whether a word is the `set` of `store.name:set(`, or its like."""
    return (
        words[index].text in _CHANGES
        and _text(words, index + 1) == "("
        and _text(words, index - 3) == "."
        and _text(words, index - 4) == "store"
    )


def _is_token_issued(words: list[Word], index: int) -> bool:
    return words[index].text in _ISSUES and [_text(words, index + i) for i in (-2, -1, 1)] == [
        "token",
        ".",
        "(",
    ]


def _last_name(words: list[Word], index: int) -> str:
    """Return the name that the operand before an operator ends in; of a call, what is called on."""
    if _text(words, index) in (")", "]"):
        depth = 0
        while index >= 0:
            depth += {")": 1, "]": 1, "(": -1, "[": -1}.get(words[index].text, 0)
            index -= 1
            if not depth:
                break
        if _text(words, index) == "get":
            index -= 2
    return words[index].text if index >= 0 and words[index].kind == "name" else ""


def _next_name(words: list[Word], index: int) -> str:
    """Return the last name of the chain that the operand after an operator begins with."""
    name = ""
    while index < len(words) and words[index].kind == "name":
        if words[index].text != "get":
            name = words[index].text
        if _text(words, index + 1) not in (".", ":"):
            break
        index += 2
    return name


def _permissions(loaded: Loaded, words: list[Word]) -> Iterator[tuple[str, str]]:
    permissions = loaded.interface.permissions
    called = {word.text for index, word in enumerate(words) if _is_called(words, index)}
    is_token_used = any(
        word.text == "token" and _text(words, index + 1) == "." and _text(words, index - 1) != "."
        for index, word in enumerate(words)
    )
    uses_transfer = bool(called.intersection(_PAYS)) or is_token_used
    uses_call = bool(called.intersection(_CALLS))
    if permissions.transfer and not uses_transfer:
        yield "unused_permission", "permissions.transfer: nothing in it transfers"
    if permissions.call and not uses_call:
        yield "unused_permission", "permissions.call: nothing in it calls"
    if permissions.issue and not is_token_used:
        yield "unused_permission", "permissions.issue: nothing in it issues"
    if not permissions.issue and any(_is_token_issued(words, index) for index in range(len(words))):
        yield "missing_permission", "it issues tokens, but permissions.issue is not true"
    if "transfer" in called and not permissions.transfer:
        yield "missing_permission", "it transfers, but permissions.transfer names no asset"
    if uses_call and not permissions.call:
        yield "missing_permission", "it calls, but permissions.call names no contract"
    for name, scope in (("transfer", permissions.transfer), ("call", permissions.call)):
        if "any" in scope:
            yield "wide_permission", f"permissions.{name} is `any`"


def _events(loaded: Loaded, words: list[Word]) -> Iterator[tuple[str, str]]:
    said = {
        words[index + 2].content
        for index, word in enumerate(words[:-2])
        if word.text == "emit" and _is_called(words, index) and words[index + 2].kind == "text"
    }
    for name in loaded.interface.events:
        if name not in said:
            yield "unused_event", f"event {name} is never emitted"
    for name in sorted(said - set(loaded.interface.events)):
        yield "unknown_event", f"event {name} is not declared: emitting it fails"


def _docs(loaded: Loaded) -> Iterator[tuple[str, str]]:
    methods = loaded.declared.get("methods")
    for name, body in sorted(methods.items()) if isinstance(methods, dict) else []:
        doc: Value = body.get("doc") if isinstance(body, dict) else None
        if not doc:
            yield "no_doc", f"method {name} has no doc"


def _is_called(words: list[Word], index: int) -> bool:
    return (
        words[index].kind == "name"
        and _text(words, index + 1) == "("
        and _text(words, index - 1) not in (".", ":", "function")
    )


def _text(words: list[Word], index: int) -> str:
    return words[index].text if 0 <= index < len(words) else ""
