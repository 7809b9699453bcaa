"""The office asks the network who was heard: concentrators, network servers; and takes what they push.

Who is asked stands in a TOML file of the integrator (`Sources`). What comes back is only handed on as
sightings: `workorders.gateway.proof` decides what they prove.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy import select

from drivers.concentrators import lookup, reports, stg
from drivers.errors import DriverError
from fieldtool.errors import JobError
from fieldtool.registration import Node as _Node
from fieldtool.technologies import Technology
from fieldtool.tomlfile import FileMistake, read_toml
from workorders.clock import utc_text
from workorders.gateway import proof
from workorders.gateway.office import Office
from workorders.gateway.proof import ProofReport, Sighting, Waits
from workorders.network import find_nodes
from workorders.store import schema

HOLD = timedelta(minutes=10)
LOOKED_UP_AT_ONCE = 500
FAILED_AT_A_STRETCH = 10
"""So many devices one after another that could not be asked: the server itself is in trouble."""
_FAILED_AGAIN = timedelta(minutes=5)

Told = Callable[[str, str], None]
"""Takes the name of a source and one line about what happened there."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: a word that the program does not know is a mistake in the file."""


class ConcentratorSource(_File, frozen=True, kw_only=True):
    """A PRIME concentrator with the STG-DC web service. `node`: its mRID in the network."""

    node: str
    url: str
    every_minutes: int | None = None


class LookupSource(_File, frozen=True, kw_only=True):
    """A ChirpStack-style server. `token`: env:NAME, file:PATH or vault:NAME; `identity`: what it knows
    devices by."""

    name: str
    url: str
    token: str
    identity: str = "dev_eui"
    every_minutes: int | None = None


class Sources(_File, frozen=True, kw_only=True):
    """Who is asked."""

    concentrator: list[ConcentratorSource] = []
    lookup: list[LookupSource] = []


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What one source said in a round. `error`: why it said nothing, or nothing of some of its devices.

    `more`: not every device of it was asked yet; it is due again at once, and goes on where it was.
    """

    source: str
    report: ProofReport | None = None
    error: str | None = None
    more: bool = False


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One round: who was due and asked, and what waiting decided."""

    asked: list[Asked]
    failed: int
    silent: int


def read_sources(path: Path) -> Sources:
    """Read the file of sources.

    Raises:
        FileMistake: with its line; also for a token that stands in the file itself.
    """
    sources, _ = read_toml(path, Sources)
    check_tokens(path, sources.lookup)
    return sources


def check_tokens(path: Path, servers: Iterable[LookupSource]) -> None:
    """Refuse a token that stands in the file itself.

    Raises:
        FileMistake: which does not repeat it.
    """
    for one in servers:
        if not one.token.startswith(("env:", "file:", "vault:")):
            raise FileMistake(path.name, 0, f"token of {one.name!r}: use env:NAME, file:PATH or vault:NAME")


def waits_of(technology: Technology | None) -> Waits:
    """The technology's waits as the office uses them."""
    if technology is None:
        return Waits()
    wait = technology.wait
    return Waits(
        recheck_minutes=wait.recheck_minutes, failed_hours=wait.failed_hours, silent_hours=wait.silent_hours
    )


def with_tree(office: Office, project: str, sources: Sources) -> Sources:
    """Adds the concentrators whose address stands in the network file (`url=…` among their identities)."""
    known = {one.node for one in sources.concentrator}
    found = [
        ConcentratorSource(node=node.mrid, url=node.identities["url"])
        for node in concentrators(office, project)
        if "url" in node.identities and node.mrid not in known
    ]
    return msgspec.structs.replace(sources, concentrator=[*sources.concentrator, *found])


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a source said when it was asked.

    Attributes:
        looked_up: serials that it spoke about, one by one.
        upto: the last serial that was asked; where the next goes on. None: all were.
        error: why it could not speak about some, or about any.
    """

    sightings: list[Sighting] = []
    looked_up: list[str] = []
    upto: str | None = None
    error: str | None = None


class _Source(msgspec.Struct, frozen=True, kw_only=True):
    """A source, and how it is asked: from the serial where the last time left off (None: from the first)."""

    name: str
    word: str
    every_minutes: int | None
    ask: Callable[[str | None], _Answer]
    node: str | None = None


def _never() -> bool:
    return False


def poll(
    office: Office,
    project: str,
    sources: Sources,
    waits: Waits,
    secret: Callable[[str], str],
    told: Told = lambda source, line: None,
    *,
    whole: bool = False,
    stopped: Callable[[], bool] = _never,
) -> Round:
    """Ask whoever is due; of many processes one asks each. A source that fails does not stop the others.

    A server that is asked device by device is asked for at most `LOOKED_UP_AT_ONCE`, and is due again at once
    where there are more: no other source waits for it.

    Args:
        whole: go on with each until all its devices were asked.
        stopped: asked between two devices and two sources; True ends the round with what it has.
    """
    holder = f"{os.getpid()}-{os.urandom(4).hex()}"
    asked: list[Asked] = []
    answered: set[str] = set()
    looked_up: set[str] = set()
    for source in _sources(office, project, sources, secret, stopped):
        if stopped():
            break
        if not proof.claim(office, project, source.name, holder, hold=HOLD):
            continue
        again = _FAILED_AGAIN
        try:
            one, about = _ask(office, project, source, holder, whole, stopped)
            again = _due_again(one, timedelta(minutes=source.every_minutes or waits.recheck_minutes))
        finally:
            proof.release(office, project, source.name, holder, again=again)
        if source.node is not None and one.report is not None:
            answered.add(source.node)
        looked_up |= about
        told(source.name, _line(one))
        asked.append(one)
    reach = proof.Reach(
        nodes=frozenset(one.node for one in sources.concentrator),
        identities=frozenset(one.identity for one in sources.lookup),
        answered=frozenset(answered),
        looked_up=frozenset(looked_up),
    )
    settled = proof.settle(office, project, waits, reach=reach)
    return Round(asked=asked, failed=settled["failed"], silent=settled["silent"])


def _ask(
    office: Office, project: str, source: _Source, holder: str, whole: bool, stopped: Callable[[], bool]
) -> tuple[Asked, set[str]]:
    """What a source said, written down part by part, and the serials that were looked up."""
    one = Asked(source=source.name)
    about: set[str] = set()
    while True:
        try:
            answer = source.ask(proof.left_off(office, project, source.name))
        except (DriverError, JobError) as error:
            return msgspec.structs.replace(one, error=_why(error)), about
        one = msgspec.structs.replace(one, error=answer.error, more=answer.upto is not None)
        if answer.sightings or answer.error is None:
            report = proof.take_sightings(office, project, answer.sightings, source.word)
            one = msgspec.structs.replace(one, report=_sum(one.report, report))
        about.update(answer.looked_up)
        ours = proof.go_on(office, project, source.name, holder, answer.upto, hold=HOLD)
        if not (ours and whole and one.more) or one.error or stopped():
            return one, about


def _due_again(one: Asked, usual: timedelta) -> timedelta:
    if one.error is not None and one.error.startswith(lookup.LookupUnauthorised.code):
        return usual  # somebody has to make a new key first
    if one.error is not None:
        return _FAILED_AGAIN if one.more else min(usual, _FAILED_AGAIN)
    return timedelta(0) if one.more else usual


def _line(one: Asked) -> str:
    seen = f"{one.report.seen} seen, {one.report.reported} with news" if one.report else None
    return "; ".join(filter(None, (seen, one.error)))


def _sum(one: ProofReport | None, other: ProofReport) -> ProofReport:
    if one is None:
        return other
    names = ProofReport.__struct_fields__
    return ProofReport(**{name: getattr(one, name) + getattr(other, name) for name in names})


def _why(error: DriverError | JobError) -> str:
    return f"{error.code}: {error.message if isinstance(error, DriverError) else error}"


def _sources(
    office: Office,
    project: str,
    sources: Sources,
    secret: Callable[[str], str],
    stopped: Callable[[], bool],
) -> Iterable[_Source]:
    for one in sources.concentrator:
        yield _Source(
            name=one.node,
            word="concentrator_s24",
            every_minutes=one.every_minutes,
            ask=partial(_of_concentrator, one),
            node=one.node,
        )
    for server in sources.lookup:
        yield _Source(
            name=server.name,
            word="device_lookup",
            every_minutes=server.every_minutes,
            ask=partial(_of_server, office, project, server, secret, stopped),
        )


def _of_concentrator(source: ConcentratorSource, after: str | None) -> _Answer:
    del after  # a concentrator tells of all its meters at once
    return _Answer(sightings=sightings_of(stg.fetch_meters(source.url), source.node))


def sightings_of(meters: Iterable[stg.ConcentratorMeter], node: str) -> list[Sighting]:
    """S24 as sightings: an inactive meter counts as heard with errors, whatever its status says."""
    return [
        Sighting(
            serial=meter.serial,
            heard_at=utc_text(meter.date) if meter.date else None,
            concentrator=node,
            status=meter.com_status if meter.active and meter.com_status is not None else 0,
            identities={"mac": meter.mac} if meter.mac else {},
        )
        for meter in meters
    ]


def _of_server(
    office: Office,
    project: str,
    source: LookupSource,
    secret: Callable[[str], str],
    stopped: Callable[[], bool],
    after: str | None,
) -> _Answer:
    """Ask for the next devices one by one; one that cannot be asked for costs no other its word.

    A server answers 401 for a wrong token, and (to the key of a tenant) for a device that it does not have:
    it is the token where no device at all was answered.
    """
    token = secret(source.token)
    devices, more = _devices(office, project, source.identity, after)
    until = time.monotonic() + HOLD.total_seconds() / 2  # a slow server must not outlast the claim
    found: dict[str, Sighting] = {}
    unlisted: list[str] = []
    failed: list[DriverError] = []
    refused: lookup.LookupUnauthorised | None = None
    upto, stretch, proven = after, 0, False
    for serial, identity in devices:
        if stopped() or stretch == FAILED_AT_A_STRETCH or time.monotonic() > until:
            more = True
            break
        try:
            seen = lookup.look_up(source.url, identity, token)
        except lookup.LookupUnauthorised as error:
            refused, stretch = error, 0
            unlisted.append(serial)
        except DriverError as error:
            failed.append(error)
            stretch += 1
        else:
            proven, stretch = True, 0
            at = utc_text(seen.last_seen) if seen is not None and seen.last_seen else None
            found[serial] = Sighting(serial=serial, heard_at=at)
        upto = serial
    if proven:
        found |= {serial: Sighting(serial=serial) for serial in unlisted}
    # The next time begins behind those that failed: else ten bad ones would keep all others from being asked.
    behind = (upto or "") if more else None
    why = None
    if refused is not None and not proven:
        why = _why(refused)
    elif failed:
        why = f"{_why(failed[0])} ({len(failed)} of {len(failed) + len(found)} devices)"
    return _Answer(sightings=list(found.values()), looked_up=list(found), upto=behind, error=why)


def _devices(
    office: Office, project: str, identity: str, after: str | None
) -> tuple[list[tuple[str, str]], bool]:
    """The next standing devices (serial, identity) behind a serial, and whether there are more."""
    placed, device = schema.placement, schema.device
    standing = select(placed.c.serial).where(placed.c.project == project, placed.c.until.is_(None))
    found: list[tuple[str, str]] = []
    last = after or ""
    with office.store.read() as connection:
        while True:
            query = (
                select(device.c.serial, device.c.identities)
                .where(device.c.serial > last, device.c.serial.in_(standing))
                .order_by(device.c.serial)
                .limit(LOOKED_UP_AT_ONCE)
            )
            rows = connection.execute(query).all()
            for row in rows:
                known = (row.identities or {}).get(identity)
                if known and len(found) == LOOKED_UP_AT_ONCE:
                    return found, True
                if known:
                    found.append((row.serial, known))
            if len(rows) < LOOKED_UP_AT_ONCE:
                return found, False
            last = rows[-1].serial


# --- pushed --------------------------------------------------------------------------------------------


class UnknownConcentrator(DriverError):
    code = "unknown-concentrator"
    message = "This concentrator is not in the network of the project."
    hint = "Give its id in the network file: identity stg=… or serial=…"


class TakenPush(msgspec.Struct, frozen=True, kw_only=True):
    """What a concentrator posted, and of which node it is. `report`: None where no meter was heard of."""

    push: reports.Push
    node: str
    report: ProofReport | None = None


def take_push(office: Office, project: str, body: bytes) -> TakenPush:
    """Take in what a concentrator posted.

    Raises:
        ConcentratorError: not understood, or of a concentrator that the tree does not have.
    """
    push = reports.read_push(body)
    named = push.concentrator.upper()
    nodes = [
        node.mrid
        for node in concentrators(office, project)
        if named in {node.mrid.upper(), *(value.upper() for value in node.identities.values())}
    ]
    if len(nodes) != 1:
        raise UnknownConcentrator(detail=f"{push.concentrator[:40]!r} fits {len(nodes)} nodes")
    sightings = sightings_of(push.meters, nodes[0]) or _that_answered(push.rows, nodes[0])
    if not sightings:
        return TakenPush(push=push, node=nodes[0])
    report = proof.take_sightings(office, project, sightings, "concentrator_push")
    return TakenPush(push=push, node=nodes[0], report=report)


def _that_answered(rows: Iterable[reports.ReportRow], node: str) -> list[Sighting]:
    """Meters that answered the concentrator: with values (S01, S21), or with what they are (S06)."""
    return [
        Sighting(
            serial=row.meter,
            heard_at=utc_text(row.time),
            concentrator=node,
            status=proof.FINE,
            identities={"mac": row.values["Mac"]} if row.values.get("Mac") else {},
        )
        for row in rows
        if row.meter and row.time and row.error is None and row.report in ("S01", "S21", "S06")
    ]


def concentrators(office: Office, project: str) -> list[_Node]:
    """The concentrators of a project's network."""
    with office.store.read() as connection:
        found = find_nodes(connection, project=project, kinds=["concentrator"], limit=100_000)
    return [_Node(**msgspec.structs.asdict(node)) for node in found]
