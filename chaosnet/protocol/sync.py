"""How a node that is late or was away gets the chain: headers from one peer, bodies from several at once.

Headers are only linked here; the kernel verifies the seal of each block when it applies it. So a header chain
may be false until then. Whoever gave a header must be able to give its body: when another peer's body
contradicts it, the giver alone is asked, and the kernel's verdict shows which of the two lied. Nobody is
punished on another peer's word. Blocks of this release's engines are final at once: a peer whose chain does
not build on our head is at fault.
"""

from collections.abc import Iterator
from typing import Final

from chaosnet.base.errors import InvalidBlock, InvalidMessage
from chaosnet.base.limits import BODIES_MESSAGE_BYTES_MAX, HEADERS_PER_MESSAGE_MAX
from chaosnet.model.block import SEAL_BYTES_MAX, SealedBlock, decode_sealed
from chaosnet.model.header import block_id_of, decode_header
from chaosnet.protocol.branch import Branch
from chaosnet.protocol.messages import Bodies, Headers, Outbox
from chaosnet.protocol.serving import serve_bodies, serve_headers
from chaosnet.protocol.sources import GRACE_MS, Ask, Fault, Sources

__all__ = ["BlockSync", "serve_bodies", "serve_headers"]

HEADERS_AHEAD: Final = 256
"""More headers are asked for when fewer than this are there."""
WINDOW: Final = 256
"""Heights above the head for which bodies are asked."""
WINDOW_BYTES_MAX: Final = 48 * 1024 * 1024
"""Bodies held and under way; the next one to apply is asked for in any case."""
RANGE: Final = 16
"""Bodies asked for at once."""
BODY_PEERS: Final = 4
"""Peers asked for bodies at the same time."""
DIRECT: Final = 2
"""So few blocks behind, the bodies are asked for at once, without their headers."""
FAULTS_KEPT: Final = 256


class BlockSync:
    """Asks ready peers for the blocks above the head, and hands them over in order."""

    def __init__(self) -> None:
        self._branch = Branch()
        self._sources = Sources()
        self._accusers: dict[int, list[bytes]] = {}
        """Height -> peers whose body contradicts the header there."""
        self._faults: list[Fault] = []
        self._now = 0
        self._floor: tuple[int, bytes] | None = None
        """Newest final block, where the chain can fork: a branch may begin there, below our head."""
        self._is_below = False
        """The branch begins below our head."""

    # ── the kernel tells ─────────────────────────────────────────────────────────────────────────────────

    def on_status(self, peer: bytes, height: int, now: int) -> None:
        """Note the height that a ready peer claims."""
        self._now = now
        self._sources.on_status(peer, height, now)

    def peer_left(self, peer: bytes) -> None:
        """Forget a peer; what it gave stays."""
        self._sources.left(peer)

    def set_floor(self, height: int | None, block_id: bytes = b"") -> None:
        """Say from which final block on the chain can fork; None: it cannot."""
        self._floor = None if height is None else (height, block_id)
        if height is None:
            self._is_below = False
        elif self._is_below and height > self._branch.head:
            self._branch.move_head(height, block_id)

    def advance(self, height: int, block_id: bytes) -> None:
        """Note that a block of a fetched branch is in the tree, whether or not it is the head."""
        if self._is_below and self._branch.id_at(height) == block_id:
            self._branch.move_head(height, block_id)

    def begin_below(self) -> None:
        """Fetch from the newest final block on: a chain that does not build on our head may count more.

        Not while such a chain is on its way; but again when all of it came, and it was not the one.
        """
        is_on_its_way = self._is_below and self._branch.end > self._branch.head
        if self._floor is not None and not is_on_its_way and self._branch.head > self._floor[0]:
            self._is_below = True
            self._branch.move_head(*self._floor)

    def set_head(self, height: int, block_id: bytes, now: int) -> None:
        """Follow the chain's head, moved by sync or by consensus."""
        self._now = now
        if self._floor is not None:
            if self._is_below and block_id != self._branch.head_id and self._branch.end > self._branch.head:
                return
            self._is_below = False
            self._accusers.clear()
            self._branch.move_head(height, block_id)
            return
        known, giver = self._branch.id_at(height), self._branch.giver_at(height)
        if known is not None and known != block_id and giver is not None:
            self._blame([(giver, "bad_header", 50)])
        for contested in [h for h in self._accusers if h <= height]:
            accusers = self._accusers.pop(contested)
            if known == block_id:
                self._blame([(accuser, "bad_header", 100) for accuser in accusers])
        self._branch.move_head(height, block_id)
        for contested in [h for h in self._accusers if self._branch.id_at(h) is None]:
            del self._accusers[contested]

    def take(self, height: int) -> tuple[SealedBlock, bytes] | None:
        """Return the block at a height with the peer that gave it, if it is here; once."""
        return self._branch.take(height)

    def peek_next(self) -> tuple[SealedBlock, bytes] | None:
        """Return the lowest block not taken yet, with who gave it, if it is here; it stays."""
        for height in range(self._branch.head + 1, self._branch.end + 1):
            if self._branch.taken_from(height) is None:
                return self._branch.peek(height)
        return None

    def reject(self, height: int, now: int) -> bytes | None:
        """Drop the branch from a block on whose seal or execution failed; return the peer that gave it."""
        self._now = now
        peer, giver = self._branch.taken_from(height), self._branch.giver_at(height)
        self._sources.doubt(peer, now)
        self._sources.avoid(giver, now)
        self._drop_from(height)
        return peer

    def faults(self) -> list[Fault]:
        """Return faults found since the last call, for `AddressBook.penalise`: (peer, code, points)."""
        faults, self._faults = self._faults, []
        return faults

    # ── the kernel asks ──────────────────────────────────────────────────────────────────────────────────

    def is_syncing(self, now: int) -> bool:
        """Return whether a peer that can be believed is more than one height ahead."""
        return self._sources.best(self._branch.head, now) > self._branch.head + 1

    def progress(self) -> tuple[int, int]:
        """Return (our height, greatest height that a peer can be believed to have)."""
        return self._branch.head, self._sources.best(self._branch.head, self._now)

    def due_ms(self) -> int | None:
        """Return when `requests` should be called at the latest, if nothing else happens; None: no need."""
        return self._sources.due_ms(self._branch.head)

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────

    def requests(self, now: int) -> Outbox:
        """Return what to ask for now; to be called after every answer and at least once a second."""
        self._now = now
        self._blame(self._sources.expire(now))
        branch = self._branch
        best = self._sources.best(branch.head, now)
        if best <= branch.head:
            return []
        if branch.end == branch.head and best - branch.head <= DIRECT:
            return self._ask_directly(now)
        self._settle_contest(now)
        return [*self._ask_headers(now), *self._ask_bodies(now)]

    def _ask_directly(self, now: int) -> Outbox:
        head, sources = self._branch.head, self._sources
        if sources.open_asks(bodies=True):
            return []
        peer = sources.pick(head + DIRECT, now, bodies=True) or sources.pick(head + 1, now, bodies=True)
        source = sources.get(peer)
        if peer is None or source is None or (source.height == head + 1 and now - source.since < GRACE_MS):
            return []
        return [sources.ask(peer, Ask(head + 1, DIRECT, bodies=True, is_direct=True), now)]

    def _ask_headers(self, now: int) -> Outbox:
        branch = self._branch
        if branch.end - branch.head >= HEADERS_AHEAD or self._sources.open_asks(bodies=False):
            return []
        peer = self._sources.pick(branch.end + 1, now, bodies=False)
        if peer is None:
            return []
        return [self._sources.ask(peer, Ask(branch.end + 1, HEADERS_PER_MESSAGE_MAX, bodies=False), now)]

    def _ask_bodies(self, now: int) -> Outbox:
        outbox: Outbox = []
        open_asks = self._sources.open_asks(bodies=True)
        free = BODY_PEERS - len(open_asks)
        room = WINDOW_BYTES_MAX - self._branch.held_bytes - len(open_asks) * BODIES_MESSAGE_BYTES_MAX
        for first, count in self._gaps(open_asks):
            room -= BODIES_MESSAGE_BYTES_MAX
            if free <= 0 or (room < 0 and first > self._branch.head + 1):
                break
            peer = self._body_peer(first, now)
            if peer is not None:
                free -= 1
                outbox.append(self._sources.ask(peer, Ask(first, count, bodies=True), now))
        return outbox

    def _gaps(self, open_asks: list[Ask]) -> Iterator[tuple[int, int]]:
        """Yield (first height, count) of missing bodies in the window, at most RANGE each.

        A shorter piece at the window's end waits until the window has moved: not one request a block.
        """
        branch = self._branch
        asked = {height for ask in open_asks for height in range(ask.first, ask.first + ask.count)}
        limit = min(branch.end, branch.head + WINDOW)
        first = branch.head + 1
        while first <= limit:
            count = 0
            while count < RANGE and first + count <= limit:
                if branch.has_body(first + count) or first + count in asked:
                    break
                count += 1
            is_cut = first + count > limit and limit < branch.end and count < RANGE
            if count and (not is_cut or first == branch.head + 1):
                yield first, count
            first += count or 1

    def _body_peer(self, first: int, now: int) -> bytes | None:
        """Return whom to ask for a body: in a contest, only who gave the header."""
        if not self._accusers:
            return self._sources.pick(first, now, bodies=True)
        giver = self._branch.giver_at(first)
        source = self._sources.get(giver)
        if source is None or not source.has(first, now, bodies=True):
            return None
        return giver if source.is_free(now, bodies=True) else None

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────

    def on_headers(self, peer: bytes, message: Headers, now: int) -> None:
        """Link headers to the branch.

        Raises InvalidMessage: `unexpected` (not asked for, more than asked for, none at all), `malformed`,
        `not_canonical`, `too_large`, `bad_parent` (does not link to itself or to our head).
        """
        self._now = now
        sizes = [len(h.header) + len(h.seal) for h in message.headers]
        ask = self._sources.answered(peer, message.first, sizes, now, bodies=False)
        if not sizes:
            self._sources.doubt(peer, now)
            raise InvalidMessage("unexpected", "lacks headers that it claims", penalty=10)
        links = _decode_links(message)
        self._sources.believe(peer)
        for height, parent, block_id in links:
            if self._is_old(height, block_id) or self._branch.id_at(height) == block_id:
                continue
            if height != self._branch.end + 1:
                return  # the branch has changed meanwhile
            if parent != self._branch.end_id:
                self._breaks(peer, now, is_late=ask.is_late)
                return
            self._branch.extend(block_id, peer)

    def on_bodies(self, peer: bytes, message: Bodies, now: int) -> None:
        """Keep bodies that belong to headers of the branch.

        Raises InvalidMessage: `unexpected` (not asked for, more than asked for), `bad_header` (not this
        height, or not the block of the header that this peer gave), `bad_parent`, what decode_sealed finds.
        """
        self._now = now
        sizes = [len(raw) for raw in message.blocks]
        ask = self._sources.answered(peer, message.first, sizes, now, bodies=True)
        if not sizes:
            self._sources.lacks(peer, ask.first, now)
            if self._accusers and peer == self._branch.giver_at(ask.first):
                self._abandon(now)
            return
        blocks = [_decode_body(raw, message.first + i) for i, raw in enumerate(message.blocks)]
        self._sources.believe(peer)
        for block, size in zip(blocks, sizes, strict=True):
            if not self._accept(peer, ask, block, size, now):
                return

    def _accept(self, peer: bytes, ask: Ask, block: SealedBlock, size: int, now: int) -> bool:
        """Keep one body; return whether the next one is worth a look."""
        branch = self._branch
        header = block.block.header
        block_id = block_id_of(header)
        if self._is_old(header.height, block_id):
            return True
        known = branch.id_at(header.height)
        if known is None:
            if not ask.is_direct or header.height != branch.end + 1:
                return False  # the branch was dropped meanwhile
            if header.parent != branch.end_id:
                self._breaks(peer, now, is_late=ask.is_late)
                return False
            branch.extend(block_id, peer)
        elif known != block_id:
            self._contradict(header.height, peer, now)
            return False
        branch.put_body(header.height, block, peer, size)
        return True

    def _is_old(self, height: int, block_id: bytes) -> bool:
        """Return whether the head has reached a block meanwhile; raises InvalidMessage(`bad_parent`)."""
        if self._floor is None and height == self._branch.head and block_id != self._branch.head_id:
            raise InvalidMessage("bad_parent", "another chain than ours", penalty=50)
        return height <= self._branch.head

    # ── who lied? ────────────────────────────────────────────────────────────────────────────────────────

    def _breaks(self, peer: bytes, now: int, *, is_late: bool) -> None:
        """Judge a header that does not link to the branch's end; raises InvalidMessage(`bad_parent`)."""
        giver = self._branch.giver_at(self._branch.end)
        if giver is None and self._floor is not None and self._floor[1] != self._branch.head_id:
            self.begin_below()
            return
        if giver is None or (giver == peer and self._floor is None):
            self._drop_from(self._branch.head + 1)
            raise InvalidMessage("bad_parent", "does not link to its own chain or our head", penalty=50)
        if not is_late:  # one of the two lies, or has left that branch: begin again, with somebody else
            self._drop_from(self._branch.head + 1)
            self._sources.avoid(giver, now)

    def _contradict(self, height: int, peer: bytes, now: int) -> None:
        """Note a body that is not the block of the header there; raises InvalidMessage(`bad_header`)."""
        if self._branch.giver_at(height) == peer:
            self._drop_from(height)
            if self._floor is not None:  # it may have left that branch meanwhile
                self._sources.avoid(peer, now)
                return
            raise InvalidMessage("bad_header", "body is not the block of its own header", penalty=100)
        self._accusers.setdefault(height, []).append(peer)
        self._settle_contest(now)

    def _settle_contest(self, now: int) -> None:
        """End a contest whose header giver is gone, late, doubted or without bodies."""
        for height in self._accusers:
            source = self._sources.get(self._branch.giver_at(height))
            if source is None or source.is_late or now < max(source.doubt_until, source.lacks_until):
                self._abandon(now)
                return

    def _abandon(self, now: int) -> None:
        """Drop a contested branch and believe its giver no more for a while; nobody is proven wrong."""
        first = min(self._accusers)
        self._sources.doubt(self._branch.giver_at(first), now)
        self._drop_from(first)

    def _drop_from(self, height: int) -> None:
        self._branch.drop_from(height)
        for contested in [h for h in self._accusers if h >= height]:
            del self._accusers[contested]

    def _blame(self, faults: list[Fault]) -> None:
        self._faults += faults[: FAULTS_KEPT - len(self._faults)]


def _decode_links(message: Headers) -> list[tuple[int, bytes, bytes]]:
    """Return (height, parent, block id) of headers that link to each other; raises InvalidMessage."""
    links: list[tuple[int, bytes, bytes]] = []
    for i, sealed in enumerate(message.headers):
        if len(sealed.seal) > SEAL_BYTES_MAX:
            raise InvalidMessage("too_large", "seal", penalty=100)
        try:
            header = decode_header(sealed.header)
        except InvalidBlock as error:
            raise InvalidMessage(error.code, error.detail, penalty=100) from error
        if header.height != message.first + i or (links and header.parent != links[-1][2]):
            raise InvalidMessage("bad_parent", f"header {i} does not follow", penalty=100)
        links.append((header.height, header.parent, block_id_of(header)))
    return links


def _decode_body(raw: bytes, height: int) -> SealedBlock:
    """Return a block whose body is the one of its header; raises InvalidMessage."""
    try:
        block = decode_sealed(raw)
    except InvalidBlock as error:
        raise InvalidMessage(error.code, error.detail, penalty=100) from error
    if block.block.header.height != height:
        raise InvalidMessage("bad_header", f"block {block.block.header.height}, not {height}", penalty=100)
    return block
