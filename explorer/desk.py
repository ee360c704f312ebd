"""The tree of blocks, the validators and the evidence: asked of a node once a second at most, for everybody.

A node is asked while somebody watches such a page, and otherwise when a page is opened. However many do, each
question goes out once a second; who comes in between gets the answer, or the error, that the last one got.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from chaosnet.base.errors import ChaosError
from chaosnet.rpc.schema import EvidenceItem, Tree, ValidatorList
from explorer.chain import Chain
from explorer.feed import Feed, Parts
from explorer.lru import Lru
from explorer.undone import Undone

ASK_S: Final = 1.0
"""The same question goes to a node at most once in this time."""
EVIDENCE_S: Final = 10.0
WATCH_S: Final = 1.1
LINE_S: Final = 0.03
"""The longer the list of validators, the rarer it goes out to watchers: so much for each line."""
VALIDATORS_SHOWN: Final = 200
"""Validators and candidates on one page."""
PAGES_MAX: Final = 32
"""Further pages of them that are remembered."""

log = logging.getLogger("explorer")

T = TypeVar("T")

PartsOf = Callable[[object], Callable[[str], Parts]]
"""From an answer to the parts of pages that show it, in a language."""


class Latest(Generic[T]):
    """The answer to one question, or why there is none."""

    def __init__(self, ask: Callable[[], Awaitable[T]], every_s: float = ASK_S) -> None:
        self._ask = ask
        self._every_s = every_s
        self._lock = asyncio.Lock()
        self._asked_s: float | None = None
        self._answer: T | ChaosError | None = None

    async def get(self) -> T:
        """Return the answer; raises what `Nodes.ask` raised last."""
        async with self._lock:
            now_s = asyncio.get_running_loop().time()
            if self._asked_s is None or now_s - self._asked_s >= self._every_s or self._answer is None:
                self._asked_s = now_s
                try:
                    self._answer = await self._ask()
                except ChaosError as error:
                    self._answer = error
            if isinstance(self._answer, ChaosError):
                raise type(self._answer)(self._answer.code, self._answer.detail)
            return self._answer


class Desk:
    """What of the network's making pages show beside blocks."""

    def __init__(self, chain: Chain, feed: Feed, undone: Undone, render: Callable[..., str]) -> None:
        self._chain = chain
        self._feed = feed
        self._undone = undone
        self._render = render
        self._tree = Latest(self._ask_tree)
        self._validators = Latest(lambda: chain.validators(0, VALIDATORS_SHOWN))
        self._further: Lru[Latest[ValidatorList]] = Lru(PAGES_MAX)
        self._evidence = Latest(chain.evidence, EVIDENCE_S)
        self._told: dict[str, object] = {}
        self._rest_until_s = 0.0

    async def tree(self) -> Tree:
        """Return the blocks that may still be undone; raises what `Nodes.ask` raises."""
        return await self._tree.get()

    async def validators(self, first: int = 0) -> ValidatorList:
        """Return a page of validators; raises what `Nodes.ask` raises."""
        if first == 0:
            return await self._validators.get()
        if (page := self._further.get(first)) is None:
            page = Latest(lambda: self._chain.validators(first, VALIDATORS_SHOWN))
            self._further.put(first, page, 1)
        return await page.get()

    async def evidence(self) -> list[EvidenceItem]:
        """Return proofs of double signatures; none when there is no answer."""
        try:
            return (await self._evidence.get()).evidence
        except ChaosError:
            return []

    async def find_undone(self, block_id: str) -> None:
        """Learn of a block that may stand on another branch, as far as a node tells."""
        try:
            await self.tree()
        except ChaosError as error:
            log.debug("no tree for %s: %s", block_id, error)

    # ── for those who watch ──────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Tell watchers what changes, until cancelled."""
        while True:
            await asyncio.sleep(WATCH_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Ask for what somebody watches, and tell them if it is news."""
        await self._tell("tree", self.tree, self._tree_parts)
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._rest_until_s:
            await self._tell("validators", self.validators, self._validator_parts)
            told = self._told.get("validators")
            lines = len(told.validators) if isinstance(told, ValidatorList) else 0
            self._rest_until_s = now_s + LINE_S * lines

    async def _tell(self, topic: str, ask: Callable[[], Awaitable[object]], parts_of: PartsOf) -> None:
        if not self._feed.is_wanted(topic):
            self._told.pop(topic, None)
            return
        try:
            found = await ask()
        except ChaosError as error:
            log.debug("%s: %s", topic, error)
            return
        except Exception:
            log.exception("a fault while asking for %s", topic)
            return
        if self._told.get(topic) != found:
            self._told[topic] = found
            self._feed.publish(topic, parts_of(found), replaces=True)

    def _tree_parts(self, tree: object) -> Callable[[str], Parts]:
        return lambda lang: {
            name: self._render(name, lang, tree=tree) for name in ("tree", "tree_facts", "reorganisations")
        }

    def _validator_parts(self, found: object) -> Callable[[str], Parts]:
        return lambda lang: {
            name: self._render(name, lang, found=found) for name in ("validators", "candidates", "epoch")
        }

    async def _ask_tree(self) -> Tree:
        tree = await self._chain.tree()
        self._undone.learn(tree)
        return tree
