"""The three listeners as ASGI apps over one backend: public, operator, administration (protocol: Trust)."""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as MountedRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chaosnet.base.errors import Broken, ChaosError, Invalid, Refused
from chaosnet.rpc.backend import Backend
from chaosnet.rpc.bodies import Bodies
from chaosnet.rpc.handlers import ADMIN, JSON, OPERATOR, PUBLIC, Asked
from chaosnet.rpc.openapi import openapi_document, parameters_of
from chaosnet.rpc.problems import problem, problem_of
from chaosnet.rpc.route import Route
from chaosnet.rpc.routes import ROUTES

ErrorHook = Callable[[BaseException], None]
"""Told of every error that is a fault of this software; the caller gets the problem `internal`."""

LOOPBACK_HOSTS: Final = frozenset(("localhost", "127.0.0.1", "[::1]"))

SAFETY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)


def public_app(
    backend: Backend,
    *,
    submit: str,
    on_error: ErrorHook,
    cors_origins: Sequence[str] = ("*",),
) -> ASGIApp:
    """Return the app for everybody: reads, the stream, and submission if `submit` is `public`.

    Pages of `cors_origins` may ask contracts and submit too: there is no cookie that one could abuse.
    """
    cors = pages_of(cors_origins)
    listener = Listener(backend, PUBLIC, may_submit=submit == "public", on_error=on_error)
    return listener.app(middleware=[cors])


def pages_of(origins: Sequence[str]) -> Middleware:
    """Return what lets pages of these origins speak to a listener."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type", "Last-Event-ID"],
    )


def operator_app(backend: Backend, *, on_error: ErrorHook) -> ASGIApp:
    """Return the app for the operator's network: all reads, peers with addresses, metrics; no submission."""
    return Listener(backend, OPERATOR, may_submit=False, on_error=on_error).app()


def admin_app(
    backend: Backend,
    *,
    submit: str,
    on_error: ErrorHook,
    token: str | None = None,
    actions: Sequence[Route] = (),
) -> ASGIApp:
    """Return the app for administration: everything, submission unless it is `off`, and further actions.

    Without a token it must be served on a Unix socket of mode 0600. With one it may be served on loopback
    TCP: each request then needs the token, a loopback Host and no Origin.
    """
    if token is not None and len(token) < 16:
        raise Invalid("bad_argument", "an administration token has at least 16 characters")
    guard = [] if token is None else [Middleware(Guard, token=token)]
    listener = Listener(backend, ADMIN, may_submit=submit != "off", on_error=on_error)
    return listener.app(middleware=guard, more=actions)


class Listener:
    """Mounts the routes of one listener."""

    def __init__(self, backend: Backend, name: str, *, may_submit: bool, on_error: ErrorHook) -> None:
        self._backend = backend
        self._name = name
        self._may_submit = may_submit
        self._on_error = on_error
        self._bodies = Bodies()
        self._encode = msgspec.json.Encoder().encode
        self._document = b""

    def app(self, middleware: Sequence[Middleware] = (), more: Sequence[Route] = ()) -> ASGIApp:
        """Return the app with all routes of this listener and `more`."""
        routes = [route for route in (*ROUTES, *more) if self._name in route.listeners]
        self._document = self._encode(openapi_document(routes))
        app = Starlette(
            routes=[MountedRoute(r.path, self._endpoint(r), methods=[r.method]) for r in routes],
            middleware=middleware,
            exception_handlers={HTTPException: _http_problem, Exception: _internal_problem},
        )
        app.router.redirect_slashes = False
        return SafetyHeaders(app)

    def _endpoint(self, route: Route) -> Callable[[Request], Awaitable[Response]]:
        numbers = {p["name"] for p in parameters_of(route) if p["schema"]["type"] == "integer"}
        decode_body = None if route.body is None else msgspec.json.Decoder(route.body).decode

        async def endpoint(request: Request) -> Response:
            try:
                if route.is_submit and not self._may_submit:
                    raise Refused("submit_off")
                given = _arguments_of(route, numbers, request)
                if decode_body is None:
                    return await self._answer(route, request, given)
                async with self._bodies.read(request, route.body_bytes_max) as data:
                    return await self._answer(route, request, _decoded(decode_body, data))
            except ChaosError as error:
                if isinstance(error, Broken):
                    self._on_error(error)
                return problem_of(error)
            except ClientDisconnect:
                return problem("malformed", "the body ended early")
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a problem document
                self._on_error(error)
                return problem("internal")

        return endpoint

    async def _answer(self, route: Route, request: Request, given: object) -> Response:
        result = await route.call(Asked(self._backend, self._name, request, given, self._document))
        if isinstance(result, Response):
            return result
        return Response(self._encode(result), route.status, media_type=JSON)


def _arguments_of(route: Route, numbers: set[str], request: Request) -> msgspec.Struct:
    found: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in found or name in request.path_params:
            raise Invalid("bad_argument", f"{name} is given twice")
        found[name] = value
    found.update(request.path_params)
    for name in numbers & found.keys():
        value = found[name]
        if value.isascii() and value.isdigit() and len(value) < 20:
            found[name] = int(value)
    try:
        return msgspec.convert(found, route.arguments)
    except msgspec.ValidationError as error:
        raise Invalid("bad_argument", str(error)) from error


def _decoded(decode: Callable[[bytes], Any], data: bytes) -> object:
    try:
        return decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Invalid("malformed", str(error)) from error


async def _http_problem(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        response = problem("bad_method")
        response.headers["allow"] = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
        return response
    return problem("not_found", "there is no such path")


async def _internal_problem(request: Request, error: Exception) -> Response:
    return problem("internal")


class Guard:
    """Lets only a program on this machine that knows the token through: no web page, no rebound name."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app = app
        self._wanted = b"Bearer " + token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := self._refusal(Headers(scope=scope))) is not None:
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        name, colon, port = host.rpartition(":")
        if not (colon and port.isdigit()):
            name = host
        if name.lower() not in LOOPBACK_HOSTS or "origin" in headers:
            return problem("bad_origin")
        given = headers.get("authorization", "").encode("latin-1")
        if hmac.compare_digest(given, self._wanted):
            return None
        response = problem("bad_token")
        response.headers["www-authenticate"] = "Bearer"
        return response


class SafetyHeaders:
    """Adds to every response the headers that keep browsers from guessing, framing and storing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *SAFETY_HEADERS]
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)
