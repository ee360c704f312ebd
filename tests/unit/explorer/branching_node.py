"""A made-up node whose chain can fork: it leaves branches when told to, as under pow, pos and dpos."""

import msgspec

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.base.units import MOTES_PER_COS
from chaosnet.model.header import Header, PowProof, Proof, QuorumProof, RoundProof, SlotProof, StakeProof
from chaosnet.rpc import schema
from tests.unit.explorer.made_node import BLOCK_MS, MEMBERS, MadeNode, address_of, id_of

LAG = 6
"""Blocks behind the head that are final."""
PROOFS: dict[str, Proof] = {
    "pow": PowProof(bits=0x2000FFFF, nonce=77_777),
    "pos": StakeProof(slot=41, vrf=b"\x1c" * 80, max_height_generated=17, max_height_prevoted=18),
    "pbft": QuorumProof(round=2),
    "dbft": RoundProof(round=2, reveal=b"\x3e" * 16),
    "dpos": SlotProof(slot=41, reveal=b"\x2d" * 16, max_height_generated=17, max_height_prevoted=18),
}
FINALITY = {"pow": "depth", "pos": "gadget", "dpos": "gadget", "pbft": "immediate", "dbft": "immediate"}


class BranchingNode(MadeNode):
    """Implements rpc.backend.Backend."""

    def __init__(self, name: str = "alpha", *, engine: str = "dpos") -> None:
        self.engine = engine
        self.beside: list[schema.BlockSummary] = []
        """Blocks of other branches."""
        self.reorganisations: list[schema.Reorganisation] = []
        self.next_engine = ""
        self.handover_height: int | None = None
        self.is_handing_over = False
        self.trust = "genesis"
        self.is_old = False
        """It is of a release that knows neither validators nor the tree."""
        self.evidence_list: list[schema.EvidenceItem] = []
        super().__init__(name)
        validators = [
            msgspec.structs.replace(v, weight_ppm=ppm, weight=str(ppm * MOTES_PER_COS))
            for v, ppm in zip(
                self.validator_list.validators, (400_000, 300_000, 200_000, 100_000), strict=False
            )
        ]
        self.validator_list = msgspec.structs.replace(
            self.validator_list,
            engine=engine,
            total_weight=str(1_000_000 * MOTES_PER_COS),
            validators=[*validators, *self.validator_list.validators[4:]],
        )

    @property
    def final_height(self) -> int:
        return max(0, len(self.made) - 1 - LAG)

    def grow(self, tx_count: int = 1, *, time_ms: int | None = None) -> schema.BlockSummary:
        """Add a block; the one so many blocks below becomes final."""
        height = len(self.made)
        self.now_ms = time_ms or self.start_ms + height * BLOCK_MS
        block = self._make(tx_count, self.now_ms, "")
        self._tell_final()
        return block

    def fork(self, depth: int, *, time_ms: int | None = None) -> list[str]:
        """Leave the newest blocks for one block more; return the transactions that wait again."""
        self.now_ms = time_ms or self.now_ms + BLOCK_MS
        old = self.made[-depth:]
        dropped = [tx.id for lines in self.txs[-depth:] for tx in lines]
        del self.made[-depth:], self.txs[-depth:]
        self.beside += old
        for place in range(depth + 1):
            self._make(0, self.now_ms + place, f"branch {len(self.reorganisations)}")
        self.pending += dropped
        event = schema.ReorgEvent(
            common_height=old[0].height - 1,
            dropped=dropped,
            old_height=old[-1].height,
            old_id=old[-1].id,
            new_height=self.made[-1].height,
            new_id=self.made[-1].id,
            depth=depth,
            is_deep=depth > 2,
        )
        self.reorganisations.insert(
            0,
            schema.Reorganisation(
                at_ms=self.now_ms,
                dropped_total=len(dropped),
                **{name: getattr(event, name) for name in event.__struct_fields__},
            ),
        )
        self.hub.publish(event)
        self._tell_final()
        return dropped

    def _make(self, tx_count: int, time_ms: int, branch: str) -> schema.BlockSummary:
        height = len(self.made)
        proposer = MEMBERS[(height + len(branch)) % 4]
        block = schema.BlockSummary(
            height=height,
            id=id_of(f"{self.chain} block {height} {branch}"),
            parent=self.made[-1].id if self.made else "00" * 32,
            time_ms=time_ms,
            proposer=address_of(proposer),
            proposer_name=proposer,
            tx_count=tx_count,
            gas_used=21_000 * tx_count,
            size_bytes=600 + 212 * tx_count,
            engine=self.engine,
            era=0,
            round=0,
            is_final=False,
            state_root=id_of(f"state {height} {branch}"),
        )
        lines = [self._line(height, position) for position in range(tx_count)]
        waiting, self.pending = self.pending[:tx_count], self.pending[tx_count:]
        for position, tx_id in enumerate(waiting):
            lines[position] = msgspec.structs.replace(lines[position], id=tx_id)
        self.made.append(block)
        self.txs.append(lines)
        self.hub.publish(schema.BlockEvent(block=block, tx_ids=[tx.id for tx in lines]))
        return block

    def _tell_final(self) -> None:
        final = self.made[self.final_height]
        for height in range(final.height + 1):
            if not self.made[height].is_final:
                self.made[height] = msgspec.structs.replace(self.made[height], is_final=True)
        self.hub.publish(schema.FinalEvent(height=final.height, id=final.id))

    # ── answers ──────────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> schema.Status:
        told = super().status()
        final = self.made[self.final_height]
        consensus = msgspec.structs.replace(
            told.consensus,
            engine=self.engine,
            finality=FINALITY[self.engine],
            height=told.height + 1,
            next_engine=self.next_engine,
            handover_height=self.handover_height,
            is_handing_over=self.is_handing_over,
            reorganisations=len(self.reorganisations),
        )
        return msgspec.structs.replace(
            told, final_height=final.height, final_id=final.id, trust=self.trust, consensus=consensus
        )

    async def block(self, name: str) -> schema.Block:
        found = await super().block(name)
        return msgspec.structs.replace(found, header=encode(self._header(found.summary)).hex())

    def _header(self, block: schema.BlockSummary) -> Header:
        empty = bytes(32)
        return Header(
            version=1,
            genesis=empty,
            era=0,
            height=block.height,
            parent=bytes.fromhex(block.parent),
            time_ms=block.time_ms,
            proposer=bytes(33),
            rule=1,
            engine=self.engine,
            tx_root=empty,
            tx_count=block.tx_count,
            state_root=empty,
            receipts_root=empty,
            validators_hash=empty,
            next_validators_hash=empty,
            parent_seal_hash=empty,
            gas_used=block.gas_used,
            proof=PROOFS[self.engine],
        )

    async def transaction(self, tx_id: str) -> schema.Transaction:
        found = await super().transaction(tx_id)
        if found.height is None:
            return found
        block = self.made[found.height]
        status = "final" if block.is_final else "included"
        return msgspec.structs.replace(found, status=status, block_id=block.id)

    def tree(self) -> schema.Tree:
        self.calls.append("tree")
        self._check_known()
        shown = self.made[self.final_height :]
        beside = [block for block in self.beside if block.height > self.final_height]
        blocks = sorted([*shown, *beside], key=lambda block: -block.height)
        return schema.Tree(
            finality=FINALITY[self.engine],
            final_height=self.final_height,
            final_id=shown[0].id,
            head_height=shown[-1].height,
            head_id=shown[-1].id,
            blocks=[self._tree_block(block) for block in blocks],
            left_out=0,
            reorganisations=self.reorganisations,
        )

    def _tree_block(self, block: schema.BlockSummary) -> schema.TreeBlock:
        return schema.TreeBlock(
            id=block.id,
            parent=block.parent,
            height=block.height,
            time_ms=block.time_ms,
            proposer=block.proposer,
            proposer_name=block.proposer_name,
            tx_count=block.tx_count,
            engine=block.engine,
            era=block.era,
            weight=str(block.height),
            is_canonical=block in self.made,
            is_final=block.height == self.final_height and block in self.made,
            is_tail=False,
            slot=None if self.engine == "pow" else 2 * block.height,
        )

    def params(self) -> schema.Params:
        told = super().params()
        return msgspec.structs.replace(told, params=told.params | {"finality_depth": 10})

    def delegations(self, address: str) -> schema.DelegationList:
        self._check_known()
        return super().delegations(address)

    def validators(self, first: int, limit: int) -> schema.ValidatorList:
        self.calls.append("validators")
        self._check_known()
        return super().validators(first, limit)

    def evidence(self) -> schema.EvidenceList:
        self.calls.append("evidence")
        return schema.EvidenceList(evidence=self.evidence_list)

    def _check_known(self) -> None:
        if self.is_old:
            raise Invalid("not_found", "no such path")
