"""What one delegate that breaks the rules can do to the others: blocks without number, and who proves it."""

import pytest
from msgspec import structs

from chaosnet.base.errors import Broken
from chaosnet.crypto.signing import sign
from chaosnet.kernel import events as ev
from chaosnet.kernel import forks, tree
from chaosnet.kernel.blocks import Candidate
from chaosnet.kernel.step import step
from chaosnet.model.block import SealedBlock, decode_sealed
from chaosnet.model.evidence import check_evidence, header_digest
from chaosnet.model.header import SlotProof
from tests.unit.kernel.ring import Ring


def another(ring: Ring, place: int, number: int) -> Candidate:
    """Return one more block in the slot of this delegate's newest."""
    machine = ring.machines[place]
    newest = next(b for b in reversed(machine.disk.blocks) if b.header.proposer == machine.config.miner)
    proof = newest.header.proof
    assert isinstance(proof, SlotProof)
    proof = structs.replace(proof, max_height_generated=1_000 + number)
    header = structs.replace(newest.header, proof=proof)
    stored = machine.disk.sealed_at(newest.height)
    if stored is None:
        raise Broken("internal", "not stored")
    block = structs.replace(decode_sealed(stored).block, header=header)
    return forks.candidate_of(SealedBlock(block, sign(machine.seed, header_digest(header))), machine.id)


def test_blocks_without_number_in_one_slot_do_not_keep_the_others_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tree, "ENTRIES_MAX", 40)
    ring = Ring("dpos").start()
    ring.pass_ms(20_000)
    before = max(ring.heights())
    for machine in ring.machines[1:]:
        for number in range(60):
            forks.receive(machine.node, another(ring, 0, number), ring.now)
        assert machine.node.tree is not None
        assert len(machine.node.tree.entries) == 40
    ring.down.add(0)
    ring.pass_ms(20_000)
    assert min(ring.heights()[1:]) > before + 10
    assert min(ring.finals()[1:]) > before
    assert ring.agreed()


def test_two_blocks_in_one_slot_are_proved_once() -> None:
    ring = Ring("dpos").start()
    ring.pass_ms(20_000)
    machine = ring.machines[1]
    assert not [fact for fact in machine.reports if isinstance(fact, ev.DoubleSign)], "nobody did it yet"
    for number in range(3):
        forks.receive(machine.node, another(ring, 0, number), ring.now)
    effects = step(machine.node, ev.TimerFired("none"), ring.now)
    proofs = [effect.evidence for effect in effects if isinstance(effect, ev.PersistEvidence)]
    assert len(proofs) == 1
    check_evidence(ring.hash, proofs[0])
    assert proofs[0].first.signer == ring.machines[0].config.consensus_key


def test_honest_producers_are_never_accused_across_forks() -> None:
    for engines in ("dpos", "pos"):
        ring = Ring(engines).start()
        ring.pass_ms(10_000)
        ring.cut = lambda a, b: (a < 2) != (b < 2)
        ring.pass_ms(20_000)
        ring.heal()
        ring.pass_ms(20_000)
        assert not [f for m in ring.machines for f in m.reports if isinstance(f, ev.DoubleSign)]
