"""`fieldtool gateway firmware`: images that an engineer offers to the tablets of a project, or takes back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fieldtool.commands.gateway import Database
from fieldtool.commands.opening import opened_office
from fieldtool.commands.output import JSON_HELP, emit, guarded, note, say, table, usage

Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
RealmOption = Annotated[str | None, typer.Option("--realm", help="live | training | demo.")]
Project = Annotated[str, typer.Argument(help="Id of the project whose tablets get it.")]

app = typer.Typer(no_args_is_help=True, help="Firmware images that the tablets of a project are offered.")


@app.command("publish")
@guarded
def publish(
    project: Project,
    file: Annotated[Path, typer.Argument(help="The image, exactly as its maker gives it.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Meter model that it is for; repeatable.")
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", help="Firmware that the meter shows afterwards.")
    ] = None,
    identifier: Annotated[
        str | None,
        typer.Option("--identifier", help="What the meter calls it, text or 0x hex; else the file's name."),
    ] = None,
    manufacturer: Annotated[str | None, typer.Option("--manufacturer", help="Who made it.")] = None,
    signature: Annotated[
        str | None, typer.Option("--signature", help="Its maker's, 0x hex, where it stands apart.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Its name on the tablets; else the file's.")
    ] = None,
    blobs: Annotated[
        str | None, typer.Option("--blobs", help="As of `gateway serve`; else FIELDTOOL_BLOBS.")
    ] = None,
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Offer a firmware image to the tablets of a project, in place of the one of its name.

    Tablets fetch it after records and photos, go on where the line was cut, check its hash, and offer it at
    meters of its models only. What is not said here is taken from the note beside the image (`fw.bin.toml`:
    models, version, identifier, manufacturer, signature, sha256). With --json one object: {"project",
    "version", "image": {"name", "sha256", "size", "models", "identifier", "manufacturer", "version",
    "signature", "published_at"}, "published": false if it was offered already}.

    Example: fieldtool gateway firmware publish prime fw140.bin --model prime-1ph --version V1.40.00
    """
    from fieldtool.firmware import MAX_BYTES, read_note
    from workorders.gateway.errors import InvalidInput
    from workorders.gateway.firmware import ImageSaid, publish_image

    if not file.is_file():
        usage(f"{file} is not a file")
    if file.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"{file.name} has more than {MAX_BYTES} bytes", code="bad_image")
    data, beside = file.read_bytes(), read_note(file)
    beside.check(data)
    said = ImageSaid(
        name=name or file.name,
        models=model or beside.models,
        version=version or beside.version or "",
        identifier=identifier or beside.identifier or "",
        manufacturer=manufacturer or beside.manufacturer or "",
        signature=signature or beside.signature or "",
    )
    with opened_office(database, realm, blobs) as (office, files):
        done = publish_image(office, files, project, said, data)
    for unknown in sorted(set(done.image.models) - _known_models()):
        note(f"look: this program brings no meter model {unknown}; it must be one that was published")
    if json:
        emit(done)
        return
    image = done.image
    say(f"{image.name}: {image.size} bytes, {image.identifier}, for {', '.join(image.models)}")
    say(f"SHA-256 {image.sha256}")
    if not done.published:
        note("nothing new: this very image is offered already")


@app.command("list")
@guarded
def listed(
    project: Project, database: Database = None, realm: RealmOption = None, json: Json = False
) -> None:
    """List the firmware images that the tablets of a project are offered.

    With --json one object: {"project", "version", "images": [{"name", "sha256", "size", "models",
    "identifier", "manufacturer", "version", "signature", "published_at"}]}.
    """
    from workorders.gateway.firmware import offered_images

    with opened_office(database, realm) as (office, _):
        found = offered_images(office, project)
    if json:
        emit(found)
        return
    lines = [
        [one.name, one.version, ", ".join(one.models), one.size, one.published_at, one.sha256[:16]]
        for one in found.images
    ]
    table("", ["name", "version", "models", "bytes", "published", "sha256"], lines)


@app.command("withdraw")
@guarded
def withdraw(
    project: Project,
    name: Annotated[str, typer.Argument(help="Name of the image (see `gateway firmware list`).")],
    database: Database = None,
    realm: RealmOption = None,
    json: Json = False,
) -> None:
    """Offer an image no longer: tablets remove it with their next sync, but not from under a meter.

    With --json one object as of `gateway firmware list`.
    """
    from workorders.gateway.firmware import withdraw_image

    with opened_office(database, realm) as (office, _):
        left = withdraw_image(office, project, name)
    if json:
        emit(left)
    else:
        say(f"withdrawn: {name}; {len(left.images)} image(s) are offered")


def add_to(office: typer.Typer) -> None:
    """Put the commands into the group of the office."""
    office.add_typer(app, name="firmware")


def _known_models() -> set[str]:
    import assets
    from drivers.models import load_models

    return set(load_models(assets.root() / "models"))
