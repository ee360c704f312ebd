"""What comes from the consensus key without being it."""

from pathlib import Path

import pytest

from chaosnet.base.errors import Broken
from chaosnet.crypto import vrf
from chaosnet.crypto.reveals import is_valid_reveal
from chaosnet.crypto.signing import public_key_of
from chaosnet.daemon import onion
from chaosnet.daemon.answers import KeyAnswers, vrf_key_of

SEED = b"s" * 32


def test_the_lottery_is_answered_with_a_proof_for_the_derived_key(tmp_path: Path) -> None:
    answers = KeyAnswers(SEED, tmp_path / "onion")
    proof = answers.answer("lottery", b"slot 1")
    assert vrf.verify(vrf_key_of(SEED), b"slot 1", proof) == vrf.beta_of(proof)
    assert vrf.verify(vrf_key_of(SEED), b"slot 2", proof) is None
    assert vrf_key_of(SEED) != public_key_of(SEED)
    assert not (tmp_path / "onion").exists()


def test_reveals_come_from_the_onion_beside_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onion, "LAYERS", 2 * onion.STRIDE)
    first = KeyAnswers(SEED, tmp_path / "onion").answer("reveal", b"")
    again = KeyAnswers(SEED, tmp_path / "onion")
    assert is_valid_reveal(first, again.answer("reveal", first))


def test_no_other_question_is_answered(tmp_path: Path) -> None:
    with pytest.raises(Broken):
        KeyAnswers(SEED, tmp_path / "onion").answer("sign", b"")
