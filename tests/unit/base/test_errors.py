"""Errors carry a code that is the same word everywhere, and read well."""

import re

import pytest

from chaosnet.base import errors
from chaosnet.base.errors import CODES, ChaosError, Invalid, InvalidMessage, Unavailable


def test_codes_are_words_with_one_line_of_meaning() -> None:
    for code, meaning in CODES.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", code)
        assert meaning
        assert "\n" not in meaning


def test_text_is_code_and_detail_else_meaning() -> None:
    assert str(Invalid("too_large", "9 bytes, at most 8")) == "too_large: 9 bytes, at most 8"
    assert str(Invalid("too_large")) == f"too_large: {CODES['too_large']}"


@pytest.mark.parametrize("name", ["Invalid", "InvalidTransaction", "InvalidBlock", "InvalidMessage"])
def test_bad_data_is_one_family(name: str) -> None:
    assert issubclass(getattr(errors, name), Invalid)


@pytest.mark.parametrize("name", ["Refused", "Unavailable", "Broken"])
def test_other_failures_are_no_fault_of_the_data(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, ChaosError)
    assert not issubclass(kind, Invalid)


def test_blame_and_patience_travel_with_the_error() -> None:
    assert InvalidMessage("malformed", penalty=100).penalty == 100
    assert Unavailable("timeout", retry_after_ms=250).retry_after_ms == 250
