"""What a bench knows of its probes and of the pallet; who may be written to. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping
from enum import StrEnum

import msgspec

from fieldtool.identity import ON_TRUCK, MatchInput, MatchResult, StockItem, match

IN_STORE = "in_store"


class ProbeState(StrEnum):
    """What a probe does. `refused`: this meter is not to be configured here; `known`: it is done already."""

    EMPTY = "empty"
    WORKING = "working"
    PASSED = "passed"
    KNOWN = "known"
    REFUSED = "refused"
    FAILED = "failed"
    LOCKED = "locked"
    NO_PROBE = "no_probe"


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """A reason as code and words; `until`: before this instant (UTC) the meter lets nobody in."""

    code: str
    what: str
    hint: str = ""
    until: str | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One meter of the pallet. `label` and `stock`: whether they name it, None where nobody asked them;
    `let_in`: the line failed after the meter had let us in; `asking`: dangerous changes not permitted;
    `recording`: file of its session, kept where it did not pass or a person asked."""

    serial: str
    state: ProbeState
    port: str
    at: str
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    label: bool | None = None
    stock: bool | None = None
    program: str = ""
    version: int | None = None
    written: list[str] = []
    seconds: float = 0.0
    why: Why | None = None
    let_in: bool = False
    asking: list[str] = []
    recording: str | None = None


class ProbeView(msgspec.Struct, frozen=True, kw_only=True):
    """One probe: its meter, what is under way there, and what came of it."""

    port: str
    state: ProbeState = ProbeState.EMPTY
    serial: str | None = None
    step: str = ""
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    result: Result | None = None
    why: Why | None = None


class BenchView(msgspec.Struct, frozen=True, kw_only=True):
    """All probes, and the pallet so far. `expected`: how many meters the list holds, None without one;
    `asking`: dangerous changes that meters at the probes wait for."""

    program: str
    probes: list[ProbeView]
    results: list[Result]
    expected: int | None = None
    asking: list[str] = []

    @property
    def passed(self) -> int:
        """How many meters hold the program now."""
        return sum(one.state is ProbeState.PASSED for one in self.results)


def compare(
    serial: str,
    model: str | None,
    *,
    models: Collection[str],
    stock: Mapping[str, StockItem] | None,
    labels: Collection[str] | None,
) -> MatchResult:
    """The match without an order: label, optical port and stock list must name one device of a model that the
    program is for.

    Args:
        models: that the program is for; empty for any.
        stock: the list, None where there is none; in the depot a meter is in the store or on a truck.
        labels: serials scanned from the labels of the pallet, None where nobody scans them.
    """
    item = (
        stock.get(serial)
        if stock is not None
        else StockItem(serial=serial, model=model or "", state=IN_STORE)
    )
    if item is not None and item.state == IN_STORE:
        item = msgspec.structs.replace(item, state=ON_TRUCK)
    if item is not None:
        item = msgspec.structs.replace(item, crew=None)  # whose truck it goes on is no matter here
    wanted = next(iter(models)) if len(models) == 1 else None
    if models and item is not None:
        # The meter itself says its type where its model file knows it; else the list does.
        named = model or item.model
        item = msgspec.structs.replace(item, model=named)
        wanted = named if named in models else next(iter(models))
    return match(
        MatchInput(
            order_serial=None,
            order_model=wanted,
            label=serial if labels is None or serial in labels else None,
            optical=serial,
            stock={serial: item} if item is not None else {},
        )
    )


COLUMNS = (
    "serial", "state", "model", "firmware", "label", "stock", "program", "version", "written", "why", "port",
    "seconds", "at",
)  # fmt: skip


def pallet_csv(results: Collection[Result]) -> str:
    """The pallet as CSV (RFC 4180, comma), one line a meter; `label` and `stock` yes, no or empty."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in results:
        found = {
            **{
                name: getattr(one, name)
                for name in COLUMNS
                if name not in ("label", "stock", "written", "why")
            },
            "label": _said(one.label),
            "stock": _said(one.stock),
            "written": " ".join(one.written),
            "why": one.why.code if one.why else "",
        }
        writer.writerow(["" if found[name] is None else _safe(str(found[name])) for name in COLUMNS])
    return out.getvalue()


def _said(answer: bool | None) -> str:
    return "" if answer is None else "yes" if answer else "no"


def _safe(text: str) -> str:
    """What a meter says is text to a spreadsheet, never a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
