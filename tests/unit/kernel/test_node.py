"""What a node remembers of its chain: block ids, recent states, whose turn it is to commit."""

from chaosnet.base.limits import PROOF_HEIGHTS
from chaosnet.kernel.blocks import Candidate
from chaosnet.model.block import ValidatorSet
from tests.unit.kernel.harness import Bench


def grown(blocks: int) -> Bench:
    bench = Bench().start()
    bench.join_all()
    for _ in range(blocks):
        bench.advance(101)
        bench.grow()
    return bench


def test_tickets_name_one_question_each() -> None:
    node = Bench().node
    assert [node.next_ticket() for _ in range(3)] == [1, 2, 3]


def test_an_anchor_is_a_block_of_this_chain() -> None:
    bench = grown(3)
    node = bench.node
    known = bench.chain.blocks[2].block_id
    assert node.anchor_ok(2, known[:8])
    assert not node.anchor_ok(1, known[:8])
    assert not node.anchor_ok(4, known[:8])
    assert node.anchor_ok(0, bench.genesis_hash[:8]) == (node.ids[0][:8] == bench.genesis_hash[:8])


def test_block_ids_are_read_once() -> None:
    bench = grown(2).restart()
    bench.chain.reads = 0
    for _ in range(5):
        assert bench.node.block_id_at(1) == bench.chain.blocks[1].block_id
    assert bench.chain.reads == 1
    assert bench.node.block_id_at(99) is None


def test_block_ids_do_not_pile_up() -> None:
    bench = Bench()
    head = bench.node.head
    for height in range(1, 13_500):
        header = type(head.header)(
            **{n: getattr(head.header, n) for n in head.header.__struct_fields__} | {"height": height}
        )
        bench.node.publish(header, height.to_bytes(32, "big"), b"", head.state, head.validators)
    assert 10_000 < len(bench.node.ids) <= 12_000, "all that an anchor may name are there"
    assert bench.node.ids[13_499] == (13_499).to_bytes(32, "big")
    assert len(bench.node.recent) == PROOF_HEIGHTS
    assert min(bench.node.recent) == 13_500 - PROOF_HEIGHTS


def test_a_node_knows_whom_it_signs_for() -> None:
    bench = Bench(me=2)
    assert bench.node.own_operator(bench.node.head.validators) == bench.validators[2].address
    assert bench.node.own_operator(ValidatorSet(())) == b""
    assert Bench(me=None).node.own_operator(bench.node.head.validators) == b""


def test_a_sealed_block_waits_under_its_height() -> None:
    bench = Bench()
    made = bench.candidate()
    waiting = Candidate(made.block, made.block_id, made.raw, b"p")
    bench.node.ahead[made.block_id] = waiting
    assert bench.node.ahead_at(1) is waiting
    assert bench.node.ahead_at(2) is None
