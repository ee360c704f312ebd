"""Arguments of the routes: what path and query may hold. A field named in the path comes from there."""

from typing import Annotated

import msgspec
from msgspec import Meta

from chaosnet.base.limits import AMOUNT_MAX, PAGE_MAX, VALIDATORS_PAGE_MAX
from chaosnet.rpc.schema import Shape

HeightNumber = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]
BlockName = Annotated[
    str,
    Meta(
        pattern="^(head|final|[0-9]{1,19}|[0-9a-f]{64})$",
        description="Height, block id, `head` or `final`.",
    ),
]
TransactionId = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="Hash of the body, in hex.")]
AddressText = Annotated[str, Meta(min_length=1, max_length=90, description="Bech32m address.")]
TokenId = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="Id of the token, in hex.")]
KeyText = Annotated[str, Meta(max_length=1_000)]
EventName = Annotated[str, Meta(min_length=1, max_length=64, description="Events of this name only.")]
Cursor = Annotated[str, Meta(max_length=200, description="`next` of the page before.")]
Limit = Annotated[int, Meta(ge=1, le=PAGE_MAX, description="Most items to return.")]


class Arguments(Shape, forbid_unknown_fields=True):
    """Base of every route's arguments; alone: none."""


class BlocksArguments(Arguments):
    """A page of blocks, newest first."""

    first: (
        Annotated[HeightNumber, Meta(description="Highest block of the page; the head if absent.")] | None
    ) = msgspec.field(name="from", default=None)
    limit: Limit = 20


class BlockArguments(Arguments):
    """One block."""

    name: BlockName


class BlockTransactionsArguments(Arguments):
    """A page of a block's transactions, in order."""

    name: BlockName
    position: Annotated[int, Meta(ge=0, le=2**31, description="First position of the page.")] = msgspec.field(
        name="from", default=0
    )
    limit: Limit = 20


class TransactionArguments(Arguments):
    """One transaction."""

    id: TransactionId


class AccountArguments(Arguments):
    """One account."""

    address: AddressText


class AccountTransactionsArguments(Arguments):
    """A page of an account's transactions, newest first."""

    address: AddressText
    cursor: Cursor | None = None
    limit: Limit = 20


class AccountProofArguments(Arguments):
    """One account at one block, for somebody who trusts another block."""

    address: AddressText
    height: (
        Annotated[
            HeightNumber, Meta(description="Block whose state is proved: the last 128, the newest if absent.")
        ]
        | None
    ) = None
    trusted_height: Annotated[
        HeightNumber, Meta(description="Block the asker trusts already; 0: the genesis hash alone.")
    ] = 0


class ValidatorsArguments(Arguments):
    """A page of validators and candidates, by weight."""

    position: Annotated[int, Meta(ge=0, le=2**31, description="First position of the page.")] = msgspec.field(
        name="from", default=0
    )
    limit: Annotated[int, Meta(ge=1, le=VALIDATORS_PAGE_MAX, description="Most items to return.")] = 200


class PageArguments(Arguments, kw_only=True):
    """A page of a list."""

    cursor: Cursor | None = None
    limit: Limit = 20


class ContractPageArguments(PageArguments, kw_only=True):
    """A page of what one account or contract has."""

    address: AddressText


class StorageArguments(Arguments):
    """A page of a contract's storage, in the order of keys."""

    address: AddressText
    prefix: Annotated[KeyText, Meta(description="First parts of the keys, as a JSON list.")] = "[]"
    after: Annotated[KeyText, Meta(description="`next` of the page before.")] | None = None
    limit: Limit = 20


class StorageEntryArguments(Arguments):
    """One entry of a contract's storage."""

    address: AddressText
    key: Annotated[KeyText, Meta(description="Declared name and parts, as a JSON list.")]


class StorageProofArguments(StorageEntryArguments):
    """One entry of a contract's storage at one block, for somebody who trusts another block."""

    height: HeightNumber | None = None
    trusted_height: HeightNumber = 0


class EventsArguments(PageArguments):
    """A page of events, newest first."""

    contract: AddressText | None = None
    name: EventName | None = None


class ContractEventsArguments(ContractPageArguments):
    """A page of one contract's events, newest first."""

    name: EventName | None = None


class EventProofArguments(Arguments):
    """One event of a transaction, for somebody who trusts a block."""

    id: TransactionId
    index: Annotated[int, Meta(ge=0, le=63, description="Position among the transaction's events.")]
    trusted_height: HeightNumber = 0


class TokenArguments(Arguments):
    """One token."""

    id: TokenId


class TokenPageArguments(PageArguments, kw_only=True):
    """A page of what concerns one token."""

    id: TokenId


class SearchArguments(Arguments):
    """What somebody typed."""

    q: Annotated[
        str, Meta(min_length=1, max_length=200, description="Height, id, address or operator's name.")
    ]


class StreamArguments(Arguments):
    """Where a stream starts, and which events it carries."""

    after: (
        Annotated[HeightNumber, Meta(description="Last event id seen; the header `Last-Event-ID` wins.")]
        | None
    ) = None
    kinds: Annotated[
        str,
        Meta(
            max_length=100,
            pattern="^[a-z]*(,[a-z]+)*$",
            description="Kinds of events, separated by commas; all if absent.",
        ),
    ] = ""
