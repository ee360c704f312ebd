"""Actions on contracts and tokens (contracts: Calls, Tokens).

Coins that an action needs for what it adds to the state, its *deposit*, are taken from the sender up to a
maximum that it declares; they return to whoever later frees that part of the state.
"""

from typing import Final

from chaosnet.base.codec import Record

COS: Final = b""
"""Names the native coin where an asset is meant; a token is named by its id (32 bytes)."""

CONTRACT_BYTES_MAX: Final = 128 * 1024
"""(chain) bytes of a contract's source."""
ENGINE_BYTES_MAX: Final = 16
METHOD_BYTES_MAX: Final = 64
"""(chain) bytes of a method's name."""
SENT_MAX: Final = 8
"""(chain) different assets that one call can bring."""

Sent = tuple[tuple[bytes, int], ...]
"""(asset, amount), ascending by asset, each once."""


class Deploy(Record, tag=10):
    """Put a contract on the chain for ever. Its address follows from sender, nonce and the action's place."""

    engine: str
    """Abstract engine, such as `lua/1`; the rule set says what runs it."""
    source: bytes
    """UTF-8 text."""
    args: bytes
    """Canonical list of arguments for `init`."""
    sent: int
    """Motes for the contract, 0 unless its `init` is payable."""
    deposit_max: int
    """Motes."""


class Call(Record, tag=11):
    """Call a method of a contract."""

    contract: bytes
    """Address (33 bytes)."""
    method: str
    args: bytes
    """Canonical list of arguments."""
    sent: Sent
    """Assets that go to the contract with the call; empty unless the method is payable."""
    deposit_max: int


class SendToken(Record, tag=12):
    """Move tokens."""

    token: bytes
    """Id (32 bytes)."""
    owner: bytes
    """Empty: the sender; else an account that has allowed the sender to take so much."""
    to: bytes
    """Address of an account or a contract; no code of it runs."""
    amount: int
    deposit_max: int


class ApproveToken(Record, tag=13):
    """Say how much of the sender's tokens another may take, until when."""

    token: bytes
    spender: bytes
    expected: int
    """What it may take now; a difference is a failure, so that nothing is granted twice."""
    amount: int
    """What it may take from now on; 0: nothing."""
    expiry: int
    """Last height at which it may."""
    deposit_max: int


class BurnToken(Record, tag=14):
    """Destroy tokens of the sender."""

    token: bytes
    amount: int


class IssueToken(Record, tag=15):
    """Make more of a token; the sender holds its right to issue. New tokens come from contracts alone."""

    token: bytes
    to: bytes
    amount: int
    deposit_max: int


class ChangeToken(Record, tag=16):
    """Use a right over a token, pass it on, or move coins of its conversion reserve."""

    token: bytes
    change: str
    """`hand_on` (right, to), `renounce` (right), `freeze` and `unfreeze` (subject), `pause`, `unpause`,
    `clawback` (subject, to, amount), `fund` (amount: motes for the reserve), `withdraw` (to, amount)."""
    right: str
    """`issue`, `freeze`, `pause` or `clawback`; empty where it does not matter, like all below."""
    subject: bytes
    to: bytes
    amount: int
    deposit_max: int


class ConvertToken(Record, tag=17):
    """Change COS for a token that has a reserve, or back."""

    token: bytes
    amount: int
    """What is given: motes, or tokens."""
    min_out: int
    """Least that must come out."""
    expiry: int
    """Last height at which this may happen."""
    deposit_max: int
    is_back: bool
    """The token is given for COS."""


ContractAction = (
    Deploy | Call | SendToken | ApproveToken | BurnToken | IssueToken | ChangeToken | ConvertToken
)
