"""What a test asks of the chain, and what it is told: the other side of harness.lua and harness.js."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import new as new_hash
from pathlib import Path
from typing import Any, Final, Protocol

from chaosnet.base.errors import ChaosError, Invalid
from chaosnet.contracts import ops, values
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.machine import Meter
from chaosnet.contracts.values import Value
from chaosnet.devchain.bundle import Bundle, bundle
from chaosnet.devchain.chain import GAS, DevChain, Result
from chaosnet.devchain.steps import Steps
from chaosnet.ledger.contracts.names import token_of_text
from chaosnet.model.contract_actions import ApproveToken, SendToken

CHAIN: Final = "@chain"
REFUSED: Final = "@refused"
"""Key of an answer that is a refusal; the script knows the line."""
NAMED_TEXT: Final = 2_000
"""Characters of a failure that are kept."""


class Failed(Exception):
    """A test ends: line of its source (0: unknown), and why."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(line, text)
        self.line = line
        self.text = text


class Watch(Protocol):
    """Looks at a test from beside: coverage, profile."""

    gas_differs: bool
    """Contracts run in another form, so that assertions about gas mean nothing."""

    def source_of(self, made: Bundle) -> bytes:
        """Return what is deployed for a contract."""
        ...

    def deployed(self, address: str, made: Bundle) -> None:
        """Be told of a new contract."""
        ...

    def looked(self, chain: DevChain) -> None:
        """Be told that the tracer holds another transaction or question."""
        ...


class Plain:
    """Looks at nothing."""

    gas_differs = False

    def source_of(self, made: Bundle) -> bytes:
        """Return the source as it is."""
        return made.source

    def deployed(self, address: str, made: Bundle) -> None:
        """Be told of a new contract."""

    def looked(self, chain: DevChain) -> None:
        """Be told of a transaction."""


@dataclass(slots=True)
class Desk:
    """One run of one test."""

    chain: DevChain
    folder: Path
    """Names of contracts' files are relative to it."""
    steps: Steps
    watch: Watch = field(default_factory=Plain)
    bundles: dict[str, Bundle] = field(default_factory=dict)
    """By file name; kept between the runs."""
    contracts: dict[str, Bundle] = field(default_factory=dict)
    failure: Failed | None = None
    prints: list[str] = field(default_factory=list)
    gas: int = 0
    skipped_gas: bool = False
    last: Result | None = None

    def host(self, op: int, payload: bytes, meter: Meter) -> bytes | None:
        """Answer the script; see HostCall."""
        asked = values.decode(payload)
        if not isinstance(asked, list):
            raise GuestFault("bad_value")
        if op == ops.PRINT:
            self.prints.append(" ".join(str(one) for one in asked))
            return None
        if op == ops.HASH:
            data = asked[1].encode() if isinstance(asked[1], str) else asked[1]
            if asked[0] not in ("sha256", "sha512") or not isinstance(data, bytes):
                raise GuestFault("bad_args")
            return values.encode(new_hash(str(asked[0]), data).hexdigest())
        if op != ops.CALL or asked[0] != CHAIN:
            raise GuestFault("unknown_op", "a test asks the chain through `chain`")
        name, args = asked[1], asked[2]
        answer = getattr(self, f"_ask_{name!s}")
        try:
            found: Value = answer(*args) if isinstance(args, list) else answer()
        except (ChaosError, TypeError) as error:
            found = {REFUSED: f"chain.{name!s}: {error}"}
        return None if found is None else values.encode(found)

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────

    def _ask_failed(self, line: int, text: str) -> None:
        if self.failure is None:
            self.failure = Failed(line, text[:NAMED_TEXT])
        raise GuestFault("reverted", "failed")

    def _ask_prepared(self) -> None:
        self.steps.prepare(self.chain, list(self.contracts))

    def _ask_step(self) -> Value:
        return self.steps.next(self)

    def _ask_deploy(self, file: str, args: list[Value], options: dict[str, Any]) -> Value:
        made = self.bundles.get(file)
        if made is None:
            made = self.bundles[file] = bundle(self.folder / file)
        sent = (options.get("sent") or {}).get("COS", 0)
        source = self.watch.source_of(made)
        done = self._done(
            lambda: self.chain.deploy(
                source,
                made.engine,
                *args,
                sender=options["as"],
                sent=sent,
                gas=options.get("gas", GAS),
                deposit_max=options.get("deposit_max"),
            ),
            made,
        )
        answer = self._result(done, made)
        if done.is_ok:
            address = str(done.value)
            self.contracts[address] = made
            self.watch.deployed(address, made)
            answer["methods"] = self._ask_methods(address)
        return answer

    def _ask_call(self, contract: str, method: str, args: list[Value], options: dict[str, Any]) -> Value:
        return self.act(contract, method, args, options)

    def act(self, contract: str, method: str, args: list[Value], options: dict[str, Any]) -> dict[str, Value]:
        """Call a method in a transaction and tell all."""
        made = self.contracts.get(contract)
        done = self._done(
            lambda: self.chain.call(
                contract,
                method,
                *args,
                sender=options["as"],
                sent=options.get("sent") or None,
                gas=options.get("gas", GAS),
                deposit_max=options.get("deposit_max"),
            ),
            made,
        )
        return self._result(done, made)

    def _ask_query(self, contract: str, method: str, args: list[Value], options: dict[str, Any]) -> Value:
        made = self.contracts.get(contract)
        try:
            found: dict[str, Value] = {
                "code": "ok",
                "text": "",
                "value": self.chain.query(contract, method, *args, caller=options["as"]),
            }
        except GuestFault as fault:
            found = {"code": fault.code, "text": made.explained(fault.text) if made else fault.text}
        self._looked(self.chain.tracer.prints)
        return {name: value for name, value in found.items() if value is not None}

    def _ask_transfer(self, to: str, amount: int, asset: str, options: dict[str, Any]) -> Value:
        if asset == "COS":
            done = self._done(lambda: self.chain.transfer(to, amount, sender=options["as"]))
        else:
            address = self.chain.address_of(to)
            action = SendToken(token_of_text(asset), b"", address, amount, 10**9)
            done = self._done(lambda: self.chain.act(action, sender=options["as"]))
        return self._result(done, None)

    def _ask_approve(
        self, asset: str, spender: str, expected: int, new: int, expiry: int, *more: Any
    ) -> Value:
        address = self.chain.address_of(spender)
        action = ApproveToken(token_of_text(asset), address, expected, new, expiry, 10**9)
        return self._result(self._done(lambda: self.chain.act(action, sender=more[0]["as"])), None)

    def _ask_fund(self, who: str, amount: int) -> None:
        self.chain.fund(who, amount)

    # ── what is known ────────────────────────────────────────────────────────────────────────────────────

    def _ask_methods(self, contract: str) -> dict[str, Value]:
        methods = self.chain.interface_of(contract).methods
        return {name: method.kind for name, method in methods.items()}

    def _ask_balance(self, who: str, asset: str) -> Value:
        return self.chain.balance(who, asset)

    def _ask_address(self, who: str) -> Value:
        return self.chain.text_of(who)

    def _ask_events(self) -> Value:
        events = self.last.events if self.last else ()
        return [{"contract": one.contract, "name": one.name, "values": one.values} for one in events]

    def _ask_height(self) -> Value:
        return self.chain.height

    def _ask_time(self) -> Value:
        return self.chain.time_ms

    def _ask_snapshot(self) -> Value:
        return self.chain.snapshot()

    def _ask_revert(self, number: int) -> None:
        self.chain.revert(number)

    def _ask_advance(self, blocks: int, seconds: int) -> None:
        self.chain.advance(blocks, seconds)

    def _ask_gas_differs(self) -> Value:
        self.skipped_gas = self.skipped_gas or self.watch.gas_differs
        return self.watch.gas_differs

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _done(self, act: Callable[[], Result], made: Bundle | None = None) -> Result:
        try:
            done = act()
        except Invalid as error:  # no block may hold it: for a test that is a failure like others
            done = Result(error.code, None, error.detail, 0, 0, (), (), self.chain.height, b"")
        self.last = done
        self.gas += done.gas
        self._looked(done.prints)
        return done

    def _looked(self, prints: Any) -> None:
        self.prints += [" ".join(str(one) for one in line) for line in prints]
        self.watch.looked(self.chain)

    def _result(self, done: Result, made: Bundle | None) -> dict[str, Value]:
        found: dict[str, Value] = {
            "code": done.code,
            "text": made.explained(done.text) if made else done.text,
            "gas": done.gas,
            "deposit": done.deposit,
            "height": done.height,
            "events": self._ask_events(),
        }
        if done.value is not None:
            found["value"] = done.value
        return found
