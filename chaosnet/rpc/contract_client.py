"""Contracts called from programs: the base of the clients that `chaosnet contract codegen` makes.

A question costs nothing. A call is tried on the node, gets limits a quarter above what it took there, is
signed with one key, sent and waited for; what fails is raised with the code of the receipt.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from msgspec.structs import replace

from chaosnet.base.errors import Refused
from chaosnet.contracts import values
from chaosnet.contracts.values import Value
from chaosnet.crypto.addresses import format_address, parse_address
from chaosnet.crypto.signing import public_key_of
from chaosnet.ledger.contracts.names import asset_of_text
from chaosnet.model import build
from chaosnet.model.build import EXPIRY_BLOCKS
from chaosnet.model.contract_actions import COS, Call, Deploy
from chaosnet.model.policy import address_of, single_key
from chaosnet.model.transaction import TxBody
from chaosnet.rpc import schema
from chaosnet.rpc.client import Client
from chaosnet.rpc.schema.values import from_json, to_json

T = TypeVar("T")

DRY_RUN_GAS: Final = 20_000_000
"""What nodes allow for a dry run unless they are told otherwise."""
MARGIN: Final = 4
"""One part in so many is added to gas and deposit of a dry run: the state may change before the block."""
WAIT_MS: Final = 60_000

_BOUND: Final = re.compile(r"\bat most ([0-9]{1,15}) for a dry run\b")


@dataclass(frozen=True, slots=True)
class Options:
    """What goes along with a call."""

    sent: Mapping[str, int] = field(default_factory=dict)
    """`COS`, or the id of a token -> amount in its smallest units."""
    gas_limit: int | None = None
    """None: what the dry run took, and a quarter."""
    deposit_max: int | None = None
    """Motes; None: as the gas."""
    timeout_ms: int = WAIT_MS


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """A call that is on the chain."""

    value: T
    events: list[schema.ContractEvent]
    gas: int
    fee: int
    """Motes."""
    height: int
    tx_id: str


NOTHING: Final = Options()


class ContractClient:
    """One contract, asked and called with one key. Raises ChaosError with the code of what failed."""

    CONTRACT: str = ""
    """Address of the contract that the client was made for."""

    def __init__(self, client: Client, seed: bytes | None = None, contract: str = "") -> None:
        """`seed`: private key (32 bytes) of the account that calls; None: only questions."""
        self._client = client
        self._seed = seed
        self._contract = contract or self.CONTRACT

    @property
    def contract_address(self) -> str:
        """Return the contract's address."""
        return self._contract

    def contract_events(
        self, name: str | None = None, cursor: str | None = None, limit: int = 20
    ) -> schema.EventList:
        """Return what the contract said, newest first."""
        return self._client.events(self._contract, name, cursor, limit)

    def _ask(self, method: str, args: Sequence[Value]) -> Any:
        given = [to_json(value) for value in _trimmed(args)]
        answer = self._client.query(self._contract, schema.Query(method=method, args=given))
        if answer.code != "ok":
            raise Refused(answer.code, answer.text)
        return from_json(answer.value)

    def _do(self, method: str, args: Sequence[Value], options: Options) -> Done[Any]:
        if self._seed is None:
            raise Refused("key_locked", "this client has no key: it only asks")
        prefix = self._client.status().address_prefix
        sent = tuple(sorted((asset_of_text(name), amount) for name, amount in options.sent.items()))
        contract = parse_address(prefix, self._contract)
        action = Call(contract, method, values.encode(_trimmed(args)), sent, 0)
        return run_action(self._client, self._seed, action, options)


def run_action(client: Client, seed: bytes, action: Deploy | Call, options: Options = NOTHING) -> Done[Any]:
    """Try, sign, send and wait; the value of a deployment is the contract's address."""
    body = _body(client, seed, action, options)
    policy = single_key(public_key_of(seed))
    verdict = client.submit(build.sign_body(body, policy, (seed,)))
    found = client.wait_for_transaction(verdict.id, options.timeout_ms)
    if found.code != "ok":
        raise Refused(found.code or "internal", found.text)
    return Done(
        value=from_json(found.returns[-1]) if found.returns else None,
        events=found.events,
        gas=found.gas or 0,
        fee=int(found.fee or 0),
        height=found.height or 0,
        tx_id=found.id,
    )


def _body(client: Client, seed: bytes, action: Deploy | Call, options: Options) -> TxBody:
    """Return a body with limits that suffice on the node's present state."""
    policy = single_key(public_key_of(seed))
    sender = address_of(policy)
    status, params = client.status(), client.params().params
    account = client.account(format_address(status.address_prefix, sender))
    genesis_hash = bytes.fromhex(status.genesis)
    price = params.get("gas_price_min", 1)
    sent = action.sent if isinstance(action, Deploy) else dict(action.sent).get(COS, 0)
    free = max(0, int(account.balance) - sent)
    most = options.gas_limit or min(params["block_gas_max"], DRY_RUN_GAS)
    if price and options.gas_limit is None:
        most = min(most, free // 2 // price)
    if most < 1:
        raise Refused("not_enough", f"{account.address} has {account.balance} motes")
    deposit = max(0, free - most * price) if options.deposit_max is None else options.deposit_max
    body = TxBody(
        genesis=genesis_hash,
        sender=sender,
        nonce=account.nonce,  # tried as if nothing waited before it
        anchor_height=status.height,
        anchor_prefix=bytes.fromhex(status.tip)[:8] if status.height else genesis_hash[:8],
        expiry=status.height + EXPIRY_BLOCKS,
        gas_limit=most,
        gas_price=price,
        payer=None,
        memo="",
        actions=(replace(action, deposit_max=deposit),),
    )
    tried = client.simulate(build.placeholder(build.unsigned(body, policy)))
    bound = dry_run_bound(tried)
    if bound is not None and options.gas_limit is None and bound < body.gas_limit:
        body = replace(body, gas_limit=bound)
        tried = client.simulate(build.placeholder(build.unsigned(body, policy)))
    if tried.code != "ok":
        raise Refused(tried.code, tried.detail)
    if options.deposit_max is None:
        deposit = min(deposit, with_margin(max(0, int(tried.deposit))))
    gas_limit = options.gas_limit or min(body.gas_limit, with_margin(tried.gas))
    final = replace(action, deposit_max=deposit)
    return replace(body, nonce=account.pending_nonce, gas_limit=gas_limit, actions=(final,))


def dry_run_bound(tried: schema.Simulation) -> int | None:
    """Return the most gas that the node's operator allows for a dry run, when that is what it refused."""
    found = _BOUND.search(tried.detail) if tried.code == "gas_limit" else None
    return None if found is None else int(found[1])


def with_margin(amount: int) -> int:
    """Return an amount of a dry run with room for a state that has changed."""
    return amount + amount // MARGIN


def _trimmed(args: Sequence[Value]) -> list[Value]:
    """Return arguments without those left out at the end."""
    found = list(args)
    while found and found[-1] is None:
        found.pop()
    return found
