"""Values as visitors read them."""

import pytest

from chaosnet.rpc.schema import Health
from explorer import show
from explorer.language import load_words

WORDS = load_words()
EN, ZH = WORDS["en"], WORDS["zh"]
NOW = 1_790_000_000_000


@pytest.mark.parametrize(
    ("motes", "text"),
    [
        ("0", "0.00000000"),
        ("1", "0.00000001"),
        ("1250000000", "12.50000000"),
        ("123456789012345678", "1,234,567,890.12345678"),
        ("900719925474099300000000", "9,007,199,254,740,993.00000000"),
        ("-5", "-0.00000005"),
        (250_000_000, "2.50000000"),
    ],
)
def test_amount_has_all_decimals_and_grouped_thousands(motes: str | int, text: str) -> None:
    assert show.cos(motes).striptags() == text


def test_amount_marks_only_the_zeros_at_the_end() -> None:
    assert str(show.cos("1250000000")) == '12.5<span class="zeros">0000000</span>'
    assert str(show.cos("100000000")) == '1<span class="zeros">.00000000</span>'


@pytest.mark.parametrize("motes", ["<b>", "1e9", "", "9" * 41, "٣"])
def test_what_is_no_amount_is_shown_escaped(motes: str) -> None:
    assert str(show.cos(motes)) == motes.replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize(
    ("ago_ms", "text"),
    [
        (0, "just now"),
        (999, "just now"),
        (1_000, "1 s ago"),
        (59_999, "59 s ago"),
        (60_000, "1 min ago"),
        (3_600_000, "1 h ago"),
        (50 * 3_600_000, "2 d ago"),
        (-90_000, "in 1 min"),
    ],
)
def test_age(ago_ms: int, text: str) -> None:
    assert show.age(NOW - ago_ms, NOW, EN) == text


def test_times_are_iso_utc_and_never_fail() -> None:
    assert show.iso(0) == "1970-01-01 00:00:00 UTC"
    assert show.machine_time(1_790_000_000_123) == "2026-09-21T14:13:20.123Z"
    assert show.iso(2**63) == "9999-12-31 23:59:59 UTC"
    assert show.iso(-1) == "1970-01-01 00:00:00 UTC"


def test_hash_is_shortened_in_the_middle() -> None:
    assert show.short("0123456789abcdef" * 4) == "01234567…89abcdef"
    assert show.short("short") == "short"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 20, "3.00 MiB")]
)
def test_size(count: int, text: str) -> None:
    assert show.size(count) == text


@pytest.mark.parametrize(
    ("part", "whole", "share"), [(0, 100, 0), (1, 10_000, 1), (50, 100, 50), (300, 100, 100), (5, 0, 0)]
)
def test_percent(part: int, whole: int, share: int) -> None:
    assert show.percent(part, whole) == share


def test_reason_is_told_in_the_visitors_language() -> None:
    silent = Health(
        is_healthy=False, phase="running", code="quorum_lost", reason="2 of 4 members silent, 3 needed"
    )
    assert show.health_words(silent, EN) == "2 of 4 members silent, 3 needed"
    assert show.health_words(silent, ZH) == "4 个成员中有 2 个无响应,需要 3 个"
    syncing = Health(is_healthy=False, phase="syncing", code="syncing", reason="syncing: block 3 of 9")
    assert show.health_words(syncing, ZH) == "正在读取缺少的区块 (syncing: block 3 of 9)"
    new = Health(is_healthy=False, phase="running", code="new_code", reason="something new")
    assert show.health_words(new, ZH) == "something new"
