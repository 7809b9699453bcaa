"""`fieldtool meter image`: firmware into a meter; activation only when it is asked for and confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.meteroptions import MeterOptions, at_meter
from fieldtool.commands.metersession import session_of
from fieldtool.commands.output import emit, note, say, usage

if TYPE_CHECKING:
    from fieldtool.depot.records import JournalRecord

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
    user: Annotated[
        str | None,
        typer.Option("--user", help="Who does it, in this tablet's journal; on a tablet needed to activate."),
    ] = None,
    realm: Annotated[str | None, typer.Option("--realm", help="live | training | demo.")] = None,
) -> None:
    """Send a firmware image to a meter and have it verified; with --activate, let the meter run it.

    What the meter holds of the same image is not sent again: after a cut or Ctrl-C the same command goes
    on. Nothing is activated without --activate and --confirm. Intents are recorded durably before anything
    is sent. An image whose note (`fw.bin.toml`; one of the office's has it) names other models or another
    hash is refused. On an enrolled tablet --activate asks for the same as its page *Firmware*: --user (with
    FIELDTOOL_PIN) whose role is lead, supervisor or engineer; what that person does stands in the tablet's
    journal. A machine that is no tablet knows no roles and keeps its own log. With --json one object:
    {"meter", "state": verified|activated, "identifier", "sha256", "size", "blocks", "sent",
    "firmware_before", "firmware_now", "detail"}; `sent` counts the blocks of this run.

    Example: fieldtool meter image fw.bin --port COM3 --block-key env:EK --auth-key env:AK --activate
    --confirm 3456
    """
    import msgspec

    from drivers.errors import NeedsConfirmation, WrongValue
    from fieldtool.associating import no_secret
    from fieldtool.firmware import against, read_image, refused
    from fieldtool.identity import last_four
    from workorders.sync.firmwarefolder import holding

    path = _path_of(file, realm)
    found = read_image(path)
    if found.fault is not None:
        raise refused(found.fault)
    if activate and confirm is None:
        raise NeedsConfirmation
    name = identifier or found.identifier
    with ExitStack() as closing:
        record = closing.enter_context(_in_name_of(user, realm, activate))
        named = record.host(no_secret, lambda *_: None, None) if record is not None else None
        closing.enter_context(holding(path))
        session, log = closing.enter_context(session_of(meter, writing=True, named=named))
        identity = session.identify()
        # Sending again what the meter runs already is no mistake: it says so.
        if against(found, identity.model, None) is not None:
            raise refused("other_model")
        serial = identity.serial or identity.logical_device_name or ""
        if activate and (not serial or confirm != last_four(serial)):
            raise WrongValue(f"--confirm {confirm} is not the last four digits of the meter's serial.")
        last = log.last_write(serial, IMAGE_NAME)
        unsettled = log.open_intents(serial)
        if record is not None and named is not None:
            last = record.last_write(serial, IMAGE_NAME) or last
            theirs = record.open_intents(serial)
            named.know(theirs)
            unsettled = list({one.id: one for one in (*unsettled, *theirs)}.values())
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


@contextmanager
def _in_name_of(user: str | None, realm: str | None, activate: bool) -> Iterator[JournalRecord | None]:
    """Where a person's writes are recorded on this tablet; None where nobody was named.

    Raises:
        JobError: `nobody_signed_in` or `firmware_role`, where firmware is to be activated on a tablet.
    """
    from fieldtool.commands.opening import opened
    from fieldtool.depot.records import JournalRecord
    from fieldtool.errors import JobError
    from fieldtool.settings import Home
    from workorders.people import MAY_ACTIVATE

    if user is None:
        # Whatever realm was named: another one than the tablet's must not be the way around it.
        if activate and Home.default().realms():
            raise JobError("nobody_signed_in", "on a tablet --activate needs --user: who lets it run is kept")
        yield None
        return
    with opened(realm, user=user) as tablet:
        person = tablet.person()
        if activate and (person is None or person.role not in MAY_ACTIVATE):
            role = person.role if person is not None else "nobody"
            raise JobError("firmware_role", f"the role {role} may not activate firmware")
        yield JournalRecord(tablet.journal, tablet.identity.system_title, user)


def _path_of(file: Path, realm: str | None) -> Path:
    """The file, or the image of that name that came from the office."""
    from fieldtool.commands.opening import realm_of
    from fieldtool.settings import Home

    if file.is_file():
        return file
    home = Home.default()
    offered = home.firmware(realm_of(realm) or home.realm()) / file.name
    if file.name != str(file) or not offered.is_file():
        usage(f"{file} is not a file, and no image here has this name")
    return offered


def add_to(app: typer.Typer) -> None:
    """Hang the command on `fieldtool meter`."""
    app.command("image")(image)
