"""Pages of engines that elect, fork and hand over: the tree, validators, bonds, and what was undone."""

import msgspec
import pytest

from chaosnet.rpc import schema
from tests.fake_backend import PRESENT
from tests.unit.explorer.branching_node import BranchingNode
from tests.unit.explorer.made_node import MadeNode, id_of
from tests.unit.explorer.site import Site, Tags, text_of


def grown(engine: str = "dpos", blocks: int = 12) -> BranchingNode:
    node = BranchingNode(engine=engine)
    for _ in range(blocks):
        node.grow(2)
    return node


# ── engines and hand-overs ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("pow", ["era 0, finality by depth", "anybody may mine"]),
        ("pos", ["era 0, finality by votes", "3 needed"]),
        ("dpos", ["era 0, finality by votes", "3 needed"]),
    ],
)
async def test_home_tells_engine_finality_and_lag(engine: str, words: list[str]) -> None:
    site = await Site(grown(engine)).start()
    text = text_of(await site.page("/"))
    for word in [*words, "final up to 6, 6 behind", f"Engine {engine}"]:
        assert word in text


async def test_hand_over_counts_down_then_makes_wait() -> None:
    node = grown("pow")
    node.next_engine, node.handover_height = "pos", 20
    site = await Site(node).start()
    for path in ("/", "/tree", "/validators", "/nodes"):
        text = text_of(await site.page(path))
        assert "Hand-over in 8 blocks pow rules up to block 20, pos after it." in text
    node.is_handing_over = True
    reader = site.feed.subscribe(["state"], "zh")
    await reader.next_chunk()
    await site.start()
    assert "正在交接:交易等待中。" in (await reader.next_chunk()).decode()
    assert "Handing over: transactions wait." in text_of(await site.page("/"))


async def test_untrusted_history_is_told_everywhere() -> None:
    node = grown()
    node.trust = "untrusted"
    site = await Site(node).start()
    for path in ("/", "/tree", "/validators", "/nodes"):
        assert "This history is not trusted." in text_of(await site.page(path))
    assert "untrusted history" in text_of(await site.page("/blocks"))
    node.trust = "genesis"
    await site.start()
    assert "trusted" not in text_of(await site.page("/"))
    node.be_wrong(schema.Health(is_healthy=False, phase="running", code="untrusted", reason="since block 7"))
    await site.start()
    assert "This history is not trusted. since block 7" in text_of(await site.page("/"))


# ── the tree ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_tree_shows_branches_and_reorganisations_with_what_they_dropped() -> None:
    node = grown()
    old = node.made[-1]
    dropped = node.fork(1)
    site = await Site(node).start()
    html = await site.page("/tree")
    text = text_of(html)
    for words in ("dpos finality by votes", "Final block 7 6 behind", "head", "other branch", "2 wait again"):
        assert words in text
    tags = Tags(html)
    assert {f"/block/{old.id}", "/block/13", "/block/7", *(f"/tx/{tx_id}" for tx_id in dropped)} <= set(
        tags.links()
    )
    assert len([dot for dot in tags.of("circle") if "class" in dot]) == 8
    assert [attrs["class"] for attrs in tags.of("path") if attrs.get("class")].count("edge branch") == 1
    assert "state,tree" in str(tags.of("main")[0])


async def test_long_tree_folds_unless_all_is_asked_for() -> None:
    node = grown()
    site = await Site(node).start()
    line = [node._tree_block(block) for block in node.made[::-1]]
    long = [
        msgspec.structs.replace(line[3], id=id_of(f"l{n}"), parent=id_of(f"l{n - 1}"), height=n)
        for n in range(140, 100, -1)
    ]
    final = msgspec.structs.replace(line[-1], is_final=True)
    whole = msgspec.structs.replace(node.tree(), blocks=[*long, final], left_out=3)
    node.tree = lambda: whole  # type: ignore[method-assign]
    text = text_of(await site.page("/tree"))
    assert "blocks in a line" in text
    assert "3 older blocks are not shown" in text
    html = await site.page("/tree?all=1")
    assert "blocks in a line" not in text_of(html)
    assert "data-refresh" in html


async def test_immediate_finality_has_nothing_to_undo() -> None:
    node = MadeNode()
    node.block_tree = msgspec.structs.replace(node.block_tree, finality="immediate", reorganisations=[])
    text = text_of(await (await Site(node).start()).page("/tree"))
    assert "every block is final at once" in text
    assert "None since the node started." in text


# ── what was undone ──────────────────────────────────────────────────────────────────────────────────────


async def test_undone_block_answers_with_its_place() -> None:
    node = grown()
    old = node.made[-1]
    site = await Site(node).start()
    node.fork(1)
    await site.start()
    node.calls.clear()
    html = await site.page(f"/block/{old.id}", 404)
    assert "tree" not in node.calls, "the site saw it itself"
    text = text_of(html)
    assert "This block is not on the chain" in text
    assert old.proposer_name in text
    assert {"/block/12", "/tree"} <= set(Tags(html).links())
    response = await site.get(f"/search?q={old.id}")
    assert response.headers["location"] == f"/block/{old.id}"


async def test_block_undone_before_the_site_looked_is_found_in_a_nodes_tree() -> None:
    node = grown()
    old = node.made[-1]
    node.fork(1)
    site = await Site(node).start()
    assert "This block is not on the chain" in await site.page(f"/block/{old.id}", 404)
    assert "There is no such block" in await site.page(f"/block/{'ab' * 32}", 404)


async def test_dropped_transaction_waits_again_or_is_gone() -> None:
    node = grown()
    waiting, gone = node.tx_id(12, 0), node.tx_id(12, 1)
    site = await Site(node).start()
    html = await site.page(f"/tx/{waiting}")
    main = Tags(html).of("main")[0]
    assert (main["data-topics"], main["data-block"], main["data-wait"]) == ("chain", node.made[12].id, "12")
    node.fork(1)
    node.pending.remove(gone)
    await site.page("/tree")
    text = text_of(await site.page(f"/tx/{waiting}"))
    assert "This transaction waits again. Its block, above block 11, was undone" in text
    text = text_of(await site.page(f"/tx/{gone}", 404))
    assert "It was in a block above 11 that was undone" in text


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("pow", ["0x2000ffff", "Nonce ? 77,777", "the work itself is the seal", "final in 9 blocks"]),
        ("pos", ["Slot ? 41", "Lottery proof ? " + "1c" * 80, "Prevoted ? 18"]),
        ("dpos", ["Slot ? 41", "Reveal ? " + "2d" * 16, "Made before ? 17"]),
    ],
)
async def test_block_shows_its_engines_proof(engine: str, words: list[str]) -> None:
    site = await Site(grown(engine)).start()
    html = await site.page("/block/11")
    text = text_of(html)
    for word in [*words, "not final yet 1 block on top"]:
        assert word in text, word
    main = Tags(html).of("main")[0]
    assert main["data-wait"] == "11"
    assert "data-wait" not in Tags(await site.page("/block/6")).of("main")[0]


async def test_evidence_is_shown_at_its_height_and_with_the_validators() -> None:
    node = grown()
    node.evidence_list = [
        schema.EvidenceItem(
            kind="header",
            signer=id_of("key"),
            member="delta",
            era=0,
            height=5,
            round=9,
            on_chain=True,
            evidence="00",
        )
    ]
    site = await Site(node).start()
    for path in ("/block/5", "/validators"):
        assert "delta two contradicting blocks 5 9 on the chain: punished" in text_of(await site.page(path))
    assert "punished" not in await site.page("/block/6")


# ── validators and bonds ─────────────────────────────────────────────────────────────────────────────────


async def test_validators_page_tells_who_makes_blocks() -> None:
    node = grown()
    leaving = msgspec.structs.replace(node.validator_list.validators[1], is_next=False)
    joining = msgspec.structs.replace(node.validator_list.validators[4], is_next=True)
    others = node.validator_list.validators
    node.validator_list = msgspec.structs.replace(
        node.validator_list, validators=[others[0], leaving, *others[2:4], joining, *others[5:]]
    )
    html = await (await Site(node).start()).page("/validators")
    text = text_of(html)
    for words in (
        "Leader now gamma makes block 107",
        "Epoch 4 6 of 25, up to block 125",
        "40.0 % 4,000,000 .00000000 COS 10 % 0 106 active",
        "leaves next epoch",
        "its turn",
        "7 — silent",
        "joins next epoch",
        "21 jailed up to block 1,200",
    ):
        assert words in text, words
    progress = next(meter for meter in Tags(html).of("meter") if meter["max"] == "25")
    assert progress["value"] == "6"


async def test_pow_elects_nobody() -> None:
    node = grown("pow")
    node.validator_list = msgspec.structs.replace(node.validator_list, leader="", leader_name="", epoch=None)
    text = text_of(await (await Site(node).start()).page("/validators"))
    assert "whoever finds the work first" in text
    assert "anybody may mine" in text
    assert "40.0 %" not in text


async def test_account_shows_bonds_and_what_is_on_its_way_out() -> None:
    node = grown()
    site = await Site(node).start()
    text = text_of(await site.page(f"/address/{PRESENT}"))
    for words in (
        "1,500 .00000000 COS",
        "100 .00000000 COS can be withdrawn",
        "200 .00000000 COS free at block 2,000 (1,893 blocks left)",
    ):
        assert words in text, words
    other = await site.page(f"/address/{node.validator_list.validators[0].operator}")
    assert "Bonds" not in other


# ── nodes of older releases ──────────────────────────────────────────────────────────────────────────────


async def test_old_node_breaks_no_page() -> None:
    node = grown()
    node.is_old = True
    site = await Site(node).start()
    for path in ("/tree", "/validators"):
        assert "does not tell this (not_found)" in text_of(await site.page(path))
    for path in ("/", "/block/12", f"/address/{PRESENT}", f"/tx/{node.tx_id(3, 0)}", "/nodes"):
        await site.page(path)
    assert "There is no such block" in await site.page(f"/block/{'ab' * 32}", 404)
    reader = site.feed.subscribe(["tree", "validators"], "en")
    before = site.feed.last_id
    await site.desk.refresh()
    assert site.feed.last_id == before
    reader.close()


async def test_every_staking_page_speaks_chinese() -> None:
    node = grown()
    old = node.made[-1]
    node.fork(1)
    node.next_engine, node.handover_height = "pos", 20
    site = await Site(node).start()
    await site.page("/tree")
    for path, status in (
        ("/", 200),
        ("/tree", 200),
        ("/validators", 200),
        ("/block/12", 200),
        (f"/block/{old.id}", 404),
        (f"/address/{PRESENT}", 200),
        (f"/tx/{node.pending[0]}", 200),
    ):
        html = await site.page(f"{path}?lang=zh", status)
        assert "zh-CN" in html
        assert "再过" in html or path not in ("/", "/tree", "/validators")
