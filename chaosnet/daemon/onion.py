"""The hash onion of one consensus key: what its owner reveals under dpos and dbft, layer by layer (LIP-22).

The core of the onion comes from the key's own seed, so there is nothing more to back up. Every 1,024th layer
is kept in a file beside the key, to spare the next start a million hashes; without it they are made again.
"""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from chaosnet.crypto.hashing import tagged_hash
from chaosnet.crypto.reveals import REVEAL_BYTES, layer_over

LAYERS: Final = 1 << 20
"""Blocks until the onion begins anew, which costs its owner one block's word in a seed."""
STRIDE: Final = 1 << 10
_SUM_BYTES: Final = 32


class Onion:
    """Answers which layer comes next. Stateless: the chain says which one came last."""

    def __init__(self, marks: list[bytes], stride: int = STRIDE) -> None:
        """`marks` are every `stride`-th layer from the core outwards."""
        self._marks = marks
        self._stride = stride
        self._place_of = {mark: place for place, mark in enumerate(marks)}

    @classmethod
    def of_seed(cls, seed: bytes, *, layers: int = LAYERS, stride: int = STRIDE) -> "Onion":
        """Make the onion of a consensus key; about half a second."""
        layer = core_of(seed)
        marks = [layer]
        for _ in range(layers // stride):
            for _ in range(stride):
                layer = layer_over(layer)
            marks.append(layer)
        return cls(marks, stride)

    @classmethod
    def kept(cls, path: Path, seed: bytes) -> "Onion":
        """Read the onion of a key from its file; make it, and the file, when that is missing or of no use."""
        with suppress(OSError):
            data = path.read_bytes()
            marks = [data[i : i + REVEAL_BYTES] for i in range(0, len(data) - _SUM_BYTES, REVEAL_BYTES)]
            is_whole = data[-_SUM_BYTES:] == sha256(data[:-_SUM_BYTES]).digest()
            if is_whole and len(marks) == LAYERS // STRIDE + 1 and marks[0] == core_of(seed):
                return cls(marks)
        onion = cls.of_seed(seed, layers=LAYERS)
        onion.keep(path)
        return onion

    def reveal(self, last: bytes) -> bytes:
        """Return the layer under the last one; the outermost when there was none, or none of this onion."""
        layer = last
        for steps in range(self._stride):
            place = self._place_of.get(layer)
            if place is not None:
                under = place * self._stride - steps - 1
                return self._layer(under) if under >= 0 else self._marks[-1]
            layer = layer_over(layer)
        return self._marks[-1]

    def _layer(self, number: int) -> bytes:
        layer = self._marks[number // self._stride]
        for _ in range(number % self._stride):
            layer = layer_over(layer)
        return layer

    def keep(self, path: Path) -> None:
        """Write the file; that it fails costs only time at the next start."""
        data = b"".join(self._marks)
        draft = path.with_name(f".{path.name}.new")
        with suppress(OSError):
            draft.unlink(missing_ok=True)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data + sha256(data).digest())
            draft.replace(path)


def core_of(seed: bytes) -> bytes:
    """Return the innermost layer."""
    return tagged_hash(b"onion", seed)[:REVEAL_BYTES]
