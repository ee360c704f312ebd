"""The journal of the sign state on disk: a signature leaves only when its entry is durable.

It lies beside the key, not in the data directory, so that `node reset` keeps it. What may be signed is
decided in `consensus.signstate`; here is only how its entries get to the disk and back
(protocol: Engines, Sign state).

The journal says which file its lock is, one that is never written nor replaced. In a copy of the directory,
or one restored from a backup, it is another: the key may be in use elsewhere then, and the node listens.
"""

import os
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from chaosnet.base.errors import Broken, Refused
from chaosnet.consensus.engine import AskSignature, Resume
from chaosnet.consensus.signstate import (
    SignState,
    encode_journal,
    marked,
    replay,
    resume_of,
    sign_request,
)
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.model.evidence import Signable
from chaosnet.storage.datadir import FileLock, sync_directory

JOURNAL_BYTES_MAX: Final = 1024 * 1024
"""A longer journal is replaced by the shortest one with the same meaning."""
PLACE_MAX: Final = 2**63 - 1
NOTHING_SIGNED: Final = SignState()


class SignStateFile:
    """A key behind its sign state; holds the lock on the journal until `close`.

    One thread signs. Raises Refused: `no_fence` (no journal there), `in_use` (another process signs with this
    key), `fenced` (journal of another network or key, or the key was moved away); Broken: `data_damaged`.
    """

    def __init__(self, path: Path, genesis: bytes, key: bytes, seed: bytes | None) -> None:
        """Without a seed nothing can be signed: only to see or to replace what the journal holds."""
        if not path.exists():
            raise Refused("no_fence", str(path))
        self._path = path
        self._genesis = genesis
        self._key = key
        self._seed = seed
        self._is_failed = False
        # Beside the journal, because a compaction puts another file in its place.
        self._lock = FileLock(_lock_path(path))
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except BaseException:
            self._lock.release()
            raise
        try:
            self._state, self._length = self._read()
            self._settle()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, genesis: bytes, public_key: bytes, state: SignState = NOTHING_SIGNED) -> None:
        """Begin the journal of a key that has never signed, or that comes with a state from elsewhere.

        Raises Refused(`key_exists`) when one is there.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(_lock_path(path)):
            if path.exists():
                raise Refused("key_exists", f"{path} is there already: it says what the key has signed")
            placed = replace(state, place=_place_of(path))
            os.close(_put(path, encode_journal(placed, genesis=genesis, key=public_key)))

    @classmethod
    def open(cls, path: Path, genesis: bytes, seed: bytes) -> "SignStateFile":
        """Open the journal of the key with this seed, to sign."""
        return cls(path, genesis, public_key_of(seed), seed)

    @classmethod
    def hold(cls, path: Path, genesis: bytes, public_key: bytes) -> "SignStateFile":
        """Open the journal of a key so that nobody else can sign with it meanwhile."""
        return cls(path, genesis, public_key, None)

    @property
    def state(self) -> SignState:
        """What the key has signed last."""
        return self._state

    def resume(self) -> Resume:
        """Return what the engine must know at start-up."""
        return resume_of(self._state)

    def retire(self) -> None:
        """Sign nothing from here any more: the key is on its way to another place."""
        self._state, entry = marked(self._state, is_retired=True)
        self._append(entry)

    def put(self, state: SignState) -> None:
        """Put another state in place of this one; it is the caller who keeps it from going back."""
        self._state = replace(state, place=_place_of(self._path))
        self._compact()

    def sign(self, request: AskSignature) -> Signable | None:
        """Return the signed message once its entry is durable, or None when the sign state forbids it.

        Raises Broken(`disk_failed`), also for a full disk, when the entry cannot be written; from then on
        nothing is signed.
        """
        if self._is_failed:
            raise Broken("disk_failed", f"{self._path}: an earlier write failed")
        state, entry, message = sign_request(self._state, request, self._genesis, self._sign_digest)
        if entry is None:
            return message
        self._is_failed = True  # until all of it has gone well
        try:
            if self._length + len(entry) > JOURNAL_BYTES_MAX:
                self._compact()
            self._append(entry)
        except OSError as error:
            raise Broken("disk_failed", f"{self._path}: {error}") from error
        self._is_failed = False
        self._state = state
        return message

    def close(self) -> None:
        """Give the key back; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._lock.release()

    def _sign_digest(self, digest: bytes) -> bytes:
        if self._seed is None:
            raise Broken("internal", "journal was opened without the key")
        return sign(self._seed, digest)

    def _settle(self) -> None:
        """See where the journal lies; raises Refused(`fenced`) when the key was moved away."""
        if self._seed is None:
            return
        if self._state.is_retired:
            raise Refused("fenced", f"{self._path}: the key was moved away with `keys export-fence`")
        place = _place_of(self._path)
        if self._state.place != place:
            is_copy = self._state.is_listening or self._state.place != 0
            self._state, entry = marked(self._state, place=place, is_listening=is_copy)
            self._append(entry)

    def _read(self) -> tuple[SignState, int]:
        """Replay the journal, and cut off an entry that a crash left unfinished: it was never released."""
        data = self._path.read_bytes()
        state, length = replay(data, genesis=self._genesis, key=self._key)
        if length < len(data):
            os.ftruncate(self._file, length)
            os.fsync(self._file)
        return state, length

    def _append(self, entry: bytes) -> None:
        if os.pwrite(self._file, entry, self._length) != len(entry):
            raise OSError("entry was written in part")
        os.fdatasync(self._file)
        self._length += len(entry)

    def _compact(self) -> None:
        journal = encode_journal(self._state, genesis=self._genesis, key=self._key)
        new = _put(self._path, journal)
        os.close(self._file)
        self._file, self._length = new, len(journal)


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _place_of(path: Path) -> int:
    """Return a number of the lock file that no copy and no restored backup has: nobody can set a ctime."""
    found = _lock_path(path).stat()
    return (found.st_ino ^ found.st_ctime_ns) & PLACE_MAX


def _put(path: Path, data: bytes) -> int:
    """Put a whole file in place, durable under its name, and return it opened; the caller has the lock."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if os.write(file, data) != len(data):
            raise OSError("file was written in part")
        os.fsync(file)
        new.rename(path)
        sync_directory(path.parent)
    except BaseException:
        os.close(file)
        raise
    return file
