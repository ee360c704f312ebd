"""Transactions: a body that is signed, and the witnesses that sign it (protocol: Transactions and fees).

Two names for two things: the *id* is the hash of the body alone and is what people track; the *hash* covers
the full bytes, signatures included, and is what caches and trees use. Else a block that carries a known
transaction with other signatures could split the network.
"""

from chaosnet.base.codec import Decoder, Record, encode
from chaosnet.base.errors import Invalid, InvalidTransaction
from chaosnet.base.limits import AMOUNT_MAX, MEMO_BYTES_MAX, TX_ACTIONS_MAX, TX_BYTES_MAX
from chaosnet.base.units import Hash32, TxHash, TxId
from chaosnet.crypto.hashing import tagged_hash
from chaosnet.model.contract_actions import ContractAction
from chaosnet.model.evidence import Evidence
from chaosnet.model.policy import KeyPolicy, Witness, check_witness, policy_hash


class Transfer(Record, tag=1):
    """Move COS from the sender to another account."""

    to: bytes
    """Address (33 bytes)."""
    amount: int
    """Motes, 1 .. 2^63-1."""


class SetPolicy(Record, tag=2):
    """Replace the sender's key policy under the same address (rotation, recovery)."""

    policy: KeyPolicy


class Accuse(Record, tag=3):
    """Put proof of a double signature on the chain."""

    evidence: Evidence


class Register(Record, tag=4):
    """Stand for election as a validator, or change the keys or the commission; the sender is the operator."""

    consensus_key: bytes
    """Ed25519 public key (32 bytes). A former one stays punishable."""
    vrf_key: bytes
    """Public key of the slot lottery (32 bytes); empty: not electable under pos."""
    node_key: bytes
    """Ed25519 key of the transport certificate (32 bytes)."""
    commission_permille: int
    """Part of the fees that the operator keeps, 0 .. 1000."""
    proofs: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    """Signatures over `possession_digest` by the consensus, the lottery and the node key: without them
    anybody could take a key that somebody else is about to register. Empty for a key that is the operator's
    already, and for a lottery key that is not there.
    """


class Delegate(Record, tag=5):
    """Bond coins of the sender to a candidate, perhaps itself."""

    operator: bytes
    """Operator account of the candidate."""
    amount: int
    """Motes."""


class Undelegate(Record, tag=6):
    """Take coins out of a bond. They stay punishable, and are free after the unbonding time: see Withdraw."""

    operator: bytes
    amount: int
    """Motes; all when it is all that the sender's shares are worth."""


class Redelegate(Record, tag=7):
    """Move bonded coins to another candidate at once; what the first one did can still cost them."""

    operator: bytes
    """Candidate that holds them."""
    to: bytes
    """Operator account of the other candidate."""
    amount: int
    """Motes."""


class Withdraw(Record, tag=8):
    """Receive all coins taken out of a candidate's bond whose unbonding time is over."""

    operator: bytes


class Unjail(Record, tag=9):
    """Stand for election again after a punishment; the sender is the operator."""


PlainAction = (
    Transfer | SetPolicy | Accuse | Register | Delegate | Undelegate | Redelegate | Withdraw | Unjail
)
"""Actions that no contract has a part in."""
Action = PlainAction | ContractAction


class TxBody(Record, tag=1):
    """What is signed."""

    genesis: bytes
    """Genesis hash (32 bytes)."""
    sender: bytes
    """Address (33 bytes)."""
    nonce: int
    """Number of transactions the sender has on the chain before this one."""
    anchor_height: int
    """Height of a block this was made on; 0 for offline signing."""
    anchor_prefix: bytes
    """First 8 bytes of that block's id; of the genesis hash for height 0."""
    expiry: int
    """Last height that may include it."""
    gas_limit: int
    gas_price: int
    """Motes per gas."""
    payer: bytes | None
    """Address that pays the fee instead of the sender."""
    memo: str
    """At most 256 bytes of UTF-8."""
    actions: tuple[Action, ...]
    """Applied all or none."""


class Transaction(Record, tag=1):
    """A body and its witnesses."""

    body: TxBody
    witness: Witness
    payer_witness: Witness | None


class SignedTx:
    """A decoded transaction with its bytes and its two names; made once, shared everywhere."""

    __slots__ = ("_policy_hash", "amounts", "body", "gas", "raw", "tx", "tx_hash", "tx_id")

    def __init__(self, raw: bytes, tx: Transaction, tx_hash: TxHash | None = None) -> None:
        self.raw = raw
        self.tx = tx
        self.body = tx.body
        self.tx_id = tx_id_of(tx.body)
        self.tx_hash = tx_hash or tx_hash_of(raw)
        self.amounts: int | None = None
        """Motes that its actions can take from the sender, once they were looked at: see ledger/check.py."""
        self.gas: tuple[int, int] | None = None
        """(number of a rule set, intrinsic gas under it)."""
        self._policy_hash: Hash32 | None = None

    @property
    def policy_hash(self) -> Hash32:
        """Hash of the key policy that the sender's witness shows."""
        if self._policy_hash is None:
            self._policy_hash = policy_hash(self.tx.witness.policy)
        return self._policy_hash

    @property
    def cost_max(self) -> int:
        """Most that the payer of the fee can be charged, in motes."""
        return self.body.gas_limit * self.body.gas_price

    def signature_checks(self) -> tuple[tuple[bytes, bytes, bytes], ...]:
        """Return (public key, message, signature) of every signature; all must verify."""
        witness = self.tx.witness
        keys = witness.policy.keys
        checks = tuple((keys[i][0], self.tx_id, signature) for i, signature in witness.signatures)
        payer = self.tx.payer_witness
        if payer is None:
            return checks
        digest = payer_digest_of(self.body)
        return checks + tuple((payer.policy.keys[i][0], digest, s) for i, s in payer.signatures)


_decoder: Decoder[Transaction] = Decoder(Transaction, TX_BYTES_MAX)


def tx_id_of(body: TxBody) -> TxId:
    """Return the id: also the message that the sender's keys sign."""
    return TxId(tagged_hash(b"tx", encode(body)))


def payer_digest_of(body: TxBody) -> Hash32:
    """Return the message that the keys of a separate fee payer sign."""
    return tagged_hash(b"tx-payer", encode(body))


def possession_digest(genesis_hash: bytes, operator: bytes, register: Register) -> Hash32:
    """Return what each new key of a registration signs: the keys belong to this operator of this network."""
    keys = register.consensus_key + register.vrf_key + register.node_key
    return tagged_hash(b"possession", genesis_hash + operator + keys)


def tx_hash_of(raw: bytes) -> TxHash:
    """Return the hash of a transaction's full bytes."""
    return TxHash(tagged_hash(b"tx-full", raw))


def decode_transaction(raw: bytes, tx_hash: TxHash | None = None) -> SignedTx:
    """Decode canonical bytes and check everything that needs neither state nor signature verification.

    `tx_hash` is the hash of `raw` when it is known already.

    Raises InvalidTransaction: `too_large`, `malformed`, `not_canonical`, `bad_argument`, `bad_address`,
    `no_actions`, `bad_policy`, `bad_signature` (shape), `threshold_not_met`.
    """
    try:
        tx = _decoder.decode(raw)
    except InvalidTransaction:
        raise
    except Invalid as error:
        raise InvalidTransaction(error.code, error.detail) from error
    check_shape(tx)
    return SignedTx(raw, tx, tx_hash)


def check_shape(tx: Transaction) -> None:
    """Raise InvalidTransaction unless all fields are inside their static bounds."""
    body = tx.body
    if len(body.genesis) != 32 or len(body.anchor_prefix) != 8:
        raise InvalidTransaction("bad_argument", "genesis hash and anchor have fixed lengths")
    if not (
        0 <= body.nonce <= AMOUNT_MAX
        and 0 <= body.anchor_height <= AMOUNT_MAX
        and 0 < body.expiry <= AMOUNT_MAX
        and 0 < body.gas_limit <= AMOUNT_MAX
        and 0 <= body.gas_price <= AMOUNT_MAX
    ):
        raise InvalidTransaction("bad_argument", "a number is out of range")
    if body.memo and len(body.memo.encode()) > MEMO_BYTES_MAX:
        raise InvalidTransaction("too_large", f"memo of over {MEMO_BYTES_MAX} bytes")
    if not body.actions:
        raise InvalidTransaction("no_actions")
    if len(body.actions) > TX_ACTIONS_MAX:
        raise InvalidTransaction("too_large", f"over {TX_ACTIONS_MAX} actions")
    check_account_address(body.sender)
    check_witness(tx.witness)
    if (body.payer is None) != (tx.payer_witness is None):
        raise InvalidTransaction("bad_policy", "a payer and its witness come together")
    if body.payer is not None and tx.payer_witness is not None:
        check_account_address(body.payer)
        if body.payer == body.sender:
            raise InvalidTransaction("bad_argument", "the sender pays anyway")
        check_witness(tx.payer_witness)


def check_account_address(address: bytes) -> None:
    """Raise InvalidTransaction(`bad_address`) unless this is the address of a key account."""
    if len(address) != 33 or address[0] != 0:
        raise InvalidTransaction("bad_address")
