"""The installation record as data: every field of an acta, all of it text, in one canonical form."""

from __future__ import annotations

import hashlib

import msgspec

from fieldtool.text import Language
from workorders.journal.canonical import canonical_bytes
from workorders.journal.entry import Realm

FORMAT = "fieldtool/installation-record/1"
#: Number of the page layout; a new one gets a new number and the old one stays able to be set again.
LAYOUT = "1"
#: As 1, with a title of its own and what was established, step by step: for work that is no exchange.
LAYOUT_WITH_DETAILS = "2"
LAYOUTS = (LAYOUT, LAYOUT_WITH_DETAILS)
_OF_LAYOUT_2 = ("title", "details")


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """A reading. value: decimal text or a word such as *not obtainable*; time: as shown."""

    name: str
    value: str
    unit: str = ""
    time: str = ""


class SealMark(msgspec.Struct, frozen=True, kw_only=True):
    """A seal at a position (cover, terminals, …); action: found, removed, applied, in words."""

    position: str
    number: str
    action: str = ""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A meter as it was taken out or put in."""

    maker: str = ""
    model: str = ""
    serial: str = ""
    year: str = ""
    phases: str = ""
    accuracy_class: str = ""
    constant: str = ""
    ct_ratio: str = ""
    calibration: str = ""
    firmware: str = ""
    module: str = ""
    sim: str = ""
    registers: tuple[Register, ...] = ()
    seals: tuple[SealMark, ...] = ()


class Supply(msgspec.Struct, frozen=True, kw_only=True):
    """The supply point, its holder and where the meter sits."""

    number: str = ""
    holder: str = ""
    document: str = ""
    address: str = ""
    position: str = ""
    tariff: str = ""
    contracted_power: str = ""
    sed: str = ""
    feeder: str = ""
    phase: str = ""
    concentrator: str = ""
    panel: str = ""
    slot: str = ""


class PhotoRef(msgspec.Struct, frozen=True, kw_only=True):
    """A photo of the annex. sha256: of the plain picture, hex, as the journal's entry names it."""

    sha256: str
    media_type: str = "image/jpeg"
    what: str = ""
    taken_at: str = ""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed, or why not. sha256: of the picture of the signature; None: not signed, `note` says why."""

    role: str
    name: str = ""
    document: str = ""
    note: str = ""
    witness: str = ""
    sha256: str | None = None
    media_type: str = "image/png"


class InstallationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record. `started_at` and `finished_at` are RFC 3339 UTC; `date`, `started`, `finished` are what is
    shown, in local time. `title` and `details` (what was established, in the order of the steps) are of
    layout 2 and stand in no record of layout 1."""

    number: str
    order: str
    order_id: str
    kind: str
    realm: Realm
    date: str
    started_at: str
    finished_at: str
    started: str = ""
    finished: str = ""
    utility: str = ""
    contractor: str = ""
    crew: str = ""
    technicians: tuple[str, ...] = ()
    supply: Supply = Supply()
    removed: Device | None = None
    installed: Device | None = None
    measurements: tuple[Register, ...] = ()
    rotation: str = ""
    network: str = ""
    reason: str = ""
    anomalies: tuple[str, ...] = ()
    outage_minutes: str = ""
    destination: str = ""
    remarks: str = ""
    signatures: tuple[Signature, ...] = ()
    photos: tuple[PhotoRef, ...] = ()
    language: Language = Language.ES
    layout: str = LAYOUT
    format: str = FORMAT
    title: str = ""
    details: tuple[Register, ...] = ()

    def pictures(self) -> dict[str, str]:
        """SHA-256 → media type of every picture that belongs to the record."""
        found = {photo.sha256: photo.media_type for photo in self.photos}
        return found | {s.sha256: s.media_type for s in self.signatures if s.sha256 is not None}


def canonical(record: InstallationRecord) -> bytes:
    """The bytes that are hashed, signed and attached: RFC 8785 with NFC text."""
    plain = msgspec.to_builtins(record)
    if record.layout == LAYOUT:
        plain = {name: value for name, value in plain.items() if name not in _OF_LAYOUT_2}
    return canonical_bytes(plain)


def record_hash(record: InstallationRecord) -> str:
    """SHA-256 of the canonical bytes, hex."""
    return hashlib.sha256(canonical(record)).hexdigest()
