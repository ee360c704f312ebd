"""The shell around one kernel: feeds it events and performs its effects, in order.

One event loop owns the kernel. Signatures are verified in threads (libsodium releases the interpreter lock);
durable writes run in one writer thread, and no effect behind a write is performed before the write is done.
Only what speaks of nothing durable goes ahead of a pending write: `AskVerify`, `SetTimer`, and `Reply`, whose
verdict is that a transaction waits in memory.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

import structlog

from chaosnet.base.errors import ChaosError, Unavailable
from chaosnet.consensus.engine import AskSignature as SignatureRequest
from chaosnet.crypto.signing import is_valid
from chaosnet.daemon.clock import Clock
from chaosnet.kernel import events as ev
from chaosnet.kernel.node import Node
from chaosnet.kernel.step import step
from chaosnet.model.evidence import Signable

log = structlog.get_logger("runtime")

VERIFY_CHUNK = 128
"""Transactions whose signatures one thread verifies at a time."""

Item = tuple[tuple[bytes, bytes, bytes], ...]


class Store(Protocol):
    """The durable writes a node asks for."""

    def commit_block(self, block: ev.PersistBlock) -> None: ...
    def roll_back(self, height: int) -> None: ...
    def keep_candidate(self, candidate: ev.PersistCandidate) -> None: ...
    def keep_evidence(self, event: ev.PersistEvidence) -> None: ...
    def keep_trust(self, trust: bytes) -> None: ...


class Signer(Protocol):
    """The key, behind its sign state."""

    def sign(self, request: SignatureRequest) -> Signable | None: ...


class Secrets(Protocol):
    """What holds the secrets beside the signing key."""

    def answer(self, kind: str, question: bytes) -> bytes: ...


class Searcher(Protocol):
    """The miner, as far as the runtime calls it."""

    def mine(self, ticket: int, pre_hash: bytes, target: int) -> None: ...
    def rest(self) -> None: ...
    async def close(self) -> None: ...


class Links(Protocol):
    """The transport, as far as the runtime calls it."""

    def dial(self, address: tuple[str, int], expected: bytes | None = None) -> None: ...
    def send(self, peer: bytes, stream_class: int, payload: bytes) -> bool: ...
    def close(self, peer: bytes, reason: str) -> None: ...


Write = (
    ev.PersistBlock
    | ev.RollBack
    | ev.PersistCandidate
    | ev.PersistEvidence
    | ev.PersistTrust
    | ev.AskSignature
)


def verify_items(items: tuple[Item, ...]) -> list[bool]:
    """Return for each transaction whether all its signatures are valid."""
    return [all(is_valid(*check) for check in item) for item in items]


class Runtime:
    """Runs one node until stopped."""

    def __init__(
        self,
        node: Node,
        store: Store,
        signer: Signer | None,
        *,
        secrets: Secrets | None = None,
        verify_threads: int = 2,
        on_report: Callable[[ev.ReportFact], None] = lambda _: None,
    ) -> None:
        self.node = node
        self._store = store
        self._signer = signer
        self._secrets = secrets
        self._miner: Searcher | None = None
        self._on_report = on_report
        self._links: Links | None = None
        self._queue: deque[ev.Effect] = deque()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._replies: dict[int, asyncio.Future[tuple[tuple[bytes, str, str], ...]]] = {}
        self._request = 0
        self._clock = Clock()
        self._is_writing = False
        self._is_stopped = False
        self._verifiers = ThreadPoolExecutor(verify_threads, thread_name_prefix="verify")
        # What somebody floods us with must not keep a proposed block waiting.
        self._block_verifiers = ThreadPoolExecutor(verify_threads, thread_name_prefix="verify-block")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._tasks: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        """Done when the node must not go on: an invariant or the disk failed."""

    def attach(self, links: Links) -> None:
        """Give the runtime its transport; call before `start`."""
        self._links = links

    def attach_miner(self, miner: Searcher) -> None:
        """Give the runtime its miner, which it closes; call before `start`."""
        self._miner = miner

    def start(self) -> None:
        """Tell the kernel that the world is ready."""
        self.feed(ev.Started())

    def clock_ms(self) -> int:
        """Return the time given to the kernel: Unix ms, never going back within one process."""
        return self._clock.read_ms()

    def feed(self, event: ev.Event) -> None:
        """Give the kernel one event and perform what it asks; nothing once it has failed or is stopped."""
        if self._is_stopped or self.failed.done():
            return
        try:
            effects = step(self.node, event, self.clock_ms())
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be written after it
            self._fail(error)
            return
        for effect in effects:
            if isinstance(effect, ev.AskVerify):
                self._spawn(self._verify(effect))
            elif isinstance(effect, ev.SetTimer):
                self._set_timer(effect)
            elif isinstance(effect, ev.Reply):
                self._reply(effect)
            else:
                self._queue.append(effect)
        self._perform()

    async def submit(self, raws: tuple[bytes, ...]) -> tuple[tuple[bytes, str, str], ...]:
        """Hand raw transactions to the kernel; return (id, code, detail) each.

        Raises Unavailable(`shutdown`) when the node ends before it has answered.
        """
        if self._is_stopped or self.failed.done():
            raise Unavailable("shutdown")
        self._request += 1
        ticket = self._request
        future: asyncio.Future[tuple[tuple[bytes, str, str], ...]] = (
            asyncio.get_running_loop().create_future()
        )
        self._replies[ticket] = future
        self.feed(ev.SubmitTransactions(ticket, raws))
        return await future

    async def stop(self) -> None:
        """Finish the writes that are under way, then let go of everything."""
        self._is_stopped = True
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._refuse_replies()
        if self._miner is not None:
            await self._miner.close()
        for pool in (self._verifiers, self._block_verifiers, self._writer):
            pool.shutdown(wait=True, cancel_futures=True)

    # ── transport callbacks ──────────────────────────────────────────────────────────────────────────────

    def on_connected(self, peer: bytes, outbound: bool, remote: tuple[str, int]) -> None:
        """A peer's key is proven."""
        self.feed(ev.Connected(peer, outbound, remote[0], remote[1]))

    def on_message(self, peer: bytes, stream_class: int, payload: bytes) -> None:
        """One frame arrived."""
        self.feed(ev.Received(peer, payload))

    def on_closed(self, peer: bytes, reason: str) -> None:
        """A connection ended: what waits behind a write was for it, not for the peer's next connection."""
        addressed = (ev.SendMessage, ev.ClosePeer)
        self._queue = deque(e for e in self._queue if not (isinstance(e, addressed) and e.peer == peer))
        self.feed(ev.Disconnected(peer, reason))

    def on_dial_failed(self, address: tuple[str, int], reason: str) -> None:
        """A dial came to nothing."""
        self.feed(ev.DialFailed(address[0], address[1], reason))

    # ── effects ──────────────────────────────────────────────────────────────────────────────────────────

    def _perform(self) -> None:
        """Perform queued effects up to the next durable write; hand that and its followers to the writer."""
        while (queue := self._queue) and not self._is_writing:
            effect = queue[0]
            if isinstance(effect, Write):
                writes: list[Write] = []
                while queue and isinstance(queue[0], Write):
                    writes.append(queue.popleft())  # type: ignore[arg-type]
                self._is_writing = True
                self._spawn(self._write(writes))
                return
            queue.popleft()
            try:
                self._perform_one(effect)
            except Exception as error:  # noqa: BLE001 - a lost effect would leave the kernel waiting
                self._fail(error)

    def _perform_one(self, effect: ev.Effect) -> None:
        links = self._links
        match effect:
            case ev.SendMessage(peer=peer, stream=stream, payload=payload):
                if links is not None:
                    links.send(peer, stream, payload)
            case ev.Report(fact=fact):
                self._report(fact)
            case ev.Dial(host=host, port=port, node_id=node_id):
                if links is not None:
                    links.dial((host, port), node_id or None)
            case ev.ClosePeer(peer=peer, reason=reason):
                if links is not None:
                    links.close(peer, reason)
            case ev.AskAnswer():
                self._spawn(self._answer(effect))
            case ev.Mine(ticket=ticket, pre_hash=pre_hash, target=target):
                if self._miner is not None:
                    self._miner.mine(ticket, pre_hash, target)
            case ev.Rest():
                if self._miner is not None:
                    self._miner.rest()
            case _:
                raise AssertionError(effect)

    def _report(self, fact: ev.ReportFact) -> None:
        """Tell people. When that fails, a closed log for example, the chain goes on."""
        try:
            self._on_report(fact)
        except Exception as error:
            with suppress(Exception):
                log.error("report_failed", fact=type(fact).__name__, error=str(error), exc_info=error)  # noqa: TRY400

    async def _write(self, writes: list[Write]) -> None:
        """Perform durable writes in the writer thread, then go on with the queue."""
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._writer, self._write_all, writes)
        except Exception as error:  # noqa: BLE001 - a failed write must stop the node
            self._fail(error)
            return
        self._is_writing = False
        for answer in answers:
            self.feed(answer)
        self._perform()

    def _write_all(self, writes: list[Write]) -> list[ev.SignatureMade | ev.Written]:
        """Runs in the writer thread."""
        answers: list[ev.SignatureMade | ev.Written] = []
        for write in writes:
            match write:
                case ev.PersistBlock():
                    self._store.commit_block(write)
                    answers.append(ev.Written(write.height))
                case ev.RollBack(height=height):
                    self._store.roll_back(height)
                case ev.PersistCandidate():
                    self._store.keep_candidate(write)
                case ev.PersistEvidence():
                    self._store.keep_evidence(write)
                case ev.PersistTrust(trust=trust):
                    self._store.keep_trust(trust)
                case ev.AskSignature(request=request):
                    message = self._signer.sign(request) if self._signer is not None else None
                    answers.append(ev.SignatureMade(request.unsigned, message))
        return answers

    async def _verify(self, asked: ev.AskVerify) -> None:
        loop = asyncio.get_running_loop()
        items = asked.items
        pool = self._block_verifiers if asked.is_for_block else self._verifiers
        chunks = [items[i : i + VERIFY_CHUNK] for i in range(0, len(items), VERIFY_CHUNK)]
        futures = [loop.run_in_executor(pool, verify_items, chunk) for chunk in chunks]
        verdicts: list[bool] = []
        try:
            for part in await asyncio.gather(*futures):
                verdicts.extend(part)
        except Exception as error:  # noqa: BLE001 - an unanswered question would leave the kernel waiting
            self._fail(error)
            return
        self.feed(ev.Verified(asked.ticket, tuple(verdicts)))

    async def _answer(self, asked: ev.AskAnswer) -> None:
        """Ask the holder of the secret in a thread; without one the answer is empty."""
        secrets, answer = self._secrets, b""
        if secrets is not None:
            try:
                loop = asyncio.get_running_loop()
                answer = await loop.run_in_executor(
                    self._block_verifiers, secrets.answer, asked.kind, asked.question
                )
            except Exception as error:  # noqa: BLE001 - an unanswered question would leave the kernel waiting
                self._fail(error)
                return
        self.feed(ev.Answered(asked.ticket, answer))

    def _reply(self, reply: ev.Reply) -> None:
        future = self._replies.pop(reply.ticket, None)
        if future is not None and not future.done():
            future.set_result(reply.verdicts)

    def _set_timer(self, timer: ev.SetTimer) -> None:
        old = self._timers.pop(timer.name, None)
        if old is not None:
            old.cancel()
        delay_s = max(0, timer.at_ms - self.clock_ms()) / 1000
        self._timers[timer.name] = asyncio.get_running_loop().call_later(delay_s, self._fire, timer.name)

    def _fire(self, name: str) -> None:
        self._timers.pop(name, None)
        self.feed(ev.TimerFired(name))

    def _spawn(self, coroutine: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fail(self, error: BaseException) -> None:
        """Stop for good: nothing more is fed, performed or written."""
        code = error.code if isinstance(error, ChaosError) else "internal"
        self._queue.clear()
        if not self.failed.done():
            self.failed.set_result(error)
        self._refuse_replies()
        with suppress(Exception):
            log.critical("node_failed", code=code, error=str(error), exc_info=error)

    def _refuse_replies(self) -> None:
        """Tell clients that no answer will come."""
        for future in self._replies.values():
            if not future.done():
                future.set_exception(Unavailable("shutdown"))
        self._replies.clear()
