"""The OpenAPI document says what the gateway does, and no input makes it fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.campaign import contract
from tests.workorders.servers import serving

EXAMPLES = 1


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    with serving(contract.staffed(folder)) as url:
        yield url


def test_every_operation_keeps_its_word(office: str) -> None:
    """Generated requests, good and bad: never a 500, always a documented answer of a documented form.

    One of each; `python -m tests.campaign.contract` makes thousands.
    """
    said = contract.walk(office, contract.tokens_of(office), EXAMPLES)
    assert said.wrong == []
    assert len(said.operations) >= 40


def test_the_document_names_who_may_ask(office: str) -> None:
    document = requests.get(f"{office}/schema/openapi.json", timeout=10).json()
    assert document["openapi"].startswith("3.1")
    public = {
        f"{method} {path}"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if not operation.get("security")
    }
    assert public == {"get /v1/meta", "post /v1/enrol", "post /v1/recovery", "post /v1/sessions"}
