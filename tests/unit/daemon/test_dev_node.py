"""A developer's node: the interface of every node, and a chain that turns as tests need."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from chaosnet.base.codec import encode
from chaosnet.base.units import Address
from chaosnet.contracts import values
from chaosnet.crypto.addresses import format_address
from chaosnet.crypto.signing import sign
from chaosnet.daemon.dev_node import DevNode
from chaosnet.daemon.dev_routes import dev_app
from chaosnet.devchain.chain import FUNDS
from chaosnet.model.contract_actions import Call, Deploy
from chaosnet.model.policy import Witness
from chaosnet.model.transaction import Action, Transaction, Transfer, TxBody, tx_id_of
from tests.machines import machine, on_big_stack

SOURCE = (Path(__file__).parents[3] / "examples/counter/counter.lua").read_bytes()
CONTRACT_BASE = b"\x01"


class Desk:
    """The node and a program that asks it."""

    def __init__(self, node: DevNode, client: httpx.AsyncClient) -> None:
        self.node = node
        self.client = client

    def signed(self, name: str, *actions: Action, nonce: int) -> bytes:
        account = self.node.accounts[name]
        body = TxBody(
            genesis=self.node.node.genesis_hash,
            sender=account.address,
            nonce=nonce,
            anchor_height=0,
            anchor_prefix=self.node.node.genesis_hash[:8],
            expiry=self.node.node.head.header.height + 100,
            gas_limit=5_000_000,
            gas_price=0,
            payer=None,
            memo="",
            actions=actions,
        )
        witness = Witness(account.policy, ((0, sign(account.seed, tx_id_of(body))),))
        return encode(Transaction(body, witness, None))

    async def send(self, raw: bytes) -> tuple[str, str]:
        [(tx_id, code, _)] = await self.node.submit((raw,))
        return tx_id.hex(), code

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def dev(self, name: str, status: int = 200, **fields: object) -> Any:
        answer = await self.client.post(f"/dev/{name}", json=fields)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def deploy(self) -> str:
        action = Deploy("lua/1", SOURCE, values.encode([5]), 0, 10**9)
        assert (await self.send(self.signed("alice", action, nonce=0)))[1] == "ok"
        return str((await self.get("/v1/contracts"))["contracts"][0]["address"])


def with_desk(path: Path, task: Callable[[Desk], Awaitable[None]], *, at_once: bool = True) -> None:
    def run() -> None:
        node = DevNode(path, machine(), "chaosnet/test", at_once=at_once)

        async def serve() -> None:
            def fail(error: BaseException) -> None:
                raise error

            transport = httpx.ASGITransport(dev_app(node, on_error=fail))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
                await task(Desk(node, client))

        try:
            asyncio.run(serve())
        finally:
            node.close()

    on_big_stack(run)


def test_each_transaction_is_a_final_block(tmp_path: Path) -> None:
    async def task(desk: Desk) -> None:
        box = await desk.deploy()
        address = desk.node.node.config.genesis.address_prefix
        assert box.startswith(address)
        bob = desk.node.accounts["bob"]
        tx_id, code = await desk.send(desk.signed("bob", Transfer(bob.address, 1), nonce=0))
        assert code == "ok"
        found = await desk.get(f"/v1/transactions/{tx_id}")
        assert (found["status"], found["height"], found["code"]) == ("final", 2, "ok")
        status = await desk.get("/v1/status")
        assert (status["height"], status["final_height"], status["health"]["is_healthy"]) == (2, 2, True)
        assert (await desk.send(desk.signed("bob", Transfer(bob.address, 1), nonce=0)))[1] == "nonce_too_low"
        raw = desk.signed("bob", Transfer(bob.address, 1), nonce=1)
        assert (await desk.send(raw[:-1] + bytes([raw[-1] ^ 1])))[1] != "ok"
        assert (await desk.send(b"x"))[1] == "malformed"

    with_desk(tmp_path, task)


def test_the_chain_turns_back_and_forward(tmp_path: Path) -> None:
    async def task(desk: Desk) -> None:
        box = await desk.deploy()
        kept = await desk.dev("snapshot")
        assert kept == {"number": 0, "height": 1}
        before = await desk.get("/v1/status")
        alice = desk.node.accounts["alice"].text
        await desk.dev("impersonate", sender=alice, contract=box, method="add", args=[3])
        assert (await desk.get(f"/v1/contracts/{box}/storage"))["entries"][-1]["value"] == 8
        later = await desk.dev("advance", blocks=200, seconds=3_600)
        assert later["height"] == 202
        assert later["time_ms"] >= before["tip_time_ms"] + 3_600_000
        back = await desk.dev("revert", number=0)
        assert back["height"] == 1
        after = await desk.get("/v1/status")
        assert [after[name] for name in ("tip", "state_root", "final_height")] == [
            before[name] for name in ("tip", "state_root", "final_height")
        ]
        assert (await desk.get(f"/v1/contracts/{box}/storage"))["entries"][-1]["value"] == 5
        await desk.dev("impersonate", sender=alice, contract=box, method="add", args=[4])
        assert (await desk.get(f"/v1/contracts/{box}/storage"))["entries"][-1]["value"] == 9
        assert (await desk.dev("revert", 400, number=1))["code"] == "bad_argument"

    with_desk(tmp_path, task)


def test_anybody_can_be_the_sender(tmp_path: Path) -> None:
    async def task(desk: Desk) -> None:
        box = await desk.deploy()
        bob = desk.node.accounts["bob"].text
        stranger = format_address("cos", Address(b"\x00" + b"s" * 32))
        await desk.dev("fund", address=stranger, amount="500")
        done = await desk.dev("impersonate", sender=stranger, to=bob, amount="200")
        assert len(done["tx"]) == 64
        assert (await desk.get(f"/v1/accounts/{stranger}"))["balance"] == "300"
        assert (await desk.get(f"/v1/accounts/{bob}"))["balance"] == str(FUNDS + 200)
        refused = await desk.dev("impersonate", 400, sender=box, contract=box, method="add", args=[1])
        assert refused["code"] == "bad_address"  # a contract sends no transactions
        assert (await desk.dev("impersonate", 400, sender=box))["code"] == "bad_argument"
        answer = await desk.client.post("/dev/fund", json={}, headers={"origin": "http://evil.test"})
        assert answer.status_code in (400, 403)
        answer = await desk.client.post("/dev/snapshot", json={}, headers={"host": "evil.test"})
        assert answer.json()["code"] == "bad_origin"

    with_desk(tmp_path, task)


def test_blocks_can_wait(tmp_path: Path) -> None:
    async def task(desk: Desk) -> None:
        bob = desk.node.accounts["bob"]
        for nonce in (1, 0):
            raw = desk.signed("alice", Transfer(bob.address, 1), nonce=nonce)
            assert (await desk.send(raw))[1] == "ok"
        assert desk.node.node.head.header.height == 0
        desk.node.make_block()
        assert desk.node.node.head.header.tx_count == 2
        call = Call(CONTRACT_BASE + bytes(32), "add", values.encode([1]), (), 0)
        tx_id, code = await desk.send(desk.signed("alice", call, nonce=2))
        assert code == "ok"
        desk.node.make_block()
        assert (await desk.get(f"/v1/transactions/{tx_id}"))["code"] == "no_contract"

    with_desk(tmp_path, task, at_once=False)


@pytest.mark.parametrize("blocks", [0, 10_001])
def test_time_has_bounds(tmp_path: Path, blocks: int) -> None:
    async def task(desk: Desk) -> None:
        await desk.dev("advance", 400, blocks=blocks)

    with_desk(tmp_path, task)
