"""The source of a contract with its words marked, line by line."""

import asyncio
from typing import Final

from markupsafe import Markup
from pygments import format as marked
from pygments import lex
from pygments.formatters import HtmlFormatter
from pygments.lexers import JavascriptLexer, LuaLexer

from explorer.lru import Lru

CACHE_BYTES_MAX: Final = 8 * 1024 * 1024
_LEXERS: Final = {"lua": LuaLexer, "js": JavascriptLexer}
_cache: Lru[list[Markup]] = Lru(CACHE_BYTES_MAX)


async def lines_of(engine: str, source: str, source_hash: str) -> list[Markup]:
    """Return the lines of a source as HTML; a hash is worked on once."""
    found = _cache.get(source_hash)
    if found is None:
        found = await asyncio.to_thread(highlight, engine, source)
        _cache.put(source_hash, found, 4 * len(source) + 1_000)
    return found


def highlight(engine: str, source: str) -> list[Markup]:
    """Return the lines of a source as HTML, safe whatever it holds; classes begin with `hl-`."""
    lexer = _LEXERS.get(engine.partition("/")[0])
    if lexer is None:
        return [Markup("{}").format(line) for line in source.split("\n")]
    tokens = lex(source, lexer(stripnl=False, ensurenl=False))
    html = marked(tokens, HtmlFormatter(nowrap=True, classprefix="hl-"))
    return [Markup(line) for line in html.rstrip("\n").split("\n")]  # noqa: S704 - the formatter has escaped it
