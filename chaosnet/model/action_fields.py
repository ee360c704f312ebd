"""Actions on contracts and tokens for people to read, the same in files, interfaces and on the screen."""

from collections.abc import Callable
from hashlib import sha256

import msgspec

from chaosnet.model.contract_actions import (
    COS,
    ApproveToken,
    BurnToken,
    Call,
    ChangeToken,
    ContractAction,
    ConvertToken,
    Deploy,
    IssueToken,
    SendToken,
)

KINDS: dict[type[ContractAction], str] = {
    Deploy: "deploy",
    Call: "call",
    SendToken: "send_token",
    ApproveToken: "approve_token",
    BurnToken: "burn_token",
    IssueToken: "issue_token",
    ChangeToken: "change_token",
    ConvertToken: "convert_token",
}
"""The word for each action."""

_ADDRESSES = ("contract", "owner", "to", "spender", "subject")


def contract_action_fields(action: ContractAction, address: Callable[[bytes], str]) -> dict[str, object]:
    """Return all fields of an action: addresses as `address` writes them, ids in hex, amounts as decimals.

    A source is named by size and SHA-256.
    """
    fields: dict[str, object] = {"kind": KINDS[type(action)]}
    for name in action.__struct_fields__:
        value = getattr(action, name)
        if name in _ADDRESSES:
            fields[name] = address(value) if value else ""
        elif name == "source":
            fields |= {"source_bytes": len(value), "source_sha256": sha256(value).hexdigest()}
        elif name == "args":
            fields[name] = arguments_of(value)
        elif name == "sent":
            pairs = value if isinstance(value, tuple) else ((COS, value),) if value else ()
            fields[name] = {asset.hex() or "COS": str(amount) for asset, amount in pairs}
        elif isinstance(value, bytes):
            fields[name] = value.hex()
        else:
            fields[name] = str(value) if type(value) is int else value
    return fields


def contract_action_line(action: ContractAction, address: Callable[[bytes], str]) -> str:
    """Return what an action does in one line."""
    fields = contract_action_fields(action, address)
    parts = (f"{name} {value}" for name, value in fields.items() if name != "kind" and value not in ("", {}))
    return f"{KINDS[type(action)].replace('_', ' ')}: {', '.join(parts)}"


def arguments_of(raw: bytes) -> object:
    """Return canonical values as JSON can hold them: bytes as `0x` and hex, large integers as they are."""
    try:
        return _shown(msgspec.msgpack.decode(raw))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return "0x" + raw.hex()


def _shown(value: object) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _shown(item) for key, item in value.items()}
    return value
