"""How a node is reached: URL, token, time-outs, and what a failed connection means."""

from pathlib import Path
from typing import Any, Final

import httpx

from chaosnet.base.errors import ChaosError, Invalid, Unavailable
from chaosnet.base.limits import STREAM_HEARTBEAT_MS

CONNECT_MS_MAX: Final = 5_000
STREAM_SILENCE_MS: Final = 3 * STREAM_HEARTBEAT_MS
"""A stream without even a heartbeat for so long is broken."""
TIMEOUT_MS: Final = 10_000
"""How long to wait for an answer unless told otherwise."""
WAIT_MS: Final = 30_000
"""How long to wait for a transaction unless told otherwise."""


def socket_of(base_url: str) -> str | None:
    """Return the path of a Unix socket, None for HTTP; raises Invalid(`bad_argument`) for anything else."""
    scheme, _, rest = base_url.partition("://")
    if scheme not in ("http", "https", "unix") or not rest:
        raise Invalid("bad_argument", f"not the URL of a node: {base_url}")
    return rest if scheme == "unix" else None


def check_socket(path: str | None) -> None:
    """Raise Unavailable(`connection`) when there is no such Unix socket; httpx would leave one open."""
    if path is not None and not Path(path).exists():
        raise Unavailable("connection", f"no socket {path}: the node does not run")


def options_of(base_url: str, token: str | None, timeout_ms: int) -> dict[str, Any]:
    """Return what both kinds of httpx clients are made with. Proxies of the environment are not used."""
    headers = {"accept-encoding": "identity"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return {
        "base_url": base_url if socket_of(base_url) is None else "http://localhost",
        "timeout": timeout_of(timeout_ms),
        "headers": headers,
        "trust_env": False,
    }


def timeout_of(read_ms: int) -> httpx.Timeout:
    """Return the time-outs for a connection on which nothing may come for so long."""
    return httpx.Timeout(read_ms / 1000, connect=min(read_ms, CONNECT_MS_MAX) / 1000)


def failure_of(error: Exception) -> ChaosError:
    """Return what a failed connection is here: Unavailable(`timeout` | `connection`) or a bad URL."""
    if isinstance(error, httpx.TimeoutException):
        return Unavailable("timeout", str(error))
    if isinstance(error, httpx.InvalidURL):
        return Invalid("bad_argument", str(error))
    return Unavailable("connection", str(error))
