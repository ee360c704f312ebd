"""A fence moves whole, to one place, and never takes a journal back."""

import json
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chaosnet.base.errors import ChaosError, Refused
from chaosnet.consensus.engine import AskSignature
from chaosnet.consensus.signstate import SignState, sign_request
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.model.evidence import PRECOMMIT, PREVOTE, Proposal, SignedHeader, Vote
from chaosnet.model.header import Header, SlotProof
from chaosnet.storage.fence_file import (
    FENCE_BYTES_MAX,
    export_fence,
    format_fence,
    import_fence,
    merge,
    parse_fence,
)
from chaosnet.storage.signstate_file import SignStateFile

GENESIS = b"g" * 32
SEED = b"s" * 32
KEY = public_key_of(SEED)
A, B = b"a" * 32, b"b" * 32


def header(slot: int, height: int, generated: int = 0) -> AskSignature:
    made = Header(
        *(1, GENESIS, 1, height, b"p" * 32, slot, b"o" * 33, 2, "dpos"),
        *(b"t" * 32, 0, b"s" * 32, b"r" * 32, b"v" * 32, b"n" * 32, b"l" * 32, 0),
        SlotProof(slot, b"x" * 16, generated, 0),
    )
    return AskSignature(SignedHeader(made, KEY, b""), 0, -1, b"")


def votes(height: int, block: bytes = A) -> list[AskSignature]:
    return [
        AskSignature(Proposal(0, height, 0, -1, block, KEY, b""), 0, -1, b""),
        AskSignature(Vote(PREVOTE, 0, height, 0, block, KEY, b""), 0, -1, b""),
        AskSignature(
            Vote(PRECOMMIT, 0, height, 0, block, KEY, b""), height, 0, block, ((b"k" * 32, b"v" * 64),) * 3
        ),
    ]


def after(*requests: AskSignature) -> SignState:
    state = SignState()
    for request in requests:
        state, _, message = sign_request(state, request, GENESIS, lambda digest: sign(SEED, digest))
        assert message is not None
    return state


STATE = after(*votes(7), header(3, 9))


def parsed(text: str) -> SignState:
    return parse_fence(text, genesis=GENESIS, key=KEY)


def formatted(state: SignState) -> str:
    return format_fence(state, genesis=GENESIS, key=KEY)


@pytest.mark.parametrize("state", [SignState(), after(*votes(7)[:2]), after(*votes(7)), STATE])
def test_a_fence_file_says_all(state: SignState) -> None:
    assert parsed(formatted(state)) == state


def changed(**fields: Any) -> str:
    """Return a file with other contents whose checksum is right."""
    document = json.loads(formatted(STATE)) | fields | {"checksum": ""}
    plain = json.dumps(document, separators=(",", ":")).encode()
    return json.dumps(document | {"checksum": sha256(plain).hexdigest()})


SIGNED = json.loads(formatted(STATE))["signed"]


@pytest.mark.parametrize(
    "text, code",
    [
        ("", "malformed"),
        ("{}", "malformed"),
        ("[" * 10_000, "malformed"),
        (" " * (FENCE_BYTES_MAX + 1), "too_large"),
        (formatted(STATE).replace('"height": 7', '"height": 6'), "malformed"),
        (changed(format="other"), "malformed"),
        (changed(version=2), "malformed"),
        (changed(genesis="00" * 32), "fenced"),
        (changed(key="00" * 32), "fenced"),
        (changed(genesis="xy"), "malformed"),
        (changed(signed=[SIGNED[1] | {"height": 8}]), "bad_signature"),
        (changed(signed=[SIGNED[1] | {"height": -1}]), "malformed"),
        (changed(signed=[SIGNED[1] | {"kind": "promise"}]), "malformed"),
        (changed(signed=[SIGNED[1] | {"block": "00"}]), "malformed"),
        (changed(signed=SIGNED[::-1]), "malformed"),
        (changed(signed=[SIGNED[3] | {"height": 4}]), "malformed"),
        (changed(signed=[SIGNED[3] | {"header": "00"}]), "malformed"),
        (changed(max_height_generated=8), "malformed"),
        (changed(max_height_generated=2**64), "malformed"),
        (changed(lock={"era": 0, "height": 7, "round": 0, "block": "00"}), "malformed"),
    ],
)
def test_a_fence_file_that_is_not_whole_is_refused(text: str, code: str) -> None:
    with pytest.raises(ChaosError) as caught:
        parsed(text)
    assert caught.value.code == code


def test_merging_forbids_what_either_forbids() -> None:
    old, new = after(*votes(5)), after(*votes(7)[:2])
    for merged in (merge(old, new), merge(new, old)):
        assert (merged.proposal, merged.prevote) == (new.proposal, new.prevote)
        assert (merged.precommit, merged.lock) == (old.precommit, old.lock)
    early, late = after(header(3, 20)), after(header(4, 15, 12))
    assert merge(early, late).max_height_generated == 20
    assert merge(late, early).header == late.header


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "sign-state"
    SignStateFile.create(path, GENESIS, KEY)
    run(path, *votes(7))
    return path


def run(path: Path, *requests: AskSignature) -> None:
    with closing(SignStateFile.open(path, GENESIS, SEED)) as file:
        for request in requests:
            assert file.sign(request) is not None


def take(path: Path, text: str, *, back: bool = False) -> SignState:
    return import_fence(path, parsed(text), genesis=GENESIS, key=KEY, take_back=back)


def exported(path: Path, *, retire: bool = True) -> str:
    return export_fence(path, genesis=GENESIS, key=KEY, retire=retire)[0]


def test_a_key_moves_there_and_back(path: Path, tmp_path: Path) -> None:
    there = tmp_path / "there" / "sign-state"
    text = exported(path)
    with pytest.raises(Refused) as caught:
        run(path)
    assert caught.value.code == "fenced"
    assert exported(path) == text
    take(there, text)
    with closing(SignStateFile.open(there, GENESIS, SEED)) as file:
        assert file.resume().is_listening
        assert file.sign(votes(7, B)[1]) is None
        assert file.resume().proof
    run(there, *votes(8))
    with pytest.raises(Refused):
        take(path, text)
    take(path, exported(there))
    with closing(SignStateFile.open(path, GENESIS, SEED)) as file:
        assert file.resume().is_listening
        assert file.sign(votes(8, B)[1]) is None
    run(path, *votes(9))


def test_a_move_that_did_not_happen_can_be_taken_back(path: Path) -> None:
    text = exported(path)
    take(path, text, back=True)
    run(path, *votes(8))


def test_an_old_fence_takes_nothing_back(path: Path) -> None:
    text = exported(path, retire=False)
    run(path, *votes(8))
    assert take(path, text).position == (0, 8, 0, PRECOMMIT)
    exported(path)
    for back in (False, True):
        with pytest.raises(Refused) as caught:
            take(path, text, back=back)
        assert caught.value.code == "fenced"


def test_nothing_is_exported_or_imported_while_a_node_signs(path: Path) -> None:
    text = exported(path, retire=False)
    with closing(SignStateFile.open(path, GENESIS, SEED)):
        for attempt in (lambda: exported(path), lambda: take(path, text)):
            with pytest.raises(Refused) as caught:
                attempt()
            assert caught.value.code == "in_use"
    run(path, *votes(8))


def test_there_is_nothing_to_export_without_a_sign_state(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        exported(tmp_path / "sign-state")
    assert caught.value.code == "no_fence"


def test_a_state_that_listens_says_nothing_about_it_in_the_file() -> None:
    assert formatted(replace(STATE, is_listening=True, place=5)) == formatted(STATE)
