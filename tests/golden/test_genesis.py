"""Identities that must never change: of two networks, and of what a first block does to one of them.

A difference here means that running networks would fork. Only a new rule set may bring new values beside
these; `genesis/expected.json` is never edited.
"""

import json
from pathlib import Path

import pytest

from chaosnet.base.codec import encode
from chaosnet.ledger.apply import apply_block
from chaosnet.ledger.genesis_state import genesis_header, genesis_state
from chaosnet.model.block import tx_root_of, validators_hash_of
from chaosnet.model.genesis import TEAM_LOCK, Genesis, genesis_hash_of, validators_of_genesis
from chaosnet.model.genesis_json import format_genesis, parse_genesis
from chaosnet.model.genesis_make import Holders, public_genesis
from chaosnet.model.header import block_id_of
from chaosnet.model.receipt import receipts_root_of
from chaosnet.model.transaction import Accuse, SetPolicy, Transfer
from tests.making import TIME_MS, Person, body_of, context, network, signed_by

FOLDER = Path(__file__).parent / "genesis"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())

ADA, BOB, MAKER = Person("ada"), Person("bob"), Person("maker")
BOARD = Person("board", keys=3, threshold=2)
GENESES = {
    "consortium": network(
        [(ADA, 10**12, None), (BOB, 10**10 + 1, TEAM_LOCK), (BOARD, 10**11, None)], [MAKER, ADA, BOB]
    ),
    "public": public_genesis(
        "public",
        TIME_MS,
        Holders(*(Person(name).address for name in ("angel", "ico", "team", "foundation"))),
        founding_blocks=1_000,
        members=(MAKER.member(with_vrf=True),),
    ),
}


def identities(genesis: Genesis) -> dict[str, str]:
    return {
        "genesis_hash": genesis_hash_of(genesis).hex(),
        "state_root": genesis_state(genesis).root.hex(),
        "validators_hash": validators_hash_of(validators_of_genesis(genesis)).hex(),
        "block_id": block_id_of(genesis_header(genesis)).hex(),
    }


def first_block() -> dict[str, str]:
    """Return what a block with every action and one failure does."""
    genesis = GENESES["consortium"]
    state = genesis_state(genesis)
    accuse = Accuse(BOB.double_vote(genesis_hash_of(genesis), height=1))
    txs = [
        signed_by(
            ADA, body_of(genesis, ADA, 0, Transfer(BOB.address, 5), Transfer(BOARD.address, 7), memo="一")
        ),
        signed_by(BOARD, body_of(genesis, BOARD, 0, Transfer(ADA.address, 2**32)), signers=3),
        signed_by(ADA, body_of(genesis, ADA, 1, accuse, payer=BOARD.address, gas_price=3), payer=BOARD),
        signed_by(ADA, body_of(genesis, ADA, 2, Transfer(BOB.address, 1), accuse)),
        signed_by(ADA, body_of(genesis, ADA, 3, SetPolicy(BOARD.policy))),
    ]
    applied = apply_block(state, context(genesis, state), txs)
    return {
        "tx_ids": ",".join(signed.tx_id.hex() for signed in txs),
        "codes": ",".join(receipt.code for receipt in applied.receipts),
        "tx_root": tx_root_of(tuple(signed.raw for signed in txs)).hex(),
        "receipts_root": receipts_root_of(applied.receipts).hex(),
        "state_root": applied.state.root.hex(),
        "gas_used": str(applied.gas_used),
        "bytes": ",".join(str(len(encode(signed.tx))) for signed in txs),
    }


@pytest.mark.parametrize("kind", sorted(GENESES))
def test_a_network_keeps_its_identity(kind: str) -> None:
    text = (FOLDER / f"{kind}.json").read_text()
    assert parse_genesis(text) == GENESES[kind]
    assert format_genesis(GENESES[kind]) == text
    assert identities(parse_genesis(text)) == EXPECTED[kind]


def test_a_block_does_what_it_always_did() -> None:
    assert first_block() == EXPECTED["first_block"]
