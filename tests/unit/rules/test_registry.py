import pytest

from chaosnet.base.errors import Broken
from chaosnet.rules.r1_genesis import RULES
from chaosnet.rules.registry import rules_at


def test_rules_are_found_by_number() -> None:
    assert rules_at(1) is RULES
    assert rules_at(1).number == 1


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_release_without_the_rules_stops(number: int) -> None:
    with pytest.raises(Broken) as caught:
        rules_at(number)
    assert caught.value.code == "rule_unknown"
