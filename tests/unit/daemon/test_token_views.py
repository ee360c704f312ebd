"""Tokens as a node shows them, over a real chain with the real engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.crypto.addresses import format_address
from chaosnet.model.contract_actions import BurnToken, SendToken
from tests.machines import on_big_stack
from tests.unit.daemon.test_contract_views import ALICE, BOB, Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


async def mint(stage: Stage, box: str, symbol: str) -> str:
    tx = stage.call(box, "mint", symbol)
    stage.grow(tx)
    return str((await stage.backend.transaction(tx.tx_id.hex())).returns[0])


async def test_tokens_and_who_holds_them(stage: Stage) -> None:
    box = stage.deploy()
    ids = [await mint(stage, box, symbol) for symbol in ("ONE", "TWO")]
    bob, alice = (format_address("cos", person.address) for person in (BOB, ALICE))
    stage.grow(stage.call(box, "give", ids[0], bob, 7))
    first = await stage.backend.tokens(None, 1)
    rest = await stage.backend.tokens(first.next, 5)
    assert [t.id for t in (*first.tokens, *rest.tokens)] == sorted(ids)
    one = stage.backend.token(ids[0])
    assert (one.symbol, one.supply, one.issuer) == ("ONE", "57", box)
    assert one.rights == {"issue": box, "freeze": alice}
    held: dict[str, str] = {}
    cursor = None
    for _ in range(2):
        page = await stage.backend.token_holders(ids[0], cursor, 1)
        held |= {h.holder: h.amount for h in page.holdings}
        cursor = page.next
    assert held == {alice: "50", bob: "7"}
    mine = await stage.backend.account_tokens(alice, None, 5)
    assert sorted((h.symbol, h.amount) for h in mine.holdings) == [("ONE", "50"), ("TWO", "50")]
    assert (await stage.backend.account_tokens(box, None, 5)).holdings == []
    with pytest.raises(Invalid, match="no_token"):
        stage.backend.token("00" * 32)


async def test_what_is_written_is_shown_when_it_is_reported(stage: Stage) -> None:
    box = stage.deploy()
    tx = stage.call(box, "mint", "ONE")
    block, fact = on_big_stack(lambda: stage.chain.commit([tx.raw]))
    stage.chain.store.commit_block(block)
    alice = format_address("cos", ALICE.address)
    assert (await stage.backend.tokens(None, 5)).tokens == []
    assert (await stage.backend.account_tokens(alice, None, 5)).holdings == []
    stage.backend.on_report(fact)
    (token,) = (await stage.backend.tokens(None, 5)).tokens
    assert len((await stage.backend.token_holders(token.id, None, 5)).holdings) == 1
    give = stage.call(box, "give", token.id, format_address("cos", BOB.address), 7)
    block, fact = on_big_stack(lambda: stage.chain.commit([give.raw]))
    stage.chain.store.commit_block(block)
    assert len((await stage.backend.token_holders(token.id, None, 5)).holdings) == 1
    assert len((await stage.backend.token_transfers(token.id, None, 5)).transfers) == 1
    stage.backend.on_report(fact)
    assert len((await stage.backend.token_holders(token.id, None, 5)).holdings) == 2
    assert len((await stage.backend.token_transfers(token.id, None, 5)).transfers) == 2


async def test_transfers_of_a_token_in_pages(stage: Stage) -> None:
    box = stage.deploy()
    token, other = await mint(stage, box, "ONE"), await mint(stage, box, "TWO")
    bob, alice = (format_address("cos", person.address) for person in (BOB, ALICE))
    send = SendToken(bytes.fromhex(token), b"", BOB.address, 3, 10**9)
    stage.grow(
        stage.sign(send, SendToken(bytes.fromhex(other), b"", BOB.address, 1, 10**9), send),
        stage.call(box, "give", token, bob, 7),
    )
    too_much = SendToken(bytes.fromhex(token), b"", BOB.address, 1_000, 10**9)
    stage.grow(stage.sign(send, too_much), stage.sign(BurnToken(bytes.fromhex(token), 2)))
    expected = [(alice, "", "2"), ("", bob, "7"), (alice, bob, "3"), (alice, bob, "3"), ("", alice, "50")]
    for limit in (1, 2, 50):
        found = []
        cursor = None
        while True:
            page = await stage.backend.token_transfers(token, cursor, limit)
            assert 0 < len(page.transfers) <= limit
            found += [(t.source, t.to, t.amount) for t in page.transfers]
            cursor = page.next
            if cursor is None:
                break
        assert found == expected
    assert [t.height for t in page.transfers] == [5, 4, 4, 4, 2]
    told = await stage.backend.transaction(page.transfers[0].tx_id)
    assert told.code == "ok"
    with pytest.raises(Invalid, match="no_token"):
        await stage.backend.token_transfers("00" * 32, None, 5)
