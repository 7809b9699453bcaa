"""`fieldtool meter bench`: several probes at once, one program for a pallet of meters."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.meteroptions import (
    AuthKey,
    BlockKey,
    Password,
    Program,
    Values,
    program_of,
    values_of,
)
from fieldtool.commands.opening import opened
from fieldtool.commands.output import JSON_HELP, emit, fail, guarded, note, say, table, usage
from fieldtool.commands.panel import head_of
from fieldtool.commands.stopping import stopping_well

if TYPE_CHECKING:
    from fieldtool.depot.bench import Job
    from fieldtool.depot.board import BenchView
    from fieldtool.depot.records import Record
    from fieldtool.identity import StockItem
    from fieldtool.tablet.tablet import Tablet

SECRETS = ("password", "block_key", "auth_key")


@guarded
def bench(
    port: Annotated[list[str], typer.Option("--port", help="Port of a probe; once for each.")],
    program: Program,
    value: Values = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="Id of a dangerous change to permit on every meter; repeatable."),
    ] = None,
    pallet: Annotated[
        Path | None,
        typer.Option("--list", help="Serials of the pallet: CSV with a column serial (and model), or lines."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="Serials scanned from the labels, one a line: each meter must be there."
        ),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--secrets", help="CSV with serial, password, block_key, auth_key (keys in hex)."),
    ] = None,
    password: Password = None,
    block_key: BlockKey = None,
    auth_key: AuthKey = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace", help="Record every session into this folder (`meter explain`); no secret is in it."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the pallet as CSV to this file.")] = None,
    head: Annotated[str, typer.Option("--head", help="iec | ansi: the optical heads.")] = "iec",
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="End after so many; else all of --list.")
    ] = None,
    idle: Annotated[
        float, typer.Option("--idle", min=1, help="End after so many seconds of nothing.")
    ] = 300.0,
    user: Annotated[
        str | None, typer.Option("--user", help="Record in this tablet's journal in this person's name.")
    ] = None,
    realm: Annotated[str | None, typer.Option("--realm", help="live | training | demo.")] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Configure a pallet of meters, several at once: put a head on, wait for PASSED, go on to the next.

    Each probe works by itself. A meter is compared with --labels and the stock list (--list, or the tablet's
    own with --user) before anything secret is sent; what does not match is left alone. Every write is
    recorded durably first: with --user in the tablet's journal, else in this machine's meter log. Passwords
    and keys that are common to the pallet are options, those of each meter a file. A meter that did not let
    us in is not tried again before it was taken off and the command started anew. The session of a meter that
    did not pass is kept as a recording for `meter explain` and for support: `recording` names the file, which
    is sealed under this tablet's key with --user.

    With --json one object: {"program", "passed", "expected", "meters": [{"serial", "state":
    passed|failed|refused|locked, "port", "at", "model", "firmware", "label", "stock", "program", "version",
    "written", "seconds", "recording", "why": null | {"code", "what", "hint", "until"}}], "probes": [{"port",
    "state"}], "seconds"}. Exit status 1 where a meter did not pass.

    Example: fieldtool meter bench --port COM3 --port COM4 --program prepay-bt --list p.csv --secrets k.csv
    """
    from fieldtool.depot.bench import Bench
    from fieldtool.depot.board import pallet_csv

    secrets = _secrets(keys, {"password": password, "block_key": block_key, "auth_key": auth_key})
    with _around(user, realm) as (tablet, record):
        job = _job(tablet, program, value, allow, _stock(pallet, tablet), secrets, head, trace)
        running = Bench(port, job, record, _lines(labels) if labels is not None else None)
        shown = _Shown(json, count, idle)
        stopped = False
        try:
            with stopping_well(running.stop):
                running.run(shown.told, shown.enough)
        except KeyboardInterrupt:
            stopped = True
        view = running.view()
    if out is not None:
        out.write_text(pallet_csv(view.results), encoding="utf-8", newline="")
    _report(view, shown, json)
    bad = [one.serial for one in view.results if one.state != "passed"]
    if stopped:
        fail("stopped")
    if bad:
        fail(f"not passed: {', '.join(bad)}")


@contextmanager
def _around(user: str | None, realm: str | None) -> Iterator[tuple[Tablet | None, Record]]:
    """Where it is recorded: a tablet's journal for a person, else this machine's log."""
    from fieldtool.depot.records import JournalRecord, LogRecord
    from fieldtool.meterlog import MeterLog
    from fieldtool.settings import Home

    if user is None:
        yield None, LogRecord(MeterLog(Home.default().folder / "meter-tool.db"))
        return
    with opened(realm, user=user) as tablet:
        yield tablet, JournalRecord(tablet.journal, tablet.identity.system_title, user)


def _job(
    tablet: Tablet | None,
    program: str,
    value: list[str] | None,
    allow: list[str] | None,
    stock: dict[str, StockItem] | None,
    secrets: Callable[[str, str], bytes | None],
    head: str,
    trace: Path | None,
) -> Job:
    from drivers.connection import Mode
    from drivers.models import load_models
    from fieldtool.commands.files import files_here
    from fieldtool.depot.bench import Job
    from fieldtool.depot.keeping import Recordings
    from fieldtool.settings import Home

    home = Home.default()
    folders = (
        tablet.desk.now() if tablet is not None else files_here("models", "programs", writing=True)
    ).folders

    def secret(serial: str, name: str) -> bytes | None:
        return secrets(serial, name) or (tablet.secrets.get(serial, name) if tablet is not None else None)

    return Job(
        program=str(program_of(program)),
        models=folders["models"],
        programs=folders["programs"],
        cache=home.cache(),
        known=load_models(folders["models"]),
        secrets=secret,
        values=values_of(value),
        allow=allow or [],
        stock=stock,
        head=head_of(head) or Mode.AUTO,
        language=home.settings().language,
        recordings=Recordings(
            trace or home.recordings(tablet.realm if tablet is not None else None),
            everything=trace is not None,
            key=tablet.keeping.recording_key if tablet is not None and trace is None else None,
        ),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV by column, whatever its delimiter; a plain list has one column, `serial`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        usage(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        usage(f"{path}: nothing is in it")
    delimiter = max(";,\t", key=lines[0].count)
    names = [name.strip().lower() for name in lines[0].split(delimiter)]
    if "serial" not in names:
        return [{"serial": line.split(delimiter)[0].strip()} for line in lines]
    return [
        {(name or "").strip().lower(): (cell or "").strip() for name, cell in row.items() if name}
        for row in csv.DictReader(lines, delimiter=delimiter)
    ]


def _lines(path: Path) -> list[str]:
    from fieldtool.identity import normalise_serial

    return [serial for row in _rows(path) if (serial := normalise_serial(row["serial"])) is not None]


def _stock(pallet: Path | None, tablet: Tablet | None) -> dict[str, StockItem] | None:
    """The list given, else the tablet's; None where there is none: then only label and meter are compared."""
    from fieldtool.depot.board import IN_STORE
    from fieldtool.identity import StockItem, normalise_serial

    if pallet is not None:
        return {
            serial: StockItem(serial=serial, model=row.get("model", ""), state=row.get("state") or IN_STORE)
            for row in _rows(pallet)
            if (serial := normalise_serial(row["serial"])) is not None
        }
    if tablet is None:
        return None
    from workorders.store import queries

    with tablet.store.read() as connection:
        found = queries.stock(connection, limit=100_000)
    return {one.serial: StockItem(serial=one.serial, model=one.model, state=one.state) for one in found}


def _secrets(keys: Path | None, common: dict[str, str | None]) -> Callable[[str, str], bytes | None]:
    """Secrets by serial and name: of the file, else what is common to all."""
    from fieldtool.commands import secrets as named
    from fieldtool.identity import normalise_serial

    def read(name: str, text: str | None, where: str) -> bytes | None:
        return named.password_bytes(text) if name == "password" else named.key_bytes(text, where)

    shared = {}
    for name, given in common.items():
        option = "--" + name.replace("_", "-")
        shared[name] = read(name, named.resolve(given, option), option)
    named.forget_variables(*common.values())
    own: dict[tuple[str, str], bytes] = {}
    for row in _rows(keys) if keys is not None else []:
        for name in SECRETS:
            found = read(name, row.get(name) or None, f"{keys}: {name} of {row['serial']}")
            if found is not None:
                own[normalise_serial(row["serial"]) or "", name] = found
    return lambda serial, name: own.get((serial, name)) or shared.get(name)


class _Shown:
    """What the terminal says, and when the pallet is done."""

    def __init__(self, quiet: bool, count: int | None, idle: float) -> None:
        self._quiet, self._count, self._idle = quiet, count, idle
        self._lines: dict[str, str] = {}
        self._last = self.began = time.monotonic()

    def told(self, view: BenchView) -> None:
        """Take a new state of the bench; a line for each probe whose state changed."""
        for probe in view.probes:
            what = probe.why.what if probe.why else probe.step
            line = f"{probe.port}: {probe.state.value.upper()} {probe.serial or ''} {what}".rstrip()
            if self._lines.get(probe.port) != line:
                self._lines[probe.port], self._last = line, time.monotonic()
                if not self._quiet:
                    note(line)

    def enough(self, view: BenchView) -> bool:
        """All are done, or nothing happens any more."""
        wanted = self._count or view.expected
        working = any(probe.state.value == "working" for probe in view.probes)
        if wanted is not None and len(view.results) >= wanted and not working:
            return True
        return not working and time.monotonic() - self._last > self._idle


def _report(view: BenchView, shown: _Shown, json: bool) -> None:
    if json:
        emit(
            {
                "program": view.program,
                "passed": view.passed,
                "expected": view.expected,
                "meters": view.results,
                "probes": [{"port": one.port, "state": one.state} for one in view.probes],
                "seconds": round(time.monotonic() - shown.began, 3),
            }
        )
        return
    lines = [
        [one.serial, one.state, one.model, one.label, one.stock, " ".join(one.written),
         one.why.what if one.why else None]
        for one in view.results
    ]  # fmt: skip
    table(view.program, ["meter", "state", "model", "label", "stock", "written", ""], lines)
    for one in view.results:
        if one.recording is not None:
            note(f"{one.serial}: recorded in {one.recording}")
    say(f"{view.passed} passed" + (f" of {view.expected}" if view.expected is not None else ""))


def add_to(app: typer.Typer) -> None:
    """Hang the command on `fieldtool meter`."""
    app.command("bench")(bench)
