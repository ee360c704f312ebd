"""Requests to the host of contracts: whatever a guest sends, it gets an answer or ends; the node goes on."""

from collections import Counter

from tests.fuzz.hostile import both_lengths
from tests.hostile_host import outcomes


@both_lengths
def test_no_request_of_a_guest_fails_the_host(examples: int) -> None:
    codes = Counter(code for code, _, _ in outcomes("hostile guests", 20 * examples))
    assert codes["ok"] > examples
    assert set(codes) >= {"bad_args", "bad_value", "unknown_op", "static", "too_large"}
