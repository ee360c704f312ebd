"""The OpenAPI 3.1 description, made from the route table and the types of the schema."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from chaosnet.base.errors import CODES
from chaosnet.rpc import schema
from chaosnet.rpc.handlers import JSON
from chaosnet.rpc.problems import PROBLEM_JSON, status_of_code
from chaosnet.rpc.route import Route
from chaosnet.rpc.routes import EVENT_STREAM, EVERY_PROBLEM

Document = dict[str, Any]

REF: Final = "#/components/schemas/{name}"
DESCRIPTION: Final = (
    "Hashes, keys and raw bytes are lower-case hex; addresses are bech32m; amounts are decimal strings of "
    "motes (1 COS = 100,000,000 motes); times are Unix milliseconds. Failures are problem documents "
    "(RFC 9457) with a stable `code`."
)


def openapi_document(routes: Sequence[Route]) -> Document:
    """Return the description of these routes."""
    types = [route.result for route in routes] + [route.body for route in routes if route.body is not None]
    shapes, components = msgspec.json.schema_components(
        [*types, schema.Problem], ref_template=REF, schema_hook=_any_value
    )
    shape_of = dict(zip(map(_key_of, types), shapes[:-1], strict=True))
    paths: Document = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, shape_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chaosnet node",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def problem_codes(route: Route) -> dict[int, list[str]]:
    """Return the codes a route may answer with, by HTTP status."""
    found: dict[int, list[str]] = {}
    for code in sorted({*EVERY_PROBLEM, *route.problems}):
        found.setdefault(status_of_code(code), []).append(code)
    return dict(sorted(found.items()))


def _operation(route: Route, shape_of: dict[str, Any]) -> Document:
    operation: Document = {"operationId": route.name, "summary": route.call.__doc__}
    if parameters := parameters_of(route):
        operation["parameters"] = parameters
    if route.body is not None:
        content = {JSON: {"schema": shape_of[_key_of(route.body)]}}
        operation["requestBody"] = {"required": True, "content": content}
    answer = shape_of[_key_of(route.result)]
    if route.media == EVENT_STREAM:
        # The type describes the JSON of each `data:` line; the body as a whole is text.
        answer = {"type": "string", "contentSchema": answer}
    content = {route.media.partition(";")[0]: {"schema": answer}}
    responses: Document = {}
    for status in (route.status, *route.statuses):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    for status, codes in problem_codes(route).items():
        description = "; ".join(f"`{code}`: {CODES[code]}" for code in codes)
        failure = {PROBLEM_JSON: {"schema": {"$ref": REF.format(name="Problem")}}}
        if str(status) in responses:
            known = responses[str(status)]
            known["description"] += f"; {description}"
            known["content"] = known["content"] | failure
        else:
            responses[str(status)] = {"description": description, "content": failure}
    operation["responses"] = responses
    return operation


def parameters_of(route: Route) -> list[Document]:
    """Return the arguments of a route, from path and query."""
    _, components = msgspec.json.schema_components([route.arguments], ref_template=REF)
    arguments = components[route.arguments.__name__]
    in_path = re.findall(r"{(\w+)}", route.path)
    parameters = []
    for name, shape in arguments["properties"].items():
        shape = dict(shape)
        if "anyOf" in shape:
            # An optional argument is one that may be absent; there is no null in a query.
            shape = {"default": shape.get("default")} | shape["anyOf"][0]
        if shape.get("default", 0) is None:
            del shape["default"]
        parameter = {"name": name, "in": "path" if name in in_path else "query"}
        if "description" in shape:
            parameter["description"] = shape.pop("description")
        parameters.append(parameter | {"required": name in arguments["required"], "schema": shape})
    return parameters


def _any_value(kind: type) -> Document:
    """Return the shape of a type msgspec has none for: only `object`, which is any JSON value."""
    if kind is not object:
        raise NotImplementedError
    return {"description": "Any JSON value."}


def _key_of(kind: Any) -> str:
    return repr(kind)
