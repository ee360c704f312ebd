"""The tail that makes the last block of an era final."""

from dataclasses import replace

import pytest
from msgspec import structs

from chaosnet.base.codec import encode
from chaosnet.base.errors import InvalidBlock
from chaosnet.kernel import handover
from chaosnet.kernel.handover import Tail, check_tail
from tests.unit.kernel.ring import Ring


def crossed() -> tuple[Ring, Tail]:
    """Return a network at the last block of its pow era, and the tail that ended it."""
    ring = Ring("pow:5,pbft").start()
    for i in range(8):
        ring.find(i % 4)
    node = ring.machines[0].node
    assert node.head.header.height == 5
    return ring, handover._decoder.decode(node.head.seal)


def refused(ring: Ring, tail: Tail) -> str:
    node = ring.machines[0].node
    head = replace(node.head, seal=b"")
    node.head = head
    try:
        check_tail(node, head, encode(tail))
    except InvalidBlock as error:
        return error.code
    return ""


def test_the_tail_has_the_depth_asked_for_and_changes_nothing() -> None:
    ring, tail = crossed()
    assert [header.height for header, _ in tail.headers] == [6, 7, 8]
    head = ring.machines[0].node.head
    assert {header.state_root for header, _ in tail.headers} == {head.header.state_root}
    assert {header.tx_count for header, _ in tail.headers} == {0}


def test_every_tail_that_is_deep_enough_is_as_good() -> None:
    ring, tail = crossed()
    node = ring.machines[0].node
    node.head = replace(node.head, seal=b"")
    check_tail(node, node.head, encode(tail))


def test_a_shorter_tail_is_refused() -> None:
    ring, tail = crossed()
    assert refused(ring, Tail(tail.headers[:-1])) == "bad_seal"
    assert refused(ring, Tail(())) == "bad_seal"


def test_a_tail_with_a_gap_or_without_work_is_refused() -> None:
    ring, tail = crossed()
    assert refused(ring, Tail(tail.headers[1:])) == "bad_header"
    header, _ = tail.headers[2]
    lazy = structs.replace(header, time_ms=header.time_ms + 1)
    codes = {
        refused(ring, Tail((*tail.headers[:2], (structs.replace(lazy, proposer=bytes([i] * 33)), b""))))
        for i in range(8)
    }
    assert "bad_seal" in codes, "half of all nonces meet so easy a target"


def test_bytes_that_are_no_tail_are_refused() -> None:
    ring, _ = crossed()
    node = ring.machines[0].node
    node.head = replace(node.head, seal=b"")
    with pytest.raises(InvalidBlock, match="tail"):
        check_tail(node, node.head, b"nonsense")
