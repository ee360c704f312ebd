"""The interface's view of a running node: what is durable, never what the kernel merely works on."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from chaosnet.base.errors import Invalid
from chaosnet.base.limits import BATCH_TXS_MAX, MEMPOOL_PER_SENDER_MAX
from chaosnet.daemon import present
from chaosnet.daemon.branch_views import REORG_WARN_DEPTH, Reorganisations, cut, tree_blocks, weight_of
from chaosnet.daemon.contract_views import ContractViews
from chaosnet.daemon.dry_run import dry_run
from chaosnet.daemon.runtime import Runtime
from chaosnet.kernel import health, trusting
from chaosnet.kernel.chain import context_for
from chaosnet.kernel.events import (
    Finalised,
    HeadMoved,
    Reorganised,
    ReportFact,
    RoundMoved,
    TransactionsPending,
)
from chaosnet.kernel.mempool import nonces_in
from chaosnet.kernel.turns import leader_at
from chaosnet.model.contract_actions import Call, Deploy
from chaosnet.model.genesis import last_height_of, supply_at
from chaosnet.model.genesis_json import format_genesis
from chaosnet.model.transaction import decode_transaction
from chaosnet.rpc import schema
from chaosnet.rpc.stream import EventHub, Subscription
from chaosnet.rules.registry import rules_known
from chaosnet.storage.sqlite import ChainStore

T = TypeVar("T")

TXS_SHOWN = 100
"""Transactions listed with a block."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the operator named this node."""

    name: str
    software: str
    submit: str


class NodeBackend(ContractViews):
    """Implements rpc.backend.Backend over a runtime, its node and its store."""

    def __init__(
        self,
        runtime: Runtime,
        store: ChainStore,
        hub: EventHub,
        identity: Identity,
        *,
        reorg_warn_depth: int = REORG_WARN_DEPTH,
    ) -> None:
        super().__init__(runtime.node, store)
        self._runtime = runtime
        self._hub = hub
        self._identity = identity
        self._reorganisations = Reorganisations(reorg_warn_depth)
        self._started_ms = runtime.clock_ms()
        self._health_code = ""
        self.metrics_text: Callable[[], bytes] = lambda: b""
        self.phase = ""
        """Overrides the kernel's phase while starting or stopping."""

    # ── facts from the kernel ────────────────────────────────────────────────────────────────────────────

    def on_report(self, fact: ReportFact) -> None:
        """Take a fact that is true by now, and tell the stream."""
        if isinstance(fact, HeadMoved):
            self._move(fact.height)
            summary = present.block_summary(
                self.names, fact.header, fact.block_id, fact.size_bytes, is_final=fact.is_final
            )
            ids = [tx_id.hex() for tx_id in fact.tx_ids]
            self._hub.publish(schema.BlockEvent(block=summary, tx_ids=ids))
            if said := present.said(self.names, fact):
                self._hub.publish(said)
            if fact.is_final:
                self._finalise(fact.height, fact.block_id)
        elif isinstance(fact, Reorganised):
            self._move(fact.new_height)
            self._hub.publish(self._reorganisations.add(fact, self._runtime.clock_ms()))
        elif isinstance(fact, Finalised):
            self._finalise(fact.height, fact.block_id)
        elif isinstance(fact, TransactionsPending):
            self._hub.publish(schema.PendingEvent(tx_ids=[tx_id.hex() for tx_id in fact.tx_ids]))
        elif isinstance(fact, RoundMoved):
            self._hub.publish(schema.RoundEvent(height=fact.height, round=fact.round, step=fact.step))

    def _finalise(self, height: int, block_id: bytes) -> None:
        if height > self._final_height:
            self._final_height = height
            self._hub.publish(schema.FinalEvent(height=height, id=block_id.hex()))

    def watch_health(self) -> schema.Health:
        """Return the health and tell the stream when it changed; called every second."""
        now = self.health()
        if now.code != self._health_code:
            self._health_code = now.code
            self._hub.publish(schema.HealthEvent(health=now))
        return now

    # ── the node ─────────────────────────────────────────────────────────────────────────────────────────

    def health(self) -> schema.Health:
        """Return what is wrong, if anything."""
        view = health.health_of(self._node, self._runtime.clock_ms())
        if self.phase:
            return schema.Health(
                is_healthy=False, phase=self.phase, reason=self.phase, progress=view.progress
            )
        return schema.Health(
            is_healthy=view.is_healthy,
            phase=view.phase,
            code=view.code,
            reason=view.reason,
            since_ms=view.since_ms,
            progress=view.progress,
        )

    def status(self) -> schema.Status:
        """Return everything a dashboard needs."""
        node = self._node
        now = self._runtime.clock_ms()
        shown = self._published()
        header = shown.header
        genesis = node.config.genesis
        intervals = sorted(node.intervals)
        return schema.Status(
            name=self._identity.name,
            software=self._identity.software,
            chain_name=genesis.chain_name,
            genesis=node.genesis_hash.hex(),
            address_prefix=genesis.address_prefix,
            node_id=node.config.node_id.hex(),
            rule=node.head.rules.number,
            rules_known=list(rules_known()),
            height=header.height,
            tip=shown.block_id.hex(),
            state_root=header.state_root.hex(),
            tip_time_ms=header.time_ms,
            final_height=self._final_height,
            final_id=self._stored(self._final_height).block_id.hex(),
            now_ms=now,
            started_ms=self._started_ms,
            peers=len(node.sessions.ready()),
            clock_offset_ms=node.sessions.clock_offset_ms(),
            mempool_txs=len(node.mempool),
            mempool_bytes=node.mempool.bytes,
            best_height=health.best_height(node),
            trust=trusting.word(node),
            submit=self._identity.submit,
            consensus=self._consensus(),
            health=self.health(),
            members=self._members(now),
            block_interval_ms=intervals[len(intervals) // 2] if intervals else None,
            txs_total=self._txs_total,
        )

    def _consensus(self) -> schema.ConsensusStatus:
        node, names = self._node, self.names
        branch = node.branch
        state = node.engine.round_state()
        header = node.head.header
        height = header.height + 1
        validators = node.head.validators
        leader = leader_at(node, self._runtime.clock_ms())
        schedule = node.config.genesis.schedule[node.era + 1 :]
        end = last_height_of(node.config.genesis, node.era)
        return schema.ConsensusStatus(
            engine=node.engine.name if branch is None else branch.name,
            finality=(node.engine if branch is None else branch).finality.value,
            era=state.era if branch is None else node.era,
            height=state.height if branch is None else height,
            round=state.round,
            step=state.step,
            proposer=names.operator(leader) if leader else "",
            validators=len(validators.validators),
            needed=health.needed(node),
            is_validator=validators.index_of_key(node.config.consensus_key or b"") >= 0,
            weight="" if node.tree is None else weight_of(node, node.tree.get(self._published().block_id)),
            next_engine=schedule[0].engine if schedule else "",
            handover_height=end,
            is_handing_over=branch is not None and header.era == node.era and header.height == end,
            reorganisations=self._reorganisations.total,
        )

    def _members(self, now: int) -> list[schema.MemberStatus]:
        node = self._node
        silent = health.silent_validators(node, now)
        return [
            schema.MemberStatus(
                name=member.name,
                operator=self.names.address(member.operator),
                role=member.role,
                is_self=member.node_key == node.config.node_id,
                is_connected=node.sessions.is_ready(member.node_key),
                is_silent=member.operator in silent,
                last_heard_ms=max(node.heard.get(member.node_key, 0), node.heard.get(member.consensus_key, 0))
                or None,
            )
            for member in node.head.members
        ]

    def peers(self, *, with_addresses: bool) -> schema.PeerList:
        """Return the connections."""
        return schema.PeerList(
            peers=[
                schema.Peer(
                    node_id=info.node_id.hex(),
                    member=self.names.node(info.node_id),
                    is_outbound=info.outbound,
                    height=info.height,
                    round=info.round,
                    offset_ms=info.offset_ms,
                    software=info.software,
                    since_ms=info.since,
                    address=f"{info.host}:{info.port}" if with_addresses else "",
                )
                for info in map(self._node.sessions.info, self._node.sessions.ready())
            ]
        )

    def params(self) -> schema.Params:
        """Return the chain's parameters, schedule and prices."""
        head = self._node.head
        genesis = self._node.config.genesis
        return schema.Params(
            genesis=self._node.genesis_hash.hex(),
            chain_name=genesis.chain_name,
            address_prefix=genesis.address_prefix,
            params={name: getattr(head.params, name) for name in head.params.__struct_fields__},
            schedule=[{"height": entry.height, "engine": entry.engine} for entry in genesis.schedule],
            supply=str(supply_at(genesis, head.header.height)),
            rule=head.rules.number,
            gas={name: getattr(head.rules.gas, name) for name in head.rules.gas.__slots__},
        )

    def genesis(self) -> schema.GenesisDocument:
        """Return the genesis file."""
        genesis = self._node.config.genesis
        document = msgspec.json.decode(format_genesis(genesis), type=dict[str, object])
        return schema.GenesisDocument(hash=self._node.genesis_hash.hex(), document=document)

    # ── validators and branches ──────────────────────────────────────────────────────────────────────────

    def validators(self, first: int, limit: int) -> schema.ValidatorList:
        """Return validators by weight, then candidates by bond."""
        return self._validators(first, limit, self._runtime.clock_ms())

    def tree(self) -> schema.Tree:
        """Return the blocks that may still be undone, and what was undone lately."""
        node, shown = self._node, self._published()
        final_height = min(self._final_height, shown.header.height)
        blocks = tree_blocks(node, self._store, self.names, shown, final_height)
        blocks, left_out = cut(blocks)
        return schema.Tree(
            finality=(node.engine if node.branch is None else node.branch).finality.value,
            final_height=final_height,
            final_id=self._stored(final_height).block_id.hex(),
            head_height=shown.header.height,
            head_id=shown.block_id.hex(),
            blocks=blocks,
            left_out=left_out,
            reorganisations=self._reorganisations.newest_first(),
        )

    # ── submission ───────────────────────────────────────────────────────────────────────────────────────

    async def submit(self, raws: list[bytes]) -> list[schema.Verdict]:
        """Hand transactions to the mempool; one verdict each."""
        if len(raws) > BATCH_TXS_MAX:
            raise Invalid("too_large", f"at most {BATCH_TXS_MAX} transactions")
        verdicts = await self._runtime.submit(tuple(raws))
        return [schema.Verdict(id=i.hex(), code=code, detail=detail) for i, code, detail in verdicts]

    async def simulate(self, raw: bytes) -> schema.Simulation:
        """Execute one transaction on the present state, without signatures, and forget it.

        One that runs contracts is executed by the pool that answers questions, with at most its gas.
        """
        signed = decode_transaction(raw)
        node = self._node
        time_ms = max(self._runtime.clock_ms(), node.head.header.time_ms + 1)
        context = context_for(node, time_ms=time_ms, proposer=node.config.genesis.treasury)
        state = node.head.state
        ahead = signed.body.nonce - nonces_in(state)(signed.body.sender)
        if 0 < ahead < MEMPOOL_PER_SENDER_MAX:
            detail = f"{ahead} transactions must come before this one"
            return schema.Simulation(code="nonce_too_high", detail=detail, gas=0, fee="0")
        if not any(isinstance(action, Deploy | Call) for action in signed.body.actions):
            return dry_run(self.names, state, signed, context)
        if self.query_pool is None:
            return schema.Simulation(code="no_contracts", detail="", gas=0, fee="0")
        if signed.body.gas_limit > self.query_pool.gas_max:
            detail = f"at most {self.query_pool.gas_max} for a dry run here"
            return schema.Simulation(code="gas_limit", detail=detail, gas=0, fee="0")
        return await self.query_pool.run(
            lambda machine: dry_run(self.names, state, signed, replace(context, machine=machine))
        )

    def subscribe(self, after: int | None, *, ip: str, kinds: Collection[str]) -> Subscription:
        """Start a stream."""
        return self._hub.subscribe(after, ip=ip, kinds=kinds)

    def metrics(self) -> bytes:
        """Return the metrics page."""
        return self.metrics_text()
