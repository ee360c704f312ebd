"""Calls: one frame of a contract on top of another (contracts: Calls).

What a frame changes is undone unless it returns. Return and revert cost what was used; every other end costs
all the fuel that the frame was given. What can be refused is refused before the machine is entered.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import msgspec

from chaosnet.base.errors import Broken, Invalid
from chaosnet.base.units import EMPTY_HASH
from chaosnet.contracts import values
from chaosnet.contracts.faults import GuestFault, OutOfGas, clip_text
from chaosnet.contracts.interface import Kind, Method, check_args
from chaosnet.contracts.machine import METHOD_INIT, HostCall, Machine
from chaosnet.contracts.ops import DEPTH_MAX, frame_fuel
from chaosnet.contracts.values import Value
from chaosnet.ledger.context import Context
from chaosnet.ledger.contracts.books import Books, Mark
from chaosnet.ledger.contracts.names import address_value, asset_text, is_address_text
from chaosnet.ledger.contracts.records import Contract, find_contract, source_of
from chaosnet.ledger.contracts.requests import Frame, Request, Result
from chaosnet.ledger.contracts.tokens import move
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.receipt import Event

NO_ARGS = b"\x90"
"""An empty list."""
_NIL = b"\xc0"
_NO_ASSETS = b"\x80"
"""An empty map."""
_encode = msgspec.msgpack.Encoder().encode


class Tank:
    """Fuel outside of a machine: of an action, or of a frame before its machine begins."""

    __slots__ = ("_left",)

    def __init__(self, fuel: int) -> None:
        self._left = fuel

    def left(self) -> int:
        """Return what is left."""
        return self._left

    def charge(self, fuel: int) -> None:
        """Take fuel; raise OutOfGas, and keep nothing, when there is not so much."""
        self._left -= fuel
        if self._left < 0:
            self._left = 0
            raise OutOfGas


@dataclass(slots=True)
class Run:
    """All calls of one transaction."""

    books: Books
    machine: Machine | None
    origin: bytes
    """Sender of the transaction."""
    nonce: int
    tx_id: bytes = EMPTY_HASH
    action: int = 0
    """Position of the action at work."""
    issued: int = 0
    """Tokens made by this action so far."""
    stack: list[Frame] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def is_address(self, text: str) -> bool:
        """Return whether a text is the address of an account or a contract of this network."""
        books = self.books
        books.charge(books.prices.address)
        return is_address_text(books.ctx.genesis.address_prefix, text)

    @property
    def ctx(self) -> Context:
        """The block that this happens in."""
        return self.books.ctx

    @property
    def overlay(self) -> Overlay:
        """The state with what happened so far."""
        return self.books.overlay

    @property
    def prefix(self) -> str:
        """What addresses begin with."""
        return self.books.ctx.genesis.address_prefix

    def mark(self) -> tuple[Mark, int]:
        """Return a mark of this moment for `rollback`."""
        return self.books.mark(), len(self.events)

    def rollback(self, mark: tuple[Mark, int]) -> None:
        """Undo every change and forget every event since the mark."""
        self.books.rollback(mark[0])
        del self.events[mark[1] :]


HostOf = Callable[[Run, Frame], HostCall]
"""Makes what answers the operations of a frame; see host."""


def call_contract(run: Run, request: Request, fuel: int, host_of: HostOf) -> Result:
    """Call a method with at most so much fuel and return how it ended; never raises GuestFault."""
    return _entered(run, request, fuel, host_of, None)


def init_contract(run: Run, contract: Contract, request: Request, fuel: int, host_of: HostOf) -> Result:
    """Run the `init` of a contract that was stored just now."""
    return _entered(run, request, fuel, host_of, contract)


def _entered(run: Run, request: Request, fuel: int, host_of: HostOf, new: Contract | None) -> Result:
    """Find, check, pay, and enter the machine. `new`: the contract whose `init` this is."""
    books = run.books
    tank = Tank(fuel)
    mark = run.mark()
    charge_before = books.charge
    books.charge = tank.charge
    try:
        contract = new or _found(run, request)
        method = _method_of(run, contract, request, is_new=new is not None)
        args = _checked_args(run, method, request)
        is_static = request.is_static or method.kind == "view"
        prices, record = books.prices, contract.record
        if request.sent:
            _check_sent(method, is_static=is_static)
        tank.charge(frame_fuel(prices, record.load_fuel) + prices.byte * len(record.interface))
        for asset, amount in request.sent:
            move(books, asset, amount, source=request.caller, to=contract.address)
    except GuestFault as fault:
        run.rollback(mark)
        return Result(fault.code, b"", clip_text(fault.text), fuel - tank.left())
    finally:
        books.charge = charge_before
    frame = Frame(contract, request.caller, request.sent, is_static)
    result = _run_machine(run, frame, method, args, fuel=fuel, left=tank.left(), host_of=host_of)
    if result.code != "ok":
        run.rollback(mark)
    return result


def _found(run: Run, request: Request) -> Contract:
    if len(run.stack) >= DEPTH_MAX:
        raise GuestFault("call_depth")
    contract = find_contract(run.books.overlay.get, request.contract)
    if contract is None:
        raise GuestFault("no_contract")
    return contract


def _method_of(run: Run, contract: Contract, request: Request, *, is_new: bool) -> Method:
    if is_new:
        if contract.interface.init is None:
            raise GuestFault("no_method", METHOD_INIT)
        return contract.interface.init
    method = contract.interface.methods.get(request.method)
    if method is None:
        raise GuestFault("no_method", request.method[:64])
    stack = run.stack
    if stack and not method.is_reentrant and any(f.contract.address == request.contract for f in stack):
        raise GuestFault("reentered")
    return method


def _run_machine(  # noqa: PLR0913 - one frame
    run: Run, frame: Frame, method: Method, args: bytes, *, fuel: int, left: int, host_of: HostOf
) -> Result:
    """Run a frame in the machine with what is `left` of its fuel, and reckon what it owes."""
    machine, record = run.machine, frame.contract.record
    if machine is None:
        raise Broken("internal", "a call without a machine")
    name = METHOD_INIT if method is frame.contract.interface.init else method.name
    run.stack.append(frame)
    try:
        image = machine.prepare(record.engine, source_of(run.overlay, record))
        ended = machine.call(image, name, args, left, host_of(run, frame), context_of(run, frame))
    except GuestFault as fault:  # the stored source loaded before, so only a machine that differs gets here
        raise Broken("internal", f"a deployed contract does not load: {fault}") from fault
    finally:
        run.stack.pop()
    if ended.kind == "returned":
        used = ended.fuel_used + run.books.prices.byte_in * len(ended.value)
        if used > left:
            return Result("out_of_gas", b"", "", fuel)
        if _is_of_kind(run, method.returns, ended.value):
            return Result("ok", ended.value, "", fuel - left + used)
        return Result("bad_value", b"", f"{name} returned another type than it declares", fuel)
    text = clip_text(ended.text)
    if ended.kind == "reverted":
        return Result("reverted", b"", text, fuel - left + ended.fuel_used)
    if ended.code == "reverted":  # by a callee, and a host function passed it on
        return Result("reverted", b"", text, fuel - frame.left_at_fault)
    return Result(ended.code, b"", text, fuel)


def context_of(run: Run, frame: Frame) -> bytes:
    """Return what a frame may know of where it is: a canonical map."""
    ctx, prefix = run.books.ctx, run.prefix
    sent = {asset_text(asset): amount for asset, amount in frame.sent}
    return b"".join(  # keys are ascending: nothing sorts them
        (
            b"\x89\xa6action",
            _encode(run.action),
            b"\xa6caller",
            address_value(prefix, frame.caller),
            b"\xa5chain",
            _hex_value(ctx.genesis_hash),
            b"\xa6height",
            _encode(ctx.height),
            b"\xa6origin",
            address_value(prefix, run.origin),
            b"\xa4self",
            address_value(prefix, frame.contract.address),
            b"\xa4sent",
            _encode(dict(sorted(sent.items()))) if sent else _NO_ASSETS,
            b"\xa4time",
            _encode(ctx.time_ms),
            b"\xa2tx",
            _hex_value(run.tx_id),
        )
    )


def _hex_value(content: bytes) -> bytes:
    """Return the hex text of 32 bytes as a value."""
    return b"\xd9\x40" + content.hex().encode()


def _checked_args(run: Run, method: Method, request: Request) -> bytes:
    """Return the canonical arguments, complete and of the declared types; fault `bad_args`."""
    try:
        given = values.decode(request.args) if request.given is None else request.given
        if not isinstance(given, list):
            raise GuestFault("bad_args", "arguments are a list")
        filled = check_args(method.args, given, run.is_address)
        return request.args if len(filled) == len(given) else values.encode(filled)
    except Invalid as error:
        raise GuestFault("bad_args", error.detail or error.code) from error


def _check_sent(method: Method, *, is_static: bool) -> None:
    if is_static:
        raise GuestFault("static")
    if method.kind != "payable":
        raise GuestFault("bad_args", f"{method.name} takes no assets")


def _is_of_kind(run: Run, kind: Kind | None, raw: bytes) -> bool:
    """Return whether a canonical value is what a method declares to return."""
    if raw == _NIL and kind is None:
        return True
    try:
        value: Value = values.decode(raw)
    except Invalid:
        return False
    return kind is None or kind.fits(value, partial(is_address_text, run.prefix))
