"""Tagged hashes and RFC 9162 trees, against known values and the RFC's own recursion."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.crypto.hashing import check_merkle_proof, merkle_proof, merkle_root, tagged_hash

# The inputs and tree heads of the Certificate Transparency reference tests for this tree.
CT_ITEMS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(items: Sequence[bytes]) -> bytes:
    if not items:
        return sha256(b"").digest()
    if len(items) == 1:
        return sha256(b"\x00" + items[0]).digest()
    split = 1
    while split * 2 < len(items):
        split *= 2
    return sha256(b"\x01" + naive_root(items[:split]) + naive_root(items[split:])).digest()


def naive_proof(items: Sequence[bytes], index: int) -> list[bytes]:
    if len(items) == 1:
        return []
    split = 1
    while split * 2 < len(items):
        split *= 2
    if index < split:
        return [*naive_proof(items[:split], index), naive_root(items[split:])]
    return [*naive_proof(items[split:], index - split), naive_root(items[:split])]


def is_proven(root: bytes, item: bytes, index: int, count: int, proof: Sequence[bytes]) -> bool:
    try:
        check_merkle_proof(root, item, index, count, proof)
    except Invalid as error:
        return error.code != "proof_invalid"
    return True


def test_tagged_hash_is_length_tag_data() -> None:
    assert tagged_hash(b"tx", b"abc") == sha256(b"\x02txabc").digest()
    assert tagged_hash(b"t", b"xabc") != tagged_hash(b"tx", b"abc")


@pytest.mark.parametrize("count", range(9))
def test_root_of_the_certificate_transparency_tree(count: int) -> None:
    assert merkle_root(CT_ITEMS[:count]).hex() == CT_ROOTS[count]


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_root_and_proofs_equal_the_recursion_of_the_rfc(items: list[bytes]) -> None:
    root = merkle_root(items)
    assert root == naive_root(items)
    for index, item in enumerate(items):
        proof = merkle_proof(items, index)
        assert list(proof) == naive_proof(items, index)
        check_merkle_proof(root, item, index, len(items), proof)


@given(st.integers(1, 40), st.data())
def test_a_proof_holds_for_one_item_at_one_place_only(count: int, data: st.DataObject) -> None:
    items = [bytes([i]) for i in range(count)]
    index = data.draw(st.integers(0, count - 1))
    root, proof = merkle_root(items), merkle_proof(items, index)
    for other in range(-1, count + 1):
        assert is_proven(root, items[index], other, count, proof) == (other == index)
    assert not is_proven(root, b"other", index, count, proof)
    assert not is_proven(sha256(root).digest(), items[index], index, count, proof)
    assert not is_proven(root, items[index], index, count, (*proof, root))
    if proof:
        assert not is_proven(root, items[index], index, count, proof[:-1])
        assert not is_proven(root, items[index], index, count, (proof[0][:31], *proof[1:]))
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = (*proof[:place], sha256(proof[place]).digest(), *proof[place + 1 :])
        assert not is_proven(root, items[index], index, count, changed)


def test_an_inner_node_is_no_item() -> None:
    items = [b"a", b"b", b"c", b"d"]
    inner = sha256(b"\x00a").digest() + sha256(b"\x00b").digest()
    assert not is_proven(merkle_root(items), inner, 0, 2, [merkle_root(items[2:])])


@pytest.mark.parametrize("index", [-1, 2])
def test_no_proof_for_an_item_that_is_not_there(index: int) -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        merkle_proof([b"a", b"b"], index)
    assert not is_proven(merkle_root([b"a", b"b"]), b"a", index, 2, [sha256(b"\x00b").digest()])
