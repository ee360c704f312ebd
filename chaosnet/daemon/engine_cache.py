"""Compiled engines between two starts: a second or two of processor time less for each.

Machine code is trusted as our own program is, so it is only taken from a directory that nobody else can
write, and only with the seal of a secret that lies beside it. It fits one processor, one runtime and one
module, and never travels: not into backups, snapshots or images. Without it engines are compiled in memory.
"""

import hmac
import os
import platform
import secrets
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from chaosnet.rules.engines import WASMTIME_VERSIONS

SETTINGS = "1"
"""Changes with the settings of `make_engine`."""
_SEAL_BYTES = 32


def cache_directory() -> Path:
    """Return where this user's compiled engines are: as systemd says, else in the user's own cache."""
    given = os.environ.get("CACHE_DIRECTORY", "").split(":")[0]
    base = given or os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "chaosnet" / "engines"


class EngineCache:
    """See CompiledModules of contracts.wasm. No fault of the disk gets out: then nothing is kept."""

    def __init__(self, directory: Path, modules: Mapping[str, bytes]) -> None:
        self._directory = directory
        self._modules = modules

    def get(self, name: str) -> bytes | None:
        """Return the engine's machine code if it was kept here, for exactly this host and module."""
        try:
            secret = self._secret(is_new=False)
            raw = self._path(name).read_bytes()
        except OSError:
            return None
        seal, code = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        return code if hmac.compare_digest(seal, self._seal(secret, name, code)) else None

    def put(self, name: str, code: bytes) -> None:
        """Keep the engine's machine code."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            secret = self._secret(is_new=True)
            self._write(self._path(name), self._seal(secret, name, code) + code)
        except OSError:
            return

    def _secret(self, *, is_new: bool) -> bytes:
        """Return the secret of this directory; raise OSError when the directory is not ours alone."""
        status = self._directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise PermissionError(self._directory)
        path = self._directory / "secret"
        if is_new and not path.exists():
            draft = self._draft(path, secrets.token_bytes(32))
            try:
                os.link(draft, path)  # fails when another process was first: then its secret is the one
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_bytes()

    def _path(self, name: str) -> Path:
        return self._directory / sha256(self._about(name)).hexdigest()

    def _about(self, name: str) -> bytes:
        """Return all that machine code depends on."""
        module = sha256(self._modules[name]).hexdigest()
        return "\n".join((*WASMTIME_VERSIONS, SETTINGS, platform.machine(), _processor(), module)).encode()

    def _seal(self, secret: bytes, name: str, code: bytes) -> bytes:
        return hmac.digest(secret, self._about(name) + b"\n" + code, "sha256")

    def _write(self, path: Path, data: bytes) -> None:
        self._draft(path, data).replace(path)

    def _draft(self, path: Path, data: bytes) -> Path:
        """Write a new file beside the path, readable by its owner only."""
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return draft


def _processor() -> str:
    """Return what this processor can do, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    told = [line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))]
    return "\n".join(sorted(set(told)))
