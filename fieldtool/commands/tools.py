"""`scan`, `doctor`, `demo`, and the virtual field."""

from __future__ import annotations

from typing import Annotated

import typer

from fieldtool.commands.output import JSON_HELP, emit, fail, guarded, table

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]


@guarded
def doctor(
    realm: Annotated[str | None, typer.Option("--realm", help="live | training | demo.")] = None,
    json: Json = False,
) -> None:
    """Say what this machine has and lacks: probe, receiver, camera, keyring, disk, clock, data.

    With --json one object: {"ok", "checks": [{"name", "state": ok|lacking|bad, "detail", "hint"}]}. Exit
    status 1 if something is bad; what is merely lacking (no probe plugged in) is no fault.
    """
    from fieldtool.commands.opening import realm_of
    from fieldtool.doctor import examine

    checks = examine(realm_of(realm))
    bad = [check for check in checks if check.state == "bad"]
    if json:
        emit({"ok": not bad, "checks": checks})
    else:
        table("", ["what", "state", "", "try"], [[c.name, c.state, c.detail, c.hint] for c in checks])
    if bad:
        fail(f"{len(bad)} thing(s) to mend: {', '.join(check.name for check in bad)}")


@guarded
def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Without a screen: progress bars and a result table.")
    ] = False,
    json: Json = False,
) -> None:
    """Run the whole job on the virtual field: gateway, meters and tablets as processes, real protocols.

    Without --headless the app opens with the demo's data in it. With --json (implies --headless) one
    object: {"orders", "meters", "match", "placements", "entries", "blobs", "journal", "gateway",
    "seconds"}; exit status 1 if tablet and gateway do not say the same.
    """
    from fieldtool.demo import run

    status = run(headless=headless or json, json=json)
    if status:
        raise typer.Exit(status)


_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@guarded
def virtual_meter(context: typer.Context) -> None:
    """A meter behind an optical port that speaks IEC 62056-21, HDLC and DLMS; --help lists its options."""
    _virtual("virtual-meter", context)


@guarded
def virtual_concentrator(context: typer.Context) -> None:
    """A PRIME concentrator with the STG-DC web service; --help lists its options."""
    _virtual("virtual-concentrator", context)


@guarded
def virtual_gps(context: typer.Context) -> None:
    """A satellite receiver that speaks NMEA 0183; --help lists its options."""
    _virtual("virtual-gps", context)


def _virtual(program: str, context: typer.Context) -> None:
    from drivers.virtual.cli import main

    raise typer.Exit(main([program, *context.args]))


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.command("demo")(demo)
    app.command("doctor")(doctor)
    app.command("virtual-meter", context_settings=_PASS_ON)(virtual_meter)
    app.command("virtual-concentrator", context_settings=_PASS_ON)(virtual_concentrator)
    app.command("virtual-gps", context_settings=_PASS_ON)(virtual_gps)
