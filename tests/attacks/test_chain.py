"""Attacks through the ledger with the real engines: codes, gas and state are what they were."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chaosnet.ledger.keys import ACCOUNT_PREFIX
from tests.attacks.chain import Chain, everything, scenarios
from tests.machines import on_big_stack

FILE = Path(__file__).parent.parent / "golden/attacks_chain.json"
LANGUAGES = {"lua": ("lua/1",), "js": ("js/1",), "both": ("lua/1", "js/1")}


@cache
def found(languages: str) -> dict[str, dict[str, Any]]:
    return on_big_stack(lambda: everything(*LANGUAGES[languages]))


def block() -> dict[str, Any]:
    """Return what the golden file holds."""
    return {languages: found(languages) for languages in LANGUAGES}


@pytest.mark.parametrize("languages", LANGUAGES)
def test_every_scenario_is_what_it_was(languages: str) -> None:
    assert found(languages) == json.loads(FILE.read_text())[languages]


ENDS = {
    "21 out of gas": "out_of_gas",
    "21 a callee out of gas": "out_of_gas",
    "21 a callee out of gas is swallowed": "out_of_gas",
    "22 out of gas while writing": "out_of_gas",
    **{f"52 {what}": "too_large" for what in ("an event", "events", "an entry", "a key")},
    "52 a result": "script_error",
    "63 nine frames": "call_depth",
    "93 re-entry": "reentered",
    "93 re-entry of a view": "reentered",
    "93 a call of itself": "reentered",
    "92 more than there is": "not_enough",
}
"""The others end well."""
GAS_LIMITS = {"21 out of gas": 200_000, "22 out of gas while writing": 1_000_000}


@pytest.mark.parametrize("languages", LANGUAGES)
def test_every_scenario_ends_as_it_must(languages: str) -> None:
    ends = found(languages)
    assert {name: end["code"] for name, end in ends.items()} == {name: ENDS.get(name, "ok") for name in ends}
    for name, gas in (*GAS_LIMITS.items(), ("52 a key", 3_000_000), ("93 re-entry", 3_000_000)):
        assert ends[name]["gas"] == gas, "whatever is no return and no revert costs all"
    assert ends["21 a callee out of gas is tried"]["said"] == [False, "out_of_gas", True], "by its own limit"
    assert ends["22 a callee out of gas while writing"]["said"] == [False, "out_of_gas", True]
    assert ends["63 eight frames"]["said"] == 8
    assert ends["63 the ninth is tried"]["said"] == "call_depth"
    number, after = ends["93 re-entry that is allowed"]["said"]
    assert number == after, (
        "the inner frame sees what the outer has not committed yet, and the other way round"
    )
    ok, code, text, counter, _ = ends["92 a callee that is undone"]["said"]
    assert (ok, code, text, counter) == (False, "reverted", "as planned", 1)


@pytest.mark.parametrize("languages", LANGUAGES)
def test_failures_leave_only_fee_and_nonce(languages: str) -> None:
    def task() -> None:
        chain = Chain(*LANGUAGES[languages])
        overlay = chain.bench.overlay
        for name, (gas, method, args) in scenarios(chain).items():
            before = overlay.changes().new
            if chain.call(method, *args, gas=gas)["code"] != "ok":
                after = overlay.changes().new
                changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
                assert all(key.startswith(ACCOUNT_PREFIX) for key in changed), name
                assert len(changed) <= 2, name

    on_big_stack(task)
