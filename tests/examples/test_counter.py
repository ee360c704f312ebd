"""The example that people start from."""

from collections.abc import Callable
from functools import wraps

from tests.examples.twins import Twins, deployed
from tests.machines import on_big_stack


def in_both_languages(function: Callable[[Twins, str], None]) -> Callable[[], None]:
    @wraps(function)
    def test() -> None:
        def run() -> None:
            twins = Twins()
            function(twins, deployed(twins, "counter", 5))
            twins.check_stored_alike()

        on_big_stack(run)

    del test.__wrapped__
    return test


@in_both_languages
def test_it_adds_up_and_remembers_who(twins: Twins, counter: str) -> None:
    alice, bob = (twins.one.accounts[name].text for name in ("alice", "bob"))
    done = twins.call(counter, "add", 3)
    assert (done.value, done.events[0].values) == (8, [alice, 3, 8])
    assert twins.call(counter, "add", 1000, sender="bob").value == 1008
    assert twins.query(counter, "total") == 1008
    assert (twins.query(counter, "added_by", alice), twins.query(counter, "added_by", bob)) == (3, 1000)
    first, second = sorted([(alice, 3), (bob, 1000)])
    assert twins.query(counter, "page", 10) == [list(first), list(second)]
    assert twins.query(counter, "page", 10, first[0]) == [list(second)]


@in_both_languages
def test_it_refuses_what_is_out_of_bounds(twins: Twins, counter: str) -> None:
    for amount in (0, -1, 1001):
        assert twins.call(counter, "add", amount).text == "add 1 to 1000"
    assert twins.call(counter, "add", "3").code == "bad_args"
    assert twins.call(counter, "add", 3, sent={"COS": 1}).code == "bad_args"
    assert twins.deploy("counter", -1).text == "start below zero"
    assert twins.query(counter, "total") == 5
