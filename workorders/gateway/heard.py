"""The head-end's list: whom the network heard, as CSV. What it says of mounted devices becomes entries."""

from __future__ import annotations

import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, select

from workorders.gateway.chains import writing
from workorders.gateway.errors import NotFound
from workorders.gateway.office import Office
from workorders.gateway.rows import Calendar, HeardRow
from workorders.gateway.tables import project as project_table
from workorders.journal.kinds import JoinReported
from workorders.journal.words import JoinState
from workorders.journal.writer import Draft
from workorders.mwm.tables import Table
from workorders.network import HeardDevice, load_heard
from workorders.store import schema

_CHUNK = 500


class HeardReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a list was taken: good lines, lines refused, devices of ours it says something new of."""

    heard: int
    refused: int
    reported: int
    errors: list[str]


def take_heard(office: Office, project: str, data: bytes, *, actor: str | None = None) -> HeardReport:
    """Take in a list (columns serial, heard_at, concentrator; the project's column map applies).

    Raises:
        NotFound: no such project.
    """
    with office.store.read() as connection:
        query = select(project_table.c.data).where(project_table.c.project_id == project)
        settings = connection.execute(query).scalar()
    if settings is None:
        raise NotFound(f"there is no project {project}")
    columns = settings.get("columns", {}).get("heard", {})
    calendar = Calendar(ZoneInfo(settings["time_zone"]))
    with tempfile.TemporaryDirectory(prefix="fieldtool-heard-") as folder:
        path = Path(folder) / "heard.csv"
        path.write_bytes(data)
        table = Table(path, HeardRow, columns)
        devices = [
            HeardDevice(
                serial=row.value.serial,
                heard_at=calendar.utc(row.value.heard_at) or "",
                concentrator=row.value.concentrator,
            )
            for row in table.rows()
        ]
    with writing(office, project) as (connection, write):
        load_heard(connection, project, devices)
        drafts = _news(connection, devices, actor)
        write(drafts)
    return HeardReport(
        heard=len(devices),
        refused=table.report.refused,
        reported=len(drafts),
        errors=[str(error) for error in table.report.errors],
    )


def _news(connection: Connection, devices: list[HeardDevice], actor: str | None) -> list[Draft]:
    """One entry for each mounted device that the list says something new of."""
    newest: dict[str, HeardDevice] = {}
    for device in devices:
        if device.serial not in newest or device.heard_at > newest[device.serial].heard_at:
            newest[device.serial] = device
    placed, joined = schema.placement, schema.join_state
    serials, drafts = sorted(newest), []
    for at in range(0, len(serials), _CHUNK):
        query = (
            select(placed.c.serial, placed.c.order_id, joined.c.heard_at)
            .outerjoin(joined, joined.c.serial == placed.c.serial)
            .where(placed.c.serial.in_(serials[at : at + _CHUNK]), placed.c.until.is_(None))
            .order_by(placed.c.serial)
        )
        for row in connection.execute(query):
            device = newest[row.serial]
            if row.heard_at is not None and row.heard_at >= device.heard_at:
                continue
            payload = JoinReported(
                serial=row.serial,
                state=JoinState.JOINED,
                heard_at=device.heard_at,
                concentrator=device.concentrator,
            )
            drafts.append(Draft(payload=payload, order_id=row.order_id, actor=actor))
    return drafts
