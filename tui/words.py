"""Words of the terminal in English and Chinese, and which of the two is shown."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Final

LANGUAGES: Final = ("en", "zh")
LOCALE_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
"""In the order in which POSIX lets them decide."""


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

    def known(self, key: str, otherwise: str) -> str:
        """Return a message if there is one, for words that a newer node may use."""
        return self.table.get(key, otherwise)


def load_words(lang: str) -> Words:
    """Read the message table of one of LANGUAGES."""
    text = (resources.files("tui") / "messages" / f"{lang}.toml").read_text(encoding="utf-8")
    return Words(lang, tomllib.loads(text))


def language_of(wish: str | None, environment: Mapping[str, str]) -> str:
    """Return the language: the wish if it is one of ours, else that of the locale, else English."""
    named = [wish or "", next((environment[v] for v in LOCALE_VARIABLES if environment.get(v)), "")]
    for text in named:
        if (lang := text[:2].lower()) in LANGUAGES:
            return lang
    return LANGUAGES[0]
