"""How values look in the terminal: times, amounts, sizes, reasons. Values in, text out."""

import re
import time
from dataclasses import dataclass
from typing import Final

from chaosnet.base.errors import CODES
from chaosnet.base.units import format_cos
from chaosnet.rpc.schema import Health
from tui.agreement import Verdict
from tui.journal import Event
from tui.plain import plain
from tui.trouble import SILENT_REASON, Trouble
from tui.words import Words

NOTHING: Final = "—"
DAY_MS: Final = 86_400_000
YEAR_10000_MS: Final = 253_402_300_800_000
MARKS: Final = {
    Verdict.AGREES: "✓",
    Verdict.DIFFERS: "✗",
    Verdict.SPLIT: "≠",
    Verdict.ALONE: "·",
    Verdict.UNKNOWN: "?",
    Verdict.FOREIGN: "✗",
    Verdict.BRANCH: "~",
}
VERDICT_LEVELS: Final = {
    Verdict.AGREES: "good",
    Verdict.DIFFERS: "bad",
    Verdict.SPLIT: "bad",
    Verdict.ALONE: "dim",
    Verdict.UNKNOWN: "dim",
    Verdict.FOREIGN: "bad",
    Verdict.BRANCH: "warn",
}
LEVEL_MARKS: Final = {"good": "✓", "warn": "!", "bad": "✗", "plain": "·", "block": "·"}
"""Beside every colour stands a sign, so that nothing depends on seeing colours."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Styles of the levels, from the theme."""

    good: str
    warn: str
    bad: str
    accent: str
    dim: str = "dim"

    def of(self, level: str) -> str:
        """Return the style of a level; empty for plain text."""
        styles = {"good": self.good, "warn": self.warn, "bad": self.bad, "accent": self.accent}
        return styles.get(level, self.dim if level in ("dim", "block") else "")


def number(value: int | None) -> str:
    """Return a number with its thousands apart."""
    return NOTHING if value is None else f"{value:,}"


def short(text: str, length: int = 8) -> str:
    """Return the beginning of a hash."""
    return text[:length] or NOTHING


def ends(text: str, width: int = 21) -> str:
    """Return a text, or its two ends when it is longer than `width`."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"


def cos(motes: str | int, decimals: int = 2) -> str:
    """Return an amount with its thousands apart at least so many decimals; what is no number, as it is."""
    text = str(motes)
    if not re.fullmatch(r"-?[0-9]{1,40}", text):
        return text
    whole, _, part = format_cos(int(text)).partition(".")
    sign = "-" if whole.startswith("-") else ""
    part = part.rstrip("0").ljust(decimals, "0")
    return f"{sign}{abs(int(whole)):,}.{part}"


def share(ppm: int) -> str:
    """Return a share of the weight in per cent."""
    if 0 < ppm < 1_000:
        return "<0.1%"
    return f"{ppm / 10_000:.1f}%" if ppm else NOTHING


def permille(value: int) -> str:
    """Return a commission in per cent."""
    return f"{value / 10:.1f}".removesuffix(".0") + "%"


def progress(done: int, total: int, width: int = 10) -> str:
    """Return how far something is as a bar of so many characters."""
    filled = width * min(max(done, 0), total) // total if total > 0 else 0
    return "█" * filled + "░" * (width - filled)


def short_weight(text: str) -> str:
    """Return a weight; work of many digits by its size."""
    if not re.fullmatch(r"[0-9]{1,100}", text):
        return ends(text, 12)
    return f"{int(text):,}" if len(text) < 10 else f"{text[0]}.{text[1:3]}e{len(text) - 1}"


def size(count: int) -> str:
    """Return a number of bytes in the largest fitting unit."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.2f} MiB"


def span(duration_ms: int | None) -> str:
    """Return a duration in its two largest units, for example 3m12s; below ten seconds to the tenth."""
    if duration_ms is None:
        return NOTHING
    duration_ms = max(duration_ms, 0)
    seconds = duration_ms // 1000
    if duration_ms < 10_000:
        return f"{duration_ms / 1000:.1f}s"
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3_600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    if seconds < 86_400:
        return f"{seconds // 3_600}h{seconds % 3_600 // 60:02}m"
    return f"{seconds // 86_400}d{seconds % 86_400 // 3_600:02}h"


def interval(duration_ms: int | None) -> str:
    """Return the time between blocks: milliseconds below a second."""
    if duration_ms is None or duration_ms >= 1_000:
        return span(duration_ms)
    return f"{max(duration_ms, 0)}ms"


def signed_ms(value: int | None) -> str:
    """Return a clock offset with its sign."""
    return NOTHING if value is None else f"{value:+,}ms" if abs(value) < 10_000 else f"{value // 1000:+,}s"


def clock(time_ms: int, now_ms: int | None = None) -> str:
    """Return a local time of day; with its date when it is not within a day of `now_ms`."""
    moment = time.localtime(min(max(time_ms, 0), YEAR_10000_MS - 1) // 1000)
    is_far = now_ms is not None and abs(now_ms - time_ms) > DAY_MS
    return time.strftime("%Y-%m-%d %H:%M:%S" if is_far else "%H:%M:%S", moment)


def moment(time_ms: int) -> str:
    """Return a local date and time with its zone."""
    return time.strftime(
        "%Y-%m-%d %H:%M:%S %Z", time.localtime(min(max(time_ms, 0), YEAR_10000_MS - 1) // 1000)
    )


def since(time_ms: int | None, now_ms: int, words: Words) -> str:
    """Return `since 12:03:44 (3m12s)`, or nothing."""
    if time_ms is None:
        return ""
    return words("since", time=clock(time_ms, now_ms), span=span(now_ms - time_ms))


def reason_of(health: Health, words: Words) -> str:
    """Return what is wrong with a node, in the reader's language where the reason is a known one."""
    if health.is_healthy:
        return words("healthy")
    if found := SILENT_REASON.fullmatch(health.reason):
        silent, total, needed = (int(part) for part in found.groups())
        return words("reason_silent", n=silent, total=total, needed=needed)
    text = words.known(f"health_{health.code or health.phase}", "")
    if words.lang == "en" or not text:
        return health.reason or text or health.code or health.phase
    return f"{text} ({health.reason})" if health.reason else text


def trouble_of(trouble: Trouble, now_ms: int, words: Words) -> str:
    """Return a line of the banner."""
    values = dict(trouble.values)
    if isinstance(health := values.get("health"), Health):
        values["health"] = reason_of(health, words)
    text = words.known(f"trouble_{trouble.kind}", "") and words(f"trouble_{trouble.kind}", **values)
    if not text:
        text = str(values.get("reason", trouble.kind))
    if tail := since(trouble.since_ms, now_ms, words):
        text += f" — {tail}"
    names = values.get("names")
    return plain(f"{text} · {names}" if names else text)


def error_of(error: str, words: Words) -> str:
    """Return why a node cannot be reached; `error` is a code and what it means."""
    return words.known(f"error_{error.partition(':')[0]}", error)


def event_of(event: Event, words: Words) -> str:
    """Return a line of the event log, without its time."""
    values = dict(event.values)
    if event.kind == "unreachable":
        values["reason"] = error_of(str(values["reason"]), words)
    if isinstance(health := values.get("health"), Health):
        values["reason"] = reason_of(health, words)
    text = words(f"event_{event.kind}", **values)
    return f"{event.node}: {text}" if event.node else text


def code_of(code: str, words: Words) -> str:
    """Return a receipt's code with its meaning."""
    meaning = words.known(f"code_{code}", CODES.get(code, ""))
    return f"{code}: {meaning}" if meaning else code
