"""The metrics page: right numbers, under names that follow the conventions of Prometheus (promlint)."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chaosnet.kernel import events as ev
from chaosnet.ops.metrics import GAUGES, NodeMetrics, Reading
from tests.unit.kernel.harness import Bench, facts


def reading(**values: float) -> Reading:
    return Reading(
        values=dict.fromkeys(GAUGES, 0.0) | values,
        name="alpha",
        chain_name='te"st\n',
        genesis="ab" * 32,
        software="chaosnet/1",
        engine="pbft",
        rule=1,
        health_code="",
    )


def sample(text: str, name: str, /, **labels: str) -> float | None:
    """Return one value of a page."""
    for family in text_string_to_metric_families(text):
        for found in family.samples:
            if found.name == name and labels.items() <= found.labels.items():
                return float(found.value)
    return None


def page(metrics: NodeMetrics, **values: float) -> str:
    return metrics.text(reading(**values)).decode()


# ── promlint's rules, on a page on which everything has happened ─────────────────────────────────────────


@pytest.fixture(scope="module")
def full() -> str:
    metrics = NodeMetrics()
    for fact in all_facts():
        metrics.on_report(fact)
    unhealthy = reading(height=5)
    return metrics.text(
        Reading(**{n: getattr(unhealthy, n) for n in unhealthy.__slots__} | {"health_code": "no_peers"})
    ).decode()


def all_facts() -> list[ev.ReportFact]:
    bench = Bench().start()
    bench.join_all()
    bench.advance(200)
    bench.submit(bench.tx("alice", 0))
    bench.grow()
    bench.advance(700)
    bench.grow(2)
    return [
        *facts(bench.log, ev.HeadMoved),
        ev.RoundMoved(4, 0, "propose"),
        ev.RoundMoved(4, 2, "propose"),
        ev.RoundMoved(4, 2, "prevote"),
        ev.BlockRefused(b"", 4, "bad_root", ""),
        ev.Reorganised(
            old_height=9, old_id=b"o", new_height=8, new_id=b"n", common_height=6, dropped=(b"t",)
        ),
        ev.Finalised(height=6, block_id=b"f"),
        ev.DoubleSign(b"k", 4),
        ev.PeerNote(b"p", "admitted", "ok"),
        ev.PeerNote(b"p", "banned", "bad_signature"),
        ev.Halted("disk_full", ""),
        ev.TransactionsPending((b"i",)),
    ]


def declared(text: str) -> dict[str, tuple[str, str]]:
    """Return name -> (type, help) as the page declares them."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    assert set(types) == set(helps), "each metric has a type and a help text"
    return {name: (types[name], helps[name]) for name in types}


def ours(text: str) -> dict[str, tuple[str, str]]:
    return {name: both for name, both in declared(text).items() if name.startswith("chaosnet_")}


def test_names_are_of_this_program_or_of_the_process(full: str) -> None:
    strangers = [name for name in declared(full) if not name.startswith(("chaosnet_", "process_"))]
    assert strangers == []
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*[a-z0-9]", name) for name in ours(full))


def test_help_is_a_text_for_people(full: str) -> None:
    for name, (_, text) in ours(full).items():
        assert len(text) > 8, name
        assert not text.endswith("."), name


def test_counters_and_only_they_end_in_total(full: str) -> None:
    for name, (kind, _) in ours(full).items():
        if not name.endswith("_created"):
            assert name.endswith("_total") == (kind == "counter"), name


def test_only_histograms_use_their_suffixes(full: str) -> None:
    for name, (kind, _) in ours(full).items():
        if kind != "histogram":
            assert not name.endswith(("_count", "_sum", "_bucket")), name


def test_units_are_base_units_at_the_end(full: str) -> None:
    others = ("milliseconds", "millis", "ms", "minutes", "hours", "days", "kilobytes", "mb", "mib", "percent")
    for name in ours(full):
        words = name.removesuffix("_total").removesuffix("_created").split("_")
        assert not [word for word in words if word in others], name
        for unit in ("seconds", "bytes"):
            assert unit not in words[:-1], name


def test_no_name_speaks_of_its_type(full: str) -> None:
    for name in ours(full):
        assert not [w for w in name.split("_") if w in ("gauge", "counter", "histogram", "summary")], name


def test_labels_do_not_repeat_names_and_are_few(full: str) -> None:
    for family in text_string_to_metric_families(full):
        for found in family.samples:
            if found.name.startswith("chaosnet_"):
                assert len(found.labels) <= 6
                assert all(re.fullmatch(r"[a-z][a-z_]*", label) for label in found.labels)


def test_no_series_comes_twice(full: str) -> None:
    series = [
        (s.name, tuple(sorted(s.labels.items())))
        for family in text_string_to_metric_families(full)
        for s in family.samples
    ]
    assert len(series) == len(set(series))


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────


def test_every_gauge_shows_its_reading() -> None:
    values = {name: float(i + 1) for i, name in enumerate(GAUGES)}
    text = page(NodeMetrics(), **values)
    assert {name: sample(text, f"chaosnet_{name}") for name in GAUGES} == values


def test_blocks_are_counted_with_what_is_in_them() -> None:
    metrics = NodeMetrics()
    moved = [fact for fact in all_facts() if isinstance(fact, ev.HeadMoved)]
    for fact in moved:
        metrics.on_report(fact)
    text = page(metrics)
    assert sample(text, "chaosnet_blocks_total") == len(moved) == 3
    assert sample(text, "chaosnet_transactions_total") == sum(fact.header.tx_count for fact in moved)
    assert sample(text, "chaosnet_gas_used_total") == sum(fact.header.gas_used for fact in moved)
    assert sample(text, "chaosnet_blocks_proposed_total") == sum(fact.ours for fact in moved)
    assert sample(text, "chaosnet_block_interval_seconds_count") == 2
    span = (moved[-1].header.time_ms - moved[0].header.time_ms) / 1_000
    assert sample(text, "chaosnet_block_interval_seconds_sum") == pytest.approx(span)


def test_only_rounds_that_failed_are_counted() -> None:
    metrics = NodeMetrics()
    for round_, step in [(0, "propose"), (1, "propose"), (1, "prevote"), (2, "propose")]:
        metrics.on_report(ev.RoundMoved(4, round_, step))
    assert sample(page(metrics), "chaosnet_rounds_failed_total") == 2


def test_faults_are_counted_by_code() -> None:
    metrics = NodeMetrics()
    for code in ("bad_root", "bad_root", "bad_seal"):
        metrics.on_report(ev.BlockRefused(b"", 4, code, ""))
    metrics.on_report(ev.PeerNote(b"p", "banned", "bad_signature"))
    metrics.on_report(ev.DoubleSign(b"k", 4))
    text = page(metrics)
    assert sample(text, "chaosnet_blocks_refused_total", code="bad_root") == 2
    assert sample(text, "chaosnet_peer_events_total", what="banned", code="bad_signature") == 1
    assert sample(text, "chaosnet_double_signs_total") == 1


def test_what_is_wrong_has_its_own_series_only_while_it_is() -> None:
    metrics = NodeMetrics()
    ill = reading()
    ill = Reading(**{n: getattr(ill, n) for n in ill.__slots__} | {"health_code": "quorum_lost"})
    assert sample(metrics.text(ill).decode(), "chaosnet_unhealthy", code="quorum_lost") == 1
    assert sample(page(metrics), "chaosnet_unhealthy") is None


def test_the_identity_is_one_series_whatever_the_name() -> None:
    text = page(NodeMetrics())
    assert sample(text, "chaosnet_node_info", name="alpha", chain_name='te"st\n', rule="1") == 1


def test_two_nodes_in_one_process_do_not_mix() -> None:
    one, other = NodeMetrics(), NodeMetrics()
    one.on_report(ev.DoubleSign(b"k", 4))
    assert sample(page(other), "chaosnet_double_signs_total") == 0


def test_changes_of_branch_are_counted_with_their_depth(full: str) -> None:
    assert sample(full, "chaosnet_reorganisations_total") == 1
    assert sample(full, "chaosnet_blocks_undone_total") == 3
    assert sample(full, "chaosnet_reorganisation_depth_max") == 3
    assert sample(full, "chaosnet_reorganisations_deep_total") == 0


def test_deep_changes_of_branch_are_counted_apart() -> None:
    metrics = NodeMetrics(reorg_warn_depth=3)
    for old_height in (8, 9, 12, 7):
        fact = ev.Reorganised(old_height, b"o", 13, b"n", common_height=6, dropped=())
        metrics.on_report(fact)
    text = page(metrics)
    assert sample(text, "chaosnet_reorganisations_total") == 4
    assert sample(text, "chaosnet_reorganisations_deep_total") == 2
    assert sample(text, "chaosnet_reorganisation_depth_max") == 6
