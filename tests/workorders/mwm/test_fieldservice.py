"""The field service's REST interface: what is asked of it, what is read of its answers, what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.workorders.mwm.field import NOW, ORDER, virtual_mwm
from workorders.mwm.fieldservice import FieldServiceLink
from workorders.mwm.port import About, MeterReading, Register, Result, Unsupported
from workorders.mwm.settings import FieldService
from workorders.mwm.virtual.server import Server
from workorders.mwm.web import Web

PROPERTIES = {"usage_point": "XA_USAGE_POINT", "final_reading": "XA_FINAL", "initial_reading": "XA_INITIAL"}


class Small(dict[str, str]):
    """What the gateway keeps for a link."""

    def put(self, name: str, value: str) -> None:
        self[name] = value


@pytest.fixture
def server() -> Iterator[Server]:
    with virtual_mwm() as running:
        yield running


def service(server: Server, kept: Small | None = None, **settings: Any) -> FieldServiceLink:
    told = {"crews": {"A": "A"}, "properties": PROPERTIES} | settings
    found = FieldService(url=server.url, client="fieldtool", secret="env:X", **told)
    return FieldServiceLink(found, "s3cret", Web(5.0), kept if kept is not None else Small())


def about(activity: int) -> About:
    return About(
        key="e-1", position=1, order_id="o-1", number="W-1", at=NOW, project="demo", task="exchange",
        foreign_id=str(activity),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (["3:1.0.21.8.0.255:2", "3:1.0.1.8.0.101:2", "3:1.0.1.8.0.255:3", "3:1.0.1.8.0.255:2"], 3),
        (["61.8.0", "1.8.0*01", "1.8.0&05", "1.8.1", "2.8.0", "1-0:1.8.0*255"], 5),
        (["ansi:ST25:1.8.0", "ansi:ST23:1.8.0"], 1),
        (["dial:1.8.1", "dial:1.8.0"], 1),
        (["7-0:1.8.0", "1.8.0*00", "11.8.0", "F.F"], None),
    ],
)
def test_only_the_present_total_is_told_as_a_reading(
    server: Server, items: list[str], told: int | None
) -> None:
    """A phase's register, or what the last period ended with, would be a wrong bill."""
    activity = server.mwm.plan(ORDER, NOW)
    registers = [Register(item=item, value=str(place), unit="kWh") for place, item in enumerate(items)]
    readings = [
        MeterReading(role=role, serial=serial, how="optical", at=NOW, registers=registers)
        for role, serial in (("old", "OLD3"), ("new", "NEW3"))
    ]
    service(server).post_result(Result(about=about(activity), status="completed", readings=readings))
    known = server.mwm.activities[activity]
    wanted = None if told is None else str(told)
    assert (known.get("XA_FINAL"), known.get("XA_INITIAL")) == (wanted, wanted)


def test_the_reason_of_a_reading_that_could_not_be_obtained_is_told(server: Server) -> None:
    activity = server.mwm.plan(ORDER, NOW)
    names = PROPERTIES | {"final_reading_reason": "XA_FINAL_WHY"}
    dead = MeterReading(
        role="old", serial="OLD3", how="not_obtainable", at=NOW, registers=[], reason="display_dead"
    )
    service(server, properties=names).post_result(
        Result(about=about(activity), status="completed", readings=[dead])
    )
    known = server.mwm.activities[activity]
    assert (known.get("XA_FINAL"), known.get("XA_FINAL_WHY")) == (None, "display_dead")


def test_without_a_resource_nobody_knows_whether_a_device_is_there(server: Server) -> None:
    """“Not known” of a device that was never looked for would send a crew back with it."""
    server.mwm.load_truck("A", ["ZIV0000000001"])
    assert service(server).verify_device("ZIV0000000001").known
    with pytest.raises(Unsupported):
        service(server, crews={}).verify_device("ZIV0000000001")
