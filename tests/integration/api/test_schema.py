"""Every operation, fed with what its description allows and with what it does not.

Inputs are generated from the OpenAPI document, the same each time. Whatever comes: never a 5xx, answers as described,
and what is refused comes with a hint and changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from gofer.server.api.openapi import document
from gofer.server.routes import endpoints, sockets
from tests.integration.api.server import ServerThread

EXAMPLES = 12
NAMES = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
KNOWN = {"namespace": "default", "pipeline": "plain", "run": 1, "task": "one", "version": 1, "key": "known"}
# Deleting what the other operations need is tried with generated ids alone.
DELETING = {f"DELETE {endpoint.path}" for endpoint in endpoints() if endpoint.method == "DELETE"}
GOOD, BAD = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


@cache
def operations() -> dict[str, Any]:
    load_all_checks()
    schema = schemathesis.openapi.from_dict(document(endpoints(), sockets()))
    return {operation.label: operation for operation in map(_unwrapped, schema.get_all_operations())}


def _unwrapped(result: Any) -> Any:
    return result.ok()


class Store:
    """What is stored, in a form that can be compared."""

    def __init__(self, server: ServerThread) -> None:
        self._connection = sqlite3.connect(server.services.settings.server.storage_path / "gofer.db")

    def state(self) -> list[Any]:
        queries = (
            "SELECT * FROM namespaces ORDER BY id",
            "SELECT key, id, enabled, live_version, last_version, last_run, modified_at FROM pipelines ORDER BY key",
            "SELECT key, hash FROM versions ORDER BY key",
            "SELECT key, number, cancel_requested_at FROM runs ORDER BY key",
            "SELECT key FROM idempotency ORDER BY key",
            "SELECT key, name, digest, modified_at FROM objects ORDER BY key",
        )
        return [self._connection.execute(query).fetchall() for query in queries]

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def store(server: ServerThread) -> Iterator[Store]:
    found = Store(server)
    yield found
    found.close()


def cases() -> Iterator[Any]:
    """Each operation with good and with bad input, to ids that were made up and to ids that exist; as far as it has
    ids, and anything that can be wrong."""
    paths = document(endpoints(), sockets())["paths"]
    for endpoint in endpoints():
        operation, label = paths[endpoint.path][endpoint.method.lower()], f"{endpoint.method} {endpoint.path}"
        for known in (False, True):
            if known and (label in DELETING or "{" not in label):
                continue
            name = f"{label}, {'known' if known else 'made up'} ids"
            yield pytest.param(label, GOOD, known, id=f"good {name}")
            # A header that may be any text cannot be wrong.
            given = [each for each in operation["parameters"] if each["schema"] != {"type": "string"}]
            wrong = [each for each in given if not known or each["in"] != "path"]
            if wrong or "requestBody" in operation:
                yield pytest.param(label, BAD, known, id=f"bad {name}")


@pytest.mark.parametrize(("label", "mode", "known"), list(cases()))
@pytest.mark.timeout(60)
def test_operation(
    server: ServerThread, store: Store, pipeline: str, label: str, mode: GenerationMode, known: bool
) -> None:
    operation = operations()[label]
    checks = [CHECKS.get_one(name) for name in NAMES]
    if mode is BAD:
        checks.append(CHECKS.get_one("negative_data_rejection"))
    path = {name: KNOWN[name] for name in KNOWN if f"{{{name}}}" in label} if known else None

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=path))
    def check(case: Any) -> None:
        before = store.state()
        response = case.call(base_url=server.services.address)
        case.validate_response(response, checks=checks)
        if response.status_code >= 400:
            problem = response.json()
            assert all(problem[name] for name in ("title", "detail", "hint"))
            assert store.state() == before

    check()
    # What was just tried may have closed the door that other operations need.
    server.in_loop(lambda: server.services.ingress.set_open(True))
