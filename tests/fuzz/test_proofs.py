"""Proofs that a lying node made: refused as `proof_invalid`, or they say what the state says."""

import msgspec
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.crypto.ics23 import PROOF_BYTES_MAX, check_absence, check_existence
from chaosnet.ledger.state import State
from chaosnet.rpc.lightclient import check_account_proof
from chaosnet.rpc.schema import AccountProof
from tests.fuzz.hostile import MIB, both_lengths, fuzz, hostile_text, memory_bound, mutated
from tests.unit.rpc.test_lightclient import CHAIN, CHANGES, HASH, HOLDER, RIGHT, STRANGER, THIRD, VALUE

ITEMS = {bytes((i,)) * 3: bytes((i + 1,)) for i in range(30)}
STATE = State.of(ITEMS.items())
PRESENT, ABSENT = b"\x07" * 3, b"nobody"


def is_shown(key: bytes, value: bytes, proof: bytes) -> bool:
    """Return whether a proof is taken; anything but a refusal as `proof_invalid` passes through."""
    try:
        if value:
            check_existence(STATE.root, proof, key, value)
        else:
            check_absence(STATE.root, proof, key)
    except Invalid as error:
        assert error.code == "proof_invalid"
        return False
    return True


@both_lengths
def test_no_bytes_prove_what_is_not_so(examples: int) -> None:
    proofs = st.sampled_from([STATE.prove(PRESENT), STATE.prove(ABSENT), STATE.prove(b"\x08" * 3)])

    def check(proof: bytes) -> None:
        assert not is_shown(PRESENT, b"", proof)
        assert not is_shown(PRESENT, b"other", proof)
        assert not is_shown(ABSENT, b"something", proof)
        for key in (PRESENT, ABSENT):
            if is_shown(key, ITEMS.get(key, b""), proof):
                # One proof has one encoding, but for the hash of the absent key in place of the key.
                assert proof == STATE.prove(key) or key == ABSENT

    fuzz(check, st.one_of(st.binary(max_size=300), mutated(proofs)), examples)


def test_long_proofs_are_cheap_to_refuse() -> None:
    steps = b"\x22\x02\x08\x01" * (PROOF_BYTES_MAX // 4)
    for proof in (b"\x0a\xff\xff\x03" + steps[: PROOF_BYTES_MAX - 4], b"\x0a\x00" * MIB, bytes(8 * MIB)):
        with memory_bound(8 * MIB):
            assert not is_shown(PRESENT, ITEMS[PRESENT], proof)


@both_lengths
def test_a_reply_of_a_lying_node_changes_nothing(examples: int) -> None:
    absent = CHAIN.reply(12, THIRD, CHANGES, address=STRANGER)
    valid = [(RIGHT, HOLDER, VALUE), (absent, STRANGER, None)]

    def check(given: tuple[int, str, str]) -> None:
        which, field, text = given
        reply, address, value = valid[which]
        forged = msgspec.structs.replace(reply, **{field: text})
        try:
            verified = check_account_proof(forged, address=address, genesis_hash=HASH)
        except Invalid as error:
            assert error.code == "proof_invalid"
        else:
            assert verified.account_value == value

    fields = [name for name in AccountProof.__struct_fields__ if name != "set_changes"]
    forged = [
        st.tuples(st.just(which), st.just(name), hostile_text(getattr(reply, name) or ""))
        for which, (reply, _, _) in enumerate(valid)
        for name in fields
    ]
    fuzz(check, st.one_of(forged), examples)
