"""Loaded contracts kept in memory, up to a number of bytes: the longest unused goes first.

A cache only: an image is a pure function of engine and source, and what a frame pays does not tell whether it
was here.
"""

from chaosnet.contracts.machine import Image

Key = tuple[str, bytes]
"""Engine and source."""


class ImageCache:
    """Images by engine and source. Python hashes a source once, as long as it is one object."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._images: dict[Key, Image] = {}
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """Memory that the kept images take."""
        return self._bytes

    def get(self, key: Key) -> Image | None:
        """Return the image, which is now the last that would go."""
        image = self._images.pop(key, None)
        if image is not None:
            self._images[key] = image
        return image

    def put(self, key: Key, image: Image) -> None:
        """Keep an image; others go until it fits."""
        self._drop(key)
        self._images[key] = image
        self._bytes += image.size_bytes
        while self._bytes > self._bytes_max and len(self._images) > 1:
            self._drop(next(iter(self._images)))

    def _drop(self, key: Key) -> None:
        image = self._images.pop(key, None)
        if image is not None:
            self._bytes -= image.size_bytes
