"""What networks say of devices becomes evidence: matched by identity, after the installation, and no more
often than something changes.

Whoever asked or was told (a concentrator's list, a head-end's list, a network server) hands over sightings.
Nothing of it is trusted by itself: a sighting counts for a device that stands there by an entry, if it
was heard after it was mounted, with a fine status. Everything that was heard is kept in the head-end's list
(`heard`), so that what nobody mounted comes up as an orphan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from workorders.clock import read_utc, utc_text
from workorders.gateway.chains import writing
from workorders.gateway.office import Office
from workorders.journal.kinds import JoinReported
from workorders.journal.words import JoinState
from workorders.journal.writer import Draft
from workorders.network import HeardDevice, load_heard
from workorders.store import schema
from workorders.store.settings import set_setting, setting

FINE = 2
CLOCK_SLACK = timedelta(minutes=5)
"""A concentrator's clock may be this far behind ours, or ahead, before what it says is doubted."""
_CHUNK = 500


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A word about one device. `serial`, or `identity` (an EUI, an address) where the network knows no
    serial.

    `heard_at` UTC text, None: known there, never heard. `concentrator`: mRID. `status`: 2 fine, 1
    warning, 0 error
    (ComStatus), None where the source has no such thing. `identities`: what else it says (`mac`).
    """

    serial: str | None = None
    identity: str | None = None
    heard_at: str | None = None
    concentrator: str | None = None
    status: int | None = None
    identities: dict[str, str] = {}


class ProofReport(msgspec.Struct, frozen=True, kw_only=True):
    """How sightings were taken. Each is in exactly one of the numbers but `reported`, which counts entries.

    known: of devices that stand by entries, heard after they were mounted. foreign: nobody mounted it (it
    is kept
    as heard without a site). early: heard before it was mounted. unwell: heard with errors. silent: never
    heard. doubtful: heard in the future, or one identity of several devices.
    """

    seen: int = 0
    known: int = 0
    foreign: int = 0
    early: int = 0
    unwell: int = 0
    silent: int = 0
    doubtful: int = 0
    reported: int = 0


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a technology is waited for (its file's `[wait]`)."""

    recheck_minutes: int = 60
    failed_hours: int = 72
    silent_hours: int = 24


def take_sightings(
    office: Office, project: str, sightings: Sequence[Sighting], source: str, *, actor: str | None = None
) -> ProofReport:
    """Match sightings with the devices of a project and write what is new, in one transaction."""
    counts = dict.fromkeys(ProofReport.__struct_fields__, 0) | {"seen": len(sightings)}
    with writing(office, project) as (connection, write):
        newest: dict[str, tuple[Sighting, str | None]] = {}
        for one, serial in _matched(connection, sightings):
            fate = _fate(one, serial, office.now())
            counts[fate] += fate != "known"
            if fate != "known" or serial is None:
                continue
            before = newest.get(serial)
            if before is not None:
                counts["known"] += 1  # said twice: the newer word counts
            if before is None or (one.heard_at or "") > (before[0].heard_at or ""):
                newest[serial] = (one, serial)
        heard = [
            HeardDevice(serial=serial, heard_at=one.heard_at or "", concentrator=one.concentrator)
            for serial, (one, _) in newest.items()
        ]
        load_heard(connection, project, heard)
        drafts = _news(
            connection, {serial: one for serial, (one, _) in newest.items()}, source, actor, counts
        )
        write(drafts)
    return ProofReport(**(counts | {"reported": len(drafts)}))


def _fate(one: Sighting, serial: str | None, now: datetime) -> str:
    """Which of the report's numbers it belongs to, before the site is looked at."""
    if one.heard_at is None:
        return "silent"
    if serial is None or read_utc(one.heard_at) > now + CLOCK_SLACK:
        return "doubtful"
    return "known" if one.status in (None, FINE) else "unwell"


def _matched(connection: Connection, sightings: Sequence[Sighting]) -> Iterator[tuple[Sighting, str | None]]:
    """Each sighting with the serial it is about. An identity that nobody has stands for itself."""
    wanted = {_plain(one.identity) for one in sightings if one.serial is None and one.identity}
    owners: dict[str, set[str]] = {}
    if wanted:
        device = schema.device
        for row in connection.execute(select(device.c.serial, device.c.identities)):
            for value in (row.identities or {}).values():
                if _plain(value) in wanted:
                    owners.setdefault(_plain(value), set()).add(row.serial)
    for one in sightings:
        if one.serial is not None:
            yield one, one.serial
        elif one.identity:
            found = owners.get(_plain(one.identity), {one.identity})
            yield one, next(iter(found)) if len(found) == 1 else None


def _plain(identity: str) -> str:
    return "".join(mark for mark in identity.upper() if mark.isalnum())


def _news(
    connection: Connection,
    newest: dict[str, Sighting],
    source: str,
    actor: str | None,
    counts: dict[str, int],
) -> list[Draft]:
    """An entry for each standing device of which something changed."""
    drafts: list[Draft] = []
    sites = {row.serial: row for row in _sites(connection, newest)}
    for serial, one in sorted(newest.items()):
        site, at = sites.get(serial), one.heard_at or ""
        if site is None:
            counts["foreign"] += 1
            continue
        mounted = site.placed_at or site.since
        if read_utc(at) < read_utc(mounted) - CLOCK_SLACK:
            counts["early"] += 1
            continue
        counts["known"] += 1
        draft = _draft(site, one, max(at, mounted), source, actor)
        if draft is not None:
            drafts.append(draft)
    return drafts


def _sites(connection: Connection, serials: Iterable[str]) -> Iterator[Any]:
    placed, joined, device = schema.placement, schema.join_state, schema.device
    known = sorted(serials)
    for at in range(0, len(known), _CHUNK):
        yield from connection.execute(
            select(
                *(placed.c.serial, placed.c.order_id, placed.c.since, device.c.identities),
                *(joined.c.state, joined.c.reason, joined.c.concentrator, joined.c.first_joined_at),
                *(joined.c.placed_at, joined.c.at.label("said_at")),
            )
            .outerjoin(joined, joined.c.serial == placed.c.serial)
            .outerjoin(device, device.c.serial == placed.c.serial)
            .where(placed.c.serial.in_(known[at : at + _CHUNK]), placed.c.until.is_(None))
            .order_by(placed.c.serial, placed.c.since)
        )


def _draft(site: Any, one: Sighting, at: str, source: str, actor: str | None) -> Draft | None:
    """The entry, or None where it would only say again what is known."""
    differs = [
        name
        for name, value in one.identities.items()
        if value and (site.identities or {}).get(name) and _plain(site.identities[name]) != _plain(value)
    ]
    state = JoinState.ORPHAN if differs else JoinState.JOINED
    reason = "other_identity" if differs else None
    moved = one.concentrator is not None and one.concentrator != site.concentrator
    same = site.state == state and (site.reason == reason or site.reason == "other_concentrator")
    if site.said_at is not None and at < site.said_at and not (same and moved):
        return None  # somebody asked later than that, and it was not heard
    if same and not moved and (differs or site.first_joined_at is not None):
        return None
    payload = JoinReported(
        serial=site.serial,
        state=state,
        heard_at=at,
        concentrator=one.concentrator,
        source=source,
        reason=reason,
    )
    return Draft(payload=payload, order_id=site.order_id, actor=actor)


# --- time passes ---------------------------------------------------------------------------------------


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the office's sources can speak about, and whom they have spoken about just now.

    Attributes:
        nodes: concentrators that are asked. `answered`: those that have answered.
        identities: names of identities by which devices are looked up. `looked_up`: serials that were, with
            an answer.
    """

    nodes: frozenset[str] = frozenset()
    identities: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    looked_up: frozenset[str] = frozenset()

    def judges(self, serial: str, concentrator: str | None, identities: Mapping[str, str]) -> bool:
        """Whether silence of a device means something: its source was asked and did not have it.

        Of a device that no source speaks about (others bring in lists) time alone decides. One whose
        concentrator nobody knows may be heard by any.
        """
        if concentrator in self.answered or serial in self.looked_up:
            return True
        if concentrator in self.nodes or any(identities.get(name) for name in self.identities):
            return False
        return concentrator is not None or bool(self.answered) or not self.nodes


def settle(
    office: Office,
    project: str,
    waits: Waits,
    *,
    reach: Reach | None = None,
    at: datetime | None = None,
    limit: int = 2000,
) -> dict[str, int]:
    """What waiting decides: never heard within the technology's time has failed; silent for long is an
    orphan.

    Written once each; whoever is heard later is joined again by its next word. Returns {"failed": n,
    "silent": n}.

    Args:
        reach: only devices about which it says that silence means something.
        at: until when the network was heard; now, if not said.
        limit: so many at most; the next call goes on with the others.
    """
    now = at or office.now()
    failed_before = utc_text(now - timedelta(hours=waits.failed_hours))
    silent_before = utc_text(now - timedelta(hours=waits.silent_hours))
    placed, joined, heard, device = schema.placement, schema.join_state, schema.heard, schema.device
    query = (
        select(
            *(placed.c.serial, placed.c.order_id, joined.c.state, device.c.identities),
            func.coalesce(joined.c.concentrator, placed.c.concentrator).label("concentrator"),
        )
        .join(joined, joined.c.serial == placed.c.serial)
        .outerjoin(heard, heard.c.serial == placed.c.serial)
        .outerjoin(device, device.c.serial == placed.c.serial)
        .where(placed.c.project == project, placed.c.until.is_(None))
        .where(
            or_(
                and_(joined.c.state == "pending", joined.c.placed_at < failed_before),
                and_(
                    joined.c.state == "joined",
                    func.coalesce(joined.c.heard_at, heard.c.heard_at).is_not(None),
                    func.coalesce(joined.c.heard_at, "") < silent_before,
                    func.coalesce(heard.c.heard_at, "") < silent_before,
                ),
            )
        )
        .order_by(placed.c.serial)
    )
    found = {"failed": 0, "silent": 0}
    with writing(office, project) as (connection, write):
        drafts: list[Draft] = []
        for row in connection.execute(query).all():
            if reach is not None and not reach.judges(row.serial, row.concentrator, row.identities or {}):
                continue
            if len(drafts) == limit:
                break
            state, reason = (
                (JoinState.FAILED, "not_heard_in_time")
                if row.state == "pending"
                else (JoinState.ORPHAN, "silent")
            )
            found["failed" if state is JoinState.FAILED else "silent"] += 1
            payload = JoinReported(
                serial=row.serial, state=state, heard_at=None, source="office", reason=reason
            )
            drafts.append(Draft(payload=payload, order_id=row.order_id))
        write(drafts)
    return found


# --- who asks when -------------------------------------------------------------------------------------


def claim(office: Office, project: str, source: str, holder: str, *, hold: timedelta) -> bool:
    """Whether `holder` is to ask this source now: it is due, and nobody else is at it.

    What is due stands in the database: a restart asks nothing twice, and of many processes one asks. One that
    died lets go after `hold`.
    """
    name, now = _setting_name(project, source), utc_text(office.now())
    with office.store.write() as connection:
        was = _turn(connection, name)
        if was.get("next", "") > now or was.get("until", "") > now:
            return False
        until = utc_text(office.now() + hold)
        set_setting(connection, name, {**was, "next": "", "until": until, "holder": holder})
    return True


def left_off(office: Office, project: str, source: str) -> str | None:
    """The serial up to which a source was asked the last time; None: it begins with the first."""
    with office.store.read() as connection:
        return _turn(connection, _setting_name(project, source)).get("after") or None


def go_on(
    office: Office, project: str, source: str, holder: str, after: str | None, *, hold: timedelta
) -> bool:
    """Note up to where a source was asked (None: to the end), hold it anew; False: another has taken it."""
    name = _setting_name(project, source)
    with office.store.write() as connection:
        was = _turn(connection, name)
        if was.get("holder") != holder:
            return False
        until = utc_text(office.now() + hold)
        set_setting(connection, name, {**was, "after": after or "", "until": until})
    return True


def release(office: Office, project: str, source: str, holder: str, *, again: timedelta) -> None:
    """The source was asked, or could not be: it is due again after `again`."""
    name = _setting_name(project, source)
    with office.store.write() as connection:
        was = _turn(connection, name)
        if was.get("holder") == holder:
            following = utc_text(office.now() + again)
            set_setting(connection, name, {**was, "next": following, "until": "", "holder": ""})


def _turn(connection: Connection, name: str) -> dict[str, str]:
    was = setting(connection, name)
    return {key: str(value) for key, value in was.items()} if isinstance(was, dict) else {}


def _setting_name(project: str, source: str) -> str:
    return f"proof.{project}.{source}"
