"""BIP-39 and SLIP-0010 by their published vectors, and phrases as people type them."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.crypto.signing import public_key_of
from chaosnet.daemon.hdkeys import (
    LANGUAGES,
    WORD_COUNTS,
    account_path,
    derive,
    languages_of,
    new_phrase,
    seed_of,
)
from tests.vectors import vectors, vectors_json

ABOUT = "abandon " * 11 + "about"
ABOUT_SEED = (
    "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b"
    "2f001698e7463b04"
)


def test_every_bip_39_vector_of_every_language() -> None:
    count = 0
    for language, cases in vectors_json("hd/bip39.json").items():
        for _, phrase, seed, *_ in cases:
            assert seed_of(phrase, "TREZOR").hex() == seed
            assert language in languages_of(phrase)
            count += 1
    assert count == 12 * 24


def slip_0010() -> list[tuple[bytes, str, str, str]]:
    """(seed, path, private key, public key) of the ed25519 sections."""
    text = vectors("hd/slip-0010.md").read_text(encoding="utf-8")
    cases = []
    for section in re.findall(r"### Test vector \d for ed25519\n(.*?)(?=\n###|\Z)", text, re.DOTALL):
        seed = bytes.fromhex(re.findall(r"Seed \(hex\): ([0-9a-f]+)", section)[0])
        for chain in section.split("* Chain ")[1:]:
            path = chain.splitlines()[0].strip().replace("<sub>H</sub>", "'")
            private, public = (
                re.findall(rf"{name}: ([0-9a-f]+)", chain)[0] for name in ("private", "public")
            )
            cases.append((seed, path, private, public))
    return cases


def test_every_ed25519_vector_of_slip_0010() -> None:
    cases = slip_0010()
    assert len(cases) == 12
    for seed, path, private, public in cases:
        key = derive(seed, path)
        assert key.hex() == private
        assert "00" + public_key_of(key).hex() == public


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("words", WORD_COUNTS)
def test_a_new_phrase_is_valid_and_new(language: str, words: int) -> None:
    phrase = new_phrase(language, words)
    assert len(phrase.split(" ")) == words
    assert language in languages_of(phrase)
    assert len(seed_of(phrase)) == 64
    assert phrase != new_phrase(language, words)


@pytest.mark.parametrize(
    "typed",
    [
        ABOUT,
        ABOUT.upper(),
        f"  {ABOUT}\n",
        ABOUT.replace(" ", "\t \u3000"),
        "".join(chr(ord(char) + 0xFEE0) if char != " " else char for char in ABOUT),
    ],
)
def test_capitals_spaces_and_wide_letters_are_the_same_phrase(typed: str) -> None:
    assert seed_of(typed, "TREZOR").hex() == ABOUT_SEED


@pytest.mark.parametrize("language", ["chinese_simplified", "chinese_traditional"])
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_chinese_may_be_typed_without_spaces_or_in_groups(language: str, data: st.DataObject) -> None:
    phrase = new_phrase(language)
    characters = phrase.split(" ")
    cuts = data.draw(st.sets(st.integers(1, len(characters) - 1)))
    grouped = "".join(" " + char if place in cuts else char for place, char in enumerate(characters))
    assert seed_of(grouped) == seed_of(phrase)


def test_a_phrase_of_shared_characters_has_one_seed_and_two_languages() -> None:
    phrase = "的 " * 11 + "在"
    assert languages_of(phrase) == ("chinese_simplified", "chinese_traditional")
    assert len(seed_of(phrase)) == 64


def test_the_passphrase_is_normalised_too() -> None:
    composed, decomposed = "\u00e9", unicodedata.normalize("NFD", "\u00e9")
    assert composed != decomposed
    assert seed_of(ABOUT, composed) == seed_of(ABOUT, decomposed) != seed_of(ABOUT)


@pytest.mark.parametrize(
    "phrase, detail",
    [
        ("", "not 0"),
        ("abandon " * 13, "not 13"),
        (ABOUT.replace("about", "abouty"), "number 12"),
        ("zzz " + ABOUT.removeprefix("abandon "), "number 1$"),
        ("abandon " * 12, "checksum"),
        ("的" * 12, "checksum"),
    ],
)
def test_a_wrong_phrase_says_what_is_wrong(phrase: str, detail: str) -> None:
    assert languages_of(phrase) == ()
    with pytest.raises(Invalid, match=f"bad_mnemonic.*{detail}") as caught:
        seed_of(phrase)
    assert "aban" not in str(caught.value) and "的" not in str(caught.value)


@pytest.mark.parametrize(
    "language, words", [("french", 24), ("klingon", 24), ("../english", 24), ("english", 13)]
)
def test_new_phrases_are_of_known_kinds(language: str, words: int) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        new_phrase(language, words)


def test_the_default_path() -> None:
    assert account_path() == "m/44'/7777'/0'/0'"
    seed = bytes.fromhex(ABOUT_SEED)
    assert derive(seed, account_path(3)) == derive(seed, "m/44h/7777H/3'/0'")
    assert len({derive(seed, account_path(account)) for account in range(5)}) == 5


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "44'",
            "m/",
            "m/0",
            "m/44'/0",
            "m/-1'",
            "m/2147483648'",
            "m/0''",
            "m//0'",
            "m/ 1'",
            "m/'",
            "M/0'",
        ),
        "m/\u0661'",
        "m" + "/0'" * 33,
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        derive(bytes(64), path)


@pytest.mark.parametrize("size", [0, 15, 65])
def test_a_master_seed_has_16_to_64_bytes(size: int) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        derive(bytes(size), "m")
