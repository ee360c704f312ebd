"""Key files: the ERC's own examples, hostile parameters, and a directory that never loses a key."""

import copy
import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid, Refused
from chaosnet.crypto.signing import public_key_of
from chaosnet.daemon import keystore
from chaosnet.daemon.keystore import Keystore, decrypt_key, decrypt_secret, encrypt_key, read_password

SEED = bytes(range(32))
FAST = 2

# The two examples of ERC-2335, with its password in mathematical letters and a key symbol.
ERC_PASSWORD = "".join(chr(0x1D530 - ord("s") + ord(char)) for char in "testpassword") + "\U0001f511"
ERC_SECRET = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
ERC_SALT = "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"
ERC_SCRYPT = {"dklen": 32, "n": 262144, "p": 1, "r": 8, "salt": ERC_SALT}
ERC_PBKDF2 = {"dklen": 32, "c": 262144, "prf": "hmac-sha256", "salt": ERC_SALT}


def erc_example(function: str, params: dict[str, Any], checksum: str, cipher: str) -> dict[str, Any]:
    return {
        "crypto": {
            "kdf": {"function": function, "params": params, "message": ""},
            "checksum": {"function": "sha256", "params": {}, "message": checksum},
            "cipher": {
                "function": "aes-128-ctr",
                "params": {"iv": "264daa3f303d7259501c93d997d84fe6"},
                "message": cipher,
            },
        },
        "description": "This is a test keystore",
        "pubkey": "9612d7a727c9d0a22e185a1c768478dfe919cada9266988cb32359c11f2b7b27"
        "f4ae4040902382ae2910c15e2b420d07",
        "path": "m/12381/60/3141592653/589793238",
        "uuid": "1d85ae20-35c5-4611-98e8-aa14a633906f",
        "version": 4,
    }


def erc_scrypt() -> dict[str, Any]:
    return erc_example(
        "scrypt",
        ERC_SCRYPT,
        "d2217fe5f3e9a1e34581ef8a78f7c9928e436d36dacc5e846690a5581e8ea484",
        "06ae90d55fe0a6e9c5c3bc5b170827b2e5cce3929ed3f116c2811e6366dfe20f",
    )


def erc_pbkdf2() -> dict[str, Any]:
    return erc_example(
        "pbkdf2",
        ERC_PBKDF2,
        "8a9f5d9912ed7e75ea794bc5a89bca5f193721d30868ade6f73043c6ea6febf1",
        "cee03fde2af33149775b7223e7845e4fb2c8ae1792e5f99fe9ecf474cc8c16ad",
    )


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    result = copy.deepcopy(document)
    *parents, last = path.split(".")
    inner = result
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    return result


@pytest.mark.parametrize("document", [erc_scrypt(), erc_pbkdf2()], ids=["scrypt", "pbkdf2"])
def test_the_examples_of_the_erc(document: dict[str, Any]) -> None:
    assert decrypt_secret(document, ERC_PASSWORD).hex() == ERC_SECRET


def test_a_bls_key_is_not_taken_for_ours() -> None:
    with pytest.raises(Refused, match="key_locked"):
        decrypt_key(erc_pbkdf2(), ERC_PASSWORD)


def test_the_password_is_normalised_as_the_erc_says() -> None:
    document = encrypt_key(SEED, "testpassword\U0001f511", scrypt_n=FAST)
    assert keystore._password_bytes(ERC_PASSWORD).hex() == "7465737470617373776f7264f09f9491"
    for typed in (ERC_PASSWORD, "test\x00pass\x7fword\x80\x9f\U0001f511\r\n"):
        assert decrypt_key(document, typed) == SEED


@settings(deadline=None)
@given(
    st.binary(min_size=32, max_size=32),
    st.text(min_size=1).filter(lambda text: bool(keystore._password_bytes(text))),
)
def test_round_trip(seed: bytes, password: str) -> None:
    document = encrypt_key(seed, password, scrypt_n=FAST)
    assert decrypt_key(msgspec.json.decode(msgspec.json.encode(document)), password) == seed
    with pytest.raises(Refused, match="key_locked"):
        decrypt_key(document, password + "x")


def test_the_document_has_the_shape_of_the_erc() -> None:
    document = encrypt_key(SEED, "p", path="m/44'/7777'/0'/0'", description="faucet", scrypt_n=FAST)
    assert document["version"] == 4
    assert document["pubkey"] == public_key_of(SEED).hex()
    assert (document["path"], document["description"]) == ("m/44'/7777'/0'/0'", "faucet")
    crypto = document["crypto"]
    assert [(name, crypto[name]["function"]) for name in sorted(crypto)] == [
        ("checksum", "sha256"),
        ("cipher", "aes-128-ctr"),
        ("kdf", "scrypt"),
    ]
    assert crypto["kdf"]["params"].keys() == {"dklen", "n", "p", "r", "salt"}
    assert set(document) == {"crypto", "description", "path", "pubkey", "uuid", "version"}
    assert SEED.hex() not in str(document)


def test_two_files_of_one_key_share_no_salt() -> None:
    first, second = (encrypt_key(SEED, "p", scrypt_n=FAST) for _ in range(2))
    for name in ("kdf", "cipher", "checksum"):
        assert first["crypto"][name] != second["crypto"][name]
    assert first["uuid"] != second["uuid"]


@pytest.mark.parametrize("password", ["", "\n", "\x00\x7f"])
def test_an_empty_password_protects_nothing(password: str) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        encrypt_key(SEED, password, scrypt_n=FAST)


@pytest.mark.parametrize(
    "path, value",
    [
        ("crypto.kdf.params.n", 1 << 21),
        ("crypto.kdf.params.n", 3),
        ("crypto.kdf.params.n", 0),
        ("crypto.kdf.params.n", -4),
        ("crypto.kdf.params.n", "1024"),
        ("crypto.kdf.params.r", 33),
        ("crypto.kdf.params.p", 17),
        ("crypto.kdf.params.dklen", 1 << 30),
        ("crypto.kdf.params.salt", "zz"),
        ("crypto.kdf.params.salt", "00" * 65),
        ("crypto.kdf.params.salt", "00\n"),
        ("crypto.kdf.function", "argon2"),
        ("crypto.kdf", {"function": "pbkdf2", "params": ERC_PBKDF2 | {"c": 10_000_001}, "message": ""}),
        ("crypto.kdf", {"function": "pbkdf2", "params": ERC_PBKDF2 | {"prf": "hmac-sha1"}, "message": ""}),
        ("crypto.kdf.params", {"dklen": 32, "n": 1 << 20, "r": 16, "p": 1, "salt": "00"}),
        ("crypto.kdf.params", {"dklen": 32, "n": 1 << 20, "r": 8, "p": 2, "salt": "00"}),
        ("crypto.cipher.params.iv", "00"),
        ("crypto.cipher.message", "00" * 65),
        ("crypto.cipher.function", "aes-128-ecb"),
        ("crypto.checksum.message", "00"),
        ("version", 3),
        ("crypto", None),
    ],
)
def test_hostile_parameters_are_refused_before_any_work(
    path: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = encrypt_key(SEED, "p", scrypt_n=FAST)

    def no_work(*_: object, **__: object) -> bytes:
        raise AssertionError("the parameters reached the key derivation")

    monkeypatch.setattr(keystore, "scrypt", no_work)
    monkeypatch.setattr(keystore, "pbkdf2_hmac", no_work)
    with pytest.raises(Refused, match="key_locked"):
        decrypt_key(changed(document, path, value), "p")


@pytest.mark.parametrize("name", ["cipher", "checksum"])
def test_a_damaged_file_opens_nothing(name: str) -> None:
    document = encrypt_key(SEED, "p", scrypt_n=FAST)
    message = document["crypto"][name]["message"]
    flipped = f"{int(message[0], 16) ^ 1:x}{message[1:]}"
    with pytest.raises(Refused, match="key_locked"):
        decrypt_key(changed(document, f"crypto.{name}.message", flipped), "p")


def test_a_swapped_public_key_or_iv_is_noticed() -> None:
    document = encrypt_key(SEED, "p", scrypt_n=FAST)
    for path, value in (("pubkey", public_key_of(bytes(32)).hex()), ("crypto.cipher.params.iv", "00" * 16)):
        with pytest.raises(Refused, match="key_locked"):
            decrypt_key(changed(document, path, value), "p")


def test_a_store_adds_lists_loads_and_exports(tmp_path: Path) -> None:
    store = Keystore(tmp_path / "data" / "keys", scrypt_n=FAST)
    assert store.list() == ()
    assert store.add("node-1", SEED, "one", path="m/44'/7777'/0'/0'") == public_key_of(SEED)
    store.add("faucet", bytes(32), "two", description="coins to give away")
    assert [(key.name, key.public_key, key.path, key.description) for key in store.list()] == [
        ("faucet", public_key_of(bytes(32)), "", "coins to give away"),
        ("node-1", public_key_of(SEED), "m/44'/7777'/0'/0'", ""),
    ]
    assert store.load("node-1", "one") == SEED
    assert decrypt_key(store.export("faucet"), "two") == bytes(32)
    with pytest.raises(Refused, match="key_locked"):
        store.load("node-1", "two")
    with pytest.raises(Refused, match="not_found"):
        store.load("other", "one")


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Keystore(tmp_path / "keys", scrypt_n=FAST).add("a", SEED, "p")
    finally:
        os.umask(before)
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_a_key_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Keystore(tmp_path, scrypt_n=FAST)
    store.add("a", SEED, "p")
    with pytest.raises(Refused, match="key_exists"):
        store.add("a", bytes(32), "q")
    # Another process may add the same name between the look and the write.
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(Refused, match="key_exists"):
        store.add("a", bytes(32), "q")
    assert store.load("a", "p") == SEED
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Keystore(tmp_path, scrypt_n=FAST)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.add("a", SEED, "p")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "a.json", "a\n", "ä", "a" * 65, "/etc/passwd"])
def test_other_names_are_refused(name: str, tmp_path: Path) -> None:
    store = Keystore(tmp_path, scrypt_n=FAST)
    for call in (
        lambda: store.add(name, SEED, "p"),
        lambda: store.load(name, "p"),
        lambda: store.export(name),
    ):
        with pytest.raises(Invalid, match="bad_argument"):
            call()


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"\xff", b"[" * 10_000, b'{"a":"' + b"x" * 20_000 + b'"}']
)
def test_a_damaged_file_is_named(data: bytes, tmp_path: Path) -> None:
    store = Keystore(tmp_path, scrypt_n=FAST)
    store.add("good", SEED, "p")
    (tmp_path / "broken.json").write_bytes(data)
    for call in (store.list, lambda: store.load("broken", "p")):
        with pytest.raises(Refused, match=r"data_damaged: broken\.json"):
            call()
    assert store.load("good", "p") == SEED


def private_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("data", [b"secret", b"secret\n", b"secret\r\n"])
def test_a_password_file_may_end_in_a_new_line(data: bytes, tmp_path: Path) -> None:
    assert read_password(private_file(tmp_path / "p", data), None) == "secret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o777])
def test_a_password_file_is_for_its_owner_only(mode: int, tmp_path: Path) -> None:
    path = private_file(tmp_path / "p", b"secret")
    path.chmod(mode)
    with pytest.raises(Refused, match="bad_config.*chmod 600"):
        read_password(path, None)


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe", b"x" * 4097])
def test_an_unusable_password_file_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="bad_config"):
        read_password(private_file(tmp_path / "p", data), None)


def test_missing_sources_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(Refused, match="key_locked"):
        read_password(None, None)
    for path, credential in ((tmp_path / "p", None), (tmp_path, None), (None, "c"), (tmp_path / "p", "c")):
        with pytest.raises(Refused, match="bad_config"):
            read_password(path, credential)


def test_a_systemd_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "creds"))
    (tmp_path / "creds").mkdir()
    (tmp_path / "creds" / "node.password").write_bytes(b"secret\n")
    (tmp_path / "creds" / "node.password").chmod(0o440)
    private_file(tmp_path / "outside", b"other")
    assert read_password(None, "node.password") == "secret"
    for name in ("../outside", "..", ".", "", "/etc/passwd", "absent"):
        with pytest.raises(Refused, match="bad_config"):
            read_password(None, name)
