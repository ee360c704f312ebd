"""What a terminal must never get from outside."""

import pytest

from tui.plain import plain


@pytest.mark.parametrize(
    "text, shown",
    [
        ("node 1 · 区块", "node 1 · 区块"),
        ("\x1b[2Jx", "�[2Jx"),
        ("a\nb\tc", "a�b�c"),
        ("\u202eabc", "�abc"),
        ("", ""),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown
