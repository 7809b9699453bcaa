"""Every technology that utilities named, by its file: identities, capacity, and what a crew sees."""

from __future__ import annotations

from pathlib import Path

import pytest

import assets
from fieldtool.registration import level_of
from fieldtool.technologies import IdentityCheck, Technology, load_technologies, load_technology, well_formed
from fieldtool.text import Language
from fieldtool.tomlfile import FileMistake
from workorders.network import NodeKind

ALL: dict[str, Technology] = load_technologies(assets.root() / "technologies")
EUI64 = ["70:B3:D5:49:90:00:01:23", "70B3D54990000123"]
GOOD_AND_BAD: list[tuple[str, str, list[str], list[str]]] = [
    ("twacs", "serial", [], []),
    ("rpma", "rpma", ["00A3F001"], ["00A3F0", "00A3F00G"]),
    ("plc-carrier", "node", ["00A1B2", "0123456789ABCDEF"], ["12", "XYZ123"]),
    (
        "plc-iot",
        "mac",
        ["00:18:A2:5E:9E:C4"],
        ["00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF", "01:18:A2:5E:9E:C4"],
    ),
    ("prime", "mac", ["40:40:22:B8:DE:70"], ["40:40:22"]),
    ("g3-plc", "mac", [], []),
    ("rf-mesh", "node", ["00A1B2C3"], ["00A1B2C", "00A1B2CG"]),
    ("wi-sun", "eui64", EUI64, ["70:B3:D5:49:90:00", "FF" * 8]),
    ("meters-and-more", "address", ["0123456789AB"], ["0123456789A"]),
    ("osgp", "neuron", ["0123456789AB"], ["0123456789AZ"]),
    ("nb-iot", "imei", ["490154203237518"], ["490154203237519", "49015420323751"]),
    (
        "lte-m",
        "iccid",
        ["8934071100287463719", "893407110028746371", "8934071100287463719F"],
        ["79148000001234567890", "891480", "8934071100287463715"],
    ),
    ("cellular", "imei", ["490154203237518"], ["490154203237519"]),
    ("lorawan", "dev_eui", EUI64, ["0" * 16, "70B3D5499000012"]),
    ("lorawan", "join_eui", ["0000000000000000", "70B3D57ED0000000"], ["70B3D57E"]),
    ("sigfox", "device_id", ["1A2B3C", "001A2B3C"], ["1A2B", "1A2B3C4D5"]),
    ("wm-bus", "wmbus", ["KAM1234567801A6"[:15]], ["KAM12345678", "kam1234567801A6", "KAM1234567G01A6"]),
]


def test_all_that_were_named_are_there_and_say_what_a_crew_sees() -> None:
    assert set(ALL) == {name for name, *_ in GOOD_AND_BAD}
    for technology in ALL.values():
        assert technology.sees is not None
        for language in Language:
            assert technology.sees.in_language(language)
            assert technology.name.in_language(language)
        collector = technology.tree.collector
        assert collector is None or collector in set(NodeKind)


@pytest.mark.parametrize(("name", "key", "good", "bad"), GOOD_AND_BAD, ids=lambda value: str(value)[:12])
def test_identities_of_its_devices_are_told_from_what_is_none(
    name: str, key: str, good: list[str], bad: list[str]
) -> None:
    rules = {rule.key: rule for rule in ALL[name].identity}
    if good or bad:
        assert all(rules[key].accepts(value) for value in good)
        assert not any(rules[key].accepts(value) for value in bad)
    assert rules, "something has to identify a device"


@pytest.mark.parametrize("name", sorted(name for name, one in ALL.items() if one.capacity))
def test_a_collector_warns_before_it_is_full_and_blocks_when_it_is(name: str) -> None:
    technology = ALL[name]
    assert technology.capacity is not None
    full = technology.capacity.default
    assert level_of(full // 2, full, technology) == "fine"
    assert level_of(full * technology.capacity.warn_percent // 100 + 1, full, technology) == "warn"
    assert level_of(full, full, technology) == "full"


def test_an_esims_number_is_checked_as_a_whole() -> None:
    digits = "8904903200000000000000000000" + "00"
    good = next(f"{digits[:30]}{n:02d}" for n in range(97) if int(f"{digits[:30]}{n:02d}") % 97 == 1)
    assert well_formed(IdentityCheck.EID, good)
    assert not well_formed(IdentityCheck.EID, good[:-1] + str((int(good[-1]) + 1) % 10))
    assert not well_formed(IdentityCheck.EID, good[:-1])


@pytest.mark.parametrize(
    ("old", "new", "line_of"),
    [
        ("warn_percent = 80", "warn_percent = 180", "warn_percent"),
        ('medium = "rf"', 'medum = "rf"', ""),
        ('proofs = ["head_end_list"]', 'proofs = ["by_feeling"]', "proofs"),
        ("pattern = '[0-9A-Fa-f]{8,16}'", "pattern = '[0-9'", "pattern"),
        ('collector_under = "feeder"\n', "", "[tree]"),
        ("pattern = '[0-9A-Fa-f]{8,16}'\n", "", "[[identity]]"),
    ],
)
def test_a_utilitys_own_file_with_a_mistake_is_refused_by_its_line(
    tmp_path: Path, old: str, new: str, line_of: str
) -> None:
    text = (assets.root() / "technologies" / "rf-mesh.toml").read_text("utf-8")
    assert old in text
    broken = text.replace(old, new)
    file = tmp_path / "mine.toml"
    file.write_text(broken, encoding="utf-8")
    with pytest.raises(FileMistake) as told:
        load_technology(file)
    assert "mine.toml" in str(told.value)
    if line_of:
        number = next(n for n, line in enumerate(broken.splitlines(), 1) if line.startswith(line_of))
        assert f"line {number}" in str(told.value)
