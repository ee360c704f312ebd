"""Words of the site in English and Chinese, and which of the two a visitor reads."""

import tomllib
from importlib import resources
from typing import Final

from starlette.requests import Request

LANGUAGES: Final = ("en", "zh")
COOKIE: Final = "lang"
COOKIE_AGE_S: Final = 365 * 86_400
ACCEPT_CHARS_MAX: Final = 200
"""Characters of Accept-Language that are looked at."""


class Words:
    """The messages of one language; called with a key, it returns the text."""

    def __init__(self, lang: str, table: dict[str, str]) -> None:
        self.lang = lang
        self.table = table

    def __call__(self, key: str, **values: object) -> str:
        """Return a message with its values filled in; a count `n` picks between `one|many`."""
        text = self.table[key]
        if "|" in text:
            one, _, many = text.partition("|")
            text = one if values.get("n") == 1 else many
        shown = {name: f"{v:,}" if isinstance(v, int) else v for name, v in values.items()}
        return text.format_map(shown) if shown else text


def load_words() -> dict[str, Words]:
    """Read the message tables that lie beside this module."""
    folder = resources.files("explorer") / "messages"
    return {
        lang: Words(lang, tomllib.loads((folder / f"{lang}.toml").read_text(encoding="utf-8")))
        for lang in LANGUAGES
    }


def language_of(request: Request) -> str:
    """Return the language asked for: by `?lang=`, else by the cookie, else by Accept-Language."""
    for wish in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return wish
    return accepted(request.headers.get("accept-language", ""))


def accepted(header: str) -> str:
    """Return the first language of an Accept-Language header that the site speaks (RFC 9110, 12.5.4)."""
    wishes = []
    for position, item in enumerate(header[:ACCEPT_CHARS_MAX].split(",")):
        tag, _, parameters = item.partition(";")
        lang = tag.strip().lower().partition("-")[0]
        try:
            quality = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if lang in LANGUAGES and quality > 0:
            wishes.append((-quality, position, lang))
    return min(wishes)[2] if wishes else LANGUAGES[0]
