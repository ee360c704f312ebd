"""What strangers may send to the routes of contracts of a real backend: nothing is a fault of the node."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaosnet.contracts.values import VALUE_BYTES_MAX
from chaosnet.rpc.app import public_app
from tests.unit.daemon.test_contract_views import Stage

DEEP = "[" * 400 + "]" * 400
HOSTILE_KEYS = [
    "",
    "null",
    "{}",
    "[]",
    "[null]",
    "[true]",
    "[1.5]",
    "[1e999]",
    f"[{2**63}]",
    f"[{-(2**63) - 1}]",
    f"[{10**200}]",
    '[{"$int":"99999999999999999999"}]',
    '[{"$int":"1_0"}]',
    '[{"$bytes":"zz"}]',
    '[{"$map":[]}]',
    '[["names"]]',
    '["\\ud800"]',
    '["' + "a" * 200 + '"]',
    '["\\u0000' + "\\u0000" * 100 + '"]',
    DEEP,
    '["names"',
    "\x00",
    "names",
]


class Asker:
    """A public listener over a chain with one contract, and whatever its error hook was told."""

    def __init__(self, stage: Stage) -> None:
        self.box = stage.deploy()
        self.faults: list[BaseException] = []
        self.app = public_app(stage.backend, submit="public", on_error=self.faults.append)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        """Return status and code; a refusal is a problem document, and never a fault of the node."""
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:1") as client:
            answer = await client.request(method, path, **more)
        found = answer.json()
        assert not self.faults, (path, more, self.faults)
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            assert len(answer.content) < 2_000
        return answer.status_code, found.get("code", "")

    async def query(self, body: bytes) -> tuple[int, str]:
        headers = {"content-type": "application/json"}
        return await self.ask("POST", f"/v1/contracts/{self.box}/query", content=body, headers=headers)


@pytest.fixture
async def asker(tmp_path: Path) -> AsyncIterator[Asker]:
    stage = Stage(tmp_path)
    yield Asker(stage)
    stage.close()


async def test_keys_that_are_none_are_refused(asker: Asker) -> None:
    for key in HOSTILE_KEYS:
        text = quote(key, safe="")
        for path in (f"storage?prefix={text}", f"storage?after={text}", f"storage/{text}/proof"):
            status, code = await asker.ask("GET", f"/v1/contracts/{asker.box}/{path}")
            is_whole_list = key == "[]" and path.startswith("storage?prefix")
            expected = (200,) if is_whole_list else (400, 404, 413)
            assert status in expected, (path, status, code)


@pytest.mark.parametrize(
    "path", ["contracts", "tokens", "events", "contracts/{box}/events", "accounts/{box}/transactions"]
)
async def test_cursors_that_are_none_are_refused(asker: Asker, path: str) -> None:
    where = "/v1/" + path.format(
        box=asker.box,
    )
    for cursor in (
        "x",
        "-1",
        "1.2.3.4",
        "-1.2",
        "1.2.-3",
        "9" * 25,
        "1." * 50,
        "é",
        "١",
        "1e3",
        " 1",
        "zz",
        "\x00",
    ):
        status, code = await asker.ask("GET", f"{where}?cursor={quote(cursor)}")
        assert (status, code) == (400, "bad_argument"), (cursor, code)
    for cursor in ("9" * 18, "9" * 18 + ".0", "9" * 12 + ".19999.63", ".".join(["9" * 18] * 3)):
        status, code = await asker.ask("GET", f"{where}?cursor={cursor}")
        assert status == 200 or code == "bad_argument", cursor


async def test_names_that_are_none_are_refused(asker: Asker) -> None:
    names = [
        "nobody",
        "cos1",
        "%00",
        "%2e%2e",
        quote("cos1" + "q" * 80),
        "COS1" + "Q" * 59,
        "é",
        "0" * 64,
    ]
    for name in names:
        for path in (
            "contracts/{}",
            "contracts/{}/storage",
            "contracts/{}/events",
            "tokens/{}",
            "tokens/{}/holders",
        ):
            status, code = await asker.ask("GET", "/v1/" + path.format(name))
            assert status in (400, 404), (path, name, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"\xff\xfe", 400, "malformed"),
        (b'{"method":"get","args":' + b"[" * 50_000 + b"]" * 50_000 + b"}", 400, "malformed"),
        (b'{"method":"get","args":[' + b"{}," * 50_000 + b"{}]}", 413, "too_large"),
        (b'{"method":"get","args":[' + b"[" * 40 + b"]" * 40 + b"]}", 400, "bad_argument"),
        (b'{"method":"get","args":[' + b"[" * 20 + b"]" * 20 + b"]}", 400, "malformed"),
        (b'{"method":"get","args":["' + b"a" * (VALUE_BYTES_MAX + 1) + b'"]}', 413, "too_large"),
        (b'{"method":"get","args":[1e999]}', 400, ""),
        (b'{"method":"get","args":[0.5]}', 400, "bad_argument"),
        (b'{"method":"get","args":[%d]}' % 2**63, 400, "malformed"),
        (b'{"method":"get","args":[%d]}' % 2**70, 400, ""),
        (b'{"method":"get","args":[{"$int":"%d"}]}' % 2**63, 400, "malformed"),
        (b'{"method":"get","args":[{"$int":1}]}', 400, "bad_argument"),
        (b'{"method":"get","args":[{"$map":[["a",1],["a",2]]}]}', 400, "bad_argument"),
        (b'{"method":"get","args":["\\ud800"]}', 400, "malformed"),
        (b'{"method":"get","args":["a"],"gas":-1}', 422, "gas_limit"),
        (b'{"method":"get","args":["a"],"gas":%d}' % 10**18, 422, "gas_limit"),
        (b'{"method":"get","args":["a"],"caller":"cos1nobody"}', 400, "bad_address"),
        (b'{"method":"%s","args":[]}' % (b"m" * 100_000), 200, "no_method"),
        (b'{"method":"@init","args":[]}', 200, "no_method"),
        (b'{"method":"@interface","args":[]}', 200, "no_method"),
        (b'{"method":"__index","args":[]}', 200, "no_method"),
        (b'{"method":"\\u0000","args":[]}', 200, "no_method"),
        (b'{"method":"get","args":[]}', 200, "bad_args"),
        (b'{"method":"get","args":["a","b"]}', 200, "bad_args"),
        (b'{"method":"get","args":[{"$bytes":"00"}]}', 200, "bad_args"),
        (b'{"method":"get","args":["a"],"gas":1}', 200, "out_of_gas"),
    ],
)  # fmt: skip
async def test_questions_that_are_none(asker: Asker, body: bytes, status: int, code: str) -> None:
    found = await asker.query(body)
    assert found[0] == status, found
    if code:
        assert found[1] == code


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["$int", "$bytes", "$map", "a", "$"]) | st.text(max_size=3), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@settings(
    max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(args=st.lists(_json, max_size=4), key=_json)
async def test_whatever_json_is_answered(asker: Asker, args: list[object], key: object) -> None:
    status, _ = await asker.query(json.dumps({"method": "get", "args": args}).encode())
    assert status in (200, 400, 413)
    text = quote(json.dumps(key), safe="")
    status, _ = await asker.ask("GET", f"/v1/contracts/{asker.box}/storage/{text}")
    assert status in (400, 404, 413)
