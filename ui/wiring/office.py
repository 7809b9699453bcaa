"""The gateway's answers as the supervisor's pages: figures, plots, evidence, in words."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

import msgspec
import pypdfium2 as pdfium
from PIL import Image

from fieldtool.errors import JobError
from fieldtool.office import OfficeClient
from fieldtool.problems import explain
from ui import officeviews, views
from ui.wiring.formats import Formats
from ui.wiring.network import level_view
from ui.wiring.officeboard import board_view
from ui.wiring.officecases import case_of, case_row, order_case_of
from ui.wiring.officekept import accepted_text, kept_view
from ui.wiring.officeorphans import orphans_view
from ui.wiring.officesla import VALUE, Choices, KeptChoices, set_filters, sla_view
from ui.wiring.officestock import move, stock_view
from workorders.rollout.listing import Listing
from workorders.rollout.sla import Dimension
from workorders.store.queries import OrderRow

P = ParamSpec("P")
T = TypeVar("T")
PAGE_SCALE = 2.0
MAX_PAGES = 12
IMAGE_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PN": "image/png", b"RIF": "image/webp"}


def worded(method: Callable[P, T]) -> Callable[P, T]:
    """Any foreseen error becomes a `Failure` in words."""

    @wraps(method)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except views.Failure:
            raise
        except Exception as error:
            office = args[0]
            if not isinstance(office, WiredOffice):
                raise
            found = explain(error, office.formats().language)
            if not found.expected:
                raise
            raise views.Failure(" ".join([found.what, *found.problems]), found.hint, found.code) from error

    return told


class WiredOffice:
    """See `ui.officebackend.OfficeBackend`; called in the sync lane.

    Args:
        client: gives the session of the supervisor who signed in, or None.
        choices: where project and filters are kept.
    """

    def __init__(
        self,
        client: Callable[[], OfficeClient | None],
        formats: Callable[[], Formats],
        now: Callable[[], datetime],
        choices: KeptChoices | None = None,
    ) -> None:
        self._client = client
        self._choices = choices or KeptChoices()
        self._names: dict[str, str] = {}  # what the office calls crews and zones, by filter and key
        self.formats = formats
        self._now = now
        self._project = ""

    @worded
    def board(self, project: str, days: int) -> officeviews.Board:
        """Figures of a project."""
        client, formats = self._office(), self.formats()
        projects = client.projects().value
        known = [one.id for one in projects]
        kept = self._choices.get()
        wanted = (project, self._project, kept.project)
        chosen = next((one for one in wanted if one in known), known[0] if known else "")
        if not chosen:
            return officeviews.Board()
        self._project = chosen
        self._choices.put(msgspec.structs.replace(kept, project=chosen))
        info = next(one for one in projects if one.id == chosen)
        answer = client.board(chosen, days)
        waiting = client.exceptions(chosen).value.exceptions
        rows = tuple(case_row(row, self._now(), formats) for row in waiting)
        return board_view(answer, info, projects, days, rows, self._now(), formats)

    @worded
    def sla(self) -> officeviews.Sla:
        """Orders on time and late."""
        client = self._office()
        project = self._chosen(client)
        return self._table(client, project, self._choices.get().of(project))

    @worded
    def choose(self, name: str, key: str) -> officeviews.Sla:
        """Sets a filter, or by what the table is. Kept once the office answered: what the pages show and what
        is chosen are the same, with and without contact."""
        client = self._office()
        project = self._chosen(client)
        if name == Dimension.PROJECT:
            project = key.removeprefix(VALUE)
        choices = self._choices.get().of(project)
        if name != Dimension.PROJECT:
            choices = choices.with_(name, key)
        table = self._table(client, project, choices)
        self._keep(project, choices)
        return table

    def _table(self, client: OfficeClient, project: str, choices: Choices) -> officeviews.Sla:
        if not project:
            return officeviews.Sla()
        formats, projects = self.formats(), client.projects().value
        answer = client.sla(project, choices.group_by, choices.filters)
        table = answer.value.sla
        for name, values in (table.choices if table is not None else {}).items():
            self._names |= {f"{name}/{one.key}": one.name or one.key for one in values if one.key}
        return sla_view(answer, project, projects, choices, formats.when(answer.at, self._now()), formats)

    def _keep(self, project: str, choices: Choices) -> None:
        self._project = project
        self._choices.keep(project, choices)

    def _zones(self, client: OfficeClient, project: str) -> dict[str, str]:
        """Names of the zones by which orders are told apart, as far as the office said them."""
        if not self._names:
            self._table(client, project, self._choices.get().of(project))
        here = f"{Dimension.ZONE}/"
        return {key.removeprefix(here): name for key, name in self._names.items() if key.startswith(here)}

    @worded
    def queue(self) -> officeviews.Queue:
        """Exceptions of the project."""
        client, formats = self._office(), self.formats()
        answer = client.exceptions(self._chosen(client))
        rows = tuple(case_row(row, self._now(), formats) for row in answer.value.exceptions)
        detail = formats.say("{count}, por daño", count=str(len(rows))) if rows else ""
        at = formats.when(answer.at, self._now())
        return officeviews.Queue(rows=rows, detail=detail, at=at, fresh=answer.fresh)

    @worded
    def case(self, exception_id: str) -> officeviews.Case:
        """One exception."""
        client, formats = self._office(), self.formats()
        waiting = client.exceptions(self._chosen(client)).value.exceptions
        row = next((one for one in waiting if one.exception_id == exception_id), None)
        if row is None:
            raise views.Failure(
                formats.say("Esta excepción ya está decidida"), formats.say("La lista se actualiza sola.")
            )
        answer = client.order(row.order_id) if row.order_id else None
        return case_of(row, answer, self._now(), formats)

    @worded
    def order_case(self, order_id: str) -> officeviews.Case:
        """One order."""
        return order_case_of(self._office().order(order_id), self._now(), self.formats())

    @worded
    def decide(self, case: officeviews.Case, decision: str, reason: str) -> None:
        """Posts a decision."""
        client = self._office()
        given = reason or self.formats().word(f"decision.{decision}")
        if case.kind == "exception":
            client.decide(case.id, decision, given)
        elif decision == "approve":
            client.approve(case.order_id, reason or None)
        else:
            client.send_back(case.order_id, given)

    @worded
    def network(self, key: str, count: int) -> views.NetworkLevel:
        """A level of the network."""
        client, formats = self._office(), self.formats()
        answer = client.network(self._chosen(client), key or None, count)
        level = level_view(answer.value, formats)
        if answer.fresh:
            return level
        old = formats.say("Sin conexión: así estaba {when}", when=formats.when(answer.at, self._now()))
        return msgspec.structs.replace(level, old=old)

    @worded
    def listed(self, name: str, count: int) -> officeviews.OrderList:
        """Orders behind a figure."""
        client, formats = self._office(), self.formats()
        which = name if name in set(Listing) else Listing.WAITING_APPROVAL.value
        project = self._chosen(client)
        choices = self._choices.get().of(project)
        if choices.filters and not self._names:
            self._table(client, project, choices)  # for the names of what is set
        answer = client.listed(project, which, filters=choices.filters)
        rows = list(answer.value.orders)
        while len(rows) < min(count, answer.value.total):
            page = client.listed(project, which, len(rows), choices.filters).value.orders
            if not page:
                break
            rows += page
        total = answer.value.total
        return officeviews.OrderList(
            key=which,
            title=formats.word(f"list.{which}"),
            detail=formats.say("{count} órdenes", count=str(total)) if total else "",
            lists=tuple(views.Choice(key=one, title=formats.word(f"list.{one}")) for one in Listing),
            filters=set_filters(choices, self._names, formats),
            rows=tuple(_order(row, self._now(), formats) for row in rows),
            more=len(rows) < total,
            at=formats.when(answer.at, self._now()),
            fresh=answer.fresh,
        )

    @worded
    def orphans(self, which: str, zone: str | None, crew: str | None, count: int) -> officeviews.Orphans:
        """Devices that the record and the network do not agree about."""
        client = self._office()
        project = self._chosen(client)
        choices, zones = self._choices.get().of(project), self._zones(client, project)
        if zone is not None:
            choices = choices.below(zone, zone=not zone or zone in zones)
        if crew is not None:
            choices = choices.with_(Dimension.CREW, VALUE + crew if crew else "")
        page = orphans_view(client, project, which, choices, zones, count, self._now(), self.formats())
        self._keep(project, choices)
        return page

    @worded
    def stock(self, where: str, serial: str, count: int) -> officeviews.OfficeStock:
        """A part of the stock."""
        client = self._office()
        project = self._chosen(client)
        if not project:
            return officeviews.OfficeStock()
        return stock_view(client, project, where, serial, count, self._now(), self.formats())

    @worded
    def move_stock(self, key: str, movement: str, serials: tuple[str, ...], crew: str, reason: str) -> None:
        """Moves devices of the stock."""
        client = self._office()
        move(client, self._chosen(client), key, movement, serials, crew, reason, self.formats())

    @worded
    def kept(self, tablet: str) -> officeviews.Kept:
        """Revoked tablets whose entries wait."""
        return kept_view(self._office(), tablet, self._now(), self.formats())

    @worded
    def accept_kept(self, tablet: str, reason: str) -> str:
        """Has the office take in what a revoked tablet handed over."""
        return accepted_text(self._office().accept_kept(tablet, reason), self.formats())

    @worded
    def photo(self, order_id: str, key: str) -> str:
        """A photo, or the pages of a document under each other, as a data URL: no file in clear is made."""
        content = self._office().blob(order_id, key)
        kind = IMAGE_TYPES.get(content[:3])
        if kind is None:
            kind, content = "image/png", page_pictures(content)
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"

    def _office(self) -> OfficeClient:
        client = self._client()
        if client is None:
            raise JobError("office_not_signed_in", "sign in with contact to the office")
        return client

    def _chosen(self, client: OfficeClient) -> str:
        if not self._project:
            known, kept = [one.id for one in client.projects().value], self._choices.get().project
            self._project = kept if kept in known else next(iter(known), "")
        return self._project


def page_pictures(pdf: bytes) -> bytes:
    """The pages of a PDF under each other as one PNG."""
    document = pdfium.PdfDocument(pdf)
    pages = [document[at].render(scale=PAGE_SCALE).to_pil() for at in range(min(len(document), MAX_PAGES))]
    sheet = Image.new("RGB", (max(page.width for page in pages), sum(page.height for page in pages)), "white")
    top = 0
    for page in pages:
        sheet.paste(page, (0, top))
        top += page.height
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _order(row: OrderRow, now: datetime, formats: Formats) -> officeviews.OfficeOrder:
    parts = [row.number or row.order_id, row.crew or "", formats.word(f"order.status.{row.status}")]
    return officeviews.OfficeOrder(
        id=row.order_id,
        title=row.address or row.supply_number or row.number or row.order_id,
        detail=" · ".join(part for part in parts if part),
        state=formats.when(row.completed_at or row.due, now),
        icon=row.kind or "exchange",
    )
