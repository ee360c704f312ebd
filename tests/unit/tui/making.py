"""Statuses and blocks from a few words."""

from collections.abc import Collection
from hashlib import sha256

import msgspec

from chaosnet.rpc import schema
from tui.network import Network, Target

NOW = 1_700_000_000_000
NAMES = ("alpha", "beta", "gamma", "delta")
HEALTHY = schema.Health(is_healthy=True, phase="running")
SINCE = NOW - 192_000
HALTED = schema.Health(
    is_healthy=False,
    phase="running",
    code="quorum_lost",
    reason="2 of 4 members silent, 3 needed",
    since_ms=SINCE,
)


def id_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def address_of(name: str) -> str:
    return f"cos1q{id_of(name)[:50]}"


def members_of(name: str, silent: Collection[str] = ()) -> list[schema.MemberStatus]:
    return [
        schema.MemberStatus(
            name=other,
            operator=address_of(other),
            role="validator",
            is_self=other == name,
            is_connected=other != name and other not in silent,
            is_silent=other in silent,
            last_heard_ms=None if other == name else SINCE if other in silent else NOW - 300,
        )
        for other in NAMES
    ]


def status_of(
    name: str,
    height: int = 10,
    *,
    chain: str = "main",
    silent: Collection[str] = (),
    health: schema.Health = HEALTHY,
    pool: int = 0,
    started_ms: int = NOW - 60_000,
    genesis: str = "genesis",
    round: int = 0,
    interval_ms: int | None = 950,
) -> schema.Status:
    return schema.Status(
        name=name,
        software="chaosnet/0",
        chain_name="made",
        genesis=id_of(genesis),
        address_prefix="cos",
        node_id=id_of(f"node {name}"),
        rule=1,
        rules_known=[1],
        height=height,
        tip=id_of(f"{chain} {height}"),
        state_root=id_of(f"{chain} state {height}"),
        tip_time_ms=NOW - 500,
        final_height=height,
        final_id=id_of(f"{chain} {height}"),
        now_ms=NOW,
        started_ms=started_ms,
        peers=3 - len(silent),
        clock_offset_ms=-3,
        mempool_txs=pool,
        mempool_bytes=pool * 250,
        best_height=height,
        trust="genesis",
        submit="public",
        consensus=schema.ConsensusStatus(
            engine="pbft",
            finality="immediate",
            era=0,
            height=height + 1,
            round=round,
            step="propose",
            proposer="alpha",
            validators=4,
            needed=3,
            is_validator=True,
        ),
        health=health,
        members=members_of(name, silent),
        block_interval_ms=interval_ms,
        txs_total=1_234,
    )


def block_of(height: int, *, chain: str = "main", txs: int = 2, round: int = 0) -> schema.BlockSummary:
    return schema.BlockSummary(
        height=height,
        id=id_of(f"{chain} {height}"),
        parent=id_of(f"{chain} {height - 1}"),
        time_ms=NOW + (height - 10) * 1_000,
        proposer=address_of(NAMES[height % 4]),
        proposer_name=NAMES[height % 4],
        tx_count=txs,
        gas_used=42_000,
        size_bytes=700,
        engine="pbft",
        era=0,
        round=round,
        is_final=True,
        state_root=id_of(f"{chain} state {height}"),
    )


def tx_of(height: int, position: int = 0) -> schema.TransactionSummary:
    return schema.TransactionSummary(
        id=id_of(f"tx {height} {position}"),
        height=height,
        position=position,
        sender=address_of("alpha"),
        nonce=height,
        code="ok" if position == 0 else "insufficient_funds",
        fee="21000",
        actions=["transfer"],
        to=address_of("beta"),
        amount="123456789000",
        time_ms=NOW,
    )


def network_of(count: int = 4) -> Network:
    return Network([Target(name, f"http://{name}:26710") for name in NAMES[:count]])


def running(heights: int = 30) -> Network:
    """Four nodes that agree, after some blocks."""
    network = network_of()
    for index, name in enumerate(NAMES):
        network.answered(index, status_of(name), NOW, 4)
    network.source, network.is_streaming = 0, True
    network.take_blocks(0, [block_of(h) for h in range(max(1, 11 - heights), 10)])
    network.take_event(0, schema.BlockEvent(block=block_of(10), tx_ids=[id_of("tx 10 0")]), NOW)
    return network


def lose_two(network: Network) -> None:
    """Let two nodes fall silent and the others say so."""
    for index in (2, 3):
        network.lost(index, "connection: refused", NOW)
    for index in (0, 1):
        network.answered(index, status_of(NAMES[index], silent=NAMES[2:], health=HALTED), NOW)


def with_health(status: schema.Status, health: schema.Health) -> schema.Status:
    return msgspec.structs.replace(status, health=health)
