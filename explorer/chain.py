"""Blocks, transactions and accounts for pages; what is final is asked of a node once."""

from typing import Final

from chaosnet.rpc.schema import (
    Account,
    Answer,
    Block,
    BlockList,
    Contract,
    ContractList,
    DelegationList,
    EventList,
    EvidenceList,
    HoldingList,
    Params,
    Query,
    SearchResult,
    StorageList,
    Token,
    TokenList,
    TokenTransferList,
    Transaction,
    TransactionList,
    Tree,
    ValidatorList,
)
from explorer.lru import Lru
from explorer.nodes import Nodes

CACHE_BYTES_MAX: Final = 16 * 1024 * 1024
BLOCK_BYTES: Final = 2_000
"""About what a block without its transactions takes in memory."""
LINE_BYTES: Final = 1_200
"""About what a line of a transaction list takes."""


class Chain:
    """Answers of the nodes, final ones remembered. Raises what `Nodes.ask` raises."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._blocks: Lru[Block] = Lru(CACHE_BYTES_MAX)
        self._pages: Lru[TransactionList] = Lru(CACHE_BYTES_MAX)
        self._transactions: Lru[Transaction] = Lru(CACHE_BYTES_MAX)
        self._params: Lru[Params] = Lru(CACHE_BYTES_MAX)

    def forget(self) -> None:
        """Drop everything: the network is another one."""
        for cache in (self._blocks, self._pages, self._transactions, self._params):
            cache.clear()

    async def blocks(self, first: int | None, limit: int) -> BlockList:
        """Return blocks, newest first."""
        return await self._nodes.ask(lambda client: client.blocks(first, limit))

    async def block(self, name: str) -> Block:
        """Return a block by height, id, `head` or `final`."""
        if (found := self._blocks.get(name)) is not None:
            return found
        block = await self._nodes.ask(lambda client: client.block(name))
        if block.summary.is_final and name not in ("head", "final"):
            self._blocks.put(name, block, BLOCK_BYTES + LINE_BYTES * len(block.transactions))
        return block

    async def block_transactions(self, block_id: str, position: int, limit: int) -> TransactionList:
        """Return a part of a block's transactions; a block's id fixes them."""
        key = (block_id, position, limit)
        if (found := self._pages.get(key)) is not None:
            return found
        page = await self._nodes.ask(lambda client: client.block_transactions(block_id, position, limit))
        self._pages.put(key, page, LINE_BYTES * (1 + len(page.transactions)))
        return page

    async def transaction(self, tx_id: str) -> Transaction:
        """Return a transaction, pending or in a block."""
        if (found := self._transactions.get(tx_id)) is not None:
            return found
        transaction = await self._nodes.ask(lambda client: client.transaction(tx_id))
        if transaction.status == "final":
            self._transactions.put(tx_id, transaction, BLOCK_BYTES + 4 * len(transaction.raw))
        return transaction

    async def account(self, address: str) -> Account:
        """Return an account at the head."""
        return await self._nodes.ask(lambda client: client.account(address))

    async def account_transactions(self, address: str, cursor: str | None, limit: int) -> TransactionList:
        """Return a page of an account's transactions, newest first."""
        return await self._nodes.ask(lambda client: client.account_transactions(address, cursor, limit))

    async def search(self, text: str) -> SearchResult:
        """Return what a text names."""
        return await self._nodes.ask(lambda client: client.search(text))

    async def tree(self) -> Tree:
        """Return the blocks that may still be undone."""
        return await self._nodes.ask(lambda client: client.tree())

    async def validators(self, first: int, limit: int) -> ValidatorList:
        """Return validators and candidates from a position on."""
        return await self._nodes.ask(lambda client: client.validators(first, limit))

    async def delegations(self, address: str) -> DelegationList:
        """Return coins of an account that are bonded or on their way out."""
        return await self._nodes.ask(lambda client: client.delegations(address))

    async def evidence(self) -> EvidenceList:
        """Return proofs of double signatures."""
        return await self._nodes.ask(lambda client: client.evidence())

    # ── contracts and tokens

    async def contracts(self, cursor: str | None, limit: int) -> ContractList:
        """Return contracts, newest first."""
        return await self._nodes.ask(lambda client: client.contracts(cursor, limit))

    async def contract(self, address: str) -> Contract:
        """Return a contract."""
        return await self._nodes.ask(lambda client: client.contract(address))

    async def storage(self, address: str, prefix: list[object], after: str | None, limit: int) -> StorageList:
        """Return entries of a contract's storage."""
        return await self._nodes.ask(lambda client: client.contract_storage(address, prefix, after, limit))

    async def events(self, contract: str, cursor: str | None, limit: int) -> EventList:
        """Return events of a contract, newest first."""
        return await self._nodes.ask(lambda client: client.events(contract, None, cursor, limit))

    async def query(self, address: str, question: Query) -> Answer:
        """Return what a method answers."""
        return await self._nodes.ask(lambda client: client.query(address, question))

    async def tokens(self, cursor: str | None, limit: int) -> TokenList:
        """Return tokens in the order of their ids."""
        return await self._nodes.ask(lambda client: client.tokens(cursor, limit))

    async def token(self, token_id: str) -> Token:
        """Return a token."""
        return await self._nodes.ask(lambda client: client.token(token_id))

    async def holders(self, token_id: str, cursor: str | None, limit: int) -> HoldingList:
        """Return who holds a token."""
        return await self._nodes.ask(lambda client: client.token_holders(token_id, cursor, limit))

    async def transfers(self, token_id: str, cursor: str | None, limit: int) -> TokenTransferList:
        """Return transfers of a token, newest first."""
        return await self._nodes.ask(lambda client: client.token_transfers(token_id, cursor, limit))

    async def holdings(self, address: str, cursor: str | None, limit: int) -> HoldingList:
        """Return tokens of an account or a contract."""
        return await self._nodes.ask(lambda client: client.account_tokens(address, cursor, limit))

    async def params(self) -> Params:
        """Return the chain's parameters; asked anew for each rule set."""
        status = self._nodes.status
        key = status.rule if status else 0
        if (found := self._params.get(key)) is not None:
            return found
        params = await self._nodes.ask(lambda client: client.params())
        self._params.put(key, params, BLOCK_BYTES)
        return params
