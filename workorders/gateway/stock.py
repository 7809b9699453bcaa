"""The stock as the office sees and moves it: pages under a search, movements as entries on its chain.

A tablet tells what happened in its hands and is never refused. The office says it from afar, so what does not
fit with the record is refused, all of it, with the serials that do not fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select

from workorders.clock import utc_text
from workorders.gateway.acts import check_crew, crews_of
from workorders.gateway.chains import writing
from workorders.gateway.errors import InvalidInput, OutOfTurn
from workorders.gateway.office import Office
from workorders.gateway.stamps import touch
from workorders.gateway.tables import stock_act
from workorders.journal.canonical import canonical_bytes
from workorders.journal.entry import Envelope
from workorders.journal.kinds import StockMoved
from workorders.journal.lifts import read_payload
from workorders.journal.said import seal_said, unseal_said
from workorders.journal.sealing import SealError
from workorders.journal.words import OFFICE_MOVEMENTS, StockMovement, stock_scope
from workorders.journal.writer import Draft
from workorders.store import keys, schema
from workorders.store.queries import StockFilter, StockPlace, count_stock, stock_lines, stock_places
from workorders.store.queries.supply import IN_STORE

MAX_AT_ONCE = 200
REMEMBERED_DAYS = 30
"""How long a movement that was asked for twice is known again by its key."""
TO_CREW = frozenset({StockMovement.HANDED_OUT, StockMovement.TRANSFERRED})
MOVEMENTS = frozenset({*TO_CREW, StockMovement.RETURNED, *OFFICE_MOVEMENTS})
"""What the office may do; a device is received by whoever holds it."""
_SHOWN = 5


class StockedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device, where it is, and what was said last of how it came there.

    Attributes:
        state: in_store, on_truck, installed, removed, returned, lost.
        crew: on whose truck; None: on none.
        movement, moved_at, moved_by: the last movement; absent where only the utility's list speaks.
        reason: what the office said to it.
    """

    serial: str
    model: str
    state: str
    crew: str | None = None
    movement: str | None = None
    moved_at: str | None = None
    moved_by: str | None = None
    reason: str | None = None


class StockPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the stock.

    Attributes:
        total: how many devices there are under the same filters.
        places: how many of them lie where, whichever place was asked for.
        crews: names of the project's crews, by id.
    """

    total: int
    devices: list[StockedDevice]
    places: list[StockPlace]
    crews: dict[str, str]


class StockMove(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        key: made by the asker, new for each act: the same one again does nothing again.
        crew: to whom; None: into the store. Of a device that is written off: None.
        reason: needed where the office says other than the record (corrected, written_off).
    """

    key: str
    movement: StockMovement
    serials: list[str]
    crew: str | None = None
    reason: str = ""


class MoveDone(msgspec.Struct, frozen=True, kw_only=True):
    """The entries that were written, by serial."""

    entries: dict[str, str]


def stock_page(
    office: Office, project: str, wanted: StockFilter, *, limit: int = 100, offset: int = 0
) -> StockPage:
    """One page of a project's stock.

    Raises:
        NotFound: no such project.
    """
    wanted = msgspec.structs.replace(wanted, project=project)
    with office.store.read() as connection:
        rows = stock_lines(connection, wanted, limit=limit, offset=offset)
        said = _said(connection, [row.entry_id for row in rows if row.entry_id])
        return StockPage(
            total=count_stock(connection, wanted),
            devices=[_device(connection, row, said.get(row.entry_id)) for row in rows],
            places=stock_places(connection, wanted),
            crews=crews_of(connection, project),
        )


def move_stock(office: Office, project: str, move: StockMove, *, actor: str | None = None) -> MoveDone:
    """Move devices: all of them or none.

    Raises:
        NotFound: no such project.
        InvalidInput: `unknown_crew`; no serial, too many, no crew or one too much, no reason.
        OutOfTurn: what does not fit with the record: `unknown_serial`, `installed`, `not_in_store`,
            `not_on_truck`, `there_already`; `key_used`: the key was used for something else.
    """
    move = _plain(move)
    asked = hashlib.sha256(
        canonical_bytes(
            {"movement": move.movement.value, "crew": move.crew, "serials": list(move.serials), "to": project}
        )
    ).hexdigest()
    with office.store.read() as connection:
        crews_of(connection, project)
    with writing(office, project) as (connection, write):
        done = _done_before(connection, move.key, asked, actor)
        if done is not None:
            return done
        if move.crew is not None:
            check_crew(connection, project, move.crew)
        known = {row.serial: row for row in stock_lines(connection, StockFilter(), serials=move.serials)}
        _check(move, known, project)
        drafts = [
            Draft(payload=_payload(connection, move, serial, known), actor=actor) for serial in move.serials
        ]
        entries = dict(zip(move.serials, (entry.envelope.id for entry in write(drafts)), strict=True))
        touch(connection)
        done = MoveDone(entries=entries)
        _remember(connection, office, project, move.key, asked, actor, done)
        return done


# --- beneath ------------------------------------------------------------------------------------


def _plain(move: StockMove) -> StockMove:
    serials = list(dict.fromkeys(serial.strip() for serial in move.serials if serial.strip()))
    if not serials:
        raise InvalidInput("no serial was given")
    if len(serials) > MAX_AT_ONCE:
        raise InvalidInput(f"at most {MAX_AT_ONCE} devices at once")
    if move.movement not in MOVEMENTS:
        raise InvalidInput(f"the office does one of {', '.join(sorted(MOVEMENTS))}")
    if move.movement in TO_CREW and move.crew is None:
        raise InvalidInput("say to which crew")
    if move.movement in (StockMovement.RETURNED, StockMovement.WRITTEN_OFF) and move.crew is not None:
        raise InvalidInput(f"what is {move.movement} goes to no crew")
    if move.movement in OFFICE_MOVEMENTS and not move.reason.strip():
        raise InvalidInput("a reason is needed")
    return msgspec.structs.replace(move, serials=serials, reason=move.reason.strip())


def _check(move: StockMove, known: dict[str, Row[Any]], project: str) -> None:
    misfits = {
        serial: why
        for serial in move.serials
        if (why := _misfit(move, known.get(serial), project)) is not None
    }
    if misfits:
        shown = [f"{serial} ({why})" for serial, why in list(misfits.items())[:_SHOWN]]
        more = len(misfits) - len(shown)
        raise OutOfTurn(
            ", ".join(shown) + (f" and {more} more" if more else ""), code=next(iter(misfits.values()))
        )


def _misfit(move: StockMove, row: Row[Any] | None, project: str) -> str | None:
    """Why a device cannot be moved so; None where it can."""
    if row is None:
        return None if move.movement is StockMovement.CORRECTED else "unknown_serial"
    if row.project not in (None, project):
        return "unknown_serial"
    if row.state == "installed":
        return "installed"
    on_truck = row.crew is not None
    match move.movement:
        case StockMovement.HANDED_OUT:
            return None if not on_truck and row.state in IN_STORE else "not_in_store"
        case StockMovement.TRANSFERRED if row.crew == move.crew:
            return "there_already"
        case StockMovement.TRANSFERRED:
            return None if on_truck else "not_on_truck"
        case StockMovement.RETURNED:
            return None if on_truck or row.state == "removed" else "not_on_truck"
        case StockMovement.WRITTEN_OFF:
            return "there_already" if row.state == "lost" else None
        case _:
            same = row.crew == move.crew and (on_truck or row.state in IN_STORE)
            return "there_already" if same else None


def _payload(connection: Connection, move: StockMove, serial: str, known: dict[str, Row[Any]]) -> StockMoved:
    row, scope = known.get(serial), stock_scope(serial)
    reason = seal_said(keys.sealing_key(connection, scope), move.reason, scope) if move.reason else None
    return StockMoved(
        serial=serial,
        movement=move.movement,
        crew=move.crew,
        from_crew=row.crew if row is not None else None,
        model=(row.model or None) if row is not None else None,
        reason=reason,
    )


def _done_before(connection: Connection, key: str, asked: str, who: str | None) -> MoveDone | None:
    row = connection.execute(select(stock_act).where(stock_act.c.key == key)).first()
    if row is None:
        return None
    if (row.asked, row.who) != (asked, who or ""):
        raise OutOfTurn("this key was used for something else", code="key_used")
    return msgspec.convert(row.answer, MoveDone)


def _remember(
    connection: Connection,
    office: Office,
    project: str,
    key: str,
    asked: str,
    who: str | None,
    done: MoveDone,
) -> None:
    old = utc_text(office.now() - timedelta(days=REMEMBERED_DAYS))
    connection.execute(delete(stock_act).where(stock_act.c.at < old))
    values = {"key": key, "project": project, "who": who or "", "asked": asked, "at": office.time()}
    connection.execute(insert(stock_act).values(**values, answer=msgspec.to_builtins(done)))


def _said(connection: Connection, entry_ids: Sequence[str]) -> dict[str, tuple[StockMoved, str | None]]:
    """Payload and actor of movements, by entry."""
    if not entry_ids:
        return {}
    table = schema.entry
    found: dict[str, tuple[StockMoved, str | None]] = {}
    query = select(table.c.id, table.c.actor, table.c.body).where(table.c.id.in_(entry_ids))
    for row in connection.execute(query):
        payload = read_payload(msgspec.json.decode(row.body, type=Envelope))
        if isinstance(payload, StockMoved):
            found[row.id] = (payload, row.actor)
    return found


def _device(
    connection: Connection, row: Row[Any], said: tuple[StockMoved, str | None] | None
) -> StockedDevice:
    payload, actor = said or (None, None)
    reason = None
    if payload is not None and payload.reason is not None:
        scope = stock_scope(row.serial)
        try:
            reason = unseal_said(keys.order_key(connection, scope), payload.reason, scope)
        except SealError:
            reason = None
    return StockedDevice(
        serial=row.serial,
        model=row.model,
        state=row.state,
        crew=row.crew,
        movement=str(payload.movement) if payload is not None else None,
        moved_at=row.moved_at,
        moved_by=actor,
        reason=reason,
    )
