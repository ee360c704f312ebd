"""What a running contract may do, and how the arguments of its operations are read."""

from typing import Final

from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.interface import ANY
from chaosnet.contracts.values import Unchecked
from chaosnet.ledger.contracts import tokens
from chaosnet.ledger.contracts.frames import Run
from chaosnet.ledger.contracts.names import address_of_text, asset_of_text, asset_text, token_of_text
from chaosnet.ledger.contracts.requests import Frame
from chaosnet.model.contract_actions import COS, SENT_MAX, Sent

OWN: Final = "own"
"""Scope of a permission: tokens that the contract has issued."""


class Desk:
    """One frame at the counter: who asks, and whether that is permitted."""

    __slots__ = ("address", "books", "frame", "run")

    def __init__(self, run: Run, frame: Frame) -> None:
        self.run = run
        self.frame = frame
        self.books = run.books
        self.address = frame.contract.address

    def check_not_static(self) -> None:
        """Fault `static` where nothing may change."""
        if self.frame.is_static:
            raise GuestFault("static")

    def check_issue(self) -> None:
        """Fault `static` or `permission` unless the contract may make tokens and use rights."""
        self.check_not_static()
        if not self.frame.contract.interface.permissions.issue:
            raise GuestFault("permission", "issue")

    def check_transfer(self, asset: bytes) -> None:
        """Fault `permission` unless this asset may leave the contract."""
        scope = self.frame.contract.interface.permissions.transfer
        if ANY in scope or asset_text(asset) in scope:
            return
        if asset != COS and OWN in scope:
            record = tokens.find_token(self.books, asset)
            if record is not None and record.issuer == self.address:
                return
        raise GuestFault("permission", f"transfer of {asset_text(asset)}")

    def permitted_token(self, text: Unchecked) -> bytes:
        """Return a token that may leave the contract."""
        token = token_of_text(text)
        self.check_transfer(token)
        return token

    def address_of(self, text: Unchecked) -> bytes:
        """Return the address of a text."""
        self.books.charge(self.books.prices.address)
        return address_of_text(self.run.prefix, text)

    def sent_of(self, value: Unchecked) -> Sent:
        """Return assets that may leave the contract, in order."""
        if value is None or value == []:
            return ()
        if not isinstance(value, dict) or len(value) > SENT_MAX:
            raise GuestFault("bad_args", f"assets are a map of at most {SENT_MAX}")
        sent = sorted((asset_of_text(text), tokens.check_amount(amount)) for text, amount in value.items())
        for asset, _ in sent:
            self.check_transfer(asset)
        return tuple(sent)


def list_of(value: Unchecked, size: int | None = None) -> list[Unchecked]:
    """Return a list; fault `bad_args`."""
    if not isinstance(value, list) or (size is not None and len(value) != size):
        raise GuestFault("bad_args", "a list" if size is None else f"a list of {size}")
    return value


def text_of(value: Unchecked) -> str:
    """Return a text; fault `bad_args`."""
    if not isinstance(value, str):
        raise GuestFault("bad_args", "text")
    return value


def bytes_of(value: Unchecked) -> bytes:
    """Return bytes, those of a text too; fault `bad_args`."""
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, bytes):
        raise GuestFault("bad_args", "bytes")
    return value


def number_of(value: Unchecked) -> int:
    """Return an integer from 0 to 2^63-1; fault `bad_args`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= AMOUNT_MAX:
        raise GuestFault("bad_args", "an integer from 0 to 2^63-1")
    return value
