"""Commands of a tablet: enrol, sync, orders, commission, people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.opening import opened
from fieldtool.commands.output import (
    JSON_HELP,
    emit,
    explained,
    explained_sync,
    fail,
    guarded,
    local,
    note,
    progress_bar,
    say,
    table,
    usage,
)
from fieldtool.commands.stopping import stopping_well

if TYPE_CHECKING:
    from workorders.sync.round import SyncReport

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
RealmOption = Annotated[
    str | None,
    typer.Option("--realm", help="live | training | demo; else the one that this tablet was last used in."),
]
User = Annotated[
    str | None,
    typer.Option(
        "--user", help="Who does it (id of the person); the PIN comes from FIELDTOOL_PIN or is asked for."
    ),
]

orders_app = typer.Typer(no_args_is_help=True, help="The work orders of this tablet.")


@guarded
def enrol(
    url: Annotated[str, typer.Argument(help="Address of the gateway (https://…), or the text of the QR.")],
    code: Annotated[str, typer.Argument(help="The one-time code that the office gave out.")] = "",
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Make this tablet known to a gateway.

    Makes the tablet's keys and its encrypted database, proves the keys, and leaves a sealed copy of the
    database key with the gateway. Enrolling again begins a new chain; nothing unsent is touched. With
    --json one object: {"tablet", "realm", "crew", "project", "gateway", "system_title"}.

    Example: fieldtool enrol https://gateway.example.org 7K2M-9QXT-…
    """
    ticket = code or url
    if not code and not url.startswith("fieldtool:"):
        usage("a code is needed after the address")
    with opened(realm, create=True) as tablet:
        tablet.enrol(url, ticket)
        identity = tablet.identity
        result = {
            "tablet": identity.tablet,
            "realm": identity.realm.value,
            "crew": identity.crew,
            "project": identity.project,
            "gateway": identity.url,
            "system_title": identity.system_title,
        }
    if json:
        emit(result)
    else:
        say(f"enrolled: tablet {identity.tablet}")
        say(f"crew {identity.crew or '—'}, project {identity.project or '—'}")


@guarded
def sync(
    realm: RealmOption = None,
    photos: Annotated[
        bool, typer.Option("--photos", help="Photos too, whatever the line costs or the settings say.")
    ] = False,
    firmware: Annotated[
        bool, typer.Option("--firmware", help="Firmware too, over a line that costs.")
    ] = False,
    json: Json = False,
) -> None:
    """One round with the gateway: push what waits, pull what is new, photos and firmware where the line may.

    Offline is no fault of yours, but the round was not done: exit status 1. With --json one object: {"state",
    "stage", "code", "message", "pushed", "verdicts": {verdict: n}, "pulled", "left": [{"order_id",
    "reason"}],
    "references", "references_refused": [{"name", "version", "code", "reason", …}], "keys_changed",
    "blobs_sent", "blobs_confirmed", "blobs_wait": null | "metered" | "cap",
    "firmware": number of the office's images that lie here, "firmware_received", "firmware_removed",
    "firmware_coming": [{"name", "sha256", "size", "have", "code": null | "disk_full" | "cannot_write" |
    "damaged" | "not_held", "at"}], "firmware_wait": null | "metered",
    "entries", "orders", "digest", "equal", "forks": [{"chain_id", "seq",
    "ours", "theirs", "at"}], "pending", "pending_blobs", "at", "seconds", …}.
    """
    with opened(realm) as tablet, progress_bar(json) as progress:
        report = tablet.sync(progress, all_files=photos, firmware=firmware)
    if json:
        emit(report)
    else:
        verdicts = ", ".join(f"{number} {name}" for name, number in sorted(report.verdicts.items()))
        say(f"{report.state.value}: sent {report.pushed} ({verdicts or 'nothing'}), received {report.pulled}")
        say(f"waiting: {report.pending} entries, {report.pending_blobs} photos")
        if report.blobs_wait is not None and report.pending_blobs:
            note(
                explained_sync(
                    f"photos_{report.blobs_wait}", "photos wait for another line (--photos sends them)"
                )
            )
        _say_firmware(report)
        for left in report.left:
            say(f"order {left.order_id} left the list: {left.reason}")
        if report.forks:
            places = ", ".join(f"{fork.chain_id[:8]}/{fork.seq}" for fork in report.forks[-3:])
            note(explained_sync("fork", "two entries have one number") + f" ({places})")
        for item in report.references_refused:
            note(f"{item.name}, version {item.version}: {explained_sync(item.code, item.reason)}")
    if report.state.value != "done":
        code = report.code or report.state.value
        fail(explained_sync(code, report.message or report.state.value))


def _say_firmware(report: SyncReport) -> None:
    from fieldtool.settings import Home
    from fieldtool.words import text

    language = Home.default().settings().language
    if report.firmware or report.firmware_removed:
        removed = f", {report.firmware_removed} withdrawn" if report.firmware_removed else ""
        say(f"firmware: {report.firmware} images here, {report.firmware_received} new{removed}")
    wait = " over a line that costs nothing (--firmware: over any)" if report.firmware_wait else ""
    for one in report.firmware_coming:
        if one.code is None:
            note(f"{one.name}: {one.have} of {one.size} bytes; it goes on with the next sync{wait}")
        else:
            said = text(f"firmware.coming.{one.code}", language, size=f"{one.size} bytes")
            note(f"{one.name}: {said}")


@orders_app.command("list")
@guarded
def orders_list(
    search: Annotated[
        str, typer.Option("--search", help="In number, serials, supply number and address.")
    ] = "",
    group: Annotated[
        list[str] | None, typer.Option("--group", help="today | late | later | done; repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1)] = 200,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """List the orders of this tablet: today first, then late, then the rest.

    With --json one object: {"orders": [{"order_id", "number", "kind", "status", "group", "usage_point",
    "address",
    "due", "sla", "seconds_left", "step", "unsent", "attempts", "flags", …}], "counts": {…}}.
    """
    from fieldtool.tablet.rows import Group, OrderFilter

    try:
        groups = [Group(name) for name in group or []]
    except ValueError as error:
        usage(str(error))
    with opened(realm) as tablet:
        found = tablet.orders(OrderFilter(groups=groups, search=search), limit)
        counts = tablet.order_counts()
    if json:
        emit({"orders": found, "counts": counts})
        return
    lines = [
        [row.number, row.group.value, row.status, row.kind, row.due, row.usage_point, row.address]
        for row in found
    ]
    table("", ["number", "when", "status", "task", "due", "supply", "address"], lines)


@orders_app.command("show")
@guarded
def orders_show(
    order: Annotated[
        str, typer.Argument(help="Number or id of the order, or a serial or supply number in it.")
    ],
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Show one order: devices, place, history with the office's verdicts.

    With --json one object with the fields of the order page: {"row", "version", "customer", "old", "new",
    "path",
    "technology", "program", "notes", "history": [{"entry_id", "kind", "at", "actor", "params", "verdict"}],
    "action", "step", "procedure"}.
    """
    with opened(realm) as tablet:
        found = tablet.order(order)
    if json:
        emit(found)
        return
    row = found.row
    say(f"{row.number}  {row.kind}  {row.status}  due {local(row.due)}")
    say(row.address or ("personal data erased" if found.customer.erased else "—"))
    say(" → ".join(found.path) or "—")
    say(f"old {found.old.serial if found.old else '—'}, new {(found.new and found.new.serial) or '—'}")
    lines = [
        [event.at, event.kind, " ".join(event.params.values()), event.verdict or "kept here"]
        for event in found.history
    ]
    table("", ["time", "what", "", "office"], lines)


@orders_app.command("record")
@guarded
def orders_record(
    order: Annotated[str, typer.Argument(help="Number or id of the order.")],
    out: Annotated[Path, typer.Option("--out", help="PDF file to write.")],
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Write the installation record (acta) of a finished order as it was issued.

    With --json one object: {"file", "bytes"}. `journal verify --record` checks it anywhere.
    """
    with opened(realm) as tablet:
        pdf = tablet.record_pdf(order)
    out.write_bytes(pdf)
    if json:
        emit({"file": str(out), "bytes": len(pdf)})
    else:
        say(f"{out}: {len(pdf)} bytes")


@orders_app.command("trace")
@guarded
def orders_trace(
    order: Annotated[str, typer.Argument(help="Number or id of the order.")],
    number: Annotated[
        int | None, typer.Option("--number", min=1, help="Which recording; else the last one.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write it to, for `meter explain` or support.")
    ] = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """List the recorded optical sessions of an order, or write one to a file. No secret is in it.

    A session that failed is laid on its order by itself. With --json one object: {"recordings": [{"number",
    "sha256", "at", "step", "size", "here"}], "file", "bytes"}; the last two are null without --out.

    Example: fieldtool orders trace RN2600001 --out visit.jsonl, then: fieldtool meter explain visit.jsonl
    """
    from fieldtool.tablet import recordings

    with opened(realm) as tablet:
        found = recordings.of_order(tablet, order)
        lines = recordings.lines_of(tablet, order, number) if out is not None else b""
    if out is not None:
        out.write_bytes(lines)
    if json:
        size = len(lines) if out is not None else None
        emit({"recordings": found, "file": str(out) if out else None, "bytes": size})
    elif out is not None:
        say(f"{out}: {len(lines)} bytes")
    else:
        columns = ["number", "time", "step", "bytes", "here"]
        table("", columns, [[r.number, r.at, r.step, r.size, "yes" if r.here else "no"] for r in found])


@guarded
def people(realm: RealmOption = None, json: Json = False) -> None:
    """List who may sign in on this tablet.

    With --json one object: {"people": [{"id", "name", "role", "crew", "locked_seconds", "expired"}]}.
    """
    with opened(realm) as tablet:
        found = tablet.people()
    if json:
        emit({"people": found})
        return
    table("", ["id", "name", "role", "crew"], [[p.id, p.name, p.role, p.crew] for p in found])


@guarded
def commission(
    order: Annotated[str, typer.Argument(help="Number or id of the order.")],
    answers: Annotated[Path, typer.Option("--answers", help="JSON file: {step: {field: value}}.")],
    old_port: Annotated[str | None, typer.Option("--old-port", help="Probe port of the old meter.")] = None,
    new_port: Annotated[str | None, typer.Option("--new-port", help="Probe port of the new meter.")] = None,
    gps: Annotated[
        str | None,
        typer.Option(
            "--gps", help="Port of the receiver (COM7, COM7@4800, socket://…), auto, windows, none."
        ),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option("--photos", help="Folder of the pictures that answers name; else beside the file."),
    ] = None,
    stop_before: Annotated[
        str | None, typer.Option("--stop-before", help="Leave before this step, with exit status 0.")
    ] = None,
    redo: Annotated[
        str | None, typer.Option("--redo", help="Answer this done step again first (a correction).")
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace", help="Record the optical sessions in this file (`meter explain`); no secret."
        ),
    ] = None,
    user: User = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Run the procedure of an order without a screen; run again, it goes on where it stopped.

    The answers name what a crew would tap, type, scan and photograph. Photo fields hold paths of pictures;
    a scan step takes `image` (a picture of the label) or `serial` with `codes`. Steps at a meter are worked
    by themselves; `configure` takes `allow` (ids of dangerous changes), `relay` its `confirmation` (last
    four digits). Steps that ask where the crew is take it from the receiver, unless the answer gives
    `position`. "not_done": {"reason", "note", "photos", "at": step} leaves the order as not executed.

    A mismatch, a safety stop or a fault at the port ends the command with exit status 1 and everything
    accepted so far durable. With --json one object: {"order", "order_id", "state":
    completed|not_done|unsafe|stopped, "step", "steps_done", "match": {"verdict", "cause", "overridden_by"},
    "meters": {"read", "configured", "resumed"}, "flags", "record", "error": {"code", "message",
    "problems"}, "seconds"}.

    Example: fieldtool commission RN2600001 --old-port COM3 --new-port COM3 --answers day.json --user t01
    """
    from fieldtool.headless import HeadlessRun, failure, read_answers

    given = read_answers(answers)
    with opened(realm, user=user) as tablet, progress_bar(json) as progress:
        tablet.use_ports(old=old_port, new=new_port, position=gps)
        run = tablet.start(order)
        run.trace = trace
        if redo is not None:
            run.go(redo)
        walk = HeadlessRun(
            run, given, pictures=photos or answers.parent, progress=progress, stop_before=stop_before
        )
        reason = None
        try:
            with stopping_well(run.cancel):
                walk.go()
        except (KeyboardInterrupt, typer.Exit):
            raise
        except Exception as error:
            reason = explained(error)
            walk.outcome.error = failure(error, reason)
        finally:
            tablet.leave(run.order_id)
    outcome = walk.outcome
    if json:
        emit(outcome)
    else:
        say(f"order {outcome.order}: {outcome.state}, {outcome.steps_done} steps done")
        say(f"record {outcome.record or '—'}")
        if outcome.flags:
            say(f"for the supervisor: {', '.join(outcome.flags)}")
    if reason is not None:
        fail(reason)
    if outcome.state == "unsafe":
        fail(f"order {outcome.order} ended as unsafe")
    if outcome.state == "stopped" and stop_before is None:
        note(f"stopped at step {outcome.step}")


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("enrol")(enrol)
    app.command("sync")(sync)
    app.command("commission")(commission)
    app.command("people")(people)
    app.add_typer(orders_app, name="orders")
