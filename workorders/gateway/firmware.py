"""Firmware images that an engineer publishes to the tablets of a project, and takes back.

What is said of them is a reference set of its own: versioned, signed, an entry on the project's chain with
who did it. Their bytes lie in the store of blobs under their SHA-256. An image that was taken back stays
there: what was once sent to a meter must be told for as long as the record is kept.
"""

from __future__ import annotations

import hashlib

import msgspec
from sqlalchemy import Connection, select

from workorders.gateway import references
from workorders.gateway.chains import writing
from workorders.gateway.errors import InvalidInput, NotFound, OutOfTurn, TooLarge
from workorders.gateway.office import Office
from workorders.gateway.published import check_project
from workorders.gateway.pull import TabletRow
from workorders.journal.kinds import ReferenceReceived
from workorders.journal.writer import Draft
from workorders.store import schema
from workorders.sync.blobs import HELD, BlobStore, note_blob
from workorders.sync.firmware import FirmwareImage, FirmwareSet, firmware_of, read_firmware
from workorders.sync.wire import MAX_FIRMWARE_BYTES, MAX_FIRMWARE_IMAGES


class ImageSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of an image that is published; see `FirmwareImage`. No identifier: the name of the file
    without its ending."""

    name: str
    models: list[str]
    identifier: str = ""
    manufacturer: str = ""
    version: str = ""
    signature: str = ""


class OfferedImages(msgspec.Struct, frozen=True, kw_only=True):
    """The images that a project offers. `version`: of the set; 0 where nothing was ever published."""

    project: str
    version: int
    images: list[FirmwareImage]


class ImagePublished(msgspec.Struct, frozen=True, kw_only=True):
    """The image that is offered now. `published`: whether this act made it, or it was offered already."""

    project: str
    version: int
    image: FirmwareImage
    published: bool


def publish_image(
    office: Office,
    files: BlobStore,
    project: str,
    said: ImageSaid,
    data: bytes,
    *,
    actor: str | None = None,
) -> ImagePublished:
    """Offer an image to the tablets of a project, in place of the one that has its name.

    Raises:
        NotFound: no such project.
        TooLarge: over the limit of the protocol.
        InvalidInput: `bad_image`: what is said of it is not as agreed; or it has no bytes.
        OutOfTurn: `too_many_images`.
        StoreError: the disk, the store of blobs or the database.
    """
    if len(data) > MAX_FIRMWARE_BYTES:
        raise TooLarge(f"an image of {len(data)} bytes; the limit is {MAX_FIRMWARE_BYTES}")
    image = FirmwareImage(
        name=said.name,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        models=list(dict.fromkeys(said.models)),
        identifier=said.identifier or said.name.rpartition(".")[0],
        manufacturer=said.manufacturer,
        version=said.version,
        signature=said.signature,
        published_at=office.time(),
    )
    fault = image.fault()
    if fault is not None:
        raise InvalidInput(fault, code="bad_image")
    with office.store.read() as connection:
        check_project(connection, project)
    files.put(data)
    with writing(office, project) as (connection, write):
        note_blob(connection, image.sha256, image.size, HELD, office.time())
        version, before = _in_force(connection, project)
        same = next((one for one in before if _alike(one, image)), None)
        if same is not None:
            return ImagePublished(project=project, version=version, image=same, published=False)
        # Some machines do not tell capitals apart.
        others = [one for one in before if one.name.casefold() != image.name.casefold()]
        if len(others) >= MAX_FIRMWARE_IMAGES:
            raise OutOfTurn(f"{MAX_FIRMWARE_IMAGES} images are offered: withdraw one", code="too_many_images")
        version, draft = _publish(connection, office, project, [*others, image], actor)
        write([draft])
    return ImagePublished(project=project, version=version, image=image, published=True)


def withdraw_image(office: Office, project: str, name: str, *, actor: str | None = None) -> OfferedImages:
    """Offer an image no longer: tablets remove it with their next sync.

    Raises:
        NotFound: no such project, or it offers no image of this name (`no_such_firmware`).
    """
    with office.store.read() as connection:
        check_project(connection, project)
    with writing(office, project) as (connection, write):
        _, before = _in_force(connection, project)
        left = [one for one in before if one.name != name]
        if len(left) == len(before):
            raise NotFound(f"the project {project} offers no image {name}", code="no_such_firmware")
        version, draft = _publish(connection, office, project, left, actor)
        write([draft])
    return OfferedImages(project=project, version=version, images=left)


def offered_images(office: Office, project: str) -> OfferedImages:
    """The images that a project offers, by name.

    Raises:
        NotFound: no such project.
    """
    with office.store.read() as connection:
        check_project(connection, project)
        version, images = _in_force(connection, project)
    return OfferedImages(project=project, version=version, images=images)


def image_of(office: Office, row: TabletRow, sha256: str) -> FirmwareImage:
    """The image of this hash that is offered to a tablet.

    Raises:
        NotFound: `no_such_firmware`.
    """
    with office.store.read() as connection:
        images = _in_force(connection, row.project)[1] if row.project is not None else []
    found = next((image for image in images if image.sha256 == sha256), None)
    if found is None:
        raise NotFound("no such image is offered to this tablet", code="no_such_firmware")
    return found


def image_part(files: BlobStore, image: FirmwareImage, start: int, length: int) -> bytes:
    """`length` bytes of an image from `start` on.

    Raises:
        NotFound: `no_such_firmware`: the bytes are lost here.
        StoreError: the store of blobs.
    """
    data = files.part(image.sha256, start, length)
    if data is None or len(data) != min(length, image.size - start):
        raise NotFound("the image is lost here: publish it again", code="no_such_firmware")
    return data


def whole_image(files: BlobStore, image: FirmwareImage) -> bytes:
    """All bytes of an image, proven by its hash.

    Raises:
        NotFound: `no_such_firmware`: they are lost here.
        StoreError: the store of blobs.
    """
    data = files.get(image.sha256)
    if data is None:
        raise NotFound("the image is lost here: publish it again", code="no_such_firmware")
    return data


def _alike(one: FirmwareImage, other: FirmwareImage) -> bool:
    """Whether both say the same, but for when."""
    return msgspec.structs.replace(one, published_at=other.published_at) == other


def _in_force(connection: Connection, project: str) -> tuple[int, list[FirmwareImage]]:
    table = schema.reference_set
    query = select(table.c.version, table.c.body).where(table.c.name == firmware_of(project))
    row = connection.execute(query.order_by(table.c.version.desc()).limit(1)).first()
    return (0, []) if row is None else (row.version, read_firmware(row.body).images)


def _publish(
    connection: Connection, office: Office, project: str, images: list[FirmwareImage], actor: str | None
) -> tuple[int, Draft]:
    body = msgspec.json.encode(FirmwareSet(images=sorted(images, key=lambda image: image.name)))
    made = references.publish(connection, office, firmware_of(project), body)
    payload = ReferenceReceived(name=made.name, version=made.version, sha256=made.sha256)
    return made.version, Draft(payload=payload, actor=actor)
