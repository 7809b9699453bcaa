"""Placements and phases as messages: behind the result, ended and corrected ones again, each once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from tests.workorders.mwm.field import (
    NOW,
    ORDER,
    SCHEMAS,
    execute,
    links_file,
    open_file,
    state,
    virtual_mwm,
)
from tests.workorders.mwm.test_messages import ABOUT, found, texts
from tests.workorders.offices import Bureau, Tablet
from workorders.gateway.links.ledger import link_key, put_off
from workorders.gateway.rows import order_mrid
from workorders.gateway.tables import mwm_outbox
from workorders.journal.kinds import DevicePlaced, DeviceRemoved, MeterRead, Payload
from workorders.journal.sealing import field_context, seal_text
from workorders.journal.words import DeviceRole, ReadingValue, WiringJudged
from workorders.mwm.cim.messages import Writer
from workorders.mwm.cim.places import phase_code
from workorders.mwm.port import Connected, Phases, Placements, Refused, Stay
from workorders.mwm.settings import SettingsError, read_links
from workorders.mwm.virtual.server import Server
from workorders.store import keys

W1 = order_mrid("demo", "W-1")
NEW = "ZIV0000000001"
ON = "placements = true\nphases = true\nonly_own = false\nattempts = 50"
FAULTS = "429=0.1,500=0.1,lost=0.2"


def happened(tablet: Tablet, *payloads: Payload, order_id: str = W1) -> None:
    for payload in payloads:
        tablet.journal.append(payload, order_id=order_id, order_version=1, actor="ana", project="demo")
    tablet.sync()


def placed(tablet: Tablet, serial: str = NEW, *, position: bool = False, **where: Any) -> DevicePlaced:
    sealed = None
    if position:
        with tablet.store.read() as connection:
            key = keys.order_key(connection, W1)
        told = msgspec.json.encode({"latitude": "-13.5167", "longitude": "-71.9781"}).decode()
        sealed = seal_text(key, told, field_context(W1, "position"))
    return DevicePlaced(serial=serial, model="prime-1ph", usage_point="U3", position=sealed, **where)


def rounds(bureau: Bureau, path: Path, which: str) -> None:
    """Rounds, each by a new process, until nothing waits."""
    for _ in range(60):
        report = open_file(bureau, path).round()
        bureau.now.forward(minutes=20)
        if report.trouble is None and state(bureau, which).waiting == 0:
            break
    assert state(bureau, which).dead_out == state(bureau, which).waiting == 0


def places(server: Server) -> list[tuple[str, str | None, bool, str | None]]:
    """What the other system knows of places: device, slot, whether it has ended, latitude."""
    return [
        (one["serial"], f"{one['panel']}/{one['slot']}" if one.get("panel") else None,
         bool(one.get("until")), one.get("latitude"))
        for one in server.mwm.places.values()
    ]  # fmt: skip


def outbox(bureau: Bureau) -> list[tuple[str, str]]:
    table = mwm_outbox
    with bureau.office.store.read() as connection:
        query = (
            select(table.c.kind, table.c.key)
            .where(table.c.kind.in_(["placements", "phases"]))
            .order_by(table.c.position)
        )
        return [(row.kind, row.key) for row in connection.execute(query)]


def taken_order(bureau: Bureau, server: Server, path: Path, which: str) -> Tablet:
    """A crew that has the order: over this link, or of the project's own where it takes nothing in."""
    if which == "cim":
        server.mwm.plan(ORDER, NOW)
        open_file(bureau, path).round()
    tablet = bureau.tablet("A")
    tablet.sync()
    return tablet


@pytest.fixture(params=["cim", "hook"])
def which(request: pytest.FixtureRequest, each_database: str) -> str:
    return str(request.param)


@pytest.mark.parametrize("personal", [True, False])
def test_placements_follow_the_result_and_come_again_when_corrected_or_ended(
    which: str, tmp_path: Path, personal: bool
) -> None:
    """A map that is not told of an end or a correction keeps a device for ever where it is not."""
    bureau = Bureau.open(tmp_path)
    order = W1 if which == "cim" else order_mrid("demo", "000")
    with virtual_mwm(FAULTS, seed=3) as server:
        path = links_file(tmp_path, server.url, which, f"{ON}\npersonal = {str(personal).lower()}")
        tablet = taken_order(bureau, server, path, which)
        happened(tablet, placed(tablet, panel="P1", slot=1), order_id=order)
        rounds(bureau, path, which)
        assert places(server) == outbox(bureau) == []  # the order may be done otherwise yet
        execute(tablet, order)
        rounds(bureau, path, which)
        assert places(server) == [
            (NEW, "P1/1", True, None), ("OLD3", None, True, None), (NEW, None, False, None),
        ]  # fmt: skip
        old = server.mwm.places[list(server.mwm.places)[1]]
        assert (old["usage_point"], old["since"], old["until"] is not None) == ("U3", None, True)
        with_position = which == "cim"  # sealed under the key of that order
        happened(tablet, placed(tablet, panel="P1", slot=2, position=with_position), order_id=order)
        rounds(bureau, path, which)
        wanted = "-13.5167" if personal and with_position else None
        assert places(server)[2:] == [(NEW, None, True, None), (NEW, "P1/2", False, wanted)]
        happened(tablet, DeviceRemoved(serial=NEW, usage_point="U3"), order_id=order)
        rounds(bureau, path, which)
        assert [one[2] for one in places(server)] == [True] * 4
        assert len(outbox(bureau)) == len(set(outbox(bureau)))
        kinds = [kind for kind, _ in outbox(bureau)]
        assert (kinds.count("placements"), kinds.count("phases")) == (5, 4)
        assert {"429", "500", "lost"} & server.mwm.faults.hit.keys()


def test_phases_are_told_once_as_they_stand_and_again_when_put_right(which: str, tmp_path: Path) -> None:
    """What network control switches by: one message of an order, and another when a fault is no more."""
    bureau = Bureau.open(tmp_path)
    order = W1 if which == "cim" else order_mrid("demo", "000")
    with virtual_mwm() as server:
        path = links_file(tmp_path, server.url, which, ON)
        tablet = taken_order(bureau, server, path, which)
        execute(tablet, order)
        rounds(bureau, path, which)
        (point,) = server.mwm.phases.values()
        phase = {"cim": "A", "hook": "R"}[which]
        assert (point["usage_point"], point["serial"], point["phase"]) == ("U3", NEW, phase)
        assert (point["rotation"], point["polarity"], point["transformer"]) == ("direct", "right", "T2")
        said = len([kind for kind, _ in outbox(bureau) if kind == "phases"])
        assert (said, _messages(server, which)) == (2, 1)  # the reading says nothing that the place does not
        reverse = WiringJudged(rotation="reverse", polarity="right")
        value = ReadingValue(item="3:1.0.1.8.0.255:2", value="0.5", unit="kWh")
        again = MeterRead(role=DeviceRole.NEW, how="optical", serial=NEW, wiring=reverse, readings=[value])
        happened(tablet, again, order_id=order)
        rounds(bureau, path, which)
        assert server.mwm.phases["U3"]["rotation"] == "reverse"
        assert _messages(server, which) == 2


def _messages(server: Server, which: str) -> int:
    if which == "cim":
        return sum(b"UsagePointConfig>" in body for body in server.mwm.messages.values())
    return sum(hook["body"]["type"] == "usage_point.phases" for hook in server.mwm.hooks)


def test_a_link_tells_neither_unless_it_is_switched_on(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path)
    with virtual_mwm() as server:
        path = links_file(tmp_path, server.url, "hook", "only_own = false")
        execute(taken_order(bureau, server, path, "hook"), order_mrid("demo", "000"))
        rounds(bureau, path, "hook")
        assert outbox(bureau) == places(server) == []
        assert server.mwm.hooks


def test_a_slot_is_told_empty_before_the_next_device_is_in_it(tmp_path: Path) -> None:
    """Out of turn, a map refuses the new device: its slot is taken."""
    bureau = Bureau.open(tmp_path)
    with virtual_mwm() as server:
        path = links_file(tmp_path, server.url, "cim", ON)
        tablet = taken_order(bureau, server, path, "cim")
        happened(tablet, placed(tablet, "OLD3", panel="P1", slot=1))
        execute(tablet, W1)
        rounds(bureau, path, "cim")
        removed = DeviceRemoved(serial=NEW, usage_point="U3")
        happened(tablet, placed(tablet, panel="P1", slot=1), removed)
        happened(tablet, placed(tablet, "ZIV0000000002", panel="P1", slot=1))
        server.mwm.faults.rates["500"] = 1.0
        open_file(bureau, path).round()  # gathers, and tells nothing
        server.mwm.faults.rates["500"] = 0.0
        ended = [key for kind, key in outbox(bureau) if kind == "placements"][-2]
        put_off(bureau.office, link_key("demo", "cim"), ended, 1, 10 * 3600.0, ("late", "for hours"))
        for _ in range(3):
            bureau.now.forward(minutes=20)
            open_file(bureau, path).round()
        assert "ZIV0000000002" not in [one[0] for one in places(server)]
        rounds(bureau, path, "cim")
        assert [one[:2] for one in places(server) if not one[2]] == [("ZIV0000000002", "P1/1")]


def test_a_field_service_is_not_asked_for_what_it_has_no_place_for(tmp_path: Path) -> None:
    path = links_file(tmp_path, "http://127.0.0.1:1", "rest", "phases = true")
    with pytest.raises(SettingsError, match="field service"):
        read_links(path)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("A", "A"), ("R", "A"), ("s", "B"), ("L3", "C"), ("RST", "ABC"), ("L1 L2 L3", "ABC"), ("TR", "AC"),
        ("R-S", "AB"), ("ABCN", "ABCN"), ("RN", "AN"), ("AA", None), ("1", None), ("N", None), ("", None),
        (None, None), ("AR", None), ("L4", None),
    ],
)  # fmt: skip
def test_a_phase_has_the_code_of_the_standard_or_none(said: str | None, code: str | None) -> None:
    """A guessed phase is a customer whom a control room believes dark, or live, and is not."""
    assert phase_code(said) == code


WRITER = Writer("fieldtool", SCHEMAS)
_STAY = Stay(key="e-1", serial="AB:CD 01", since=NOW, panel="P1", slot=3, latitude="-13.5", longitude="-71.9")
_POINT = Connected(
    usage_point="U3", serial="A", time=NOW, rotation="unknown", rotation_why="single_phase",
    polarity="right", phase="azul",
)  # fmt: skip


def test_a_message_says_where_and_on_which_phase() -> None:
    data = WRITER.placements(Placements(about=ABOUT, stays=[_STAY]))
    assert (texts(data, "serialNumber"), texts(data, "slot"), texts(data, "value")) == (
        ["AB:CD 01"], ["3"], ["installed"],
    )  # fmt: skip
    assert (texts(data, "xPosition"), texts(data, "yPosition")) == (["-71.9"], ["-13.5"])
    told = WRITER.phases(Phases(about=ABOUT, points=[_POINT]))
    assert (texts(told, "phaseName"), texts(told, "rotationReason")) == (["azul"], ["single_phase"])
    assert found(told, "phaseCode") == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: WRITER.placements(
            Placements(about=ABOUT, stays=[msgspec.structs.replace(_STAY, latitude="91")])
        ),
        lambda: WRITER.phases(
            Phases(about=ABOUT, points=[msgspec.structs.replace(_POINT, rotation="sideways")])
        ),
    ],
)
def test_what_no_map_could_draw_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(Refused) as caught:
        make()
    assert caught.value.code == "mwm_schema"
