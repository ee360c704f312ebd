import os
import shutil
from pathlib import Path

import pytest

from chaosnet.base.errors import Broken, Refused
from chaosnet.consensus.engine import AskSignature
from chaosnet.consensus.signstate import SignState
from chaosnet.crypto.signing import is_valid, public_key_of
from chaosnet.model.evidence import PREVOTE, Vote, vote_digest
from chaosnet.storage import signstate_file
from chaosnet.storage.signstate_file import SignStateFile

GENESIS = b"g" * 32
SEED = b"s" * 32
KEY = public_key_of(SEED)


def prevote(height: int, *, block_id: bytes = b"a" * 32) -> AskSignature:
    unsigned = Vote(PREVOTE, 0, height, 0, block_id, KEY, b"")
    return AskSignature(unsigned, locked_height=0, locked_round=-1, locked_block=b"")


def signed(file: SignStateFile, height: int) -> Vote:
    message = file.sign(prevote(height))
    assert isinstance(message, Vote)
    assert is_valid(KEY, vote_digest(GENESIS, message), message.signature)
    return message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "sign-state"
    SignStateFile.create(path, GENESIS, KEY)
    return path


def opened(path: Path) -> SignStateFile:
    return SignStateFile.open(path, GENESIS, SEED)


def test_a_second_vote_is_refused_even_after_a_restart(path: Path) -> None:
    file = opened(path)
    assert file.state.messages == SignState().messages == ()
    first = signed(file, 5)
    assert file.sign(prevote(5, block_id=b"b" * 32)) is None
    file.close()
    again = opened(path)
    assert again.sign(prevote(5, block_id=b"b" * 32)) is None
    assert again.sign(prevote(4)) is None
    assert again.sign(prevote(5)) == first
    assert again.resume().own == (first,)
    signed(again, 6)
    again.close()


def test_only_its_owner_may_read_it(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_is_never_overwritten(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(Refused) as caught:
        SignStateFile.create(path, GENESIS, KEY)
    assert caught.value.code == "key_exists"
    assert path.read_bytes() == before


def test_without_it_nothing_is_signed(tmp_path: Path) -> None:
    for place in (tmp_path / "sign-state", tmp_path / "nowhere" / "sign-state"):
        with pytest.raises(Refused) as caught:
            opened(place)
        assert caught.value.code == "no_fence"
    assert list(tmp_path.iterdir()) == []


def test_one_process_signs_with_a_key(path: Path) -> None:
    file = opened(path)
    with pytest.raises(Refused) as caught:
        opened(path)
    assert caught.value.code == "in_use"
    file.close()
    file.close()
    opened(path).close()


def test_it_is_bound_to_its_network_and_key(path: Path) -> None:
    for genesis, seed in ((b"h" * 32, SEED), (GENESIS, b"t" * 32)):
        with pytest.raises(Refused) as caught:
            SignStateFile.open(path, genesis, seed)
        assert caught.value.code == "fenced"
    opened(path).close()


def test_an_entry_torn_at_any_byte_is_cut_off(path: Path) -> None:
    file = opened(path)
    signed(file, 1)
    whole = path.stat().st_size
    second = signed(file, 2)
    file.close()
    data = path.read_bytes()
    for length in range(whole, len(data)):
        path.write_bytes(data[:length])
        torn = opened(path)
        assert path.stat().st_size == whole
        # It was never released, so another block may be signed in its place.
        other = torn.sign(prevote(2, block_id=b"b" * 32))
        assert other is not None
        torn.close()
        again = opened(path)
        assert again.resume().own == (other,)
        again.close()
    path.write_bytes(data)
    complete = opened(path)
    assert complete.resume().own == (second,)
    complete.close()


def test_damage_before_the_end_is_never_taken_for_a_torn_entry(path: Path) -> None:
    file = opened(path)
    for height in (1, 2, 3):
        signed(file, height)
    file.close()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Broken) as caught:
        opened(path)
    assert caught.value.code == "data_damaged"
    assert path.read_bytes() == data


def test_a_long_journal_is_replaced_by_a_short_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signstate_file, "JOURNAL_BYTES_MAX", 2_000)
    file = opened(path)
    sizes = []
    for height in range(1, 40):
        signed(file, height)
        sizes.append(path.stat().st_size)
    assert max(sizes) <= 2_000
    assert sizes != sorted(sizes)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Refused):
        opened(path)
    file.close()
    again = opened(path)
    assert again.sign(prevote(39, block_id=b"b" * 32)) is None
    signed(again, 40)
    again.close()
    assert sorted(p.name for p in path.parent.iterdir()) == ["sign-state", "sign-state.lock"]


def test_a_compaction_that_was_killed_leaves_the_old_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = opened(path)
    for height in range(1, 10):
        signed(file, height)
    before = path.read_bytes()
    monkeypatch.setattr(signstate_file, "JOURNAL_BYTES_MAX", len(before))
    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(Broken):
        file.sign(prevote(10))
    monkeypatch.undo()
    file.close()
    assert path.read_bytes() == before
    again = opened(path)
    signed(again, 10)
    again.close()


def test_no_signature_without_a_durable_entry_and_none_after_a_failure(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = opened(path)
    monkeypatch.setattr(os, "fdatasync", failing)
    with pytest.raises(Broken) as caught:
        file.sign(prevote(1))
    assert caught.value.code == "disk_failed"
    monkeypatch.undo()
    with pytest.raises(Broken):
        file.sign(prevote(2))
    file.close()


def test_the_entry_is_durable_before_the_message_is_released(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    fdatasync = os.fdatasync

    def watched(handle: int) -> None:
        fdatasync(handle)
        seen.append(os.fstat(handle).st_size)

    monkeypatch.setattr(os, "fdatasync", watched)
    file = opened(path)
    signed(file, 1)
    signed(file, 1)
    assert seen == [path.stat().st_size]
    file.close()


def failing(*_: object) -> None:
    raise OSError(5, "Input/output error")


def test_a_key_that_was_moved_away_signs_nothing_here(path: Path) -> None:
    held = SignStateFile.hold(path, GENESIS, KEY)
    held.retire()
    held.close()
    with pytest.raises(Refused) as caught:
        opened(path)
    assert caught.value.code == "fenced"
    SignStateFile.hold(path, GENESIS, KEY).close()


def test_a_copy_of_the_journal_listens_first(path: Path, tmp_path: Path) -> None:
    file = opened(path)
    signed(file, 5)
    file.close()
    other = tmp_path / "other"
    shutil.copytree(path.parent, other)
    for _ in range(2):
        copy = opened(other / path.name)
        assert copy.resume().is_listening
        copy.close()
    copy = opened(other / path.name)
    signed(copy, 6)
    copy.close()
    copy = opened(other / path.name)
    assert not copy.resume().is_listening
    copy.close()
    original = opened(path)
    assert not original.resume().is_listening
    original.close()
