"""Every route of the interface, once: the apps mount this table, and the OpenAPI document describes it."""

from typing import Final

from chaosnet.rpc import arguments as args
from chaosnet.rpc import handlers, schema
from chaosnet.rpc.contract_routes import CONTRACT_ROUTES
from chaosnet.rpc.handlers import ADMIN, METRICS_TEXT, OPERATOR
from chaosnet.rpc.route import Route

EVENT_STREAM: Final = "text/event-stream"

EVERY_PROBLEM: Final = ("bad_argument", "internal", "not_ready", "overloaded")
"""Codes any route may answer with."""
SUBMIT_PROBLEMS: Final = ("malformed", "too_large", "submit_off", "overloaded", "rate_limited", "timeout")
VERDICT_PROBLEMS: Final = (
    "already_known",
    "bad_address",
    "bad_anchor",
    "bad_argument",
    "bad_policy",
    "bad_signature",
    "expired",
    "expiry_too_far",
    "gas_limit",
    "mempool_full",
    "no_actions",
    "nonce_too_high",
    "nonce_too_low",
    "not_canonical",
    "not_enough",
    "price_too_low",
    "replacement_underpriced",
    "sender_full",
    "threshold_not_met",
    "wrong_network",
)

ROUTES: Final = (
    # ── the node
    Route(
        name="alive",
        method="GET",
        path="/health",
        call=handlers.is_alive,
        result=schema.Health,
        statuses=(503,),
    ),
    Route(
        name="ready",
        method="GET",
        path="/ready",
        call=handlers.is_ready,
        result=schema.Health,
        statuses=(503,),
    ),
    Route(
        name="metrics",
        method="GET",
        path="/metrics",
        call=handlers.metrics,
        result=str,
        media=METRICS_TEXT,
        listeners=(OPERATOR, ADMIN),
    ),
    Route(
        name="openapi",
        method="GET",
        path="/openapi.json",
        call=handlers.openapi,
        result=dict[str, object],
    ),
    Route(
        name="status",
        method="GET",
        path="/v1/status",
        call=handlers.status,
        result=schema.Status,
    ),
    Route(
        name="health",
        method="GET",
        path="/v1/health",
        call=handlers.health,
        result=schema.Health,
    ),
    Route(
        name="peers",
        method="GET",
        path="/v1/peers",
        call=handlers.peers,
        result=schema.PeerList,
    ),
    Route(
        name="params",
        method="GET",
        path="/v1/params",
        call=handlers.params,
        result=schema.Params,
    ),
    Route(
        name="genesis",
        method="GET",
        path="/v1/genesis",
        call=handlers.genesis,
        result=schema.GenesisDocument,
    ),
    # ── the chain
    Route(
        name="blocks",
        method="GET",
        path="/v1/blocks",
        call=handlers.blocks,
        result=schema.BlockList,
        arguments=args.BlocksArguments,
    ),
    Route(
        name="block",
        method="GET",
        path="/v1/blocks/{name}",
        call=handlers.block,
        result=schema.Block,
        arguments=args.BlockArguments,
        problems=("not_found",),
    ),
    Route(
        name="block_transactions",
        method="GET",
        path="/v1/blocks/{name}/transactions",
        call=handlers.block_transactions,
        result=schema.TransactionList,
        arguments=args.BlockTransactionsArguments,
        problems=("not_found",),
    ),
    Route(
        name="transaction",
        method="GET",
        path="/v1/transactions/{id}",
        call=handlers.transaction,
        result=schema.Transaction,
        arguments=args.TransactionArguments,
        problems=("not_found",),
    ),
    Route(
        name="account",
        method="GET",
        path="/v1/accounts/{address}",
        call=handlers.account,
        result=schema.Account,
        arguments=args.AccountArguments,
        problems=("bad_address",),
    ),
    Route(
        name="account_transactions",
        method="GET",
        path="/v1/accounts/{address}/transactions",
        call=handlers.account_transactions,
        result=schema.TransactionList,
        arguments=args.AccountTransactionsArguments,
        problems=("bad_address",),
    ),
    Route(
        name="account_proof",
        method="GET",
        path="/v1/accounts/{address}/proof",
        call=handlers.account_proof,
        result=schema.AccountProof,
        arguments=args.AccountProofArguments,
        problems=("bad_address", "not_found"),
    ),
    Route(
        name="search",
        method="GET",
        path="/v1/search",
        call=handlers.search,
        result=schema.SearchResult,
        arguments=args.SearchArguments,
    ),
    Route(
        name="evidence",
        method="GET",
        path="/v1/evidence",
        call=handlers.evidence,
        result=schema.EvidenceList,
    ),
    # ── validators and branches
    Route(
        name="validators",
        method="GET",
        path="/v1/validators",
        call=handlers.validators,
        result=schema.ValidatorList,
        arguments=args.ValidatorsArguments,
    ),
    Route(
        name="tree",
        method="GET",
        path="/v1/tree",
        call=handlers.tree,
        result=schema.Tree,
    ),
    Route(
        name="delegations",
        method="GET",
        path="/v1/delegations/{address}",
        call=handlers.delegations,
        result=schema.DelegationList,
        arguments=args.AccountArguments,
        problems=("bad_address",),
    ),
    *CONTRACT_ROUTES,
    # ── submission
    Route(
        name="submit",
        method="POST",
        path="/v1/transactions",
        call=handlers.submit,
        result=schema.Verdict,
        body=schema.SubmitRequest,
        status=202,
        problems=SUBMIT_PROBLEMS + VERDICT_PROBLEMS,
        is_submit=True,
    ),
    Route(
        name="submit_batch",
        method="POST",
        path="/v1/transactions:batch",
        call=handlers.submit_batch,
        result=schema.BatchResult,
        body=schema.BatchRequest,
        problems=SUBMIT_PROBLEMS,
        is_submit=True,
    ),
    Route(
        name="simulate",
        method="POST",
        path="/v1/transactions:simulate",
        call=handlers.simulate,
        result=schema.Simulation,
        body=schema.SubmitRequest,
        problems=SUBMIT_PROBLEMS + VERDICT_PROBLEMS,
        is_submit=True,
    ),
    # ── the stream
    Route(
        name="stream",
        method="GET",
        path="/v1/stream",
        call=handlers.stream,
        result=schema.StreamEvent,
        arguments=args.StreamArguments,
        media=EVENT_STREAM,
        problems=("overloaded", "rate_limited", "shutdown"),
    ),
)
"""The public reads and submission; what a listener adds is handed to its app."""
