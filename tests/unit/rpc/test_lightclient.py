"""Proof replies of made-up chains: the right one holds, every forged one is refused."""

from dataclasses import dataclass, field

import msgspec
import pytest

from chaosnet.base.codec import encode
from chaosnet.base.errors import Invalid
from chaosnet.base.units import EMPTY_HASH, Address
from chaosnet.crypto.addresses import format_address
from chaosnet.crypto.signing import public_key_of, sign
from chaosnet.ledger.genesis_state import genesis_state
from chaosnet.ledger.keys import account_key
from chaosnet.ledger.members import next_validators
from chaosnet.ledger.state import State
from chaosnet.model.block import (
    Certificate,
    Validator,
    ValidatorSet,
    validators_hash_of,
)
from chaosnet.model.evidence import PRECOMMIT, vote_digest_of
from chaosnet.model.genesis import (
    OBSERVER,
    VALIDATOR,
    ChainParams,
    EngineFrom,
    Genesis,
    Member,
    genesis_hash_of,
    validators_of_genesis,
)
from chaosnet.model.header import Header, QuorumProof, block_id_of
from chaosnet.rpc.lightclient import ACCOUNT_KEY_PREFIX, Verified, check_account_proof
from chaosnet.rpc.schema import AccountProof, SetChange
from tests.making import Person, network

HOLDER = Address(b"\x00" + b"h" * 32)
STRANGER = Address(b"\x00" + b"s" * 32)
VALUE = b"an encoded account"


def operator(index: int) -> Address:
    return Address(b"\x00" + bytes([index]) * 32)


def seed(index: int) -> bytes:
    return bytes([index]) * 32


def member(index: int, role: str = VALIDATOR) -> Member:
    return Member(f"m{index}", operator(index), role, public_key_of(seed(index)), b"n" * 32, b"")


GENESIS = Genesis(
    chain_name="made up",
    kind="consortium",
    address_prefix="cos",
    time_ms=1,
    rule=1,
    params=ChainParams(),
    schedule=(EngineFrom(1, "pbft"),),
    members=(member(4), member(2), member(1), member(3), member(9, OBSERVER)),
    allocations=(),
    founding_blocks=0,
    treasury=STRANGER,
)
HASH = genesis_hash_of(GENESIS)
FIRST = validators_of_genesis(GENESIS)


def set_of(*indexes: int) -> ValidatorSet:
    return ValidatorSet(tuple(Validator(operator(i), public_key_of(seed(i)), 1) for i in indexes))


@dataclass
class Chain:
    """Makes headers and seals; `state` is the state after every one of its blocks."""

    genesis: bytes = HASH
    engine: str = "pbft"
    state: State = field(
        default_factory=lambda: State.of(
            [(account_key(HOLDER), VALUE), *((account_key(operator(i)), b"other") for i in range(1, 20))]
        )
    )

    def header(self, height: int, validators: ValidatorSet, next_: ValidatorSet | None = None) -> Header:
        return Header(
            version=1,
            genesis=self.genesis,
            era=0,
            height=height,
            parent=b"p" * 32,
            time_ms=height,
            proposer=operator(1),
            rule=1,
            engine=self.engine,
            tx_root=EMPTY_HASH,
            tx_count=0,
            state_root=self.state.root,
            receipts_root=EMPTY_HASH,
            validators_hash=validators_hash_of(validators),
            next_validators_hash=validators_hash_of(next_ or validators),
            parent_seal_hash=EMPTY_HASH,
            gas_used=0,
            proof=QuorumProof(0),
        )

    def seal(self, header: Header, validators: ValidatorSet, signers: tuple[int, ...] | None = None) -> str:
        positions = tuple(range(len(validators.validators))) if signers is None else signers
        block_id = block_id_of(header)
        digest = vote_digest_of(self.genesis, PRECOMMIT, 0, header.height, 0, block_id)
        keys = {bytes(public_key_of(seed(i))): seed(i) for i in range(1, 20)}
        signatures = tuple(sign(keys[validators.validators[p].key], digest) for p in positions)
        return encode(Certificate(0, header.height, 0, block_id, positions, signatures)).hex()

    def change(self, height: int, old: ValidatorSet, new: ValidatorSet) -> SetChange:
        header = self.header(height, old, new)
        return SetChange(
            header=encode(header).hex(), seal=self.seal(header, old), validators=encode(new).hex()
        )

    def reply(
        self,
        height: int,
        validators: ValidatorSet,
        changes: list[SetChange] | None = None,
        *,
        signers: tuple[int, ...] | None = None,
        address: Address = HOLDER,
    ) -> AccountProof:
        header = self.header(height, validators)
        key = account_key(address)
        value = self.state.get(key)
        return AccountProof(
            address=format_address("cos", address),
            key=key.hex(),
            value=None if value is None else value.hex(),
            proof=self.state.prove(key).hex(),
            header=encode(header).hex(),
            seal=self.seal(header, validators, signers),
            validators=encode(validators).hex(),
            set_changes=changes or [],
            genesis=encode(GENESIS).hex(),
        )


SECOND, THIRD = set_of(2, 3, 4, 5), set_of(5, 6, 7)
CHAIN = Chain()
CHANGES = [CHAIN.change(3, FIRST, SECOND), CHAIN.change(8, SECOND, THIRD)]
RIGHT = CHAIN.reply(12, THIRD, CHANGES)


def check(reply: AccountProof, address: bytes = HOLDER) -> Verified:
    return check_account_proof(reply, address=address, genesis_hash=HASH)


def refuse(reply: AccountProof, address: bytes = HOLDER) -> str:
    with pytest.raises(Invalid) as caught:
        check(reply, address)
    assert caught.value.code == "proof_invalid"
    return caught.value.detail


def test_account_is_proved_from_the_genesis_hash_over_two_changes_of_the_set() -> None:
    verified = check(RIGHT)
    assert verified.account_value == VALUE
    assert verified.header.height == 12
    assert verified.block_id == block_id_of(verified.header)


def test_account_is_proved_where_the_set_never_changed() -> None:
    assert check(CHAIN.reply(1, FIRST)).account_value == VALUE


def test_absent_account_is_proved_absent() -> None:
    assert check(CHAIN.reply(5, SECOND, CHANGES[:1], address=STRANGER), STRANGER).account_value is None


def test_presence_and_absence_cannot_be_swapped() -> None:
    refuse(msgspec.structs.replace(RIGHT, value=None))
    absent = CHAIN.reply(12, THIRD, CHANGES, address=STRANGER)
    refuse(msgspec.structs.replace(absent, value=VALUE.hex()), STRANGER)


def test_proof_of_one_account_says_nothing_of_another() -> None:
    refuse(RIGHT, STRANGER)
    refuse(msgspec.structs.replace(RIGHT, address=format_address("cos", STRANGER)))
    refuse(msgspec.structs.replace(RIGHT, address=format_address("abc", HOLDER)))


def flipped(text: str, position: int) -> str:
    return text[:position] + ("1" if text[position] == "0" else "0") + text[position + 1 :]


@pytest.mark.parametrize("name", ["key", "value", "proof", "header", "seal", "validators", "genesis"])
def test_no_byte_can_be_changed(name: str) -> None:
    text = getattr(RIGHT, name)
    step = max(1, len(text) // 97)
    for position in range(0, len(text), step):
        refuse(msgspec.structs.replace(RIGHT, **{name: flipped(text, position)}))
    for cut in ("", text[:-2], text[:-1], text + "00", "zz" + text[2:]):
        refuse(msgspec.structs.replace(RIGHT, **{name: cut}))


@pytest.mark.parametrize("name", ["header", "seal", "validators"])
def test_no_byte_of_a_set_change_can_be_changed(name: str) -> None:
    for index, change in enumerate(CHANGES):
        text = getattr(change, name)
        for position in range(0, len(text), max(1, len(text) // 29)):
            forged = list(CHANGES)
            forged[index] = msgspec.structs.replace(change, **{name: flipped(text, position)})
            refuse(msgspec.structs.replace(RIGHT, set_changes=forged))


def test_set_changes_cannot_be_left_out_or_reordered() -> None:
    for changes in ([], CHANGES[:1], CHANGES[1:], CHANGES[::-1], [*CHANGES, CHANGES[0]]):
        refuse(msgspec.structs.replace(RIGHT, set_changes=changes))


def test_too_few_or_repeated_signers_are_refused() -> None:
    assert check(CHAIN.reply(1, FIRST, signers=(0, 1, 3))).account_value == VALUE
    for signers in ((), (0, 1), (0, 0, 1), (1, 1, 1, 1), (3, 2, 1)):
        refuse(CHAIN.reply(1, FIRST, signers=signers))


def test_set_that_nobody_trusted_named_is_refused() -> None:
    liars = set_of(11, 12, 13)
    refuse(CHAIN.reply(1, liars))
    refuse(CHAIN.reply(12, liars, [CHAIN.change(3, liars, liars)]))
    # Signed by the liars, but with the header of the honest set.
    header = CHAIN.header(1, FIRST)
    forged = msgspec.structs.replace(CHAIN.reply(1, FIRST), seal=CHAIN.seal(header, liars, (0, 1, 2)))
    refuse(forged)


def test_members_removed_from_the_set_cannot_seal_later_blocks() -> None:
    late = msgspec.structs.replace(CHAIN.reply(12, FIRST), set_changes=CHANGES)
    assert "set changes lead to" in refuse(late)


def test_block_below_the_last_change_is_refused() -> None:
    assert "does not follow" in refuse(CHAIN.reply(8, THIRD, CHANGES))


def test_block_of_another_network_is_refused() -> None:
    other = Chain(genesis=b"o" * 32)
    assert "another network" in refuse(other.reply(1, FIRST))
    assert "another hash" in str(_refused_with(genesis_hash=b"o" * 32))


def test_engine_without_certificates_is_refused() -> None:
    assert "certificates" in refuse(Chain(engine="pow").reply(1, FIRST))


def test_nothing_is_proved_without_something_to_trust() -> None:
    with pytest.raises(Invalid, match="bad_argument"):
        check_account_proof(RIGHT, address=HOLDER)


# ── from a pinned block ──────────────────────────────────────────────────────────────────────────────────

PIN = CHAIN.header(6, SECOND)
PINNED = (6, bytes(block_id_of(PIN)))
PIN_STEP = SetChange(header=encode(PIN).hex(), seal="", validators=encode(SECOND).hex())
FROM_PIN = msgspec.structs.replace(CHAIN.reply(12, THIRD, [PIN_STEP, CHANGES[1]]), genesis="")


def _refused_with(reply: AccountProof = RIGHT, **trust: object) -> Invalid:
    with pytest.raises(Invalid) as caught:
        check_account_proof(reply, address=HOLDER, **trust)  # type: ignore[arg-type]
    assert caught.value.code == "proof_invalid"
    return caught.value


def test_account_is_proved_from_a_pinned_block() -> None:
    assert check_account_proof(FROM_PIN, address=HOLDER, pinned=PINNED).account_value == VALUE
    assert check_account_proof(FROM_PIN, address=HOLDER, pinned=PINNED, genesis_hash=HASH).account_value


def test_account_is_proved_when_the_pinned_block_itself_changes_the_set() -> None:
    pin = CHAIN.header(8, SECOND, THIRD)
    reply = CHAIN.reply(12, THIRD, [CHANGES[1]])
    assert check_account_proof(reply, address=HOLDER, pinned=(8, block_id_of(pin))).account_value == VALUE


def test_account_is_proved_in_the_pinned_block_itself() -> None:
    reply = CHAIN.reply(6, SECOND)
    assert check_account_proof(reply, address=HOLDER, pinned=PINNED).account_value == VALUE
    # A node that was asked from this height sends the pinned header too; it is not needed then.
    more = msgspec.structs.replace(reply, set_changes=[PIN_STEP])
    assert check_account_proof(more, address=HOLDER, pinned=PINNED).account_value == VALUE
    _refused_with(msgspec.structs.replace(reply, seal=reply.seal[:-2] + "00"), pinned=PINNED)


def test_pin_of_another_block_is_refused() -> None:
    for pinned in ((6, b"x" * 32), (7, PINNED[1]), (12, PINNED[1]), (13, PINNED[1])):
        _refused_with(FROM_PIN, pinned=pinned)
    _refused_with(FROM_PIN, pinned=PINNED, genesis_hash=b"o" * 32)


def test_reply_that_does_not_start_at_the_pin_is_refused() -> None:
    for changes in ([], [CHANGES[1]], [CHANGES[1], PIN_STEP], [PIN_STEP]):
        _refused_with(msgspec.structs.replace(FROM_PIN, set_changes=changes), pinned=PINNED)


def test_block_below_the_pin_is_refused() -> None:
    low = CHAIN.reply(5, SECOND, [PIN_STEP])
    assert "does not follow" in str(_refused_with(low, pinned=PINNED))


def test_set_after_the_pin_must_be_the_one_it_names() -> None:
    liars = set_of(11, 12, 13)
    step = msgspec.structs.replace(PIN_STEP, validators=encode(liars).hex())
    _refused_with(CHAIN.reply(12, liars, [step]), pinned=PINNED)


# ── in step with the ledger ──────────────────────────────────────────────────────────────────────────────


def test_validators_of_the_genesis_stand_in_operator_order_with_one_vote_each() -> None:
    assert [v.operator for v in FIRST.validators] == [operator(i) for i in (1, 2, 3, 4)]
    assert [v.weight for v in FIRST.validators] == [1, 1, 1, 1]


def test_ledger_derives_the_same_set_from_the_genesis() -> None:
    people = [Person(name) for name in ("d", "b", "a", "c")]
    genesis = network([(people[0], 10**9, None)], people)
    validators = next_validators(genesis_state(genesis))
    assert len(validators.validators) == 4
    assert validators_of_genesis(genesis) == validators


def test_ledger_keeps_accounts_under_the_key_the_check_expects() -> None:
    assert account_key(HOLDER) == ACCOUNT_KEY_PREFIX + HOLDER
