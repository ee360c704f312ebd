"""The facts once, for scripts."""

import json

from tests import fake_staking
from tests.unit.tui.making import NOW, lose_two, network_of, running
from tests.unit.tui.staking import network_under, reorg_event, validator_list
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


def test_report_under_a_staking_engine_has_validators_epoch_countdown_and_the_tree() -> None:
    network = network_under("dpos", handover_height=120, next_engine="pos")
    network.take_validators(validator_list())
    network.take_tree(0, fake_staking.block_tree())
    network.take_event(0, reorg_event(depth=7, is_deep=True), NOW)
    text = report_table(network, NOW, EN)
    assert "engine dpos · era 0 · final by votes · final 101 (5 behind) · leader alpha" in text
    assert "epoch 4 6/25" in text
    assert "pos in 14 blocks after 120" in text
    (delta,) = (line.split() for line in text.splitlines() if line.startswith("delta ") and "25.0%" in line)
    assert delta[:5] == ["delta", "25.0%", "1,000,000.00", "10%", "7"]
    assert "7 blocks above the final one, 2 branches" in text
    assert "7 blocks undone above 99: 106 → 107, transactions dropped: 2" in text
    assert "! alpha: DEEP REORGANISATION" in text
    found = json.loads(report_json(network, NOW, EN))
    assert found["validator_list"]["epoch"]["number"] == 4
    assert [len(node["tree"]["blocks"]) if node["tree"] else 0 for node in found["nodes"]] == [8, 0, 0, 0]


def test_report_says_what_an_old_node_does_not_know_and_goes_on() -> None:
    network = running()
    network.validators_problem = "not_found: /v1/validators"
    network.miss_tree(0, "not_found: /v1/tree")
    text = report_table(network, NOW, EN)
    assert "! Validators: not_found: /v1/validators" in text
    assert "! Tree of alpha: not_found: /v1/tree" in text
    assert "4 agree at 10" in text
