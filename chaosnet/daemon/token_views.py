"""What people and programs see of tokens, at the durable head (contracts: Tokens)."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from chaosnet.base.errors import Invalid
from chaosnet.base.limits import BLOCK_TXS_MAX
from chaosnet.daemon.staking_views import StakingViews
from chaosnet.ledger.contracts.names import asset_of_text
from chaosnet.ledger.contracts.reading import is_frozen_at
from chaosnet.ledger.contracts.tokens import RIGHTS, Token, read_holding, read_token
from chaosnet.ledger.state import State
from chaosnet.model.receipt import NO_OUTCOME, Move, Outcome
from chaosnet.model.transaction import decode_transaction
from chaosnet.rpc import schema
from chaosnet.storage.layout import token_name

PLACES_READ: Final = 64
"""Transactions of a token that are looked up at once."""
Place = tuple[int, int, int]
"""Height, position in the block, position among what the transaction left."""


class TokenViews(StakingViews):
    """The part of the backend about tokens."""

    async def tokens(self, cursor: str | None, limit: int) -> schema.TokenList:
        """Return tokens in the order of their ids; a cursor is an id."""
        state = self._published().state
        ids = await self._read(lambda: self._store.tokens(hex_of(cursor), limit))
        found = [(token, read_token(state, token)) for token in ids]
        return schema.TokenList(
            tokens=[self._token(token, record) for token, record in found if record is not None],
            next=ids[-1].hex() if len(ids) == limit else None,
        )

    def token(self, token_id: str) -> schema.Token:
        """Return a token; raises Invalid(`no_token`)."""
        token = asset_of_text(token_id)
        return self._token(token, self._known_token(self._published().state, token))

    async def token_holders(self, token_id: str, cursor: str | None, limit: int) -> schema.HoldingList:
        """Return holders in the order of addresses; a cursor is an address in hex."""
        token = asset_of_text(token_id)
        state = self._published().state
        record = self._known_token(state, token)
        holders = await self._read(lambda: self._store.holders(token, hex_of(cursor), limit))
        return schema.HoldingList(
            holdings=_some(self._holding(state, token, record, holder) for holder in holders),
            next=holders[-1].hex() if len(holders) == limit else None,
        )

    async def account_tokens(self, address: str, cursor: str | None, limit: int) -> schema.HoldingList:
        """Return what an address holds, in the order of tokens; a cursor is a token's id."""
        holder = self._address(address)
        state = self._published().state
        ids = await self._read(lambda: self._store.held_by(holder, hex_of(cursor), limit))
        found = [(token, read_token(state, token)) for token in ids]
        return schema.HoldingList(
            holdings=_some(self._holding(state, token, record, holder) for token, record in found if record),
            next=ids[-1].hex() if len(ids) == limit else None,
        )

    async def token_transfers(
        self, token_id: str, cursor: str | None, limit: int
    ) -> schema.TokenTransferList:
        """Return transfers, newest first; a cursor is `height.position.index`."""
        token = asset_of_text(token_id)
        self._known_token(self._published().state, token)
        before = self._before(cursor)

        def read() -> schema.TokenTransferList:
            found = list(islice(self._moves_before(token, before), limit + 1))
            last = found[limit - 1][0] if len(found) > limit else None
            return schema.TokenTransferList(
                transfers=[self._transfer(place, move) for place, move in found[:limit]],
                next=None if last is None else ".".join(map(str, last)),
            )

        return await self._read(read)

    def _moves_before(self, token: bytes, before: Place) -> Iterator[tuple[Place, Move]]:
        """Yield what moved of a token below a place, newest first."""
        bound = before[0], before[1] + (before[2] > 0)
        while places := self._store.account_history(token_name(token), bound, PLACES_READ):
            for height, position, outcome in self._outcomes_at(places):
                for index in reversed(range(len(outcome.moves))):
                    place, moved = (height, position, index), outcome.moves[index]
                    if moved.token == token and place < before:
                        yield place, moved
            bound = places[-1]

    def _before(self, cursor: str | None) -> Place:
        """Return what a page lies below; the store may be a block ahead of what was reported."""
        end = self._height + 1, 0, 0
        return min(place_of(cursor), end) if cursor else end

    def _outcomes_at(self, places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, Outcome]]:
        """Yield places with what was left there; what a block left is read once while its places follow."""
        read = -1
        outcomes: tuple[Outcome, ...] = ()
        for height, position in places:
            if height != read:
                read, outcomes = height, self._store.left_by(height) or ()
            yield height, position, outcomes[position] if position < len(outcomes) else NO_OUTCOME

    def _transfer(self, place: Place, move: Move) -> schema.TokenTransfer:
        names = self.names
        return schema.TokenTransfer(
            source=names.address(move.source) if move.source else "",
            to=names.address(move.to) if move.to else "",
            amount=str(move.amount),
            tx_id=self._tx_id_at(place[0], place[1]).hex(),
            height=place[0],
        )

    def _tx_id_at(self, height: int, position: int) -> bytes:
        block = self._store.block(height)
        return decode_transaction(block.block.txs[position]).tx_id if block is not None else b""

    def _known_token(self, state: State, token: bytes) -> Token:
        record = read_token(state, token)
        if record is None:
            raise Invalid("no_token", token.hex())
        return record

    def _token(self, token: bytes, record: Token) -> schema.Token:
        names, reserve = self.names, record.reserve
        held = {right: getattr(record, right) for right in RIGHTS}
        return schema.Token(
            id=token.hex(),
            symbol=record.symbol,
            name=record.name,
            decimals=record.decimals,
            issuer=names.address(record.issuer),
            supply=str(record.supply),
            supply_max=str(record.supply_max),
            rights={right: names.address(holder) for right, holder in held.items() if holder},
            is_paused=record.is_paused,
            reserve=None
            if reserve is None
            else schema.TokenReserve(
                motes_part=str(reserve.motes_part),
                token_part=str(reserve.token_part),
                fee=reserve.fee,
                withdraw=names.address(reserve.withdraw) if reserve.withdraw else "",
                motes=str(reserve.motes),
            ),
        )

    def _holding(self, state: State, token: bytes, record: Token, holder: bytes) -> schema.Holding:
        return schema.Holding(
            token=token.hex(),
            symbol=record.symbol,
            decimals=record.decimals,
            amount=str(read_holding(state, token, holder)),
            holder=self.names.address(holder),
            is_frozen=bool(record.freeze) and is_frozen_at(state, token, holder),
        )


def _some(holdings: Iterable[schema.Holding]) -> list[schema.Holding]:
    """Return those of something: the store may be a block ahead of the state that was reported."""
    return [holding for holding in holdings if holding.amount != "0"]


def number_of(cursor: str) -> int:
    """Return the number that a cursor is; raises Invalid(`bad_argument`), like the two below."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise Invalid("bad_argument", "cursor")
    return int(cursor)


def hex_of(cursor: str | None) -> bytes:
    """Return the bytes that a cursor is in hex; none without a cursor."""
    try:
        return bytes.fromhex(cursor or "")
    except ValueError:
        raise Invalid("bad_argument", "cursor") from None


def place_of(cursor: str) -> Place:
    """Return the place that a cursor is: three numbers with dots between them."""
    parts = [number_of(part) for part in cursor.split(".")]
    if len(parts) != 3 or parts[1] >= BLOCK_TXS_MAX:
        raise Invalid("bad_argument", "cursor")
    return parts[0], parts[1], parts[2]
