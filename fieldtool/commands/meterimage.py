"""`fieldtool meter image`: firmware into a meter; activation only when it is asked for and confirmed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fieldtool.commands.meteroptions import MeterOptions, at_meter
from fieldtool.commands.metersession import session_of
from fieldtool.commands.output import emit, note, say, usage

IMAGE_NAME = "firmware image"


@at_meter(client=1, auth="gmac")
def image(
    meter: MeterOptions,
    file: Annotated[
        Path,
        typer.Argument(help="The image, exactly as its maker gives it; or the name of one of the office's."),
    ],
    identifier: Annotated[
        str | None,
        typer.Option("--identifier", help="Image identifier, text or 0x hex; else its note's, or its name."),
    ] = None,
    activate: Annotated[
        bool, typer.Option("--activate", help="Let the meter run the image after it was verified.")
    ] = False,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", help="With --activate: the last four digits of the meter's serial."),
    ] = None,
) -> None:
    """Send a firmware image to a meter and have it verified; with --activate, let the meter run it.

    What the meter holds of the same image is not sent again: after a cut or Ctrl-C the same command goes
    on. Nothing is activated without --activate and --confirm. Intents are recorded durably before anything
    is sent. An image whose note (`fw.bin.toml`; one of the office's has it) names other models or another
    hash is refused. With --json one object: {"meter", "state": verified|activated, "identifier", "sha256",
    "size", "blocks", "sent", "firmware_before", "firmware_now", "detail"}; `sent` counts the blocks of this
    run.

    Example: fieldtool meter image fw.bin --port COM3 --block-key env:EK --auth-key env:AK --activate
    --confirm 3456
    """
    import msgspec

    from drivers.errors import NeedsConfirmation, WrongValue
    from fieldtool.firmware import against, read_image, refused
    from fieldtool.identity import last_four
    from workorders.sync.firmwarefolder import holding

    path = _path_of(file)
    found = read_image(path)
    if found.fault is not None:
        raise refused(found.fault)
    if activate and confirm is None:
        raise NeedsConfirmation
    name = identifier or found.identifier
    with holding(path), session_of(meter, writing=True) as (session, log):
        identity = session.identify()
        # Sending again what the meter runs already is no mistake: it says so.
        if against(found, identity.model, None) is not None:
            raise refused("other_model")
        serial = identity.serial or identity.logical_device_name or ""
        if activate and (not serial or confirm != last_four(serial)):
            raise WrongValue(f"--confirm {confirm} is not the last four digits of the meter's serial.")
        last = log.last_write(serial, IMAGE_NAME)
        unsettled = log.open_intents(serial)
        if unsettled:
            session.settle(unsettled)
        report = session.send_image(path.resolve(), name, last)
        sent = report.sent
        if activate and report.state.value != "activated":
            note(f"{report.identifier}: verified, activating; the meter restarts")
            report = session.activate_image(path.resolve(), name, serial)
    if meter.json:
        emit(msgspec.structs.replace(report, sent=sent))
        return
    say(f"{report.identifier}: {report.state.value}, {report.size} bytes, {sent} blocks sent")
    say(f"firmware {report.firmware_before or '—'} → {report.firmware_now or 'unchanged'}")
    if report.detail:
        note(report.detail)


def _path_of(file: Path) -> Path:
    """The file, or the image of that name that came from the office."""
    from fieldtool.settings import Home

    if file.is_file():
        return file
    home = Home.default()
    offered = home.firmware(home.realm()) / file.name
    if file.name != str(file) or not offered.is_file():
        usage(f"{file} is not a file, and no image here has this name")
    return offered


def add_to(app: typer.Typer) -> None:
    """Hang the command on `fieldtool meter`."""
    app.command("image")(image)
