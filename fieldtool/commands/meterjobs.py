"""`fieldtool meter profile|events|clock|relay`: more of what can be done at a meter without an order."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldtool.commands.meter import carry_out
from fieldtool.commands.meteroptions import MeterOptions, at_meter
from fieldtool.commands.metersession import session_of
from fieldtool.commands.output import JSON_HELP, emit, guarded, note, say, table, usage

if TYPE_CHECKING:
    from drivers.trace.record import Record

Since = Annotated[
    str | None, typer.Option("--from", help="First time, ISO 8601 with offset: 2026-05-01T00:00:00-05:00.")
]
Until = Annotated[str | None, typer.Option("--to", help="Last time, ISO 8601 with offset.")]
_CLOCK_PROGRAM = """name = "clock"
version = 1
title = {{ es = "Reloj", en = "Clock", pt = "Relógio" }}
models = []

[clock]
tolerance_seconds = {tolerance}
jump_limit_seconds = {limit}
"""
_JUMP_LIMIT = 900


@at_meter(client=2, auth="low")
def profile(
    meter: MeterOptions,
    since: Since = None,
    until: Until = None,
    item: Annotated[
        str | None, typer.Option("--item", help="7:OBIS:2 of the profile, or ansi:ST64; else the model's.")
    ] = None,
) -> None:
    """Read rows of the load profile.

    With --json one object: {"item", "columns": [{"item", "name", "unit"}], "rows": [{"time", "status",
    "values"}], "capture_period", "exchanges", "bytes": {"tx", "rx"}, "seconds"}. Times are UTC.

    Example: fieldtool meter profile --port COM3 --password env:METER_PASSWORD --from
    2026-05-01T00:00:00-05:00
    """
    check_times(since, until)
    with session_of(meter) as (session, _):
        found = session.profile(item, since, until)
    if meter.json:
        emit(found)
        return
    heads = [f"{c.name or c.item} {c.unit or ''}".strip() for c in found.columns]
    table("", ["time", "status", *heads], [[r.time, r.status, *r.values] for r in found.rows])
    note(f"{len(found.rows)} rows, every {found.capture_period or 0} s, {found.seconds:.1f} s")


@at_meter(client=2, auth="low")
def events(
    meter: MeterOptions,
    since: Since = None,
    until: Until = None,
    item: Annotated[
        str | None,
        typer.Option("--item", help="7:OBIS:2 of one event log, or ansi:ST76; else those of the model."),
    ] = None,
) -> None:
    """Read the event logs, oldest event first.

    With --json one object: {"identity": {…}, "rows": [{"time", "code", "name", "status", "log", "details"}],
    "exchanges", "bytes": {"tx", "rx"}, "seconds"}. `name` is null where the model file does not name the
    code.

    Example: fieldtool meter events --port /dev/ttyUSB0 --password env:METER_PASSWORD --json
    """
    check_times(since, until)
    with session_of(meter) as (session, _):
        found = session.events(item, since, until)
    if meter.json:
        emit(found)
        return
    lines = [[row.time, row.code, row.name, row.status] for row in found.rows]
    table("", ["time", "code", "event", "status"], lines)
    note(f"{len(found.rows)} events, {found.seconds:.1f} s")


@at_meter(client=2, auth="low")
def clock(
    meter: MeterOptions,
    set_it: Annotated[bool, typer.Option("--set", help="Set it by plan and apply (needs rights).")] = False,
    tolerance: Annotated[
        int, typer.Option("--tolerance", min=0, help="With --set: seconds that are left alone.")
    ] = 10,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help=f"With --set: `clock` permits a jump over {_JUMP_LIMIT} s."),
    ] = None,
) -> None:
    """Show how far the meter's clock is off; with --set, put it right.

    Without --set nothing is written. With --json one object: {"meter", "meter_time", "tool_time",
    "drift_seconds", "set": null | {"program", "meter", "changes": […], "complete"}}; the drift is positive
    where the meter is ahead, null where its clock gives no offset from UTC.

    Example: fieldtool meter clock --port COM3 --password env:METER_PASSWORD
    """
    from fieldtool.meterclock import ANSI_CLOCK_ITEM, CLOCK_ITEM, CLOCK_ITEMS, drift_of

    report = None
    with session_of(meter, writing=set_it) as (session, log):
        before = datetime.now(UTC)
        read = session.read([ANSI_CLOCK_ITEM if meter.mode in ("c12", "ansi") else CLOCK_ITEM])
        now = before + (datetime.now(UTC) - before) / 2
        if set_it:
            with tempfile.TemporaryDirectory() as folder:
                program = Path(folder) / "clock.toml"
                text = _CLOCK_PROGRAM.format(tolerance=tolerance, limit=_JUMP_LIMIT)
                program.write_text(text, encoding="utf-8")
                _, report = carry_out(session, log, program, {}, allow or [])
    shown = next((r.value for r in read.readings if r.item in CLOCK_ITEMS), None)
    drift = drift_of(read.readings, now)
    if meter.json:
        emit(_clock_object(read.identity.serial, shown, now, drift, report))
    else:
        say(f"meter  {shown or '—'}")
        say(f"here   {now.isoformat(timespec='seconds')}")
        off = f"{drift:+d} s" if drift is not None else "unknown: the clock gives no offset from UTC"
        say(f"drift  {off}")
        for change in report.changes if report else []:
            say(f"set    {change.state.value} {change.is_now or ''} {change.detail or ''}".rstrip())
    bad = report is not None and any(
        c.state.value in ("failed", "rolled_back", "intended", "untouched") for c in report.changes
    )
    if bad:
        note("fieldtool: the clock was not set; a jump needs --allow clock")
        raise typer.Exit(1)


def _clock_object(
    serial: str | None, shown: str | None, now: datetime, drift: int | None, report: Any
) -> dict[str, Any]:
    return {
        "meter": serial,
        "meter_time": shown,
        "tool_time": now.isoformat(timespec="seconds"),
        "drift_seconds": drift,
        "set": report,
    }


@at_meter(client=1, auth="gmac")
def relay(
    meter: MeterOptions,
    operation: Annotated[str, typer.Argument(help="disconnect | reconnect")],
    confirm: Annotated[
        str | None, typer.Option("--confirm", help="The last four digits of the meter's serial.")
    ] = None,
) -> None:
    """Open or close the supply relay: whoever is behind it loses or gets supply.

    Never without --confirm: the last four digits of the serial, as `meter identify` shows it. The intent is
    recorded durably before anything is sent. With --json one object: {"meter", "operation", "state",
    "is_now", "detail"}.

    Example: fieldtool meter relay disconnect --port COM3 --block-key env:EK --auth-key env:AK --confirm 3456
    """
    from drivers.errors import NeedsConfirmation, WrongValue
    from fieldtool.identity import last_four

    if operation not in ("disconnect", "reconnect"):
        usage(f"{operation!r}: it is disconnect or reconnect")
    with session_of(meter, writing=True) as (session, log):
        identity = session.identify()
        serial = identity.serial or identity.logical_device_name or ""
        if confirm is None:
            raise NeedsConfirmation
        if not serial or confirm != last_four(serial):
            raise WrongValue(f"--confirm {confirm} is not the last four digits of the meter's serial.")
        unsettled = log.open_intents(serial)
        if unsettled:
            session.settle(unsettled)
        result = session.relay(operation, serial)
    if meter.json:
        shown = {"state": result.state, "is_now": result.is_now, "detail": result.detail}
        emit({"meter": serial, "operation": operation, **shown})
    else:
        say(f"{operation}: {result.state.value}, now {result.is_now or 'unknown'}")
        if result.detail:
            note(result.detail)
    if result.state.value != "verified":
        raise typer.Exit(1)


def _recorded(file: Path, realm: str | None, out: Path | None) -> list[Record]:
    """The records of a trace; of a sealed one with the key of this machine's tablet."""
    from drivers.trace.record import parse_trace, read_trace
    from fieldtool.commands.opening import opened
    from fieldtool.depot.keeping import SEALED, lines_of

    if file.suffix != SEALED:
        if out is not None:
            usage("--out is for a sealed recording; this file is one that can be read")
        return read_trace(file)
    with opened(realm) as tablet:
        lines = lines_of(file, tablet.keeping.recording_key())
    if out is not None:
        out.write_bytes(lines)
    return parse_trace(lines.decode("utf-8", "replace").splitlines(), file.name)


@guarded
def explain(
    file: Annotated[
        Path, typer.Argument(help="A trace that was written with --trace, or a recording of the bench.")
    ],
    model: Annotated[
        str | None, typer.Option("--model", help="Meter model whose names are shown; else the trace's own.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the lines of a sealed recording here, for support.")
    ] = None,
    realm: Annotated[
        str | None, typer.Option("--realm", help="Of the tablet that sealed it: live | training | demo.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Say in words what a recorded session did, frame by frame, and what went wrong.

    A recording of the bench (`….sealed`) opens on the tablet that made it.

    With --json one object: {"rows": [{"t", "gap", "dir", "octets", "layer", "text", "problem", "code",
    "params"}], "octets_tx", "octets_rx", "repeats", "seconds", "verdict", "code", "params"}; `code` with its
    `params` is the sentence behind a text, empty where that is made of the protocol's own terms.

    Example: fieldtool meter read --port COM3 --trace read.jsonl, then: fieldtool meter explain read.jsonl
    """
    from drivers.trace.explain import explain as explained_trace
    from drivers.trace.naming import model_of, namer
    from fieldtool.commands.files import files_here

    records = _recorded(file, realm, out)
    models = files_here("models").models
    named = model or model_of(records)
    if named is not None and named not in models:
        usage(f"--model {named}: known are {', '.join(sorted(models))}")
    found = explained_trace(records, namer(models, named))
    if json:
        emit(found)
        return
    for row in found.rows:
        mark = "!" if row.problem else " "
        say(f"{mark}{row.t:9.3f} {row.gap:7.3f} {row.dir:2} {row.octets:5} {row.layer:8} {row.text}")
    say(found.verdict)
    note(f"{found.octets_tx} + {found.octets_rx} octets, {found.repeats} repetitions, {found.seconds:.1f} s")


def add_to(app: typer.Typer) -> None:
    """Hang the commands on `fieldtool meter`."""
    app.command("explain")(explain)
    for name, command in (("profile", profile), ("events", events), ("clock", clock), ("relay", relay)):
        app.command(name)(command)


def check_times(*times: str | None) -> None:
    """Times are wrong usage before the line is touched."""
    for text in times:
        if text is None:
            continue
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            usage(f"{text!r} is not a time like 2026-05-01T00:00:00-05:00")
        if moment.tzinfo is None:
            usage(f"{text!r} has no offset: add Z or -hh:mm")
