"""Bech32m (BIP-350, limits of BIP-173): how bytes are shown to people, with a checksum against typos."""

from functools import lru_cache, reduce
from operator import xor
from typing import Final

from chaosnet.base.errors import Invalid

TEXT_LENGTH_MAX: Final = 90
"""Characters of one string; the checksum's guarantee ends there (BIP-173)."""

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_WORDS = bytes.maketrans(_ALPHABET.encode(), bytes(range(32)))
_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
"""For int(), which reads numbers to the base of 32."""
_CHECKSUM = 0x2BC830A3
_CHECKSUM_WORDS = 6
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_STEPS = tuple(
    reduce(xor, [generator for place, generator in enumerate(_GENERATOR) if top >> place & 1], 0)
    for top in range(32)
)
"""What each value of the five bits that leave the remainder adds to it."""
_DOUBLE_STEPS = tuple(
    (_STEPS[top >> 5] & 0x1FFFFFF) << 5 ^ _STEPS[_STEPS[top >> 5] >> 25 ^ top & 31] for top in range(1024)
)
"""The same for two steps at once, of ten bits."""


def encode(hrp: str, payload: bytes) -> str:
    """Return the lower-case string for `payload` under a human-readable part such as `cos`.

    Raises Invalid(`bad_argument`) when the part is malformed or the string would pass 90 characters.
    """
    count = -(-len(payload) * 8 // 5)
    if not is_hrp(hrp) or len(hrp) + 1 + count + _CHECKSUM_WORDS > TEXT_LENGTH_MAX:
        raise Invalid("bad_argument", f"{hrp!r} with {len(payload)} bytes does not make a bech32m string")
    bits = int.from_bytes(payload, "big") << (-len(payload) * 8 % 5)
    words = [bits >> 5 * place & 31 for place in reversed(range(count))]
    remainder = _remainder(hrp, bytes(words + [0] * _CHECKSUM_WORDS)) ^ _CHECKSUM
    words += [remainder >> 5 * place & 31 for place in reversed(range(_CHECKSUM_WORDS))]
    return f"{hrp}1{''.join(_ALPHABET[word] for word in words)}"


def decode(hrp: str, text: str) -> bytes:
    """Return the payload of a string under this human-readable part; raise Invalid(`bad_address`)."""
    found, data = _split(text)
    if found != hrp:
        raise Invalid("bad_address", f"it begins with {found!r}, here {hrp!r} is used")
    count = len(data) - _CHECKSUM_WORDS
    bits = int(data[:count].translate(_DIGITS), 32) if count else 0
    padding = count * 5 % 8
    if padding > 4 or bits & ((1 << padding) - 1):
        raise Invalid("bad_address", "the bits do not make whole bytes")
    return (bits >> padding).to_bytes(count * 5 // 8, "big")


def is_hrp(text: str) -> bool:
    """Return whether a network may use this human-readable part: 1 to 83 ASCII characters, no capitals."""
    return 1 <= len(text) <= 83 and all("!" <= char <= "~" for char in text) and text == text.lower()


def _split(text: str) -> tuple[str, str]:
    """Return the human-readable part and the data with checksum; raise Invalid(`bad_address`)."""
    if len(text) > TEXT_LENGTH_MAX:
        raise Invalid("bad_address", "too long")
    if not text.isascii() or (text != text.lower() and text != text.upper()):
        raise Invalid("bad_address", "capitals and small letters mixed, or letters outside ASCII")
    hrp, _, data = text.lower().rpartition("1")
    if not is_hrp(hrp) or len(data) < _CHECKSUM_WORDS or data.strip(_ALPHABET):
        raise Invalid("bad_address", "not of the form prefix, 1, letters and digits")
    if _remainder(hrp, data.encode().translate(_WORDS)) != _CHECKSUM:
        raise Invalid("bad_address", "checksum does not fit: mistyped?")
    return hrp, data


@lru_cache(maxsize=64)
def _expanded(hrp: str) -> int:
    """Return the remainder after the human-readable part alone, in its expanded form."""
    words = bytes([ord(char) >> 5 for char in hrp] + [0] + [ord(char) & 31 for char in hrp])
    return _passed(1, words)


def _remainder(hrp: str, words: bytes) -> int:
    """Return the remainder of the BCH code over the expanded human-readable part and the words."""
    return _passed(_expanded(hrp), words)


def _passed(remainder: int, words: bytes) -> int:
    """Return the remainder after some more words, two at a time."""
    if len(words) & 1:
        remainder = (remainder & 0x1FFFFFF) << 5 ^ words[0] ^ _STEPS[remainder >> 25]
        words = words[1:]
    for first, second in zip(words[::2], words[1::2], strict=True):
        remainder = (remainder & 0xFFFFF) << 10 ^ (first << 5 | second) ^ _DOUBLE_STEPS[remainder >> 20]
    return remainder
