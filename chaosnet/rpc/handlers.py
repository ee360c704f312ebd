"""What each route does with a checked request: asks the backend, and shapes the answer."""

from binascii import unhexlify
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chaosnet.base.errors import Invalid, InvalidTransaction
from chaosnet.base.limits import BATCH_TXS_MAX, TX_BYTES_MAX
from chaosnet.rpc import arguments as args
from chaosnet.rpc import schema
from chaosnet.rpc.backend import Backend
from chaosnet.rpc.stream import EventStream

PUBLIC: Final = "public"
OPERATOR: Final = "operator"
ADMIN: Final = "admin"

JSON: Final = "application/json"
METRICS_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"

G = TypeVar("G")


@dataclass(frozen=True, slots=True)
class Asked(Generic[G]):
    """One request, its arguments or body checked."""

    backend: Backend
    listener: str
    request: Request
    given: G
    document: bytes
    """OpenAPI description of this listener, JSON."""


# ── the node ─────────────────────────────────────────────────────────────────────────────────────────────


async def status(asked: Asked[args.Arguments]) -> schema.Status:
    """Everything a dashboard needs of the node."""
    return asked.backend.status()


async def health(asked: Asked[args.Arguments]) -> schema.Health:
    """Health of the node: always 200, see the fields."""
    return asked.backend.health()


async def is_alive(asked: Asked[args.Arguments]) -> Response:
    """Whether the node lives: 200 also while it starts, syncs or is untrusted, 503 when it is halted."""
    health = asked.backend.health()
    is_well = health.is_healthy or health.code == "untrusted"
    return _health_response(health, is_good=is_well or health.phase in ("starting", "syncing"))


async def is_ready(asked: Asked[args.Arguments]) -> Response:
    """Whether the node can serve: 200 only when it runs and nothing is wrong, else 503."""
    health = asked.backend.health()
    return _health_response(health, is_good=health.is_healthy and health.phase == "running")


def _health_response(health: schema.Health, *, is_good: bool) -> Response:
    return Response(msgspec.json.encode(health), 200 if is_good else 503, media_type=JSON)


async def metrics(asked: Asked[args.Arguments]) -> Response:
    """Metrics in the Prometheus text format."""
    return Response(asked.backend.metrics(), headers={"content-type": METRICS_TEXT})


async def openapi(asked: Asked[args.Arguments]) -> Response:
    """Description of the interface (OpenAPI 3.1)."""
    return Response(asked.document, media_type=JSON)


async def peers(asked: Asked[args.Arguments]) -> schema.PeerList:
    """Connections of the node; with addresses on the operator listener only."""
    return asked.backend.peers(with_addresses=asked.listener != PUBLIC)


async def params(asked: Asked[args.Arguments]) -> schema.Params:
    """On-chain parameters, schedule of engines and prices."""
    return asked.backend.params()


async def genesis(asked: Asked[args.Arguments]) -> schema.GenesisDocument:
    """Genesis document and its hash."""
    return asked.backend.genesis()


# ── the chain ────────────────────────────────────────────────────────────────────────────────────────────


async def blocks(asked: Asked[args.BlocksArguments]) -> schema.BlockList:
    """Blocks, newest first."""
    return await asked.backend.blocks(asked.given.first, asked.given.limit)


async def block(asked: Asked[args.BlockArguments]) -> schema.Block:
    """One block with its first transactions."""
    return await asked.backend.block(asked.given.name)


async def block_transactions(asked: Asked[args.BlockTransactionsArguments]) -> schema.TransactionList:
    """Transactions of a block, in order."""
    given = asked.given
    return await asked.backend.block_transactions(given.name, given.position, given.limit)


async def transaction(asked: Asked[args.TransactionArguments]) -> schema.Transaction:
    """One transaction, pending or in a block."""
    return await asked.backend.transaction(asked.given.id)


async def account(asked: Asked[args.AccountArguments]) -> schema.Account:
    """One account at the head; `exists` is false for one that never was."""
    return asked.backend.account(asked.given.address)


async def account_transactions(asked: Asked[args.AccountTransactionsArguments]) -> schema.TransactionList:
    """Transactions of an account, newest first."""
    given = asked.given
    return await asked.backend.account_transactions(given.address, given.cursor, given.limit)


async def account_proof(asked: Asked[args.AccountProofArguments]) -> schema.AccountProof:
    """Self-contained proof of an account, present or absent."""
    given = asked.given
    return asked.backend.account_proof(given.address, given.height, given.trusted_height)


async def search(asked: Asked[args.SearchArguments]) -> schema.SearchResult:
    """What a text is: block, transaction or account."""
    return await asked.backend.search(asked.given.q)


async def evidence(asked: Asked[args.Arguments]) -> schema.EvidenceList:
    """Double signatures that this node holds proof of or the chain records."""
    return asked.backend.evidence()


async def validators(asked: Asked[args.ValidatorsArguments]) -> schema.ValidatorList:
    """Validators by weight, then those who stand for election by bond."""
    return asked.backend.validators(asked.given.position, asked.given.limit)


async def tree(asked: Asked[args.Arguments]) -> schema.Tree:
    """Blocks that may still be undone, with all branches, and the last reorganisations."""
    return asked.backend.tree()


async def delegations(asked: Asked[args.AccountArguments]) -> schema.DelegationList:
    """Coins of an account that are bonded to candidates or on their way out."""
    return asked.backend.delegations(asked.given.address)


# ── submission ───────────────────────────────────────────────────────────────────────────────────────────


async def submit(asked: Asked[schema.SubmitRequest]) -> schema.Verdict:
    """Submit one transaction; a refusal is a problem with its code."""
    verdict = (await asked.backend.submit([_raw_of(asked.given.raw)]))[0]
    if verdict.code != "ok":
        raise InvalidTransaction(verdict.code, verdict.detail)
    return verdict


async def submit_batch(asked: Asked[schema.BatchRequest]) -> schema.BatchResult:
    """Submit up to 1,000 transactions; each has its own verdict, in order."""
    texts = asked.given.raws
    if len(texts) > BATCH_TXS_MAX:
        raise Invalid("too_large", f"{len(texts)} transactions, at most {BATCH_TXS_MAX}")
    verdicts: list[schema.Verdict | None] = []
    raws = []
    for text in texts:
        try:
            raws.append(_raw_of(text))
            verdicts.append(None)
        except Invalid as error:
            verdicts.append(schema.Verdict(id="", code=error.code, detail=error.detail))
    judged = iter(await asked.backend.submit(raws) if raws else ())
    return schema.BatchResult(verdicts=[verdict or next(judged) for verdict in verdicts])


async def simulate(asked: Asked[schema.SubmitRequest]) -> schema.Simulation:
    """Run a transaction on the present state without submitting it."""
    return await asked.backend.simulate(_raw_of(asked.given.raw))


def _raw_of(text: str) -> bytes:
    if len(text) > 2 * TX_BYTES_MAX:
        raise Invalid("too_large", f"over {TX_BYTES_MAX} bytes")
    try:
        return unhexlify(text)
    except ValueError as error:
        raise Invalid("malformed", "raw transaction is not hex") from error


# ── the stream ───────────────────────────────────────────────────────────────────────────────────────────


async def stream(asked: Asked[args.StreamArguments]) -> Response:
    """Events as they happen (server-sent events); resume with `Last-Event-ID`."""
    request = asked.request
    if request.method == "HEAD":
        return Response(media_type=EventStream.media_type)
    after = asked.given.after
    last = request.headers.get("last-event-id", "")
    if last.isascii() and last.isdigit() and len(last) < 19:
        after = int(last)
    ip = request.client.host if request.client else ""
    kinds = asked.given.kinds.split(",") if asked.given.kinds else ()
    return EventStream(asked.backend.subscribe(after, ip=ip, kinds=kinds))
