"""Requests to a node and their answers, without connections: what both clients share."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from chaosnet.base.errors import ChaosError, Invalid, Refused, Unavailable
from chaosnet.base.limits import BATCH_TXS_MAX
from chaosnet.rpc import schema
from chaosnet.rpc.sse import Parser

RESPONSE_BYTES_MAX: Final = 64 * 1024 * 1024
"""A longer answer is refused while it is read."""
VALIDATORS_LIMIT: Final = 200
"""Validators of a page unless told otherwise."""
PAUSE_MS_MAX: Final = 10_000
"""Longest pause before a broken stream is tried again."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request."""

    path: str
    result: type[T]
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    statuses: tuple[int, ...] = (200,)
    is_text: bool = False

    @property
    def method(self) -> str:
        """A request with a body is a POST."""
        return "GET" if self.body is None else "POST"

    @property
    def headers(self) -> dict[str, str]:
        """Headers of this request."""
        return {} if self.body is None else {"content-type": "application/json"}


def answer_of(call: Call[T], status: int, headers: Mapping[str, str], data: bytes) -> T:
    """Return the answer; raises the ChaosError that the node's problem document stands for."""
    if headers.get("content-type", "").startswith("application/problem+json"):
        raise error_of(status, headers, data)
    if status not in call.statuses:
        raise Unavailable("connection", f"no answer of a node: HTTP status {status}")
    try:
        if call.is_text:
            data = msgspec.json.encode(data.decode())
        return msgspec.json.decode(data, type=call.result)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Invalid("malformed", f"answer to {call.path}: {error}") from error


def error_of(status: int, headers: Mapping[str, str], data: bytes) -> ChaosError:
    """Return the error a problem document stands for: its class follows from the status."""
    try:
        problem = msgspec.json.decode(data, type=schema.Problem)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return Unavailable("connection", f"unreadable problem document, HTTP status {status}")
    if status in (401, 403, 409):
        return Refused(problem.code, problem.detail)
    if status == 429 or status >= 500:
        seconds = headers.get("retry-after", "")
        is_number = seconds.isascii() and seconds.isdigit() and len(seconds) < 6
        return Unavailable(problem.code, problem.detail, int(seconds) * 1000 if is_number else 1000)
    return Invalid(problem.code, problem.detail)


# ── requests ─────────────────────────────────────────────────────────────────────────────────────────────


def read(path: str, result: type[T], **query: Any) -> Call[T]:
    """Return a GET; arguments that are None are left out, `from_` is called `from`."""
    given = {name.rstrip("_"): str(value) for name, value in query.items() if value is not None}
    return Call(path, result, given)


def part(text: str) -> str:
    """Return a text as one part of a path."""
    return quote(text, safe="") or "%20"


def status() -> Call[schema.Status]:
    """Return everything a dashboard needs."""
    return read("/v1/status", schema.Status)


def health() -> Call[schema.Health]:
    """Return what is wrong, if anything."""
    return read("/v1/health", schema.Health)


def peers() -> Call[schema.PeerList]:
    """Return the node's connections."""
    return read("/v1/peers", schema.PeerList)


def params() -> Call[schema.Params]:
    """Return parameters, schedule and prices."""
    return read("/v1/params", schema.Params)


def genesis() -> Call[schema.GenesisDocument]:
    """Return the genesis document."""
    return read("/v1/genesis", schema.GenesisDocument)


def metrics() -> Call[str]:
    """Return the metrics as Prometheus text; operator and administration listeners only."""
    return Call("/metrics", str, is_text=True)


def ready() -> Call[schema.Health]:
    """Return the health as `/ready` judges it."""
    return Call("/ready", schema.Health, statuses=(200, 503))


def openapi() -> Call[dict[str, object]]:
    """Return the description of the interface."""
    return read("/openapi.json", dict[str, object])


def blocks(first: int | None = None, limit: int = 20) -> Call[schema.BlockList]:
    """Return blocks from `first` (the head if None) downwards."""
    return read("/v1/blocks", schema.BlockList, from_=first, limit=limit)


def block(name: int | str) -> Call[schema.Block]:
    """Return a block by height, id, `head` or `final`."""
    return read(f"/v1/blocks/{part(str(name))}", schema.Block)


def block_transactions(name: int | str, position: int = 0, limit: int = 20) -> Call[schema.TransactionList]:
    """Return transactions of a block from a position on."""
    path = f"/v1/blocks/{part(str(name))}/transactions"
    return read(path, schema.TransactionList, from_=position, limit=limit)


def transaction(tx_id: str) -> Call[schema.Transaction]:
    """Return a transaction by its id in hex; raises Invalid(`not_found`)."""
    return read(f"/v1/transactions/{part(tx_id)}", schema.Transaction)


def account(address: str) -> Call[schema.Account]:
    """Return an account; `exists` is false for one that never was."""
    return read(f"/v1/accounts/{part(address)}", schema.Account)


def account_transactions(
    address: str, cursor: str | None = None, limit: int = 20
) -> Call[schema.TransactionList]:
    """Return an account's transactions, newest first; `cursor`: `next` of the page before."""
    path = f"/v1/accounts/{part(address)}/transactions"
    return read(path, schema.TransactionList, cursor=cursor, limit=limit)


def account_proof(
    address: str, height: int | None = None, trusted_height: int = 0
) -> Call[schema.AccountProof]:
    """Return a proof to be checked with `chaosnet.rpc.lightclient`."""
    path = f"/v1/accounts/{part(address)}/proof"
    return read(path, schema.AccountProof, height=height, trusted_height=trusted_height)


def search(text: str) -> Call[schema.SearchResult]:
    """Return what a text is."""
    return read("/v1/search", schema.SearchResult, q=text)


def evidence() -> Call[schema.EvidenceList]:
    """Return proofs of double signatures."""
    return read("/v1/evidence", schema.EvidenceList)


def validators(first: int = 0, limit: int = VALIDATORS_LIMIT) -> Call[schema.ValidatorList]:
    """Return validators and candidates from a position on; `next` says where to go on."""
    return read("/v1/validators", schema.ValidatorList, from_=first, limit=limit)


def tree() -> Call[schema.Tree]:
    """Return the blocks that may still be undone, and the last reorganisations."""
    return read("/v1/tree", schema.Tree)


def delegations(address: str) -> Call[schema.DelegationList]:
    """Return an account's coins that are bonded or on their way out."""
    return read(f"/v1/delegations/{part(address)}", schema.DelegationList)


def submit(raw: bytes) -> Call[schema.Verdict]:
    """Return the submission of one transaction."""
    body = msgspec.json.encode(schema.SubmitRequest(raw=raw.hex()))
    return Call("/v1/transactions", schema.Verdict, body=body, statuses=(202,))


def submit_batch(raws: Sequence[bytes]) -> Call[schema.BatchResult]:
    """Return the submission of at most 1,000; raises Invalid(`too_large`) for more."""
    if len(raws) > BATCH_TXS_MAX:
        raise Invalid("too_large", f"{len(raws)} transactions, at most {BATCH_TXS_MAX}")
    body = msgspec.json.encode(schema.BatchRequest(raws=[raw.hex() for raw in raws]))
    return Call("/v1/transactions:batch", schema.BatchResult, body=body)


def simulate(raw: bytes) -> Call[schema.Simulation]:
    """Return a dry run."""
    body = msgspec.json.encode(schema.SubmitRequest(raw=raw.hex()))
    return Call("/v1/transactions:simulate", schema.Simulation, body=body)


# ── the stream ───────────────────────────────────────────────────────────────────────────────────────────

_KINDS: Final = frozenset(str(k.__struct_config__.tag) for k in schema.StreamEvent.__args__)
_event_decoder = msgspec.json.Decoder(schema.StreamEvent)


class StreamReader:
    """Where a reader of the event stream stands, over any number of connections."""

    def __init__(self, after: int | None, kinds: Collection[str]) -> None:
        self.after = after
        self.is_closed = False
        """The node said that it ends the stream."""
        self._kinds = ",".join(kinds)
        self._parser = Parser()
        self._retry_ms = 1_000
        self._failures = 0

    def connect(self) -> Call[str]:
        """Return the request for what comes next."""
        self._parser = Parser()
        self.is_closed = False
        return read("/v1/stream", str, after=self.after, kinds=self._kinds or None)

    def feed(self, chunk: bytes) -> list[tuple[int, schema.StreamEvent]]:
        """Return the events completed by these bytes, each with its id; raises Invalid(`malformed`)."""
        self._failures = 0
        found: list[tuple[int, schema.StreamEvent]] = []
        for event in self._parser.feed(chunk):
            if event.name not in _KINDS:
                continue  # of a newer node
            try:
                decoded = _event_decoder.decode(event.data)
                event_id = int(event.id)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                raise Invalid("malformed", f"event {event.name}: {error}") from error
            if isinstance(decoded, schema.ClosedEvent):
                self.is_closed = True
            else:
                found.append((event_id, decoded))
        last = self._parser.last_id
        if last.isascii() and last.isdigit() and len(last) < 19:
            self.after = int(last)
        self._retry_ms = self._parser.retry_ms or self._retry_ms
        return found

    def pause_ms(self, error: ChaosError | None) -> int:
        """Return how long to wait before connecting again; raises `error` when that would not help."""
        if error is not None and not isinstance(error, Unavailable):
            raise error
        least = error.retry_after_ms if isinstance(error, Unavailable) and error.code != "connection" else 0
        pause_ms = self._retry_ms << min(self._failures, 10)
        self._failures += 1
        return min(max(least, pause_ms), PAUSE_MS_MAX)


# ── waiting for a transaction ────────────────────────────────────────────────────────────────────────────


class Wait:
    """How long to wait between looks at a transaction: short at first, never past the end."""

    def __init__(self, timeout_ms: int) -> None:
        self._end_s = time.monotonic() + timeout_ms / 1000
        self._step_s = 0.02

    def next_s(self) -> float:
        """Return the next pause in seconds; raises Unavailable(`timeout`) when the time is over."""
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise Unavailable("timeout", "the transaction is in no block yet")
        pause_s = min(self._step_s, left_s)
        self._step_s = min(self._step_s * 1.5, 0.5)
        return pause_s


def is_settled(transaction: schema.Transaction) -> bool:
    """Return whether a transaction is in a block."""
    return transaction.status in ("included", "final")
