"""The logical device: all objects of one meter around its store, clock, load and security."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from drivers.elliptic import Suite
from drivers.virtual import secrets
from drivers.virtual.cosem import cellular, g3, mbus, measurement, prime, settable
from drivers.virtual.cosem.base import ANYONE, CONFIGURE, Cells, CosemObject, Store, obis, table
from drivers.virtual.cosem.clock import NAME as CLOCK
from drivers.virtual.cosem.clock import Clock
from drivers.virtual.cosem.control import (
    DISCONNECT_SCRIPTS,
    TARIFF_SCRIPTS,
    Calendar,
    Limiter,
    Relay,
    script_table,
)
from drivers.virtual.cosem.image import ImageTransfer
from drivers.virtual.cosem.joining import Joining, Outcome
from drivers.virtual.cosem.management import (
    Associations,
    hdlc_setup,
    local_port_setup,
    sap_assignment,
)
from drivers.virtual.cosem.prepayment import Prepayment
from drivers.virtual.cosem.profile import Column, Profile, column
from drivers.virtual.cosem.security_setup import SecuritySetup
from drivers.virtual.cosem.short_name_association import ShortNameAssociation
from drivers.virtual.cosem.time import decode_date_time, encode_date_time
from drivers.virtual.dlms import acse
from drivers.virtual.dlms.axdr import AxdrError, Data, octets, u16
from drivers.virtual.dlms.security import Security
from drivers.virtual.dlms.session import CLIENTS, KEY_PAIR_CLIENTS, SHORT_NAME_CLIENTS, Access
from drivers.virtual.dlms.short_name_dispatch import short_names_of
from drivers.virtual.dlms.short_names import Member
from drivers.virtual.faults import WriteFaults
from drivers.virtual.models import Model, Network
from drivers.virtual.physics import IMPORT_ACTIVE, SLOT, Energies, Load, Phase
from drivers.virtual.wiring import Wiring

LOAD_PROFILE, EVENT_LOG = "1.0.99.1.0.255", "0.0.99.98.0.255"
EVENT_CODE, PROFILE_STATUS = "0.0.96.11.0.255", "0.0.96.10.1.255"
EVENT_CAPACITY = 100
EPOCH_2024 = 1_704_067_200


@dataclass(frozen=True, slots=True)
class Settings:
    """What makes one meter different from the next of its model. Times in seconds."""

    serial: str
    seed: int = 0
    baud: int = 9600
    reaction: float = 0.02
    physical: int = 17
    inactivity: float = 120.0
    lockout: float = 60.0
    days: int = 10
    clock_offset: int = 0
    join_after: float = 30.0
    join: Outcome = Outcome.NORMAL
    base_node: bytes = bytes.fromhex("404022000001")
    list_limit: int | None = None
    max_pdu: int | None = None
    credit: int = 5000
    """Prepayment: hundredths of the currency at the start."""
    import_kwh: int | None = None
    """Active import at the beginning of the profile; None draws it from the seed."""
    wiring: Wiring = field(default_factory=Wiring)
    suite: int = 0
    """Security suite: 0, 1 or 2."""
    faults: WriteFaults = field(default_factory=WriteFaults)


class Event:
    """Codes of the event log (companion standards number them much like this)."""

    POWER_DOWN = 1
    POWER_UP = 2
    CLOCK_SET = 4
    FIRMWARE_CHANGED = 18
    PARAMETERS_CHANGED = 47
    KEYS_CHANGED = 48
    CALENDAR_ACTIVATED = 9
    WRONG_PASSWORD = 46
    LOCKED = 50
    DISCONNECTED = 60
    RECONNECTED = 61
    LIMIT_EXCEEDED = 62
    CREDIT_EXHAUSTED = 63


class LogicalDevice:
    """One meter's content. `system_time` gives unix seconds; a look at the meter begins with `refresh`."""

    def __init__(
        self, model: Model, settings: Settings, system_time: Callable[[], float], store: Store | None = None
    ) -> None:
        self.model, self.settings, self._system_time = model, settings, system_time
        self.flag, self.serial, self.identification = model.flag, settings.serial, model.identification
        self.max_pdu = settings.max_pdu or model.max_pdu
        self.list_limit = model.list_limit if settings.list_limit is None else settings.list_limit
        self.store = store or Store()
        self.system_title = secrets.system_title(model.flag, settings.serial)
        self.client_title = b""
        now = system_time()
        self.powered_at = now
        self.security = Security(
            self.store,
            secrets.derive(settings.serial, settings.suite),
            settings.lockout,
            int(now) - EPOCH_2024,
            Suite(settings.suite),
        )
        self.clock = Clock(self.store, model.zone, settings.clock_offset)
        self.relay = Relay(self.store, self._relay_moved)
        self.limiter = Limiter(self.store, model.threshold, self._limit_exceeded)
        self.calendar = Calendar(self.store, lambda: self.log(Event.CALENDAR_ACTIVATED))
        seed = int.from_bytes(
            hashlib.blake2b(f"{settings.seed}:{settings.serial}".encode(), digest_size=6).digest()
        )
        self.load = Load(model.supply, seed, lambda at: model.zone.local(at).hour, settings.wiring)
        self.energies = Energies(now, _first_registers(seed, settings.import_kwh))
        self.image = ImageTransfer(
            self.store,
            model.product,
            model.firmware,
            model.max_pdu // 2,
            system_time,
            lambda: self.log(Event.FIRMWARE_CHANGED),
        )
        self._event_code = 0
        self._last_capture = 0.0
        self._status = 0
        self.events = self._profile(EVENT_LOG, (column(8, CLOCK), column(1, EVENT_CODE)), EVENT_CAPACITY, 0)
        columns = (
            column(8, CLOCK),
            column(1, PROFILE_STATUS),
            column(3, "1.0.1.8.0.255"),
            column(3, "1.0.2.8.0.255"),
        )
        self.joining = Joining(
            lambda: self._system_time() - self.powered_at, settings.join_after, settings.join
        )
        self.prepayment = (
            Prepayment(self.store, self.serial, settings.credit, self._imported, self._stamp)
            if model.prepayment
            else None
        )
        self.profile = self._profile(LOAD_PROFILE, columns, 96 * 60, SLOT)
        self.clients = SHORT_NAME_CLIENTS if model.short_names else CLIENTS
        if self.security.pairs is not None and not model.short_names:
            self.clients = CLIENTS | KEY_PAIR_CLIENTS
        self.objects: dict[bytes, CosemObject] = {}
        self.base_names: dict[bytes, int] = {}
        self.short_names: dict[int, Member] = {}
        self._build()
        self._connect()
        self._begin(now)
        if self.prepayment is not None:
            self.prepayment.begin()

    # -- time --

    def refresh(self) -> None:
        """Brings energies, profile and calendar up to the present."""
        now = self._system_time()
        due = self.calendar.due()
        if due is not None:
            try:
                if decode_date_time(due, self.clock.zone) <= now + self.clock.offset:
                    self.calendar.activate()
            except AxdrError:
                pass  # partly unspecified: never due
        self._capture_until(now)
        self._advance(now)
        if self.prepayment is not None and self.prepayment.exhausted and self.relay.closed:
            self.log(Event.CREDIT_EXHAUSTED)
            self.relay.trip()

    def _advance(self, to: float) -> None:
        zone, offset = self.clock.zone, self.clock.offset
        self.energies.advance(
            to, self.load, lambda at: self.calendar.tariff(zone.local(at + offset)), self.relay.closed
        )
        self.clock.instant = max(to, self.energies.at)
        if self.relay.closed:
            self.limiter.watch(to, sum(phase.watts for phase in self.phases()))

    def _capture_until(self, now: float) -> None:
        """Captures each load profile row whose time came, at that time."""
        period, offset = self.profile.period, self.clock.offset
        last = self._last_capture
        while period and (last // period + 1) * period <= now + offset:
            last = (last // period + 1) * period
            self._advance(last - offset)
            self.clock.instant = last - offset
            self.profile.capture()
            self._status = 0
        self._last_capture = max(last, now + offset)

    def _begin(self, now: float) -> None:
        """Fills the load profile with the days before and logs the power-up."""
        start = now - self.settings.days * 86400
        self.energies.at = self.clock.instant = start
        self._last_capture = start + self.clock.offset
        self.refresh()
        self.log(Event.POWER_UP)

    def power_up(self) -> None:
        """The supply came back: logged; the next profile row is marked; the network is joined anew."""
        self.refresh()
        self.powered_at = self._system_time()
        self._status = 0x80
        self.log(Event.POWER_DOWN)
        self.log(Event.POWER_UP)
        self.image.power_up()

    # -- what happens inside --

    def log(self, code: int) -> None:
        """Adds a row to the event log."""
        self._event_code = code
        self.events.capture()

    def before_write(self, index: int, total: int) -> None:
        """Faults around a write come in here (see `WriteFaults`)."""
        self.settings.faults.before_write()

    def before_answer(self) -> None:
        """As `before_write`, when an answer is ready to leave."""
        self.settings.faults.before_answer()

    def readout_lines(self) -> list[str]:
        """Mode C data lines: identity, clock, energies by tariff and the first profile row as history 01."""
        self.refresh()
        local = self.clock.zone.local(self.clock.now())
        lines = [f"0.0.0({self.serial})", f"0.9.1({local:%H%M%S})", f"0.9.2({local:%y%m%d})"]
        for quantity, unit in ((1, "kWh"), (2, "kWh"), (3, "kvarh"), (4, "kvarh")):
            for tariff in range(5):
                wh = self.energies.wh(quantity, tariff)
                lines.append(f"{quantity}.8.{tariff}({wh // 1000:06d}.{wh % 1000:03d}*{unit})")
        first = self.profile.rows[0] if self.profile.rows else None
        if first is not None and len(first.values) > 2:
            wh = first.values[2].number * 10**self.model.energy_scaler
            lines.append(f"1.8.0*01({wh // 1000:06d}.{wh % 1000:03d}*kWh)")
        lines += [f"32.7.0({self.phases()[0].millivolts / 1000:05.1f}*V)", f"C.1.0({self.serial})"]
        return lines

    def phases(self) -> list[Phase]:
        """Momentary values now."""
        return self.load.phases(self.clock.instant, self.relay.closed)

    def _limit_exceeded(self) -> None:
        self.log(Event.LIMIT_EXCEEDED)
        self.relay.trip()

    def _relay_moved(self, closed: bool) -> None:
        self.log(Event.RECONNECTED if closed else Event.DISCONNECTED)

    def _profile(self, name: str, columns: tuple[Column, ...], capacity: int, period: int) -> Profile:
        return Profile(
            self.store,
            name,
            columns,
            capacity,
            period,
            self._read,
            lambda: self.clock.now(),
            lambda: self.clock.zone,
            self._capturable,
        )

    def _read(self, what: Column) -> Data:
        return self.objects[what.logical_name].attributes[what.index].read(_OWN)

    def _capturable(self, what: Column) -> bool:
        found = self.objects.get(what.logical_name)
        attribute = found.attributes.get(what.index) if found and found.class_id == what.class_id else None
        return attribute is not None and what.class_id in (1, 3, 8) and bool(attribute.rights.reader)

    def _connect(self) -> None:
        self.security.alarm = lambda locked: self.log(Event.LOCKED if locked else Event.WRONG_PASSWORD)
        self.clock.was_set = self._clock_was_set
        self.profile.was_configured = lambda: self.log(Event.PARAMETERS_CHANGED)

    def _clock_was_set(self) -> None:
        """Rows of a time that comes twice are not captured twice; times jumped over stay empty."""
        self._last_capture = max(self._last_capture, self.clock.now())
        self.log(Event.CLOCK_SET)

    # -- objects --

    def _build(self) -> None:
        everything = [
            *self._identity(),
            self.clock.cosem(),
            *measurement.energies(self.energies_wh, self.model.energy_scaler),
            *measurement.momentary(self.phases, self.model.supply.phases),
            *self._angles(),
            *self._ratios(),
            measurement.status(PROFILE_STATUS, lambda: self._status),
            measurement.status(EVENT_CODE, lambda: self._event_code),
            self.profile.cosem(),
            self.events.cosem(),
            self.relay.cosem(),
            self.limiter.cosem(),
            self.calendar.cosem(),
            self.calendar.special_days(),
            script_table(TARIFF_SCRIPTS, dict.fromkeys(range(1, 5), _nothing)),
            script_table(DISCONNECT_SCRIPTS, {1: self.relay.disconnect, 2: self.relay.reconnect}),
            *self._communication(),
        ]
        if self.model.short_names:
            own = ShortNameAssociation(self.objects, self.base_names, self.security)
            self.objects |= table([*everything, own.cosem()])
            bases, self.short_names = short_names_of(self.objects.values())
            self.base_names |= bases
            return
        associations = Associations(self.objects, self.clients, self.security, self.max_pdu)
        self.objects |= table([*everything, *associations.cosem()])

    def energies_wh(self, quantity: int, tariff: int) -> int:
        return self.energies.wh(quantity, tariff)

    def _imported(self) -> int:
        return self.energies.wh(IMPORT_ACTIVE, 0)

    def _watts(self) -> int:
        return max(0, sum(phase.watts for phase in self.phases()))

    def _stamp(self) -> bytes:
        return encode_date_time(self.clock.now(), self.clock.zone)

    def _identity(self) -> list[CosemObject]:
        digits = "".join(ch for ch in self.serial if ch.isdigit())
        name = (self.model.flag + digits[-13:].rjust(13, "0")).encode()
        self.logical_device_name = name
        label = measurement.label
        return [
            measurement.data("0.0.42.0.0.255", octets(name), ANYONE),
            label("0.0.96.1.0.255", self.serial, ANYONE),
            label("0.0.96.1.1.255", self.model.flag, ANYONE),
            label("0.0.96.1.2.255", self.model.product),
            label("0.0.96.1.3.255", "2026"),
            label("0.0.96.1.4.255", self.model.name),
            measurement.live_data("1.0.0.2.0.255", lambda: octets(self.image.firmware.encode()), ANYONE),
        ]

    def _ratios(self) -> list[CosemObject]:
        """Transformer ratios, numerators and denominators; registers hold secondary values."""
        if self.model.ct_ratio == 1:
            return []
        objects = []
        for code, value in (("2", self.model.ct_ratio), ("3", 1), ("5", 1), ("6", 1)):
            name = f"1.0.0.4.{code}.255"
            cells = Cells(self.store, 1, name)
            attribute = cells.attribute(2, u16(value), CONFIGURE, lambda d: d.number > 0)
            objects.append(CosemObject(1, 0, obis(name), {2: attribute}))
        return objects

    def _angles(self) -> list[CosemObject]:
        phases = self.model.supply.phases
        return measurement.angles(self.phases, phases) if phases > 1 else []

    def _counters(self) -> list[CosemObject]:
        """The last invocation counter accepted from each client with ciphering."""
        return [
            measurement.live_data(name, partial(self.security.counter, client), ANYONE)
            for client, name in counter_objects(self.clients).items()
        ]

    def _communication(self) -> list[CosemObject]:
        settings = self.settings
        objects = [
            sap_assignment(self.logical_device_name),
            SecuritySetup(
                self.security,
                self.system_title,
                lambda: self.client_title,
                lambda: self.log(Event.KEYS_CHANGED),
            ).cosem(),
            *self._counters(),
            hdlc_setup(self.store, settings.physical, settings.baud, int(settings.inactivity)),
            local_port_setup(self.store, self.serial, settings.baud, settings.reaction),
        ]
        if not self.model.short_names:
            objects += [
                self.image.cosem(),
                settable.demand_register(self.store, self._watts, self._stamp),
                settable.display_list(self.store),
                settable.push_setup(self.store),
            ]
        if self.prepayment is not None:
            objects += self.prepayment.cosem()
        if self.model.mbus:
            objects += mbus.objects(self.serial, self.joining, self._stamp)
        return objects + self._network()

    def _network(self) -> list[CosemObject]:
        """What tells how the meter stands in its network."""
        kind = self.model.network
        if kind is Network.PRIME:
            node = prime.Node(prime.mac_of(self.serial), self.settings.base_node)
            return prime.objects(node, self.joining, "PRIME-1.3.6")
        if kind is Network.G3:
            return g3.objects(self.serial, self.joining)
        if kind in (Network.GPRS, Network.LTE):
            lte = kind is Network.LTE
            return cellular.objects(self.store, self.serial, self.joining, self._stamp, lte=lte)
        return []


def counter_objects(clients: Mapping[int, Access]) -> dict[int, str]:
    """Where each client with ciphering finds its invocation counter: 0.0.43.1.x.255."""
    ciphered = (acse.CONTEXT_LN_CIPHERED, acse.CONTEXT_SN_CIPHERED)
    found = [client for client, access in clients.items() if access.context in ciphered]
    return {client: f"0.0.43.1.{number}.255" for number, client in enumerate(found)}


class _Own:
    """The meter itself, capturing its own values."""

    client = 1
    conformance = 0


_OWN = _Own()


def _nothing() -> None:
    """The tariff scripts are run by the calendar itself, which decides the tariff at each moment."""


def _first_registers(seed: int, import_kwh: int | None = None) -> dict[tuple[int, int], int]:
    """Energies at the beginning of the profile, in W·ms; the total is the sum of the tariffs."""
    registers: dict[tuple[int, int], int] = {}
    for quantity, share in ((1, 1000), (2, 0), (3, 220), (4, 0)):
        total = 0
        for tariff in range(1, 5):
            draw = hashlib.blake2b(f"{seed}:{quantity}:{tariff}".encode(), digest_size=4).digest()
            wh = int.from_bytes(draw, "big") % 900_000 * share // 1000 if tariff < 4 else 0
            registers[quantity, tariff] = wh * 3_600_000
            total += wh * 3_600_000
        registers[quantity, 0] = total
    if import_kwh is not None:
        for tariff, share in ((1, 50), (2, 30), (3, 20), (0, 100)):
            registers[1, tariff] = import_kwh * share * 10 * 3_600_000
    return registers
