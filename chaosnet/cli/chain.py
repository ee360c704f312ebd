"""Reading a node: blocks, status, health, peers, evidence."""

import time
from typing import Annotated

import typer

from chaosnet.base.errors import Invalid, Unavailable
from chaosnet.cli.asking import DEFAULT_NODE, HASH_HEX_LENGTH, Node, TimeoutS, asking
from chaosnet.cli.output import (
    OK,
    REFUSED,
    Json,
    cos,
    note,
    print_fields,
    print_json,
    print_table,
    print_text,
    when,
)
from chaosnet.rpc import schema

app = typer.Typer()

POLL_S = 0.2
TIMEOUT_S = 60

Count = Annotated[int, typer.Option("--count", "-n", min=1, max=100, help="How many.")]


@app.command()
def block(
    name: Annotated[str, typer.Argument(help="Height, block id, head or final.")] = "head",
    node: Node = DEFAULT_NODE,
    *,
    as_json: Json = False,
) -> None:
    """Show a block and its transactions."""
    name = block_name(name)
    with asking(node) as client:
        try:
            found = client.block(name)
        except Invalid as error:
            if error.code != "not_found":
                raise
            raise Invalid("not_found", _no_block(name, client.status().height)) from None
    if as_json:
        print_json(found)
        return
    summary = found.summary
    print_fields(
        [
            ("block", f"{summary.height} {summary.id}"),
            ("time", when(summary.time_ms)),
            ("proposer", f"{summary.proposer_name or summary.proposer}, round {summary.round}"),
            ("sealed by", ", ".join(found.signers)),
            ("parent", summary.parent),
            ("state root", summary.state_root),
            ("size", f"{summary.size_bytes} bytes, {summary.gas_used} gas"),
            ("engine", f"{summary.engine}, rule set {found.rule}, era {summary.era}"),
            ("final", "yes" if summary.is_final else "no"),
            ("transactions", summary.tx_count),
        ]
    )
    if found.transactions:
        print_text("")
        rows = [(t.position, t.id, ", ".join(t.actions), cos(t.amount), t.code) for t in found.transactions]
        print_table(("#", "transaction", "actions", "amount#", "code"), rows)
        rest = summary.tx_count - len(rows)
        if rest > 0:
            note(f"and {rest} more: /v1/blocks/{summary.height}/transactions")


@app.command()
def blocks(
    first: Annotated[int | None, typer.Option("--from", min=0, help="Height to begin at, downwards.")] = None,
    count: Count = 20,
    node: Node = DEFAULT_NODE,
    *,
    as_json: Json = False,
) -> None:
    """List blocks, newest first."""
    with asking(node) as client:
        found = client.blocks(first, count)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            b.height,
            b.id[:16],
            when(b.time_ms),
            b.proposer_name or b.proposer,
            b.round,
            b.tx_count,
            b.size_bytes,
        )
        for b in found.blocks
    ]
    print_table(("height#", "id", "time", "proposer", "round#", "txs#", "bytes#"), rows)


@app.command()
def status(node: Node = DEFAULT_NODE, *, as_json: Json = False) -> None:
    """Show where a node stands, and what is wrong if anything."""
    with asking(node) as client:
        found = client.status()
    if as_json:
        print_json(found)
        return
    print_fields(
        [
            ("node", f"{found.name}, {found.software}, node key {found.node_id}"),
            ("network", f"{found.chain_name}, genesis {found.genesis}"),
            ("health", health_line(found.health)),
            ("height", f"{found.height}, final {found.final_height}, best known {found.best_height}"),
            ("head", f"{found.tip}, {when(found.tip_time_ms)}"),
            ("state root", found.state_root),
            ("rule set", f"{found.rule}; known here: {', '.join(map(str, found.rules_known))}"),
            *_agreement(found),
            ("peers", found.peers),
            ("clock", "" if found.clock_offset_ms is None else f"{found.clock_offset_ms:+d} ms to the peers"),
            ("mempool", f"{found.mempool_txs} transactions, {found.mempool_bytes} bytes"),
            ("interval", _interval_line(found.block_interval_ms)),
            ("history", found.trust if found.trust != "untrusted" else "UNTRUSTED, see health"),
            ("submit", found.submit),
        ]
    )
    if found.members:
        print_text("")
        rows = [(m.name, m.role, _presence(m), m.operator) for m in found.members]
        print_table(("member", "role", "now", "operator"), rows)


@app.command()
def peers(node: Node = DEFAULT_NODE, *, as_json: Json = False) -> None:
    """List a node's connections; addresses only on its operator listener."""
    with asking(node) as client:
        found = client.peers()
    if as_json:
        print_json(found)
        return
    rows = [
        (
            p.member or p.node_id[:16],
            "out" if p.is_outbound else "in",
            p.height,
            f"{p.offset_ms:+d}",
            p.software,
            when(p.since_ms),
            p.address,
        )
        for p in found.peers
    ]
    print_table(("peer", "way", "height#", "clock ms#", "software", "since", "address"), rows)


@app.command()
def evidence(node: Node = DEFAULT_NODE, *, as_json: Json = False) -> None:
    """List proofs of double signatures that a node holds or the chain records."""
    with asking(node) as client:
        found = client.evidence()
    if as_json:
        print_json(found)
        return
    rows = [
        (
            e.member or e.signer[:16],
            e.kind,
            e.height,
            e.round,
            "on chain" if e.on_chain else "not yet accused",
        )
        for e in found.evidence
    ]
    if rows:
        print_table(("signer", "kind", "height#", "round#", "state"), rows)
        note("`chaosnet tx build --accuse HEX` puts one on the chain; --json shows the hex.")
    else:
        note("none")


@app.command()
def health(node: Node = DEFAULT_NODE, *, as_json: Json = False) -> None:
    """Say whether a node is healthy, and else why not and since when; exit code 1 when it is not."""
    with asking(node) as client:
        found = client.health()
    if as_json:
        print_json(found)
    else:
        print_text(health_line(found))
    raise typer.Exit(OK if found.is_healthy else REFUSED)


@app.command(name="wait-height")
def wait_height(
    height: Annotated[int, typer.Argument(min=0, help="Height to wait for.")],
    node: Node = DEFAULT_NODE,
    timeout_s: TimeoutS = TIMEOUT_S,
    *,
    as_json: Json = False,
) -> None:
    """Wait until a node's head has reached a height; also while the node is only starting."""
    end = time.monotonic() + timeout_s
    reached = -1
    with asking(node) as client:
        while True:
            try:
                found = client.status()
                reached = found.height
            except Unavailable:
                if time.monotonic() >= end:
                    raise
            if reached >= height:
                break
            if time.monotonic() >= end:
                raise Unavailable("timeout", f"height {reached} after {timeout_s} s")
            time.sleep(POLL_S)
    if as_json:
        print_json({"height": found.height, "tip": found.tip, "state_root": found.state_root})
    else:
        print_fields([("height", found.height), ("head", found.tip)])


def _agreement(found: schema.Status) -> list[tuple[str, object]]:
    """Return how the chain grows now, and when that changes."""
    now = found.consensus
    quorum = f"{now.needed} of {now.validators} needed"
    fields: list[tuple[str, object]] = [("engine", f"{now.engine}, era {now.era}")]
    if now.finality == "immediate":
        step = f"height {now.height} round {now.round}, {now.step}"
        fields.append(
            ("agreement", f"{step}, proposer {now.proposer}, {quorum}; each block is final at once")
        )
    else:
        ahead = found.height - found.final_height
        how = f"by votes in headers, {quorum}" if now.finality == "gadget" else "by the blocks above"
        fields += [
            ("finality", f"{how}; {ahead} blocks may still be undone"),
            ("turn", now.proposer),
            ("weight", now.weight),
            ("undone", f"{now.reorganisations} reorganisations" if now.reorganisations else ""),
        ]
    if now.next_engine and now.handover_height is not None:
        left = now.handover_height - found.height
        when_due = f"to {now.next_engine} after block {now.handover_height}"
        due = "waits until that block is final" if now.is_handing_over else f"{left} blocks to go"
        fields.append(("hand-over", f"{when_due}: {due}"))
    follows = "no vote" if now.finality == "depth" else "no, only follows"
    fields.append(("takes part", "yes" if now.is_validator else follows))
    return fields


def health_line(found: schema.Health) -> str:
    """Return health in one line."""
    if found.is_healthy:
        return f"healthy, {found.phase}"
    since = f" since {when(found.since_ms)}" if found.since_ms is not None else ""
    progress = f", {found.progress} % done" if found.progress < 100 else ""
    phase = "" if found.phase == "running" else f", {found.phase}"
    return f"NOT healthy{phase}: {found.reason or found.code}{since}{progress}"


def _no_block(name: str, head: int) -> str:
    if name.isdigit() and len(name) < HASH_HEX_LENGTH:
        return f"block {name}; the head is block {head}"
    return f"block {name}"


def _interval_line(median_ms: int | None) -> str:
    return "" if median_ms is None else f"{median_ms} ms, the median of blocks that had work waiting"


def block_name(text: str) -> str:
    """Return how a node names a block; raises Invalid(`bad_argument`)."""
    name = text.strip().lower()
    is_height = name.isascii() and name.isdigit() and len(name) < 20
    is_id = len(name) == HASH_HEX_LENGTH and not set(name) - set("0123456789abcdef")
    if name not in ("head", "final") and not is_height and not is_id:
        what = f"a height, a block id of {HASH_HEX_LENGTH} hexadecimal digits, head or final"
        raise Invalid("bad_argument", f"{text[:80]!r} names no block: give {what}")
    return name


def _presence(member: schema.MemberStatus) -> str:
    if member.is_self:
        return "this node"
    if member.is_silent:
        return f"silent since {when(member.last_heard_ms)}" if member.last_heard_ms else "never heard"
    if member.is_connected:
        return "connected"
    return "heard through others" if member.last_heard_ms else "not heard yet"
