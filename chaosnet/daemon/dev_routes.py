"""What a developer's node answers beyond the interface of nodes: snapshots, time, and acting for anybody.

Only for programs on this computer: requests of web pages, and to other names, are refused.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import field
from starlette.types import ASGIApp

from chaosnet.base.errors import Invalid, Refused
from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.contracts import values
from chaosnet.contracts.faults import GuestFault
from chaosnet.crypto.addresses import parse_address
from chaosnet.daemon.dev_node import DevNode
from chaosnet.devchain.chain import DEPOSIT_MAX
from chaosnet.ledger.contracts.names import asset_of_text
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.contract_actions import COS, Call
from chaosnet.model.genesis_make import ADDRESS_PREFIX
from chaosnet.model.transaction import Action, Transfer
from chaosnet.rpc.app import LOOPBACK_HOSTS, ErrorHook, Listener, pages_of
from chaosnet.rpc.handlers import PUBLIC, Asked
from chaosnet.rpc.route import Route
from chaosnet.rpc.schema.node import Shape
from chaosnet.rpc.schema.values import from_json


class Nothing(Shape):
    """No fields."""


class Snapshot(Shape):
    """A remembered moment."""

    number: int
    height: int


class Revert(Shape):
    """Which moment to go back to."""

    number: int


class Advance(Shape):
    """How far time goes on."""

    blocks: int = 1
    seconds: int = 0


class Impersonate(Shape):
    """A transfer or a call in the name of any account; contracts send no transactions."""

    sender: str
    to: str = ""
    amount: str = "0"
    """Motes."""
    contract: str = ""
    method: str = ""
    args: list[Any] = field(default_factory=list)
    """Values in JSON form."""
    sent: dict[str, str] = field(default_factory=dict)
    """Asset -> amount."""


class Fund(Shape):
    """Whom to send motes out of nothing that matters."""

    address: str
    amount: str


class Done(Shape):
    """Where the chain stands now."""

    height: int
    time_ms: int
    tx: str = ""
    """Id of the transaction, if there was one."""


def dev_app(node: DevNode, *, on_error: ErrorHook) -> ASGIApp:
    """Return the interface of a node, with the routes of developers."""
    listener = Listener(node.backend, PUBLIC, may_submit=True, on_error=on_error)
    return listener.app(middleware=[pages_of(("*",))], more=_routes(node))


def _routes(node: DevNode) -> list[Route]:
    async def snapshot(asked: Asked[Nothing]) -> Snapshot:
        """Remember this moment of the chain."""
        _check_local(asked)
        return Snapshot(number=node.snapshot(), height=node.node.head.header.height)

    async def revert(asked: Asked[Revert]) -> Done:
        """Go back to a remembered moment; later ones are forgotten."""
        _check_local(asked)
        node.revert(asked.given.number)
        return _done(node)

    async def advance(asked: Asked[Advance]) -> Done:
        """Let time pass and make empty blocks."""
        _check_local(asked)
        node.advance(asked.given.blocks, asked.given.seconds)
        return _done(node)

    async def impersonate(asked: Asked[Impersonate]) -> Done:
        """Make a block with a transaction in anybody's name, without a key."""
        _check_local(asked)
        return _done(node, node.act_as(asked.given.sender, [_action(node, asked.given)]))

    async def fund(asked: Asked[Fund]) -> Done:
        """Send motes from the last of the known accounts."""
        _check_local(asked)
        to = parse_address(ADDRESS_PREFIX, asked.given.address)
        giver = list(node.accounts.values())[-1].text
        return _done(node, node.act_as(giver, [Transfer(to, _amount(asked.given.amount))]))

    bodies: tuple[tuple[Any, type[Shape], type[Shape]], ...] = (
        (snapshot, Nothing, Snapshot),
        (revert, Revert, Done),
        (advance, Advance, Done),
        (impersonate, Impersonate, Done),
        (fund, Fund, Done),
    )
    return [
        Route(
            name=f"dev_{call.__name__}",
            method="POST",
            path=f"/dev/{call.__name__}",
            call=call,
            body=body,
            result=result,
            listeners=(PUBLIC,),
            problems=("bad_origin", "malformed"),
        )
        for call, body, result in bodies
    ]


def _check_local(asked: Asked[Any]) -> None:
    headers: Mapping[str, str] = asked.request.headers
    host = headers.get("host", "")
    name, colon, port = host.rpartition(":")
    if "origin" in headers or (name if colon and port.isdigit() else host).lower() not in LOOPBACK_HOSTS:
        raise Refused("bad_origin")


def _done(node: DevNode, tx_id: bytes = b"") -> Done:
    header = node.node.head.header
    return Done(height=header.height, time_ms=header.time_ms, tx=tx_id.hex())


def _action(node: DevNode, given: Impersonate) -> Action:
    if bool(given.to) == bool(given.contract):
        raise Invalid("bad_argument", "either `to` and `amount`, or `contract`, `method` and `args`")
    if given.to:
        return Transfer(parse_address(ADDRESS_PREFIX, given.to), _amount(given.amount))
    try:
        sent = tuple(sorted((asset_of_text(name), _amount(text)) for name, text in given.sent.items()))
    except GuestFault as fault:
        raise Invalid("bad_argument", str(fault)) from fault
    address = parse_address(ADDRESS_PREFIX, given.sender)
    free = Overlay(node.node.head.state).account(address).balance - dict(sent).get(COS, 0)
    args: Any = from_json(given.args)
    return Call(
        parse_address(ADDRESS_PREFIX, given.contract),
        given.method,
        values.encode(args),
        sent,
        max(0, min(free, DEPOSIT_MAX)),
    )


def _amount(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= AMOUNT_MAX):
        raise Invalid("bad_argument", "amounts are motes, as text of digits")
    return int(text)
