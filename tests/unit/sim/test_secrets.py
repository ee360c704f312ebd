"""Lots, onions and virtual miners."""

from chaosnet.base.dice import Dice
from chaosnet.crypto import vrf
from chaosnet.crypto.reveals import is_valid_reveal
from chaosnet.crypto.signing import public_key_of
from chaosnet.kernel.events import AskAnswer
from chaosnet.sim import secrets
from chaosnet.sim.cast import actor_at

ACTOR = actor_at(0)


def test_the_time_to_find_is_exponential_with_the_right_mean() -> None:
    dice = Dice(b"times")
    times = [secrets.time_to_find_us(dice, 2**256 // 1_000, 100) for _ in range(4_000)]
    mean = sum(times) // len(times)
    assert 9_500_000 < mean < 10_500_000
    above = sum(time > mean for time in times)
    assert 1_350 < above < 1_600  # 1/e of 4,000 are 1,472


def test_a_found_nonce_meets_the_target() -> None:
    target = 2**256 // 500
    nonce = secrets.find_nonce(Dice(b"n"), b"header", target)
    assert secrets.cheap_work(b"header", nonce) <= target


def test_a_lot_verifies_and_is_the_same_each_time() -> None:
    asked = AskAnswer(1, "lottery", b"slot")
    proof = secrets.answer_of(ACTOR, asked)
    assert vrf.verify(public_key_of(ACTOR.vrf_seed), b"slot", proof) is not None
    assert secrets.answer_of(ACTOR, asked) == proof


def test_each_reveal_lies_under_the_one_before() -> None:
    first = secrets.answer_of(ACTOR, AskAnswer(1, "reveal", b""))
    second = secrets.answer_of(ACTOR, AskAnswer(2, "reveal", first))
    assert is_valid_reveal(first, second)
