"""The fence: nothing is signed twice, whatever the engine forgot and wherever the journal broke."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chaosnet.base.errors import Broken, Refused
from chaosnet.consensus.engine import AskSignature
from chaosnet.consensus.signstate import (
    Decision,
    SignState,
    decide,
    encode_journal,
    marked,
    position_of,
    replay,
    resume_of,
    sign_request,
)
from chaosnet.crypto.signing import is_valid, public_key_of, sign
from chaosnet.model.evidence import (
    NIL,
    PRECOMMIT,
    PREVOTE,
    Proposal,
    SignedHeader,
    Vote,
    are_contradicting,
    header_digest,
    proposal_digest,
    vote_digest,
)
from chaosnet.model.header import Header, SlotProof

GENESIS = b"g" * 32
SEED = b"s" * 32
KEY = public_key_of(SEED)
A, B = b"a" * 32, b"b" * 32
Lock = tuple[int, int, bytes]
NONE: Lock = (0, -1, NIL)
PROOF = ((b"k" * 32, b"v" * 64),) * 3


def vote(kind: int, height: int, round_: int, block: bytes, lock: Lock = NONE) -> AskSignature:
    return AskSignature(Vote(kind, 0, height, round_, block, KEY, b""), *lock)


def proposal(height: int, round_: int, block: bytes, justified: int = -1) -> AskSignature:
    return AskSignature(Proposal(0, height, round_, justified, block, KEY, b""), *NONE)


def locking(height: int, round_: int, block: bytes) -> AskSignature:
    """Return the request of a precommit that locks."""
    return replace(vote(PRECOMMIT, height, round_, block, (height, round_, block)), proof=PROOF)


def after(*requests: AskSignature) -> SignState:
    """Return the state once these have been signed."""
    state = SignState()
    for request in requests:
        state, _, message = sign_request(state, request, GENESIS, lambda digest: sign(SEED, digest))
        assert message is not None
    return state


@pytest.mark.parametrize(
    "request_",
    [
        vote(PREVOTE, 5, 1, B),
        vote(PREVOTE, 5, 1, NIL),
        vote(PREVOTE, 5, 0, B),
        vote(PREVOTE, 4, 9, B),
        vote(PRECOMMIT, 5, 0, NIL),
        proposal(5, 1, B),
        proposal(5, 1, A, justified=0),
        AskSignature(Vote(PREVOTE, 0, 5, 1, A, b"x" * 32, b""), *NONE),
    ],
)
def test_what_was_passed_is_refused(request_: AskSignature) -> None:
    assert decide(after(proposal(5, 1, A), vote(PREVOTE, 5, 1, A)), request_) is Decision.REFUSE


@pytest.mark.parametrize(
    "request_",
    [
        vote(PRECOMMIT, 5, 1, NIL),
        locking(5, 1, A),
        proposal(5, 2, B),
        vote(PREVOTE, 6, 0, B),
        AskSignature(Vote(PREVOTE, 1, 2, 0, B, KEY, b""), *NONE),
    ],
)
def test_what_comes_next_is_signed(request_: AskSignature) -> None:
    assert decide(after(vote(PREVOTE, 5, 1, A)), request_) is Decision.SIGN


def test_the_same_request_gives_the_same_message() -> None:
    request = vote(PREVOTE, 5, 1, A)
    state, entry, first = sign_request(SignState(), request, GENESIS, lambda digest: sign(SEED, digest))
    assert entry is not None

    def never(digest: bytes) -> bytes:
        raise AssertionError(digest)

    assert sign_request(state, request, GENESIS, never) == (state, None, first)
    later = after(request, vote(PRECOMMIT, 5, 1, NIL))
    assert sign_request(later, request, GENESIS, never) == (later, None, first)


def test_signatures_hold() -> None:
    state = after(proposal(5, 1, A), vote(PREVOTE, 5, 1, A))
    made, voted = state.messages
    assert isinstance(made, Proposal)
    assert isinstance(voted, Vote)
    assert is_valid(KEY, proposal_digest(GENESIS, made), made.signature)
    assert is_valid(KEY, vote_digest(GENESIS, voted), voted.signature)


@pytest.mark.parametrize(
    "request_, decision",
    [
        (vote(PREVOTE, 5, 3, B), Decision.REFUSE),  # the engine forgot its lock
        (vote(PREVOTE, 5, 3, B, (5, 1, B)), Decision.REFUSE),  # or has an older one
        (vote(PREVOTE, 5, 3, B, (5, 2, B)), Decision.REFUSE),  # or another of the same round
        (vote(PREVOTE, 5, 3, B, (4, 9, B)), Decision.REFUSE),  # or one of another height
        (vote(PREVOTE, 5, 3, B, (5, 2, A)), Decision.SIGN),  # it knows: a later quorum speaks for B
        (vote(PREVOTE, 5, 4, B, (5, 3, B)), Decision.SIGN),
        (vote(PREVOTE, 5, 3, A), Decision.SIGN),
        (vote(PREVOTE, 5, 3, NIL), Decision.SIGN),
        (proposal(5, 3, B), Decision.SIGN),
        (vote(PRECOMMIT, 5, 3, B), Decision.REFUSE),  # a precommit without its lock
        (vote(PRECOMMIT, 5, 3, B, (5, 2, A)), Decision.REFUSE),
        (locking(5, 3, B), Decision.SIGN),
        (vote(PREVOTE, 6, 0, B), Decision.SIGN),
    ],
)
def test_a_lock_holds_even_if_the_engine_lost_it(request_: AskSignature, decision: Decision) -> None:
    assert decide(after(vote(PREVOTE, 5, 2, A), locking(5, 2, A)), request_) is decision


def test_the_lock_survives_nil_votes_and_ends_with_the_height() -> None:
    state = after(locking(5, 2, A), vote(PREVOTE, 5, 3, NIL), vote(PRECOMMIT, 5, 3, NIL))
    resume = resume_of(state)
    assert (resume.locked_height, resume.locked_round, resume.locked_block) == (5, 2, A)
    assert resume.proof == PROOF
    assert [position_of(m)[2:] for m in resume.own] == [(3, PREVOTE), (3, PRECOMMIT)]
    ended = after(locking(5, 2, A), vote(PREVOTE, 6, 0, B))
    assert resume_of(ended).locked_height == 0
    assert resume_of(ended).proof == ()
    assert resume_of(SignState()).own == ()


REQUESTS = (
    proposal(5, 0, A),
    vote(PREVOTE, 5, 0, A),
    locking(5, 0, A),
    vote(PREVOTE, 5, 1, NIL, (5, 0, A)),
    vote(PRECOMMIT, 5, 1, NIL, (5, 0, A)),
    vote(PREVOTE, 6, 0, B),
)


def journal() -> tuple[bytes, list[SignState], list[int]]:
    """Return a journal, the state after each of its entries, and where each begins."""
    data, state = encode_journal(SignState(), genesis=GENESIS, key=KEY), SignState()
    states, starts = [state], []
    for request in REQUESTS:
        state, entry, _ = sign_request(state, request, GENESIS, lambda digest: sign(SEED, digest))
        assert entry is not None
        starts.append(len(data))
        data += entry
        states.append(state)
    return data, states, [*starts, len(data)]


DATA, STATES, STARTS = journal()


def test_a_journal_replays() -> None:
    assert replay(DATA, genesis=GENESIS, key=KEY) == (STATES[-1], len(DATA))


@pytest.mark.parametrize("state", STATES)
def test_the_short_journal_means_the_same(state: SignState) -> None:
    data = encode_journal(state, genesis=GENESIS, key=KEY)
    assert replay(data, genesis=GENESIS, key=KEY) == (state, len(data))


def test_a_torn_tail_is_dropped() -> None:
    for cut in range(STARTS[0], len(DATA)):
        for tail in (DATA[:cut], DATA[:cut] + bytes(len(DATA) - cut)):
            whole = max(i for i, start in enumerate(STARTS) if tail[:start] == DATA[:start])
            if STARTS[whole] <= cut or tail == DATA[: len(tail)]:
                assert replay(tail, genesis=GENESIS, key=KEY) == (STATES[whole], STARTS[whole])


@given(st.integers(0, STARTS[-2] - 1), st.integers(1, 255))
def test_damage_before_the_last_entry_is_never_passed_over(at: int, change: int) -> None:
    damaged = bytearray(DATA)
    damaged[at] ^= change
    with pytest.raises((Broken, Refused)) as caught:
        replay(bytes(damaged), genesis=GENESIS, key=KEY)
    assert caught.value.code in ("data_damaged", "fenced")


def test_an_entry_out_of_order_is_damage() -> None:
    for entry in (DATA[STARTS[0] : STARTS[1]], DATA[: STARTS[0]]):
        with pytest.raises(Broken):
            replay(DATA + entry, genesis=GENESIS, key=KEY)


@pytest.mark.parametrize("genesis, key", [(b"h" * 32, KEY), (GENESIS, b"k" * 32)])
def test_the_journal_of_another_network_or_key_is_refused(genesis: bytes, key: bytes) -> None:
    with pytest.raises(Refused) as caught:
        replay(DATA, genesis=genesis, key=key)
    assert caught.value.code == "fenced"


@pytest.mark.parametrize("data", [b"", DATA[:10], b"\0" * 100, DATA[STARTS[0] :]])
def test_a_file_without_its_head_is_no_journal(data: bytes) -> None:
    with pytest.raises(Broken):
        replay(data, genesis=GENESIS, key=KEY)


def test_the_largest_proof_fits() -> None:
    request = replace(locking(5, 0, A), proof=((b"k" * 32, b"v" * 64),) * 256)
    state, entry, _ = sign_request(SignState(), request, GENESIS, lambda digest: sign(SEED, digest))
    assert entry is not None
    head = encode_journal(SignState(), genesis=GENESIS, key=KEY)
    assert replay(head + entry, genesis=GENESIS, key=KEY)[0] == state


@given(
    st.lists(
        st.tuples(
            st.sampled_from((PREVOTE, PRECOMMIT)),
            st.integers(1, 2),
            st.integers(0, 2),
            st.sampled_from((NIL, A, B)),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_no_order_of_requests_gives_two_votes(
    wanted: list[tuple[int, int, int, bytes, bool]],
) -> None:
    state, released = SignState(), dict[tuple[int, int, int, int], Vote]()
    data = encode_journal(state, genesis=GENESIS, key=KEY)
    for kind, height, round_, block, crashes in wanted:
        lock = (height, round_, block) if kind == PRECOMMIT and block else NONE
        state, entry, message = sign_request(
            state, vote(kind, height, round_, block, lock), GENESIS, lambda digest: sign(SEED, digest)
        )
        data += entry or b""
        if message is not None:
            assert isinstance(message, Vote)
            assert released.setdefault(position_of(message), message) == message
        if crashes:
            state, _ = replay(data + b"\0torn", genesis=GENESIS, key=KEY)


# ── headers of pos and dpos ──────────────────────────────────────────────────────────────────────────────


def header(slot: int, height: int, *, generated: int = 0, prevoted: int = 0, era: int = 1) -> AskSignature:
    made = Header(
        *(1, GENESIS, era, height, b"p" * 32, 1_000 * slot, b"o" * 33, 2, "dpos"),
        *(b"t" * 32, 0, b"s" * 32, b"r" * 32, b"v" * 32, b"n" * 32, b"l" * 32, 0),
        SlotProof(slot, b"x" * 16, generated, prevoted),
    )
    return AskSignature(SignedHeader(made, KEY, b""), *NONE)


def test_a_header_is_signed_and_remembered() -> None:
    state = after(vote(PREVOTE, 9, 0, A), header(3, 10), header(7, 12, generated=10))
    assert state.header is not None
    assert is_valid(KEY, header_digest(state.header.header), state.header.signature)
    resume = resume_of(state)
    assert (resume.generated_era, resume.max_height_generated) == (1, 12)
    assert resume.own == (state.prevote,)
    assert resume.signed == (state.prevote, state.header)
    data = encode_journal(state, genesis=GENESIS, key=KEY)
    assert replay(data, genesis=GENESIS, key=KEY) == (state, len(data))


@pytest.mark.parametrize(
    "request_, decision",
    [
        (header(7, 12, generated=10), Decision.REPEAT),
        (header(7, 13, generated=12), Decision.REFUSE),  # one header a slot
        (header(6, 13, generated=12), Decision.REFUSE),
        (header(8, 13, generated=11), Decision.REFUSE),  # conceals a height
        (header(8, 12, generated=12), Decision.REFUSE),  # left its branch for one that is not longer
        (header(8, 13, generated=12), Decision.SIGN),
        (header(8, 13, generated=40), Decision.SIGN),  # after a loss of memory it may claim more
        (header(8, 11, generated=12, prevoted=5), Decision.SIGN),  # to a branch with more prevotes
        (header(1, 14, era=0, generated=12), Decision.REFUSE),
        (header(1, 14, era=2), Decision.SIGN),
        (vote(PREVOTE, 14, 0, B), Decision.REFUSE),  # of an era before
        (AskSignature(Vote(PREVOTE, 1, 14, 0, A, KEY, b""), *NONE), Decision.REFUSE),  # an era of headers
        (AskSignature(Vote(PREVOTE, 2, 14, 0, A, KEY, b""), *NONE), Decision.SIGN),
    ],
)
def test_what_may_follow_a_header(request_: AskSignature, decision: Decision) -> None:
    assert decide(after(header(3, 10), header(7, 12, generated=10)), request_) is decision


def test_an_era_of_votes_has_no_headers() -> None:
    assert decide(after(vote(PREVOTE, 5, 0, A)), header(9, 9, era=0)) is Decision.REFUSE


def test_the_greatest_height_outlives_a_change_of_branch() -> None:
    state = after(header(3, 20), header(4, 15, generated=20, prevoted=9))
    assert resume_of(state).max_height_generated == 20
    data = encode_journal(state, genesis=GENESIS, key=KEY)
    assert replay(data, genesis=GENESIS, key=KEY)[0] == state


@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 6), st.integers(0, 4), st.booleans()),
        max_size=30,
    )
)
def test_no_two_signed_headers_contradict_each_other(
    wanted: list[tuple[int, int, int, int, bool]],
) -> None:
    state, released = SignState(), list[SignedHeader]()
    data = encode_journal(state, genesis=GENESIS, key=KEY)
    for slot, height, generated, prevoted, crashes in wanted:
        state, entry, message = sign_request(
            state, header(slot, height, generated=generated, prevoted=prevoted), GENESIS, lambda _: b"s"
        )
        data += entry or b""
        if message is not None:
            assert isinstance(message, SignedHeader)
            assert not any(are_contradicting(message.header, other.header) for other in released)
            released.append(message)
        if crashes:
            state, _ = replay(data, genesis=GENESIS, key=KEY)


# ── what was signed elsewhere, and journals that moved ───────────────────────────────────────────────────


def seen(request: AskSignature) -> AskSignature:
    return replace(request, unsigned=replace(request.unsigned, signature=b"f" * 64), is_seen=True)


def test_nothing_is_signed_up_to_what_was_seen_elsewhere() -> None:
    state = after(vote(PREVOTE, 5, 0, A), seen(vote(PRECOMMIT, 8, 2, B)))
    assert state.is_listening
    assert state.position == (0, 8, 2, PRECOMMIT)
    for request in (vote(PREVOTE, 8, 2, A), vote(PREVOTE, 6, 0, A), vote(PREVOTE, 8, 3, A)):
        assert decide(state, request) is Decision.REFUSE, "the last one breaks the lock that was seen"
    data = encode_journal(state, genesis=GENESIS, key=KEY)
    assert replay(data, genesis=GENESIS, key=KEY) == (state, len(data))
    again, _, message = sign_request(state, vote(PREVOTE, 9, 0, A), GENESIS, lambda _: b"s")
    assert message is not None
    assert not again.is_listening


def test_what_was_seen_before_leaves_no_trace() -> None:
    state = after(vote(PREVOTE, 5, 0, A))
    assert sign_request(state, seen(vote(PREVOTE, 4, 0, B)), GENESIS, lambda _: b"s")[:2] == (state, None)


def test_a_retired_journal_signs_nothing_and_stays_so() -> None:
    state, entry = marked(STATES[-1], is_retired=True)
    assert decide(state, vote(PREVOTE, 7, 0, A)) is Decision.REFUSE
    assert replay(DATA + entry, genesis=GENESIS, key=KEY)[0] == state
    short = encode_journal(state, genesis=GENESIS, key=KEY)
    assert replay(short, genesis=GENESIS, key=KEY)[0] == state
