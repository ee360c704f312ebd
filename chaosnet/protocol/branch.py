"""Blocks on their way: the headers that link to our head, who gave each, and the bodies fetched for them."""

from chaosnet.model.block import SealedBlock


class Branch:
    """A chain of header ids above the head, and bodies for some of them."""

    def __init__(self) -> None:
        self.head = 0
        self.head_id = b""
        self.held_bytes = 0
        """Of all bodies not yet taken."""
        self._links: list[tuple[bytes, bytes]] = []
        """(block id, peer that gave the header), from head + 1 on."""
        self._bodies: dict[int, tuple[SealedBlock, bytes, int]] = {}
        """Height -> (block, peer that gave it, encoded size)."""
        self._taken: dict[int, bytes] = {}
        """Height -> peer that gave the block, while the kernel applies it."""

    @property
    def end(self) -> int:
        """Height of the last header."""
        return self.head + len(self._links)

    @property
    def end_id(self) -> bytes:
        """Block id of the last header; of the head when there is none."""
        return self._links[-1][0] if self._links else self.head_id

    def id_at(self, height: int) -> bytes | None:
        """Return the block id of the header at a height above the head."""
        return self._links[height - self.head - 1][0] if self.head < height <= self.end else None

    def giver_at(self, height: int) -> bytes | None:
        """Return who gave the header at a height above the head."""
        return self._links[height - self.head - 1][1] if self.head < height <= self.end else None

    def extend(self, block_id: bytes, giver: bytes) -> None:
        """Add a header after the last one."""
        self._links.append((block_id, giver))

    def has_body(self, height: int) -> bool:
        """Return whether the body at a height is here, or with the kernel."""
        return height in self._bodies or height in self._taken

    def put_body(self, height: int, block: SealedBlock, giver: bytes, size: int) -> None:
        """Keep the body of a header, unless there is one."""
        if not self.has_body(height):
            self._bodies[height] = (block, giver, size)
            self.held_bytes += size

    def take(self, height: int) -> tuple[SealedBlock, bytes] | None:
        """Hand over the body at a height, with who gave it; once."""
        found = self._bodies.pop(height, None)
        if found is None:
            return None
        block, giver, size = found
        self.held_bytes -= size
        self._taken[height] = giver
        return block, giver

    def peek(self, height: int) -> tuple[SealedBlock, bytes] | None:
        """Return the body at a height, with who gave it, and keep it."""
        found = self._bodies.get(height)
        return found[:2] if found is not None else None

    def taken_from(self, height: int) -> bytes | None:
        """Return who gave the block that was taken at a height."""
        return self._taken.get(height)

    def drop_from(self, height: int) -> None:
        """Forget headers and bodies from a height on."""
        del self._links[max(0, height - self.head - 1) :]
        for gone in [h for h in self._bodies if h >= height]:
            self.held_bytes -= self._bodies.pop(gone)[2]
        for gone in [h for h in self._taken if h >= height]:
            del self._taken[gone]

    def move_head(self, height: int, block_id: bytes) -> None:
        """Follow the chain's head: what does not build on it is forgotten."""
        known = self.id_at(height)
        if height == self.head and block_id == self.head_id:
            return
        if known != block_id:
            self.drop_from(0)
        else:
            del self._links[: height - self.head]
        self.head, self.head_id = height, block_id
        for gone in [h for h in self._bodies if h <= height]:
            self.held_bytes -= self._bodies.pop(gone)[2]
        for gone in [h for h in self._taken if h <= height]:
            del self._taken[gone]
