"""The hash onion: every layer follows from the key, whatever is asked first."""

from pathlib import Path

import pytest

from chaosnet.crypto.reveals import is_valid_reveal
from chaosnet.daemon import onion as onions
from chaosnet.daemon.onion import Onion

SEED = b"s" * 32


def test_each_layer_is_under_the_one_before_down_to_the_core_and_then_it_begins_anew() -> None:
    onion = Onion.of_seed(SEED, layers=24, stride=4)
    outermost = last = onion.reveal(b"")
    for _ in range(24):
        layer = onion.reveal(last)
        assert is_valid_reveal(last, layer)
        last = layer
    assert last == onions.core_of(SEED)
    assert onion.reveal(last) == outermost


def test_what_is_no_layer_of_this_key_is_answered_with_the_outermost() -> None:
    onion = Onion.of_seed(SEED, layers=24, stride=4)
    other = Onion.of_seed(b"o" * 32, layers=24, stride=4)
    assert onion.reveal(other.reveal(b"")) == onion.reveal(b"") != other.reveal(b"")


def test_the_file_spares_the_making_and_is_made_again_when_it_is_of_no_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onions, "LAYERS", 4 * onions.STRIDE)
    path = tmp_path / "onion"
    made = Onion.kept(path, SEED)
    assert path.stat().st_mode & 0o777 == 0o600
    whole = path.read_bytes()
    monkeypatch.setattr(Onion, "of_seed", lambda *_, **__: pytest.fail("made again"))
    assert Onion.kept(path, SEED).reveal(b"") == made.reveal(b"")
    monkeypatch.undo()
    monkeypatch.setattr(onions, "LAYERS", 4 * onions.STRIDE)
    for damaged in (b"", whole[:-1], whole[:40] + b"x" + whole[41:]):
        path.write_bytes(damaged)
        Onion.kept(path, SEED)
        assert path.read_bytes() != damaged
    other = Onion.kept(path, b"o" * 32)
    assert other.reveal(b"") != made.reveal(b"")
