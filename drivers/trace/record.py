"""The file of a recorded session: one JSON object a line. Written while it happens, read back for explaining
and replaying.

    {"t": 0.0, "trace": 2, "mode": "auto", "model": null, "client": 2}      the first line
    {"t": 0.12, "dir": "tx", "hex": "2F3F210D0A"}    octets on the line
    {"t": 1.40, "dir": "tx", "hidden": 76}           as many octets that hold a secret
    {"t": 2.10, "dir": "tx", "apdu": "C001…"}                plain APDU of a ciphered association
    {"t": 3.00, "note": "wrong-password", "text": "…"}                       what the session said about it

Secrets are left out by construction: whatever sends one says so beforehand (``Line.withhold``), and a secret
that this session was given is looked for in all that is written.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from drivers.errors import WrongValue

FORM = 2
_SHORTEST_SECRET = 4
_LINE_LIMIT = 200_000
_RECORD_LIMIT = 1_000_000


class Record(msgspec.Struct, frozen=True):
    """One line. Exactly one of ``hex``, ``hidden``, ``apdu``, ``note`` or ``trace`` is there."""

    t: float
    dir: str = ""
    hex: str | None = None
    hidden: int | None = None
    apdu: str | None = None
    note: str | None = None
    text: str = ""
    trace: int | None = None
    mode: str = ""
    model: str | None = None
    client: int | None = None

    @property
    def octets(self) -> bytes:
        """What crossed the line; zeros for what is hidden."""
        return bytes.fromhex(self.hex) if self.hex is not None else bytes(self.hidden or 0)


class TraceWriter:
    """Appends records; each is on its way to the disk when the call returns."""

    def __init__(self, path: Path, mode: str, model: str | None, client: int) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._start = time.monotonic()
        self._secrets: set[bytes] = set()
        self._write({"trace": FORM, "mode": mode, "model": model, "client": client}, self._start)

    def protect(self, secret: bytes) -> None:
        """Never write these octets, wherever they stand."""
        if len(secret) >= _SHORTEST_SECRET:
            self._secrets.add(secret)

    def __call__(self, now: float, direction: str, data: bytes, hidden: bool) -> None:
        """Octets that crossed the line."""
        secret = hidden or self._holds_secret(data)
        self._write(
            {"dir": direction} | ({"hidden": len(data)} if secret else {"hex": data.hex().upper()}), now
        )

    def apdu(self, direction: str, plain: bytes, hidden: bool) -> None:
        """A plain APDU of a ciphered association; ``hidden``: it holds a secret."""
        secret = hidden or self._holds_secret(plain)
        shown: dict[str, object] = (
            {"note": "hidden-apdu", "text": f"{len(plain)} octets"}
            if secret
            else {"apdu": plain.hex().upper()}
        )
        self._write({"dir": direction} | shown, time.monotonic())

    def note(self, code: str, text: str) -> None:
        """What the session says: an error, a cut, a job."""
        self._write({"note": code, "text": text}, time.monotonic())

    def _holds_secret(self, data: bytes) -> bool:
        return any(secret in data for secret in self._secrets)

    def _write(self, record: dict[str, object], now: float) -> None:
        line = json.dumps({"t": round(now - self._start, 4)} | record)
        self._file.write(line + "\n")
        self._file.flush()


def read_trace(path: Path) -> list[Record]:
    """All records of a file. Raises ``WrongValue`` naming the first line that is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongValue(f"{path.name} cannot be read as a trace: {type(error).__name__}.") from None
    return parse_trace(text.splitlines(), path.name)


def parse_trace(lines: Iterable[str], name: str = "trace") -> list[Record]:
    """Records of lines; traces of earlier versions have only ``t``, ``dir`` and ``hex``."""
    decoder = msgspec.json.Decoder(Record)
    records: list[Record] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = decoder.decode(line[:_LINE_LIMIT])
            bytes.fromhex(record.hex or "")
            bytes.fromhex(record.apdu or "")
        except (msgspec.ValidationError, msgspec.DecodeError, ValueError):
            raise WrongValue(f"{name}, line {number}: this is no record of a trace.") from None
        if not 0 <= (record.hidden or 0) <= _LINE_LIMIT:
            raise WrongValue(f"{name}, line {number}: hides an impossible number of octets.")
        records.append(record)
        if len(records) > _RECORD_LIMIT:
            raise WrongValue(f"{name}: more than {_RECORD_LIMIT} records.")
    return records


@dataclass(frozen=True)
class Burst:
    """What one side sent in a row: ``hidden`` if any of it is."""

    t: float
    end: float
    direction: str
    data: bytes
    hidden: bool


def in_turns(records: Iterable[Record]) -> list[Burst | Record]:
    """What each side sent in a row, joined, and what else stands between, in the order of the file. What we
    write is one burst each time; a session that follows in the same file is not joined to the one before."""
    found: list[Burst | Record] = []
    for record in records:
        if record.dir not in ("tx", "rx") or (record.hex is None and record.hidden is None):
            found.append(record)
            continue
        data, hidden = record.octets, record.hidden is not None
        last = found[-1] if found else None
        if isinstance(last, Burst) and last.direction == record.dir == "rx":
            found[-1] = Burst(last.t, record.t, "rx", last.data + data, last.hidden or hidden)
        else:
            found.append(Burst(record.t, record.t, record.dir, data, hidden))
    return found


def bursts(records: Iterable[Record]) -> list[Burst]:
    """Octets of the line alone."""
    return [turn for turn in in_turns(records) if isinstance(turn, Burst)]
