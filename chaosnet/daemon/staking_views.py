"""Who makes the blocks and whose coins stand behind them, as the interface shows it, at the durable head."""

from dataclasses import dataclass

from msgspec.structs import replace

from chaosnet.daemon import present
from chaosnet.daemon.chain_views import ChainViews
from chaosnet.kernel.health import silent_validators
from chaosnet.kernel.node import Node, Published
from chaosnet.kernel.turns import leader_at
from chaosnet.ledger.candidates import Candidate, candidates_of, find_candidate
from chaosnet.ledger.context import params_of
from chaosnet.ledger.epochs import epoch_of, missed_of, upcoming_validators
from chaosnet.ledger.members import next_validators
from chaosnet.ledger.staking import delegations_of
from chaosnet.ledger.state import State
from chaosnet.model.block import Validator
from chaosnet.model.genesis import last_height_of
from chaosnet.rpc import schema
from chaosnet.storage.sqlite import ChainStore

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Standing:
    """All validators and candidates at one block; who is silent changes with the time."""

    block_id: bytes
    operators: tuple[bytes, ...]
    rows: tuple[schema.ValidatorStatus, ...]
    """One for each operator."""
    total: int
    epoch: schema.EpochStatus | None


class StakingViews(ChainViews):
    """Adds validators and delegations to the reads of one node's chain."""

    def __init__(self, node: Node, store: ChainStore) -> None:
        super().__init__(node, store)
        self._standing: Standing | None = None

    def _validators(self, first: int, limit: int, now: int) -> schema.ValidatorList:
        """Return validators by weight, then candidates by bond."""
        node, names = self._node, self.names
        shown = self._published()
        standing = self._standing
        if standing is None or standing.block_id != shown.block_id:
            standing = self._standing = standing_at(node, names, shown)
        silent = set(silent_validators(node, now))
        page = [
            replace(row, is_silent=row.is_validator and operator in silent)
            for operator, row in list(zip(standing.operators, standing.rows, strict=True))[first:][:limit]
        ]
        after = first + len(page)
        leader = leader_at(node, now)
        return schema.ValidatorList(
            engine=node.engine.name if node.branch is None else node.branch.name,
            height=shown.header.height,
            leader=names.address(leader) if leader else "",
            leader_name=names.member(leader),
            total_weight=str(standing.total),
            epoch=standing.epoch,
            validators=page,
            next=after if page and after < len(standing.rows) else None,
        )

    def delegations(self, address: str) -> schema.DelegationList:
        """Return what an account has bonded, and what is on its way out."""
        raw = self._address(address)
        names, shown = self.names, self._published()
        stakes = delegations_of(shown.state, raw)
        return schema.DelegationList(
            address=names.address(raw),
            height=shown.header.height,
            bonded=str(sum(stake.amount for stake in stakes)),
            unbonding=str(sum(motes for stake in stakes for motes, _ in stake.unbonding)),
            delegations=[
                schema.Delegation(
                    operator=names.address(stake.operator),
                    name=names.member(stake.operator),
                    bonded=str(stake.amount),
                    unbonding=[
                        schema.UnbondingPart(amount=str(motes), free_height=height)
                        for motes, height in stake.unbonding
                    ],
                )
                for stake in stakes
            ],
        )


def standing_at(node: Node, names: present.Names, shown: Published) -> Standing:
    """Return who validates, will, or stands for election, by the state after a block."""
    state = shown.state
    active = next_validators(state)
    upcoming = upcoming_validators(state) or active
    validators = {v.operator: v for v in active.validators}
    coming = {v.operator: v for v in upcoming.validators}
    listed = {c.operator: c for c in candidates_of(state)}
    last = _last_blocks(node, shown.header.height)
    total = active.total
    found: list[tuple[tuple[int, int, bytes], bytes, schema.ValidatorStatus]] = []
    for operator in dict.fromkeys((*validators, *coming, *listed)):
        candidate = listed.get(operator) or find_candidate(state, operator)
        weight = validators[operator].weight if operator in validators else 0
        bonded = candidate.tokens if candidate is not None else 0
        key = _key(validators.get(operator) or coming.get(operator), candidate)
        row = schema.ValidatorStatus(
            operator=names.address(operator),
            name=names.member(operator),
            key=key.hex(),
            is_validator=operator in validators,
            is_next=operator in coming,
            weight=str(weight),
            weight_ppm=weight * PPM // total if total else 0,
            is_candidate=operator in listed,
            bonded=str(bonded),
            commission_permille=candidate.commission_permille if candidate is not None else 0,
            is_jailed=candidate is not None and candidate.is_jailed,
            jailed_until=candidate.jailed_until if candidate is not None else 0,
            missed_slots=missed_of(state, operator),
            is_self=bool(node.config.consensus_key) and key == node.config.consensus_key,
            is_silent=False,
            last_block=last.get(operator),
        )
        found.append(((-weight, -bonded, operator), operator, row))
    found.sort(key=lambda item: item[0])
    return Standing(
        block_id=shown.block_id,
        operators=tuple(operator for _, operator, _ in found),
        rows=tuple(row for _, _, row in found),
        total=total,
        epoch=_epoch(node, state),
    )


def _key(validator: Validator | None, candidate: Candidate | None) -> bytes:
    if validator is not None:
        return validator.key
    return candidate.consensus_key if candidate is not None else b""


def _last_blocks(node: Node, height: int) -> dict[bytes, int]:
    """Return operator -> height of its newest block among the heights kept, up to one."""
    found: dict[bytes, int] = {}
    for at, shown in node.recent.items():
        if 0 < at <= height:
            operator = shown.header.proposer
            found[operator] = max(at, found.get(operator, 0))
    return found


def _epoch(node: Node, state: State) -> schema.EpochStatus | None:
    """Return the epoch of the next block; its last height is not beyond the era's."""
    epoch = epoch_of(state)
    if epoch is None:
        return None
    last = epoch.first_height + params_of(state).epoch_blocks - 1
    end = last_height_of(node.config.genesis, epoch.era)
    return schema.EpochStatus(
        number=epoch.number,
        first_height=epoch.first_height,
        last_height=last if end is None else min(last, end),
        seed=epoch.seed.hex(),
    )
