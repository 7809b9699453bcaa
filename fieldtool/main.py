"""The command line of fieldtool. Bare, it opens the app; every command says with `--help` what it does.

Only typer is imported here: what a command needs is imported when it runs, so that `--help` is quick and a
machine without a screen never loads one.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fieldtool.commands import (
    batch,
    bench,
    firmware,
    gateway,
    handover,
    journal,
    labels,
    meter,
    meterimage,
    meterjobs,
    meterobjects,
    meterprogram,
    mwm,
    mwmsheets,
    network,
    networkbalance,
    networkorphans,
    officekeeping,
    officeload,
    officerecord,
    officestock,
    panel,
    proof,
    references,
    scan,
    stock,
    tablet,
    tools,
)
from fieldtool.commands.output import fail, guarded

app = typer.Typer(
    name="fieldtool",
    help="Exchange and commission meters in the field, without signal, and lose nothing.",
    epilog=(
        "FIELDTOOL_HOME moves all data of one tablet, FIELDTOOL_DATABASE that of the gateway; --user and "
        "FIELDTOOL_PIN sign a person in without a screen. Exit status: 0 done, 1 failed (reason on standard "
        "error), 2 wrong usage."
    ),
    no_args_is_help=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
tablet.add_to(app)
tools.add_to(app)
scan.add_to(app)
labels.add_to(app)
references.add_to(app)
firmware.add_to(gateway.app)
meterjobs.add_to(meter.app)
meterobjects.add_to(meter.app)
meterimage.add_to(meter.app)
meterprogram.add_to(meter.app)
panel.add_to(meter.app)
bench.add_to(meter.app)
app.add_typer(meter.app, name="meter")
officeload.add_to(gateway.app)
officestock.add_to(gateway.app)
proof.add_to(gateway.app)
mwm.add_to(app, gateway.app)
officekeeping.add_to(gateway.app)
mwmsheets.add_to(mwm.app, gateway.app)
officerecord.add_to(gateway.app)
app.add_typer(gateway.app, name="gateway")
app.add_typer(journal.app, name="journal")
app.add_typer(stock.app, name="stock")
handover.add_to(app)
networkbalance.add_to(network.app)
networkorphans.add_to(network.app)
app.add_typer(network.app, name="network")
batch.add_to(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"fieldtool {version('fieldtool')}\n")
        raise typer.Exit


@app.callback()
@guarded
def start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and leave.")
    ] = False,
) -> None:
    """Open the app, where no command is named."""
    if context.invoked_subcommand is None:
        from ui.app import run

        raise typer.Exit(run([]))


def main() -> None:
    """Entry point of the `fieldtool` command, and of the frozen program."""
    if sys.platform == "win32":
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8")
    try:
        app()
    except KeyboardInterrupt:
        fail("stopped")


if __name__ == "__main__":
    main()
