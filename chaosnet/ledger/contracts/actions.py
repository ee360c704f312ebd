"""Actions on contracts and tokens: a transaction's gas turned into fuel and back, deployment, deposits."""

from typing import assert_never

from chaosnet.base.codec import encode
from chaosnet.base.errors import Broken, Invalid
from chaosnet.contracts import values
from chaosnet.contracts.faults import GuestFault, clip_text
from chaosnet.contracts.interface import parse_interface
from chaosnet.contracts.machine import METHOD_INIT, METHOD_INTERFACE, Machine, Meter
from chaosnet.contracts.ops import LOAD_FUEL_MAX
from chaosnet.ledger.context import Context
from chaosnet.ledger.contracts import rights, tokens
from chaosnet.ledger.contracts.books import Books, free
from chaosnet.ledger.contracts.frames import NO_ARGS, Run, Tank, call_contract, init_contract
from chaosnet.ledger.contracts.host import host_of
from chaosnet.ledger.contracts.names import address_text
from chaosnet.ledger.contracts.records import (
    ContractRecord,
    contract_id,
    find_contract,
    interface_hash_of,
    source_hash_of,
)
from chaosnet.ledger.contracts.requests import Request, Result
from chaosnet.ledger.keys import contract_key, source_key
from chaosnet.ledger.members import find_member
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.contract_actions import (
    COS,
    ApproveToken,
    BurnToken,
    Call,
    ChangeToken,
    ContractAction,
    ConvertToken,
    Deploy,
    IssueToken,
    SendToken,
)
from chaosnet.model.receipt import Outcome
from chaosnet.model.transaction import SignedTx


class ContractRun:
    """The actions on contracts and tokens of one transaction."""

    def __init__(self, overlay: Overlay, signed: SignedTx, ctx: Context, gas: int) -> None:
        """`gas`: what the transaction may use beyond its intrinsic gas."""
        body = signed.body
        self._run = Run(Books(overlay, ctx), ctx.machine, body.sender, body.nonce, signed.tx_id)
        self._gas_left = gas
        self._returns: list[bytes] = []
        self._fault: tuple[int, str] | None = None
        self.gas_used = 0

    def apply(self, index: int, action: ContractAction) -> None:
        """Apply one action; raises Invalid with the code of the failure. Gas is counted either way."""
        run = self._run
        run.action, run.issued = index, 0
        per_gas = run.ctx.rules.gas.fuel_per_gas
        fuel = self._gas_left * per_gas
        tank = Tank(fuel)
        try:
            self._apply(action, tank)
            run.books.charge = free
            run.books.settle(run.origin, getattr(action, "deposit_max", 0))
        except GuestFault as fault:
            self._fault = index, clip_text(fault.text)
            raise Invalid(fault.code, fault.text) from fault
        finally:
            gas = -(-(fuel - tank.left()) // per_gas)
            self._gas_left -= gas
            self.gas_used += gas

    def outcome(self) -> Outcome:
        """Return what the transaction left behind."""
        if self._fault is not None:
            return Outcome(failed_at=self._fault[0], text=self._fault[1])
        run = self._run
        return Outcome(tuple(run.events), tuple(self._returns), moves=tuple(run.books.moves))

    def failed(self, index: int) -> Outcome:
        """Return what the transaction left behind, another kind of action having failed."""
        return self.outcome() if self._fault is not None else Outcome(failed_at=index)

    def _apply(self, action: ContractAction, tank: Tank) -> None:
        match action:
            case Deploy():
                self._returns.append(self._deploy(action, tank))
            case Call():
                run = self._run
                request = Request(action.contract, action.method, action.args, run.origin, action.sent)
                result = call_contract(run, request, tank.left(), host_of)
                self._returns.append(_value_of(result, tank))
            case _:
                self._run.books.charge = free
                apply_token_action(self._run.books, self._run.origin, action)

    def _deploy(self, action: Deploy, tank: Tank) -> bytes:
        """Store a contract, run its `init`, and return its address as a value."""
        run = self._run
        machine, ctx = run.machine, run.ctx
        if machine is None:
            raise Broken("internal", "a deployment without a machine")
        if ctx.params.deploy_members_only and find_member(run.overlay, run.origin) is None:
            raise GuestFault("permission", "only operators of members deploy contracts here")
        # Loading is paid for in advance, at its bound.
        image = machine.prepare(action.engine, action.source)
        ended = machine.call(image, METHOD_INTERFACE, NO_ARGS, min(tank.left(), LOAD_FUEL_MAX), _refuse)
        tank.charge(ended.fuel_used)
        if ended.kind != "returned":
            raise GuestFault(ended.code, ended.text)
        interface = _checked_interface(ended.value)
        run.books.charge = tank.charge
        address = contract_id(ctx.genesis_hash, run.origin, run.nonce, run.action)
        source_hash = source_hash_of(action.source)
        is_source_new = run.overlay.get(source_key(source_hash)) is None
        if is_source_new:
            run.books.add_record(source_key(source_hash), action.source)
        record = ContractRecord(
            creator=run.origin,
            height=ctx.height,
            engine=action.engine,
            source_hash=source_hash,
            interface=interface,
            interface_hash=interface_hash_of(interface),
            load_fuel=image.load_fuel,
            rate=ctx.params.motes_per_state_byte,
            is_source_new=is_source_new,
        )
        run.books.add_record(contract_key(address), encode(record))
        self._init(action, address, tank)
        return values.encode(address_text(run.prefix, address))

    def _init(self, action: Deploy, address: bytes, tank: Tank) -> None:
        run = self._run
        contract = find_contract(run.overlay.get, address)
        if contract is None:
            raise Broken("internal", "a contract is not where it was stored")
        if contract.interface.init is None:
            if action.args != NO_ARGS or action.sent:
                raise GuestFault("bad_args", "the contract has no init")
            return
        sent = ((COS, action.sent),) if action.sent else ()
        request = Request(address, METHOD_INIT, action.args, run.origin, sent)
        _value_of(init_contract(run, contract, request, tank.left(), host_of), tank)


def apply_token_action(
    books: Books,
    sender: bytes,
    action: SendToken | ApproveToken | BurnToken | IssueToken | ChangeToken | ConvertToken,
) -> None:
    """Do what an account asks of a token; the shape was checked. Raises GuestFault."""
    match action:
        case SendToken():
            if action.owner:
                way = action.owner, sender
                tokens.move_allowed(books, action.token, action.amount, way=way, to=action.to)
            else:
                tokens.move(books, action.token, action.amount, source=sender, to=action.to)
        case ApproveToken():
            tokens.approve(
                books,
                action.token,
                (sender, action.spender),
                expected=action.expected,
                amount=action.amount,
                expiry=action.expiry,
            )
        case BurnToken():
            tokens.burn(books, action.token, sender, action.amount)
        case IssueToken():
            rights.check_holder(books, action.token, "issue", sender)
            tokens.issue(books, action.token, action.to, action.amount)
        case ChangeToken():
            rights.change_token(books, sender, action)
        case ConvertToken():
            rights.convert(
                books,
                sender,
                action.token,
                amount=action.amount,
                min_out=action.min_out,
                expiry=action.expiry,
                is_back=action.is_back,
            )
        case _:
            assert_never(action)


def query_contract(  # noqa: PLR0913 - a question
    overlay: Overlay,
    ctx: Context,
    machine: Machine,
    *,
    contract: bytes,
    method: str,
    args: bytes,
    caller: bytes,
    fuel: int,
) -> Result:
    """Return what a method answers on a state when nothing may change; the overlay stays as it was."""
    run = Run(Books(overlay, ctx), machine, caller, 0)
    return call_contract(run, Request(contract, method, args, caller, is_static=True), fuel, host_of)


def _value_of(result: Result, tank: Tank) -> bytes:
    """Return the value of a call after taking what it owes; raise GuestFault when it did not return."""
    tank.charge(result.fuel)
    if result.code != "ok":
        raise GuestFault(result.code, result.text)
    return result.value


def _checked_interface(value: bytes) -> bytes:
    try:
        parse_interface(values.decode(value))
    except Invalid as error:
        raise GuestFault("bad_interface", error.detail or error.code) from error
    return value


def _refuse(_op: int, _payload: bytes, _meter: Meter) -> bytes | None:
    """Answer nothing while a contract says what it is."""
    raise GuestFault("static", "while the interface is read")
