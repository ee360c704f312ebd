"""Files that an operator may have got from anybody: genesis, configuration, key file, sign state."""

import json

import pytest
from hypothesis import strategies as st

from chaosnet.base.errors import Broken, Invalid, Refused
from chaosnet.consensus.signstate import (
    JournalEntry,
    JournalHead,
    SignState,
    encode_entry,
    encode_journal,
    replay,
)
from chaosnet.daemon import keystore
from chaosnet.daemon.config import parse_config
from chaosnet.daemon.keystore import KEY_FILE_BYTES_MAX, Keystore, decrypt_secret, encrypt_key
from chaosnet.ledger.genesis_check import check_genesis
from chaosnet.model.genesis import genesis_hash_of
from chaosnet.model.genesis_json import TEXT_LENGTH_MAX, format_genesis, parse_genesis
from tests.fuzz.hostile import MIB, both_lengths, fuzz, hostile_text, memory_bound, mutated, values_of
from tests.making import Person, network

ADA = Person("ada")
GENESIS = network([(ADA, 1_000, None)], [ADA])
HASH = genesis_hash_of(GENESIS)
KEY = ADA.member().consensus_key

CONFIG = """
[node]
genesis = "genesis.json"
name = "node0"
[keys]
consensus_key = "keys/consensus.json"
[network]
listen = "127.0.0.1:26700"
bootstrap = ["127.0.0.1:26701", "00@[::1]:26702"]
allow = ["10.0.0.0/8"]
[rpc]
public = "127.0.0.1:26710"
[log]
level = "info"
[trust]
pinned = "7:00"
"""


@both_lengths
def test_genesis_files(examples: int) -> None:
    def check(text: str) -> None:
        try:
            genesis = parse_genesis(text)
            check_genesis(genesis)
        except Invalid:
            return
        assert parse_genesis(format_genesis(genesis)) == genesis

    fuzz(check, hostile_text(format_genesis(GENESIS)), examples)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        '{"a":' * 200_000,
        '{"time_ms": ' + "9" * 1_000_000 + "}",
        "{" + ",".join(f'"{i}":0' for i in range(100_000)) + ',"99999":1}',
        '"' + "\\u0000" * 200_000 + '"',
        " " * (TEXT_LENGTH_MAX + 1),
    ],
    ids=["depth", "objects", "digits", "repeated last", "escapes", "length"],
)
def test_a_genesis_file_made_to_be_slow_is_refused_at_once(text: str) -> None:
    with memory_bound(48 * MIB), pytest.raises(Invalid):
        parse_genesis(text)


@both_lengths
def test_configurations(examples: int) -> None:
    def check(text: str) -> None:
        try:
            parse_config(text)
        except Invalid as error:
            assert error.code == "bad_config"

    fuzz(check, hostile_text(CONFIG), examples)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{a=" * 100_000,
        "a = " + "9" * 5_000,
        '[node]\ngenesis = "g"\n[network]\nlisten = "h:' + "1" * 5_000 + '"',
        "[" + "a." * 10_000 + "a]",
        "#" * 100_000,
    ],
    ids=["depth", "tables", "digits", "port", "names", "length"],
)
def test_a_configuration_made_to_break_the_reader_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_config(text)
    assert caught.value.code == "bad_config"


@both_lengths
def test_key_files(
    examples: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keystore, "SCRYPT_COST_MAX", 1 << 10)  # what is allowed must not take long here
    monkeypatch.setattr(keystore, "PBKDF2_ROUNDS_MAX", 1 << 10)
    directory = tmp_path_factory.mktemp("keys")
    document = json.dumps(encrypt_key(bytes(32), "password", scrypt_n=2))

    def check(text: str) -> None:
        (directory / "key.json").write_bytes(text.encode(errors="surrogateescape"))
        try:
            Keystore(directory).load("key", "password")
        except Refused as error:
            assert error.code in ("data_damaged", "key_locked")
        try:
            Keystore(directory).list()
        except Refused as error:
            assert error.code == "data_damaged"

    fuzz(check, hostile_text(document).filter(lambda text: text.isprintable() or text.isascii()), examples)


@pytest.mark.parametrize("text", ["[" * KEY_FILE_BYTES_MAX, '{"a":' * 3_000, "9" * 16_000, "\x00"])
def test_a_key_file_that_is_none(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("keys")
    (directory / "key.json").write_text(text)
    with pytest.raises(Refused) as caught:
        Keystore(directory).load("key", "password")
    assert caught.value.code == "data_damaged"


def test_a_key_file_cannot_ask_for_more_work_than_the_bound() -> None:
    document = encrypt_key(bytes(32), "password", scrypt_n=2)
    for n, r, p in ((1 << 20, 32, 16), (1 << 20, 8, 2), (3, 1, 1), (2**60, 1, 1), (-2, 1, 1)):
        document["crypto"]["kdf"]["params"] |= {"n": n, "r": r, "p": p}
        with pytest.raises(Refused) as caught:
            decrypt_secret(document, "password")
        assert caught.value.code == "key_locked"


@both_lengths
def test_sign_states(examples: int) -> None:
    head = encode_entry(JournalHead(HASH, KEY))
    entries = st.one_of(values_of(JournalEntry), values_of(JournalHead)).map(encode_entry)
    journals = st.one_of(
        st.lists(entries, max_size=4).map(lambda found: head + b"".join(found)),
        values_of(SignState).map(lambda state: encode_journal(state, genesis=HASH, key=KEY)),
        st.binary(max_size=200),
        st.binary(max_size=200).map(lambda rest: head + rest),
    )

    def check(data: bytes) -> None:
        try:
            state, length = replay(data, genesis=HASH, key=KEY)
        except (Broken, Refused) as error:
            assert error.code in ("data_damaged", "fenced")
            return
        assert length <= len(data)
        assert replay(data[:length], genesis=HASH, key=KEY) == (state, length)

    fuzz(check, st.one_of(journals, mutated(journals)), examples)
