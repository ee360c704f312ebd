"""The example contracts as people see them before they trust them: the same in both languages, and clean."""

from functools import partial

import pytest

from chaosnet.cli.contract_lint import findings_in
from chaosnet.cli.contract_source import load_contract
from tests.examples.twins import EXAMPLES, SUFFIXES
from tests.machines import on_big_stack

WIDE = {"pool": ["wide_permission"]}
"""The assets of a pool are chosen at deployment."""


@pytest.mark.parametrize("name", ["counter", "pool", "token"])
def test_both_languages_declare_the_same_and_need_no_second_look(name: str) -> None:
    paths = [EXAMPLES / name / f"{name}.{suffix}" for suffix in SUFFIXES.values()]
    lua, js = (on_big_stack(partial(load_contract, path)) for path in paths)
    assert lua.declared == js.declared
    for loaded in (lua, js):
        assert [one.code for one in findings_in(loaded)] == WIDE.get(name, [])
