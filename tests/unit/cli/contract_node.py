"""A node with contracts behind the commands of a test: the real backend over a real chain and engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from chaosnet.base.errors import ChaosError
from chaosnet.cli import asking
from chaosnet.crypto.signing import is_valid
from chaosnet.daemon.backend import Identity, NodeBackend
from chaosnet.daemon.config import RpcSection
from chaosnet.daemon.query_pool import QueryPool
from chaosnet.model.transaction import decode_transaction
from chaosnet.rpc.app import public_app
from chaosnet.rpc.client import Client
from chaosnet.rpc.stream import EventHub
from tests.machines import machine, new_machine, on_big_stack
from tests.real_chain import RealChain
from tests.unit.cli.conftest import ANNA, URL
from tests.unit.daemon.test_backend import Shell


class _Shell(Shell):
    """Every submitted transaction makes a block."""

    backend: NodeBackend

    async def submit(self, raws: tuple[bytes, ...]) -> tuple[tuple[bytes, str, str], ...]:
        return tuple(self._submit(raw) for raw in raws)

    def _submit(self, raw: bytes) -> tuple[bytes, str, str]:
        try:
            signed = decode_transaction(raw)
            assert all(is_valid(*check) for check in signed.signature_checks())
        except ChaosError as error:
            return b"", error.code, error.detail
        block, fact = on_big_stack(lambda: self.chain.commit([raw]))
        self.chain.store.commit_block(block)
        self.backend.on_report(fact)
        return signed.tx_id, "ok", ""


class ContractNode:
    """The node, and a client of it."""

    def __init__(self, directory: Path) -> None:
        self.chain = RealChain(directory, 1, [ANNA], machine())
        shell = _Shell(self.chain)
        identity = Identity("alpha", "chaosnet/test", "public")
        self.backend = NodeBackend(shell, self.chain.store, EventHub(first_id=1), identity)  # type: ignore[arg-type]
        self.backend.query_pool = QueryPool(1, RpcSection(), lambda _: new_machine())
        shell.backend = self.backend
        self._web = TestClient(public_app(self.backend, submit="public", on_error=_unexpected), base_url=URL)

    def client(self) -> Client:
        """Return a client of the node."""
        return Client(URL, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        got = self._web.request(
            request.method,
            str(request.url),
            content=request.read(),
            headers={name: value for name, value in request.headers.items() if name != "host"},
        )
        return httpx.Response(got.status_code, headers=dict(got.headers), content=got.content)

    def close(self) -> None:
        """Let go of threads and files."""
        assert self.backend.query_pool is not None
        self.backend.query_pool.close()
        self.chain.store.close()


@contextmanager
def contract_node(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContractNode]:
    """Run commands against such a node."""
    node = ContractNode(directory)
    monkeypatch.setattr(asking, "Client", lambda _: node.client())
    yield node
    node.close()


def _unexpected(error: BaseException) -> None:
    raise error
