"""The gateway held to its own document: ``python -m tests.campaign.contract [--examples N --seconds S]``.

Generated requests, good and bad, of an administrator and a supervisor: never a 500, always
a documented answer of the documented form. Operations are walked again and again until the time is used up.

Exit status 1 if an answer was not as the document says.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.workorders.offices import Bureau
from tests.workorders.servers import serving
from workorders.gateway import persons
from workorders.people import Role

EXAMPLES, SECONDS = 30, 120.0
PINS = {"sofia": "481605", "root": "730514"}
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
_ENDS_THE_SESSION = ("DELETE", "/v1/sessions/current")
_ENDS_THE_PERSON = ("DELETE", "/v1/admin/users/{person_id}")


@dataclass
class Walk:
    """What was tried: operations, answers by status, and what was not as agreed."""

    operations: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def staffed(folder: Path) -> Bureau:
    """An office whose supervisor and administrator can sign in."""
    bureau = Bureau.open(folder, pins={"sofia": PINS["sofia"]})
    persons.add_user(bureau.office, name="Root", role=Role.ADMINISTRATOR, person_id="root", pin=PINS["root"])
    return bureau


def tokens_of(url: str) -> dict[str, str]:
    """A session of each."""
    answers = {
        user: requests.post(f"{url}/v1/sessions", json={"user": user, "pin": pin}, timeout=10)
        for user, pin in PINS.items()
    }
    return {user: str(answer.json()["token"]) for user, answer in answers.items()}


def walk(
    url: str,
    tokens: Mapping[str, str],
    examples: int,
    number: int = 0,
    ends: float | None = None,
    said: Walk | None = None,
) -> Walk:
    """Every operation of the document, with so many requests each.

    Args:
        number: seed of what is generated.
        ends: when to stop (`time.monotonic`).
    """
    said = said or Walk()
    schema = schemathesis.openapi.from_url(f"{url}/schema/openapi.json")
    for result in schema.get_all_operations():
        operation = result.ok()
        name = (operation.method.upper(), operation.path)
        if name in (_ENDS_THE_SESSION, _ENDS_THE_PERSON):
            continue
        if ends is not None and time.monotonic() > ends:
            break
        user = "root" if "/admin/" in operation.path else "sofia"
        try:
            _try(operation, tokens[user], examples, number)
        except Exception as error:  # what the checks raise, one or many
            said.wrong.append(f"{' '.join(name)}: {_first_line(error)}")
        said.operations[" ".join(name)] += examples
    return said


def _try(operation: Any, token: str, examples: int, number: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @seed(number)
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    check()


def _first_line(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_first_line(one) for one in error.exceptions[:3])
    return " ".join(str(error).split())[:400]


def campaign(folder: Path, examples: int, seconds: float, number: int) -> Walk:
    """Walk until the time is used up; the last walk may be cut short."""
    said, ends = Walk(), time.monotonic() + seconds
    with serving(staffed(folder)) as url:
        tokens = tokens_of(url)
        while time.monotonic() < ends and not said.wrong:
            walk(url, tokens, examples, number, ends, said)
            number += 1
    return said


def main() -> int:
    """Run it; 0 where every answer was as agreed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        said = campaign(Path(folder), options.examples, options.seconds, options.seed)
    told = {"operations": len(said.operations), "requests": said.operations.total(), "wrong": said.wrong}
    if options.json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        print(
            f"{told['requests']} requests to {told['operations']} operations, {len(said.wrong)} not as agreed"
        )
        for line in said.wrong:
            print(line)
    return 1 if said.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
