"""Templates: whole pages for requests, and parts of pages for the feed, in the visitor's language."""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, Final
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from chaosnet.rpc.schema import BlockSummary, Status
from explorer import show
from explorer.branches import draw
from explorer.language import COOKIE, COOKIE_AGE_S, LANGUAGES, language_of, load_words
from explorer.nodes import NodeView, clock_ms

STATIC_FILES: Final = ("explorer.css", "live.js", "favicon.svg")
QUERY_PAIRS_MAX: Final = 4
QUERY_CHARS_MAX: Final = 200
"""Arguments of a page that the link to the other language repeats: so many, each no longer."""


@lru_cache(maxsize=1)
def static_files() -> dict[str, bytes]:
    """Return the content of all static files."""
    folder = resources.files("explorer") / "static"
    return {name: (folder / name).read_bytes() for name in STATIC_FILES}


def static_url(name: str) -> str:
    """Return the address of a static file; another content has another address."""
    return f"/static/{name}?v={hashlib.sha256(static_files()[name]).hexdigest()[:12]}"


class Renderer:
    """The templates with all they may use. `site` holds what every page shows."""

    def __init__(self) -> None:
        self._words = load_words()
        self.site: dict[str, Any] = {}
        env = jinja2.Environment(
            loader=jinja2.PackageLoader("explorer"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        env.filters |= {
            "cos": show.cos,
            "number": show.number,
            "units": show.units,
            "short": show.short,
            "iso": show.iso,
            "machine_time": show.machine_time,
            "size": show.size,
        }
        env.globals |= {
            "static_url": static_url,
            "percent": show.percent,
            "draw": draw,
            "agreement": agreement,
            "member_names": member_names,
            "is_seal_engine": lambda engine: engine in ("pbft", "dbft"),
        }
        self._env = env

    def part(self, name: str, lang: str, **values: object) -> str:
        """Return one part of a page as HTML."""
        return self._env.get_template(f"parts/{name}.html").render(self._context(lang) | values)

    def page(self, request: Request, name: str, status: int = 200, **values: object) -> HTMLResponse:
        """Return a whole page; a language asked for in the address is remembered.

        `request.state.shows`: id of the event up to which the page shows everything, if not the newest one.
        """
        lang = language_of(request)
        values |= {"path": request.url.path, "other_lang_url": _other_language(request, lang)}
        values["shows"] = getattr(request.state, "shows", None)
        html = self._env.get_template(f"{name}.html").render(self._context(lang) | values)
        response = HTMLResponse(html, status)
        response.headers["content-language"] = lang
        response.headers["vary"] = "Accept-Language, Cookie"
        response.headers["cache-control"] = "no-cache"
        if request.query_params.get(COOKIE) == lang:
            response.set_cookie(COOKIE, lang, max_age=COOKIE_AGE_S, httponly=True, samesite="lax")
        return response

    def _context(self, lang: str) -> dict[str, Any]:
        words = self._words[lang]
        now_ms = clock_ms()

        def bound(function: Callable[..., str]) -> Callable[..., str]:
            return lambda value: function(value, words)

        return self.site | {
            "t": words,
            "lang": lang,
            "now_ms": now_ms,
            "age": lambda time_ms: show.age(time_ms, now_ms, words),
            "span": bound(show.span),
            "health_words": bound(show.health_words),
            "code_words": bound(show.code_words),
        }


def _other_language(request: Request, lang: str) -> str:
    other = next(name for name in LANGUAGES if name != lang)
    given = [(name, value) for name, value in request.query_params.multi_items() if name != COOKIE]
    kept = [pair for pair in given[:QUERY_PAIRS_MAX] if len("".join(pair)) <= QUERY_CHARS_MAX]
    return "?" + urlencode([*kept, (COOKIE, other)])


def member_names(status: Status | None) -> dict[str, str]:
    """Return the members' names by the address of their operator."""
    return {member.operator: member.name for member in status.members} if status else {}


def agreement(view: NodeView, primary: NodeView | None, blocks: Sequence[BlockSummary]) -> str:
    """Return how a node's head relates to the chain shown: `same`, `behind`, `ahead`, `other`, `foreign`.

    `other` is a fork: at the height of its head the chain shown has another block.
    """
    if view.status is None or primary is None or primary.status is None:
        return ""
    if view.status.genesis != primary.status.genesis:
        return "foreign"
    if view.status.tip == primary.status.tip:
        return "same"
    shown = {block.height: block.id for block in blocks} | {primary.status.height: primary.status.tip}
    if view.status.height in shown and shown[view.status.height] != view.status.tip:
        return "other"
    return "behind" if view.status.height < primary.status.height else "ahead"
