"""What our messages say of the record, and what becomes of a record that no message can say."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import msgspec
import pytest

from tests.workorders.mwm.field import NOW, SCHEMAS
from workorders.mwm.cim import hardened
from workorders.mwm.cim.messages import Writer
from workorders.mwm.port import About, Event, MeterReading, Placed, Refused, Register, Result

WRITER = Writer("fieldtool", SCHEMAS)
ABOUT = About(
    key="e-1",
    position=7,
    order_id="o-1",
    number="W-1",
    at=NOW,
    project="demo",
    task="exchange",
    usage_point="U3",
)
RESULT = Result(about=ABOUT, status="completed")


def found(data: bytes, name: str) -> list[Element]:
    """The elements of a local name in a message, which is as its schema says."""
    root = hardened.parse(data)
    hardened.check(root, SCHEMAS)
    return [one for one in root.iter() if one.tag.rpartition("}")[2] == name]


def texts(data: bytes, name: str) -> list[str | None]:
    return [one.text for one in found(data, name)]


@pytest.mark.parametrize("serial", ["AB:CD:01", "ZIV 0000000001", "12345#1"])
def test_a_serial_goes_out_as_the_record_has_it(serial: str) -> None:
    """A label may hold what an order never would; a message that fails on it would stop the whole link."""
    event = Event(about=ABOUT, kind="device.placed", serial=serial)
    assert serial in texts(WRITER.event(event), "mRID")
    device = Placed(serial=serial, at=NOW, slot=0)
    result = msgspec.structs.replace(RESULT, installed=[device], seals=[f"P-{n}" for n in range(101)])
    data = WRITER.results(result)
    assert (texts(data, "serialNumber"), texts(data, "slot")) == ([serial], ["0"])
    assert len(texts(data, "Seal")) == 101


@pytest.mark.parametrize("device", [Placed(serial="", at=NOW), Placed(serial="A", at=NOW, slot=-1)])
def test_what_no_message_can_say_is_refused_and_names_its_place(device: Placed) -> None:
    """Refused becomes a dead letter that somebody looks at; any other error would end the round."""
    with pytest.raises(Refused, match="NewAsset") as caught:
        WRITER.results(msgspec.structs.replace(RESULT, installed=[device]))
    assert caught.value.code == "mwm_schema"


def test_a_register_without_a_reading_type_goes_under_its_own_name() -> None:
    registers = [Register(item=item, value="1", unit="kWh") for item in ("1.8.0", "1.8.0*01", "21.8.0")]
    reading = MeterReading(role="old", serial="OLD3", how="optical", at=NOW, registers=registers)
    data = WRITER.results(msgspec.structs.replace(RESULT, readings=[reading]))
    assert [one.get("ref") for one in found(data, "ReadingType")] == [
        "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", "obis:1.8.0*01", "obis:21.8.0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "status", "wanted"),
    [
        ("exchange", "completed", ["removal", "installation", "other"]),
        ("remove", "completed", ["removal", "other", "other"]),
        ("disconnect", "completed", ["serviceDisconnect"] * 3),
        ("reconnect", "closed", ["serviceConnect"] * 3),
        ("inspect", "completed", ["inquiry"] * 3),
        ("exchange", "notDone", ["other"] * 3),
    ],
)
def test_a_reading_has_a_reason_of_the_standard(task: str, status: str, wanted: list[str]) -> None:
    """A meter that still hangs there has no removal reading: it would close its contract's bill."""
    total = [Register(item="1.8.0", value="1", unit="kWh")]
    readings = [
        MeterReading(role=role, serial=role, how="optical", at=NOW, registers=total)
        for role in ("old", "new", "other")
    ]
    about = msgspec.structs.replace(ABOUT, task=task)
    data = WRITER.results(msgspec.structs.replace(RESULT, about=about, status=status, readings=readings))
    assert [one.text for one in found(data, "reason")] == wanted


def test_a_reading_that_could_not_be_obtained_says_why() -> None:
    """Without it billing sees a meter that was never visited, and estimates in silence."""
    reading = MeterReading(
        role="old", serial="OLD3", how="not_obtainable", at=NOW, registers=[], reason="display_dead"
    )
    data = WRITER.results(msgspec.structs.replace(RESULT, readings=[reading]))
    assert [one.text for one in found(data, "comment")] == ["display_dead"]
    assert [one.get("ref") for one in found(data, "ReadingQualityType")] == ["2.5.259"]
    assert list(found(data, "value")) == []
