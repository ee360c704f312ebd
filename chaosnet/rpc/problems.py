"""Failures as RFC 9457 problem documents: one stable code, one HTTP status each."""

from typing import Final

import msgspec
from starlette.responses import Response

from chaosnet.base.errors import CODES, Broken, ChaosError, Invalid, Refused, Unavailable
from chaosnet.rpc.schema import Problem

PROBLEM_JSON: Final = "application/problem+json"

STATUS_OF_CODE: Final[dict[str, int]] = {
    "malformed": 400,
    "bad_argument": 400,
    "bad_address": 400,
    "bad_token": 401,
    "submit_off": 403,
    "bad_origin": 403,
    "not_found": 404,
    "no_contract": 404,
    "no_token": 404,
    "bad_method": 405,
    "already_known": 409,
    "too_large": 413,
    "rate_limited": 429,
    "sender_full": 429,
    "internal": 500,
    "overloaded": 503,
    "mempool_full": 503,
    "not_ready": 503,
    "shutdown": 503,
    "timeout": 503,
}
"""Every other code has the status of its class of error."""

RETRY_AFTER_S: Final = 1


def status_of(error: ChaosError) -> int:
    """Return the HTTP status of an error."""
    known = STATUS_OF_CODE.get(error.code)
    if known is not None:
        return known
    match error:
        case Invalid():
            return 422
        case Refused():
            return 409
        case Unavailable():
            return 503
    return 500


def status_of_code(code: str) -> int:
    """Return the HTTP status of a code whose class of error is `Invalid`, such as that of a verdict."""
    return STATUS_OF_CODE.get(code, 422)


def problem_of(error: ChaosError) -> Response:
    """Return the response for an error; what a broken invariant says stays inside."""
    code, detail = ("internal", "") if isinstance(error, Broken) else (error.code, error.detail)
    retry_after_s = RETRY_AFTER_S
    if isinstance(error, Unavailable):
        retry_after_s = -(-error.retry_after_ms // 1000)
    return problem(code, detail, status=status_of(error), retry_after_s=retry_after_s)


def problem(
    code: str, detail: str = "", *, status: int | None = None, retry_after_s: int = RETRY_AFTER_S
) -> Response:
    """Return a problem document; 429 and 503 carry `Retry-After`."""
    status = status or status_of_code(code)
    document = Problem(
        type=f"urn:chaosnet:problem:{code}",
        title=CODES.get(code, code),
        status=status,
        code=code,
        detail=detail,
    )
    headers = {}
    if status in (429, 503):
        headers["retry-after"] = str(max(1, retry_after_s))
    if code in ("too_large", "timeout"):
        # Part of the body may be unread: nothing else can come on this connection.
        headers["connection"] = "close"
    return Response(msgspec.json.encode(document), status, headers, media_type=PROBLEM_JSON)
