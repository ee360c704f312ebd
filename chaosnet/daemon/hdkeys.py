"""Keys from a phrase of words: BIP-39 for the words, SLIP-0010 for Ed25519 keys below them.

New phrases are English or Chinese; reading accepts every word list of BIP-39. The seed is made of the words
as they stand, so it does not matter that some phrases are valid in several lists (the two Chinese lists share
1,275 characters).
"""

import hmac
import secrets
import unicodedata
from functools import cache
from hashlib import sha512
from typing import Final

from mnemonic import Mnemonic

from chaosnet.base.errors import Invalid

LANGUAGES: Final = ("english", "chinese_simplified", "chinese_traditional")
"""Word lists that new phrases are made from."""
WORD_COUNTS: Final = (12, 15, 18, 21, 24)
"""Lengths of a phrase; 12 words carry 128 bits, 24 carry 256."""

_HARDENED = 1 << 31
_PATH_DEPTH_MAX = 32


def new_phrase(language: str = "english", words: int = 24) -> str:
    """Return a fresh phrase; raise Invalid(`bad_argument`) for another language or length than the above."""
    if language not in LANGUAGES:
        raise Invalid("bad_argument", f"language {language!r} is none of {', '.join(LANGUAGES)}")
    if words not in WORD_COUNTS:
        raise Invalid("bad_argument", f"a phrase has 12, 15, 18, 21 or 24 words, not {words}")
    return _word_list(language).to_mnemonic(secrets.token_bytes(words * 4 // 3))


def seed_of(phrase: str, passphrase: str = "") -> bytes:
    """Return the 64-byte seed of a phrase as typed; raise Invalid(`bad_mnemonic`) with what is wrong.

    Capitals, surplus spaces and Chinese written without spaces are all the same phrase.
    """
    words = _words(phrase)
    if not _languages(words):
        raise Invalid("bad_mnemonic", _complaint(words))
    return Mnemonic.to_seed(" ".join(words), passphrase)


def languages_of(phrase: str) -> tuple[str, ...]:
    """Return the word lists in which the phrase is valid: none, one or, rarely, several."""
    return _languages(_words(phrase))


def account_path(account: int = 0) -> str:
    """Return the path of one account's key, m/44'/7777'/account'/0'."""
    return f"m/44'/7777'/{account}'/0'"


def derive(seed: bytes, path: str) -> bytes:
    """Return the 32-byte Ed25519 seed at a path such as m/44'/7777'/0'/0' (SLIP-0010).

    Ed25519 knows hardened steps only, marked ' or h. Raises Invalid(`bad_argument`).
    """
    if not 16 <= len(seed) <= 64:
        raise Invalid("bad_argument", f"a seed has 16 to 64 bytes, not {len(seed)}")
    node = hmac.digest(b"ed25519 seed", seed, sha512)
    for index in _steps(path):
        node = hmac.digest(node[32:], b"\x00" + node[:32] + index.to_bytes(4, "big"), sha512)
    return node[:32]


def _steps(path: str) -> list[int]:
    root, *steps = path.split("/")
    if root != "m" or len(steps) > _PATH_DEPTH_MAX:
        raise Invalid("bad_argument", f"not a derivation path: {path!r}")
    indexes = []
    for step in steps:
        number = step[:-1]
        is_number = number.isascii() and number.isdigit() and len(number) <= 10
        if step[-1:] not in ("'", "h", "H") or not is_number or int(number) >= _HARDENED:
            raise Invalid("bad_argument", f"step {step!r} of {path!r} must be a number below 2^31 and '")
        indexes.append(int(number) | _HARDENED)
    return indexes


def _words(phrase: str) -> list[str]:
    """Return the words in the form BIP-39 hashes them (NFKD), one character a word where they are Chinese."""
    words: list[str] = []
    for word in unicodedata.normalize("NFKD", phrase).lower().split():
        words.extend(word if all("\u4e00" <= char <= "\u9fff" for char in word) else [word])
    return words


def _languages(words: list[str]) -> tuple[str, ...]:
    if len(words) not in WORD_COUNTS:
        return ()
    return tuple(language for language in _all_languages() if _is_in(language, words))


def _is_in(language: str, words: list[str]) -> bool:
    return _known(language).issuperset(words) and _word_list(language).check(" ".join(words))


def _complaint(words: list[str]) -> str:
    """Say what is wrong without repeating a word: the text ends up on screens and in logs."""
    if len(words) not in WORD_COUNTS:
        return f"a phrase has 12, 15, 18, 21 or 24 words, not {len(words)}"
    language = max(_all_languages(), key=lambda name: sum(word in _known(name) for word in words))
    unknown = [str(place) for place, word in enumerate(words, 1) if word not in _known(language)]
    if unknown:
        return f"not in the word list ({language}): number {', '.join(unknown)}"
    return "all words are known but the checksum does not fit: one is wrong, or the order"


@cache
def _all_languages() -> tuple[str, ...]:
    others = sorted(set(Mnemonic.list_languages()) - set(LANGUAGES))
    return (*LANGUAGES, *others)


@cache
def _word_list(language: str) -> Mnemonic:
    return Mnemonic(language, [unicodedata.normalize("NFKD", word) for word in Mnemonic(language).wordlist])


@cache
def _known(language: str) -> frozenset[str]:
    return frozenset(_word_list(language).wordlist)
