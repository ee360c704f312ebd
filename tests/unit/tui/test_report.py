"""The facts once, for scripts."""

import json

from tests.unit.tui.making import NOW, lose_two, network_of, running
from tui.report import report_json, report_table
from tui.words import load_words

EN = load_words("en")


def test_table_has_a_line_for_each_node_and_no_colours() -> None:
    text = report_table(running(), NOW, EN)
    assert "\x1b" not in text
    first, engine, header, *rows = text.splitlines()
    assert first.startswith("made · genesis ")
    assert first.endswith("4 agree at 10")
    assert engine == "engine pbft · era 0 · final at once · final 10 (0 behind) · leader alpha"
    assert header.split()[:4] == ["Node", "Height", "Final", "Tip"]
    assert [row.split()[0] for row in rows] == ["alpha", "beta", "gamma", "delta"]


def test_table_says_what_is_wrong_and_shows_who_does_not_answer() -> None:
    network = running()
    lose_two(network)
    text = report_table(network, NOW, EN)
    assert "✗ HALTED: 2 of 4 members silent, 3 needed" in text
    assert text.count("no answer since") == 2
    assert "cannot be reached" in text


def test_json_is_for_programs() -> None:
    network = running()
    lose_two(network)
    found = json.loads(report_json(network, NOW, EN))
    assert [node["is_reachable"] for node in found["nodes"]] == [True, True, False, False]
    assert [node["tip_verdict"] for node in found["nodes"]] == ["agrees", "agrees", "unknown", "unknown"]
    assert found["nodes"][0]["status"]["height"] == 10
    assert found["nodes"][3]["status"] is None
    assert found["validators_silent"] == ["gamma", "delta"]
    assert [trouble["kind"] for trouble in found["troubles"]] == ["halted", "unreachable"]


def test_report_of_nobody() -> None:
    network = network_of(1)
    network.lost(0, "connection: refused", NOW)
    assert "NO NODE ANSWERS" in report_table(network, NOW, EN)
    assert json.loads(report_json(network, NOW, EN))["validators"] is None
