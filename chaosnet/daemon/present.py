"""Chain data as the interface shows it: hex, bech32m, decimal strings, names."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from chaosnet.base.codec import encode
from chaosnet.base.units import Address
from chaosnet.contracts import values
from chaosnet.crypto.addresses import format_address
from chaosnet.kernel.events import HeadMoved
from chaosnet.ledger.accounts import NO_ACCOUNT, decode_account, released, spendable, total
from chaosnet.ledger.keys import account_key
from chaosnet.ledger.state import State
from chaosnet.model.action_fields import KINDS, contract_action_fields
from chaosnet.model.block import Block, ValidatorSet, decode_certificate
from chaosnet.model.evidence import Evidence, evidence_key, evidence_kind, evidence_turn
from chaosnet.model.genesis import Genesis, Member
from chaosnet.model.header import Header, QuorumProof, RoundProof, SlotProof, StakeProof
from chaosnet.model.receipt import Event, Outcome, Receipt
from chaosnet.model.transaction import (
    Accuse,
    Action,
    Delegate,
    Redelegate,
    Register,
    SetPolicy,
    SignedTx,
    Transfer,
    Undelegate,
    Unjail,
    Withdraw,
    decode_transaction,
)
from chaosnet.rpc import schema
from chaosnet.rpc.schema.values import to_json
from chaosnet.storage.reader import StoredHeader

SAID_BYTES_MAX: Final = 32 * 1024
"""Of events' values that the stream tells for one block: they are laid out in the kernel's own time."""


@lru_cache(maxsize=4_096)
def _address_text(prefix: str, address: bytes) -> str:
    """Return the bech32m form; its checksum takes a third of a millisecond, and the same ones come again."""
    return format_address(prefix, Address(address))


@dataclass(frozen=True, slots=True)
class Names:
    """What turns identifiers into words."""

    prefix: str
    members: tuple[Member, ...]
    elected: tuple[Member, ...] = ()
    """Validators in force that were elected: their keys need not be those of their membership."""

    def address(self, address: bytes) -> str:
        """Return the bech32m form."""
        return _address_text(self.prefix, address)

    def member(self, operator: bytes) -> str:
        """Return the member's name, or an empty string."""
        return next((m.name for m in self.members if m.operator == operator), "")

    def operator(self, operator: bytes) -> str:
        """Return the member's name, or the address of somebody who has none."""
        return self.member(operator) or self.address(operator)

    def signer(self, key: bytes) -> str:
        """Return the name of who signs with a consensus key, or an empty string."""
        return next((m.name for m in (*self.elected, *self.members) if m.consensus_key == key), "")

    def node(self, node_id: bytes) -> str:
        """Return the name of whose node has this key, or an empty string."""
        return next((m.name for m in (*self.elected, *self.members) if m.node_key == node_id), "")


def block_summary(
    names: Names, header: Header, block_id: bytes, size_bytes: int, *, is_final: bool
) -> schema.BlockSummary:
    """Return one line of a block list."""
    return schema.BlockSummary(
        height=header.height,
        id=block_id.hex(),
        parent=header.parent.hex(),
        time_ms=header.time_ms,
        proposer=names.address(header.proposer),
        proposer_name=names.member(header.proposer),
        tx_count=header.tx_count,
        gas_used=header.gas_used,
        size_bytes=size_bytes,
        engine=header.engine,
        era=header.era,
        round=header.proof.round if isinstance(header.proof, QuorumProof | RoundProof) else 0,
        is_final=is_final,
        state_root=header.state_root.hex(),
    )


def stored_summary(names: Names, stored: StoredHeader, *, final_height: int) -> schema.BlockSummary:
    """Return one line of a block list for a stored block."""
    return block_summary(
        names,
        stored.decoded(),
        stored.block_id,
        stored.block_bytes,
        is_final=stored.height <= final_height,
    )


def full_block(
    names: Names,
    stored: StoredHeader,
    transactions: list[schema.TransactionSummary],
    *,
    final_height: int,
    sealed_by: ValidatorSet | None,
) -> schema.Block:
    """Return a block with header fields, seal and the transactions handed in.

    `sealed_by` is the set that sealed it, where that is known.
    """
    header = stored.decoded()
    return schema.Block(
        summary=stored_summary(names, stored, final_height=final_height),
        rule=header.rule,
        tx_root=header.tx_root.hex(),
        receipts_root=header.receipts_root.hex(),
        validators_hash=header.validators_hash.hex(),
        next_validators_hash=header.next_validators_hash.hex(),
        parent_seal_hash=header.parent_seal_hash.hex(),
        header=stored.header.hex(),
        seal=stored.seal.hex(),
        signers=signers_of(names, header, stored.seal, sealed_by),
        transactions=transactions,
    )


def signers_of(names: Names, header: Header, seal: bytes, sealed_by: ValidatorSet | None) -> list[str]:
    """Return who signed a block: names, or addresses; positions like `0x03` where the set is not known."""
    if isinstance(header.proof, SlotProof | StakeProof):
        return [names.operator(header.proposer)]
    if not isinstance(header.proof, QuorumProof | RoundProof) or not seal:
        return []
    positions = decode_certificate(seal).signers
    known = sealed_by.validators if sealed_by is not None else ()
    return [names.operator(known[i].operator) if i < len(known) else f"{i:#04x}" for i in positions]


def action_kind(action: Action) -> str:
    """Return the word for an action."""
    match action:
        case Transfer():
            return "transfer"
        case SetPolicy():
            return "set_policy"
        case Accuse():
            return "accuse"
        case Register() | Delegate() | Undelegate() | Redelegate() | Withdraw() | Unjail():
            return type(action).__name__.lower()
        case _:
            return KINDS[type(action)]


def transaction_summary(
    names: Names, signed: SignedTx, receipt: Receipt, place: tuple[int, int], time_ms: int
) -> schema.TransactionSummary:
    """Return one line of a transaction list."""
    body = signed.body
    transfers = [action for action in body.actions if isinstance(action, Transfer)]
    return schema.TransactionSummary(
        id=signed.tx_id.hex(),
        height=place[0],
        position=place[1],
        sender=names.address(body.sender),
        nonce=body.nonce,
        code=receipt.code,
        fee=str(receipt.fee),
        actions=[action_kind(action) for action in body.actions],
        to=names.address(transfers[0].to) if transfers else "",
        amount=str(sum(t.amount for t in transfers)),
        time_ms=time_ms,
    )


def block_transactions(
    names: Names, block: Block, receipts: tuple[Receipt, ...], first: int, limit: int
) -> list[schema.TransactionSummary]:
    """Return transactions of a block from a position on."""
    header = block.header
    return [
        transaction_summary(
            names,
            decode_transaction(block.txs[position]),
            receipts[position],
            (header.height, position),
            header.time_ms,
        )
        for position in range(first, min(first + limit, len(block.txs)))
    ]


def contract_event(names: Names, event: Event, tx_id: bytes, height: int) -> schema.ContractEvent:
    """Return an event with its values in the form of `rpc.schema.values`."""
    said = to_json(values.decode(event.values))
    return schema.ContractEvent(
        contract=names.address(event.contract),
        name=event.name,
        values=said if isinstance(said, list) else [said],
        index=event.index,
        tx_id=tx_id.hex(),
        height=height,
    )


def said(names: Names, fact: HeadMoved) -> schema.SaidEvent | None:
    """Return what contracts said in a block that became the head; None when they were silent."""
    events = []
    size = left_out = 0
    for tx_id, outcome in zip(fact.tx_ids, fact.outcomes, strict=False):
        for event in outcome.events:
            size += len(event.values)
            if size > SAID_BYTES_MAX:
                left_out += 1
            else:
                events.append(contract_event(names, event, tx_id, fact.height))
    if not events:
        return None
    return schema.SaidEvent(
        height=fact.height,
        block_id=fact.block_id.hex(),
        is_final=fact.is_final,
        events=events,
        left_out=left_out,
    )


def outcome_fields(names: Names, outcome: Outcome, tx_id: bytes, height: int) -> dict[str, Any]:
    """Return what contracts left behind, as fields of a Transaction."""
    return {
        "events": [contract_event(names, event, tx_id, height) for event in outcome.events],
        "returns": [to_json(values.decode(value)) for value in outcome.returns],
        "text": outcome.text,
        "failed_at": outcome.failed_at if outcome.failed_at >= 0 else None,
    }


def body_fields(names: Names, signed: SignedTx) -> dict[str, object]:
    """Return a transaction's body by field names."""
    body = signed.body
    actions: list[dict[str, object]] = []
    for action in body.actions:
        shown: dict[str, object] = {"kind": action_kind(action)}
        match action:
            case Transfer():
                shown |= {"to": names.address(action.to), "amount": str(action.amount)}
            case SetPolicy():
                keys = [{"key": key.hex(), "weight": str(weight)} for key, weight in action.policy.keys]
                shown |= {"keys": keys, "threshold": str(action.policy.threshold)}
            case Accuse():
                signer, era, height = evidence_key(action.evidence)
                shown |= {
                    "signer": signer.hex(),
                    "era": era,
                    "height": height,
                    "round": evidence_turn(action.evidence),
                    "evidence": encode(action.evidence).hex(),
                }
            case Register():
                shown |= {
                    "consensus_key": action.consensus_key.hex(),
                    "vrf_key": action.vrf_key.hex(),
                    "node_key": action.node_key.hex(),
                    "commission_permille": action.commission_permille,
                    "proofs": [proof.hex() for proof in action.proofs],
                }
            case Delegate() | Undelegate():
                shown |= {"operator": names.address(action.operator), "amount": str(action.amount)}
            case Redelegate():
                shown |= {
                    "operator": names.address(action.operator),
                    "to": names.address(action.to),
                    "amount": str(action.amount),
                }
            case Withdraw():
                shown |= {"operator": names.address(action.operator)}
            case Unjail():
                pass
            case _:
                shown = contract_action_fields(action, names.address)
        actions.append(shown)
    policy = signed.tx.witness.policy
    return {
        "sender": names.address(body.sender),
        "nonce": body.nonce,
        "anchor_height": body.anchor_height,
        "anchor_prefix": body.anchor_prefix.hex(),
        "expiry": body.expiry,
        "gas_limit": body.gas_limit,
        "gas_price": str(body.gas_price),
        "payer": names.address(body.payer) if body.payer is not None else None,
        "memo": body.memo,
        "actions": actions,
        "signers": len(signed.tx.witness.signatures),
        "threshold": str(policy.threshold),
        "hash": signed.tx_hash.hex(),
    }


def account(
    names: Names, genesis: Genesis, address: bytes, state: State, header: Header, pending_nonce: int
) -> schema.Account:
    """Return an account in a state; `pending_nonce` and `block_id` are filled in by the caller."""
    value = state.get(account_key(address))
    known = decode_account(value) if value is not None else NO_ACCOUNT
    t0_ms, at_ms = genesis.time_ms, header.time_ms
    free = spendable(known, t0_ms, at_ms)
    locks = []
    for lock in known.locks:
        done = min(max((at_ms - t0_ms) // lock.period_ms - lock.cliff, 0), lock.steps)
        next_ms = t0_ms + (lock.cliff + done + 1) * lock.period_ms if done < lock.steps else None
        locks.append(
            schema.LockStatus(
                amount=str(lock.amount),
                claimed=str(lock.claimed),
                released=str(released(lock, t0_ms, at_ms)),
                next_release_ms=next_ms,
            )
        )
    return schema.Account(
        address=names.address(address),
        exists=value is not None,
        nonce=known.nonce,
        balance=str(free),
        locked=str(total(known) - free),
        total=str(total(known)),
        policy_hash=known.policy_hash.hex(),
        locks=locks,
        height=header.height,
        block_id="",
        pending_nonce=pending_nonce,
    )


def evidence_item(names: Names, evidence: Evidence, *, on_chain: bool) -> schema.EvidenceItem:
    """Return one proof of a double signature."""
    signer, era, height = evidence_key(evidence)
    return schema.EvidenceItem(
        kind=evidence_kind(evidence),
        signer=signer.hex(),
        member=names.signer(signer),
        era=era,
        height=height,
        round=evidence_turn(evidence),
        on_chain=on_chain,
        evidence=encode(evidence).hex(),
    )
