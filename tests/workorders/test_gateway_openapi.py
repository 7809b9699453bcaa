"""The OpenAPI document says what the gateway does, and no input makes it fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.workorders.offices import Bureau
from tests.workorders.servers import serving
from tests.workorders.test_sync_http import http
from workorders.gateway import persons
from workorders.people import Role

EXAMPLES = 12
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str], Bureau]]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    bureau = Bureau.open(folder, pins={"sofia": "481605"})
    persons.add_user(bureau.office, name="Root", role=Role.ADMINISTRATOR, person_id="root", pin="730514")
    with serving(bureau) as url:
        tokens = {}
        for user, pin in (("sofia", "481605"), ("root", "730514")):
            answer = requests.post(f"{url}/v1/sessions", json={"user": user, "pin": pin}, timeout=10)
            tokens[user] = answer.json()["token"]
        yield url, tokens, bureau


def test_every_operation_keeps_its_word(office: tuple[str, dict[str, str], Bureau]) -> None:
    """Generated requests, good and bad: never a 500, always a documented answer of a documented form."""
    url, tokens, bureau = office
    transport = http(bureau.tablet(), url)
    transport.meta()
    schema = schemathesis.openapi.from_url(f"{url}/schema/openapi.json")
    tried: set[str] = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/sessions/current") and operation.method == "delete":
            continue  # would sign us out
        tried.add(f"{operation.method.upper()} {operation.path}")
        user = "root" if "/admin/" in operation.path else "sofia"

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            headers = {"Authorization": f"Bearer {tokens[user]}"}  # noqa: B023 - called within this turn
            case.call_and_validate(headers=headers, checks=CHECKS)

        check()
    assert len(tried) >= 30


def test_the_document_names_who_may_ask(office: tuple[str, dict[str, str], Bureau]) -> None:
    url, _, _ = office
    document = requests.get(f"{url}/schema/openapi.json", timeout=10).json()
    assert document["openapi"].startswith("3.1")
    public = {
        f"{method} {path}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if not operation.get("security")
    }
    assert public == {"get /v1/meta", "post /v1/enrol", "post /v1/recovery", "post /v1/sessions"}
