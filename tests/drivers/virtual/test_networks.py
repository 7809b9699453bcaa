"""Networks, prepayment and meters behind a virtual meter: how they develop, what others' clients read."""

from __future__ import annotations

from typing import Any

import pytest
from gurux_dlms.enums import Authentication
from gurux_dlms.objects import (
    GXDLMSAccount,
    GXDLMSCharge,
    GXDLMSCredit,
    GXDLMSG3Plc6LoWPan,
    GXDLMSG3PlcMacSetup,
    GXDLMSGSMDiagnostic,
    GXDLMSLteMonitoring,
    GXDLMSMBusClient,
    GXDLMSObject,
    GXDLMSTokenGateway,
)

from drivers.virtual import secrets
from drivers.virtual.cosem import prepayment
from drivers.virtual.cosem.base import Client, obis
from drivers.virtual.cosem.device import Event, LogicalDevice
from drivers.virtual.cosem.joining import Outcome
from drivers.virtual.dlms.axdr import Data, octets
from tests.drivers.virtual.peer import Clock, GuruxPeer, make_meter


class _Manager:
    client = Client.MANAGEMENT
    conformance = 0


def read(device: LogicalDevice, name: str, index: int) -> Data:
    device.refresh()
    return device.objects[obis(name)].attributes[index].read(_Manager())


def call(device: LogicalDevice, name: str, index: int, value: Data | None = None) -> Data | None:
    device.refresh()
    return device.objects[obis(name)].methods[index].call(_Manager(), value)


def states(model: str, name: str, index: int, moments: tuple[int, ...], **options: Any) -> list[object]:
    """An attribute at so many seconds after power-up."""
    device = make_meter(model, clock := Clock(), **options).device
    start, found = clock.now, []
    for moment in moments:
        clock.now = start + moment
        found.append(read(device, name, index).value)
    return found


def test_a_modem_searches_and_then_is_at_home_roaming_or_denied() -> None:
    place = ("0.0.25.6.0.255", 3, (0, 5, 29, 31))
    assert states("gprs-3ph-ct", *place) == [0, 2, 2, 1]
    assert states("idis-1ph-lte", *place, join=Outcome.ROAMING) == [0, 2, 2, 5]
    assert states("idis-1ph-lte", *place, join=Outcome.DENIED) == [0, 2, 2, 3]


def test_plc_nodes_have_no_address_until_they_joined_and_never_where_they_are_denied() -> None:
    assert states("g3-1ph", "0.0.29.1.0.255", 2, (0, 29))[-1] == 0xFFFF
    assert states("g3-1ph", "0.0.29.1.0.255", 2, (31,))[0] != 0xFFFF
    assert states("g3-1ph", "0.0.29.1.0.255", 2, (99,), join=Outcome.DENIED) == [0xFFFF]
    assert states("prime-1ph", "0.0.28.3.0.255", 6, (0, 31)) == [0, 1]
    assert states("prime-1ph", "0.0.28.3.0.255", 6, (99,), join=Outcome.DENIED) == [0]


def test_a_power_loss_makes_the_meter_join_anew() -> None:
    device = make_meter("g3-1ph", clock := Clock()).device
    clock.now += 40
    assert read(device, "0.0.29.1.0.255", 2).number != 0xFFFF
    device.power_up()
    assert read(device, "0.0.29.1.0.255", 2).number == 0xFFFF


def test_a_token_is_taken_once_and_a_wrong_one_says_why() -> None:
    device = make_meter("plc-prepay-1ph").device
    account, gateway = prepayment.ACCOUNT, prepayment.GATEWAY
    before = read(device, account, 5).number
    good = prepayment.token(device.serial, 2500, 7)

    def enter(digits: str) -> int:
        answer = call(device, gateway, 1, octets(digits.encode()))
        assert answer is not None
        return answer.items[0].number

    assert enter(good) == prepayment.EXECUTED
    assert read(device, account, 5).number == before + 2500
    assert enter(good) == prepayment.NOT_VALID
    assert enter(prepayment.token(device.serial, 100, 6)) == prepayment.NOT_VALID  # older than the last
    assert enter(prepayment.token("somebody else", 100, 8)) == prepayment.NOT_AUTHENTIC
    assert enter("1234") == prepayment.WRONG_FORMAT
    assert read(device, account, 5).number == before + 2500
    assert read(device, gateway, 6).items[0].number == prepayment.WRONG_FORMAT


def test_consumption_eats_the_credit_at_the_price_of_the_charge() -> None:
    device = make_meter("plc-prepay-1ph", clock := Clock()).device
    account, start = prepayment.ACCOUNT, device.energies.wh(1, 0)
    clock.now += 6 * 3600
    paid = read(device, prepayment.CHARGE, 2).number
    consumed = device.energies.wh(1, 0) - start
    assert consumed > 500
    assert paid == consumed * prepayment.PRICE // 1000
    assert read(device, account, 5).number == 5000 - paid


def test_without_credit_the_relay_opens_and_emergency_credit_lets_it_close_again() -> None:
    device = make_meter("plc-prepay-1ph", clock := Clock(), credit=20).device
    clock.now += 6 * 3600
    read(device, prepayment.ACCOUNT, 5)
    assert not device.relay.closed
    assert Event.CREDIT_EXHAUSTED in [row.values[1].number for row in device.events.rows]
    assert read(device, prepayment.EMERGENCY_CREDIT, 8).number == prepayment.SELECTABLE
    call(device, prepayment.EMERGENCY_CREDIT, 3)
    assert read(device, prepayment.EMERGENCY_CREDIT, 8).number == prepayment.IN_USE
    assert read(device, prepayment.ACCOUNT, 5).number > 0
    device.relay.reconnect()
    read(device, prepayment.ACCOUNT, 5)
    assert device.relay.closed


def reader(model: str, **options: Any) -> tuple[GuruxPeer, LogicalDevice]:
    meter = make_meter(model, clock := Clock(), **options)
    clock.now += 60
    password = secrets.derive(meter.device.serial)["password"]
    peer = GuruxPeer(meter, Client.READER, Authentication.LOW, password=password).connect()
    return peer, meter.device


def test_gurux_reads_the_prepayment_objects() -> None:
    peer, device = reader("plc-prepay-1ph")
    account = GXDLMSAccount(prepayment.ACCOUNT)
    for index in (2, 3, 5, 9, 11, 12, 15, 16):
        peer.read(account, index)
    assert (int(account.paymentMode), int(account.accountStatus)) == (2, 2)
    assert account.availableCredit == 5000 - read(device, prepayment.CHARGE, 2).number
    assert (account.currency.name, account.currency.scale) == ("BOB", -2)
    credit = GXDLMSCredit(prepayment.TOKEN_CREDIT)
    for index in (2, 3, 4, 5, 6, 8):
        peer.read(credit, index)
    assert (credit.currentCreditAmount, int(credit.status)) == (account.availableCredit, 3)
    charge = GXDLMSCharge(prepayment.CHARGE)
    for index in (2, 3, 5, 8):
        peer.read(charge, index)
    assert charge.unitChargeActive.chargeTables[0].chargePerUnit == prepayment.PRICE
    gateway = GXDLMSTokenGateway(prepayment.GATEWAY)
    for index in (5, 6):
        peer.read(gateway, index)
    assert int(gateway.statusCode) == 8


def test_gurux_reads_g3_lte_and_meters_on_the_bus() -> None:
    peer, _ = reader("g3-1ph")
    mac = GXDLMSG3PlcMacSetup("0.0.29.1.0.255")
    mac.version = 2
    for index in (2, 3, 4, 11):
        peer.read(mac, index)
    assert mac.pANId == 0x781D
    assert [entry.shortAddress for entry in mac.neighbourTable] == [0, 0x12, 0x33]
    peer, _ = reader("idis-1ph-lte")
    lte = GXDLMSLteMonitoring("0.0.25.11.0.255")
    lte.version = 1
    for index in (2, 3):
        peer.read(lte, index)
    assert lte.networkParameters.t3412 == 3240
    assert 35 <= lte.qualityOfService.signalLevel < 65
    gsm = GXDLMSGSMDiagnostic("0.0.25.6.0.255")
    gsm.version = 2
    for index in (3, 5, 6, 7):
        peer.read(gsm, index)
    assert (int(gsm.status), int(gsm.packetSwitchStatus), gsm.cellInfo.mobileCountryCode) == (1, 5, 716)
    child = GXDLMSMBusClient("0.1.24.1.0.255")
    for index in (5, 6, 7, 9, 14):
        peer.read(child, index)
    assert f"{child.identificationNumber:08X}" == "62234567"
    assert child.manufacturerID == 0x2C2D


@pytest.mark.parametrize(
    ("model", "thing", "version", "last"),
    [
        ("gprs-3ph-ct", GXDLMSGSMDiagnostic("0.0.25.6.0.255"), 0, 8),
        ("idis-1ph-lte", GXDLMSGSMDiagnostic("0.0.25.6.0.255"), 2, 8),
        ("idis-1ph-lte", GXDLMSLteMonitoring("0.0.25.11.0.255"), 1, 3),
        ("idis-1ph-lte", GXDLMSMBusClient("0.1.24.1.0.255"), 1, 14),
        ("g3-1ph", GXDLMSG3PlcMacSetup("0.0.29.1.0.255"), 2, 25),
        ("g3-1ph", GXDLMSG3Plc6LoWPan("0.0.29.2.0.255"), 2, 21),
        ("plc-prepay-1ph", GXDLMSAccount(prepayment.ACCOUNT), 0, 19),
        ("plc-prepay-1ph", GXDLMSCredit(prepayment.EMERGENCY_CREDIT), 0, 11),
        ("plc-prepay-1ph", GXDLMSCharge(prepayment.CHARGE), 0, 13),
        ("plc-prepay-1ph", GXDLMSTokenGateway(prepayment.GATEWAY), 0, 6),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, GXDLMSObject) else str(value),
)
def test_gurux_takes_every_attribute(model: str, thing: GXDLMSObject, version: int, last: int) -> None:
    """None is of a type or length that someone else's client does not expect. Keys are not readable."""
    thing.version = version
    peer, device = reader(model)
    attributes = device.objects[obis(thing.logicalName)].attributes
    indexes = [index for index in sorted(attributes) if index > 1 and attributes[index].rights.reader & 1]
    assert indexes[-1] == last
    for index in indexes:
        peer.read(thing, index)


def test_draws_follow_the_serial_alone() -> None:
    """The same meter shows the same neighbours in each run, another one others."""
    first = states("g3-1ph", "0.0.29.1.0.255", 2, (60,))
    assert first == states("g3-1ph", "0.0.29.1.0.255", 2, (60,))
    assert first != states("g3-1ph", "0.0.29.1.0.255", 2, (60,), serial="021976000001")


@pytest.mark.parametrize("amount", [1, 999_999])
def test_a_token_has_twenty_digits(amount: int) -> None:
    assert len(prepayment.token("37140000017", amount, 9_999_999)) == prepayment.TOKEN_DIGITS
