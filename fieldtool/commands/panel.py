"""`fieldtool meter panel`: the probe moves along a panel, the orders follow it."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldtool.commands.opening import opened
from fieldtool.commands.output import (
    JSON_HELP,
    Progress,
    emit,
    explained,
    fail,
    guarded,
    note,
    progress_bar,
    say,
    table,
    usage,
)
from fieldtool.commands.stopping import stopping_well

if TYPE_CHECKING:
    from drivers.connection import Mode
    from fieldtool.panelrun.board import PanelView
    from fieldtool.panelrun.run import PanelRun


@guarded
def panel(
    port: Annotated[
        str, typer.Option("--port", help="COM3, /dev/ttyUSB0, socket://HOST:PORT or rfc2217://HOST:PORT.")
    ],
    panel: Annotated[
        str | None, typer.Option("--panel", help="The panel, by mRID or name; without it they are listed.")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="Id of a dangerous change to permit on every meter; repeatable."),
    ] = None,
    head: Annotated[
        str, typer.Option("--head", help="auto (by the models of the orders) | iec | ansi: the optical head.")
    ] = "auto",
    once: Annotated[bool, typer.Option("--once", help="Work the meter under the probe, then end.")] = False,
    idle: Annotated[
        float, typer.Option("--idle", min=1, help="End after so many seconds without another meter.")
    ] = 300.0,
    beep: Annotated[bool, typer.Option("--beep", help="Ring the terminal's bell at each NEXT.")] = False,
    user: Annotated[
        str | None, typer.Option("--user", help="Who does it; the PIN comes from FIELDTOOL_PIN or is asked.")
    ] = None,
    realm: Annotated[str | None, typer.Option("--realm", help="live | training | demo.")] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Move one probe along a panel: each meter is recognised, read, matched and configured by its own order.

    Who is under the probe is asked of the public client, so no password reaches a meter that is not expected.
    Of each order only the steps at the meter are done, and only when they are next; labels, safety checks,
    relay and everything else stay for `commission` or the app. A meter that failed is worked again only on
    Enter (a number and Enter: the slot at which the probe is), or by the next call. Ends when all are done,
    after --idle seconds, or by Ctrl-C, which leaves the meter well.

    With --json one object: {"panel", "name", "done", "total", "slots": [{"slot", "state":
    ready|waiting|done|failed|locked|stopped|ended|standing, "serial", "order_id", "number", "role", "step",
    "trouble": null | {"code", "what", "hint", "until"}, "session"}], "strangers": [{"who":
    other_place|standing|on_truck|foreign|unnamed, "serial", "order", "place", "slot"}], "hints": [{"serial",
    "code", "params"}], "seconds", "error"}. Without --panel: {"panels": [{"panel", "name", "orders",
    "open"}]}. Exit status 1 where a meter failed or the probe is not there.

    Example: fieldtool meter panel --port COM3 --panel C1-P01 --user scz.t01a
    """
    from fieldtool.tablet.panel import panel_run, panels

    with opened(realm, user=user) as tablet, progress_bar(json) as progress:
        if panel is None:
            found = panels(tablet)
            if json:
                emit({"panels": found})
            else:
                lines = [[row.panel, row.name, row.orders, row.open] for row in found]
                table("", ["panel", "name", "orders", "open"], lines)
            return
        tablet.use_ports(old=port, new=port)
        run = panel_run(tablet, panel, head=head_of(head), allow=allow or [])
        shown = _Shown(quiet=json, beep=beep, once=once, idle=idle, progress=progress)
        _listen(run)
        reason = None
        try:
            with stopping_well(run.cancel):
                run.run(shown.told, shown.enough)
        except KeyboardInterrupt:
            reason = "stopped"
        except Exception as error:
            reason = explained(error)
    _report(run.view, shown, reason, json)


class _Shown:
    """What the terminal says of a run, and when it has had enough."""

    def __init__(self, *, quiet: bool, beep: bool, once: bool, idle: float, progress: Progress) -> None:
        self._quiet, self._beep, self._once, self._idle = quiet, beep, once, idle
        self._progress = progress
        self._line = ""
        self._last = time.monotonic()
        self.began = self._last
        self.strangers: dict[str | None, Any] = {}
        self.hints: dict[tuple[str | None, str], Any] = {}

    def told(self, view: PanelView) -> None:
        """Take a new state of the run."""
        if view.stranger is not None:
            self.strangers[view.stranger.serial] = view.stranger
        serial = view.here.serial if view.here else None
        for hint in view.hints:
            self.hints[serial, hint.code] = {"serial": serial, "code": hint.code, "params": hint.params}
        if view.working is not None:
            at = view.working
            self._progress(at.step, at.done, at.total, at.seconds_left)
        line = _line(view)
        if line != self._line:
            self._line, self._last = line, time.monotonic()
            if not self._quiet:
                bell = "\a" if self._beep and view.phase == "next" else ""
                note(bell + line)

    def enough(self, view: PanelView) -> bool:
        """Whether to end although not everything is done."""
        if self._once and view.phase in ("next", "held", "stranger"):
            return True
        return time.monotonic() - self._last > self._idle


def _line(view: PanelView) -> str:
    count = f"{view.done} of {view.total}"
    if view.phase == "looking":
        where = f" (slot {view.expected} is next)" if view.expected is not None else ""
        return f"{count}: put the probe on the next meter{where}"
    if view.stranger is not None:
        found = view.stranger
        told = {
            "other_place": f"belongs to {found.place or 'another place'}"
            + (f", order {found.order}" if found.order else ""),
            "standing": f"stands in slot {found.slot} without an order",
            "on_truck": "is on the truck's list, but no order of this panel names it",
            "foreign": "is not known here",
            "unnamed": "does not say its serial",
        }[found.who]
        return f"NOT OURS: {found.serial or 'meter'} {told}; nothing was written"
    here = view.here
    if here is None:
        return count
    who = f"slot {here.slot if here.slot is not None else '?'}, {here.serial}, order {here.number}"
    warned = "".join(f"; {hint.code} {' '.join(hint.params.values())}" for hint in view.hints)
    if view.phase == "working":
        return f"{who}: {here.step}{warned}"
    if view.phase in ("next", "finished"):
        return f"{count}: {who} done — NEXT{warned}"
    why = here.trouble.what if here.trouble else f"step {here.step!r} comes first"
    return f"{who}: {here.state.value}: {why}{warned}"


def _listen(run: PanelRun) -> None:
    """Enter: again; a number: the slot at which the probe is. Only where a person sits at a terminal."""
    if not sys.stdin.isatty():
        return

    def read() -> None:
        for line in sys.stdin:
            text = line.strip()
            if text.isdigit():
                run.at(int(text))
            else:
                run.again()

    threading.Thread(target=read, name="keys", daemon=True).start()


def head_of(name: str) -> Mode | None:
    from drivers.connection import Mode

    modes = {"auto": None, "iec": Mode.AUTO, "ansi": Mode.C12}
    if name not in modes:
        usage(f"--head {name!r}: it is auto, iec or ansi")
    return modes[name]


def _report(view: PanelView, shown: _Shown, reason: str | None, json: bool) -> None:
    bad = [one for one in view.slots if one.state in ("failed", "locked", "stopped")]
    if json:
        emit(
            {
                "panel": view.panel,
                "name": view.name,
                "done": view.done,
                "total": view.total,
                "slots": view.slots,
                "strangers": list(shown.strangers.values()),
                "hints": list(shown.hints.values()),
                "seconds": round(time.monotonic() - shown.began, 3),
                "error": reason,
            }
        )
    else:
        lines = [
            [one.slot, one.serial, one.number, one.state, one.trouble.what if one.trouble else one.step]
            for one in view.slots
        ]
        table(view.name, ["slot", "meter", "order", "state", ""], lines)
        say(f"{view.done} of {view.total} done")
    if reason is not None:
        fail(reason)
    if bad:
        fail("not finished: " + ", ".join(str(one.serial or one.number) for one in bad))


def add_to(app: typer.Typer) -> None:
    """Hang the command on `fieldtool meter`."""
    app.command("panel")(panel)
