"""The demo projects are as large as their utilities say, and every reference in them leads somewhere."""

from __future__ import annotations

import csv
import tomllib
from functools import cache

import pytest
from stdnum import luhn
from stdnum.es import cups

import assets
from fieldtool.procedure.model import load_procedure
from workorders.rollout.rules import load_rules

NAMES = ("cusco", "pucallpa", "santacruz", "prime")


@cache
def settings(name: str) -> dict:
    return tomllib.loads((assets.project(name) / "project.toml").read_text(encoding="utf-8"))


@cache
def table(name: str, file: str) -> list[dict[str, str]]:
    """Rows of one file under our own column names, by the project's own mapping."""
    ours = {theirs: our for our, theirs in settings(name).get("columns", {}).get(file, {}).items()}
    text = (assets.project(name) / f"{file}.csv").read_text(encoding="utf-8")
    dialect = ";" if ";" in text.splitlines()[0] else ","
    return [
        {ours.get(key, key): value for key, value in row.items()}
        for row in csv.DictReader(text.splitlines(), delimiter=dialect)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_project_has_its_files_and_enough_orders(name: str) -> None:
    for file in settings(name)["files"].values():
        assert (assets.project(name) / file).is_file()
    assert len(table(name, "orders")) >= 200


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_of_an_order_leads_to_a_row(name: str) -> None:
    points = {row["mrid"]: row for row in table(name, "usage_points")}
    customers = {row["mrid"] for row in table(name, "customers")}
    meters = {row["serial"]: row for row in table(name, "meters")}
    stock = {row["serial"]: row for row in table(name, "stock")}
    crews = {crew["id"] for crew in settings(name)["crew"]}
    nodes = {row["mrid"] for row in table(name, "network")}
    for order in table(name, "orders"):
        if order["usage_point"]:
            assert points[order["usage_point"]]["customer"] in customers
            assert points[order["usage_point"]]["address"]
            assert meters[order["old_serial"]]["usage_point"] == order["usage_point"]
        else:
            assert order["node"] in nodes
        assert order["crew"] in crews
        if order["new_serial"]:
            # An order that names its meter is carried out with one that lies on that crew's truck.
            assert stock[order["new_serial"]]["crew"] == order["crew"]
            assert stock[order["new_serial"]]["model"] == (order["new_model"] or "dcu")


@pytest.mark.parametrize("name", NAMES)
def test_the_tree_hangs_together(name: str) -> None:
    nodes = {row["mrid"]: row for row in table(name, "network")}
    assert len(nodes) == len(table(name, "network"))
    for row in nodes.values():
        assert not row["parent"] or row["parent"] in nodes
    for meter in table(name, "meters"):
        assert meter["place"] in nodes


@pytest.mark.parametrize("name", NAMES)
def test_no_serial_stands_twice(name: str) -> None:
    serials = [row["serial"] for file in ("meters", "stock") for row in table(name, file)]
    assert len(serials) == len(set(serials))


@pytest.mark.parametrize("name", NAMES)
def test_secrets_are_those_of_the_virtual_meters(name: str) -> None:
    from drivers.virtual.secrets import derive

    secrets = {row["serial"]: row for row in table(name, "secrets")}
    for row in table(name, "stock"):
        if row["model"] == "dcu":
            assert row["serial"] not in secrets, "a concentrator has no optical port"
            continue
        assert secrets[row["serial"]]["auth_key"] == derive(row["serial"])["auth_key"]


def test_cusco_is_the_tree_in_full() -> None:
    meters = table("cusco", "meters")
    assert len(meters) == 20_107
    assert sum(row["phase"] == "ABC" for row in meters) == 107
    assert sum(row["kind"] == "recloser" for row in table("cusco", "network")) == 10
    assert sum(row["kind"] == "substation" for row in table("cusco", "network")) == 1


def test_pucallpa_has_its_fifteen_transformers() -> None:
    meters = table("pucallpa", "meters")
    assert (len(meters), sum(row["phase"] == "ABC" for row in meters)) == (10_100, 100)
    assert sum(row["kind"] == "transformer" for row in table("pucallpa", "network")) == 15


def test_santacruz_has_eighty_meters_in_panels_for_each_condominium() -> None:
    places = [row["place"].split("-")[0] for row in table("santacruz", "meters")]
    assert {name: places.count(name) for name in set(places)} == {"C1": 80, "C2": 80, "C3": 80}
    assert all(luhn.is_valid(row["mrid"]) for row in table("santacruz", "usage_points"))
    plc = [row["serial"] for row in table("santacruz", "stock") if row["model"] == "plc-prepay-1ph"]
    assert len(plc) == 240
    assert all(luhn.is_valid(serial) for serial in plc)


def test_supply_codes_of_the_prime_city_have_valid_check_letters() -> None:
    assert all(cups.is_valid(row["number"]) for row in table("prime", "usage_points"))


@pytest.mark.parametrize("name", NAMES)
def test_a_few_customers_depend_on_the_supply_for_their_life(name: str) -> None:
    marked = [row for row in table(name, "orders") if "medical_dependency" in row["flags"]]
    assert 0 < len(marked) < len(table(name, "orders")) / 10


def test_an_unknown_project_says_which_there_are() -> None:
    with pytest.raises(FileNotFoundError, match="cusco, prime, pucallpa, santacruz"):
        assets.project("../cusco")


@pytest.mark.parametrize("name", NAMES)
def test_orders_name_models_programs_and_procedures_that_are_there(name: str) -> None:
    def there(folder: str) -> set[str]:
        return {path.stem for path in (assets.root() / folder).glob("*.toml")}

    for order in table(name, "orders"):
        assert order["kind"] != "exchange" or order["procedure"]
        assert not order["procedure"] or order["procedure"] in there("procedures")
        assert not order["new_model"] or order["new_model"] in there("models")
        assert not order["program"] or order["program"] in there("programs")


@pytest.mark.parametrize("name", NAMES)
def test_clocks_can_be_read_and_their_pauses_are_reasons_that_crews_can_give(name: str) -> None:
    rules = load_rules(assets.project(name) / "project.toml")
    reasons = {reason.id for reason in load_procedure(assets.root() / "procedures/exchange.toml").not_done}
    assert rules.rules
    assert {pause.reason for rule in rules.rules for pause in rule.pauses} <= reasons
