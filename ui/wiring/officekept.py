"""What revoked tablets handed over, as a page: how much, since when, which orders, what accepting does."""

from __future__ import annotations

from datetime import datetime

from fieldtool.office import OfficeClient
from ui import officeviews
from ui.views import Fact
from ui.wiring.formats import DASH, Formats
from workorders.gateway.kept import KeptEntries, KeptWork, PardonReport

REASONS = ("had_it", "wrong_tablet")


def kept_view(client: OfficeClient, tablet: str, now: datetime, formats: Formats) -> officeviews.Kept:
    """All tablets whose entries wait; the named one with its orders."""
    answer = client.kept()
    rows = [_row(one, now, formats) for one in answer.value]
    found = next((one for one in answer.value if one.tablet == tablet), None)
    return officeviews.Kept(
        rows=tuple(rows),
        open=_row(found, now, formats, client.kept_of(tablet).value) if found else None,
        reasons=tuple(formats.word(f"kept.reason.{one}") for one in REASONS),
        detail=formats.say("{count} tabletas", count=str(len(rows))) if rows else "",
        at=formats.when(answer.at, now),
        fresh=answer.fresh,
    )


def accepted_text(report: PardonReport, formats: Formats) -> str:
    """What came of the entries, by verdict."""
    parts = [
        f"{formats.word(f'verdict.{kind}')}: {formats.number(str(number))}"
        for kind, number in sorted(report.verdicts.items(), key=lambda one: -one[1])
    ]
    return " · ".join(parts)


def _entries(number: int, formats: Formats) -> str:
    if number == 1:
        return formats.say("1 registro")
    return formats.say("{count} registros", count=formats.number(str(number)))


def _row(
    one: KeptEntries, now: datetime, formats: Formats, work: KeptWork | None = None
) -> officeviews.KeptTablet:
    revoked = formats.when(one.revoked_at, now) or DASH
    since, until = formats.when(one.first_at, now), formats.when(one.last_at, now)
    came = since if since == until else f"{since} – {until}"
    return officeviews.KeptTablet(
        key=one.tablet,
        title=" · ".join(part for part in (one.name, one.crew) if part),
        detail=formats.say("Esperan desde {when}", when=since) if since else "",
        count=formats.number(str(one.entries)),
        facts=(
            Fact(
                label=formats.say("Esperan"),
                value=_entries(one.entries, formats),
                detail=formats.say("llegaron {when}", when=came) if came else "",
            ),
            Fact(
                label=formats.say("Revocada"),
                value=revoked,
                detail=one.revoke_reason or formats.say("Sin motivo anotado"),
            ),
        ),
        orders=tuple(
            officeviews.OfficeOrder(
                id=order.order_id if order.status else "",
                title=order.address or order.number or order.order_id,
                detail=_known(order.number, order.status, formats),
                state=_entries(order.entries, formats),
                icon="orders" if order.status else "unknown",
            )
            for order in (work.orders if work else ())
        ),
        others=formats.say("Sin orden: {count}", count=_entries(work.others, formats))
        if work and work.others
        else "",
    )


def _known(number: str | None, status: str | None, formats: Formats) -> str:
    if status is None:
        return formats.say("La oficina no conoce esta orden")
    return " · ".join(part for part in (number, formats.word(f"order.status.{status}")) if part)
