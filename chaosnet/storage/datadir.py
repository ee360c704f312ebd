"""The data directory: one process at a time, and what a reset takes away.

The sign state is not in here on purpose: a reset must never let a key sign a second time what it has signed
(protocol: Engines, Sign state).
"""

import fcntl
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from chaosnet.base.errors import Refused

CHAIN_FILE: Final = "chain.db"
LOCK_FILE: Final = "LOCK"
_CHAIN_FILES: Final = (CHAIN_FILE, f"{CHAIN_FILE}-wal", f"{CHAIN_FILE}-shm")


class FileLock:
    """An exclusive lock on a file, held until `release` or the end of the process, however it ends.

    Raises Refused(`in_use`) when another holder is there, in this process or another.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._file)
            raise Refused("in_use", f"another process uses {path}") from error

    def release(self) -> None:
        """Let others in; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def lock_directory(directory: Path) -> FileLock:
    """Create the directory where needed and lock it; raises Refused(`in_use`)."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return FileLock(directory / LOCK_FILE)


def wipe(directory: Path) -> bool:
    """Delete the chain, and nothing else; return whether there was one. Raises Refused(`in_use`)."""
    if not directory.is_dir():
        return False
    with lock_directory(directory):
        found = [path for name in _CHAIN_FILES if (path := directory / name).exists()]
        for path in found:
            path.unlink()
        sync_directory(directory)
    return bool(found)


def free_bytes(directory: Path) -> int:
    """Return the bytes this process may still write on the directory's file system."""
    return shutil.disk_usage(directory).free


def chain_bytes(directory: Path) -> int:
    """Return the bytes the chain takes on disk, the write-ahead log included."""
    total = 0
    for name in _CHAIN_FILES:
        try:
            total += (directory / name).stat().st_size
        except FileNotFoundError:
            continue
    return total


def sync_directory(directory: Path) -> None:
    """Make file names created, renamed or deleted in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
