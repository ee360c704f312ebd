"""Questions about contracts and tokens, for the client that blocks the calling thread."""

from typing import TypeVar

from chaosnet.rpc import schema
from chaosnet.rpc.client import contract_calls as calls
from chaosnet.rpc.client.calls import Call

T = TypeVar("T")


class ContractReads:
    """What a client can ask about contracts and tokens."""

    def _do(self, call: Call[T]) -> T:
        raise NotImplementedError

    def contracts(self, cursor: str | None = None, limit: int = 20) -> schema.ContractList:
        """Return contracts, newest first; `cursor`: `next` of the page before."""
        return self._do(calls.contracts(cursor, limit))

    def contract(self, address: str) -> schema.Contract:
        """Return a contract; raises Invalid(`no_contract`)."""
        return self._do(calls.contract(address))

    def contract_storage(
        self, address: str, prefix: list[object] | None = None, after: str | None = None, limit: int = 20
    ) -> schema.StorageList:
        """Return entries whose keys begin with some parts; `after`: `next` of the page before."""
        return self._do(calls.contract_storage(address, prefix, after, limit))

    def storage_entry(self, address: str, key: list[object]) -> schema.StorageEntry:
        """Return one entry; raises Invalid(`no_contract`, `not_found`)."""
        return self._do(calls.storage_entry(address, key))

    def storage_proof(
        self, address: str, key: list[object], height: int | None = None, trusted_height: int = 0
    ) -> schema.StorageProof:
        """Return a proof of one entry, to be checked with `chaosnet.rpc.lightclient`."""
        return self._do(calls.storage_proof(address, key, height, trusted_height))

    def query(self, address: str, question: schema.Query) -> schema.Answer:
        """Return what a method answers; see `rpc.schema.values` for the form of arguments and answer."""
        return self._do(calls.query(address, question))

    def events(
        self, contract: str | None = None, name: str | None = None, cursor: str | None = None, limit: int = 20
    ) -> schema.EventList:
        """Return events, newest first: all, or of one contract, or of one name of it."""
        return self._do(calls.events(contract, name, cursor, limit))

    def contract_events(
        self, address: str, name: str | None = None, cursor: str | None = None, limit: int = 20
    ) -> schema.EventList:
        """Return events of one contract, newest first: all, or of one name."""
        return self._do(calls.contract_events(address, name, cursor, limit))

    def event_proof(self, tx_id: str, index: int, trusted_height: int = 0) -> schema.EventProof:
        """Return a proof of one event, to be checked with `chaosnet.rpc.lightclient`."""
        return self._do(calls.event_proof(tx_id, index, trusted_height))

    def tokens(self, cursor: str | None = None, limit: int = 20) -> schema.TokenList:
        """Return tokens in the order of their ids."""
        return self._do(calls.tokens(cursor, limit))

    def token(self, token_id: str) -> schema.Token:
        """Return a token; raises Invalid(`no_token`)."""
        return self._do(calls.token(token_id))

    def token_holders(self, token_id: str, cursor: str | None = None, limit: int = 20) -> schema.HoldingList:
        """Return who holds a token, in the order of addresses."""
        return self._do(calls.token_holders(token_id, cursor, limit))

    def token_transfers(
        self, token_id: str, cursor: str | None = None, limit: int = 20
    ) -> schema.TokenTransferList:
        """Return transfers of a token, newest first."""
        return self._do(calls.token_transfers(token_id, cursor, limit))

    def account_tokens(self, address: str, cursor: str | None = None, limit: int = 20) -> schema.HoldingList:
        """Return tokens that an account or a contract holds."""
        return self._do(calls.account_tokens(address, cursor, limit))
