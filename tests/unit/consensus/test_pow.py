"""pow: work, difficulty and what a miner is asked; with a hash that takes no time."""

from hashlib import sha256

import pytest
from msgspec import structs

from chaosnet.base.errors import InvalidBlock
from chaosnet.consensus.asert import target_of, work_of
from chaosnet.consensus.branching import Parent, Work
from chaosnet.consensus.pow import FUTURE_MS, Pow, bits_after, pre_hash_of
from chaosnet.crypto.scrypt import NONCE_MAX, pow_hash
from chaosnet.model.block import ValidatorSet
from chaosnet.model.header import GenesisProof, Header, PowProof
from tests.unit.consensus.branches import ERA_HEIGHT, ERA_TIME_MS, extend, header, start, with_

EASY = 0x207F_FFFF
PARAMS = {"pow_bits": EASY, "pow_target_ms": 10_000, "pow_half_life_ms": 60_000, "finality_depth": 3}


def cheap(pre_hash: bytes, nonce: int) -> int:
    return int.from_bytes(sha256(pre_hash + nonce.to_bytes(8, "big")).digest(), "big")


ENGINE = Pow(cheap)
START = start(ValidatorSet(()), **PARAMS)


def mined(parent: Parent, time_ms: int) -> Header:
    turn = ENGINE.next_turn(parent, b"", 0)
    assert turn is not None
    draft = header(parent.header, ENGINE.proof(parent, turn, b"", 0), time_ms=time_ms)
    pre_hash, target = ENGINE.puzzle(draft)
    return with_(draft, nonce=next(n for n in range(10**6) if cheap(pre_hash, n) <= target))


def branch(times_s: list[int], parent: Parent = START) -> Parent:
    for time_s in times_s:
        parent = extend(ENGINE, parent, mined(parent, ERA_TIME_MS + 1000 * time_s), b"")
    return parent


def refusal(new: Header, seal: bytes = b"", parent: Parent = START) -> str:
    with pytest.raises(InvalidBlock) as caught:
        ENGINE.check(new, seal, parent)
    return caught.value.code


def test_a_branch_grows_and_its_old_blocks_become_final() -> None:
    tip = branch([10, 20, 30, 40, 50])
    assert isinstance(tip.view, Work)
    assert ENGINE.score(tip.view, tip.header) == (5 * work_of(EASY),)
    assert tip.view.final_height == ERA_HEIGHT + 2
    one = branch([10])
    assert one.view is not None
    assert one.view.final_height == ERA_HEIGHT


def test_more_work_beats_more_blocks() -> None:
    fast, slow = branch([1, 2, 3, 4, 5, 6, 7, 8]), branch([10, 20, 30, 40, 50, 60, 70, 80, 90])
    assert fast.view is not None
    assert slow.view is not None
    assert fast.header.height < slow.header.height
    assert ENGINE.score(fast.view, fast.header) > ENGINE.score(slow.view, slow.header)


def test_difficulty_follows_the_pace_and_never_falls_below_the_easiest() -> None:
    assert bits_after(START) == EASY
    fast, slow = branch([1, 2, 3, 4, 5, 6]), branch([1000])
    assert target_of(bits_after(fast)) < target_of(EASY)
    assert bits_after(slow) == EASY


def test_time_counts_in_whole_seconds() -> None:
    tip = branch([5])
    for more_ms in (0, 1, 999):
        assert bits_after(
            structs.replace(tip, header=with_(tip.header, time_ms=ERA_TIME_MS + 5000 + more_ms))
        ) == (bits_after(tip))


def test_a_missed_target_is_refused() -> None:
    good = mined(START, ERA_TIME_MS + 1)
    ENGINE.check(good, b"", START)
    pre_hash, target = ENGINE.puzzle(good)
    bad = next(n for n in range(1000) if cheap(pre_hash, n) > target)
    assert refusal(with_(good, nonce=bad)) == "bad_seal"


def test_what_else_is_refused() -> None:
    good = mined(START, ERA_TIME_MS + 1)
    assert refusal(with_(good, bits=0x207F_FFFE)) == "bad_header"
    assert refusal(with_(good, bits=0)) == "bad_header"
    assert refusal(with_(good, nonce=-1)) == "bad_header"
    assert refusal(with_(good, nonce=NONCE_MAX + 1)) == "bad_header"
    assert refusal(good, b"x") == "bad_seal"
    assert refusal(with_(good, proof=GenesisProof())) == "bad_header"


def test_the_pre_hash_covers_everything_but_the_nonce() -> None:
    good = mined(START, ERA_TIME_MS + 1)
    assert pre_hash_of(with_(good, nonce=good_nonce(good) + 1)) == pre_hash_of(good)
    for change in ({"time_ms": 5}, {"bits": 1}, {"state_root": b"s" * 32}, {"genesis": b"h" * 32}):
        assert pre_hash_of(with_(good, **change)) != pre_hash_of(good)


def good_nonce(value: Header) -> int:
    assert isinstance(value.proof, PowProof)
    return value.proof.nonce


def test_a_miner_may_begin_at_once_and_future_blocks_wait() -> None:
    turn = ENGINE.next_turn(START, b"anybody", 500)
    assert turn is not None
    assert (turn.at_ms, turn.slot, turn.question) == (501, 0, b"")
    good = mined(START, ERA_TIME_MS + 1)
    assert ENGINE.earliest_ms(good) == good.time_ms - FUTURE_MS
    assert ENGINE.entropy(good) == b""
    assert ENGINE.missed(good, START) == ()


def test_claims_stay_below_two_to_the_256() -> None:
    assert ENGINE.claim((7,)) == 7
    assert ENGINE.claim((2**300,)) == 2**256 - 1


def test_the_hash_of_the_chain_is_scrypt() -> None:
    draft = header(START.header, PowProof(bits=EASY, nonce=0), time_ms=ERA_TIME_MS + 1)
    engine = Pow()
    pre_hash, target = engine.puzzle(draft)
    nonce = next(n for n in range(100) if pow_hash(pre_hash, n) <= target)
    engine.check(with_(draft, nonce=nonce), b"", START)
