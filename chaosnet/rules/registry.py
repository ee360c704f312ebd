"""The rule sets of this release, by number."""

from typing import Final

from chaosnet.base.errors import Broken
from chaosnet.rules import r1_genesis
from chaosnet.rules.ruleset import RuleSet

_RULE_SETS: Final = {rules.number: rules for rules in (r1_genesis.RULES,)}


def rules_at(number: int) -> RuleSet:
    """Return the rule set with this number.

    Raises Broken(`rule_unknown`): a node stops rather than follow rules it does not have.
    """
    rules = _RULE_SETS.get(number)
    if rules is None:
        raise Broken("rule_unknown", f"rule set {number} is in force, this release has {sorted(_RULE_SETS)}")
    return rules


def rules_known() -> tuple[int, ...]:
    """Return the numbers of the rule sets this release has."""
    return tuple(sorted(_RULE_SETS))
