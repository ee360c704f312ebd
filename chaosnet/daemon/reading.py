"""The metrics' present values, read from a node's status and its disk."""

from chaosnet.ops.metrics import Reading
from chaosnet.rpc.schema import Status
from chaosnet.storage.datadir import free_bytes
from chaosnet.storage.sqlite import ChainStore


def reading_of(status: Status, store: ChainStore) -> Reading:
    """Return what the gauges show now."""
    consensus = status.consensus
    silent = sum(1 for member in status.members if member.is_silent and member.role == "validator")
    return Reading(
        values={
            "height": status.height,
            "final_height": status.final_height,
            "best_height": status.best_height,
            "head_time_seconds": status.tip_time_ms / 1_000,
            "peers": status.peers,
            "mempool_transactions": status.mempool_txs,
            "mempool_bytes": status.mempool_bytes,
            "round": consensus.round,
            "era": consensus.era,
            "validators": consensus.validators,
            "validators_needed": consensus.needed,
            "validators_silent": silent,
            "is_validator": consensus.is_validator,
            "is_healthy": status.health.is_healthy,
            "is_ready": status.health.is_healthy and status.health.phase == "running",
            "trusted": status.trust != "untrusted",
            "clock_offset_seconds": (status.clock_offset_ms or 0) / 1_000,
            "chain_bytes": store.size_bytes(),
            "disk_free_bytes": free_bytes(store.path.parent),
            "start_time_seconds": status.started_ms / 1_000,
        },
        name=status.name,
        chain_name=status.chain_name,
        genesis=status.genesis,
        software=status.software,
        engine=consensus.engine,
        rule=status.rule,
        health_code=status.health.code,
    )
