"""Requests made from our own OpenAPI document, well-formed and not: no crash, no answer outside it."""

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from chaosnet.rpc.app import admin_app
from tests.described import CONFIG
from tests.fake_backend import FakeBackend


def raise_it(error: BaseException) -> None:
    raise error


app = admin_app(FakeBackend(), submit="public", on_error=raise_it)
# The stream has no end; tests/unit/rpc/test_server.py reads it.
schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=CONFIG).exclude(path="/v1/stream")


@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: Case) -> None:
    # A well-formed address may be of another network, a number beyond the head: refusing that is right.
    case.call_and_validate(excluded_checks=[positive_data_acceptance])
