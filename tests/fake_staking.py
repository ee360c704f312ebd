"""Made up for the fake backend: validators, delegations, and a dpos tree with a fork and a reorganisation."""

from hashlib import sha256

import msgspec

from chaosnet.base.units import Address
from chaosnet.crypto.addresses import format_address
from chaosnet.rpc import schema

FINAL = 101
TOP = 106
T0_MS = 1_700_000_000_000
NAMES = ("alpha", "beta", "gamma", "delta")
BONDS = (4_000_000, 3_000_000, 2_000_000, 1_000_000)
COS = 100_000_000


def _id(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def operator_of(name: str) -> str:
    return format_address("cos", Address(b"\x00" + sha256(name.encode()).digest()))


def _validator(name: str, bond_cos: int) -> schema.ValidatorStatus:
    place = NAMES.index(name)
    return schema.ValidatorStatus(
        operator=operator_of(name),
        name=name,
        key=_id(f"key of {name}"),
        is_validator=True,
        is_next=True,
        weight="1",
        weight_ppm=250_000,
        is_candidate=True,
        bonded=str(bond_cos * COS),
        commission_permille=100,
        is_jailed=False,
        jailed_until=0,
        missed_slots=7 if name == "delta" else 0,
        is_self=name == "alpha",
        is_silent=name == "delta",
        last_block=TOP - place if name != "delta" else None,
    )


def validator_list() -> schema.ValidatorList:
    """Four validators, one of them silent; two candidates, one of them jailed."""
    validators = [_validator(name, bond) for name, bond in zip(NAMES, BONDS, strict=True)]
    waiting = schema.ValidatorStatus(
        operator=operator_of("epsilon"),
        name="epsilon",
        key=_id("key of epsilon"),
        is_validator=False,
        is_next=False,
        weight="0",
        weight_ppm=0,
        is_candidate=True,
        bonded=str(500_000 * COS),
        commission_permille=50,
        is_jailed=False,
        jailed_until=0,
        missed_slots=0,
        is_self=False,
        is_silent=False,
    )
    jailed = msgspec.structs.replace(
        waiting,
        operator=operator_of("a stranger"),
        name="",
        key=_id("key of a stranger"),
        bonded=str(200_000 * COS),
        is_jailed=True,
        jailed_until=1_200,
        missed_slots=21,
    )
    return schema.ValidatorList(
        engine="dpos",
        height=TOP,
        leader=operator_of("gamma"),
        leader_name="gamma",
        total_weight="4",
        epoch=schema.EpochStatus(number=4, first_height=101, last_height=125, seed=_id("seed")),
        validators=[*validators, waiting, jailed],
    )


def page_of(whole: schema.ValidatorList, first: int, limit: int) -> schema.ValidatorList:
    """Return one page."""
    after = first + limit
    return msgspec.structs.replace(
        whole,
        validators=whole.validators[first:after],
        next=after if after < len(whole.validators) else None,
    )


def _block(height: int, proposer: str, branch: str = "", parent: str = "") -> schema.TreeBlock:
    return schema.TreeBlock(
        id=_id(f"tree {height}{branch}"),
        parent=_id(f"tree {height - 1}{parent}"),
        height=height,
        time_ms=T0_MS + 3_000 * height,
        proposer=operator_of(proposer),
        proposer_name=proposer,
        tx_count=height % 4,
        engine="dpos",
        era=0,
        weight=str(height - 2),
        is_canonical=not branch,
        is_final=height == FINAL,
        is_tail=False,
        slot=height + (6 if branch else 4),
    )


def block_tree() -> schema.Tree:
    """Height 101 is final, 106 the head; a branch of two blocks parts at 103, and was the chain once."""
    blocks = [
        _block(106, "alpha"),
        _block(105, "beta", "b", "b"),
        _block(105, "beta"),
        _block(104, "delta", "b"),
        _block(104, "gamma"),
        _block(103, "alpha"),
        _block(102, "beta"),
        _block(FINAL, "gamma"),
    ]
    return schema.Tree(
        finality="gadget",
        final_height=FINAL,
        final_id=_id(f"tree {FINAL}"),
        head_height=TOP,
        head_id=_id(f"tree {TOP}"),
        blocks=blocks,
        left_out=0,
        reorganisations=[
            schema.Reorganisation(
                at_ms=T0_MS + 3_000 * TOP,
                common_height=103,
                old_height=105,
                old_id=_id("tree 105b"),
                new_height=106,
                new_id=_id("tree 106"),
                depth=2,
                is_deep=False,
                dropped=[_id("dropped 1"), _id("dropped 2")],
                dropped_total=2,
            )
        ],
    )


def delegation_list(address: str) -> schema.DelegationList:
    """Bonded to two candidates, with two amounts on their way out of one."""
    return schema.DelegationList(
        address=address,
        height=TOP,
        bonded=str(1_500 * COS),
        unbonding=str(300 * COS),
        delegations=[
            schema.Delegation(
                operator=operator_of("alpha"), name="alpha", bonded=str(1_000 * COS), unbonding=[]
            ),
            schema.Delegation(
                operator=operator_of("a stranger"),
                name="",
                bonded=str(500 * COS),
                unbonding=[
                    schema.UnbondingPart(amount=str(100 * COS), free_height=TOP - 3),
                    schema.UnbondingPart(amount=str(200 * COS), free_height=2_000),
                ],
            ),
        ],
    )
