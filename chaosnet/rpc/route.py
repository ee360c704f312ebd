"""What a route of the interface is."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from chaosnet.base.limits import REQUEST_BYTES_MAX
from chaosnet.rpc import arguments as args
from chaosnet.rpc import schema
from chaosnet.rpc.handlers import ADMIN, JSON, OPERATOR, PUBLIC, Asked

EVERYWHERE: Final = (PUBLIC, OPERATOR, ADMIN)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    """Operation id."""
    method: str
    path: str
    call: Callable[[Asked[Any]], Awaitable[object]]
    """Returns a result to encode, or a whole response; its docstring is the summary."""
    result: Any
    """Type of the answer."""
    arguments: type[args.Arguments] = args.Arguments
    body: type[schema.Shape] | None = None
    body_bytes_max: int = REQUEST_BYTES_MAX
    status: int = 200
    media: str = JSON
    problems: tuple[str, ...] = ()
    """Codes it may answer with besides those that every route has."""
    listeners: tuple[str, ...] = EVERYWHERE
    statuses: tuple[int, ...] = ()
    """Further statuses with the same type of answer."""
    is_submit: bool = False
    """Open only where the listener accepts transactions."""
