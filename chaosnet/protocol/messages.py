"""Every wire message between nodes, with its bounds.

One frame carries one message: the canonical encoding of a tagged struct. `decode_message` refuses whatever is
malformed, not canonical or over a bound, before it costs more than the decoding. Lists carry their bound in
their type: the decoder refuses a longer one before it makes any item of it.
"""

from typing import Annotated, Final

from msgspec import Meta

from chaosnet.base.codec import Decoder, Record, encode
from chaosnet.base.errors import Invalid, InvalidMessage
from chaosnet.base.limits import (
    ADDRESSES_PER_MESSAGE_MAX,
    BODIES_PER_MESSAGE_MAX,
    FRAME_BYTES_MAX,
    HASHES_PER_MESSAGE_MAX,
    HEADERS_PER_MESSAGE_MAX,
    TXS_MESSAGE_BYTES_MAX,
    TXS_PER_MESSAGE_MAX,
)
from chaosnet.model.evidence import Proposal, Vote

PROTOCOL_VERSION: Final = 1

VOTES: Final = 0
"""Stream class of votes, proposals, status: first out."""
TXS: Final = 1
"""Stream class of transactions and announcements: dropped first when a peer does not read."""
SYNC: Final = 2
"""Stream class of bulk answers."""

VOTES_PER_MESSAGE_MAX: Final = 1024


class PeerAddress(Record):
    """Where a node listens."""

    node_id: bytes
    """32 bytes; empty when not known (a bootstrap address without an id)."""
    host: str
    """IP address or name, at most 253 characters."""
    port: int


class Hello(Record, tag=1):
    """First message of both sides; anything else before it closes the connection."""

    version: int
    genesis: bytes
    rules: Annotated[tuple[int, ...], Meta(max_length=64)]
    """Rule sets this release has."""
    software: str
    """Name and version, at most 64 characters."""
    listen_port: int
    """0: does not accept connections."""
    era: int
    height: int
    head: bytes
    time_ms: int


class Status(Record, tag=2):
    """Sent every second, and at once when the head changes (protocol: pbft, peers exchange...)."""

    era: int
    height: int
    """Of the head."""
    head: bytes
    time_ms: int
    """The sender's clock: peers show the offset."""
    round: int
    step: str
    has_proposal: bool
    prevotes: bytes
    """Bitmap by validator position, big-endian integer without leading zero bytes."""
    precommits: bytes
    linked: bytes
    """Bitmap of the validators whose nodes the sender is connected to: votes of others are relayed to it."""
    claim: bytes = b""
    """Score of the head where the chain can fork, a big-endian integer; else empty."""


class GetPeers(Record, tag=3):
    """Ask for addresses; at most one a minute."""


class Peers(Record, tag=4):
    """Addresses the sender has connected to."""

    addresses: Annotated[tuple[PeerAddress, ...], Meta(max_length=ADDRESSES_PER_MESSAGE_MAX)]


class Txs(Record, tag=5):
    """Full transactions."""

    raws: Annotated[tuple[bytes, ...], Meta(max_length=TXS_PER_MESSAGE_MAX)]


class TxHashes(Record, tag=6):
    """Announcement of transactions the sender can give."""

    hashes: Annotated[tuple[bytes, ...], Meta(max_length=HASHES_PER_MESSAGE_MAX)]


class GetTxs(Record, tag=7):
    """Request for announced transactions."""

    hashes: Annotated[tuple[bytes, ...], Meta(max_length=HASHES_PER_MESSAGE_MAX)]


class Propose(Record, tag=8):
    """A proposal with its block; `block` is empty when the receiver is known to hold it."""

    proposal: Proposal
    block: bytes


class Votes(Record, tag=9):
    """Votes, own or relayed."""

    votes: Annotated[tuple[Vote, ...], Meta(max_length=VOTES_PER_MESSAGE_MAX)]


class GetHeaders(Record, tag=10):
    """Request for canonical headers with seals, from a height upwards."""

    first: int
    count: int


class SealedHeader(Record):
    """One header and its seal, both encoded."""

    header: bytes
    seal: bytes


class Headers(Record, tag=11):
    """Answer to GetHeaders; fewer than asked when the answer is full or the chain ends."""

    first: int
    headers: Annotated[tuple[SealedHeader, ...], Meta(max_length=HEADERS_PER_MESSAGE_MAX)]


class GetBodies(Record, tag=12):
    """Request for canonical blocks by height."""

    first: int
    count: int


class Bodies(Record, tag=13):
    """Answer to GetBodies: encoded SealedBlock each, in height order from `first`."""

    first: int
    blocks: Annotated[tuple[bytes, ...], Meta(max_length=BODIES_PER_MESSAGE_MAX)]


class NewBlock(Record, tag=15):
    """A tip of a chain that can fork, pushed by who makes or adopts it."""

    block: bytes
    """Encoded SealedBlock."""


class Goodbye(Record, tag=14):
    """Last message: why the sender closes."""

    code: str


Message = (
    Hello
    | Status
    | GetPeers
    | Peers
    | Txs
    | TxHashes
    | GetTxs
    | Propose
    | Votes
    | GetHeaders
    | Headers
    | GetBodies
    | Bodies
    | NewBlock
    | Goodbye
)

Outbox = list[tuple[bytes, Message]]
"""What to send: (node id, message) in order. One message to many peers is the same object, side by side, so
that it need be encoded once."""

STREAM_OF: Final[dict[type, int]] = {
    Hello: VOTES,
    Status: VOTES,
    GetPeers: VOTES,
    Peers: VOTES,
    Txs: TXS,
    TxHashes: TXS,
    GetTxs: TXS,
    Propose: VOTES,
    Votes: VOTES,
    GetHeaders: VOTES,
    Headers: SYNC,
    GetBodies: VOTES,
    Bodies: SYNC,
    NewBlock: VOTES,
    Goodbye: VOTES,
}

_decoder: Decoder[Message] = Decoder(Message, FRAME_BYTES_MAX)

encode_message = encode


def decode_message(payload: bytes) -> Message:
    """Return the message; raise InvalidMessage(`too_large` | `malformed` | `not_canonical`)."""
    try:
        message = _decoder.decode(payload)
    except Invalid as error:
        raise InvalidMessage(error.code, error.detail, penalty=100) from error
    _check_bounds(message)
    return message


def _check_bounds(message: Message) -> None:
    match message:
        case Txs(raws=raws):
            fits = sum(map(len, raws)) <= TXS_MESSAGE_BYTES_MAX
        case TxHashes(hashes=hashes) | GetTxs(hashes=hashes):
            fits = all(len(h) == 32 for h in hashes)
        case Peers(addresses=addresses):
            fits = all(map(_is_address, addresses))
        case Votes(votes=votes):
            fits = all(map(_is_vote, votes))
        case Propose(proposal=p):
            fits = (
                len(p.block_id) == 32 and len(p.signer) == 32 and len(p.signature) == 64 and p.pol_round >= -1
            )
        case GetHeaders(first=first, count=count):
            fits = first >= 0 and 1 <= count <= HEADERS_PER_MESSAGE_MAX
        case GetBodies(first=first, count=count):
            fits = first >= 0 and 1 <= count <= BODIES_PER_MESSAGE_MAX
        case Hello() as hello:
            fits = _is_hello(hello)
        case Status() as status:
            fits = (
                max(map(len, (status.prevotes, status.precommits, status.linked, status.claim))) <= 32
                and len(status.step) <= 16
                and len(status.head) == 32
            )
        case Goodbye(code=code):
            fits = len(code) <= 64
        case GetPeers() | Headers() | Bodies() | NewBlock():
            fits = True
    if not fits:
        raise InvalidMessage("too_large", type(message).__name__, penalty=100)


def _is_hello(hello: Hello) -> bool:
    return (
        len(hello.genesis) == 32
        and len(hello.software) <= 64
        and 0 <= hello.listen_port < 65_536
        and len(hello.head) == 32
    )


def _is_address(address: PeerAddress) -> bool:
    return len(address.node_id) in (0, 32) and 0 < len(address.host) <= 253 and 0 < address.port < 65_536


def _is_vote(vote: Vote) -> bool:
    return (
        vote.kind in (1, 2)
        and len(vote.block_id) in (0, 32)
        and len(vote.signer) == 32
        and len(vote.signature) == 64
        and vote.height >= 0
        and vote.round >= 0
    )
