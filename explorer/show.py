"""How values look on a page: amounts, times, sizes, reasons. Text in, text out."""

import re
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from chaosnet.base.errors import CODES
from chaosnet.base.units import format_cos
from chaosnet.rpc.schema import Health
from explorer.language import Words

AGE_UNITS: Final = (("age_d", 86_400), ("age_h", 3_600), ("age_min", 60), ("age_s", 1))
SILENT: Final = re.compile(r"(\d{1,4}) of (\d{1,4}) members silent, (\d{1,4}) needed")
YEAR_10000_MS: Final = 253_402_300_800_000
DECIMALS_MAX: Final = 18
DIGITS_MAX: Final = 40
"""Digits of a number in text that are shown as one."""


def cos(motes: str | int) -> Markup:
    """Return an amount of COS with all decimals, thousands apart; what is no number is shown as it is.

    Zeros at the end are marked, to be shown paler.
    """
    text = str(motes)
    if not re.fullmatch(r"-?[0-9]{1,40}", text):
        return Markup("{}").format(text)
    whole, _, part = format_cos(int(text)).partition(".")
    sign = "-" if whole.startswith("-") else ""
    head = part.rstrip("0")
    point = "." if head else ""
    zeros = part[len(head) :] if head else "." + part
    tail = Markup('<span class="zeros">{}</span>').format(zeros) if zeros else ""
    return Markup("{}{:,}{}{}{}").format(sign, abs(int(whole)), point, head, tail)


def units(amount: str | int, decimals: int) -> str:
    """Return an amount of a token with its decimals, thousands apart; what is no number as it is."""
    text = str(amount)
    if not re.fullmatch(r"[0-9]{1,40}", text) or not 0 <= decimals <= DECIMALS_MAX:
        return text
    whole, part = divmod(int(text), 10**decimals)
    return f"{whole:,}.{part:0{decimals}}" if decimals else f"{whole:,}"


def number(value: object) -> str:
    """Return a number with its thousands apart; what is no number is shown as it is."""
    if isinstance(value, str) and len(value) < DIGITS_MAX and value.isascii() and value.isdigit():
        value = int(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def short(text: str, ends: int = 8) -> str:
    """Return the two ends of a hash or an address."""
    return text if len(text) <= 2 * ends + 1 else f"{text[:ends]}…{text[-ends:]}"


def iso(time_ms: int) -> str:
    """Return a time as ISO 8601 in UTC, to the second."""
    return _utc(time_ms).strftime("%Y-%m-%d %H:%M:%S UTC")


def machine_time(time_ms: int) -> str:
    """Return a time as the `datetime` attribute takes it, to the millisecond."""
    return _utc(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _utc(time_ms: int) -> datetime:
    return datetime.fromtimestamp(min(max(time_ms, 0), YEAR_10000_MS - 1) / 1000, UTC)


def age(time_ms: int, now_ms: int, words: Words) -> str:
    """Return how long ago, or how far ahead, a time is: in the largest fitting unit."""
    seconds = (now_ms - time_ms) // 1000
    if seconds < 0:
        return words("age_ahead", text=_span(-seconds, words))
    return words("age_ago", text=_span(seconds, words)) if seconds else words("age_now")


def span(time_ms: int | None, words: Words) -> str:
    """Return a duration; below ten seconds to the tenth."""
    if time_ms is None:
        return "—"
    return words("age_s", n=f"{time_ms / 1000:.1f}") if time_ms < 10_000 else _span(time_ms // 1000, words)


def _span(seconds: int, words: Words) -> str:
    for key, size in AGE_UNITS:
        if seconds >= size:
            return words(key, n=seconds // size)
    return words("age_s", n=0)


def size(count: int) -> str:
    """Return a number of bytes in the largest fitting unit."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.2f} MiB"


def percent(part: int, whole: int) -> int:
    """Return a share in percent, 0 to 100; anything above nothing shows as at least 1."""
    return min(100, max(1, part * 100 // whole)) if part > 0 and whole > 0 else 0


def health_words(health: Health, words: Words) -> str:
    """Return what is wrong with a node, in the visitor's language where the reason is a known one."""
    if health.is_healthy:
        return words("healthy")
    if found := SILENT.fullmatch(health.reason):
        silent, total, needed = (int(part) for part in found.groups())
        return words("reason_silent", n=silent, total=total, needed=needed)
    text = words.table.get(f"health_{health.code}", "")
    if words.lang == "en" or not text:
        return health.reason or text or health.code or health.phase
    return f"{text} ({health.reason})" if health.reason else text


def code_words(code: str, words: Words) -> str:
    """Return what a receipt's code means."""
    return words.table.get(f"code_{code}") or CODES.get(code, code)
