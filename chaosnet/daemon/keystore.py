"""Key files: Ed25519 seeds under a password, and the directory they lie in.

The format is that of ERC-2335 (version 4: scrypt, AES-128-CTR, SHA-256 checksum, its password rules) with an
Ed25519 public key in place of a BLS one. A file is data from outside: what it may cost to open is bounded.
"""

import hmac
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass
from hashlib import pbkdf2_hmac, scrypt, sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from uuid import uuid4

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from chaosnet.base.errors import Invalid, Refused
from chaosnet.base.units import PublicKey
from chaosnet.crypto.signing import SEED_BYTES, public_key_of

SCRYPT_N: Final = 1 << 17
"""Cost of a new file: with r = 8 it takes 128 MiB and about half a second."""
SCRYPT_COST_MAX: Final = 1 << 23
"""Largest n x r x p that is tried: 1 GiB and a few seconds."""
PBKDF2_ROUNDS_MAX: Final = 10_000_000
KEY_FILE_BYTES_MAX: Final = 16 * 1024
PASSWORD_FILE_BYTES_MAX: Final = 4096

Document = dict[str, Any]
"""A key file as parsed JSON."""

_HexUpTo64 = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-fA-F]{2}){1,64}\Z")]
_Hex16 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-fA-F]{32}\Z")]
_Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-fA-F]{64}\Z")]


class _ScryptParams(msgspec.Struct, frozen=True):
    dklen: Literal[32]
    n: Annotated[int, msgspec.Meta(ge=2, le=1 << 20)]
    p: Annotated[int, msgspec.Meta(ge=1, le=16)]
    r: Annotated[int, msgspec.Meta(ge=1, le=32)]
    salt: _HexUpTo64


class _Scrypt(msgspec.Struct, frozen=True, tag_field="function", tag="scrypt"):
    params: _ScryptParams
    message: Literal[""] = ""


class _Pbkdf2Params(msgspec.Struct, frozen=True):
    dklen: Literal[32]
    c: Annotated[int, msgspec.Meta(ge=1, le=PBKDF2_ROUNDS_MAX)]
    prf: Literal["hmac-sha256"]
    salt: _HexUpTo64


class _Pbkdf2(msgspec.Struct, frozen=True, tag_field="function", tag="pbkdf2"):
    params: _Pbkdf2Params
    message: Literal[""] = ""


class _Checksum(msgspec.Struct, frozen=True):
    function: Literal["sha256"]
    params: dict[str, Any]
    message: _Hex32


class _CipherParams(msgspec.Struct, frozen=True):
    iv: _Hex16


class _Cipher(msgspec.Struct, frozen=True):
    function: Literal["aes-128-ctr"]
    params: _CipherParams
    message: _HexUpTo64


class _Crypto(msgspec.Struct, frozen=True):
    kdf: _Scrypt | _Pbkdf2
    checksum: _Checksum
    cipher: _Cipher


class _KeyFile(msgspec.Struct, frozen=True):
    crypto: _Crypto
    pubkey: str
    path: str
    uuid: str
    version: Literal[4]
    description: str = ""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a key file says without its password."""

    name: str
    public_key: PublicKey
    path: str
    """Derivation path, or empty for a key that comes from no phrase."""
    description: str


def encrypt_key(
    seed: bytes, password: str, *, path: str = "", description: str = "", scrypt_n: int = SCRYPT_N
) -> Document:
    """Return the key file of a 32-byte seed; raise Invalid(`bad_argument`) for an empty password."""
    public_key = public_key_of(seed)
    secret_password = _password_bytes(password)
    if not secret_password:
        raise Invalid("bad_argument", "the password is empty")
    salt, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    kdf = _Scrypt(_ScryptParams(dklen=32, n=scrypt_n, p=1, r=8, salt=salt.hex()))
    key = _derived_key(kdf, secret_password)
    message = _aes_ctr(key[:16], iv, seed)
    checksum = _Checksum("sha256", {}, sha256(key[16:] + message).hexdigest())
    cipher = _Cipher("aes-128-ctr", _CipherParams(iv.hex()), message.hex())
    found: Document = msgspec.to_builtins(
        _KeyFile(
            crypto=_Crypto(kdf, checksum, cipher),
            pubkey=public_key.hex(),
            path=path,
            uuid=str(uuid4()),
            version=4,
            description=description,
        )
    )
    return found


def decrypt_key(document: Document, password: str) -> bytes:
    """Return the 32-byte seed; raise Refused(`key_locked`) for a wrong password or another kind of file."""
    seed = decrypt_secret(document, password)
    if len(seed) != SEED_BYTES or document["pubkey"].lower() != public_key_of(seed).hex():
        raise Refused("key_locked", "the public key in the file is not the Ed25519 key of its secret")
    return seed


def decrypt_secret(document: Document, password: str) -> bytes:
    """Return the secret of any ERC-2335 file, whatever its curve; raise Refused(`key_locked`)."""
    crypto = _parse(document).crypto
    key = _derived_key(crypto.kdf, _password_bytes(password))
    message = bytes.fromhex(crypto.cipher.message)
    checksum = sha256(key[16:] + message).digest()
    if not hmac.compare_digest(checksum, bytes.fromhex(crypto.checksum.message)):
        raise Refused("key_locked", "wrong password, or the file is damaged")
    return _aes_ctr(key[:16], bytes.fromhex(crypto.cipher.params.iv), message)


class Keystore:
    """A directory of key files, one NAME.json a key. Errors of the file system pass through as OSError."""

    def __init__(self, directory: Path, scrypt_n: int = SCRYPT_N) -> None:
        self._directory = directory
        self._scrypt_n = scrypt_n

    def add(
        self, name: str, seed: bytes, password: str, *, path: str = "", description: str = ""
    ) -> PublicKey:
        """Write a new key file, whole or not at all, and return its public key.

        Raises Invalid(`bad_argument`) and Refused(`key_exists`): a key file is never overwritten.
        """
        target = self._file(name)
        if target.exists():
            raise Refused("key_exists", name)
        document = encrypt_key(seed, password, path=path, description=description, scrypt_n=self._scrypt_n)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(target, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        return public_key_of(seed)

    def list(self) -> tuple[KeyInfo, ...]:
        """Return all keys by name; raise Refused(`data_damaged`) that names a file which is no key file."""
        names = sorted(path.stem for path in self._directory.glob("*.json") if is_key_name(path.stem))
        return tuple(self._info(name) for name in names)

    def load(self, name: str, password: str) -> bytes:
        """Return the seed; raise Refused(`not_found` | `data_damaged` | `key_locked`)."""
        return decrypt_key(self.export(name), password)

    def export(self, name: str) -> Document:
        """Return the key file as it is, still encrypted; raise Refused(`not_found` | `data_damaged`)."""
        try:
            with self._file(name).open("rb") as file:
                data = file.read(KEY_FILE_BYTES_MAX + 1)
        except FileNotFoundError:
            raise Refused("not_found", f"no key {name!r} in {self._directory}") from None
        try:
            if len(data) > KEY_FILE_BYTES_MAX:
                raise Refused("data_damaged", f"longer than {KEY_FILE_BYTES_MAX} bytes")
            document = msgspec.json.decode(data, type=Document)
            _parse(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Refused) as error:
            raise Refused("data_damaged", f"{name}.json is not a key file: {error}") from None
        return document

    def _info(self, name: str) -> KeyInfo:
        file = _parse(self.export(name))
        try:
            public_key = PublicKey(bytes.fromhex(file.pubkey))
        except ValueError:
            raise Refused("data_damaged", f"{name}.json: public key is not hexadecimal") from None
        return KeyInfo(name, public_key, file.path, file.description)

    def _file(self, name: str) -> Path:
        if not is_key_name(name):
            raise Invalid("bad_argument", "a key name has 1 to 64 of a-z, 0-9, _ and -")
        return self._directory / f"{name}.json"


def is_key_name(name: str) -> bool:
    """Return whether a key may have this name."""
    return re.fullmatch(r"[a-z0-9_-]{1,64}", name) is not None


def read_password(path: Path | None, credential: str | None) -> str:
    """Return the password for an unattended start, from a file or from a systemd credential of this name.

    Raises Refused(`bad_config`) when the source is unusable, or a file that others than its owner may open;
    Refused(`key_locked`) when there is no source at all.
    """
    if path is not None and credential is not None:
        raise Refused("bad_config", "name a password file or a credential, not both")
    if path is not None:
        return _password_from(path, private=True)
    if credential is None:
        raise Refused("key_locked", "no password file and no credential is configured")
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise Refused("bad_config", "CREDENTIALS_DIRECTORY is not set: LoadCredential= is missing")
    if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}", credential) is None:
        raise Refused("bad_config", f"not the name of a credential: {credential!r}")
    # systemd guards that directory itself, by access lists that show as group bits.
    return _password_from(Path(directory) / credential, private=False)


def _password_from(path: Path, *, private: bool) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if private and mode & 0o077:
                raise Refused("bad_config", f"others may open {path}: chmod 600 it")
            data = file.read(PASSWORD_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Refused("bad_config", f"password file {path}: {error.strerror}") from error
    try:
        password = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Refused("bad_config", f"password file {path} is not UTF-8") from None
    if not password or len(data) > PASSWORD_FILE_BYTES_MAX:
        raise Refused("bad_config", f"password file {path} is empty or over {PASSWORD_FILE_BYTES_MAX} bytes")
    return password


def _parse(document: Document) -> _KeyFile:
    try:
        file = msgspec.convert(document, _KeyFile)
    except msgspec.ValidationError as error:
        raise Refused("key_locked", f"not a key file of this kind: {error}") from None
    if isinstance(file.crypto.kdf, _Scrypt):
        params = file.crypto.kdf.params
        if params.n & (params.n - 1) or params.n * params.r * params.p > SCRYPT_COST_MAX:
            raise Refused("key_locked", "scrypt parameters are malformed or cost too much")
    return file


def _password_bytes(password: str) -> bytes:
    """Return the password as ERC-2335 has it: NFKD, without C0, C1 and Delete, in UTF-8."""
    normal = unicodedata.normalize("NFKD", password)
    kept = "".join(char for char in normal if unicodedata.category(char) != "Cc")
    return kept.encode("utf-8", "surrogatepass")


def _derived_key(kdf: _Scrypt | _Pbkdf2, password: bytes) -> bytes:
    if isinstance(kdf, _Pbkdf2):
        return pbkdf2_hmac("sha256", password, bytes.fromhex(kdf.params.salt), kdf.params.c, 32)
    n, r, p = kdf.params.n, kdf.params.r, kdf.params.p
    memory = 128 * r * (n + p + 2)
    return scrypt(password, salt=bytes.fromhex(kdf.params.salt), n=n, r=r, p=p, maxmem=memory, dklen=32)


def _aes_ctr(key: bytes, iv: bytes, data: bytes) -> bytes:
    context = Cipher(algorithms.AES128(key), modes.CTR(iv)).encryptor()
    return context.update(data) + context.finalize()


def _write_new(target: Path, data: bytes) -> None:
    """Write a file that only its owner can open; its name appears when all is on disk, or never."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link fails when the name is taken.
        os.link(draft, target)
    except FileExistsError:
        raise Refused("key_exists", target.stem) from None
    finally:
        draft.unlink(missing_ok=True)
    directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
