"""Our driver against a meter that is somebody else's code from the frame to the object: `server`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gurux_dlms.enums import Authentication, InterfaceType

from drivers.changes import ChangeState
from drivers.connection import Auth, Connection, Mode, Protection
from drivers.dlms.acse import Mechanism
from drivers.dlms.apdu import Selection
from drivers.dlms.ciphering import Ciphering
from drivers.dlms.client import Credentials, DlmsClient
from drivers.dlms.cosem import parse_item
from drivers.dlms.data import Data, Tag, integer, long_unsigned, octet_string, structure
from drivers.dlms.general_blocks import Channel
from drivers.dlms.link import HdlcLink, LinkOptions
from drivers.dlms.protection import Keys
from drivers.dlms.wrapper import WrapperChannel
from drivers.errors import AssociationRefused, MeterRefused, WrongKey, WrongPassword
from drivers.session.client import OpticalSession
from tests.drivers.dlms_pair import TITLE, Counter
from tests.drivers.field import MODELS, Host
from tests.drivers.gurux.objects import ROWS, SERIAL, small_meter
from tests.drivers.gurux.server import SECRET, GuruxMeter, first_message, serving

HDLC, WRAPPER = InterfaceType.HDLC, InterfaceType.WRAPPER
KEYS = Keys(TITLE, bytes(range(16)), bytes(range(0xD0, 0xE0)))


class _Wire:
    """A wire to a `GuruxMeter`; waiting moves the clock."""

    def __init__(self, meter: GuruxMeter) -> None:
        self.meter = meter
        self._now, self._sent, self._answers = 1000.0, b"", list[bytes]()

    def now(self) -> float:
        return self._now

    def write(self, data: bytes) -> None:
        self._sent += data
        while (message := first_message(self._sent, self.meter.settings.interfaceType)) is not None:
            self._sent = self._sent[len(message) :]
            self._answers.append(self.meter.receive(message))

    def read(self, deadline: float) -> bytes:
        while self._answers:
            if answer := self._answers.pop(0):
                return answer
        self._now = max(self._now, deadline)
        return b""


def channel(meter: GuruxMeter) -> Channel:
    wire = _Wire(meter)
    if meter.settings.interfaceType == WRAPPER:
        return WrapperChannel(wire, 1, 1)
    link = HdlcLink(wire, LinkOptions(client=1, server="1"))
    link.connect()
    return link


def client(
    meter: GuruxMeter,
    *,
    secret: bytes = SECRET,
    keys: Keys = KEYS,
    max_pdu: int = 0xFFFF,
    protection: Protection = Protection.GLO,
) -> DlmsClient:
    mechanism = Mechanism(int(meter.mechanism))
    ciphering = Ciphering(keys, Counter(), wrapping=protection) if mechanism is Mechanism.GMAC else None
    credentials = Credentials(
        mechanism,
        b"" if ciphering or not mechanism else secret,
        ciphering,
        1,
        KEYS if mechanism > 1 else None,
    )
    made = DlmsClient(channel(meter), credentials, max_pdu=max_pdu)
    made.associate()
    return made


def value(of: DlmsClient, item: str, selection: Selection | None = None) -> Any:
    found = of.get(parse_item(item), selection)
    assert found.data is not None, found
    return found.data


_PROGRAM = """
name = "own"
version = 1
title = { en = "Own" }
models = []

[clock]
tolerance_seconds = 10
jump_limit_seconds = 900

[[settings]]
id = "tariff"
item = "1:0.0.96.50.2.255:2"
name = "tariff"
value = "7"

[[settings]]
id = "energy"
item = "3:1.0.2.8.0.255:2"
name = "energy"
value = "0"
"""
MECHANISMS = [
    Authentication.NONE,
    Authentication.LOW,
    Authentication.HIGH_MD5,
    Authentication.HIGH_SHA1,
    Authentication.HIGH_GMAC,
]


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda found: found.name)
@pytest.mark.parametrize("kind", [HDLC, WRAPPER], ids=["hdlc", "wrapper"])
def test_every_mechanism_leads_in_over_both_links(kind: InterfaceType, mechanism: Authentication) -> None:
    of = client(GuruxMeter(small_meter(), kind, mechanism=mechanism))
    assert value(of, "1:0.0.96.1.0.255:2").octets == SERIAL.encode()
    of.release()


@pytest.mark.parametrize(
    ("mechanism", "error"),
    [
        (Authentication.LOW, WrongPassword),
        (Authentication.HIGH_MD5, WrongPassword),
        (Authentication.HIGH_GMAC, WrongKey),
    ],
    ids=lambda found: getattr(found, "name", found),
)
def test_a_wrong_secret_is_called_by_its_name(mechanism: Authentication, error: type[Exception]) -> None:
    meter = GuruxMeter(small_meter(), mechanism=mechanism)
    with pytest.raises(error):
        client(meter, secret=b"87654321", keys=Keys(TITLE, bytes(16), KEYS.auth_key))


def test_a_dedicated_key() -> None:
    of = client(GuruxMeter(small_meter(), mechanism=Authentication.HIGH_GMAC), protection=Protection.DED)
    assert value(of, "1:0.0.96.1.0.255:2").octets == SERIAL.encode()


def test_lists_registers_and_refusals() -> None:
    meter = GuruxMeter(small_meter())
    of = client(meter)
    items = ["3:1.0.1.8.0.255:2", "3:1.0.1.8.0.255:3", "3:1.0.9.9.9.255:2", "4:1.0.1.6.0.255:5"]
    energy, scaler, missing, time = of.get_list([parse_item(item) for item in items])
    assert energy.data == Data(Tag.DOUBLE_LONG_UNSIGNED, 12345678)
    assert scaler.data is not None
    assert [part.value for part in scaler.data.items] == [-3, 30]
    assert (missing.data, missing.access) == (None, 4)
    assert time.data is not None
    assert meter.seen == ["GET_REQUEST 3"]


@pytest.mark.parametrize(
    "mechanism", [Authentication.NONE, Authentication.HIGH_GMAC], ids=lambda found: found.name
)
def test_an_association_view_in_blocks_and_segments(mechanism: Authentication) -> None:
    meter = GuruxMeter(small_meter(), mechanism=mechanism)
    of = client(meter, max_pdu=200)
    view = value(of, "15:0.0.40.0.0.255:2")
    assert len(view.items) == len(small_meter()) + 1
    assert meter.seen.count("GET_REQUEST 2") >= 3


def test_a_profile_by_range_and_by_entry() -> None:
    of = client(GuruxMeter(small_meter()), max_pdu=300)
    assert len(value(of, "7:1.0.99.1.0.255:2").items) == ROWS
    by_entry = Selection(
        2,
        structure(
            Data(Tag.DOUBLE_LONG_UNSIGNED, 3),
            Data(Tag.DOUBLE_LONG_UNSIGNED, 5),
            long_unsigned(1),
            long_unsigned(0),
        ),
    )
    rows = value(of, "7:1.0.99.1.0.255:2", by_entry)
    assert [row.items[1].value for row in rows.items] == [12000002, 12000003, 12000004]


def test_writes_one_by_one_in_lists_and_in_blocks() -> None:
    meter = GuruxMeter(small_meter())
    of = client(meter)
    item, other = parse_item("1:0.0.96.50.0.255:2"), parse_item("1:0.0.96.50.1.255:2")
    of.set(item, octet_string(b"new"))
    assert value(of, str(item)).octets == b"new"
    assert of.set_list([(item, octet_string(b"a")), (parse_item("3:1.0.1.8.0.255:2"), integer(1))]) == [0, 3]
    with pytest.raises(MeterRefused, match="read-write-denied"):
        of.set(parse_item("3:1.0.1.8.0.255:2"), integer(1))
    meter.take_no_more_than(200)
    of.release()
    of = client(meter)
    long = bytes(range(256)) * 3
    of.set(other, octet_string(long))
    assert value(of, str(other)).octets == long
    assert meter.seen.count("SET_REQUEST 3") >= 3


def test_the_relay_answers() -> None:
    meter = GuruxMeter(small_meter(), mechanism=Authentication.HIGH_GMAC)
    of = client(meter)
    of.action(parse_item("70:0.0.96.3.10.255:1"), integer(0))
    assert value(of, "70:0.0.96.3.10.255:2").value is False
    with pytest.raises(MeterRefused):
        of.action(parse_item("3:1.0.1.8.0.255:1"), integer(0))


def test_a_meter_without_our_mechanism_refuses() -> None:
    meter = GuruxMeter(small_meter(), mechanism=Authentication.NONE)
    meter.mechanism = Authentication.LOW
    with pytest.raises(AssociationRefused):
        DlmsClient(channel(meter), Credentials(Mechanism.NONE)).associate()


@pytest.mark.parametrize(
    ("kind", "mode"), [(HDLC, Mode.HDLC), (WRAPPER, Mode.WRAPPER)], ids=["hdlc", "wrapper"]
)
def test_a_whole_session(kind: InterfaceType, mode: Mode) -> None:
    """As the application reads a meter of which no model is known."""
    meter = GuruxMeter(small_meter(), kind, mechanism=Authentication.LOW, readable_lists=8)
    connection = Connection(mode=mode, client=1, auth=Auth.LOW, password="password")
    host = Host({"password": SECRET})
    with serving(meter) as url, OpticalSession(url, connection, host, models=MODELS) as session:
        identity = session.identify()
        assert (identity.manufacturer, identity.serial, identity.firmware) == ("GRX", SERIAL, "V9.9")
        readings = {reading.item: reading for reading in session.read().readings}
        assert (readings["3:1.0.1.8.0.255:2"].value, readings["3:1.0.1.8.0.255:2"].unit) == (
            "12345.678",
            "Wh",
        )
        assert readings["8:0.0.1.0.0.255:2"].value == "2026-05-02T12:00:00-05:00"
        rows = session.profile(
            "7:1.0.99.1.0.255:2", "2026-05-01T01:00:00-05:00", "2026-05-01T02:00:00-05:00"
        ).rows
        assert [row.time for row in rows][::4] == ["2026-05-01T06:00:00Z", "2026-05-01T07:00:00Z"]
        assert len(session.view().objects) == len(small_meter()) + 1
        assert session.relay("disconnect", SERIAL).is_now == "disconnected"


def test_a_program_is_planned_written_and_read_back(tmp_path: Path) -> None:
    """Clock and settings, in one list of writes: what the meter refuses of it is said for that item alone."""
    program = tmp_path / "own.toml"
    program.write_text(_PROGRAM)
    meter = GuruxMeter(small_meter(), mechanism=Authentication.HIGH_GMAC)
    keys = {"block_key": KEYS.block_key, "auth_key": KEYS.auth_key}
    host = Host(keys)
    connection = Connection(
        mode=Mode.HDLC,
        client=1,
        auth=Auth.GMAC,
        system_title=TITLE.hex(),
        block_key="block_key",
        auth_key="auth_key",
    )
    with serving(meter) as url, OpticalSession(url, connection, host, models=MODELS) as session:
        plan = session.plan(program)
        assert [change.state for change in plan.changes] == [ChangeState.DIFFERS] * 3
        report = session.apply(plan, {change.id for change in plan.changes})
        states = {change.id: change.state for change in report.changes}
        assert states == {"clock": "verified", "tariff": "verified", "energy": "failed"}
        assert [found.is_now for found in host.outcomes if found.state == "verified"]
        assert not session.verify(program).holds
    assert "SET_REQUEST 4" in meter.seen
