"""`fieldtool meter`: a meter at an optical port, without an order. Works on a machine that is not
enrolled, too; on a tablet, by the models and programs of its office."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.meteroptions import (
    Json,
    MasterKey,
    MeterOptions,
    NewAuthKey,
    NewBlockKey,
    NewHlsPassword,
    NewPassword,
    NewSecrets,
    NewSimPin,
    Program,
    Values,
    at_meter,
    program_of,
    values_of,
)
from fieldtool.commands.metersession import session_of
from fieldtool.commands.output import emit, guarded, note, say, table, usage

if TYPE_CHECKING:
    from drivers.changes import ApplyReport, Plan
    from drivers.reading import Reading
    from drivers.session.client import OpticalSession
    from fieldtool.meterlog import MeterLog

app = typer.Typer(
    no_args_is_help=True,
    help="A meter at the optical port: who it is, what it reads, what a program would change.",
)

_READOUT_CODE = re.compile(r"(?:\d+-\d+:)?[0-9A-Z]+(?:\.[0-9A-Z]+)*(?:[*&]\d+)?")


@app.command("ports")
@guarded
def ports(json: Json = False) -> None:
    """List the serial ports of this machine; probes on USB first.

    With --json one object: {"ports": [{"url", "description", "vid", "pid", "serial_number"}]}.
    """
    from drivers.ports import discover

    found = discover()
    if json:
        emit({"ports": found})
        return
    if not found:
        note("no serial port was found: plug the probe in, or pair it")
    table("", ["port", "what it is"], [[port.url, port.description] for port in found])


@app.command("identify")
@at_meter(client=16, auth="none")
def identify(meter: MeterOptions) -> None:
    """Sign on and say who the meter is.

    With --json one object: {"identity": {"manufacturer", "serial", "model", "firmware",
    "logical_device_name",
    "extra"}}; keys the meter does not give are null.

    Example: fieldtool meter identify --port /dev/ttyUSB0
    """
    with session_of(meter) as (session, _):
        found = session.identify()
    if meter.json:
        emit({"identity": found})
        return
    for name in ("manufacturer", "serial", "model", "firmware", "logical_device_name"):
        say(f"{name:20} {getattr(found, name) or '—'}")


@app.command("read")
@at_meter(client=16, auth="none")
def read(
    meter: MeterOptions,
    item: Annotated[
        list[str] | None,
        typer.Option(
            "--item",
            help="CLASS:OBIS:ATTR, or ansi:ST23:1.8.0, ansi:ST52:clock, ansi:MT05:raw; repeatable; else what "
            "the meter model names.",
        ),
    ] = None,
) -> None:
    """Read values from a meter.

    With --json one object: {"identity": {…}, "readings": [{"item", "name", "value", "unit", "time",
    "status"}],
    "exchanges", "bytes": {"tx", "rx"}, "seconds"}. `value` is decimal or plain text with the scaler applied.

    Example: fieldtool meter read --port COM3 --client 2 --auth low --password env:METER_PASSWORD
    --item 3:1.0.1.8.0.255:2
    """
    for text in item or []:
        _check_item(text, meter.mode)
    with session_of(meter) as (session, _):
        found = session.read(item or None)
    if meter.json:
        emit(found)
        return
    who = found.identity
    say(" ".join(part for part in (who.manufacturer, who.serial, who.model) if part))
    lines = [[r.item, r.name, _value_text(r), r.unit] for r in found.readings]
    table("", ["item", "name", "value", "unit"], lines)
    note(f"{found.exchanges} exchanges, {found.bytes.tx} + {found.bytes.rx} bytes, {found.seconds:.1f} s")


def _value_text(reading: Reading) -> str | None:
    """The value, with what is to be said about it."""
    if reading.value is None or reading.status is None:
        return reading.value or reading.status
    return f"{reading.value} ({reading.status})"


@app.command("plan")
@at_meter(client=1, auth="gmac")
def plan(
    meter: MeterOptions,
    program: Program,
    value: Values = None,
    new_password: NewPassword = None,
    new_block_key: NewBlockKey = None,
    new_auth_key: NewAuthKey = None,
    new_sim_pin: NewSimPin = None,
    new_hls_password: NewHlsPassword = None,
) -> None:
    """Show what a program would change on the meter; nothing is written.

    With --json one object: {"program", "values", "meter", "model", "changes": [{"id", "item", "name", "now",
    "will_be", "state": same|differs|unsupported|unreadable, "danger", "detail"}]}.
    """
    new = NewSecrets(new_password, new_block_key, new_auth_key, None, new_sim_pin, new_hls_password)
    with session_of(meter, new) as (session, _):
        found = session.plan(program_of(program), values_of(value))
    if meter.json:
        emit(found)
        return
    _show_plan(found)


@app.command("apply")
@at_meter(client=1, auth="gmac")
def apply(
    meter: MeterOptions,
    program: Program,
    value: Values = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="Id of a dangerous change to permit (see `meter plan`); repeatable."),
    ] = None,
    new_password: NewPassword = None,
    new_block_key: NewBlockKey = None,
    new_auth_key: NewAuthKey = None,
    master_key: MasterKey = None,
    new_sim_pin: NewSimPin = None,
    new_hls_password: NewHlsPassword = None,
) -> None:
    """Write what differs from a program, read it back, and settle what an earlier cut left open.

    A new password or key is kept where it was given until the meter was entered with it; after a cut the
    same command finds out which one holds. Each write is recorded durably before it is sent. With --json
    one object: {"program", "meter", "changes": [{"id", "state":
    verified|failed|rolled_back|untouched|intended, "is_now", "detail"}], "complete"}. Exit status 1 if
    something that may be written did not come out as it should.
    """
    new = NewSecrets(new_password, new_block_key, new_auth_key, master_key, new_sim_pin, new_hls_password)
    with session_of(meter, new, writing=True) as (session, log):
        planned, report = carry_out(session, log, program_of(program), values_of(value), allow or [])
    if meter.json:
        emit(report)
    else:
        _show_plan(planned)
        lines = [[c.id, c.state, c.is_now, c.detail] for c in report.changes]
        table("", ["change", "state", "is now", ""], lines)
    bad = [change.id for change in report.changes if change.state in ("failed", "rolled_back", "intended")]
    if bad:
        note(f"fieldtool: not as it should be: {', '.join(bad)}")
        raise typer.Exit(1)


def carry_out(
    session: OpticalSession, log: MeterLog, program: str | Path, values: dict[str, str], allow: list[str]
) -> tuple[Plan, ApplyReport]:
    """Plan, settle what an earlier cut left open, apply."""
    planned = session.plan(program, values)
    unsettled = log.open_intents(planned.meter)
    if unsettled:
        session.settle(unsettled)
        planned = session.plan(program, values)
    return planned, session.apply(planned, allow)


def _check_item(text: str, mode: str) -> None:
    """An item that no meter could be asked is wrong usage, told before the line is touched."""
    from drivers.ansi.items import is_ansi, parse_ansi_item
    from drivers.dlms.cosem import parse_item
    from drivers.errors import WrongValue

    if mode in ("auto", "c", "d") and _READOUT_CODE.fullmatch(text):
        return
    ansi = mode in ("c12", "ansi") or (mode == "auto" and is_ansi(text))
    try:
        parse_ansi_item(text) if ansi else parse_item(text)
    except WrongValue as error:
        usage(f"--item: {error.message}")


def _show_plan(found: Plan) -> None:
    say(f"program {found.program}, meter {found.meter}")
    lines = [[c.id, c.name, c.now, c.will_be, c.state, c.danger] for c in found.changes]
    table("", ["id", "item", "now", "will be", "state", "danger"], lines)
