"""Asks one listener of a made-up node."""

from typing import Any

import httpx
import msgspec
from starlette.types import ASGIApp

from chaosnet.rpc import schema
from chaosnet.rpc.app import admin_app, operator_app, public_app
from tests.fake_backend import FakeBackend


class Caller:
    """Asks one app, and keeps what its error hook was told."""

    def __init__(self, kind: str = "public", **options: Any) -> None:
        self.backend = FakeBackend()
        self.errors: list[BaseException] = []
        if kind == "public":
            app = public_app(
                self.backend, submit=options.pop("submit", "public"), on_error=self.errors.append, **options
            )
        elif kind == "operator":
            app = operator_app(self.backend, on_error=self.errors.append)
        else:
            app = admin_app(
                self.backend, submit=options.pop("submit", "admin"), on_error=self.errors.append, **options
            )
        self.app: ASGIApp = app

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:1") as client:
            return await client.request(method, path, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)


def problem(response: httpx.Response, status: int, code: str) -> schema.Problem:
    assert response.headers["content-type"] == "application/problem+json"
    found = msgspec.json.decode(response.content, type=schema.Problem)
    assert (response.status_code, found.status, found.code) == (status, status, code), found
    assert found.title and found.type.endswith(code)
    return found
