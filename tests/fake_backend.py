"""A node of the interface's view alone: a few blocks and accounts made up, and a real event hub."""

from collections.abc import Collection
from hashlib import sha256

from chaosnet.base.errors import Invalid
from chaosnet.base.units import Address
from chaosnet.crypto.addresses import format_address, parse_address
from chaosnet.rpc import schema
from chaosnet.rpc.stream import EventHub, Subscription
from tests.fake_contracts import FakeContracts
from tests.fake_staking import block_tree, delegation_list, page_of, validator_list

HEAD = 5
PRESENT = format_address("cos", Address(b"\x00" + b"h" * 32))
ABSENT = format_address("cos", Address(b"\x00" + b"s" * 32))


def id_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def summary_of(height: int) -> schema.BlockSummary:
    return schema.BlockSummary(
        height=height,
        id=id_of(f"block {height}"),
        parent=id_of(f"block {height - 1}"),
        time_ms=1_700_000_000_000 + height,
        proposer=PRESENT,
        proposer_name="alpha",
        tx_count=1,
        gas_used=21,
        size_bytes=400,
        engine="pbft",
        era=0,
        round=0,
        is_final=True,
        state_root=id_of(f"state {height}"),
    )


def transaction_of(height: int) -> schema.TransactionSummary:
    return schema.TransactionSummary(
        id=id_of(f"tx {height}"),
        height=height,
        position=0,
        sender=PRESENT,
        nonce=height,
        code="ok",
        fee="21",
        actions=["transfer"],
        to=ABSENT,
        amount="9007199254740993",
    )


class FakeBackend(FakeContracts):
    """Implements rpc.backend.Backend."""

    def __init__(self, *, heartbeat_ms: int = 15_000) -> None:
        super().__init__()
        self.hub = EventHub(heartbeat_ms=heartbeat_ms)
        self.failure: BaseException | None = None
        self.is_healthy = True
        self.phase = "running"
        self.submitted: list[bytes] = []
        self.verdict = "ok"
        self.validator_list = validator_list()
        """What the node shows; a test may put something else here."""
        self.block_tree = block_tree()
        self.delegation_list = delegation_list(PRESENT)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    def status(self) -> schema.Status:
        self._fail()
        return schema.Status(
            name="alpha",
            software="chaosnet/0",
            chain_name="fake",
            genesis=id_of("genesis"),
            address_prefix="cos",
            node_id=id_of("node"),
            rule=1,
            rules_known=[1],
            height=HEAD,
            tip=id_of(f"block {HEAD}"),
            state_root=id_of(f"state {HEAD}"),
            tip_time_ms=1_700_000_000_005,
            final_height=HEAD,
            final_id=id_of(f"block {HEAD}"),
            now_ms=1_700_000_000_006,
            started_ms=1_700_000_000_000,
            peers=1,
            clock_offset_ms=None,
            mempool_txs=0,
            mempool_bytes=0,
            best_height=HEAD,
            trust="genesis",
            submit="public",
            consensus=schema.ConsensusStatus(
                engine="pbft",
                finality="immediate",
                era=0,
                height=HEAD + 1,
                round=0,
                step="wait",
                proposer="alpha",
                validators=4,
                needed=3,
                is_validator=True,
            ),
            health=self.health(),
        )

    def health(self) -> schema.Health:
        return schema.Health(is_healthy=self.is_healthy, phase=self.phase)

    def peers(self, *, with_addresses: bool) -> schema.PeerList:
        peer = schema.Peer(
            node_id=id_of("peer"),
            member="beta",
            is_outbound=True,
            height=HEAD,
            round=0,
            offset_ms=-3,
            software="chaosnet/0",
            since_ms=1_700_000_000_000,
            address="10.0.0.7:4000" if with_addresses else "",
        )
        return schema.PeerList(peers=[peer])

    def params(self) -> schema.Params:
        return schema.Params(
            genesis=id_of("genesis"),
            chain_name="fake",
            address_prefix="cos",
            params={"gas_price_min": 1},
            schedule=[{"height": 1, "engine": "pbft"}],
            supply="1000000000000000",
            rule=1,
            gas={"transfer": 21},
        )

    def genesis(self) -> schema.GenesisDocument:
        return schema.GenesisDocument(hash=id_of("genesis"), document={"chain_name": "fake", "rule": 1})

    async def block(self, name: str) -> schema.Block:
        height = self._height_of(name)
        return schema.Block(
            summary=summary_of(height),
            rule=1,
            tx_root=id_of("t"),
            receipts_root=id_of("r"),
            validators_hash=id_of("v"),
            next_validators_hash=id_of("v"),
            parent_seal_hash=id_of("s"),
            header="00",
            seal="00",
            signers=["alpha", "beta", "gamma"],
            transactions=[transaction_of(height)],
        )

    async def blocks(self, first: int | None, limit: int) -> schema.BlockList:
        top = HEAD if first is None else min(first, HEAD)
        heights = range(top, max(-1, top - limit), -1)
        rest = top - limit
        return schema.BlockList(blocks=[summary_of(h) for h in heights], next=rest if rest >= 0 else None)

    async def block_transactions(self, name: str, position: int, limit: int) -> schema.TransactionList:
        height = self._height_of(name)
        return schema.TransactionList(transactions=[transaction_of(height)][position:][:limit])

    async def transaction(self, tx_id: str) -> schema.Transaction:
        for height in range(1, HEAD + 1):
            if tx_id == id_of(f"tx {height}"):
                return schema.Transaction(
                    id=tx_id, status="final", raw="00", body={"nonce": height}, height=height, code="ok"
                )
        for raw in self.submitted:
            if tx_id == sha256(raw).hexdigest():
                return schema.Transaction(id=tx_id, status="pending", raw=raw.hex(), body={})
        raise Invalid("not_found", tx_id)

    async def account_transactions(
        self, address: str, cursor: str | None, limit: int
    ) -> schema.TransactionList:
        parse_address("cos", address)
        shown = [transaction_of(h) for h in range(HEAD, 0, -1)] if address == PRESENT else []
        start = int(cursor) if cursor and cursor.isdecimal() and cursor.isascii() else 0
        more = start + limit < len(shown)
        return schema.TransactionList(
            transactions=shown[start : start + limit], next=str(start + limit) if more else None
        )

    def account(self, address: str) -> schema.Account:
        parse_address("cos", address)
        return schema.Account(
            address=address,
            exists=address == PRESENT,
            nonce=5,
            balance="9007199254740993",
            locked="0",
            total="9007199254740993",
            policy_hash="",
            locks=[schema.LockStatus(amount="5", claimed="0", released="1", next_release_ms=None)],
            height=HEAD,
            block_id=id_of(f"block {HEAD}"),
            pending_nonce=5,
        )

    def account_proof(self, address: str, height: int | None, trusted_height: int) -> schema.AccountProof:
        parse_address("cos", address)
        if height is not None and height > HEAD:
            raise Invalid("not_found", f"height {height}")
        return schema.AccountProof(
            address=address,
            key="01",
            value=None,
            proof="00",
            header="00",
            seal="00",
            validators="00",
            set_changes=[schema.SetChange(header="00", seal="", validators="00")] if trusted_height else [],
            genesis="" if trusted_height else "00",
        )

    async def search(self, text: str) -> schema.SearchResult:
        if text.isdecimal():
            return schema.SearchResult(kind="block", key=text)
        return schema.SearchResult(kind="none", key="")

    def evidence(self) -> schema.EvidenceList:
        return schema.EvidenceList(evidence=[])

    def validators(self, first: int, limit: int) -> schema.ValidatorList:
        return page_of(self.validator_list, first, limit)

    def tree(self) -> schema.Tree:
        return self.block_tree

    def delegations(self, address: str) -> schema.DelegationList:
        parse_address("cos", address)
        if address == PRESENT:
            return self.delegation_list
        return schema.DelegationList(address=address, height=HEAD, bonded="0", unbonding="0", delegations=[])

    async def submit(self, raws: list[bytes]) -> list[schema.Verdict]:
        self._fail()
        self.submitted += raws
        return [schema.Verdict(id=sha256(raw).hexdigest(), code=self.verdict) for raw in raws]

    async def simulate(self, raw: bytes) -> schema.Simulation:
        return schema.Simulation(code="ok", detail="", gas=21, fee="21")

    def subscribe(self, after: int | None, *, ip: str, kinds: Collection[str]) -> Subscription:
        return self.hub.subscribe(after, ip=ip, kinds=kinds)

    def metrics(self) -> bytes:
        return b"# HELP chaosnet_height Height of the head.\nchaosnet_height 5\n"

    def _height_of(self, name: str) -> int:
        if name in ("head", "final"):
            return HEAD
        for height in range(HEAD + 1):
            if name in (str(height), id_of(f"block {height}")):
                return height
        raise Invalid("not_found", f"block {name}")
