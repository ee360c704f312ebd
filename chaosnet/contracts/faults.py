"""How a contract's frame can fail, as a closed list: the code goes into the receipt, so it is consensus.

Whatever is not in this list is no fault of the guest: it stops the node before anything is written.
"""

from typing import Final

FAULTS: Final[dict[str, str]] = {
    "out_of_gas": "the gas of this call is used up",
    "reverted": "the contract refused, with its own text",
    "script_error": "the contract's program failed",
    "memory": "the contract needs more memory than a machine has",
    "stack": "the contract nests deeper than a machine's stack",
    "static": "a view or a static call must not change anything",
    "permission": "the contract has not declared the permission for this",
    "reentered": "this contract is already running further down",
    "call_depth": "too many calls inside each other",
    "bad_value": "no value that may cross the border of a contract",
    "too_large": "more bytes or items than the bound allows",
    "not_enough": "the balance or allowance does not cover the amount",
    "no_contract": "no contract has this address",
    "no_method": "the interface has no such method",
    "bad_args": "arguments do not fit the method's signature",
    "unknown_op": "this rule set knows no such operation",
    "bad_interface": "the interface that the source declares is not one this release knows",
    "deposit": "it adds more to the state than the declared deposit covers",
    "no_token": "no token has this id, or it has no reserve",
    "frozen": "the token is paused, or this holder of it is frozen",
    "not_holder": "the caller does not hold this right over the token",
    "changed": "the allowance is not what was expected",
    "expired": "the height has passed until which this was meant",
    "too_little": "less would come out than was asked for",
    "supply": "there would be more of the token than there may be",
}

TEXT_BYTES_MAX: Final = 256
"""(chain) bytes of text that a receipt keeps of a failure."""


class GuestFault(Exception):
    """A frame ends failed with `code` of FAULTS; a host function raises it, the guest cannot catch it."""

    def __init__(self, code: str, text: str = "") -> None:
        if code not in FAULTS:
            raise AssertionError(f"{code!r} is not in FAULTS")
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return f"{self.code}: {self.text or FAULTS[self.code]}"


class OutOfGas(GuestFault):
    """The meter is empty. Never caught by the frame it ends, and never answered with anything else."""

    def __init__(self, text: str = "") -> None:
        super().__init__("out_of_gas", text)


def clip_text(text: str) -> str:
    """Return at most TEXT_BYTES_MAX bytes of the text, cut between characters."""
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= TEXT_BYTES_MAX else raw[:TEXT_BYTES_MAX].decode("utf-8", "ignore")
