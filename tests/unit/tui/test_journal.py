"""The event log: what changed between two answers, and blocks that share a line."""

from msgspec import structs

from chaosnet.rpc.schema import Health
from tests.unit.tui.making import HEALTHY, NOW, block_of, status_of, with_health
from tests.unit.tui.staking import status_under
from tui.journal import BLOCK_LINES_MAX, EVENTS_MAX, JOIN_MS, Journal


def kinds(journal: Journal) -> list[str]:
    return [event.kind for event in journal.newest(100)]


def test_fast_blocks_share_a_line_and_slow_ones_do_not() -> None:
    journal = Journal()
    journal.add_block(NOW, block_of(1, txs=5))
    journal.add_block(NOW + 300, block_of(2, txs=7))
    journal.add_block(NOW + JOIN_MS, block_of(3, txs=1))
    newest, oldest = journal.newest(10)
    assert (oldest.kind, oldest.values["first"], oldest.values["last"], oldest.values["n"]) == (
        "blocks",
        1,
        2,
        12,
    )
    assert (newest.kind, newest.values["n"]) == ("block", 1)


def test_anything_between_two_blocks_parts_their_lines() -> None:
    journal = Journal()
    journal.add_block(NOW, block_of(1))
    journal.add(NOW, "warn", "restarted", "alpha")
    journal.add_block(NOW, block_of(2))
    journal.add_block(NOW, block_of(4))
    journal.add_block(NOW, block_of(5, round=1))
    assert kinds(journal) == ["block_late", "block", "block", "restarted", "block"]


def test_blocks_push_nothing_else_out() -> None:
    journal = Journal()
    journal.add(NOW, "bad", "unreachable", "alpha", reason="")
    for height in range(1_000):
        journal.add_block(NOW + height * JOIN_MS, block_of(height))
    assert kinds(journal)[-1] == "block"
    assert len(journal.newest(10_000)) == BLOCK_LINES_MAX + 1
    assert [event.kind for event in journal.newest(10, with_blocks=False)] == ["unreachable"]
    for _ in range(2 * EVENTS_MAX):
        journal.add(NOW, "plain", "restarted", "alpha")
    assert len(journal.newest(10_000, with_blocks=False)) == EVENTS_MAX


def test_a_round_is_told_once() -> None:
    journal = Journal()
    for moved in [(5, 0), (5, 1), (5, 1), (5, 2), (6, 0), (6, 1)]:
        journal.add_round(NOW, *moved)
    found = [(event.values["height"], event.values["round"]) for event in journal.newest(10)]
    assert found == [(6, 1), (5, 2), (5, 1)]


def test_health_that_changes_is_told() -> None:
    journal = Journal()
    well = status_of("alpha")
    ill = with_health(well, Health(is_healthy=False, phase="running", code="stalled", reason="no block"))
    worse = with_health(well, Health(is_healthy=False, phase="running", code="stalled", reason="none still"))
    journal.add_changes(NOW, well, ill)
    journal.add_changes(NOW, ill, worse)  # the reason counts seconds: the code decides
    journal.add_changes(NOW, worse, with_health(well, HEALTHY))
    assert kinds(journal) == ["healthy", "unhealthy"]


def test_peers_lost_and_back_are_told_by_name() -> None:
    journal = Journal()
    before, after = status_of("alpha"), status_of("alpha", silent=["gamma"])
    journal.add_changes(NOW, before, after)
    journal.add_changes(NOW, after, before)
    assert [(e.kind, e.values["peer"]) for e in journal.newest(10)] == [
        ("peer_back", "gamma"),
        ("peer_lost", "gamma"),
    ]


def test_an_engine_that_gives_way_to_the_next_is_told() -> None:
    journal = Journal()
    before = status_under("pow", handover_height=20, next_engine="pos")
    during = status_under("pow", handover_height=20, next_engine="pos", is_handing_over=True)
    after = status_under("pos", era=1)
    for was, now in ((before, during), (during, during), (during, after), (after, after)):
        journal.add_changes(NOW, was, now)
    found = [(event.kind, event.values["engine"]) for event in journal.newest(10)]
    assert found == [("engine", "pos"), ("handing_over", "pow")]


def test_a_history_that_ceases_to_be_trusted_is_told() -> None:
    journal = Journal()
    untrusted = structs.replace(status_of("alpha"), trust="untrusted")
    journal.add_changes(NOW, status_of("alpha"), untrusted)
    journal.add_changes(NOW, untrusted, untrusted)
    assert kinds(journal) == ["untrusted"]


def test_a_restart_is_told_instead_of_all_that_follows_from_it() -> None:
    journal = Journal()
    journal.add_changes(NOW, status_of("alpha"), status_of("alpha", silent=["beta"], started_ms=NOW))
    assert kinds(journal) == ["restarted"]
