"""Every technology file says enough to register a device, and every demo project can be registered by one."""

from __future__ import annotations

import csv
import re
import tomllib
from pathlib import Path

import pytest

import assets

FILES = sorted((assets.root() / "technologies").glob("*.toml"))
PROOFS = {
    "optical_prime",
    "optical_g3",
    "optical_cellular",
    "optical_wi_sun",
    "optical_lorawan",
    "device_lookup",
    "concentrator_s24",
    "concentrator_list",
    "head_end_list",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_technology_says_enough_to_register_a_device(path: Path) -> None:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    assert data["id"] == path.stem
    assert set(data["name"]) == {"es", "en", "pt"}
    assert any(identity["required"] for identity in data["identity"])
    for identity in data["identity"]:
        assert "pattern" in identity or "check" in identity
        re.compile(identity.get("pattern", ""))
    assert data["join"]["proofs"]
    assert set(data["join"]["proofs"]) <= PROOFS
    wait = data["wait"]
    assert wait["recheck_minutes"] / 60 <= wait["late_hours"] <= wait["failed_hours"]
    assert ("collector" in data["tree"]) == ("capacity" in data)


@pytest.mark.parametrize("project", ["cusco", "pucallpa", "santacruz", "prime"])
def test_the_stock_of_a_project_carries_what_its_technology_requires(project: str) -> None:
    folder = assets.project(project)
    name = tomllib.loads((folder / "project.toml").read_text(encoding="utf-8"))["technology"]
    technology = tomllib.loads((assets.root() / "technologies" / f"{name}.toml").read_text(encoding="utf-8"))
    text = (folder / "stock.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines(), delimiter=";" if ";" in text.split("\n")[0] else ","))
    for row in rows:
        has = dict(pair.split("=") for pair in row["identities"].split(";"))
        for identity in technology["identity"]:
            if identity["required"]:
                value = has[identity["key"]]
                assert re.fullmatch(identity.get("pattern", "[0-9A-F]{12}"), value)
