"""`fieldtool network balance`: what goes in against what the meters say, with the probe or from a file."""

from __future__ import annotations

import sys
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from fieldtool.commands.opening import opened
from fieldtool.commands.output import emit, explained, fail, guarded, note, progress_bar, say, table, usage
from fieldtool.commands.stopping import stopping_well
from fieldtool.commands.tablet import Json, RealmOption, User

if TYPE_CHECKING:
    from fieldtool.balancing import PowerBoard
    from fieldtool.energies import RegisterReading
    from fieldtool.run.power import PowerProbe
    from fieldtool.tablet.tablet import Tablet
    from workorders.network import Cause


class _Row(msgspec.Struct, frozen=True):
    serial: str
    at: str
    kwh: str


@guarded
def balance(
    node: Annotated[str, typer.Argument(help="The panel or transformer, by mRID.")],
    readings: Annotated[
        Path | None, typer.Option("--readings", help="CSV with serial;at;kwh: registers at both ends.")
    ] = None,
    port: Annotated[
        str | None, typer.Option("--port", help="Read power with the probe instead, meter after meter.")
    ] = None,
    macro: Annotated[
        list[str] | None,
        typer.Option("--macro", help="Serial of the macro meter; else the one that the tree names."),
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="Begin of the interval, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="End of the interval, ISO 8601.")] = None,
    ratio: Annotated[
        str | None, typer.Option("--ratio", help="CT ratio of the macro meter as entered, like 200/5.")
    ] = None,
    user: User = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Balance a panel or transformer: macro meter against its meters, and what could be wrong.

    With --readings: energy over one interval; under 98 % of the meters no percentage is said. With --port:
    power now; put the probe on the macro meter, on each meter, and on the macro meter again, Enter each time.

    With --json one object: {"node", "macro": [serial], "band": fine|watch|suspect|topology|refused|unclear,
    "percent", "into", "sum", "difference", "uncertainty", "unit": kWh|W, "coverage_percent", "missing":
    [serial], "strangers": [serial], "from", "to", "causes": [{"code", "serials", "factor", "entered",
    "likely"}]}; numbers are decimal text. Exit status 0 whatever the band: it is a result.

    Example: fieldtool network balance C1-P01 --readings july.csv
    """
    if (readings is None) == (port is None):
        usage("give --readings FILE, or --port PORT")
    with opened(realm, user=user) as tablet:
        if readings is not None:
            found = _by_energy(tablet, node, readings, macro or [], (since, until), ratio)
        else:
            assert port is not None
            found = _by_power(tablet, node, port, macro[0] if macro else None, ratio, json)
    if json:
        emit(found)
    else:
        _tell(found)


def _members(tablet: Tablet, node: str) -> tuple[list[str], list[str]]:
    """(meters that stand at the node, macro meters that the tree names right there)."""
    from fieldtool.identity import normalise_serial
    from fieldtool.run.balances import SUMMING

    if tablet.tree.node(node) is None:
        fail(f"{node!r} is no node of the network of this tablet: `fieldtool network show`")
    summing = [one for kind in SUMMING for one in tablet.tree.children(node, kind) if one.parent == node]
    macros = [serial for one in summing if (serial := normalise_serial(one.identities.get("serial")))]
    meters = [serial for serial in tablet.tree.standing(node) if normalise_serial(serial) not in macros]
    return meters, macros


# --- energy over an interval ------------------------------------------------------------------------


def _by_energy(
    tablet: Tablet,
    node: str,
    file: Path,
    macro: list[str],
    ends: tuple[str | None, str | None],
    ratio: str | None,
) -> dict[str, Any]:
    from fieldtool.energies import Interval, energies, interval_of
    from workorders.network import balance as energy_balance

    rows = _rows(file)
    meters, macros = _members(tablet, node)
    macros = macro or macros
    if not macros:
        fail("the tree names no macro meter here: say which it is with --macro SERIAL")
    whole = interval_of(rows, macros)
    start = _moment(ends[0]) or (whole.start if whole else None)
    end = _moment(ends[1]) or (whole.end if whole else None)
    if start is None or end is None or start >= end:
        fail(f"the macro meter {', '.join(macros)} needs a register at both ends of the interval")
    interval = Interval(start=start, end=end)
    meters = [serial for serial in meters if serial not in macros]
    into = energies(rows, interval, macros)
    if None in into.values():
        fail(f"no register of the macro meter near {start.isoformat()} and {end.isoformat()}")
    told = energies(rows, interval, meters)
    result = energy_balance(into=[one for one in into.values() if one is not None], meters=told, ratio=ratio)
    total = sum((one for one in into.values() if one is not None), Decimal(0))
    used = sum((one for one in told.values() if one is not None), Decimal(0))
    known = {*meters, *macros}
    return {
        "node": node,
        "macro": macros,
        "band": result.band.value,
        "percent": _text(result.loss_percent, 1),
        "into": f"{total:f}",
        "sum": f"{used:f}",
        "difference": f"{total - used:f}",
        "uncertainty": None,
        "unit": "kWh",
        "coverage_percent": _text(result.coverage_percent, 1),
        "missing": result.missing,
        "strangers": sorted({row.serial for row in rows} - known),
        "from": start.isoformat(),
        "to": end.isoformat(),
        "causes": [_plain(cause) for cause in result.causes],
    }


def _rows(file: Path) -> list[RegisterReading]:
    from fieldtool.energies import RegisterReading
    from fieldtool.identity import normalise_serial
    from workorders.mwm.tables import Table

    if not file.is_file():
        usage(f"there is no file {file}")
    source = Table(file, _Row)
    found: list[RegisterReading] = []
    wrong: list[str] = []
    for row in source.rows():
        try:
            kwh = Decimal(row.value.kwh.replace(",", "."))
            at = _moment(row.value.at)
        except (InvalidOperation, ValueError):
            wrong.append(f"line {row.line}: {row.value.kwh!r} at {row.value.at!r} is no register at a time")
            continue
        serial = normalise_serial(row.value.serial)
        if serial is None or at is None or not kwh.is_finite():
            wrong.append(f"line {row.line}: no serial, time or number")
            continue
        found.append(RegisterReading(serial=serial, at=at, kwh=kwh))
    wrong += [str(error) for error in source.report.errors]
    if wrong:
        for line in wrong[:20]:
            note(line)
        fail(f"{len(wrong)} lines of {file.name} cannot be read: nothing is balanced on half a file")
    return found


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.astimezone()


def _text(value: Decimal | None, places: int) -> str | None:
    return None if value is None else f"{value:.{places}f}"


def _plain(cause: Cause) -> dict[str, Any]:
    return {
        "code": cause.code.value,
        "serials": cause.serials,
        "factor": None if cause.factor is None else f"{cause.factor:f}",
        "entered": cause.entered,
        "likely": cause.likely,
    }


# --- power now --------------------------------------------------------------------------------------


def _by_power(
    tablet: Tablet, node: str, port: str, macro: str | None, ratio: str | None, quiet: bool
) -> dict[str, Any]:
    from fieldtool.balancing import PowerBoard
    from fieldtool.journalhost import OrderContext
    from fieldtool.run.power import PowerProbe

    meters, macros = _members(tablet, node)
    known = tablet.tree.node(node)
    board = PowerBoard(
        node=node,
        name=(known.name if known else None) or node,
        macro=macro or (macros[0] if len(macros) == 1 else None),
        expected=[serial for serial in meters if serial != macro],
        ratio=ratio,
    )
    person = tablet.person()
    context = OrderContext(order_id=None, order_version=None, actor=person.id if person else None)
    probe = PowerProbe(tablet.surroundings(), context)
    with stopping_well(probe.cancel):
        board = _walk(board, probe, port, quiet)
    result = board.result
    if result is None:
        fail("nothing to balance: a reading of the macro meter and of a meter are needed")
    return {
        "node": node,
        "macro": [board.macro] if board.macro else [],
        "band": result.band.value,
        "percent": _text(result.percent, 1),
        "into": _text(result.macro, 0),
        "sum": _text(result.sum, 0),
        "difference": _text(result.difference, 0),
        "uncertainty": _text(result.uncertainty, 0),
        "unit": "W",
        "coverage_percent": _text(Decimal(100 * len(board.shares)) / max(1, len(board.expected)), 1),
        "missing": result.missing,
        "strangers": sorted(board.strangers),
        "from": None,
        "to": None,
        "causes": [_plain(cause) for cause in result.causes],
    }


def _walk(board: PowerBoard, probe: PowerProbe, port: str, quiet: bool) -> PowerBoard:
    """Enter reads who is under the probe, `m SERIAL` says which is the macro meter, `end` ends.

    Without a terminal each line of standard input is one of these.
    """
    while not board.complete:
        if not quiet or sys.stdin.isatty():
            note(f"put the probe on {board.next or 'the next meter'} and press Enter (`end` to stop)")
        line = sys.stdin.readline()
        said = line.strip()
        if not line or said == "end":
            break
        if said.startswith("m "):
            board = board.as_macro(said[2:].strip())
            continue
        try:
            with progress_bar(quiet) as progress:
                reading = probe.read(port, progress)
        except KeyboardInterrupt:
            raise
        except Exception as error:
            note(explained(error))
            continue
        board = board.take(reading)
        note(f"{reading.serial}: {reading.watts:f} W")
    return board


def _tell(found: dict[str, Any]) -> None:
    unit = found["unit"]
    about = f" ± {found['uncertainty']} {unit}" if found["uncertainty"] else ""
    percent = f", {found['percent']} %" if found["percent"] else ""
    say(f"{found['node']}: {found['band']}{percent}")
    rows = [["macro", found["into"]], ["sum", found["sum"]], ["difference", f"{found['difference']}{about}"]]
    table("", ["", unit], rows)
    for name in ("missing", "strangers"):
        if found[name]:
            say(f"{name}: {', '.join(found[name])}")
    for cause in found["causes"]:
        parts = [cause["code"], *cause["serials"]]
        if cause["likely"]:
            parts.append(f"{cause['entered']} → {cause['likely']}")
        elif cause["factor"]:
            parts.append(f"× {cause['factor']}")
        say(f"could be: {' '.join(parts)}")


def add_to(app: typer.Typer) -> None:
    """Hang the command on `fieldtool network`."""
    app.command("balance")(balance)
