"""Contracts played by Python functions, under a meter, for tests of what the ledger does around a machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaosnet.base.units import Address
from chaosnet.contracts import ops
from chaosnet.contracts.faults import GuestFault, OutOfGas
from chaosnet.contracts.machine import Ended, HostCall, Image, Meter
from chaosnet.contracts.values import Value, decode, encode
from chaosnet.crypto.addresses import format_address
from chaosnet.ledger.apply import execute_transaction
from chaosnet.ledger.contracts.books import DEPOSITS
from chaosnet.ledger.contracts.records import contract_id
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.state import State
from chaosnet.model.contract_actions import Call, Deploy, Sent
from chaosnet.model.genesis import Genesis, genesis_hash_of
from chaosnet.model.receipt import Outcome, Receipt
from chaosnet.model.transaction import Action
from tests.making import Person, body_of, context, network, signed_by

CALL_FUEL = 1_000
LOAD_FUEL = 80_000


class Revert(Exception):
    """The contract refuses."""


class Api:
    """What the prelude is to a script."""

    def __init__(self, host: HostCall, meter: Meter, ctx: bytes) -> None:
        self._host = host
        self.meter = meter
        self._ctx = ctx

    def op(self, number: int, *args: Any) -> Any:
        raw = self.raw(number, encode(list(args), 20 * 1024))
        return None if raw is None else decode(raw)

    def raw(self, number: int, payload: bytes) -> bytes | None:
        return self._host(number, payload, self.meter)

    def get(self, *key: Any) -> Any:
        return self.op(ops.GET, *key)

    def set(self, key: list[Any], value: Any) -> None:
        self.op(ops.SET, key, value)

    def scan(self, prefix: list[Any], after: list[Any] | None = None, limit: int = 100) -> Any:
        return self.op(ops.SCAN, prefix, after, limit)

    def emit(self, name: str, *values: Any) -> None:
        self.op(ops.EMIT, name, list(values))

    def ctx(self) -> Any:
        return decode(self._ctx)

    def call(self, to: str, method: str, *args: Any, **how: Any) -> Any:
        given = (how.get("sent"), how.get("fuel"), how.get("is_static", False), how.get("is_try", False))
        return self.op(ops.CALL, to, method, list(args), *given)

    def burn_fuel(self, fuel: int) -> None:
        self.meter.charge(fuel)


@dataclass(frozen=True)
class FakeContract:
    """Interface fields beside api and name, and a function for each method."""

    methods: dict[str, Callable[..., Any]]
    interface: dict[str, Any] = field(default_factory=dict)
    load_fuel: int = LOAD_FUEL

    def described(self, name: str) -> Value:
        methods = {m: {"kind": "write"} for m in self.methods if m != "init"}
        return {"api": 1, "name": name, "methods": methods, **self.interface}


@dataclass(frozen=True)
class FakeImage:
    engine: str
    load_fuel: int
    size_bytes: int
    name: str


class FakeMeter:
    def __init__(self, fuel: int) -> None:
        self.fuel = fuel

    def left(self) -> int:
        return self.fuel

    def charge(self, fuel: int) -> None:
        self.fuel = max(0, self.fuel - fuel)
        if not self.fuel:
            raise OutOfGas


class FakeMachine:
    """Runs contracts whose source is their name."""

    def __init__(self, **contracts: FakeContract) -> None:
        self.contracts = contracts

    def prepare(self, engine: str, source: bytes) -> FakeImage:
        name = source.decode()
        if name not in self.contracts:
            raise GuestFault("script_error", "line 1: oh")
        return FakeImage(engine, self.contracts[name].load_fuel, 1, name)

    def call(
        self, image: Image, method: str, args: bytes, fuel: int, host: HostCall, ctx: bytes = b""
    ) -> Ended:
        assert isinstance(image, FakeImage)
        contract = self.contracts[image.name]
        meter = FakeMeter(fuel)
        try:
            meter.charge(CALL_FUEL)
            if method == "@interface":
                value = encode(contract.described(image.name))
            else:
                given = decode(args)
                assert isinstance(given, list)
                function = contract.methods[method.removeprefix("@")]
                value = encode(function(Api(host, meter, ctx), *given))
        except Revert as error:
            return Ended("reverted", "reverted", b"", str(error), fuel - meter.fuel)
        except GuestFault as fault:
            return Ended("failed", fault.code, b"", fault.text, fuel - meter.fuel)
        return Ended("returned", "ok", value, "", fuel - meter.fuel)


ADA, BOB, EVE, MAKER = Person("ada"), Person("bob"), Person("eve"), Person("maker")
FUNDS = 10**12


class Bench:
    """A chain of one block in the making, with contracts."""

    def __init__(self, machine: Any, validators: Sequence[Person] = (MAKER,), **params: Any) -> None:
        self.genesis: Genesis = network(
            [(person, FUNDS, None) for person in (ADA, BOB, EVE)], validators, **params
        )
        self.hash = genesis_hash_of(self.genesis)
        self.state: State = genesis_state(self.genesis)
        self.machine = machine
        self.overlay = Overlay(self.state)
        self.height = 1
        self.nonces: dict[bytes, int] = {}

    @property
    def ctx(self) -> Any:
        return context(self.genesis, self.state, self.height, machine=self.machine)

    def run(self, sender: Person, *actions: Action, gas: int = 5_000_000) -> tuple[Receipt, Outcome]:
        nonce = self.nonces.get(sender.address, 0)
        self.nonces[sender.address] = nonce + 1
        signed = signed_by(sender, body_of(self.genesis, sender, nonce, *actions, gas_limit=gas))
        return execute_transaction(self.overlay, signed, self.ctx)

    def deploy(self, name: str, *args: Any, sender: Person = ADA, **fields: Any) -> bytes:
        address = contract_id(self.hash, sender.address, self.nonces.get(sender.address, 0), 0)
        action = Deploy("lua/1", name.encode(), encode(list(args)), fields.get("sent", 0), 10**10)
        receipt, outcome = self.run(sender, action)
        assert receipt.code == "ok", f"{receipt.code}: {outcome.text}"
        return address

    def call(
        self, contract: bytes, method: str, *args: Any, sender: Person = ADA, sent: Sent = (), **how: Any
    ) -> tuple[Receipt, Outcome]:
        action = Call(contract, method, encode(list(args)), sent, how.get("deposit_max", 10**9))
        return self.run(sender, action, gas=how.get("gas", 5_000_000))

    def value(self, contract: bytes, method: str, *args: Any, **how: Any) -> Any:
        receipt, outcome = self.call(contract, method, *args, **how)
        assert receipt.code == "ok", f"{receipt.code}: {outcome.text}"
        return decode(outcome.returns[0])

    def code(self, contract: bytes, method: str, *args: Any, **how: Any) -> str:
        return self.call(contract, method, *args, **how)[0].code

    def text(self, address: bytes) -> str:
        return format_address("cos", Address(address))

    def cos(self, address: bytes) -> int:
        return self.overlay.account(address).balance

    def deposits(self) -> int:
        return self.cos(DEPOSITS)

    def seal(self) -> None:
        """Begin the next block."""
        self.state = self.state.update(self.overlay.changes().new)
        self.overlay = Overlay(self.state)
        self.height += 1
