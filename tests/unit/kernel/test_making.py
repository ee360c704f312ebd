"""Making blocks of one's own where the chain can fork."""

from chaosnet.kernel import events as ev
from chaosnet.kernel import making
from chaosnet.model.evidence import SignedHeader, are_contradicting
from chaosnet.model.transaction import SignedTx
from tests.making import transfer
from tests.unit.kernel.ring import Ring


def payment(ring: Ring, nonce: int) -> SignedTx:
    return transfer(ring.genesis, ring.alice, nonce, ring.people[0].address, 5)


def submit(ring: Ring, place: int, *signed: SignedTx) -> None:
    ring.feed(place, ev.SubmitTransactions(1, tuple(s.raw for s in signed)))
    ring.settle()


def test_a_miner_takes_up_what_comes_while_it_searches() -> None:
    ring = Ring("pow").start()
    ring.pass_ms(500)
    submit(ring, 0, payment(ring, 0))
    ring.pass_ms(making.RENEW_MS + 1_500)
    ring.find(0)
    block = ring.machines[0].disk.blocks[-1]
    assert block.tx_ids == (payment(ring, 0).tx_id,)


def test_a_nonce_for_an_older_puzzle_is_nothing() -> None:
    ring = Ring("pow").start()
    ring.pass_ms(500)
    old = ring.machines[0].mine
    assert old is not None
    ring.find(1)
    ring.feed(0, ev.Mined(old.ticket, 0))
    assert ring.heights() == [1] * 4


def test_without_an_account_nothing_is_mined() -> None:
    ring = Ring("pow", count=2, spare=1).start()
    ring.pass_ms(2_000)
    assert ring.machines[2].mine is None
    assert ring.machines[0].mine is not None


def test_transactions_of_a_lost_branch_wait_again_and_come_back() -> None:
    ring = Ring("pow").start()
    ring.find(0)
    ring.cut = lambda a, b: (a < 1) != (b < 1)
    submit(ring, 0, payment(ring, 0))
    ring.pass_ms(making.RENEW_MS + 1_500)
    ring.find(0)
    assert ring.machines[0].disk.blocks[-1].tx_ids
    for _ in range(3):
        ring.find(2)
    ring.heal()
    ring.find(2)
    ring.pass_ms(3_000)
    assert ring.agreed()
    reports = [f for f in ring.machines[0].reports if isinstance(f, ev.Reorganised)]
    assert reports[0].dropped == (payment(ring, 0).tx_id,)
    ring.pass_ms(making.RENEW_MS + 1_500)
    ring.find(0)
    assert ring.machines[3].disk.has_transaction(payment(ring, 0).tx_id)


def test_a_refused_signature_costs_the_slot_only() -> None:
    ring = Ring("dpos", count=2).start()
    machine = ring.machines[0]
    sign = ring._sign
    ring._sign = lambda m, u: None if m is machine else sign(m, u)  # type: ignore[method-assign,assignment]
    ring.pass_ms(10_000)
    assert machine.node.making is not None
    ring._sign = sign  # type: ignore[method-assign]
    height = machine.node.head.header.height
    ring.pass_ms(8_000)
    assert machine.node.head.header.height > height


def test_no_key_signs_headers_that_contradict_each_other() -> None:
    ring = Ring("pos").start()
    ring.pass_ms(20_000)
    ring.cut = lambda a, b: (a < 2) != (b < 2)
    ring.pass_ms(40_000)
    ring.heal()
    ring.pass_ms(40_000)
    assert ring.agreed()
    for machine in ring.machines:
        headers = [m.header for m in machine.signed if isinstance(m, SignedHeader)]
        slots = [h.proof.slot for h in headers if hasattr(h.proof, "slot")]
        assert len(set(slots)) == len(slots)
        assert not any(are_contradicting(a, b) for i, a in enumerate(headers) for b in headers[:i])
