"""The balance of the place that an order is about: which meters belong to it, and what the page shows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from fieldtool.balancing import PowerBoard
from fieldtool.errors import JobError
from fieldtool.identity import normalise_serial
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure import views as v
from fieldtool.procedure.devices import device_serial
from workorders.clock import read_utc, utc_text
from workorders.journal.words import DeviceRole, TaskKind
from workorders.network import Cause, CauseCode

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun

SUMMING = ("macroMeter", "totalizer")
"""Kinds of node whose meter sums what hangs beside it."""
CANNOT_BE_READ = "cannot_be_read"


def board(run: ProcedureRun) -> PowerBoard:
    """The board on the bench, or a fresh one of the order's panel or transformer.

    Raises:
        JobError: `no_balance_place`: the order names neither.
    """
    own = device_serial(run.state, DeviceRole.NEW) if run.order.kind is TaskKind.INSTALL_TOTALIZER else None
    before = run.bench.power
    if before is not None:
        if own is None or own == before.own:
            return before
        # The label was another's: the totalizer of this order is the one that was read since.
        return msgspec.structs.replace(before.as_macro(own), own=own)
    place, network = run.order.place, run.around.network
    node = place.panel or place.transformer
    if node is None:
        raise JobError("no_balance_place", "the order names no panel and no transformer to balance")
    macro = own or _macro_of(run, node)
    known = network.node(node)
    return PowerBoard(
        node=node,
        name=(known.name if known else None) or node,
        macro=macro,
        expected=[serial for serial in network.standing(node) if normalise_serial(serial) != macro],
        ratio=_ratio(run),
        own=own,
    )


def going_on(run: ProcedureRun, step: m.BalanceStep) -> PowerBoard:
    """The board that one more reading goes on; what the step was accepted with stays out of a new one."""
    found, accepted = board(run), run.state.done.get(step.id)
    return found.since(accepted.at) if accepted is not None else found


def kept(run: ProcedureRun) -> PowerBoard | None:
    """The board as the program left it before it was started anew, without what has aged since."""
    before = run.book.power()
    if before is None:
        return None
    oldest = read_utc(run.job().today) - timedelta(minutes=run.procedure.fresh_minutes)
    return before.since(utc_text(oldest))


def _macro_of(run: ProcedureRun, node: str) -> str | None:
    """The macro meter at the node, by the serial that the tree names; None where there is none, or more."""
    network = run.around.network
    found = [
        normalise_serial(one.identities.get("serial"))
        for kind in SUMMING
        for one in network.children(node, kind)
        if one.parent == node
    ]
    return found[0] if len(found) == 1 else None


def _ratio(run: ProcedureRun) -> str | None:
    for step in run.procedure.steps:
        answer = run.state.answer(step.id)
        if isinstance(answer, a.ValueAnswer) and getattr(step, "identity", None) == "ct_ratio":
            return answer.value
    return None


def said(run: ProcedureRun, serial: str, what: str) -> PowerBoard:
    """The board after a person said what a meter is."""
    found = board(run)
    if what == "macro":
        return found.as_macro(serial)
    if what == "member":
        return found.as_member(serial)
    return found.not_read(serial, CANNOT_BE_READ)


def body(run: ProcedureRun, given: a.Answer | None, reasons: list[v.Option]) -> v.BalanceBody:
    """What the page shows; after the step was accepted, what was measured then."""
    try:
        found = board(run)
    except JobError:
        found = PowerBoard(node="", name="", macro=None, expected=[])
    result = found.result
    before = given if isinstance(given, a.BalanceAnswer) and run.bench.power is None else None
    return v.BalanceBody(
        rows=_rows(found),
        next=found.next,
        complete=found.complete or before is not None,
        macro=found.macro or (before.macro if before else None),
        band=result.band.value if result else before.band if before else None,
        total=f"{result.macro:.0f}" if result else before.macro_w if before else None,
        sum=f"{result.sum:.0f}" if result else before.sum_w if before else None,
        difference=f"{result.difference:.0f}" if result else None,
        uncertainty=f"{result.uncertainty:.0f}" if result else before.uncertainty_w if before else None,
        percent=f"{result.percent:.1f}" if result and result.percent is not None else None,
        missing=result.missing if result else before.missing if before else [],
        causes=[_cause(cause) for cause in result.causes] if result else [],
        reasons=reasons,
    )


def _rows(found: PowerBoard) -> list[v.PowerRow]:
    rows: list[v.PowerRow] = []
    following = found.next
    if found.macro is not None:
        watts = f"{found.totals[-1].watts:.0f}" if found.totals else None
        rows.append(v.PowerRow(serial=found.macro, state="macro", watts=watts))
    for serial in found.expected:
        reading = found.shares.get(serial)
        state = "read" if reading else "next" if serial == following else "open"
        why = found.silent.get(serial)
        rows.append(
            v.PowerRow(
                serial=serial,
                state="silent" if why and not reading else state,
                watts=f"{reading.watts:.0f}" if reading else None,
                why=why,
            )
        )
    for serial, reading in found.strangers.items():
        rows.append(v.PowerRow(serial=serial, state="stranger", watts=f"{reading.watts:.0f}"))
    return rows


def _cause(cause: Cause) -> v.CauseView:
    params = {"serials": ", ".join(cause.serials)}
    if cause.factor is not None:
        params["factor"] = f"{cause.factor.normalize():f}" if cause.factor < 100 else f"{cause.factor:.0f}"
    if cause.entered is not None and cause.likely is not None:
        params |= {"entered": cause.entered, "likely": cause.likely}
    unknown = cause.code is CauseCode.MACRO_RATIO and cause.likely is None
    return v.CauseView(code="macro_factor" if unknown else cause.code.value, params=params)
