"""Operations of a running contract: storage in order, events, hashes, signatures."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from chaosnet.contracts import ops
from chaosnet.contracts.keys import encode_key
from chaosnet.contracts.ops import ENTRY_OVERHEAD, PRICES
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.ledger.contracts.books import DEPOSITS
from chaosnet.ledger.keys import entry_key
from tests.fake_machine import ADA, BOB, Api, Bench, FakeContract, FakeMachine


def run_all(api: Api, steps: list[Any]) -> list[Any]:
    """Do operations given as [number, arguments]."""
    return [api.op(number, *given) for number, given in steps]


ANYTHING = FakeContract(
    {"run": run_all, "look": run_all},
    {
        "events": {"Said": ["what any"], "Big": ["data bytes"]},
        "methods": {
            "run": {"kind": "write", "args": ["steps list"], "returns": "list"},
            "look": {"kind": "view", "args": ["steps list"], "returns": "list"},
        },
    },
)


class Desk(Bench):
    """One contract that does whatever it is told."""

    def __init__(self) -> None:
        super().__init__(FakeMachine(anything=ANYTHING))
        self.contract = self.deploy("anything")

    def plays(self, function: Callable[[Api], Any]) -> None:
        """Let `run` do something else."""
        methods = ANYTHING.methods | {"run": lambda api, _: [function(api)]}
        self.machine.contracts["anything"] = FakeContract(methods, ANYTHING.interface)

    def do(self, *steps: tuple[int, list[Any]], method: str = "run", **how: Any) -> Any:
        return self.value(self.contract, method, [list(step) for step in steps], **how)

    def fails(self, *steps: tuple[int, list[Any]], method: str = "run", **how: Any) -> str:
        return self.code(self.contract, method, [list(step) for step in steps], gas=200_000, **how)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def sets(**entries: Any) -> list[tuple[int, list[Any]]]:
    return [(ops.SET, [[name], value]) for name, value in entries.items()]


def test_any_value_is_stored_and_nil_deletes(desk: Desk) -> None:
    for value in (0, -5, "text", b"bytes", True, [1, [None]], {"b": 1, "a": [b""]}):
        desk.do((ops.SET, [["k", 1, b"\x00"], value]))
        assert desk.do((ops.GET, ["k", 1, b"\x00"]), method="look") == [value]
    desk.do((ops.SET, [["k", 1, b"\x00"], None]))
    assert desk.do((ops.GET, ["k", 1, b"\x00"]), (ops.GET, ["other"])) == [None, None]


def test_the_entry_is_a_canonical_list_of_rate_and_value(desk: Desk) -> None:
    desk.do((ops.SET, [["k"], {"b": 1, "a": 2}]))
    raw = desk.overlay.entry(entry_key(desk.contract, encode_key(["k"])))
    assert raw is not None
    assert raw.hex() == "92cd03e8" + "82a16102a16201"


@pytest.mark.parametrize(
    "op, given, code",
    [
        (ops.SET, [[], 1], "bad_args"),
        (ops.SET, [["k", True], 1], "bad_args"),
        (ops.SET, [["k" * 126], 1], "too_large"),
        (ops.SET, [["k"]], "bad_args"),
        (ops.GET, [None], "bad_args"),
        (ops.SCAN, [["k"], None, 0], "bad_args"),
        (ops.SCAN, [["k"], None, 1_001], "bad_args"),
        (ops.EMIT, ["Unknown", []], "bad_args"),
        (ops.EMIT, ["Said", []], "ok"),  # anything may be nil
        (ops.EMIT, ["Said", [1, 2]], "bad_args"),
        (ops.EMIT, ["Big", [b"b" * 4_096]], "too_large"),
        (ops.HASH, ["md5", b""], "bad_args"),
        (ops.HASH, ["sha256", 5], "bad_args"),
        (ops.VERIFY, ["rsa", b"", b"", b""], "bad_args"),
        (10, [], "unknown_op"),
        (150, [], "unknown_op"),
        (ops.PRINT, ["anything"], "ok"),
    ],
)
def test_bounds(desk: Desk, op: int, given: list[Any], code: str) -> None:
    assert desk.fails((op, given)) == code


def test_a_view_may_read_but_not_write_emit_or_move(desk: Desk) -> None:
    to = desk.text(BOB.address)
    for op, given in (
        (ops.SET, [["k"], 1]),
        (ops.EMIT, ["Said", [1]]),
        (ops.TRANSFER, [to, "COS", 1]),
        (ops.TRANSFER_AND_CALL, [to, "COS", 1, "m", []]),
        (ops.ISSUE, [None, to, 1, {}]),
        (ops.BURN, ["0" * 64, 1]),
        (ops.APPROVE, ["0" * 64, to, 0, 1, 1]),
        (ops.TRANSFER_FROM, ["0" * 64, to, to, 1]),
        (ops.RIGHTS, ["0" * 64, "pause", {}]),
        (ops.CONVERT, ["COS", 1, "0" * 64, 1, 1]),
    ):
        assert desk.fails((op, given), method="look") == "static"
    desk.do((ops.GET, ["k"]), (ops.SCAN, [[], None, 1]), (ops.BALANCE, [to, "COS"]), method="look")


def test_scans_are_ordered_paged_and_see_what_the_block_did(desk: Desk) -> None:
    names = [["m", i] for i in (5, -1, 3)] + [["m", "a"], ["m", b"a"], ["n", 1], ["l"]]
    desk.do(*((ops.SET, [key, i]) for i, key in enumerate(names)))
    desk.seal()
    desk.do((ops.SET, [["m", 4], 9]), (ops.SET, [["m", 3], None]), (ops.SET, [["m", 5], 8]))
    everything = [[["m", -1], 1], [["m", 4], 9], [["m", 5], 8], [["m", "a"], 3], [["m", b"a"], 4]]
    assert desk.do((ops.SCAN, [["m"], None, 100]), method="look") == [everything]
    assert desk.do((ops.SCAN, [["m"], None, 2])) == [everything[:2]]
    assert desk.do((ops.SCAN, [["m"], ["m", 4], 2])) == [everything[2:4]]
    assert desk.do((ops.SCAN, [["m"], ["z"], 2])) == [[]]
    assert desk.do((ops.SCAN, [["m", "a"], None, 2])) == [[[["m", "a"], 3]]]
    assert [key for key, _ in desk.do((ops.SCAN, [[], None, 100]))[0]][-1] == ["n", 1]


def test_another_contracts_storage_is_out_of_reach(desk: Desk) -> None:
    desk.do(*sets(a=1, b=2))
    other = desk.deploy("anything")
    assert desk.value(other, "look", [[ops.SCAN, [[], None, 100]], [ops.GET, ["a"]]]) == [[], None]


def test_a_scan_answers_what_fits_and_goes_on_from_there(desk: Desk) -> None:
    for i in range(5):
        desk.do((ops.SET, [["big", i], "v" * 4_000]))
    pages: list[int] = []

    def page(api: Api) -> int:
        after = None
        while found := api.scan(["big"], after):
            pages.append(len(found))
            after = found[-1][0]
        return len(pages)

    desk.plays(page)
    assert desk.do() == [2]
    assert pages == [4, 1]


def test_a_value_has_at_most_16_kib(desk: Desk) -> None:
    desk.plays(lambda api: api.op(ops.SET, ["k"], "v" * (16 * 1024 - 3)))
    desk.do()
    desk.plays(lambda api: api.op(ops.SET, ["k"], "v" * (16 * 1024 - 2)))
    assert desk.fails() == "too_large"
    desk.plays(lambda api: api._host(ops.SET, b"\x90" * 20_481, api.meter))
    assert desk.fails() == "too_large"
    desk.plays(lambda api: api._host(ops.SET, b"\xc1", api.meter))
    assert desk.fails() == "bad_value"
    desk.plays(lambda api: api._host(ops.SET, b"\x92\x91\xa1k\xcb" + bytes(8), api.meter))
    assert desk.fails() == "bad_args", "a float"


def test_every_step_of_a_scan_costs(desk: Desk) -> None:
    desk.do(*((ops.SET, [["m", i], 1]) for i in range(20)))
    scan = (ops.SCAN, [["m"], None, 100])

    def gas() -> int:
        return desk.call(desk.contract, "look", [list(scan)])[0].gas

    with_all = gas()
    desk.seal()
    assert gas() == with_all, "whether entries are of this block or older does not matter"
    desk.do(*((ops.SET, [["m", i], None]) for i in range(19)))
    passing = gas()
    desk.seal()
    assert gas() < passing - 18 * PRICES.read // 50, (
        "passing deleted ones is paid for as long as they are there"
    )


def test_hashes_and_signatures(desk: Desk) -> None:
    seed, message = bytes(32), b"message"
    key, signature = public_key_of(seed), sign(seed, message)
    answers = desk.do(
        (ops.HASH, ["sha256", b"abc"]),
        (ops.HASH, ["sha256", "abc"]),
        (ops.HASH, ["sha512", b""]),
        (ops.HASH, ["sha3_256", b""]),
        (ops.VERIFY, ["ed25519", key, message, signature]),
        (ops.VERIFY, ["ed25519", key, b"other", signature]),
        (ops.VERIFY, ["ed25519", b"short", message, b""]),
    )
    assert answers[:2] == [sha256(b"abc").hexdigest()] * 2
    assert [len(answer) for answer in answers[2:4]] == [128, 64]
    assert answers[4:] == [True, False, False]


def test_gas_left_falls(desk: Desk) -> None:
    first, second = desk.do((ops.GAS_LEFT, []), (ops.GAS_LEFT, []))
    assert 0 < second < first < 5_000_000


def test_each_entry_locks_a_deposit_that_returns_to_who_frees_it(desk: Desk) -> None:
    before = desk.deposits()
    size = len(entry_key(desk.contract, encode_key(["k"]))) + len(b"\xa1v") + ENTRY_OVERHEAD
    receipt, _ = desk.call(desk.contract, "run", [[ops.SET, [["k"], "v"]]], deposit_max=size * 1_000 - 1)
    assert receipt.code == "deposit"
    assert desk.deposits() == before
    ada = desk.cos(ADA.address)
    receipt, _ = desk.call(desk.contract, "run", [[ops.SET, [["k"], "v"]]], deposit_max=size * 1_000)
    assert receipt.code == "ok"
    assert desk.deposits() - before == size * 1_000 == ada - desk.cos(ADA.address) - receipt.fee
    bob = desk.cos(BOB.address)
    receipt, _ = desk.call(desk.contract, "run", [[ops.SET, [["k"], None]]], sender=BOB, deposit_max=0)
    assert receipt.code == "ok"
    assert desk.cos(BOB.address) - bob + receipt.fee == size * 1_000
    assert desk.deposits() == before


def test_a_failure_locks_nothing(desk: Desk) -> None:
    before = desk.cos(DEPOSITS)
    assert desk.fails((ops.SET, [["k"], 1]), (ops.EMIT, ["Unknown", []])) == "bad_args"
    assert desk.cos(DEPOSITS) == before
    assert desk.do((ops.GET, ["k"])) == [None]
