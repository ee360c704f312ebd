"""Reading what contracts have made from chain.db: contracts by age, tokens, holders, and where events are.

The tables behind it follow from the state and change in the same transaction, so a roll back undoes them too.
"""

from typing import Any, Final

from chaosnet.crypto.addresses import ADDRESS_BYTES
from chaosnet.ledger.keys import HOLDING, TOKEN

TOKEN_START: Final = bytes((TOKEN, 32))
HOLDING_START: Final = bytes((HOLDING, 32))
_ADDRESS_PART: Final = bytes((ADDRESS_BYTES,))
_LAST: Final = b"\xff" * 64
"""Above every part of a key."""


class ContractReader:
    """The part of ChainView about contracts."""

    def _rows(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def contracts(self, before: int | None, limit: int) -> list[tuple[int, bytes]]:
        """Return (number, address) of contracts, the newest first; `before`: number to go on below."""
        bound = 2**63 - 1 if before is None else before
        return self._rows(
            "SELECT number, address FROM contract WHERE number < ? ORDER BY number DESC LIMIT ?",
            (bound, limit),
        )

    def tokens(self, after: bytes, limit: int) -> list[bytes]:
        """Return ids of tokens in order, from behind one on."""
        rows = self._keys(TOKEN_START + after, TOKEN_START + _LAST, limit)
        return [key[len(TOKEN_START) :] for (key,) in rows]

    def holders(self, token: bytes, after: bytes, limit: int) -> list[bytes]:
        """Return who holds a token, in the order of addresses, from behind one on."""
        start = HOLDING_START + token + _ADDRESS_PART
        return [key[len(start) :] for (key,) in self._keys(start + after, start + _LAST, limit)]

    def held_by(self, holder: bytes, after: bytes, limit: int) -> list[bytes]:
        """Return ids of the tokens that an address holds, in order, from behind one on."""
        rows = self._rows(
            "SELECT token FROM held WHERE holder = ? AND token > ? ORDER BY token LIMIT ?",
            (holder, after, limit),
        )
        return [token for (token,) in rows]

    def heights_with_outcomes(self, highest: int, limit: int) -> list[int]:
        """Return heights of blocks in which contracts ran, the newest first."""
        rows = self._rows(
            "SELECT height FROM outcome WHERE height <= ? ORDER BY height DESC LIMIT ?", (highest, limit)
        )
        return [height for (height,) in rows]

    def _keys(self, after: bytes, last: bytes, limit: int) -> list[tuple[Any, ...]]:
        return self._rows(
            "SELECT key FROM state WHERE key > ? AND key < ? ORDER BY key LIMIT ?", (after, last, limit)
        )
