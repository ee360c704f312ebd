"""Chain data as people and programs get it: hex, bech32m, decimal strings, names."""

from typing import Any

import pytest
from msgspec.structs import replace

from chaosnet.base.codec import encode
from chaosnet.base.units import YEAR_MS
from chaosnet.crypto.addresses import format_address
from chaosnet.daemon import present
from chaosnet.ledger.genesis_state import genesis_header, genesis_state
from chaosnet.model.block import Certificate, Validator, ValidatorSet
from chaosnet.model.contract_actions import Call
from chaosnet.model.evidence import DuplicateProposal, Proposal
from chaosnet.model.genesis import TEAM_LOCK, Member, genesis_hash_of
from chaosnet.model.header import Header, PowProof, Proof, QuorumProof, RoundProof, SlotProof, StakeProof
from chaosnet.model.receipt import Receipt
from chaosnet.model.transaction import (
    Accuse,
    Delegate,
    Redelegate,
    Register,
    SetPolicy,
    SignedTx,
    Transfer,
    Undelegate,
    Unjail,
    Withdraw,
)
from chaosnet.rpc import schema
from tests.making import Person, body_of, network, signed_by

ALICE, BOB, TEAM, VALIDATOR = (Person(name) for name in ("alice", "bob", "team", "validator"))
GENESIS = network([(ALICE, 12_345, None), (TEAM, 1_000, TEAM_LOCK)], [VALIDATOR])
NAMES = present.Names("cos", GENESIS.members)
HUGE = 2**63 - 1


def tx(*actions: Transfer | SetPolicy | Accuse, **fields: object) -> SignedTx:
    return signed_by(ALICE, body_of(GENESIS, ALICE, 7, *actions, **fields))


def text(person: Person) -> str:
    return format_address("cos", person.address)


def test_names_are_those_of_the_members() -> None:
    member = VALIDATOR.member()
    assert NAMES.member(member.operator) == NAMES.signer(member.consensus_key) == "validator"
    assert NAMES.node(member.node_key) == "validator"
    assert (NAMES.member(b""), NAMES.signer(b"x"), NAMES.node(b"")) == ("", "", "")
    assert NAMES.address(ALICE.address) == text(ALICE)


def test_a_line_of_a_transaction_sums_its_transfers_and_names_the_first() -> None:
    signed = tx(Transfer(BOB.address, HUGE), Transfer(ALICE.address, 2))
    line = present.transaction_summary(NAMES, signed, Receipt(signed.tx_id, "ok", 21, 42), (5, 3), 1_000)
    assert (line.id, line.height, line.position) == (signed.tx_id.hex(), 5, 3)
    assert (line.sender, line.to, line.nonce) == (text(ALICE), text(BOB), 7)
    assert line.amount == str(HUGE + 2), "a decimal string: no float ever holds it"
    assert (line.fee, line.code, line.time_ms) == ("42", "ok", 1_000)
    assert line.actions == ["transfer", "transfer"]


def test_a_transaction_without_transfers_goes_nowhere() -> None:
    signed = tx(SetPolicy(BOB.policy))
    line = present.transaction_summary(NAMES, signed, Receipt(signed.tx_id, "ok", 1, 1), (1, 0), 0)
    assert (line.to, line.amount, line.actions) == ("", "0", ["set_policy"])


def test_a_body_is_shown_field_by_field() -> None:
    proof = VALIDATOR.double_vote(genesis_hash_of(GENESIS), 3)
    signed = tx(
        Transfer(BOB.address, 5), SetPolicy(BOB.policy), Accuse(proof), memo="für dich", gas_price=HUGE
    )
    shown = present.body_fields(NAMES, signed)
    actions: Any = shown["actions"]
    transfer, policy, accuse = actions
    assert transfer == {"kind": "transfer", "to": text(BOB), "amount": "5"}
    assert policy["kind"] == "set_policy"
    assert policy["keys"] == [{"key": BOB.policy.keys[0][0].hex(), "weight": "1"}]
    assert (accuse["kind"], accuse["height"], accuse["era"]) == ("accuse", 3, 0)
    assert bytes.fromhex(accuse["evidence"]) == encode(proof)
    assert (shown["memo"], shown["gas_price"], shown["payer"]) == ("für dich", str(HUGE), None)
    assert shown["hash"] == signed.tx_hash.hex()


def test_staking_is_shown_field_by_field() -> None:
    keys = [bytes([fill]) * 32 for fill in (1, 2, 3)]
    signed = signed_by(
        ALICE,
        body_of(
            GENESIS,
            ALICE,
            0,
            Register(keys[0], keys[1], keys[2], 25),
            Delegate(BOB.address, 5),
            Undelegate(BOB.address, HUGE),
            Redelegate(BOB.address, TEAM.address, 7),
            Withdraw(BOB.address),
            Unjail(),
        ),
    )
    actions: Any = present.body_fields(NAMES, signed)["actions"]
    register, *others = actions
    assert (register["kind"], register["vrf_key"], register["commission_permille"]) == (
        "register",
        keys[1].hex(),
        25,
    )
    assert others == [
        {"kind": "delegate", "operator": text(BOB), "amount": "5"},
        {"kind": "undelegate", "operator": text(BOB), "amount": str(HUGE)},
        {"kind": "redelegate", "operator": text(BOB), "to": text(TEAM), "amount": "7"},
        {"kind": "withdraw", "operator": text(BOB)},
        {"kind": "unjail"},
    ]


def test_a_payer_is_named() -> None:
    body = body_of(GENESIS, ALICE, 0, Transfer(BOB.address, 1), payer=BOB.address)
    assert present.body_fields(NAMES, signed_by(ALICE, body, payer=BOB))["payer"] == text(BOB)


def test_actions_on_contracts_are_shown_with_all_their_fields() -> None:
    call = Call(b"\x01" + bytes(32), "add", b"\x91\x05", ((b"", 7),), 9)
    shown = present.body_fields(NAMES, signed_by(ALICE, body_of(GENESIS, ALICE, 0, call)))["actions"]
    assert shown == [
        {
            "kind": "call",
            "contract": NAMES.address(call.contract),
            "method": "add",
            "args": [5],
            "sent": {"COS": "7"},
            "deposit_max": "9",
        }
    ]


def account_at(person: Person, time_ms: int) -> schema.Account:
    state = genesis_state(GENESIS)
    header = replace(genesis_header(GENESIS), height=4, time_ms=time_ms)
    return present.account(NAMES, GENESIS, person.address, state, header, 9)


def test_an_account_shows_what_is_free() -> None:
    shown = account_at(ALICE, GENESIS.time_ms)
    assert (shown.exists, shown.address, shown.height) == (True, text(ALICE), 4)
    assert (shown.balance, shown.locked, shown.total) == ("12345", "0", "12345")
    assert (shown.nonce, shown.pending_nonce, shown.locks) == (0, 9, [])


def test_an_unknown_account_is_empty_not_an_error() -> None:
    shown = account_at(BOB, GENESIS.time_ms)
    assert (shown.exists, shown.balance, shown.total) == (False, "0", "0")


@pytest.mark.parametrize(
    ("years", "free", "next_years"),
    [(0, 0, 2), (1, 0, 2), (2, 200, 3), (3, 400, 4), (6, 1_000, None), (9, 1_000, None)],
)
def test_a_locked_account_shows_what_is_released_and_when_the_next_part_is(
    years: int, free: int, next_years: int | None
) -> None:
    shown = account_at(TEAM, GENESIS.time_ms + years * YEAR_MS)
    assert (shown.balance, shown.locked, shown.total) == (str(free), str(1_000 - free), "1000")
    (lock,) = shown.locks
    assert (lock.amount, lock.released) == ("1000", str(free))
    at = GENESIS.time_ms + next_years * YEAR_MS if next_years is not None else None
    assert lock.next_release_ms == at


def test_evidence_names_the_member_and_the_kind() -> None:
    votes = VALIDATOR.double_vote(genesis_hash_of(GENESIS), 8)
    shown = present.evidence_item(NAMES, votes, on_chain=True)
    assert (shown.kind, shown.member, shown.height, shown.on_chain) == ("vote", "validator", 8, True)
    first = Proposal(0, 8, 2, -1, b"a" * 32, b"k" * 32, b"s" * 64)
    shown = present.evidence_item(NAMES, DuplicateProposal(first, first), on_chain=False)
    assert (shown.kind, shown.member, shown.round) == ("proposal", "", 2)


# ── who signed ───────────────────────────────────────────────────────────────────────────────────────────

ELECTED = ValidatorSet(
    (
        Validator(BOB.address, b"1" * 32, 1),
        Validator(VALIDATOR.address, b"2" * 32, 1),
    )
)


def header_with(proof: Proof) -> Header:
    return replace(genesis_header(GENESIS), height=4, proposer=BOB.address, proof=proof)


def test_signers_are_those_of_the_set_that_sealed_by_name_or_address() -> None:
    seal = encode(Certificate(0, 4, 0, b"i" * 32, (0, 1), (b"s" * 64, b"s" * 64)))
    for proof in (QuorumProof(0), RoundProof(0, b"")):
        header = header_with(proof)
        assert present.signers_of(NAMES, header, seal, ELECTED) == [text(BOB), "validator"]
        assert present.signers_of(NAMES, header, seal, None) == ["0x00", "0x01"], (
            "no name rather than a wrong one"
        )
    assert present.signers_of(NAMES, header_with(QuorumProof(0)), b"", ELECTED) == []


def test_a_block_of_a_slot_is_signed_by_its_proposer_and_a_mined_one_by_nobody() -> None:
    assert present.signers_of(NAMES, header_with(SlotProof(1, b"", 0, 0)), b"s", None) == [text(BOB)]
    assert present.signers_of(NAMES, header_with(StakeProof(1, b"", 0, 0)), b"s", None) == [text(BOB)]
    assert present.signers_of(NAMES, header_with(PowProof(1, 2)), b"", None) == []


def test_keys_of_elected_validators_have_names_too() -> None:
    """Who stands for election may have registered other keys than its membership has."""
    elected = Member("validator", VALIDATOR.address, "validator", b"c" * 32, b"n" * 32, b"")
    names = present.Names("cos", GENESIS.members, (elected,))
    assert names.signer(b"c" * 32) == names.node(b"n" * 32) == "validator"
    assert names.signer(VALIDATOR.member().consensus_key) == "validator"
    assert (names.operator(VALIDATOR.address), names.operator(BOB.address)) == ("validator", text(BOB))
