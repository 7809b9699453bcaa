"""Prepayment: classes 111 account, 112 credit, 113 charge, 115 token gateway, 116 IEC 62055-41 attributes.
Consumption eats the credit; without any the relay opens.

Amounts are in hundredths of the currency. Tokens here are 20 digits of this virtual field alone, not STS:
6 of amount, 7 of sequence (each taken once), 7 that prove serial, amount and sequence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

from drivers.virtual.cosem.base import (
    CONFIGURE,
    READ,
    AccessError,
    Attribute,
    Caller,
    Cells,
    CosemObject,
    Method,
    Store,
    computed,
    fixed,
    obis,
)
from drivers.virtual.dlms.axdr import (
    Data,
    Tag,
    array,
    bits,
    enum,
    i8,
    i16,
    i32,
    octets,
    structure,
    u8,
    u16,
    u32,
    u64,
)
from drivers.virtual.dlms.services import Result

ACCOUNT = "0.0.19.0.0.255"
TOKEN_CREDIT, EMERGENCY_CREDIT = "0.0.19.10.0.255", "0.0.19.10.1.255"
CHARGE = "0.0.19.20.0.255"
GATEWAY = "0.0.19.40.0.255"
STS = "0.0.19.60.0.255"
TOTAL_IMPORT = "1.0.1.8.0.255"
ISSUER, SUPPLY_GROUP, TARIFF_INDEX, KEY_REVISION = 600727, 600675, 1, 1
"""By what tokens would be made for this meter (IEC 62055-41)."""
LOW, EMERGENCY = 500, 500
"""Low credit warning and emergency credit, hundredths."""
PRICE = 78
"""Hundredths for each kWh."""
TOKEN_DIGITS = 20
NEVER = octets(b"\xff" * 12)
ENABLED, SELECTABLE, IN_USE, EXHAUSTED = 0, 1, 3, 4
ACTIVE, CLOSED = 2, 3
EXECUTED, WRONG_FORMAT, NOT_AUTHENTIC, NOT_VALID = 3, 4, 5, 6
LOCAL = 1
_PAID = 101
"""What was charged at earlier prices."""
_HIDDEN = 100
"""Where an object keeps what no attribute shows: paid in, consumed before, sequence numbers taken."""


def token(serial: str, amount: int, sequence: int) -> str:
    """A token that the virtual meter with this serial takes once. ``amount`` in hundredths, up to 999999."""
    body = f"{amount:06d}{sequence:07d}"
    return body + _proof(serial, body)


def _proof(serial: str, body: str) -> str:
    digest = hashlib.blake2b(f"token:{serial}:{body}".encode(), digest_size=6).digest()
    return f"{int.from_bytes(digest, 'big') % 10**7:07d}"


def decoder_reference(serial: str) -> str:
    """The eleven digits of the decoder reference number, the last one by Luhn: the serial where it is one."""
    digits = "".join(filter(str.isdigit, serial))
    if len(digits) == 11 and _luhn(digits[:-1]) == int(digits[-1]):
        return digits
    body = digits.zfill(10)[-10:]
    return f"{body}{_luhn(body)}"


def _luhn(digits: str) -> int:
    """The check digit that follows these digits (ISO/IEC 7812-1)."""
    doubled = (int(digit) * (2 if n % 2 == 0 else 1) for n, digit in enumerate(reversed(digits)))
    return -sum(value // 10 + value % 10 for value in doubled) % 10


class Prepayment:
    """The account of one meter. ``imported`` gives the import register in Wh, ``stamp`` the time as 12
    octets."""

    def __init__(
        self, store: Store, serial: str, credit: int, imported: Callable[[], int], stamp: Callable[[], bytes]
    ) -> None:
        self._serial, self._imported, self._stamp, self._initial = serial, imported, stamp, credit
        self._account = Cells(store, 111, ACCOUNT)
        self._credit = Cells(store, 112, TOKEN_CREDIT)
        self._emergency = Cells(store, 112, EMERGENCY_CREDIT)
        self._gateway = Cells(store, 115, GATEWAY)
        self._store = store
        self._charge = Cells(store, 113, CHARGE)
        self._kept(self._credit, _HIDDEN, i32(credit))
        self._kept(self._charge, _HIDDEN, u32(2**32 - 1))
        self._kept(self._emergency, 8, enum(ENABLED))
        self._kept(self._account, 2, structure(enum(2), enum(ACTIVE)))

    def begin(self) -> None:
        """What was consumed before does not count."""
        self._charge.put(_HIDDEN, u32(self._imported()))

    def _kept(self, cells: Cells, index: int, initial: Data) -> None:
        self._store.keep(cells.key(index), initial)

    # -- the sums --

    def paid(self) -> int:
        """Taken off at the present price, for what was consumed since it holds."""
        wh = max(0, self._imported() - self._charge.get(_HIDDEN).number)
        return wh * self._price() // 1000

    def _price(self) -> int:
        """The first price of the active unit charge: one tariff counts here."""
        table = self._charge.get(5).items[2].items
        return table[0].items[1].number if table else 0

    @property
    def _invoked(self) -> bool:
        return self._emergency.get(8).number == IN_USE

    def balance(self) -> int:
        """Token credit that is left; below zero while emergency credit is used up."""
        return self._credit.get(_HIDDEN).number - self.paid()

    def available(self) -> int:
        return max(0, self.balance() + (EMERGENCY if self._invoked else 0))

    @property
    def exhausted(self) -> bool:
        """Whether the supply is to be cut."""
        return self._status() == ACTIVE and self.available() == 0

    def _status(self) -> int:
        return self._account.get(2).items[1].number

    def _emergency_status(self) -> int:
        if self._invoked:
            return IN_USE if self.balance() + EMERGENCY > 0 else EXHAUSTED
        return SELECTABLE if self.balance() <= LOW else ENABLED

    def _status_bits(self) -> str:
        """current_credit_status, bit 0 first."""
        low = self.balance() <= LOW
        set_bits = (self.available() > 0, low, True, low and not self._invoked, self._invoked, self._invoked)
        return "".join("1" if bit else "0" for bit in (*set_bits, self.available() == 0, False))

    # -- tokens --

    def enter(self, digits: bytes) -> int:
        """Status code of class 115. A token that was taken before is refused."""
        text = digits.decode("ascii", "replace")
        status = self._judge(text)
        if status == EXECUTED:
            self._credit.put(_HIDDEN, i32(min(self._credit.get(_HIDDEN).number + int(text[:6]), 2**31 - 1)))
            used = self._used()
            self._gateway.put(_HIDDEN, array([*used, u32(int(text[6:13]))][-50:]))
            if self.balance() > 0:
                self._emergency.put(8, enum(ENABLED))
        self._gateway.put(2, octets(digits[:64]))
        self._gateway.put(3, octets(self._stamp()))
        self._gateway.put(6, structure(enum(status), bits("")))
        return status

    def _judge(self, text: str) -> int:
        if len(text) != TOKEN_DIGITS or not (text.isascii() and text.isdigit()):
            return WRONG_FORMAT
        if text[13:] != _proof(self._serial, text[:13]):
            return NOT_AUTHENTIC
        newest = max((number.number for number in self._used()), default=0)
        return EXECUTED if int(text[6:13]) > newest else NOT_VALID

    def _used(self) -> tuple[Data, ...]:
        return self._gateway.get(_HIDDEN).items

    # -- objects --

    def cosem(self) -> list[CosemObject]:
        """The six objects, all of version 0."""
        return [
            self._account_object(),
            self._token_credit_object(),
            self._emergency_object(),
            self._charge_object(),
            self._gateway_object(),
            self._sts_object(),
        ]

    def _account_object(self) -> CosemObject:
        here = CosemObject(111, 0, obis(ACCOUNT))
        references = array([octets(obis(TOKEN_CREDIT)), octets(obis(EMERGENCY_CREDIT))])
        collected = structure(octets(obis(TOKEN_CREDIT)), octets(obis(CHARGE)), bits("001"))
        here.attributes |= {
            2: Attribute(lambda caller: self._account.get(2), READ),
            3: computed(lambda: u8(2 if self._invoked else 1)),
            4: computed(lambda: bits(self._status_bits())),
            5: computed(lambda: i32(self.available())),
            6: computed(lambda: i32(max(0, -self.balance()))),
            7: fixed(i32(0)),
            8: fixed(i32(0)),
            9: fixed(references),
            10: fixed(array([octets(obis(CHARGE))])),
            11: fixed(array([collected])),
            12: fixed(array([structure(octets(obis(TOKEN_CREDIT)), u8(100))])),
            13: fixed(NEVER),
            14: fixed(NEVER),
            15: fixed(structure(Data(Tag.UTF8_STRING, b"BOB"), i8(-2), enum(2))),
            16: self._account.attribute(16, i32(LOW)),
            17: fixed(i32(LOW)),
            18: fixed(u16(0)),
            19: fixed(i32(0)),
        }
        for number, status in ((1, ACTIVE), (2, CLOSED)):
            here.methods[number] = Method(partial(self._set_status, status))
        return here

    def _set_status(self, status: int, caller: Caller, value: Data | None) -> None:
        self._account.put(2, structure(enum(2), enum(status)))

    def _token_credit_object(self) -> CosemObject:
        here = CosemObject(112, 0, obis(TOKEN_CREDIT))
        here.attributes |= {
            2: computed(lambda: i32(self.balance())),
            3: fixed(enum(0)),
            4: fixed(u8(1)),
            5: self._credit.attribute(5, i32(LOW)),
            6: fixed(i32(0)),
            7: fixed(bits("10001")),
            8: computed(lambda: enum(IN_USE if self.balance() > 0 else EXHAUSTED)),
            9: fixed(i32(self._initial)),
            10: fixed(i32(0)),
            11: fixed(NEVER),
        }

        def update(caller: Caller, value: Data | None) -> None:
            if value is None or value.tag is not Tag.DOUBLE_LONG:
                raise AccessError(Result.TYPE_UNMATCHED)
            self._credit.put(_HIDDEN, i32(self._credit.get(_HIDDEN).number + value.number))

        here.methods[1] = Method(update)
        return here

    def _emergency_object(self) -> CosemObject:
        here = CosemObject(112, 0, obis(EMERGENCY_CREDIT))
        here.attributes |= {
            2: computed(lambda: i32(min(EMERGENCY, max(0, self.balance() + EMERGENCY)))),
            3: fixed(enum(2)),
            4: fixed(u8(2)),
            5: fixed(i32(0)),
            6: fixed(i32(-EMERGENCY)),
            7: fixed(bits("11110")),
            8: computed(lambda: enum(self._emergency_status())),
            9: fixed(i32(EMERGENCY)),
            10: fixed(i32(LOW)),
            11: fixed(NEVER),
        }

        def invoke(caller: Caller, value: Data | None) -> None:
            if self._emergency_status() != SELECTABLE:
                raise AccessError(Result.OTHER_REASON)
            self._emergency.put(8, enum(IN_USE))

        here.methods[3] = Method(invoke)
        return here

    def _charge_object(self) -> CosemObject:
        here = CosemObject(113, 0, obis(CHARGE))
        tariff = structure(
            structure(i8(3), i8(-2)),
            structure(u16(3), octets(obis(TOTAL_IMPORT)), i8(2)),
            array([structure(octets(b"\x01"), i16(PRICE))]),
        )
        self._kept(self._charge, 5, tariff)
        self._kept(self._charge, _PAID, u32(0))

        def activated(caller: Caller, value: Data | None) -> None:
            """activate_passive_unit_charge: what was consumed until now was charged at the price before."""
            charged = self.paid()
            self._credit.put(_HIDDEN, i32(self._credit.get(_HIDDEN).number - charged))
            self._charge.put(_PAID, u32(self._charge.get(_PAID).number + charged))
            self._charge.put(_HIDDEN, u32(self._imported()))
            self._charge.put(5, self._charge.get(6))

        here.methods[2] = Method(activated)
        here.attributes |= {
            2: computed(lambda: i32(self._charge.get(_PAID).number + self.paid())),
            3: fixed(enum(0)),
            4: fixed(u8(1)),
            5: Attribute(lambda caller: self._charge.get(5), READ),
            6: self._charge.attribute(6, tariff, CONFIGURE),
            7: self._charge.attribute(7, NEVER, CONFIGURE, lambda d: len(d.octets) == 12),
            8: fixed(u32(0)),
            9: fixed(bits("01")),
            10: computed(lambda: octets(self._stamp())),
            11: fixed(i32(0)),
            12: fixed(i32(0)),
            13: fixed(u16(0)),
        }
        return here

    def _gateway_object(self) -> CosemObject:
        here = CosemObject(115, 0, obis(GATEWAY))
        for index, initial in ((2, octets(b"")), (3, NEVER), (6, structure(enum(8), bits("")))):
            self._kept(self._gateway, index, initial)
            here.attributes[index] = Attribute(partial(self._gateway_cell, index), READ)
        self._kept(self._gateway, _HIDDEN, array([]))
        here.attributes[4] = fixed(array([]))
        here.attributes[5] = fixed(enum(LOCAL))

        def entered(caller: Caller, value: Data | None) -> Data | None:
            if value is None or value.tag is not Tag.OCTET_STRING:
                raise AccessError(Result.TYPE_UNMATCHED)
            self.enter(value.octets)
            return self._gateway.get(6)

        here.methods[1] = Method(entered)
        return here

    def _sts_object(self) -> CosemObject:
        here = CosemObject(116, 0, obis(STS))
        reference = decoder_reference(self._serial)
        number = structure(u32(ISSUER), u64(int(reference)), u8(_luhn(f"{ISSUER}{reference}")))
        values = {
            2: number,
            3: Data(Tag.UTF8_STRING, b"ELECTRICITY"),
            4: array([u8(2)]),  # by keypad
            5: u8(7),  # standard transfer algorithm
            6: u32(SUPPLY_GROUP),
            7: u8(TARIFF_INDEX),
            8: u8(KEY_REVISION),
            9: u8(2),  # unique key
            10: u8(255),
            11: u8(2),
            12: Data(Tag.UTF8_STRING, b""),
        }
        here.attributes |= {index: fixed(value) for index, value in values.items()}
        return here

    def _gateway_cell(self, index: int, caller: Caller) -> Data:
        return self._gateway.get(index)
