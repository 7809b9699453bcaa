"""What goes back to billing, maps and network control."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import msgspec
import pytest

from tests.workorders.mwm.field import SCHEMAS, execute
from tests.workorders.offices import Bureau
from workorders.gateway import handback
from workorders.gateway.erasing import erase_order
from workorders.gateway.links.outward import readings_of
from workorders.gateway.rows import order_mrid
from workorders.journal.kinds import DevicePlaced, DeviceRemoved, MeterRead
from workorders.journal.sealing import field_context, seal_text
from workorders.journal.words import DeviceRole, ReadingValue, WiringJudged
from workorders.mwm.cim import hardened
from workorders.mwm.cim.readings import write_readings
from workorders.store import keys

ORDER = order_mrid("demo", "000")


def executed(tmp_path: Path) -> Bureau:
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet("A")
    tablet.sync()
    with tablet.store.read() as connection:
        key = keys.order_key(connection, ORDER)
    where = msgspec.json.encode({"latitude": "-13.5167", "longitude": "-71.9781", "accuracy_m": "4"}).decode()
    position = seal_text(key, where, field_context(ORDER, "position"))
    execute(tablet, ORDER)
    placed = DevicePlaced(
        serial="ZIV0000000001", model="prime-1ph", usage_point="U0", transformer="T1", concentrator="C1",
        phase="R", position=position,
    )  # fmt: skip
    tablet.journal.append(placed, order_id=ORDER, order_version=1, actor="ana", project="demo")
    tablet.sync()
    return bureau


def test_readings_placements_and_phases_go_back(tmp_path: Path) -> None:
    office = executed(tmp_path).office
    out = io.StringIO()
    last = handback.write_csv(handback.rows(office, "readings", "demo"), "readings", out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue()), delimiter=";"))
    assert [(row["role"], row["serial"], row["value"], row["supply_number"]) for row in rows] == [
        ("old", "OLD3", "01234.5", "S-0"), ("new", "ZIV0000000001", "0.012", "S-0"),
        ("new", "ZIV0000000001", "0", "S-0"), ("new", "ZIV0000000001", "229.9", "S-0"),
    ]  # fmt: skip
    assert last is not None
    assert list(handback.rows(office, "readings", "demo", last)) == []
    assert list(handback.rows(office, "readings", "other")) == []
    (phase,) = handback.rows(office, "phases", "demo")
    assert (phase.usage_point, phase.phase, phase.rotation) == ("U0", "R", "direct")
    xml = io.StringIO()
    write_readings(handback.rows(office, "readings", "demo"), xml)
    root = hardened.parse(xml.getvalue().encode())
    assert len(root) == 4
    assert list(hardened.schemas(SCHEMAS).maps.namespaces)  # the profile is loaded with the envelope
    hardened.check(root, SCHEMAS)


def test_a_later_visit_says_how_a_meter_is_wired_now(tmp_path: Path) -> None:
    """Else a rotation that was put right stays reversed in network control: only the first order counted."""
    bureau = executed(tmp_path)
    tablet = bureau.tablet("B", "t2")
    tablet.sync()
    judged = WiringJudged(rotation="reverse", polarity="wrong")
    for serial in ("ZIV0000000001", "ZIV0000000002"):
        value = ReadingValue(item="3:1.0.1.8.0.255:2", value="1", unit="kWh")
        read = MeterRead(
            role=DeviceRole.NEW, how="optical", serial=serial, wiring=judged, readings=[value]
        )  # fmt: skip
        later = order_mrid("demo", "003")
        tablet.journal.append(read, order_id=later, order_version=1, actor="ana", project="demo")
    tablet.sync()
    (phase,) = handback.rows(bureau.office, "phases", "demo")
    assert (phase.serial, phase.rotation, phase.polarity) == ("ZIV0000000001", "reverse", "wrong")


@pytest.mark.usefixtures("each_database")
def test_a_placement_comes_again_once_it_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else maps and network control, which ask only for what is new, keep a removed device for ever."""
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet("A")
    tablet.sync()
    monkeypatch.setattr(handback, "PAGE", 2)

    def placements(since: int = 0) -> list[tuple[str, bool]]:
        found = list(handback.rows(bureau.office, "placements", "demo", since))
        assert [row.seq for row in found] == sorted(row.seq for row in found)
        return [(row.serial, row.until is not None) for row in found]

    def happened(*payloads: DevicePlaced | DeviceRemoved) -> None:
        for payload in payloads:
            tablet.journal.append(payload, order_id=ORDER, order_version=1, actor="ana", project="demo")
        tablet.sync()

    names = [f"ZIV000000000{at}" for at in range(1, 6)]
    happened(*(DevicePlaced(serial=name, model="prime-1ph", usage_point="U0") for name in names))
    assert placements() == [(name, False) for name in names]
    last = max(row.seq for row in handback.rows(bureau.office, "placements", "demo"))
    assert placements(last) == []
    happened(*(DeviceRemoved(serial=name) for name in names[:3]))
    assert placements(last) == [(name, True) for name in names[:3]]
    assert sorted(placements()) == [(name, at < 3) for at, name in enumerate(names)]
    assert [row.serial for row in handback.rows(bureau.office, "phases", "demo")] == names[3:]


def test_a_position_is_told_where_asked_for_and_while_its_key_is_here(tmp_path: Path) -> None:
    office = executed(tmp_path).office

    def features(personal: bool) -> list[object]:
        out = io.StringIO()
        handback.write_geojson(handback.rows(office, "placements", "demo", personal=personal), out)
        return [
            one["geometry"]
            for one in json.loads(out.getvalue())["features"]
            if one["properties"]["until"] is None
        ]

    assert features(personal=False) == [None]
    assert features(personal=True) == [{"type": "Point", "coordinates": [-71.9781, -13.5167]}]
    erase_order(office, ORDER, "expired")
    assert features(personal=True) == [None]


def test_a_reading_that_could_not_be_obtained_goes_back_with_its_reason_and_its_meter(tmp_path: Path) -> None:
    """A dead meter said no serial: the order knows it. A reading of another way stands in its stead."""
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet("A")
    tablet.sync()
    dead = MeterRead(role=DeviceRole.OLD, how="not_obtainable", reason="display_dead")
    tablet.journal.append(dead, order_id=ORDER, order_version=1, actor="ana", project="demo")
    tablet.sync()
    (row,) = handback.rows(bureau.office, "readings", "demo")
    assert (row.serial, row.reason, row.value, row.task) == ("OLD0", "display_dead", None, "exchange")
    xml = io.StringIO()
    write_readings([row], xml)
    hardened.check(hardened.parse(xml.getvalue().encode()), SCHEMAS)
    assert "display_dead" in xml.getvalue()

    def told() -> list[tuple[str | None, str | None]]:
        with bureau.office.store.read() as connection:
            return [(one.serial, one.reason) for one in readings_of(connection, ORDER, "OLD0")]

    assert told() == [("OLD0", "display_dead")]
    value = ReadingValue(item="dial:1.8.0", value="7", unit="kWh")
    typed = MeterRead(role=DeviceRole.OLD, how="dial", serial="OLD0", readings=[value])
    for payload in (typed, dead):
        tablet.journal.append(payload, order_id=ORDER, order_version=1, actor="ana", project="demo")
    tablet.sync()
    assert told() == [("OLD0", None)]
