"""`fieldtool meter network|objects`: what an engineer sees of networks and objects, never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldtool.procedure.values import normalise
from tests.drivers.field import Meter, virtual_meter
from tests.fieldtool.test_command_meter import at


@pytest.fixture(scope="module")
def prime() -> Iterator[Meter]:
    with virtual_meter("prime-1ph", "--join-after-s", "0") as meter:
        yield meter


def test_the_network_is_one_answer_with_what_decided_it(tmp_path: Path, prime: Meter) -> None:
    status, out, _ = at(tmp_path, prime, "network", "--json", "--base-node", "40-40-22-00-00-01")
    found = json.loads(out)
    assert (status, found["state"], found["technology"]) == (0, "joined", "prime")
    assert found["sources"]["node_state"] == "83:0.0.28.3.0.255:6"
    assert found["base_node"] == {"expected": "404022000001", "heard": "404022000001", "same": True}


def test_another_base_node_is_said_and_is_a_failure(tmp_path: Path, prime: Meter) -> None:
    status, out, error = at(tmp_path, prime, "network", "--base-node", "404022000002")
    assert status == 1
    assert "joined" in out
    assert "404022000001" in error
    assert at(tmp_path, prime, "network", "--base-node", "4040")[0] == 2


def test_objects_are_listed_and_one_is_read_with_names(tmp_path: Path, prime: Meter) -> None:
    status, out, _ = at(tmp_path, prime, "objects", "--json")
    names = {row["obis"]: row["name"] for row in json.loads(out)["objects"]}
    assert (status, names["0.0.28.3.0.255"]) == (0, "PRIME MAC functional parameters")
    status, out, _ = at(tmp_path, prime, "objects", "83:0.0.28.3.0.255", "--json")
    (thing,) = json.loads(out)["objects"]
    values = {row["name"]: row["value"] for row in thing["attributes"]}
    assert (status, thing["version"], values["mac_state"]) == (0, 0, "terminal")
    assert at(tmp_path, prime, "objects", "83:0.0.28.3", "--json")[0] == 2
    assert at(tmp_path, prime, "objects", "112:0.0.19.10.0.255", "--json")[0] == 1


def test_amounts_are_in_the_currency_of_the_account_and_the_token_is_not_asked_for(tmp_path: Path) -> None:
    with virtual_meter("plc-prepay-1ph", "--credit", "12.5") as meter:
        _, out, _ = at(tmp_path, meter, "objects", "112:0.0.19.10.0.255", "--json")
        rows = {row["name"]: row for row in json.loads(out)["objects"][0]["attributes"]}
        assert (rows["preset_credit_amount"]["value"], rows["preset_credit_amount"]["unit"]) == (
            "12.50",
            "BOB",
        )
        assert rows["credit_configuration"]["value"] == "shown, takes tokens"
        status, out, _ = at(tmp_path, meter, "objects", "115:0.0.19.40.0.255", "--json")
        rows = {row["name"]: row for row in json.loads(out)["objects"][0]["attributes"]}
        assert (status, rows["token"]["value"], rows["token"]["status"]) == (0, None, "secret")
        assert rows["token_status"]["fields"]["code"] == "not processed yet"
        _, out, _ = at(tmp_path, meter, "read", "--json")
        credit = next(r for r in json.loads(out)["readings"] if r["name"] == "available credit")
        assert (credit["value"], credit["unit"]) == ("12.50", "BOB")
        sts = {row["name"]: row["value"] for row in json.loads(out)["readings"] if "STS" in row["name"]}
        assert (sts["STS supply group code"], sts["STS tariff index"]) == ("600675", "01")
        assert normalise("sts_meter", sts["STS meter number"]), "all 18 digits, with both check digits"
        _, out, _ = at(tmp_path, meter, "objects", "116:0.0.19.60.0.255", "--json")
        rows = {row["name"]: row["value"] for row in json.loads(out)["objects"][0]["attributes"]}
        assert (rows["key_revision_number"], rows["commodity"]) == ("1", "ELECTRICITY")
