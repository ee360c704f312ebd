"""Contracts in both languages on a real network: deployed, called, asked, proved; the same after a kill."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import ChaosError, Invalid
from chaosnet.contracts import values
from chaosnet.crypto.addresses import format_address, parse_address
from chaosnet.crypto.signing import sign
from chaosnet.daemon.devnet import Devnet
from chaosnet.daemon.devnet_plan import NodePlan
from chaosnet.daemon.loadgen import EXPIRY, Sender, make_senders
from chaosnet.model.contract_actions import Call, Deploy, SendToken
from chaosnet.model.header import decode_header
from chaosnet.model.policy import Witness
from chaosnet.model.transaction import Action, Transaction, TxBody, tx_id_of
from chaosnet.rpc import lightclient, schema
from chaosnet.rpc.client import Client
from tests.e2e.net import height, network, wait_for

pytestmark = pytest.mark.process

REPOSITORY = Path(__file__).resolve().parents[2]
ENGINES = {"lua": "lua/1", "js": "js/1"}
GAS = 8_000_000
SPIN = """contract{ api=1, name="Spin", version="1.0.0", licence="MIT",
  methods={ spin={kind="view", run=function() while true do end end} } }"""


@dataclass
class Stage:
    """A network, and one account that makes everything on it."""

    net: Devnet
    owner: Sender
    nonce: int = 0

    @property
    def nodes(self) -> list[NodePlan]:
        return self.net.plan.nodes

    def name_of(self, sender: Sender) -> str:
        return format_address(self.net.plan.address_prefix, sender.address)

    def act(self, *actions: Action) -> schema.Transaction:
        """Put a transaction on the chain of every node; return what became of it."""
        genesis = bytes.fromhex(self.net.plan.genesis)
        body = TxBody(
            genesis=genesis,
            sender=self.owner.address,
            nonce=self.nonce,
            anchor_height=0,
            anchor_prefix=genesis[:8],
            expiry=EXPIRY,
            gas_limit=GAS,
            gas_price=1,
            payer=None,
            memo="",
            actions=actions,
        )
        self.nonce += 1
        tx_id = tx_id_of(body)
        witness = Witness(policy=self.owner.policy, signatures=((0, sign(self.owner.seed, tx_id)),))
        raw = encode(Transaction(body=body, witness=witness, payer_witness=None))
        with Client(self.nodes[0].rest_url) as client:
            tried = client.simulate(raw)
            client.submit(raw)
        for node in self.nodes:
            wait_for(f"the transaction at {node.name}", lambda node=node: self.is_there(node, tx_id))  # type: ignore[misc]
        with Client(self.nodes[1].rest_url) as client:
            done = client.transaction(tx_id.hex())
        assert (tried.code, tried.gas) == (done.code, done.gas), tried.detail
        assert [e.values for e in tried.events] == [e.values for e in done.events]
        return done

    def is_there(self, node: NodePlan, tx_id: bytes) -> bool:
        with Client(node.rest_url) as client:
            try:
                return client.transaction(tx_id.hex()).status == "final"
            except ChaosError:
                return False

    def deploy(self, engine: str, source: str, *args: Any) -> tuple[str, schema.Transaction]:
        done = self.act(Deploy(engine, source.encode(), values.encode(list(args)), 0, 10**11))
        assert done.code == "ok", done.text
        return str(done.returns[0]), done

    def call(self, contract: str, method: str, *args: Any) -> schema.Transaction:
        address = parse_address(self.net.plan.address_prefix, contract)
        return self.act(Call(address, method, values.encode(list(args)), (), 10**10))

    def ask(self, contract: str, method: str, *args: object, **more: Any) -> schema.Answer:
        with Client(self.nodes[0].rest_url, timeout_ms=120_000) as client:
            return client.query(contract, schema.Query(method=method, args=list(args), **more))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    senders = make_senders(2, "contracts")
    with network(tmp_path_factory.mktemp("contracts") / "net", 2, senders, idle_interval_ms=1_000) as net:
        yield Stage(net, senders[0])


def example(name: str, language: str) -> str:
    return (REPOSITORY / "examples" / name / f"{name}.{language}").read_text()


def told(node: NodePlan, stage: Stage, contract: str) -> dict[str, Any]:
    """Return all that a node answers of a contract but heights of the head."""
    with Client(node.rest_url) as client:
        interface = client.contract(contract)
        ids = [event.tx_id for event in client.contract_events(contract, limit=50).events]
        tokens = client.account_tokens(stage.name_of(stage.owner), limit=50).holdings
        return {
            "contracts": client.contracts(limit=50),
            "contract": interface,
            "storage": client.contract_storage(contract, limit=50),
            "events": client.contract_events(contract, limit=50),
            "all events": client.events(limit=100),
            "transactions": [client.transaction(tx_id) for tx_id in ids],
            "tokens": client.tokens(limit=50),
            "held": tokens,
            "holders": [client.token_holders(held.token, limit=50) for held in tokens],
            "transfers": [client.token_transfers(held.token, limit=50) for held in tokens],
        }


def verified_in_public(proof: schema.StorageProof) -> dict[str, Any]:
    """Return what the public ICS-23 package says to a proof, and to it with each byte changed."""
    root = decode_header(bytes.fromhex(proof.header)).state_root.hex()
    asked = {"root": root, "key": proof.key, "value": proof.value, "proof": proof.proof}
    script = Path(__file__).parent / "check_proof.cjs"
    done = subprocess.run(
        ["node", str(script)], input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("language", ENGINES)
def test_a_counter_counts_tells_and_proves(stage: Stage, language: str) -> None:
    counter, _ = stage.deploy(ENGINES[language], example("counter", language), 5)
    done = stage.call(counter, "add", 7)
    owner, genesis = stage.name_of(stage.owner), bytes.fromhex(stage.net.plan.genesis)
    assert (done.code, done.returns) == ("ok", [12])
    assert [(e.name, e.values, e.contract) for e in done.events] == [("Added", [owner, 7, 12], counter)]
    failed = stage.call(counter, "add", 1_001)
    assert (failed.code, failed.text, failed.events) == ("reverted", "add 1 to 1000", [])
    assert stage.ask(counter, "total").value == 12
    assert stage.ask(counter, "added_by", owner).value == 7
    assert stage.ask(counter, "add", 1).code == "static"
    with Client(stage.nodes[1].rest_url) as client:
        assert client.storage_entry(counter, ["by", owner]).value == 7
        proof = client.storage_proof(counter, ["by", owner])
        absent = client.storage_proof(counter, ["by", "nobody"])
        said = client.event_proof(done.id, 0)
        found = client.contract_events(counter, "Added").events
        with pytest.raises(Invalid, match="not_found"):
            client.event_proof(failed.id, 0)
    assert lightclient.check_storage_proof(proof, genesis_hash=genesis).value == values.encode(7)
    assert lightclient.check_storage_proof(absent, genesis_hash=genesis).value is None
    event = lightclient.check_event_proof(said, genesis_hash=genesis)
    assert (event.tx_id.hex(), values.decode(event.event.values)) == (done.id, [owner, 7, 12])
    assert [e.tx_id for e in found] == [done.id]
    package = Path(__file__).parent / "node_modules" / "@confio" / "ics23"
    if package.exists() and shutil.which("node"):
        public = verified_in_public(proof)
        assert (public["right"], public["changed"]) == (True, 0)


@pytest.mark.parametrize("language", ENGINES)
def test_a_token_has_holders(stage: Stage, language: str) -> None:
    symbol = language.upper()
    contract, born = stage.deploy(ENGINES[language], example("token", language), symbol, 2, 1_000, 5_000)
    token = str(born.events[0].values[0])
    friend = make_senders(2, "contracts")[1]
    owner, other = stage.name_of(stage.owner), stage.name_of(friend)
    assert stage.act(SendToken(bytes.fromhex(token), b"", friend.address, 30, 10**9)).code == "ok"
    assert stage.call(contract, "issue", contract, 500).code == "ok"
    for node in stage.nodes:
        with Client(node.rest_url) as client:
            holders = {h.holder: h.amount for h in client.token_holders(token).holdings}
            assert holders == {owner: "970", other: "30", contract: "500"}
            found = client.token(token)
            assert (found.symbol, found.supply, found.issuer) == (symbol, "1500", contract)
            assert [h.token for h in client.account_tokens(contract).holdings] == [token]
            assert token in [h.token for h in client.account_tokens(other).holdings]
            moved = [(t.source, t.to, t.amount) for t in client.token_transfers(token).transfers]
            assert moved == [("", contract, "500"), (owner, other, "30"), ("", owner, "1000")]
    assert stage.ask(contract, "token").value == token


def test_the_stream_carries_what_contracts_say(stage: Stage) -> None:
    counter, _ = stage.deploy("js/1", example("counter", "js"), 0)
    sent: list[str] = []
    with Client(stage.nodes[1].rest_url) as client, ThreadPoolExecutor(1) as pool:
        heard = pool.submit(next, client.stream(kinds=("said",)))
        while not heard.done() and len(sent) < 20:
            sent.append(stage.call(counter, "add", 2).id)
        _, told = heard.result(timeout=30)
    assert isinstance(told, schema.SaidEvent)
    assert [(e.contract, e.name, e.tx_id in sent) for e in told.events] == [(counter, "Added", True)]


def test_an_endless_question_costs_its_gas_and_no_block(stage: Stage) -> None:
    spin, _ = stage.deploy("lua/1", SPIN)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(stage.ask, spin, "spin")
        before = height(stage.nodes[0])
        wait_for("blocks beside it", lambda: height(stage.nodes[0]) >= before + 2, 30)
        answer = asked.result(timeout=120)
    assert answer.code == "out_of_gas"
    assert answer.gas == 20_000_000
    assert stage.ask(spin, "spin", gas=50_000).gas == 50_000


def test_killed_and_started_again_it_answers_the_same(stage: Stage) -> None:
    with Client(stage.nodes[0].rest_url) as client:
        contracts = [found.address for found in client.contracts(limit=50).contracts]
    assert contracts
    before = {address: told(stage.nodes[0], stage, address) for address in contracts}
    assert {address: told(stage.nodes[1], stage, address) for address in contracts} == before
    stage.net.kill("node1")
    stage.net.start("node1")
    stage.net.wait_ready(["node1"])
    assert {address: told(stage.nodes[1], stage, address) for address in contracts} == before
    counter = next(a for a in contracts if before[a]["contract"].summary.name == "Counter")
    total = stage.ask(counter, "total").value
    assert stage.call(counter, "add", 1).returns == [int(str(total)) + 1]
