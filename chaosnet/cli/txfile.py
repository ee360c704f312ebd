"""The file of a transaction on its way between signers: for people to read, with the exact bytes beside.

What counts is `body_hex`. The fields shown are made from it again on reading and must be the same, so nobody
signs another payment than the one the file shows.
"""

from pathlib import Path
from typing import Final

import msgspec

from chaosnet.base.codec import Decoder, encode
from chaosnet.base.errors import Invalid
from chaosnet.base.limits import TX_BYTES_MAX
from chaosnet.base.units import Address
from chaosnet.cli.asking import hex_bytes, read_text
from chaosnet.cli.output import cos
from chaosnet.cli.policy import policy_fields, policy_of_fields
from chaosnet.crypto.addresses import format_address
from chaosnet.model import build
from chaosnet.model.action_fields import contract_action_fields, contract_action_line
from chaosnet.model.build import Draft, Signatures
from chaosnet.model.evidence import evidence_key, evidence_turn
from chaosnet.model.policy import KeyPolicy
from chaosnet.model.transaction import (
    Accuse,
    Action,
    Delegate,
    Redelegate,
    Register,
    SetPolicy,
    Transfer,
    TxBody,
    Undelegate,
    Unjail,
    Withdraw,
    decode_transaction,
    tx_id_of,
)

FORMAT: Final = "chaosnet transaction 1"

_body_decoder: Decoder[TxBody] = Decoder(TxBody, TX_BYTES_MAX)


class _Signature(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    signature: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    id: str
    address_prefix: str
    body: dict[str, object]
    body_hex: str
    policy: dict[str, object]
    signatures: list[_Signature]
    payer_policy: dict[str, object] | None = None
    payer_signatures: list[_Signature] = []
    missing: dict[str, int] = {}
    raw: str = ""


def body_fields(prefix: str, body: TxBody) -> dict[str, object]:
    """Return a body for people: addresses in bech32m, amounts in COS with their motes."""
    fields: dict[str, object] = {
        "genesis": body.genesis.hex(),
        "sender": format_address(prefix, Address(body.sender)),
        "nonce": body.nonce,
        "actions": [_action_fields(prefix, action) for action in body.actions],
        "memo": body.memo,
        "fee_max": cos(body.gas_limit * body.gas_price),
        "gas_limit": body.gas_limit,
        "gas_price": body.gas_price,
        "anchor": f"{body.anchor_height}:{body.anchor_prefix.hex()}",
        "expiry": body.expiry,
    }
    if body.payer is not None:
        fields["payer"] = format_address(prefix, Address(body.payer))
    return fields


def action_line(prefix: str, action: Action) -> str:
    """Return what an action does in one line."""
    match action:
        case Transfer():
            return f"transfer {cos(action.amount)} to {format_address(prefix, Address(action.to))}"
        case SetPolicy():
            return (
                f"set the key policy to {len(action.policy.keys)} keys, threshold {action.policy.threshold}"
            )
        case Accuse():
            signer, _, height = evidence_key(action.evidence)
            return f"accuse {signer.hex()} of signing twice at height {height}"
        case Register():
            part = f"commission {action.commission_permille} permille"
            return f"register as a validator with key {action.consensus_key.hex()}, {part}"
        case Delegate():
            return f"delegate {cos(action.amount)} to {format_address(prefix, Address(action.operator))}"
        case Undelegate():
            return f"undelegate {cos(action.amount)} from {format_address(prefix, Address(action.operator))}"
        case Redelegate():
            way = [format_address(prefix, Address(address)) for address in (action.operator, action.to)]
            return f"redelegate {cos(action.amount)} from {way[0]} to {way[1]}"
        case Withdraw():
            return f"withdraw what {format_address(prefix, Address(action.operator))} has released"
        case Unjail():
            return "unjail: stand for election again"
        case _:
            return contract_action_line(action, lambda address: format_address(prefix, Address(address)))


def draft_file(prefix: str, draft: Draft) -> dict[str, object]:
    """Return the content of a file; `raw` is there when nothing is missing."""
    missing = build.missing(draft)
    fields: dict[str, object] = {
        "format": FORMAT,
        "id": tx_id_of(draft.body).hex(),
        "address_prefix": prefix,
        "body": body_fields(prefix, draft.body),
        "body_hex": encode(draft.body).hex(),
        "policy": policy_fields(draft.policy),
        "signatures": _signature_fields(draft.policy, draft.signatures),
    }
    if draft.payer_policy is not None:
        fields["payer_policy"] = policy_fields(draft.payer_policy)
        fields["payer_signatures"] = _signature_fields(draft.payer_policy, draft.payer_signatures)
    if missing == (0, 0):
        fields["raw"] = build.complete(draft).hex()
    else:
        fields["missing"] = {"sender_weight": missing.sender, "payer_weight": missing.payer}
    return fields


def format_draft(prefix: str, draft: Draft) -> str:
    """Return the text of a file."""
    return msgspec.json.format(msgspec.json.encode(draft_file(prefix, draft)), indent=2).decode() + "\n"


def load_draft(path: Path) -> tuple[str, Draft]:
    """Return the address prefix and the draft of a file, its signatures verified.

    Raises Invalid: `malformed`, `bad_argument` when the fields shown are not those of the bytes,
    `bad_signature`, `bad_policy`.
    """
    text = read_text(path)
    try:
        file = msgspec.json.decode(text, type=_File)
        if file.format != FORMAT:
            raise Invalid("malformed", f"format is {file.format[:100]!r}, not {FORMAT!r}")
        body = _body_decoder.decode(bytes.fromhex(file.body_hex))
    except Invalid as error:
        raise Invalid("malformed", f"{path}: {error.detail}") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise Invalid("malformed", f"{path}: {error}") from None
    policy = policy_of_fields(file.policy)
    payer_policy = None if file.payer_policy is None else policy_of_fields(file.payer_policy)
    unsigned = build.unsigned(body, policy, payer_policy)
    draft = Draft(
        body=body,
        policy=policy,
        payer_policy=payer_policy,
        signatures=_signatures(policy, file.signatures),
        payer_signatures=_signatures(payer_policy, file.payer_signatures) if payer_policy else (),
    )
    build.check_signatures(draft)
    shown = msgspec.json.decode(msgspec.json.encode(body_fields(file.address_prefix, body)))
    if file.body != shown or file.id != tx_id_of(unsigned.body).hex():
        differing = [name for name in shown if file.body.get(name) != shown[name]]
        raise Invalid(
            "bad_argument", f"{path} shows another transaction than its bytes: {', '.join(differing)}"
        )
    return file.address_prefix, draft


def load_raw(path: Path) -> bytes:
    """Return the bytes of a complete transaction: from a file made here, or one with nothing but hex.

    Raises InvalidTransaction(`threshold_not_met`) for a draft that lacks signatures, else as `load_draft`.
    """
    text = read_text(path).strip()
    if text.startswith("{"):
        return build.complete(load_draft(path)[1])
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raise Invalid("malformed", f"{path} is neither a transaction file nor hex") from None
    return decode_transaction(raw).raw


def _action_fields(prefix: str, action: Action) -> dict[str, object]:
    match action:
        case Transfer():
            to = format_address(prefix, Address(action.to))
            return {"kind": "transfer", "to": to, "amount": cos(action.amount), "motes": str(action.amount)}
        case SetPolicy():
            return {"kind": "set_policy"} | policy_fields(action.policy)
        case Accuse():
            signer, _, height = evidence_key(action.evidence)
            return {
                "kind": "accuse",
                "signer": signer.hex(),
                "height": height,
                "round": evidence_turn(action.evidence),
                "evidence": encode(action.evidence).hex(),
            }
        case Register():
            return {
                "kind": "register",
                "consensus_key": action.consensus_key.hex(),
                "vrf_key": action.vrf_key.hex(),
                "node_key": action.node_key.hex(),
                "commission_permille": action.commission_permille,
                "proofs": [proof.hex() for proof in action.proofs],
            }
        case Delegate() | Undelegate() | Redelegate():
            fields: dict[str, object] = {
                "kind": type(action).__name__.lower(),
                "operator": format_address(prefix, Address(action.operator)),
                "amount": cos(action.amount),
                "motes": str(action.amount),
            }
            if isinstance(action, Redelegate):
                fields["to"] = format_address(prefix, Address(action.to))
            return fields
        case Withdraw():
            return {"kind": "withdraw", "operator": format_address(prefix, Address(action.operator))}
        case Unjail():
            return {"kind": "unjail"}
        case _:
            return contract_action_fields(action, lambda address: format_address(prefix, Address(address)))


def _signature_fields(policy: KeyPolicy, signatures: Signatures) -> list[dict[str, str]]:
    return [{"key": policy.keys[i][0].hex(), "signature": signature.hex()} for i, signature in signatures]


def _signatures(policy: KeyPolicy, entries: list[_Signature]) -> Signatures:
    places = {key.hex(): index for index, (key, _) in enumerate(policy.keys)}
    found: list[tuple[int, bytes]] = []
    for entry in entries:
        if entry.key not in places:
            raise Invalid("bad_signature", f"key {entry.key[:64]} is not in the policy")
        found.append((places[entry.key], hex_bytes(entry.signature, 64, "a signature")))
    return tuple(sorted(found))
