"""What a running contract asks of the ledger, one operation at a time: charged first, then done.

Only what the interface permits, and nothing that changes anything in a static frame. A fault ends the frame.
"""

from collections.abc import Callable
from hashlib import sha3_256, sha256, sha512
from typing import Final

import msgspec

from chaosnet.base.errors import Invalid
from chaosnet.contracts import ops, values
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.interface import ANY, check_args
from chaosnet.contracts.keys import decode_key, encode_key, encode_prefix
from chaosnet.contracts.machine import HostCall, Meter
from chaosnet.contracts.values import VALUE_BYTES_MAX, Unchecked
from chaosnet.crypto.signing import is_valid
from chaosnet.ledger.contracts import host_assets
from chaosnet.ledger.contracts.books import entry_value
from chaosnet.ledger.contracts.desk import Desk, bytes_of, list_of, number_of, text_of
from chaosnet.ledger.contracts.frames import Run, call_contract
from chaosnet.ledger.contracts.names import address_text, said
from chaosnet.ledger.contracts.requests import Frame, Request
from chaosnet.ledger.keys import entry_prefix
from chaosnet.model.receipt import Event

_PAYLOAD_BYTES_MAX: Final = 20 * 1024
_decode = msgspec.msgpack.Decoder().decode
_HASHES: Final = {"sha256": sha256, "sha512": sha512, "sha3_256": sha3_256}


def host_of(run: Run, frame: Frame) -> HostCall:
    """Return what answers the operations of a frame."""
    return Host(run, frame).answer


class Host(Desk):
    """Answers one frame."""

    __slots__ = ("_asking", "_prices", "_room")

    def __init__(self, run: Run, frame: Frame) -> None:
        super().__init__(run, frame)
        self._prices = run.books.prices
        self._asking = ops.asking_fuel_of(run.books.ctx.rules.number)
        self._room = entry_prefix(self.address)

    def answer(self, op: int, payload: bytes, meter: Meter) -> bytes | None:
        """Do one operation; see HostCall."""
        try:
            work = _WORKS.get(op)
            if work is None:
                raise GuestFault("unknown_op", str(op))
            size = len(payload)
            if size > _PAYLOAD_BYTES_MAX:
                raise GuestFault("too_large")
            prices = self._prices
            charge = self.books.charge = meter.charge
            charge(self._asking.get(op, prices.host_call) + prices.byte_in * size)
            try:
                asked: Unchecked = _decode(payload) if size else None
            except (msgspec.DecodeError, ValueError, RecursionError, OverflowError):
                raise GuestFault("bad_value") from None
            answer = work(self, asked, meter)
            if answer is not None:
                charge(prices.byte * len(answer))
            return answer
        except Invalid as error:
            self.frame.left_at_fault = meter.left()
            code = "too_large" if error.code == "too_large" else "bad_args"
            raise GuestFault(code, error.detail) from error
        except GuestFault:
            self.frame.left_at_fault = meter.left()
            raise

    # ── storage ──

    def get(self, asked: Unchecked, _meter: Meter) -> bytes | None:
        """Return the value of a key."""
        leaf = self.books.overlay.entry(self._room + encode_key(list_of(asked)))
        return None if leaf is None else entry_value(leaf)

    def set(self, asked: Unchecked, _meter: Meter) -> None:
        """Store a value under a key, or delete it."""
        if self.frame.is_static:
            raise GuestFault("static")
        key, value = list_of(asked, 2)
        raw = None if value is None else values.encode(value)
        self.books.put_stored(self._room + encode_key(list_of(key)), raw)

    def scan(self, asked: Unchecked, meter: Meter) -> bytes:
        """Return the next entries whose keys begin with some parts, as many as fit into one answer."""
        prefix_parts, after, limit = list_of(asked, 3)
        if type(limit) is not int or not 1 <= limit <= ops.SCAN_MAX:
            raise GuestFault("bad_args", f"a scan returns 1 to {ops.SCAN_MAX} entries")
        parts = list_of(prefix_parts)
        prefix = self._room + encode_prefix(parts)
        start = prefix
        if after is not None:
            start = max(prefix, self._room + encode_key(list_of(after)) + b"\x00")
        meter.charge(self._prices.read)  # finding the place; an empty listing is work too
        found: list[bytes] = []
        size = 3
        own = len(self._room)
        for key, leaf in self.run.overlay.entries(prefix, start):
            meter.charge(self._prices.read)
            if leaf is None:
                continue
            listed = decode_key(key[own:])
            meter.charge(self._prices.key_part * len(listed))
            pair = b"\x92" + values.encode(list(listed)) + entry_value(leaf)
            size += len(pair)
            if size > VALUE_BYTES_MAX and found:  # the largest entry alone still fits into the guest's area
                break
            found.append(pair)
            if len(found) == limit:
                break
        return _array_start(len(found)) + b"".join(found)

    # ── what others see ──

    def emit(self, asked: Unchecked, _meter: Meter) -> None:
        """Record an event that the interface declares."""
        self.check_not_static()
        name, given = list_of(asked, 2)
        declared = self.frame.contract.interface.events.get(name) if isinstance(name, str) else None
        if declared is None or not isinstance(name, str):
            raise GuestFault("bad_args", f"no event is called {said(name)}")
        filled = check_args(declared, list_of(given), self.run.is_address)
        events = self.run.events
        if len(events) >= ops.EVENTS_MAX:
            raise GuestFault("too_large", f"over {ops.EVENTS_MAX} events")
        events.append(Event(self.address, name, values.encode(filled, ops.EVENT_BYTES_MAX), len(events)))

    def show(self, _asked: Unchecked, _meter: Meter) -> None:
        """Do nothing: printing is for tests."""

    # ── calls ──

    def call(self, asked: Unchecked, meter: Meter) -> bytes | None:
        """Call another contract; its failure is this frame's too, unless it was only tried."""
        to, method, args, sent, fuel, is_static, is_try = list_of(asked, 7)
        request = Request(
            contract=self.address_of(to),
            method=text_of(method),
            args=values.encode(list_of(args)),
            given=list_of(args),
            caller=self.address,
            sent=self.sent_of(sent),
            is_static=bool(is_static) or self.frame.is_static,
        )
        return self._call(request, meter, None if fuel is None else number_of(fuel), is_try=bool(is_try))

    def transfer_and_call(self, asked: Unchecked, meter: Meter) -> bytes | None:
        """Move an asset to a contract and call its method with it."""
        to, asset, amount, method, args = list_of(asked, 5)
        self.check_not_static()
        sent = self.sent_of({text_of(asset): amount})
        request = Request(
            self.address_of(to), text_of(method), values.encode(list_of(args)), self.address, sent
        )
        return self._call(request, meter, None, is_try=False)

    def _call(self, request: Request, meter: Meter, limit: int | None, *, is_try: bool) -> bytes | None:
        if request.sent:
            self.check_not_static()
        scope = self.frame.contract.interface.permissions.call
        if ANY not in scope and address_text(self.run.prefix, request.contract) not in scope:
            raise GuestFault("permission", "call")
        meter.charge(self._prices.read)
        fuel = ops.callee_fuel(meter.left(), limit)
        result = call_contract(self.run, request, fuel, host_of)
        meter.charge(result.fuel)
        if result.code == "ok":
            return b"\x92\xc3" + result.value if is_try else result.value
        if not is_try:
            raise GuestFault(result.code, result.text)
        # Only a contract's own text: the others are for people, and may change.
        return values.encode([False, result.code, result.text if result.code == "reverted" else ""])

    # ── around it ──

    def gas_left(self, _asked: Unchecked, meter: Meter) -> bytes:
        """Return the gas that is left to the frame, rounded down."""
        return values.encode_known(meter.left() // self.run.ctx.rules.gas.fuel_per_gas)

    def hash(self, asked: Unchecked, meter: Meter) -> bytes:
        """Return a hash in hex."""
        kind, data = list_of(asked, 2)
        algorithm = _HASHES.get(text_of(kind))
        if algorithm is None:
            raise GuestFault("bad_args", f"a hash is one of {', '.join(_HASHES)}")
        raw = bytes_of(data)
        meter.charge(self._prices.hash_byte * len(raw))
        return values.encode(algorithm(raw).hexdigest())

    def verify(self, asked: Unchecked, meter: Meter) -> bytes:
        """Return whether a signature is good."""
        meter.charge(self._prices.verify)
        kind, key, message, signature = list_of(asked, 4)
        if kind != "ed25519":
            raise GuestFault("bad_args", "a signature is of the kind ed25519")
        raw = bytes_of(message)
        meter.charge(self._prices.hash_byte * len(raw))
        return values.encode(is_valid(bytes_of(key), raw, bytes_of(signature)))


def _of_assets(
    work: Callable[[Desk, Unchecked], bytes | None],
) -> Callable[[Host, Unchecked, Meter], bytes | None]:
    return lambda host, asked, _meter: work(host, asked)


_WORKS: Final[dict[int, Callable[[Host, Unchecked, Meter], bytes | None]]] = {
    ops.GET: Host.get,
    ops.SET: Host.set,
    ops.SCAN: Host.scan,
    ops.EMIT: Host.emit,
    ops.TRANSFER: _of_assets(host_assets.transfer),
    ops.CALL: Host.call,
    ops.BALANCE: _of_assets(host_assets.balance),
    ops.HASH: Host.hash,
    ops.VERIFY: Host.verify,
    ops.GAS_LEFT: Host.gas_left,
    ops.TRANSFER_AND_CALL: Host.transfer_and_call,
    ops.ISSUE: _of_assets(host_assets.issue),
    ops.BURN: _of_assets(host_assets.burn),
    ops.APPROVE: _of_assets(host_assets.approve),
    ops.TRANSFER_FROM: _of_assets(host_assets.transfer_from),
    ops.ALLOWANCE: _of_assets(host_assets.allowance),
    ops.TOKEN: _of_assets(host_assets.token),
    ops.RIGHTS: _of_assets(host_assets.rights),
    ops.CONVERT: _of_assets(host_assets.convert),
    ops.PRINT: Host.show,
}


def _array_start(count: int) -> bytes:
    return bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")
