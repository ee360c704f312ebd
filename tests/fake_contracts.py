"""Contracts and tokens of a made-up node."""

from typing import Any

from chaosnet.base.errors import Invalid, Unavailable
from chaosnet.base.units import Address
from chaosnet.crypto.addresses import CONTRACT, format_address, parse_address
from chaosnet.rpc import schema

BOX = format_address("cos", Address(bytes((CONTRACT,)) + b"b" * 32))
MAKER = format_address("cos", Address(b"\x00" + b"m" * 32))
TOKEN = "ab" * 32
TX = "cd" * 32
HOSTILE = "<script>alert(1)</script>"
SOURCE = f"-- {HOSTILE}\nlocal greeting = 'hello'\n"
INTERFACE: dict[str, object] = {
    "api": 1,
    "name": "Box",
    "version": "1.2.0",
    "licence": "MIT",
    "doc": "Keeps numbers.",
    "init": {"args": ["start int"]},
    "methods": {
        "get": {"kind": "view", "args": ["of address?"], "returns": "int", "doc": "What is in it."},
        "put": {"kind": "payable", "args": ["n int"], "doc": HOSTILE},
    },
    "events": {"Put": ["by address", "n int"]},
    "storage": {"count": "counter", "names": "map text int"},
    "permissions": {"transfer": ["COS"], "call": "any"},
}


class FakeContracts:
    """Implements rpc.contract_backend.ContractBackend: one contract, one token, forty entries and events."""

    def __init__(self) -> None:
        self.asked: list[schema.Query] = []
        self.answer = schema.Answer(code="ok", value={"$int": "9007199254740993"}, gas=31_000, height=5)
        self.is_busy = False

    @property
    def summary(self) -> schema.ContractSummary:
        return schema.ContractSummary(
            address=BOX, name="Box", version="1.2.0", engine="lua/1", creator=MAKER, height=3
        )

    async def contracts(self, cursor: str | None, limit: int) -> schema.ContractList:
        return schema.ContractList(contracts=[self.summary][:limit], next=None)

    def contract(self, address: str) -> schema.Contract:
        self._check(address)
        return schema.Contract(
            summary=self.summary,
            source=SOURCE,
            source_hash="11" * 32,
            interface=INTERFACE,
            interface_hash="22" * 32,
            load_fuel=120_000,
            balance="50",
        )

    def contract_storage(
        self, address: str, prefix: list[object], after: list[object] | None, limit: int
    ) -> schema.StorageList:
        self._check(address)
        keys: list[list[object]] = [["names", f"n/{i:02}"] for i in range(40)]
        found = [
            key for key in keys if key[: len(prefix)] == prefix and (after is None or key[1:] > after[1:])
        ]
        entries = [schema.StorageEntry(key=key, value=HOSTILE, rate=1_000) for key in found[:limit]]
        more = f'["names","{found[limit - 1][1]}"]' if len(found) > limit else None
        return schema.StorageList(entries=entries, next=more)

    def storage_entry(self, address: str, key: list[object]) -> schema.StorageEntry:
        found = self.contract_storage(address, key, None, 1).entries
        if not found or found[0].key != key:
            raise Invalid("not_found", "key")
        return found[0]

    def storage_proof(
        self, address: str, key: list[object], height: int | None, trusted_height: int
    ) -> schema.StorageProof:
        self._check(address)
        return schema.StorageProof(contract=address, storage_key=key, key="03", value=None, **_proof())

    async def events(
        self, contract: str | None, name: str | None, cursor: str | None, limit: int
    ) -> schema.EventList:
        if contract is not None:
            parse_address("cos", contract)
        first = int(cursor) if cursor and cursor.isdecimal() and cursor.isascii() else 0
        made = [
            schema.ContractEvent(contract=BOX, name="Put", values=[MAKER, i], index=0, tx_id=TX, height=4)
            for i in range(first, 40)
        ]
        return schema.EventList(events=made[:limit], next=str(first + limit) if len(made) > limit else None)

    async def event_proof(self, tx_id: str, index: int, trusted_height: int) -> schema.EventProof:
        if index:
            raise Invalid("not_found", f"event {index}")
        return schema.EventProof(
            event="00",
            event_index=index,
            events_count=1,
            event_path=[],
            receipt="00",
            position=0,
            receipts_count=1,
            receipt_path=[],
            **{name: value for name, value in _proof().items() if name != "proof"},
        )

    async def query(self, address: str, question: schema.Query) -> schema.Answer:
        self._check(address)
        if self.is_busy:
            raise Unavailable("overloaded", "too many questions at once")
        self.asked.append(question)
        return self.answer

    async def tokens(self, cursor: str | None, limit: int) -> schema.TokenList:
        return schema.TokenList(tokens=[self.token(TOKEN)])

    def token(self, token_id: str) -> schema.Token:
        if token_id != TOKEN:
            raise Invalid("no_token", token_id)
        return schema.Token(
            id=TOKEN,
            symbol="BOX",
            name="Box coin",
            decimals=2,
            issuer=BOX,
            supply="1000050",
            supply_max="9223372036854775807",
            rights={"issue": BOX},
            is_paused=False,
            reserve=schema.TokenReserve(
                motes_part="100000000", token_part="200", fee=30, withdraw="", motes="7"
            ),
        )

    async def token_holders(self, token_id: str, cursor: str | None, limit: int) -> schema.HoldingList:
        self.token(token_id)
        return schema.HoldingList(holdings=[_holding(MAKER, "1000000"), _holding(BOX, "50")][:limit])

    async def token_transfers(
        self, token_id: str, cursor: str | None, limit: int
    ) -> schema.TokenTransferList:
        self.token(token_id)
        made = [
            schema.TokenTransfer(source=MAKER, to=BOX, amount="50", tx_id=TX, height=5),
            schema.TokenTransfer(source="", to=MAKER, amount="1000050", tx_id=TX, height=4),
        ]
        return schema.TokenTransferList(transfers=made[:limit])

    async def account_tokens(self, address: str, cursor: str | None, limit: int) -> schema.HoldingList:
        parse_address("cos", address)
        return schema.HoldingList(holdings=[_holding(address, "1000000")] if address == MAKER else [])

    def _check(self, address: str) -> None:
        parse_address("cos", address)
        if address != BOX:
            raise Invalid("no_contract", address)


def _holding(holder: str, amount: str) -> schema.Holding:
    return schema.Holding(token=TOKEN, symbol="BOX", decimals=2, amount=amount, holder=holder)


def _proof() -> dict[str, Any]:
    return {
        "proof": "00",
        "header": "00",
        "seal": "00",
        "validators": "00",
        "set_changes": [],
        "genesis": "00",
    }
