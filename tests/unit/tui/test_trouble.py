"""What the line at the top says."""

import pytest
from msgspec import structs

from chaosnet.rpc.schema import Health
from tests.unit.tui.making import (
    HALTED,
    NAMES,
    NOW,
    SINCE,
    lose_two,
    network_of,
    running,
    status_of,
    with_health,
)
from tests.unit.tui.staking import HEAD, network_under, reorg_event, status_under, validator_list
from tui.show import trouble_of
from tui.trouble import NEWS_MS, presence_of, troubles_of
from tui.words import load_words


def texts(network: object, lang: str = "en") -> list[str]:
    from tui.network import Network

    assert isinstance(network, Network)
    return [trouble_of(trouble, NOW, load_words(lang)) for trouble in troubles_of(network)]


def test_nothing_is_wrong() -> None:
    assert troubles_of(running()) == []
    assert troubles_of(network_of()) == [], "nor when nobody was asked yet"
    presence = presence_of(running())
    assert presence is not None
    assert (presence.present, presence.validators, presence.needed, presence.spare) == (4, 4, 3, 1)


def test_quorum_lost_says_who_is_silent_and_since_when() -> None:
    network = running()
    lose_two(network)
    halted, silent = troubles_of(network)
    assert (halted.level, halted.kind, halted.since_ms) == ("bad", "halted", SINCE)
    assert (silent.level, silent.kind) == ("warn", "unreachable")
    text = texts(network)[0]
    assert text.startswith("HALTED: 2 of 4 members silent, 3 needed — since ")
    assert text.endswith("(3m12s) · gamma, delta")
    assert "4 名成员中 2 名沉默，需要 3 名" in texts(network, "zh")[0]


def test_one_member_short_of_a_halt_is_a_warning() -> None:
    network = running()
    for index in (0, 1, 2):
        network.answered(index, status_of(NAMES[index], silent=["delta"]), NOW)
    (found,) = troubles_of(network)
    assert (found.level, found.kind) == ("warn", "no_spare")
    assert "delta" in texts(network)[0]


def test_a_node_cut_off_from_the_others_is_no_halt_of_the_network() -> None:
    network = running()
    cut_off = Health(
        is_healthy=False,
        phase="running",
        code="quorum_lost",
        reason="3 of 4 members silent, 3 needed",
        since_ms=SINCE,
    )
    for index in (0, 1, 2):
        network.answered(index, status_of(NAMES[index], silent=["delta"]), NOW)
    network.answered(3, status_of("delta", silent=NAMES[:3], health=cut_off), NOW)
    assert [trouble.kind for trouble in troubles_of(network)] == ["no_spare", "unhealthy"]
    presence = presence_of(network)
    assert presence is not None
    assert presence.present == 3


def test_a_node_that_just_started_is_no_witness() -> None:
    network = running()
    lose_two(network)
    network.answered(2, status_of("gamma", started_ms=NOW - 1_000), NOW)
    presence = presence_of(network)
    assert presence is not None
    assert presence.silent == ("gamma", "delta")


def test_nobody_answers() -> None:
    network = running()
    for index in range(4):
        network.lost(index, "connection: refused", NOW)
    assert [trouble.kind for trouble in troubles_of(network)] == ["no_node"]
    assert "all 4" in texts(network)[0]


@pytest.mark.parametrize(
    "chains, kind, nodes",
    [
        (("main", "main", "main", "fork"), "differs", "delta"),
        (("main", "main", "fork", "fork"), "split", "alpha, beta, gamma, delta"),
    ],
)
def test_contradictions_come_first(chains: tuple[str, ...], kind: str, nodes: str) -> None:
    network = network_of()
    for index, chain in enumerate(chains):
        ill = Health(is_healthy=False, phase="running", code="no_peers", reason="not connected")
        network.answered(index, with_health(status_of(NAMES[index], chain=chain), ill), NOW)
    first = troubles_of(network)[0]
    assert (first.level, first.kind, first.values["nodes"], first.since_ms) == ("bad", kind, nodes, NOW)
    assert "10" in texts(network)[0]


def test_another_genesis() -> None:
    network = running()
    network.answered(3, status_of("delta", genesis="other"), NOW)
    assert [trouble.kind for trouble in troubles_of(network)] == ["foreign"]


def test_one_node_s_own_trouble_names_it() -> None:
    network = running()
    full = Health(is_healthy=False, phase="halted", code="disk_full", reason="3 MiB left", since_ms=SINCE)
    network.answered(1, status_of("beta", health=full), NOW)
    assert texts(network)[0].startswith("beta: 3 MiB left — since ")
    assert texts(network, "zh")[0].startswith("beta：磁盘将满 (3 MiB left)")


def test_a_standstill_without_silent_members() -> None:
    network = network_of()
    stalled = Health(is_healthy=False, phase="running", code="stalled", reason="no block for 40 s")
    for index, name in enumerate(NAMES):
        network.answered(index, status_of(name, health=stalled), NOW)
    assert texts(network)[0].startswith("STALLED: no block for 40 s — since ")
    assert HALTED.code not in texts(network)[0]


def test_a_deep_reorganisation_is_a_warning_as_long_as_it_is_news() -> None:
    network = network_under("pow")
    network.take_event(0, reorg_event(), NOW)
    assert troubles_of(network) == []
    network.take_event(0, reorg_event(depth=7, is_deep=True), NOW)
    (found,) = troubles_of(network)
    assert (found.level, found.kind, found.since_ms) == ("warn", "deep_reorg", NOW)
    assert texts(network)[0].startswith(
        f"alpha: DEEP REORGANISATION, 7 blocks undone above {HEAD - 7}, transactions dropped: 2 — since "
    )
    assert "深度重组" in texts(network, "zh")[0]
    network.answered(0, status_under("pow"), NOW + NEWS_MS)
    assert troubles_of(network) == []


@pytest.mark.parametrize("health", [None, "untrusted"])
def test_an_untrusted_history_is_said_once_and_plainly(health: str | None) -> None:
    network = running()
    status = structs.replace(status_of("beta"), trust="untrusted")
    if health is not None:
        ill = Health(is_healthy=False, phase="running", code=health, reason="nothing trusted links to it")
        status = with_health(status, ill)
    network.answered(1, status, NOW)
    (found,) = troubles_of(network)
    assert (found.level, found.kind, found.values["nodes"]) == ("bad", "untrusted", "beta")
    assert texts(network)[0].startswith("UNTRUSTED: ")


def test_blocks_without_finality_are_no_halt() -> None:
    network = network_under("dpos")
    reason = "2 of 4 members silent, 3 needed: blocks are made, none becomes final"
    lost = Health(is_healthy=False, phase="running", code="finality_lost", reason=reason, since_ms=SINCE)
    for index, name in enumerate(NAMES[:2]):
        network.answered(index, with_health(status_under("dpos", name), lost), NOW)
    kinds = {trouble.kind: trouble.level for trouble in troubles_of(network)}
    assert kinds == {"finality_lost": "bad"}
    assert texts(network)[0].startswith("NO FINALITY: 2 of 4 members silent, 3 needed; blocks are made")
    assert "HALTED" not in texts(network)[0]


def test_one_delegate_short_of_finality_and_one_miner_short_of_blocks() -> None:
    silent = status_of("alpha", silent=["delta"]).members
    for engine, kinds in (("dpos", ["no_spare_final"]), ("pow", [])):
        network = network_under(engine)
        for index, name in enumerate(NAMES[:3]):
            status = structs.replace(status_under(engine, name), members=silent)
            network.answered(index, status, NOW)
        assert [trouble.kind for trouble in troubles_of(network)] == kinds


def test_jailed_validators_of_the_nodes_watched_are_named_and_strangers_are_not() -> None:
    network = network_under("dpos")
    network.take_validators(validator_list())
    assert troubles_of(network) == [], "a stranger's candidate is jailed"
    rows = [structs.replace(row, is_jailed=row.name == "gamma") for row in validator_list().validators]
    network.take_validators(structs.replace(validator_list(), validators=rows))
    assert texts(network) == ["gamma is jailed"]
