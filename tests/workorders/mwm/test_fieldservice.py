"""The field service's REST interface: what is asked of it, what is read of its answers, what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.workorders.mwm.field import NOW, ORDER, virtual_mwm
from workorders.mwm.fieldservice import FieldServiceLink
from workorders.mwm.port import (
    About,
    Blob,
    Change,
    MeterReading,
    Refused,
    Register,
    Result,
    Unauthorised,
    Unsupported,
)
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


def loaded(link: FieldServiceLink) -> list[Change]:
    """All that a new subscription gives before it comes to events."""
    cursor: str | None = None
    changes: list[Change] = []
    while cursor is None or not cursor.startswith("page:"):
        page = link.fetch_changes(cursor, 100)
        changes += page.changes
        cursor = page.cursor
    return changes


def test_all_activities_are_loaded_in_windows_that_the_service_allows(server: Server) -> None:
    """One window of 67 days is refused, and without `fields` an activity comes without its number."""
    today = datetime.now(UTC).date()
    days = {f"W{n}": (today + timedelta(days=n)).isoformat() for n in (-8, -7, 0, 24, 25, 26, 60, 61)}
    for number, day in days.items():
        server.mwm.plan(ORDER | {"number": number, "date": day}, NOW)
    server.mwm.plan(ORDER | {"number": "W-later"}, NOW)
    changes = loaded(service(server))
    orders = [change.order for change in changes]
    assert sorted(order.number for order in orders if order) == sorted(
        ["W-7", "W0", "W24", "W25", "W26", "W60", "W-later"]
    )
    assert {(order.usage_point, order.old_serial, order.crew) for order in orders if order} == {
        ("U3", "OLD3", "A")
    }


def test_a_subscription_is_kept_before_anything_is_loaded(server: Server) -> None:
    """A load that is cut off goes on where it was, and what changes meanwhile comes as an event."""
    kept = Small()
    page = service(server, kept).fetch_changes(None, 100)
    assert (page.changes, page.more) == ([], True)
    assert page.cursor is not None
    assert kept.keys() == {"subscription"}
    activity = server.mwm.plan(ORDER, NOW)
    link, cursor, found = service(server, kept), page.cursor, list[Change]()
    while page.more:
        page = link.fetch_changes(cursor, 100)
        cursor, found = page.cursor or cursor, found + page.changes
    assert [one.foreign_id for one in found] == [str(activity)] * 2


def test_what_is_loaded_after_another_subscription_is_news_again(server: Server) -> None:
    """An order that is as it was long ago, and was otherwise between, must not pass for a repetition."""
    server.mwm.plan(ORDER, NOW)
    link = service(server)
    (first,), (second,) = loaded(link), loaded(link)
    assert first.key != second.key
    assert (first.order, second.order) == (second.order, first.order)
    assert [one.key for one in link.reread(first.original)] == [first.key]


def test_the_old_meter_is_the_one_that_stands_there_or_somebody_is_asked(server: Server) -> None:
    """The first of a list may be the meter that was taken away last year, or the neighbour's."""
    activity = server.mwm.plan(ORDER, NOW)
    gone = {"serialNumber": "OLD1", "status": "deinstalled", "inventoryType": "meter"}
    server.mwm.customer[activity].insert(0, gone | {"inventoryId": 1})
    server.mwm.customer[activity].append(
        {"serialNumber": "MODEM", "status": "customer", "inventoryType": "modem", "inventoryId": 2}
    )
    (change,) = loaded(service(server))
    assert (change.order, change.code) == (None, "several_meters")
    assert "MODEM, OLD3" in (change.problem or "")
    assert [one.code for one in service(server).reread(change.original)] == ["several_meters"]
    server.mwm.customer[activity][1]["inventoryType"] = "meter"
    (change,) = loaded(service(server, meter_types=["meter"]))
    assert change.order is not None
    assert change.order.old_serial == "OLD3"
    server.mwm.plan(ORDER | {"kind": "install"}, NOW)
    (change,) = loaded(service(server))
    assert change.order is not None
    assert change.order.old_serial is None


def test_a_token_that_was_taken_back_is_renewed_once(server: Server) -> None:
    """Else the link rests until somebody looks, over a restart of the other side."""
    activity = server.mwm.plan(ORDER, NOW)
    link = service(server)
    link.verify_device("X")
    server.tokens.clear()
    link.post_result(Result(about=about(activity), status="completed"))
    assert server.mwm.activities[activity]["status"] == "completed"
    server.tokens.clear()
    server.secret = "changed"
    with pytest.raises(Unauthorised):
        link.verify_device("X")


def test_a_token_that_is_never_good_is_not_asked_for_without_end(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []

    class Forgetful(set[str]):
        def add(self, token: str) -> None:
            given.append(1)

    monkeypatch.setattr(server, "tokens", Forgetful())
    with pytest.raises(Unauthorised):
        service(server).verify_device("X")
    assert len(given) == 2


def test_a_file_that_no_property_takes_is_refused_before_it_is_sent(server: Server) -> None:
    """The service would say 413 at every attempt, after each had gone over the line."""
    activity = server.mwm.plan(ORDER, NOW)
    link = service(server, photo_properties={"before": "XA_BEFORE"}, file_bytes=4)
    photo = Blob(about=about(activity), name="W-1.jpg", what="before", media_type="image/jpeg", data=b"12345")
    with pytest.raises(Refused, match="5 bytes") as caught:
        link.put_blob(photo)
    assert caught.value.code == "file_too_large"
    link.put_blob(msgspec.structs.replace(photo, data=b"1234"))
    with pytest.raises(Refused, match="415"):
        link.put_blob(msgspec.structs.replace(photo, data=b"1", media_type="image/heic"))
    for what in ("after", "record"):
        with pytest.raises(Unsupported):
            link.put_blob(msgspec.structs.replace(photo, data=b"1", what=what))
    assert server.mwm.files == {f"{activity}/XA_BEFORE": {"type": "image/jpeg", "data": b"1234"}}
