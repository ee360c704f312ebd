import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosnet.base.errors import Invalid
from chaosnet.model.genesis import TEAM_LOCK, Bond, EngineFrom
from chaosnet.model.genesis_json import TEXT_LENGTH_MAX, format_genesis, format_time, parse_genesis
from chaosnet.model.genesis_make import Holders, public_genesis
from tests.making import TIME_MS, Person, network

ADA, BOB = Person("ada"), Person("bob")
GENESIS = network([(ADA, 1_000, None), (BOB, 12_345_678_901, TEAM_LOCK)], [ADA, BOB])
BONDED = network(
    [(ADA, 1_000, None)], [ADA, BOB], bonds=[Bond(ADA.address, 600, 50)], schedule=(EngineFrom(1, "dpos"),)
)
PUBLIC = public_genesis("公链", TIME_MS, Holders(*(Person(n).address for n in "abcd")), founding_blocks=10)
FILE: dict[str, Any] = json.loads(format_genesis(GENESIS))


def edited(path: str, value: object) -> str:
    """Return the file with one value replaced; a path is names and indexes with dots between."""
    content = json.loads(format_genesis(GENESIS))
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    node = content
    for step in way:
        node = node[step]
    node[last] = value
    return json.dumps(content)


def without(path: str, name: str) -> str:
    content = json.loads(format_genesis(GENESIS))
    node = content
    for step in path.split(".") if path else []:
        node = node[int(step) if step.isdigit() else step]
    del node[name]
    return json.dumps(content)


def fault(text: str) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        parse_genesis(text)
    return caught.value.code, caught.value.detail


def test_files_are_read_as_they_were_written() -> None:
    for genesis in (GENESIS, PUBLIC, BONDED):
        assert parse_genesis(format_genesis(genesis)) == genesis
        assert format_genesis(parse_genesis(format_genesis(genesis))) == format_genesis(genesis)


def test_people_can_read_the_file() -> None:
    assert FILE["time"] == "2023-11-14T22:13:20.000Z"
    assert FILE["allocations"][1]["amount"] == "123.45678901"
    assert FILE["members"][0]["operator"].startswith("cos1")
    assert json.loads(format_genesis(BONDED))["bonds"][0]["amount"] == "0.00000600"
    assert "公链" in format_genesis(PUBLIC)


def test_bonds_are_read_as_strictly_as_the_rest() -> None:
    text = format_genesis(BONDED)
    assert fault(text.replace('"0.00000600"', '"6e-6"'))[0] == "bad_argument"
    assert fault(text.replace('"commission_permille"', '"commission"'))[0] == "malformed"


def test_order_and_white_space_do_not_matter() -> None:
    shuffled = json.dumps(dict(reversed(FILE.items())), indent=None)
    assert parse_genesis(shuffled) == GENESIS


def test_the_time_for_readers_may_be_left_out_but_not_differ() -> None:
    assert parse_genesis(without("", "time")) == GENESIS
    assert fault(edited("time", "2023-11-14T22:13:21.000Z"))[0] == "bad_argument"


@pytest.mark.parametrize(
    "path", ["", "params", "schedule.0", "members.1", "allocations.0", "allocations.1.lock"]
)
def test_unknown_fields_are_named_with_their_place(path: str) -> None:
    code, detail = fault(edited(f"{path}.surprise".lstrip("."), 1))
    assert code == "malformed"
    assert "`surprise`" in detail
    place = "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in path.split(".") if step)
    assert not path or f"${place}" in detail


@pytest.mark.parametrize(
    "path, name",
    [
        ("", "treasury"),
        ("", "rule"),
        ("params", "evidence_age"),
        ("members.0", "node_key"),
        ("schedule.0", "engine"),
    ],
)
def test_missing_fields_are_named(path: str, name: str) -> None:
    code, detail = fault(without(path, name))
    assert code == "malformed"
    assert f"`{name}`" in detail


@pytest.mark.parametrize(
    "path, value, code",
    [
        ("time_ms", "1", "malformed"),
        ("time_ms", 1.5, "malformed"),
        ("time_ms", 10**30, "malformed"),
        ("params.evidence_age", -1, "malformed"),
        ("schedule.0.height", 2**63, "malformed"),
        ("params.evidence_age", True, "malformed"),
        ("allocations.0.amount", 5, "malformed"),
        ("allocations.0.amount", "-5", "bad_argument"),
        ("allocations.0.amount", "1.123456789", "bad_argument"),
        ("allocations.0.amount", "1e3", "bad_argument"),
        ("allocations.0.address", "cos1qqqq", "bad_address"),
        ("members.0.operator", "", "bad_address"),
        ("treasury", "btc1qqqq", "bad_address"),
        ("address_prefix", "other", "bad_address"),
        ("members.0.node_key", "zz", "bad_argument"),
        ("members.0.node_key", "AA", "bad_argument"),
        ("members.0.node_key", "aa bb", "bad_argument"),
        ("members", None, "malformed"),
    ],
)
def test_wrong_values_are_refused(path: str, value: object, code: str) -> None:
    found, detail = fault(edited(path, value))
    assert found == code
    if code != "malformed" and path != "address_prefix":
        assert path.rpartition(".")[2] in detail


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "null",
        "NaN",
        "[" * 100_000,
        format_genesis(GENESIS) + "{}",
        format_genesis(GENESIS).replace('"rule": 1,', '"rule": 1, "rule": 1,'),
        format_genesis(GENESIS).replace('"chain_name": "test"', '"chain_name": "\\ud800"'),
        "9" * 5_000,
    ],
)
def test_text_that_is_no_such_file(text: str) -> None:
    assert fault(text)[0] == "malformed"


def test_a_huge_file_is_not_even_read() -> None:
    assert fault(" " * (TEXT_LENGTH_MAX + 1))[0] == "too_large"


@given(st.integers(0, 253_402_300_799_999))
def test_times_agree_with_the_calendar(unix_ms: int) -> None:
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=unix_ms)
    assert format_time(unix_ms) == time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("year", [1972, 1999, 2000, 2024, 2025, 2100, 2400])
def test_days_around_the_end_of_february(year: int) -> None:
    for day in range(-3, 4):
        time = datetime(year, 3, 1, tzinfo=UTC) + timedelta(days=day)
        assert format_time(int(time.timestamp()) * 1000) == f"{time:%Y-%m-%d}T00:00:00.000Z"
