"""Requests about contracts and tokens; see calls."""

import json

import msgspec

from chaosnet.rpc import schema
from chaosnet.rpc.client.calls import Call, part, read


def contracts(cursor: str | None = None, limit: int = 20) -> Call[schema.ContractList]:
    """Return contracts, newest first; `cursor`: `next` of the page before."""
    return read("/v1/contracts", schema.ContractList, cursor=cursor, limit=limit)


def contract(address: str) -> Call[schema.Contract]:
    """Return a contract; raises Invalid(`no_contract`)."""
    return read(f"/v1/contracts/{part(address)}", schema.Contract)


def contract_storage(
    address: str, prefix: list[object] | None = None, after: str | None = None, limit: int = 20
) -> Call[schema.StorageList]:
    """Return entries whose keys begin with some parts; `after`: `next` of the page before."""
    path = f"/v1/contracts/{part(address)}/storage"
    return read(path, schema.StorageList, prefix=key_text(prefix or []), after=after, limit=limit)


def storage_entry(address: str, key: list[object]) -> Call[schema.StorageEntry]:
    """Return one entry; raises Invalid(`no_contract`, `not_found`)."""
    path = f"/v1/contracts/{part(address)}/storage/{part(key_text(key))}"
    return read(path, schema.StorageEntry)


def storage_proof(
    address: str, key: list[object], height: int | None = None, trusted_height: int = 0
) -> Call[schema.StorageProof]:
    """Return a proof of one entry, to be checked with `chaosnet.rpc.lightclient`."""
    path = f"/v1/contracts/{part(address)}/storage/{part(key_text(key))}/proof"
    return read(path, schema.StorageProof, height=height, trusted_height=trusted_height)


def query(address: str, question: schema.Query) -> Call[schema.Answer]:
    """Return what a method answers; see `rpc.schema.values` for the form of arguments and answer."""
    return Call(f"/v1/contracts/{part(address)}/query", schema.Answer, body=msgspec.json.encode(question))


def events(
    contract: str | None = None, name: str | None = None, cursor: str | None = None, limit: int = 20
) -> Call[schema.EventList]:
    """Return events, newest first: all, or of one contract, or of one name of it."""
    return read("/v1/events", schema.EventList, contract=contract, name=name, cursor=cursor, limit=limit)


def contract_events(
    address: str, name: str | None = None, cursor: str | None = None, limit: int = 20
) -> Call[schema.EventList]:
    """Return events of one contract, newest first: all, or of one name."""
    path = f"/v1/contracts/{part(address)}/events"
    return read(path, schema.EventList, name=name, cursor=cursor, limit=limit)


def event_proof(tx_id: str, index: int, trusted_height: int = 0) -> Call[schema.EventProof]:
    """Return a proof of one event, to be checked with `chaosnet.rpc.lightclient`."""
    path = f"/v1/events/{part(tx_id)}/{index}/proof"
    return read(path, schema.EventProof, trusted_height=trusted_height)


def tokens(cursor: str | None = None, limit: int = 20) -> Call[schema.TokenList]:
    """Return tokens in the order of their ids."""
    return read("/v1/tokens", schema.TokenList, cursor=cursor, limit=limit)


def token(token_id: str) -> Call[schema.Token]:
    """Return a token; raises Invalid(`no_token`)."""
    return read(f"/v1/tokens/{part(token_id)}", schema.Token)


def token_holders(token_id: str, cursor: str | None = None, limit: int = 20) -> Call[schema.HoldingList]:
    """Return who holds a token, in the order of addresses."""
    return read(f"/v1/tokens/{part(token_id)}/holders", schema.HoldingList, cursor=cursor, limit=limit)


def token_transfers(
    token_id: str, cursor: str | None = None, limit: int = 20
) -> Call[schema.TokenTransferList]:
    """Return transfers of a token, newest first."""
    path = f"/v1/tokens/{part(token_id)}/transfers"
    return read(path, schema.TokenTransferList, cursor=cursor, limit=limit)


def account_tokens(address: str, cursor: str | None = None, limit: int = 20) -> Call[schema.HoldingList]:
    """Return tokens that an account or a contract holds."""
    return read(f"/v1/accounts/{part(address)}/tokens", schema.HoldingList, cursor=cursor, limit=limit)


def key_text(key: list[object]) -> str:
    """Return a key as JSON that may stand in a path: no slash in it."""
    return json.dumps(key, separators=(",", ":")).replace("/", "\\u002f")
