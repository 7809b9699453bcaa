"""The office asks the network who was heard: concentrators, network servers; and takes what they push.

Who is asked stands in a TOML file of the integrator (`Sources`). What comes back is only handed on as
sightings: `workorders.gateway.proof` decides what they prove.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import timedelta
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
    """What one source said in a round; `error`: why it said nothing."""

    source: str
    report: ProofReport | None = None
    error: str | None = None


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
    for one in sources.lookup:
        if not one.token.startswith(("env:", "file:", "vault:")):
            raise FileMistake(path.name, 0, f"token of {one.name!r}: use env:NAME, file:PATH or vault:NAME")
    return sources


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
        for node in _concentrators(office, project)
        if "url" in node.identities and node.mrid not in known
    ]
    return msgspec.structs.replace(sources, concentrator=[*sources.concentrator, *found])


def poll(
    office: Office,
    project: str,
    sources: Sources,
    waits: Waits,
    secret: Callable[[str], str],
    told: Told = lambda source, line: None,
) -> Round:
    """Ask whoever is due; of many processes one asks each. A source that fails does not stop the others."""
    holder = f"{os.getpid()}-{os.urandom(4).hex()}"
    usual = timedelta(minutes=waits.recheck_minutes)
    asked: list[Asked] = []
    for name, every, ask, word in _askers(office, project, sources, secret):
        if not proof.claim(office, project, name, holder, hold=HOLD):
            continue
        again = timedelta(minutes=every) if every else usual
        try:
            sightings = ask()
            report = proof.take_sightings(office, project, sightings, word)
            asked.append(Asked(source=name, report=report))
            told(name, f"{report.seen} seen, {report.reported} with news")
        except (DriverError, JobError) as error:
            if not isinstance(error, lookup.LookupUnauthorised):
                again = min(again, _FAILED_AGAIN)
            why = error.message if isinstance(error, DriverError) else str(error)
            asked.append(Asked(source=name, error=f"{error.code}: {why}"))
            told(name, why)
        finally:
            proof.release(office, project, name, holder, again=again)
    settled = proof.settle(office, project, waits)
    return Round(asked=asked, failed=settled["failed"], silent=settled["silent"])


_Asker = tuple[str, int | None, Callable[[], list[Sighting]], str]


def _askers(office: Office, project: str, sources: Sources, secret: Callable[[str], str]) -> Iterable[_Asker]:
    for one in sources.concentrator:
        yield one.node, one.every_minutes, lambda one=one: _of_concentrator(one), "concentrator_s24"  # type: ignore[misc]  # a lambda's default keeps its source
    for server in sources.lookup:
        yield (
            server.name,
            server.every_minutes,
            lambda server=server: _of_server(office, project, server, secret(server.token)),  # type: ignore[misc]  # likewise
            "device_lookup",
        )


def _of_concentrator(source: ConcentratorSource) -> list[Sighting]:
    return sightings_of(stg.fetch_meters(source.url), source.node)


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


def _of_server(office: Office, project: str, source: LookupSource, token: str) -> list[Sighting]:
    placed, device, joined = schema.placement, schema.device, schema.join_state
    query = (
        select(placed.c.serial, device.c.identities)
        .join(device, device.c.serial == placed.c.serial)
        .outerjoin(joined, joined.c.serial == placed.c.serial)
        .where(placed.c.project == project, placed.c.until.is_(None))
        # Those that nobody has heard come first, then the longest silent.
        .order_by(joined.c.first_joined_at.is_not(None), joined.c.heard_at, placed.c.serial)
    )
    with office.store.read() as connection:
        rows = [row for row in connection.execute(query) if (row.identities or {}).get(source.identity)]
    found: list[Sighting] = []
    for row in rows[:LOOKED_UP_AT_ONCE]:
        seen = lookup.look_up(source.url, row.identities[source.identity], token)
        at = utc_text(seen.last_seen) if seen is not None and seen.last_seen else None
        found.append(Sighting(serial=row.serial, heard_at=at))
    return found


# --- pushed --------------------------------------------------------------------------------------------


class UnknownConcentrator(DriverError):
    code = "unknown-concentrator"
    message = "This concentrator is not in the network of the project."
    hint = "Give its id in the network file: identity stg=… or serial=…"


def take_push(office: Office, project: str, body: bytes) -> tuple[reports.Push, ProofReport | None]:
    """Take in what a concentrator posted; None where it says nothing of meters being heard.

    Raises:
        ConcentratorError: not understood, or of a concentrator that the tree does not have.
    """
    push = reports.read_push(body)
    named = push.concentrator.upper()
    nodes = [
        node.mrid
        for node in _concentrators(office, project)
        if named in {node.mrid.upper(), *(value.upper() for value in node.identities.values())}
    ]
    if len(nodes) != 1:
        raise UnknownConcentrator(detail=f"{push.concentrator[:40]!r} fits {len(nodes)} nodes")
    sightings = sightings_of(push.meters, nodes[0]) or _that_answered(push.rows, nodes[0])
    if not sightings:
        return push, None
    return push, proof.take_sightings(office, project, sightings, "concentrator_push")


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


def _concentrators(office: Office, project: str) -> list[_Node]:
    with office.store.read() as connection:
        found = find_nodes(connection, project=project, kinds=["concentrator"], limit=100_000)
    return [_Node(**msgspec.structs.asdict(node)) for node in found]
