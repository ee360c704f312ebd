"""The command as a person runs it, in this process; and a node behind it that holds a real chain."""

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from chaosnet.base.errors import ChaosError, Invalid, InvalidTransaction
from chaosnet.cli import asking, keyring, node_dir
from chaosnet.cli.main import run
from chaosnet.crypto.signing import is_valid
from chaosnet.daemon.chain_views import ChainViews
from chaosnet.kernel.chain import context_for
from chaosnet.ledger.apply import execute_transaction
from chaosnet.ledger.overlay import Overlay
from chaosnet.model.transaction import SignedTx, decode_transaction
from chaosnet.rpc import schema
from chaosnet.rpc.app import public_app
from chaosnet.rpc.client import Client
from tests.fake_backend import FakeBackend
from tests.making import Person
from tests.real_chain import RealChain

ANNA = Person("anna")
SCRYPT_N = 1 << 4
URL = "http://node.test"


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def problem(self) -> str:
        """Code of the error on standard error, which is one JSON object."""
        found = json.loads(self.err)
        assert set(found) == {"code", "detail"}
        return str(found["code"])


class Cli:
    """Runs commands with a home and a password of one person."""

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.home = home
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        home.mkdir()
        self.password_file = home / "password"
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(f"password of {home.name}\n")

    def as_of(self, name: str) -> "Cli":
        """Return another person at the same desk."""
        return Cli(self.home.parent / name, self._monkeypatch, self._capsys)

    def __call__(self, *arguments: object, stdin: str = "", code: int = 0) -> Ran:
        with self._monkeypatch.context() as patch:
            patch.setenv("CHAOSNET_HOME", str(self.home))
            patch.setenv("CHAOSNET_PASSWORD_FILE", str(self.password_file))
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            self._capsys.readouterr()
            result = run([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        assert result == code, captured.out + captured.err
        return Ran(result, captured.out, captured.err)

    def add_key(self, name: str, seed: bytes) -> str:
        """Import a key and return the address of its account."""
        done = self("keys", "import", name, "--hex", "--json", stdin=seed.hex() + "\n")
        return str(done.json["address"])


class NodeOfOne(FakeBackend):
    """A node whose every submitted transaction makes a block of a real chain."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.chain = RealChain(directory, 1, [ANNA])
        self.is_stuck = False
        """Take transactions, but make no blocks."""

    @property
    def views(self) -> ChainViews:
        return ChainViews(self.chain.node, self.chain.store)

    def status(self) -> schema.Status:
        head = self.chain.node.head
        given = super().status()
        fields = {name: getattr(given, name) for name in given.__struct_fields__}
        return schema.Status(
            **fields
            | {
                "genesis": self.chain.genesis_hash.hex(),
                "height": head.header.height,
                "tip": head.block_id.hex(),
                "state_root": head.header.state_root.hex(),
            }
        )

    def account(self, address: str) -> schema.Account:
        return self.views.account(address)

    def account_proof(self, address: str, height: int | None, trusted_height: int) -> schema.AccountProof:
        return self.views.account_proof(address, height, trusted_height)

    async def block(self, name: str) -> schema.Block:
        return await self.views.block(name)

    async def blocks(self, first: int | None, limit: int) -> schema.BlockList:
        return await self.views.blocks(first, limit)

    async def transaction(self, tx_id: str) -> schema.Transaction:
        return await self.views.transaction(tx_id)

    def evidence(self) -> schema.EvidenceList:
        return self.views.evidence()

    async def simulate(self, raw: bytes) -> schema.Simulation:
        signed = decode_transaction(raw)
        try:
            receipt = self._try(signed)
        except InvalidTransaction as error:
            return schema.Simulation(code=error.code, detail=error.detail, gas=0, fee="0")
        return schema.Simulation(code=receipt.code, detail="", gas=receipt.gas, fee=str(receipt.fee))

    async def submit(self, raws: list[bytes]) -> list[schema.Verdict]:
        return [self._submit_one(raw) for raw in raws]

    def _submit_one(self, raw: bytes) -> schema.Verdict:
        try:
            signed = decode_transaction(raw)
            self._try(signed)
            if not all(is_valid(*check) for check in signed.signature_checks()):
                raise Invalid("bad_signature")
        except ChaosError as error:
            return schema.Verdict(id="", code=error.code, detail=error.detail)
        if self.is_stuck:
            self.chain.node.mempool.add(signed, 0)
        else:
            assert self.chain.add([raw]) == 1
        return schema.Verdict(id=signed.tx_id.hex(), code="ok")

    def _try(self, signed: SignedTx) -> Any:
        node = self.chain.node
        context = context_for(
            node, time_ms=node.head.header.time_ms + 1, proposer=node.config.genesis.treasury
        )
        return execute_transaction(Overlay(node.head.state), signed, context)[0]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.setattr(keyring, "SCRYPT_N", SCRYPT_N)
    monkeypatch.setattr(node_dir, "SCRYPT_N", SCRYPT_N)
    monkeypatch.delenv("CHAOSNET_NODE", raising=False)
    return Cli(tmp_path / "anna", monkeypatch, capsys)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NodeOfOne]:
    """A node that every command of this test asks."""
    backend = NodeOfOne(tmp_path / "chain")
    web = TestClient(public_app(backend, submit="public", on_error=_unexpected), base_url=URL)

    def answer(request: httpx.Request) -> httpx.Response:
        got = web.request(
            request.method,
            str(request.url),
            content=request.read(),
            headers={name: value for name, value in request.headers.items() if name != "host"},
        )
        return httpx.Response(got.status_code, headers=dict(got.headers), content=got.content)

    monkeypatch.setattr(asking, "Client", lambda _: Client(URL, transport=httpx.MockTransport(answer)))
    yield backend
    backend.chain.store.close()


def _unexpected(error: BaseException) -> None:
    raise error
