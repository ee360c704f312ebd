"""What simulated nodes may share without seeing each other: results of pure functions.

The same block on the same state has one result, the same signature one verdict. Some nodes of each world,
and all nodes of every tenth seed, compute everything themselves.
"""

from chaosnet.base.errors import InvalidBlock
from chaosnet.crypto.signing import is_valid
from chaosnet.ledger.apply import Applied, apply_block
from chaosnet.ledger.context import Context
from chaosnet.ledger.state import State
from chaosnet.model.transaction import SignedTx

Check = tuple[bytes, bytes, bytes]


class Memo:
    """Results by their arguments."""

    def __init__(self) -> None:
        self._applied: dict[tuple[bytes, bytes], Applied | InvalidBlock] = {}
        self._verdicts: dict[Check, bool] = {}

    def apply(self, parent: State, context: Context, txs: tuple[SignedTx, ...], block_id: bytes) -> Applied:
        """Execute a block, once for each state it is tried on."""
        key = (block_id, parent.root)
        known = self._applied.get(key)
        if known is None:
            try:
                known = apply_block(parent, context, txs)
            except InvalidBlock as error:
                known = error
            self._applied[key] = known
        if isinstance(known, InvalidBlock):
            raise InvalidBlock(known.code, known.detail)
        return known

    def verify(self, checks: tuple[Check, ...]) -> bool:
        """Return whether all signatures of a transaction are valid."""
        for check in checks:
            known = self._verdicts.get(check)
            if known is None:
                known = self._verdicts[check] = is_valid(*check)
            if not known:
                return False
        return True
