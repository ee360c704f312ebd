"""Routes of contracts and tokens; see routes."""

from typing import Final

from chaosnet.rpc import arguments as args
from chaosnet.rpc import contract_handlers as handlers
from chaosnet.rpc import schema
from chaosnet.rpc.route import Route

CONTRACT_ROUTES: Final = (
    Route(
        name="contracts",
        method="GET",
        path="/v1/contracts",
        call=handlers.contracts,
        result=schema.ContractList,
        arguments=args.PageArguments,
    ),
    Route(
        name="contract",
        method="GET",
        path="/v1/contracts/{address}",
        call=handlers.contract,
        result=schema.Contract,
        arguments=args.AccountArguments,
        problems=("bad_address", "no_contract"),
    ),
    Route(
        name="contract_storage",
        method="GET",
        path="/v1/contracts/{address}/storage",
        call=handlers.contract_storage,
        result=schema.StorageList,
        arguments=args.StorageArguments,
        problems=("bad_address", "no_contract"),
    ),
    Route(
        name="storage_proof",
        method="GET",
        path="/v1/contracts/{address}/storage/{key}/proof",
        call=handlers.storage_proof,
        result=schema.StorageProof,
        arguments=args.StorageProofArguments,
        problems=("bad_address", "not_found"),
    ),
    Route(
        name="query",
        method="POST",
        path="/v1/contracts/{address}/query",
        call=handlers.query,
        result=schema.Answer,
        arguments=args.AccountArguments,
        body=schema.Query,
        problems=("bad_address", "no_contract", "malformed", "too_large", "overloaded", "timeout"),
    ),
    Route(
        name="events",
        method="GET",
        path="/v1/events",
        call=handlers.events,
        result=schema.EventList,
        arguments=args.EventsArguments,
        problems=("bad_address",),
    ),
    Route(
        name="event_proof",
        method="GET",
        path="/v1/events/{id}/{index}/proof",
        call=handlers.event_proof,
        result=schema.EventProof,
        arguments=args.EventProofArguments,
        problems=("not_found",),
    ),
    Route(
        name="tokens",
        method="GET",
        path="/v1/tokens",
        call=handlers.tokens,
        result=schema.TokenList,
        arguments=args.PageArguments,
    ),
    Route(
        name="token",
        method="GET",
        path="/v1/tokens/{id}",
        call=handlers.token,
        result=schema.Token,
        arguments=args.TokenArguments,
        problems=("no_token",),
    ),
    Route(
        name="token_holders",
        method="GET",
        path="/v1/tokens/{id}/holders",
        call=handlers.token_holders,
        result=schema.HoldingList,
        arguments=args.TokenPageArguments,
        problems=("no_token",),
    ),
    Route(
        name="account_tokens",
        method="GET",
        path="/v1/accounts/{address}/tokens",
        call=handlers.account_tokens,
        result=schema.HoldingList,
        arguments=args.ContractPageArguments,
        problems=("bad_address",),
    ),
)
