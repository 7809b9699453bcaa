"""Values that come out of a meter: identity, readings, profile rows, join evidence.

Readings are decimal or plain text, never floats; serials are strings, never numbers. All structs
are frozen and cross the process border as JSON.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Identity(msgspec.Struct, frozen=True):
    """Who the meter says it is. A key that the meter does not give is ``None``.

    ``manufacturer`` is the three FLAG letters, ``model`` the name of the meter model file that matched,
    else the device type text of the meter. ``extra`` holds everything else that was learnt, for example
    ``identification`` (the IEC 62056-21 line), ``device_type``, ``device_id_2``, ``prime_mac``.
    """

    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    firmware: str | None = None
    logical_device_name: str | None = None
    extra: dict[str, str] = {}


class Reading(msgspec.Struct, frozen=True):
    """One value. ``item`` is what was asked (``3:1.0.1.8.0.255:2``) or the mode C code as sent.

    ``value`` is a decimal or text string with the scaler applied; ``unit`` as sent or of scaler_unit;
    ``time`` ISO 8601 UTC where the meter gave one; ``status`` is ``None`` for a good value, else the reason
    why there is none (for example ``object-undefined``).
    """

    item: str
    name: str | None = None
    value: str | None = None
    unit: str | None = None
    time: str | None = None
    status: str | None = None


class ByteCount(msgspec.Struct, frozen=True):
    """Bytes on the line since the session began."""

    tx: int = 0
    rx: int = 0


class ReadResult(msgspec.Struct, frozen=True):
    """The answer of ``read``: printed as it is by ``fieldtool meter read --json``; the keys are kept."""

    identity: Identity
    readings: list[Reading]
    exchanges: int
    bytes: ByteCount
    seconds: float


class ProfileColumn(msgspec.Struct, frozen=True):
    """A capture object of a profile: ``item`` CLASS:OBIS:ATTR, the model's name and the unit of its
    values."""

    item: str
    name: str | None = None
    unit: str | None = None


class ProfileRow(msgspec.Struct, frozen=True):
    """One captured row: ``time`` ISO 8601 UTC, ``status`` the raw status word as text, ``values`` by
    column, ``flags`` the status bits that are set, in English as the model file names them."""

    time: str | None
    status: str | None
    values: list[str | None]
    flags: list[str] = []


class ProfileResult(msgspec.Struct, frozen=True):
    """The answer of ``profile``; ``columns`` names the values of each row (clock and status are apart)."""

    item: str
    columns: list[ProfileColumn]
    rows: list[ProfileRow]
    capture_period: int | None
    exchanges: int
    bytes: ByteCount
    seconds: float


class EventRow(msgspec.Struct, frozen=True):
    """One row of an event log: ``time`` ISO 8601 UTC, ``code`` as the meter numbers it, ``name`` in English
    where the model file knows the code, ``status`` the raw status word, ``log`` the profile it comes from,
    ``details`` what else was captured, by item."""

    time: str | None
    code: str | None
    name: str | None
    status: str | None
    log: str
    details: dict[str, str] = {}


class EventsResult(msgspec.Struct, frozen=True):
    """The answer of ``events``, oldest row first."""

    identity: Identity
    rows: list[EventRow]
    exchanges: int
    bytes: ByteCount
    seconds: float


class ObjectAttribute(msgspec.Struct, frozen=True):
    """One attribute as it reads: ``value`` on one line (scaler applied, with ``unit``), ``fields`` path →
    text where it is structured; ``status`` as of a reading, also ``secret`` and ``buffer`` (not asked for),
    ``not-understood`` (not what its class says; shown as it came)."""

    index: int
    name: str
    value: str | None = None
    unit: str | None = None
    status: str | None = None
    fields: dict[str, str | None] = {}


class ObjectView(msgspec.Struct, frozen=True):
    """An object of the meter; ``version`` is ``None`` where its association view does not list it."""

    class_id: int
    version: int | None
    obis: str
    name: str
    attributes: list[ObjectAttribute] = []


class ObjectsResult(msgspec.Struct, frozen=True):
    """The answer of ``objects``: all without attributes, or the one asked for with them."""

    identity: Identity
    objects: list[ObjectView]
    exchanges: int
    bytes: ByteCount
    seconds: float


class JoinState(StrEnum):
    """What the meter itself says about its communication network."""

    JOINED = "joined"
    SEARCHING = "searching"
    DENIED = "denied"
    UNKNOWN = "unknown"


class ChildDevice(msgspec.Struct, frozen=True):
    """A meter behind this one (M-Bus): ``channel`` 1 to 4, ``item`` of its number, ``evidence`` as
    ``address``, ``number``, ``manufacturer`` (FLAG), ``version``, ``type``, ``access_number``, ``status``,
    ``key``."""

    channel: int
    item: str
    state: JoinState
    evidence: dict[str, str] = {}


class JoinEvidence(msgspec.Struct, frozen=True):
    """Join state with what it was concluded from.

    ``technology`` is ``prime``, ``g3``, ``gsm`` (any cellular), ``wisun``, ``lorawan`` or ``none``. Evidence
    of PRIME: ``mac`` (EUI-48 of the meter), ``sna`` (EUI-48 of the base node), ``lnid``, ``lsid``, ``sid``,
    ``node_state``, ``level``, ``hears`` (switches), ``phy_quality``, ``firmware``; G3: ``mac``,
    ``short_address``, ``pan_id``, ``route_cost``, ``hops``, ``neighbours`` (the best), ``neighbour_count``,
    ``coordinator_lqi``, ``coordinator_phase`` (steps of 60°); cellular: ``operator``, ``status``,
    ``ps_status``, ``access``, ``signal_dbm``, ``cell_id``, ``rsrp_dbm``, ``rsrq_db``, ``snr_db``.

    ``sources``: the words that decided, with the attribute (CLASS:OBIS:ATTR) that said each. ``children``:
    meters behind this one.
    """

    state: JoinState
    technology: str
    evidence: dict[str, str] = {}
    sources: dict[str, str] = {}
    children: list[ChildDevice] = []
