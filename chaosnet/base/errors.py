"""The whole exception tree.

ChaosError
├── Invalid             somebody's data breaks a rule: a transaction, a block, a message, an argument
│   ├── InvalidTransaction
│   ├── InvalidBlock
│   └── InvalidMessage  the peer that sent it is to blame
├── Refused             valid, but not here or not now: a full mempool, a non-member
├── Unavailable         disk, network, another node: try again
└── Broken              our own invariant failed: stop before writing anything

`code` is a stable lower-case word: the same in REST problems, metric labels, logs and docs. CODES lists them
all with one line of meaning; a test keeps the list and the code in step.
"""

from typing import Final

CODES: Final[dict[str, str]] = {
    # encoding and arguments
    "not_canonical": "bytes do not re-encode to themselves",
    "too_large": "more bytes or items than the bound allows",
    "malformed": "cannot be decoded as what it claims to be",
    "bad_address": "not an address of this network",
    "bad_argument": "an argument is outside its range",
    "not_found": "nothing is known under this name",
    # transactions
    "wrong_network": "made for another genesis",
    "bad_anchor": "anchor is no recent block of this chain",
    "expired": "expiry height has passed",
    "expiry_too_far": "expiry height is further ahead than allowed",
    "nonce_too_low": "a transaction with this nonce is already on the chain",
    "nonce_too_high": "nonce is further ahead than the pending window",
    "not_enough": "balance does not cover amount plus maximal fee",
    "price_too_low": "gas price is below the minimum of the chain",
    "gas_limit": "gas limit is below the need or above the bound",
    "bad_signature": "a signature does not verify",
    "bad_policy": "key policy is malformed or not the account's",
    "threshold_not_met": "signing weights do not reach the threshold",
    "no_actions": "a transaction needs at least one action",
    "already_known": "this transaction is already pending or on the chain",
    "replacement_underpriced": "replacing a pending transaction needs a gas price at least 10 % higher",
    "mempool_full": "mempool is full and this gas price is too low to displace another",
    "sender_full": "sender already has the most pending transactions allowed",
    "submit_off": "this node does not accept transactions here",
    "overloaded": "too many requests at once; try again shortly",
    # blocks and consensus
    "bad_parent": "parent is not the block this one must follow",
    "bad_header": "a header field differs from what the rules give",
    "bad_root": "a root in the header differs from the one computed",
    "bad_seal": "certificate does not seal this block",
    "bad_time": "block time breaks a rule",
    "bad_proposer": "not this member's turn",
    "bad_evidence": "evidence does not prove a violation",
    "supply_changed": "sum of all balances differs from the supply",
    "rule_unknown": "rule set in force is not in this release",
    "engines_differ": "a contract does one thing in the engine and another in Lua itself",
    "engine_unknown": "consensus engine is not in this release",
    # network
    "handshake": "peer's greeting does not fit this network",
    "rate_limited": "more than one sender's share",
    "unexpected": "message does not fit the conversation",
    "not_a_member": "the chain's membership does not admit this key",
    "duplicate_peer": "a connection with this key is open already",
    "banned": "peer is banned for a while",
    "self_connection": "that is this node itself",
    "wrong_peer": "another node than the expected one answers there",
    "peers_full": "no place for another connection",
    "ip_denied": "the IP rules do not admit this address",
    "shutdown": "this node is stopping",
    # interfaces
    "bad_method": "this path does not take this method",
    "bad_token": "the administration token is missing or wrong",
    "bad_origin": "asked through a web page or under another host name",
    # keys and signing
    "fenced": "sign state forbids this signature: it could be a second vote",
    "no_fence": "the record of what the key has signed is missing",
    "key_locked": "key file cannot be unlocked",
    "key_exists": "a key with this name is there already",
    "bad_mnemonic": "not a valid BIP-39 phrase",
    # node
    "disk_full": "too little free disk space to go on safely",
    "disk_failed": "the disk failed to read or write; look at it before starting again",
    "schema_newer": "database was written by a newer release",
    "data_damaged": "stored data does not verify",
    "bad_config": "the configuration, or a file it names, cannot be used",
    "wrong_genesis": "data directory belongs to another genesis",
    "port_taken": "a port is in use by another process",
    "in_use": "another process uses this directory",
    "not_ready": "node is not ready",
    "untrusted": "nothing trusted links to this history",
    "deep_reorganisation": "the chain left a branch at least as deep as the node's warning depth",
    "connection": "the other side cannot be reached",
    "timeout": "no answer in time",
    "proof_invalid": "proof does not verify",
    "internal": "a fault of the software itself",
    # receipts
    "ok": "done",
    "locked": "the balance is time-locked",
    "evidence_known": "this violation is recorded already",
    "not_a_candidate": "this account does not stand for election as a validator",
    "key_unproven": "a new key has not signed that it belongs to this operator",
    "key_taken": "key belongs to another operator, or had another purpose",
    "not_bonded": "so much of the sender's is not bonded there",
    "not_matured": "the unbonding time is not over",
    "jailed": "the time of the punishment is not over",
    "not_jailed": "this candidate is not punished",
    # receipts of contracts and tokens; see contracts/faults.py
    "no_contracts": "this node runs no contracts",
    "out_of_gas": "the gas of this call is used up",
    "reverted": "the contract refused, with its own text",
    "script_error": "the contract's program failed",
    "memory": "the contract needs more memory than a machine has",
    "stack": "the contract nests deeper than a machine's stack",
    "static": "a view or a static call must not change anything",
    "permission": "the contract, or the account, has not the permission for this",
    "reentered": "this contract is already running further down",
    "call_depth": "too many calls inside each other",
    "bad_value": "no value that may cross the border of a contract",
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
    "too_little": "less would come out than was asked for",
    "supply": "there would be more of the token than there may be",
}


class ChaosError(Exception):
    """Base of every expected failure; carries a stable `code`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        meaning = self.detail or CODES.get(self.code, "")
        return f"{self.code}: {meaning}" if meaning else self.code


class Invalid(ChaosError):
    """Data from outside breaks a rule."""


class InvalidTransaction(Invalid):
    """A transaction breaks a rule of the chain."""


class InvalidBlock(Invalid):
    """A block, header or seal breaks a rule of the chain."""


class InvalidMessage(Invalid):
    """A peer's message breaks the protocol; `penalty` counts towards its ban."""

    def __init__(self, code: str, detail: str = "", penalty: int = 20) -> None:
        super().__init__(code, detail)
        self.penalty = penalty


class Refused(ChaosError):
    """Valid, but not accepted here or now."""


class Unavailable(ChaosError):
    """A resource does not answer; trying again may help."""

    def __init__(self, code: str, detail: str = "", retry_after_ms: int = 1000) -> None:
        super().__init__(code, detail)
        self.retry_after_ms = retry_after_ms


class Broken(ChaosError):
    """Our own invariant failed: the process stops before it writes."""
