"""The strings of BIP-350, and what a typo does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.crypto import bech32m

VALID = [
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
]
INVALID = [
    "\x201xj0phk",
    "\x7f1g6xzxy",
    "\x801vctc34",
    "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
    "qyrz8wqd2c9m",
    "1qyrz8wqd2c9m",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "au1s5cgom",
    "M1VUXWEZ",
    "16plkw9",
    "1p2gdwpf",
]
# The older checksum (BIP-173) must not pass as the newer one.
BECH32_NOT_M = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


def checksummed(hrp: str, words: list[int]) -> str:
    remainder = bech32m._remainder(hrp, bytes([*words, 0, 0, 0, 0, 0, 0])) ^ 0x2BC830A3
    words = words + [remainder >> 5 * place & 31 for place in (5, 4, 3, 2, 1, 0)]
    return f"{hrp}1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[word] for word in words)


@pytest.mark.parametrize("text", VALID)
def test_bip_350_valid(text: str) -> None:
    hrp, data = bech32m._split(text)
    assert f"{hrp}1{data}" == text.lower()
    words = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(char) for char in data[:-6]]
    assert checksummed(hrp, words) == text.lower()


@pytest.mark.parametrize("text", [*INVALID, BECH32_NOT_M])
def test_bip_350_invalid(text: str) -> None:
    with pytest.raises(Invalid, match="bad_address"):
        bech32m._split(text)


@given(st.from_regex(r"[!-@\[-~]{1,20}", fullmatch=True), st.binary(max_size=39))
def test_round_trip(hrp: str, payload: bytes) -> None:
    text = bech32m.encode(hrp, payload)
    assert bech32m.decode(hrp, text) == payload
    assert bech32m.decode(hrp, text.upper()) == payload


@given(st.binary(min_size=33, max_size=33), st.data())
def test_up_to_four_wrong_characters_are_always_found(payload: bytes, data: st.DataObject) -> None:
    text = bech32m.encode("cos", payload)
    changed = list(text)
    for place in data.draw(st.sets(st.integers(4, len(text) - 1), min_size=1, max_size=4)):
        others = sorted(set("qpzry9x8gf2tvdw0s3jn54khce6mua7l") - {text[place]})
        changed[place] = data.draw(st.sampled_from(others))
    with pytest.raises(Invalid, match="bad_address"):
        bech32m.decode("cos", "".join(changed))


@given(st.text(max_size=100))
def test_garbage_is_refused_with_its_code(text: str) -> None:
    with pytest.raises(Invalid, match="bad_address"):
        bech32m.decode("cos", text)


def test_another_prefix_is_refused() -> None:
    with pytest.raises(Invalid, match="bad_address"):
        bech32m.decode("cos", bech32m.encode("tcos", b"abc"))


def test_padding_must_be_zero_and_short() -> None:
    # 8 bits are two words of which the last two bits are padding.
    assert bech32m.decode("cos", checksummed("cos", [31, 28])) == b"\xff"
    for words in ([31, 29], [31, 30], [31, 28, 0], [0]):
        with pytest.raises(Invalid, match="bad_address"):
            bech32m.decode("cos", checksummed("cos", words))


@pytest.mark.parametrize("hrp", ["", "COS", "c s", "cös", "c" * 84, "\u212a"])
def test_encode_refuses_a_malformed_prefix(hrp: str) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        bech32m.encode(hrp, b"abc")


def test_encode_refuses_what_decode_would() -> None:
    longest = bech32m.encode("cos", bytes(50))
    assert len(longest) == 90
    assert bech32m.decode("cos", longest) == bytes(50)
    with pytest.raises(Invalid, match="bad_argument"):
        bech32m.encode("cos", bytes(51))
