"""An old meter's content: registers with two closed billing periods, demand, clock, load profile, log."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from drivers.virtual import secrets
from drivers.virtual.cosem.time import Zone
from drivers.virtual.faults import WriteFaults
from drivers.virtual.physics import MS_PER_HOUR, SLOT, Energies, Load, Phase, Supply
from drivers.virtual.programming import Refused
from drivers.virtual.uart import SIGN_ON, Framing
from drivers.virtual.wiring import Wiring

_ATTEMPTS = 3
_PARTIAL_ROWS = 16
_LOG_LIMIT = 100
_UNITS = ((1, "kWh"), (2, "kWh"), (3, "kvarh"), (4, "kvarh"))
_COLUMNS = "(1.5.0)(kW)(3.5.0)(kvar)"
POWER_UP, CLOCK_SET, CHANGED = 0x0080, 0x0020, 0x0001
"""Bits of the status word (VDEW 2.1): supply came back, clock was set, something was configured."""


@dataclass(frozen=True, slots=True)
class LegacyModel:
    """One kind of old meter. `mode`: a, b, c or d; `text` of its identification; `baud`: the highest rate;
    `tariffs`: how many registers for each quantity; `block_check`: False for makes that send neither STX nor
    check; `writable`: code → pattern of what may be written; `first`: the line of its sign-on, whose
    character format it keeps (in mode D: the line on which it sends)."""

    name: str
    description: str
    mode: str
    flag: str
    text: str
    serial: str
    firmware: str
    supply: Supply
    zone: Zone
    baud: int
    tariffs: int = 0
    block_check: bool = True
    profile: bool = False
    writable: dict[str, str] = field(default_factory=dict)
    first: Framing = SIGN_ON


LEGACY_MODELS: dict[str, LegacyModel] = {
    model.name: model
    for model in (
        LegacyModel(
            name="iec-a-legacy",
            description="Single phase, mode A: 300 baud throughout, no programming",
            mode="a",
            flag="KAM",
            text="162C-S1",
            serial="07118823",
            firmware="1.2",
            supply=Supply(phases=1, voltage=220, mean_power=240),
            zone=Zone(300),
            baud=300,
        ),
        LegacyModel(
            name="iec-b-legacy",
            description="Single phase, two tariffs, mode B: 2400 baud without an acknowledgement",
            mode="b",
            flag="ACE",
            text="ACE2000",
            serial="21904417",
            firmware="3.4",
            supply=Supply(phases=1, voltage=220, mean_power=280),
            zone=Zone(300),
            baud=2400,
            tariffs=2,
        ),
        LegacyModel(
            name="iec-c-legacy",
            description="Three phases, four tariffs, mode C: readout, programming mode, load profile and log",
            mode="c",
            flag="LGZ",
            text="ZMB120AR1",
            serial="64127735",
            firmware="P09",
            supply=Supply(phases=3, voltage=220, mean_power=310),
            zone=Zone(300),
            baud=4800,
            tariffs=4,
            profile=True,
            writable={"0.0.1": r"[0-9A-Za-z \-]{0,16}", "0.8.0": r"(?:05|10|15|30|60)"},
        ),
        LegacyModel(
            name="iec-d-legacy",
            description="Single phase, mode D: sends by itself at 2400 baud when its button is pressed",
            mode="d",
            flag="ISK",
            text="ME162",
            serial="35550142",
            firmware="2.0",
            supply=Supply(phases=1, voltage=220, mean_power=260),
            zone=Zone(300),
            baud=2400,
            block_check=False,
            first=Framing(2400, 7, "E"),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class LegacySettings:
    """What makes one meter different from the next of its model. Times in seconds."""

    serial: str
    seed: int = 0
    baud: int = 9600
    reaction: float = 0.02
    lockout: float = 60.0
    days: int = 10
    clock_offset: int = 0
    import_kwh: int | None = None
    button: float = 3.0
    """Mode D: the button is pressed that long after a client came, and again and again."""
    wiring: Wiring = field(default_factory=Wiring)
    faults: WriteFaults = field(default_factory=WriteFaults)


class LegacyDevice:
    """`system_time` gives unix seconds. It is what programming mode reads and writes (`Registers`)."""

    password_first = False

    def __init__(
        self, model: LegacyModel, settings: LegacySettings, system_time: Callable[[], float]
    ) -> None:
        self.model, self.settings, self._system_time = model, settings, system_time
        self.serial = settings.serial
        self.password = secrets.derive(settings.serial)["password"].encode()
        seed = int.from_bytes(
            hashlib.blake2b(f"{settings.seed}:{settings.serial}".encode(), digest_size=6).digest()
        )
        self.load = Load(model.supply, seed, lambda at: model.zone.local(at).hour, settings.wiring)
        self.offset = float(settings.clock_offset)
        self.values = {"0.0.1": "", "0.8.0": "15"} if model.writable else {}
        self.changed: Callable[[], None] = _nothing
        now = system_time()
        self.began = now - settings.days * 86400
        self.energies = Energies(self.began, _first(seed, settings.import_kwh, model.tariffs))
        self.closed: list[tuple[float, dict[tuple[int, int], int]]] = []
        self.demand = (0, now)
        self.log: list[tuple[float, int]] = []
        self._failures, self._locked_until = 0, 0.0
        for part in (1, 2):
            self._advance(self.began + (now - self.began) * part / 3)
            self.closed.append((self.energies.at, dict(self.energies.registers)))
        self.refresh()
        self._note(POWER_UP)

    # -- time --

    def refresh(self) -> None:
        """Brings the registers up to the present."""
        self._advance(self._system_time())

    def _advance(self, to: float) -> None:
        self.energies.advance(to, self.load, self._tariff, True)
        watts = sum(power for power, _ in self.load.slot_power(to - SLOT))
        if watts > self.demand[0]:
            self.demand = (watts, to // SLOT * SLOT)

    def _tariff(self, at: float) -> int:
        if self.model.tariffs < 2:
            return 1
        return self.model.zone.local(at + self.offset).hour // 6 % self.model.tariffs + 1

    @property
    def clock(self) -> datetime:
        """Local time of the meter."""
        return self.model.zone.local(self._system_time() + self.offset)

    def power_up(self) -> None:
        """The supply came back."""
        self._failures = 0
        self._note(POWER_UP)

    def phases(self) -> list[Phase]:
        """Momentary values now."""
        return self.load.phases(self._system_time(), connected=True)

    def _note(self, status: int) -> None:
        self.log = [*self.log, (self._system_time(), status)][-_LOG_LIMIT:]
        self.changed()

    # -- lock-out --

    def locked(self, now: float) -> bool:
        """Whether no password is taken at this moment (monotonic seconds)."""
        return now < self._locked_until

    def login(self, password: bytes, now: float) -> bool:
        """Check a password; the third wrong one in a row locks."""
        if self.locked(now):
            return False
        if password == self.password:
            self._failures = 0
            return True
        self._failures += 1
        if self._failures >= _ATTEMPTS:
            self._failures, self._locked_until = 0, now + self.settings.lockout
        return False

    # -- readout --

    def readout(self) -> list[str]:
        """The data lines, as old meters of this mode send them."""
        self.refresh()
        model, local = self.model, self.clock
        lines = ["F.F(00000000)", f"0.0.0({self.serial})", f"0.2.0({model.firmware})"]
        if model.mode == "a":
            wh = self.energies.wh(1, 0)
            return [*lines, f"1.8.0({wh // 1000:06d}.{wh // 100 % 10}*kWh)"]
        lines += [f"0.9.1({local:%H%M%S})", f"0.9.2({local:%y%m%d})"]
        lines += [f"0.1.0({len(self.closed):02d})", *self._closing_times()]
        for quantity, unit in _UNITS[: 4 if model.supply.phases == 3 else 1]:
            lines += self._register_lines(quantity, unit)
        watts, at = self.demand
        stamp = model.zone.local(at + self.offset)
        lines.append(f"1.6.0({_thousandths(watts)}*kW)({stamp:%y-%m-%d %H:%M})")
        values = [phase.millivolts for phase in self.phases()]
        codes = ("32.7.0", "52.7.0", "72.7.0")
        lines.append("".join(f"{c}({v / 1000:05.1f}*V)" for c, v in zip(codes, values, strict=False)))
        return lines + [f"{code}({value})" for code, value in self.values.items()]

    def _closing_times(self) -> list[str]:
        local = self.model.zone.local
        return [
            f"0.1.2*{number:02d}({local(at + self.offset):%y-%m-%d %H:%M})"
            for number, (at, _) in enumerate(self.closed, 1)
        ]

    def _register_lines(self, quantity: int, unit: str) -> list[str]:
        lines = []
        for tariff in range(self.model.tariffs + 1):
            code = f"{quantity}.8.{tariff}"
            lines.append(f"{code}({_thousandths(self.energies.wh(quantity, tariff))}*{unit})")
            for number, (_, registers) in enumerate(self.closed, 1):
                wh = registers.get((quantity, tariff), 0) // MS_PER_HOUR
                lines.append(f"{code}*{number:02d}({_thousandths(wh)}*{unit})")
        return lines

    # -- programming mode --

    def read(self, code: str, request: str, *, partial: bool) -> list[str]:
        """What stands at a code, in blocks; `partial`: several may be sent. Raises `Refused`."""
        if code in ("P.01", "P.98") and self.model.profile:
            groups = self._profile(request) if code == "P.01" else self._log(request)
            if not partial:
                return ["".join(groups)]
            return ["".join(groups[at : at + _PARTIAL_ROWS]) for at in range(0, len(groups), _PARTIAL_ROWS)]
        for line in self.readout():
            found = re.search(rf"(?:^|\)){re.escape(code)}(\([^)]*\)(?:\([^)]*\))*)", line)
            if found:
                return [code + found[1]]
        raise Refused("ER02")

    def write(self, code: str, value: str) -> None:
        """Take a value over. Raises `Refused`, or what the faults around a write raise."""
        if code in ("0.9.1", "0.9.2"):
            local = self._clock_with(code, value)
            self.settings.faults.before_write()
            self.offset = self.model.zone.utc(local) - self._system_time()
            self._note(CLOCK_SET)
            return
        pattern = self.model.writable.get(code)
        if pattern is None:
            raise Refused("ER03")
        if not re.fullmatch(pattern, value):
            raise Refused("ER04")
        self.settings.faults.before_write()
        self.values[code] = value
        self._note(CHANGED)

    def _clock_with(self, code: str, value: str) -> datetime:
        now, form = self.clock, "%H%M%S" if code == "0.9.1" else "%y%m%d"
        try:
            given = datetime.strptime(value, form)  # noqa: DTZ007  # the meter's own time has no zone
        except ValueError:
            raise Refused("ER04") from None
        if code == "0.9.1":
            return now.replace(hour=given.hour, minute=given.minute, second=given.second, microsecond=0)
        return now.replace(year=given.year, month=given.month, day=given.day)

    def _bounds(self, request: str) -> tuple[float, float]:
        first, _, last = request.partition(";")
        return self._moment(first, self.began), self._moment(last, self._system_time() + 1)

    def _moment(self, text: str, default: float) -> float:
        """`0YYMMDDhhmm` (season, local standard time) to unix seconds. Raises `Refused`."""
        if not text:
            return default
        try:
            local = datetime.strptime(text[1:11], "%y%m%d%H%M")  # noqa: DTZ007  # local by definition
        except ValueError:
            raise Refused("ER04") from None
        return self.model.zone.utc(local) - self.offset

    def _profile(self, request: str) -> list[str]:
        """Mean power of each period, as lines, after a header for each day."""
        first, last = self._bounds(request)
        period = int(self.values.get("0.8.0", "15")) * 60
        at = -(-max(first, self.began + period) // period) * period
        groups: list[str] = []
        day = None
        while at <= min(last, self._system_time()):
            local = self.model.zone.local(at + self.offset)
            row = "".join(f"({power}.{part:03d})" for power, part in self._means(at - period, period))
            if local.date() != day:
                day = local.date()
                row = self._header("P.01", local, 0, period // 60) + row
            groups.append(row + "\r\n")
            at += period
        return groups or [self._header("P.01", self.clock, 0, period // 60)]

    def _means(self, start: float, period: int) -> list[tuple[int, int]]:
        slots = [self.load.slot_power(start + at) for at in range(0, period, min(period, SLOT))]
        active = sum(watts for slot in slots for watts, _ in slot) // len(slots)
        reactive = sum(var for slot in slots for _, var in slot) // len(slots)
        return [divmod(max(active, 0), 1000), divmod(max(reactive, 0), 1000)]

    def _header(self, code: str, local: datetime, status: int, minutes: int) -> str:
        return f"{code}(0{local:%y%m%d%H%M%S})({status:04X})({minutes})(2){_COLUMNS}\r\n"

    def _log(self, request: str) -> list[str]:
        first, last = self._bounds(request)
        return [
            f"P.98(0{self.model.zone.local(at + self.offset):%y%m%d%H%M%S})({status:04X})()(0)\r\n"
            for at, status in self.log
            if first <= at <= last
        ]


def _thousandths(value: int) -> str:
    return f"{value // 1000:06d}.{value % 1000:03d}"


def _first(seed: int, import_kwh: int | None, tariffs: int) -> dict[tuple[int, int], int]:
    """Registers at the beginning, in W·ms; the total is the sum of the tariffs."""
    registers: dict[tuple[int, int], int] = {}
    for quantity, share in ((1, 1000), (3, 180)):
        draw = int.from_bytes(hashlib.blake2b(f"{seed}:{quantity}".encode(), digest_size=4).digest())
        wh = (
            import_kwh * 1000
            if import_kwh is not None and quantity == 1
            else draw % 40_000_000 * share // 1000
        )
        parts = max(1, tariffs)
        for tariff in range(1, parts + 1):
            registers[quantity, tariff] = (wh // parts + (wh % parts if tariff == 1 else 0)) * MS_PER_HOUR
        registers[quantity, 0] = wh * MS_PER_HOUR
    return registers


def _nothing() -> None:
    """Nobody keeps this meter's state."""
