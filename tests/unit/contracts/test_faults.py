"""The closed list of faults and the bound on their text."""

import pytest

from chaosnet.base.errors import CODES
from chaosnet.contracts.faults import FAULTS, TEXT_BYTES_MAX, GuestFault, OutOfGas, clip_text


def test_only_listed_codes_can_be_raised() -> None:
    assert GuestFault("static").code in FAULTS
    assert OutOfGas().code == "out_of_gas"
    with pytest.raises(AssertionError):
        GuestFault("something_else")


def test_text_is_cut_between_characters() -> None:
    assert clip_text("short") == "short"
    cut = clip_text("ä" * 200)
    assert cut == "ä" * (TEXT_BYTES_MAX // 2)
    assert len(clip_text("x" + "ä" * 200).encode()) == TEXT_BYTES_MAX - 1


def test_fault_explains_itself() -> None:
    assert str(GuestFault("static")) == "static: " + FAULTS["static"]
    assert str(GuestFault("script_error", "contract:3: oh")) == "script_error: contract:3: oh"


def test_a_receipt_may_carry_every_fault() -> None:
    assert not set(FAULTS) - set(CODES)
