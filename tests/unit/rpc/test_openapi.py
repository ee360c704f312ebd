"""The description and the reference page say what is mounted."""

import json
import re
import runpy
from pathlib import Path

import msgspec
import pytest
from openapi_spec_validator import validate

from chaosnet.base.errors import CODES
from chaosnet.rpc import problems
from chaosnet.rpc.handlers import ADMIN, OPERATOR, PUBLIC
from chaosnet.rpc.openapi import openapi_document, problem_codes
from chaosnet.rpc.route import Route
from chaosnet.rpc.routes import ROUTES

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("listener", [PUBLIC, OPERATOR, ADMIN])
def test_document_is_valid_openapi(listener: str) -> None:
    routes = [route for route in ROUTES if listener in route.listeners]
    document = json.loads(msgspec.json.encode(openapi_document(routes)))
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_route_is_described_once() -> None:
    paths = openapi_document(ROUTES)["paths"]
    described = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    assert sorted(described) == sorted((route.method, route.path) for route in ROUTES)
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(names)) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_row_of_the_table_holds_together(route: Route) -> None:
    operation = openapi_document([route])["paths"][route.path][route.method.lower()]
    assert operation["summary"]
    in_path = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", route.path))
    assert (route.body is not None) == ("requestBody" in operation) == (route.method == "POST")
    assert set(route.problems) <= set(CODES)
    documented = {int(status) for status in operation["responses"]}
    assert documented == {route.status, *route.statuses, *problem_codes(route)}


def test_statuses_are_given_to_listed_codes() -> None:
    assert set(problems.STATUS_OF_CODE) <= set(CODES)


def test_reference_pages_are_up_to_date() -> None:
    script = runpy.run_path(str(REPOSITORY / "scripts/make_reference.py"))
    for name, render in script["PAGES"].items():
        page = (REPOSITORY / "docs" / name).read_text()
        assert page == render(), f"docs/{name} is out of date: run scripts/make_reference.py"
