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
from chaosnet.model.genesis import last_height_of
from chaosnet.rpc import schema
from chaosnet.storage.sqlite import ChainStore

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Seat:
    """One validator, one that will be, or one that stands for election."""

    operator: bytes
    key: bytes
    """Consensus key."""
    weight: int
    """In the set in force; 0 outside it."""
    is_validator: bool
    is_next: bool
    is_candidate: bool
    candidate: Candidate | None
    """Also of somebody who has too few coins to be elected."""

    @property
    def bonded(self) -> int:
        """Motes bonded to it."""
        return self.candidate.tokens if self.candidate is not None else 0


@dataclass(frozen=True, slots=True)
class Standing:
    """All validators and candidates at one block, in the order they are listed."""

    block_id: bytes
    seats: list[Seat]
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
            standing = self._standing = standing_at(node, shown)
        silent = set(silent_validators(node, now))
        last = _last_blocks(node, shown.header.height)
        page = [
            replace(
                _row(names, seat, standing.total),
                missed_slots=missed_of(shown.state, seat.operator),
                is_self=bool(node.config.consensus_key) and seat.key == node.config.consensus_key,
                is_silent=seat.is_validator and seat.operator in silent,
                last_block=last.get(seat.operator),
            )
            for seat in standing.seats[first:][:limit]
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
            next=after if page and after < len(standing.seats) else None,
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


def standing_at(node: Node, shown: Published) -> Standing:
    """Return who validates, will, or stands for election, by the state after a block."""
    state = shown.state
    active = next_validators(state)
    validators = {v.operator: v for v in active.validators}
    coming = {v.operator: v for v in (upcoming_validators(state) or active).validators}
    listed = {c.operator: c for c in candidates_of(state)}
    seats = []
    for operator in dict.fromkeys((*validators, *coming, *listed)):
        validator = validators.get(operator) or coming.get(operator)
        candidate = listed.get(operator) or find_candidate(state, operator)
        seats.append(
            Seat(
                operator=operator,
                key=validator.key if validator else candidate.consensus_key if candidate else b"",
                weight=validators[operator].weight if operator in validators else 0,
                is_validator=operator in validators,
                is_next=operator in coming,
                is_candidate=operator in listed,
                candidate=candidate,
            )
        )
    seats.sort(key=lambda seat: (-seat.weight, -seat.bonded, seat.operator))
    return Standing(shown.block_id, seats, active.total, _epoch(node, state))


def _row(names: present.Names, seat: Seat, total: int) -> schema.ValidatorStatus:
    """Return one validator or candidate, without what only the node knows of it."""
    candidate = seat.candidate
    return schema.ValidatorStatus(
        operator=names.address(seat.operator),
        name=names.member(seat.operator),
        key=seat.key.hex(),
        is_validator=seat.is_validator,
        is_next=seat.is_next,
        weight=str(seat.weight),
        weight_ppm=seat.weight * PPM // total if total else 0,
        is_candidate=seat.is_candidate,
        bonded=str(seat.bonded),
        commission_permille=candidate.commission_permille if candidate is not None else 0,
        is_jailed=candidate is not None and candidate.is_jailed,
        jailed_until=candidate.jailed_until if candidate is not None else 0,
        missed_slots=0,
        is_self=False,
        is_silent=False,
    )


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
