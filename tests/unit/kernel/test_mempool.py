"""The mempool: bounds, replacement, order, expiry; and all of it against a model too simple to be wrong."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chaosnet.base.codec import encode
from chaosnet.base.errors import Refused
from chaosnet.kernel.mempool import Mempool, nonces_in
from chaosnet.ledger.check import amounts_of
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.model.policy import Witness
from chaosnet.model.transaction import SignedTx, Transaction, Transfer, TxBody, decode_transaction
from tests.making import Person, network

PEOPLE = [Person(name) for name in ("ann", "ben", "cid", "dee")]
TO = PEOPLE[0].address


def tx(
    sender: int = 0,
    nonce: int = 0,
    *,
    price: int = 10,
    amount: int = 5,
    expiry: int = 100,
    payer: int | None = None,
    memo: str = "",
) -> SignedTx:
    """Return a transaction with signatures of zeros: the mempool holds verified ones and looks at none."""
    person = PEOPLE[sender]
    paying = PEOPLE[payer] if payer is not None and payer != sender else None
    body = TxBody(
        genesis=bytes(32),
        sender=person.address,
        nonce=nonce,
        anchor_height=0,
        anchor_prefix=bytes(8),
        expiry=expiry,
        gas_limit=1_000,
        gas_price=price,
        payer=paying.address if paying else None,
        memo=memo,
        actions=(Transfer(TO, amount),),
    )
    witness = Witness(person.policy, ((0, bytes(64)),))
    payer_witness = Witness(paying.policy, ((0, bytes(64)),)) if paying else None
    return decode_transaction(encode(Transaction(body, witness, payer_witness)))


def filled(*txs: SignedTx, **bounds: int) -> Mempool:
    pool = Mempool(**bounds)
    for i, signed in enumerate(txs):
        pool.add(signed, i)
    return pool


def refused(pool: Mempool, signed: SignedTx) -> str:
    before = list(pool.by_hash), pool.bytes
    with pytest.raises(Refused) as failure:
        pool.add(signed, 0)
    assert (list(pool.by_hash), pool.bytes) == before, "a refusal changes nothing"
    return failure.value.code


def order(pool: Mempool, **nonces: int) -> list[tuple[int, int]]:
    """Return (sender, nonce) in the order a block takes them."""
    places = {bytes(person.address): i for i, person in enumerate(PEOPLE)}
    next_nonce = {bytes(PEOPLE[int(name[1:])].address): nonce for name, nonce in nonces.items()}
    taken = pool.in_order(lambda address: next_nonce.get(address, 0))
    return [(places[signed.body.sender], signed.body.nonce) for signed in taken]


# ── who may enter ────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_transaction_enters_once() -> None:
    assert refused(filled(tx()), tx()) == "already_known"


def test_a_replacement_pays_at_least_ten_percent_more() -> None:
    pool = filled(tx(price=100))
    assert refused(pool, tx(price=100, amount=6)) == "replacement_underpriced"
    assert refused(pool, tx(price=109)) == "replacement_underpriced"
    (gone,) = pool.add(tx(price=110), 0)
    assert gone.body.gas_price == 100
    assert [entry.signed.body.gas_price for entry in pool.by_hash.values()] == [110]


def test_a_replacement_of_a_small_price_still_pays_more() -> None:
    """10 % of 1 is nothing: the price must rise all the same."""
    pool = filled(tx(price=0))
    assert refused(pool, tx(price=0, amount=6)) == "replacement_underpriced"
    assert len(pool.add(tx(price=1), 0)) == 1
    assert refused(pool, tx(price=1, amount=7)) == "replacement_underpriced"
    assert len(pool.add(tx(price=2), 0)) == 1


def test_a_replacement_swaps_what_is_reserved() -> None:
    pool = filled(tx(price=100, amount=50))
    pool.add(tx(price=200, amount=7), 0)
    assert pool.reserved(PEOPLE[0].address) == 7 + 200 * 1_000


def test_a_sender_has_sixty_four_places() -> None:
    pool = filled(*(tx(nonce=nonce) for nonce in range(64)))
    assert refused(pool, tx(nonce=64)) == "sender_full"
    assert pool.add(tx(nonce=63, price=11), 0) != []
    assert pool.add(tx(1), 0) == []


def test_a_full_pool_takes_only_what_pays_more_and_the_cheapest_goes() -> None:
    pool = filled(tx(0, price=5), tx(1, price=3), tx(2, price=4), txs_max=3)
    assert refused(pool, tx(3, price=3)) == "mempool_full"
    (gone,) = pool.add(tx(3, price=4), 0)
    assert gone.body.sender == PEOPLE[1].address


def test_of_equal_prices_the_last_to_come_goes() -> None:
    pool = filled(tx(0, price=3), tx(1, price=3), tx(2, price=3), txs_max=3)
    (gone,) = pool.add(tx(3, price=4), 0)
    assert gone.body.sender == PEOPLE[2].address


def test_bytes_are_bounded_too() -> None:
    one = tx(0)
    pool = filled(one, bytes_max=2 * len(one.raw) + 10)
    pool.add(tx(1), 0)
    assert refused(pool, tx(2)) == "mempool_full"
    assert pool.bytes == 2 * len(one.raw)


def test_a_large_one_displaces_no_better_paying_ones() -> None:
    small = [tx(i, price=price) for i, price in ((0, 10), (1, 20), (2, 30))]
    pool = filled(*small, bytes_max=sum(len(t.raw) for t in small) + 10)
    assert refused(pool, tx(3, price=15, memo="m" * 250)) == "mempool_full"
    assert {s.body.gas_price for s in pool.add(tx(3, price=25, memo="m" * 200), 0)} == {10, 20}


def test_a_larger_replacement_displaces_no_better_paying_ones() -> None:
    """Else one could enter small and cheap, and then push out many by growing."""
    pool = filled(tx(0, price=1), tx(1, price=10), tx(2, price=10))
    pool._bytes_max = pool.bytes
    assert refused(pool, tx(0, price=2, memo="m" * 250)) == "mempool_full"
    assert len(pool) == 3


def test_a_replacement_may_displace_cheaper_ones_to_grow() -> None:
    pool = filled(tx(0, price=5), tx(1, price=1), tx(2, price=9))
    pool._bytes_max = pool.bytes
    gone = pool.add(tx(0, price=6, memo="m" * 100), 0)
    assert sorted(s.body.gas_price for s in gone) == [1, 5]
    assert pool.bytes <= pool._bytes_max


def test_one_that_was_displaced_may_come_back() -> None:
    first = tx(0, price=3)
    pool = filled(first, tx(1, price=4), txs_max=2)
    pool.add(tx(2, price=5), 0)
    pool.drop(tx(1, price=4))
    pool.add(first, 0)
    assert [s.body.sender for s in pool.add(tx(3, price=6), 0)] == [first.body.sender]
    assert len(pool) == 2


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_payer_holds_the_fee_and_the_sender_the_amount() -> None:
    pool = filled(tx(0, amount=7, price=2, payer=1), tx(1, amount=3, price=4))
    assert pool.reserved(PEOPLE[0].address) == 7
    assert pool.reserved(PEOPLE[1].address) == 2_000 + 4_000 + 3
    pool.drop(tx(0, amount=7, price=2, payer=1))
    assert pool.reserved(PEOPLE[0].address) == 0
    assert pool.reserved(PEOPLE[1].address) == 4_003


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_highest_price_comes_first_then_the_first_to_come() -> None:
    pool = filled(tx(0, price=10), tx(1, price=20), tx(2, price=10), tx(3, price=20))
    assert order(pool) == [(1, 0), (3, 0), (0, 0), (2, 0)]


def test_a_sender_goes_by_nonce_whatever_it_pays() -> None:
    pool = filled(tx(0, 1, price=90), tx(0, 0, price=10), tx(1, 0, price=20), tx(0, 2, price=50))
    assert order(pool) == [(1, 0), (0, 0), (0, 1), (0, 2)]


def test_a_gap_ends_a_senders_turn() -> None:
    pool = filled(tx(0, 0), tx(0, 2), tx(1, 4))
    assert order(pool) == [(0, 0)]
    assert order(pool, p1=4) == [(0, 0), (1, 4)]
    assert pool.has_includable(lambda _: 0)
    assert not pool.has_includable(lambda _: 1)


def test_the_pending_nonce_is_the_first_free_one() -> None:
    pool = filled(tx(0, 3), tx(0, 4), tx(0, 6))
    assert [pool.pending_nonce(PEOPLE[0].address, n) for n in (2, 3, 4, 6)] == [2, 5, 5, 7]
    assert pool.pending_nonce(PEOPLE[1].address, 9) == 9


# ── leaving ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_block_takes_away_what_it_holds_and_what_it_outdates() -> None:
    rival = tx(0, 0, price=99)
    pool = filled(tx(0, 0), tx(0, 1), tx(1, 0))
    pool.on_block((rival, tx(2, 5)), 2)
    assert order(pool, p0=1) == [(0, 1), (1, 0)]


def test_a_block_outdates_lower_nonces() -> None:
    pool = filled(tx(0, 1), tx(0, 2), tx(0, 5))
    pool.on_block((tx(0, 3),), 2)
    assert order(pool, p0=5) == [(0, 5)]
    assert len(pool) == 1


def test_what_expires_leaves_with_the_last_block_it_could_be_in() -> None:
    pool = filled(tx(0, expiry=9), tx(1, expiry=10))
    pool.on_block((), 9)
    assert len(pool) == 2
    pool.on_block((), 10)
    assert [e.signed.body.expiry for e in pool.by_hash.values()] == [10]


def test_what_left_long_ago_is_not_remembered() -> None:
    """A full pool in which each newcomer pays a little more than the last."""
    pool = Mempool(txs_max=4)
    for price in range(1, 4_000):
        pool.add(tx(price % 4, price, price=price), price)
    assert len(pool) == 4
    assert len(pool._cheapest) < 1_100
    assert len(pool._expiries) < 1_100


def test_what_waits_is_brought_to_mind_in_turns() -> None:
    pool = filled(tx(0), tx(1), tx(2))  # at 0, 1 and 2 ms
    first = pool.take_waiting(2, 1, now=100)
    assert [s.body.sender for s in first] == [PEOPLE[0].address]
    assert [s.body.sender for s in pool.take_waiting(50, 9, now=101)] == [p.address for p in PEOPLE[1:3]]
    assert pool.take_waiting(50, 9, now=102) == []
    assert len(pool.take_waiting(101, 9, now=200)) == 1


def test_nonces_are_read_from_the_state() -> None:
    genesis = network([(PEOPLE[0], 100, None)], [PEOPLE[1]])
    nonce_of = nonces_in(genesis_state(genesis))
    assert (nonce_of(PEOPLE[0].address), nonce_of(PEOPLE[3].address)) == (0, 0)


# ── against a naive model ────────────────────────────────────────────────────────────────────────────────


@dataclass
class Model:
    """The same pool as a plain list."""

    txs_max: int
    bytes_max: int
    items: list[tuple[int, SignedTx]] = field(default_factory=list)
    """(arrival, transaction)."""
    arrivals: int = 0

    def add(self, signed: SignedTx) -> list[bytes] | str:
        body = signed.body
        held = [s for _, s in self.items]
        if any(s.tx_id == signed.tx_id for s in held):
            return "already_known"
        rivals = [s for s in held if (s.body.sender, s.body.nonce) == (body.sender, body.nonce)]
        if rivals and (body.gas_price * 100 < rivals[0].body.gas_price * 110 or body.gas_price == 0):
            return "replacement_underpriced"
        if rivals and body.gas_price <= rivals[0].body.gas_price:
            return "replacement_underpriced"
        if not rivals and sum(s.body.sender == body.sender for s in held) >= 64:
            return "sender_full"
        left = [(a, s) for a, s in self.items if s not in rivals]
        by_worth = sorted(left, key=lambda item: (item[1].body.gas_price, -item[0]))
        while (
            len(left) + 1 > self.txs_max
            or sum(len(s.raw) for _, s in left) + len(signed.raw) > self.bytes_max
        ):
            if not by_worth or by_worth[0][1].body.gas_price >= body.gas_price:
                return "mempool_full"
            left.remove(by_worth.pop(0))
        gone: list[bytes] = [s.tx_hash for _, s in self.items if s not in [kept for _, kept in left]]
        self.arrivals += 1
        self.items = [*left, (self.arrivals, signed)]
        return gone

    def order(self, nonces: dict[bytes, int]) -> list[bytes]:
        """Take the best of all that are next in their sender's line, again and again."""
        nonces = dict(nonces)
        found: list[bytes] = []
        while True:
            ready = [(a, s) for a, s in self.items if s.body.nonce == nonces.get(s.body.sender, 0)]
            ready = [(a, s) for a, s in ready if s.tx_hash not in found]
            if not ready:
                return found
            _, best = min(ready, key=lambda item: (-item[1].body.gas_price, item[0]))
            found.append(best.tx_hash)
            nonces[best.body.sender] = best.body.nonce + 1


class PoolMachine(RuleBasedStateMachine):
    """Whatever comes in whatever order: the pool and the model agree."""

    @initialize(txs_max=st.integers(1, 8), size=st.integers(300, 2_500))
    def begin(self, txs_max: int, size: int) -> None:
        self.pool = Mempool(txs_max=txs_max, bytes_max=size)
        self.model = Model(txs_max, size)
        self.height = 1
        self.nonces: dict[bytes, int] = {}

    @rule(
        sender=st.integers(0, 3),
        nonce=st.integers(0, 5),
        price=st.integers(0, 30),
        amount=st.integers(1, 3),
        lasts=st.integers(0, 4),
        payer=st.one_of(st.none(), st.integers(0, 3)),
        memo=st.sampled_from(["", "m" * 100, "m" * 250]),
    )
    def add(
        self, sender: int, nonce: int, price: int, amount: int, lasts: int, payer: int | None, memo: str
    ) -> None:
        signed = tx(
            sender, nonce, price=price, amount=amount, expiry=self.height + lasts, payer=payer, memo=memo
        )
        if nonce < self.nonces.get(signed.body.sender, 0):
            return
        expected = self.model.add(signed)
        try:
            gone: list[bytes] | str = [s.tx_hash for s in self.pool.add(signed, 0)]
        except Refused as error:
            gone = error.code
        assert sorted(gone) == sorted(expected)

    @precondition(lambda self: self.model.items)
    @rule(count=st.integers(0, 3))
    def commit(self, count: int) -> None:
        """A block takes the best ones."""
        taken = self.model.order(self.nonces)[:count]
        txs = [s for _, s in self.model.items if s.tx_hash in taken]
        for signed in txs:
            sender = signed.body.sender
            self.nonces[sender] = max(self.nonces.get(sender, 0), signed.body.nonce + 1)
        self.height += 1
        self.pool.on_block(tuple(txs), self.height)
        self.model.items = [
            (a, s) for a, s in self.model.items if s.tx_hash not in taken and s.body.expiry >= self.height
        ]

    @precondition(lambda self: self.model.items)
    @rule(place=st.integers(0, 7))
    def drop(self, place: int) -> None:
        _, signed = self.model.items[place % len(self.model.items)]
        self.pool.drop(signed)
        self.model.items = [(a, s) for a, s in self.model.items if s is not signed]

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "pool"):
            return
        held = [s for _, s in self.model.items]
        assert set(self.pool.by_hash) == {s.tx_hash for s in held}
        assert self.pool.bytes == sum(len(s.raw) for s in held)
        for person in PEOPLE:
            owed = sum(amounts_of(s) for s in held if s.body.sender == person.address)
            owed += sum(s.cost_max for s in held if (s.body.payer or s.body.sender) == person.address)
            assert self.pool.reserved(person.address) == owed
        in_order = [s.tx_hash for s in self.pool.in_order(lambda a: self.nonces.get(a, 0))]
        assert in_order == self.model.order(self.nonces)
        assert self.pool.has_includable(lambda a: self.nonces.get(a, 0)) == bool(in_order)
        assert all(self.pool.get(s.tx_id) is s for s in held)


PoolMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestPool = PoolMachine.TestCase
