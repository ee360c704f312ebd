"""The words of a contract's source, as far as tools look at it: comments left out, strings whole."""

import re
from typing import Final, NamedTuple

from pygments.lexers import JavascriptLexer, LuaLexer
from pygments.token import Comment, Keyword, Literal, Name, Number, String

LUA: Final = "lua/1"
JAVASCRIPT: Final = "js/1"

_LEXERS: Final = {LUA: LuaLexer, JAVASCRIPT: JavascriptLexer}
_SIGNS: Final = re.compile(
    r"\.\.\.|===|!==|>>>|\*\*=?|\.\.|//|::|<<|>>|==|~=|!=|<=|>=|=>|&&|\|\||\?\?|\+\+|--|[-+*/%]=|[^\s]"
)

_STRING: Final = re.compile(r"""(['"`])(?:\\.|(?!\1).)*\1""", re.DOTALL)


class Word(NamedTuple):
    """One word."""

    kind: str
    """`name`, `text` (a string with its quotes), `number` or `sign`."""
    text: str
    at: int
    """Offset of its first character."""

    @property
    def end(self) -> int:
        """Offset after its last character."""
        return self.at + len(self.text)

    @property
    def content(self) -> str:
        """What stands between the quotes of a string."""
        return self.text[1:-1]


def words_of(source: str, engine: str) -> list[Word]:
    """Return the words of a source in their order."""
    lexer = _LEXERS[engine](stripnl=False, ensurenl=False)
    found: list[Word] = []
    for at, kind, text in lexer.get_tokens_unprocessed(source):
        if kind in Comment or not text.strip():
            continue
        if kind in String:
            last = found[-1] if found else None
            if last is not None and last.kind == "text" and last.end == at and not _is_whole(last.text):
                found[-1] = last._replace(text=last.text + text)
            else:
                found.append(Word("text", text, at))
        elif kind in Number or kind in Literal:
            found.append(Word("number", text, at))
        elif kind in Name or kind in Keyword or text.isidentifier():
            found.append(Word("name", text, at))
        else:
            signs = _SIGNS.finditer(text)
            found += [Word("sign", sign.group(), at + sign.start()) for sign in signs]
    return found


def line_of(source: str, at: int) -> int:
    """Return the number of the line that an offset is in, from 1."""
    return source.count("\n", 0, at) + 1


def _is_whole(text: str) -> bool:
    return text[0] not in "'\"`" or _STRING.fullmatch(text) is not None
