"""The client for an event loop."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from chaosnet.base.errors import ChaosError, Invalid
from chaosnet.rpc import schema
from chaosnet.rpc.client import calls
from chaosnet.rpc.client.calls import (
    RESPONSE_BYTES_MAX,
    Call,
    StreamReader,
    Wait,
    answer_of,
    error_of,
    is_settled,
)
from chaosnet.rpc.client.connection import (
    STREAM_SILENCE_MS,
    TIMEOUT_MS,
    WAIT_MS,
    check_socket,
    failure_of,
    options_of,
    socket_of,
    timeout_of,
)
from chaosnet.rpc.client.contract_asynchronous import AsyncContractReads

T = TypeVar("T")


class AsyncClient(AsyncContractReads):
    """A node, asked from an event loop; otherwise the same as `Client`."""

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        timeout_ms: int = TIMEOUT_MS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url
        self._socket = socket_of(base_url)
        self._http = httpx.AsyncClient(
            **options_of(base_url, token, timeout_ms),
            transport=transport or httpx.AsyncHTTPTransport(uds=self._socket),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    # ── the node

    async def status(self) -> schema.Status:
        """Return everything a dashboard needs."""
        return await self._do(calls.status())

    async def health(self) -> schema.Health:
        """Return what is wrong, if anything."""
        return await self._do(calls.health())

    async def peers(self) -> schema.PeerList:
        """Return the node's connections."""
        return await self._do(calls.peers())

    async def params(self) -> schema.Params:
        """Return parameters, schedule and prices."""
        return await self._do(calls.params())

    async def genesis(self) -> schema.GenesisDocument:
        """Return the genesis document."""
        return await self._do(calls.genesis())

    async def metrics(self) -> str:
        """Return the metrics as Prometheus text; operator and administration listeners only."""
        return await self._do(calls.metrics())

    async def ready(self) -> schema.Health:
        """Return the health as `/ready` judges it; `code` and `reason` say what is wrong."""
        return await self._do(calls.ready())

    async def openapi(self) -> dict[str, object]:
        """Return the description of the interface."""
        return await self._do(calls.openapi())

    # ── the chain

    async def blocks(self, first: int | None = None, limit: int = 20) -> schema.BlockList:
        """Return blocks from `first` (the head if None) downwards."""
        return await self._do(calls.blocks(first, limit))

    async def block(self, name: int | str) -> schema.Block:
        """Return a block by height, id, `head` or `final`."""
        return await self._do(calls.block(name))

    async def block_transactions(
        self, name: int | str, position: int = 0, limit: int = 20
    ) -> schema.TransactionList:
        """Return transactions of a block from a position on."""
        return await self._do(calls.block_transactions(name, position, limit))

    async def transaction(self, tx_id: str) -> schema.Transaction:
        """Return a transaction by its id in hex; raises Invalid(`not_found`)."""
        return await self._do(calls.transaction(tx_id))

    async def account(self, address: str) -> schema.Account:
        """Return an account; `exists` is false for one that never was."""
        return await self._do(calls.account(address))

    async def account_transactions(
        self, address: str, cursor: str | None = None, limit: int = 20
    ) -> schema.TransactionList:
        """Return an account's transactions, newest first; `cursor`: `next` of the page before."""
        return await self._do(calls.account_transactions(address, cursor, limit))

    async def account_proof(
        self, address: str, height: int | None = None, trusted_height: int = 0
    ) -> schema.AccountProof:
        """Return a proof to be checked with `chaosnet.rpc.lightclient`."""
        return await self._do(calls.account_proof(address, height, trusted_height))

    async def search(self, text: str) -> schema.SearchResult:
        """Return what a text is."""
        return await self._do(calls.search(text))

    async def evidence(self) -> schema.EvidenceList:
        """Return proofs of double signatures."""
        return await self._do(calls.evidence())

    # ── validators and branches

    async def validators(self, first: int = 0, limit: int = calls.VALIDATORS_LIMIT) -> schema.ValidatorList:
        """Return validators and candidates from a position on; `next` says where to go on."""
        return await self._do(calls.validators(first, limit))

    async def tree(self) -> schema.Tree:
        """Return the blocks that may still be undone, and the last reorganisations."""
        return await self._do(calls.tree())

    async def delegations(self, address: str) -> schema.DelegationList:
        """Return an account's coins that are bonded or on their way out."""
        return await self._do(calls.delegations(address))

    # ── submission

    async def submit(self, raw: bytes) -> schema.Verdict:
        """Submit one transaction; raises the reason when it is refused."""
        return await self._do(calls.submit(raw))

    async def submit_batch(self, raws: Sequence[bytes]) -> list[schema.Verdict]:
        """Submit up to 1,000 transactions; return a verdict for each, in order."""
        return (await self._do(calls.submit_batch(raws))).verdicts

    async def simulate(self, raw: bytes) -> schema.Simulation:
        """Run a transaction on the present state without submitting it."""
        return await self._do(calls.simulate(raw))

    async def wait_for_transaction(self, tx_id: str, timeout_ms: int = WAIT_MS) -> schema.Transaction:
        """Return a transaction as soon as it is in a block; raises Unavailable(`timeout`)."""
        wait = Wait(timeout_ms)
        while True:
            try:
                if is_settled(found := await self.transaction(tx_id)):
                    return found
            except Invalid as error:
                if error.code != "not_found":
                    raise
            await asyncio.sleep(wait.next_s())

    # ── the stream

    async def stream(
        self, after: int | None = None, *, kinds: Collection[str] = (), resume: bool = True
    ) -> AsyncIterator[tuple[int, schema.StreamEvent]]:
        """Yield (event id, event) after an event or from now on; `kinds`: only these (empty: all).

        With `resume` a broken stream is taken up again where it ended, for as long as it takes; without, it
        ends with the connection. A ResetEvent says that events are missing.
        """
        reader = StreamReader(after, kinds)
        while True:
            failure: ChaosError | None = None
            try:
                async with self._open(reader.connect(), STREAM_SILENCE_MS) as response:
                    if response.status_code != 200:
                        raise error_of(response.status_code, response.headers, await response.aread())
                    async for chunk in response.aiter_bytes():
                        for item in reader.feed(chunk):
                            yield item
            except ChaosError as error:
                failure = error
            if not resume:
                if failure is not None:
                    raise failure
                return
            await asyncio.sleep(reader.pause_ms(failure) / 1000)

    async def _do(self, call: Call[T]) -> T:
        data = bytearray()
        async with self._open(call) as response:
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > RESPONSE_BYTES_MAX:
                    raise Invalid("too_large", f"answer to {call.path}")
        return answer_of(call, response.status_code, response.headers, bytes(data))

    @asynccontextmanager
    async def _open(self, call: Call[Any], silence_ms: int | None = None) -> AsyncIterator[httpx.Response]:
        check_socket(self._socket)
        try:
            request = self._http.build_request(
                call.method, call.path, params=call.query, content=call.body, headers=call.headers
            )
            if silence_ms is not None:
                request.extensions["timeout"] = timeout_of(silence_ms).as_dict()
            response = await self._http.send(request, stream=True)
            try:
                yield response
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise failure_of(error) from error
