"""Questions that are asked now and then: how often, page by page, and of nodes that do not know them."""

import pytest
from msgspec import structs

from chaosnet.base.errors import Unavailable
from tests.unit.tui.staking import feed_under, validator_list
from tui.asking import PAUSE_MS, STALE_MS, Pace, read_tree, read_validators


def test_asked_at_most_once_a_second_and_only_when_something_may_have_changed() -> None:
    pace = Pace()
    assert pace.is_due("tip", 0)
    assert not pace.is_due("other tip", PAUSE_MS - 1), "not twice in a second"
    assert not pace.is_due("tip", STALE_MS - 1), "nothing happened"
    assert pace.is_due("other tip", PAUSE_MS)
    assert not pace.is_due("other tip", PAUSE_MS + STALE_MS - 1)
    assert pace.is_due("other tip", PAUSE_MS + STALE_MS)


async def test_all_pages_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.asking.PAGE", 4)
    feed = feed_under("dpos")
    await read_validators(feed)
    found = feed.network.validators
    assert found is not None
    assert found.validators == validator_list().validators
    assert feed.answers.asked == ["validators", "validators"]


async def test_a_node_that_always_has_another_page_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.asking.PAGE", 2)
    monkeypatch.setattr("tui.asking.VALIDATORS_MAX", 5)
    feed = feed_under("dpos")
    rows = feed.answers.validator_list.validators * 9
    feed.answers.validator_list = structs.replace(feed.answers.validator_list, validators=rows)
    await read_validators(feed)
    assert len(feed.answers.asked) == 3


async def test_what_a_node_cannot_answer_is_kept_as_the_reason_and_the_last_answer_stays() -> None:
    feed = feed_under("dpos")
    await read_validators(feed)
    await read_tree(feed, 0)
    feed.answers.unknown = {"validators", "tree"}
    await read_validators(feed)
    await read_tree(feed, 0)
    network = feed.network
    assert network.validators is not None
    assert "not_found" in network.validators_problem
    assert 0 in network.forks.trees
    assert "not_found" in network.forks.problems[0]
    feed.answers.unknown = set()
    await read_validators(feed)
    await read_tree(feed, 0)
    assert (network.validators_problem, network.forks.problems) == ("", {})


async def test_a_node_that_falls_silent_while_asked() -> None:
    feed = feed_under("pow")
    feed.answers.failure = Unavailable("timeout", "no answer")
    await read_validators(feed)
    await read_tree(feed, 0)
    assert feed.network.validators is None
    assert "timeout" in feed.network.forks.problems[0]
