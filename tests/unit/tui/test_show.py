"""How values look."""

import pytest

from chaosnet.rpc.schema import Health
from tui import show
from tui.words import load_words

EN, ZH = load_words("en"), load_words("zh")


@pytest.mark.parametrize(
    "ms, text",
    [
        (None, "—"),
        (-5, "0.0s"),
        (950, "0.9s"),
        (9_999, "10.0s"),
        (59_000, "59s"),
        (192_000, "3m12s"),
        (7_500_000, "2h05m"),
        (273_600_000, "3d04h"),
    ],
)
def test_span(ms: int | None, text: str) -> None:
    assert show.span(ms) == text


@pytest.mark.parametrize("ms, text", [(None, "—"), (7, "7ms"), (999, "999ms"), (1_000, "1.0s")])
def test_interval(ms: int | None, text: str) -> None:
    assert show.interval(ms) == text


@pytest.mark.parametrize(
    "motes, text",
    [
        ("0", "0.00"),
        ("100000000", "1.00"),
        ("9007199254740993", "90,071,992.54740993"),
        ("-150000000", "-1.50"),
        ("no number", "no number"),
    ],
)
def test_amounts_lose_nothing(motes: str, text: str) -> None:
    assert show.cos(motes) == text


@pytest.mark.parametrize(
    "ms, text", [(None, "—"), (-3, "-3ms"), (9_999, "+9,999ms"), (86_400_000, "+86,400s")]
)
def test_clock_offset(ms: int | None, text: str) -> None:
    assert show.signed_ms(ms) == text


@pytest.mark.parametrize("count, text", [(5, "5 B"), (2_048, "2.0 KiB"), (3 * 1024 * 1024, "3.00 MiB")])
def test_size(count: int, text: str) -> None:
    assert show.size(count) == text


def test_ends_keep_both_ends() -> None:
    assert show.ends("abcdefghijklmnop", 7) == "abc…nop"
    assert show.ends("short", 7) == "short"


def test_times_that_no_clock_shows_are_no_error() -> None:
    assert show.clock(-1)
    assert show.moment(1 << 62)
    assert "-" in show.clock(0, 10 * show.DAY_MS), "with its date"


def test_reason_is_translated_when_it_is_known() -> None:
    lost = Health(
        is_healthy=False, phase="running", code="quorum_lost", reason="2 of 4 members silent, 3 needed"
    )
    assert show.reason_of(lost, EN) == "2 of 4 members silent, 3 needed"
    assert show.reason_of(lost, ZH) == "4 名成员中 2 名沉默，需要 3 名"
    new = Health(is_healthy=False, phase="running", code="of_a_newer_node", reason="who knows")
    assert show.reason_of(new, ZH) == "who knows"
    assert show.reason_of(Health(is_healthy=False, phase="starting"), EN) == "starting"


def test_every_level_has_a_sign_besides_its_colour() -> None:
    assert len({show.MARKS[verdict] for verdict in show.MARKS if show.VERDICT_LEVELS[verdict] == "good"}) == 1
    good = {show.MARKS[v] for v, level in show.VERDICT_LEVELS.items() if level == "good"}
    bad = {show.MARKS[v] for v, level in show.VERDICT_LEVELS.items() if level == "bad"}
    assert not good & bad
    assert len({show.LEVEL_MARKS[level] for level in ("good", "warn", "bad")}) == 3


def test_connection_errors_are_in_the_reader_s_language() -> None:
    assert show.error_of("timeout: read", ZH) == "未及时应答"
    assert show.error_of("malformed: what", EN) == "malformed: what"
