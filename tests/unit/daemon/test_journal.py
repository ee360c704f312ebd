"""Logs: one event name and fields a line, at the level an operator expects."""

import json
from collections.abc import Iterator

import pytest
import structlog

from chaosnet.daemon import journal
from chaosnet.daemon.config import LogSection
from chaosnet.daemon.journal import log_fact, set_up_logging
from chaosnet.kernel import events as ev
from tests.unit.kernel.harness import Bench, facts


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A logger keeps the settings of its first use: each test has its own.
    monkeypatch.setattr(journal, "log", structlog.get_logger("node"))
    yield
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


FACTS: list[tuple[ev.ReportFact, str, str]] = [
    (ev.RoundMoved(5, 0, "propose"), "debug", "round"),
    (ev.RoundMoved(5, 1, "propose"), "info", "round"),
    (ev.PeerNote(b"\xab" * 32, "banned", "bad_signature"), "info", "peer"),
    (ev.BlockRefused(b"\xcd" * 32, 9, "bad_root", "state root"), "warning", "block_refused"),
    (ev.Reorganised(9, b"o", 8, b"n", common_height=6, dropped=(b"t",)), "info", "reorganised"),
    (ev.Reorganised(9, b"o", 8, b"n", common_height=3, dropped=()), "warning", "reorganised"),
    (ev.Finalised(6, b"f" * 32), "debug", "final"),
    (ev.DoubleSign(b"\xef" * 32, 9), "error", "double_sign"),
    (ev.TrustJudged(is_trusted=False, detail="pin a block"), "warning", "untrusted"),
    (ev.TrustJudged(is_trusted=True, detail=""), "info", "trusted"),
    (ev.Halted("disk_full", "5 bytes free"), "critical", "halted"),
    (ev.TransactionsPending((b"i",)), "debug", "pending"),
]


@pytest.mark.parametrize(("fact", "level", "name"), FACTS)
def test_each_fact_is_one_line(
    fact: ev.ReportFact, level: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging(LogSection(level="debug", format="json"))
    log_fact(fact)
    (line,) = lines(capsys)
    assert (line["level"], line["event"]) == (level, name)
    assert "timestamp" in line


def test_a_reorganisation_says_how_deep_and_what_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(LogSection(format="json"))
    log_fact(ev.Reorganised(9, b"o" * 32, 8, b"n" * 32, common_height=6, dropped=(b"t", b"u")))
    (line,) = lines(capsys)
    assert (line["depth"], line["dropped"], line["height"]) == (3, 2, 8)
    assert (line["id"], line["old_id"]) == ("6e" * 8, "6f" * 8)
    assert "code" not in line


def test_the_operator_says_what_is_deep(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(LogSection(format="json"))
    log_fact(ev.Reorganised(9, b"o", 8, b"n", common_height=6, dropped=()), reorg_warn_depth=3)
    (line,) = lines(capsys)
    assert (line["level"], line["code"], line["depth"]) == ("warning", "deep_reorganisation", 3)


def test_a_block_says_height_id_and_size(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench().start()
    bench.join_all()
    bench.advance(200)
    bench.grow()
    (fact,) = facts(bench.log, ev.HeadMoved)
    set_up_logging(LogSection(format="json"))
    log_fact(fact)
    (line,) = lines(capsys)
    assert line["event"] == "block"
    assert (line["height"], line["txs"], line["bytes"]) == (1, 0, fact.size_bytes)
    assert line["id"] == fact.block_id.hex()[:16]


def test_the_level_holds(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(LogSection(level="warning", format="json"))
    for fact, _, _ in FACTS:
        log_fact(fact)
    assert [line["event"] for line in lines(capsys)] == [
        "block_refused",
        "reorganised",
        "double_sign",
        "untrusted",
        "halted",
    ]


def test_without_a_terminal_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(LogSection())
    log_fact(FACTS[1][0])
    assert len(lines(capsys)) == 1


def test_people_get_words(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(LogSection(format="console"))
    log_fact(FACTS[1][0])
    text = capsys.readouterr().err
    assert "round" in text
    assert "{" not in text
