"""All 96 cases of the list in both languages: each ends as it must, with the same fuel and memory everywhere.

The numbers are in tests/golden/attacks.json, so another processor or runtime can be held against it.
"""

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.attacks.case import HOST
from tests.attacks.running import CASES, Found, everything, programs, run

TESTS = Path(__file__).parent.parent
FILE = TESTS / "golden/attacks.json"


@cache
def golden() -> dict[str, Found]:
    found: dict[str, Found] = json.loads(FILE.read_text())
    return found


@pytest.mark.parametrize("name", programs())
def test_a_program_does_what_it_always_did(name: str) -> None:
    engine, code, body, fuel = programs()[name]
    found = run(engine, body, fuel)
    assert found["code"] == code
    assert found == golden()[name]
    if fuel < 1_000_000_000:
        assert run(engine, body, fuel) == found, "a second time in this process"


@pytest.mark.process
def test_another_process_says_the_same() -> None:
    program = "import json\nfrom tests.attacks.running import everything\nprint(json.dumps(everything()))"
    elsewhere = {"PYTHONHASHSEED": "7", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"}
    out = subprocess.run(
        [sys.executable, "-c", program],
        cwd=TESTS.parent,
        env={**os.environ, **elsewhere},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(out.stdout) == everything() == golden()


def test_all_numbers_are_there() -> None:
    assert sorted(CASES) == list(range(1, 97))
    assert sorted(golden()) == sorted(programs())
    assert len({case.title for case in CASES.values()}) == 96


@pytest.mark.parametrize("number", sorted(CASES))
def test_a_case_has_programs_or_tests_or_a_reason(number: int) -> None:
    case = CASES[number]
    for given in (case.lua, case.js):
        assert given, "no programs and no reason"
        if given == HOST:
            assert case.tests, "on the side of the host, but no test"
    assert not isinstance(case.lua, str) or not isinstance(case.js, str) or case.tests
    for name in case.tests:
        path, function = name.split("::")
        tree = ast.parse((TESTS / path).read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name
