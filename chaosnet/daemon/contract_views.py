"""What people and programs see of contracts, at the durable head (contracts: State)."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import msgspec

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.contracts import values
from chaosnet.contracts.keys import Part, encode_key
from chaosnet.contracts.values import Value
from chaosnet.crypto.hashing import merkle_proof
from chaosnet.daemon import present
from chaosnet.daemon.query_pool import QueryPool
from chaosnet.daemon.token_views import Place, TokenViews, number_of
from chaosnet.kernel.chain import context_for
from chaosnet.ledger.accounts import total
from chaosnet.ledger.contracts.actions import query_contract
from chaosnet.ledger.contracts.reading import Entry, storage_entries, storage_entry
from chaosnet.ledger.contracts.records import Contract, find_contract, source_of
from chaosnet.ledger.keys import entry_key
from chaosnet.ledger.overlay import Overlay
from chaosnet.ledger.state import State
from chaosnet.model.receipt import Event
from chaosnet.rpc import schema
from chaosnet.rpc.schema.values import from_json, to_json

PLACES_MAX: Final = 256
PAGE_BYTES_MAX: Final = 32 * 1024
"""Of values on one page of storage: they are laid out in the node's own time."""
"""Transactions, or blocks, that are looked through for one page of events."""


class ContractViews(TokenViews):
    """The part of the backend about contracts."""

    query_pool: QueryPool | None = None
    """Runs questions; without it none are answered."""

    # ── contracts ────────────────────────────────────────────────────────────────────────────────────────

    async def contracts(self, cursor: str | None, limit: int) -> schema.ContractList:
        """Return contracts, newest first; a cursor is a number."""
        before = None if cursor is None else number_of(cursor)
        state = self._published().state
        rows = await self._read(lambda: self._store.contracts(before, limit))
        # The store may be a block ahead of the state that was reported.
        found = [find_contract(state.get, address) for _, address in rows]
        return schema.ContractList(
            contracts=[self._summary(contract) for contract in found if contract is not None],
            next=str(rows[-1][0]) if len(rows) == limit else None,
        )

    def contract(self, address: str) -> schema.Contract:
        """Return a contract; raises Invalid(`no_contract`)."""
        state = self._published().state
        found = self._contract(state, address)
        interface = to_json(values.decode(found.record.interface))
        return schema.Contract(
            summary=self._summary(found),
            source=source_of(state, found.record).decode(),
            source_hash=found.record.source_hash.hex(),
            interface=interface if isinstance(interface, dict) else {},
            interface_hash=found.record.interface_hash.hex(),
            load_fuel=found.record.load_fuel,
            balance=str(total(Overlay(state).account(found.address))),
        )

    def contract_storage(
        self, address: str, prefix: list[object], after: list[object] | None, limit: int
    ) -> schema.StorageList:
        """Return entries in the order of their keys; raises Invalid(`no_contract`, `bad_argument`)."""
        state = self._published().state
        contract = self._contract(state, address).address
        behind = None if after is None else _parts_of(after)
        entries = storage_entries(state, contract, _parts_of(prefix), behind, limit + 1)
        shown = [_shown(entry) for entry in _fitting(entries[:limit])]
        following = msgspec.json.encode(shown[-1].key).decode() if len(entries) > len(shown) else None
        return schema.StorageList(entries=shown, next=following)

    def storage_entry(self, address: str, key: list[object]) -> schema.StorageEntry:
        """Return one entry; raises Invalid(`no_contract`, `not_found`, `bad_argument`, `too_large`)."""
        state = self._published().state
        found = storage_entry(state, self._contract(state, address).address, _parts_of(key))
        if found is None:
            raise Invalid("not_found", "the contract keeps nothing under this key")
        return _shown(found)

    def storage_proof(
        self, address: str, key: list[object], height: int | None, trusted_height: int
    ) -> schema.StorageProof:
        """Return a proof of an entry's presence or absence; the contract itself need not exist."""
        shown = self._published(height)
        raw = entry_key(self._address(address), encode_key(_parts_of(key)))
        value = shown.state.get(raw)
        return schema.StorageProof(
            contract=address,
            storage_key=key,
            key=raw.hex(),
            value=None if value is None else value.hex(),
            proof=shown.state.prove(raw).hex(),
            **self._trust_of(shown.header, shown.seal, shown.sealed_by, trusted_height),
        )

    async def query(self, address: str, question: schema.Query) -> schema.Answer:
        """Return what a method answers on the durable head; raises `no_contract`, `overloaded`, ..."""
        if self.query_pool is None:
            raise Invalid("no_contracts")
        shown = self._published()
        contract = self._contract(shown.state, address).address
        caller = self._address(question.caller) if question.caller else contract
        gas = question.gas or self.query_pool.gas_max
        if not 0 < gas <= self.query_pool.gas_max:
            raise Invalid("gas_limit", f"1 to {self.query_pool.gas_max} for a question here")
        args = values.encode(_value_of(question.args))
        head = self._node.head
        context = replace(
            context_for(self._node, time_ms=shown.header.time_ms + 1, proposer=head.header.proposer),
            height=shown.header.height + 1,
            parent_time_ms=shown.header.time_ms,
            machine=None,
        )
        fuel = gas * context.rules.gas.fuel_per_gas
        result = await self.query_pool.run(
            lambda machine: query_contract(
                Overlay(shown.state),
                context,
                machine,
                contract=contract,
                method=question.method,
                args=args,
                caller=caller,
                fuel=fuel,
            )
        )
        return schema.Answer(
            code=result.code,
            value=to_json(values.decode(result.value)) if result.code == "ok" else None,
            text=result.text,
            gas=-(-result.fuel // context.rules.gas.fuel_per_gas),
            height=shown.header.height,
        )

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────

    async def events(
        self, contract: str | None, name: str | None, cursor: str | None, limit: int
    ) -> schema.EventList:
        """Return events, newest first; a cursor is `height.position.index`."""
        address = None if contract is None else self._address(contract)
        before = self._before(cursor)

        def read() -> schema.EventList:
            found: list[schema.ContractEvent] = []
            last = None
            for place, event in self._events_before(address, before):
                last = place
                if event is not None and (name is None or event.name == name):
                    found.append(self._event(place, event))
                    if len(found) == limit:
                        break
            else:
                last = last if self._is_more_below(address, last) else None
            return schema.EventList(events=found, next=None if last is None else ".".join(map(str, last)))

        return await self._read(read)

    def _events_before(self, address: bytes | None, before: Place) -> Iterator[tuple[Place, Event | None]]:
        """Yield events below a place, newest first, of PLACES_MAX transactions; None for one without any."""
        places = islice(self._places(address, before), PLACES_MAX)
        for height, position, outcome in self._outcomes_at(places):
            said = [e for e in outcome.events if address is None or e.contract == address]
            told = [e for e in reversed(said) if (height, position, e.index) < before]
            for event in told:
                yield (height, position, event.index), event
            if not told:
                yield (height, position, 0), None

    def _places(self, address: bytes | None, before: Place) -> Iterator[tuple[int, int]]:
        """Yield (height, position) of transactions that may hold events below a place, newest first."""
        bound = before[0], before[1] + (before[2] > 0)
        if address is not None:
            yield from self._store.account_history(address, bound, PLACES_MAX + 1)
            return
        for height in self._store.heights_with_outcomes(before[0], PLACES_MAX + 1):
            outcomes = self._store.left_by(height) or ()
            for position in reversed(range(len(outcomes))):
                if (height, position) < bound and outcomes[position].events:
                    yield height, position

    def _is_more_below(self, address: bytes | None, last: Place | None) -> bool:
        return last is not None and next(self._events_before(address, last), None) is not None

    def _event(self, place: Place, event: Event) -> schema.ContractEvent:
        height, position, _ = place
        return present.contract_event(self.names, event, self._tx_id_at(height, position), height)

    async def event_proof(self, tx_id: str, index: int, trusted_height: int) -> schema.EventProof:
        """Return a proof of one event against its block's header; raises Invalid(`not_found`)."""
        found = await self._on_chain(bytes.fromhex(tx_id))
        if found is None:
            raise Invalid("not_found", "transaction")
        stored = self._stored(found.height)
        receipts = self._store.receipts(stored.block_id) or ()
        outcomes = self._store.left_by(stored.block_id) or ()
        said = outcomes[found.position].events if found.position < len(outcomes) else ()
        if index >= len(said) or found.position >= len(receipts):
            raise Invalid("not_found", f"the transaction has {len(said)} events")
        sealed_by = self._sealed_by(stored)
        if sealed_by is None:
            raise Invalid("not_found", "the validators of that block are not known here any more")
        encoded = [encode(event) for event in said]
        leaves = [encode(receipt) for receipt in receipts]
        return schema.EventProof(
            event=encoded[index].hex(),
            event_index=index,
            events_count=len(said),
            event_path=[part.hex() for part in merkle_proof(encoded, index)],
            receipt=leaves[found.position].hex(),
            position=found.position,
            receipts_count=len(leaves),
            receipt_path=[part.hex() for part in merkle_proof(leaves, found.position)],
            **self._trust_of(stored.decoded(), stored.seal, sealed_by, trusted_height),
        )

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _contract(self, state: State, address: str) -> Contract:
        found = find_contract(state.get, self._address(address))
        if found is None:
            raise Invalid("no_contract", address)
        return found

    def _summary(self, contract: Contract) -> schema.ContractSummary:
        record = contract.record
        return schema.ContractSummary(
            address=self.names.address(contract.address),
            name=contract.interface.name,
            version=contract.interface.version,
            engine=record.engine,
            creator=self.names.address(record.creator),
            height=record.height,
        )


def _fitting(entries: list[Entry]) -> list[Entry]:
    """Return the first entries, at least one, whose values are not too much to lay out at once."""
    size = 0
    for count, entry in enumerate(entries):
        size += len(entry.value)
        if size > PAGE_BYTES_MAX and count:
            return entries[:count]
    return entries


def _shown(entry: Entry) -> schema.StorageEntry:
    return schema.StorageEntry(
        key=[to_json(part) for part in entry.key],
        value=to_json(values.decode(entry.value)),
        rate=entry.rate,
    )


def _parts_of(key: list[object]) -> list[Part]:
    found = []
    for item in key:
        part = from_json(item)
        if isinstance(part, bool) or not isinstance(part, int | str | bytes):
            raise Invalid("bad_argument", "parts of a key are integers, text and bytes")
        found.append(part)
    return found


def _value_of(found: list[object]) -> Value:
    value: Any = from_json(found)
    return value  # type: ignore[no-any-return]
