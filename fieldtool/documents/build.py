"""Build the installation record: pages, canonical data, pictures and seal in one PDF file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from io import BytesIO

import msgspec
from pypdf import PdfReader, PdfWriter

from fieldtool.errors import JobError
from fieldtool.text import Language

from .layout import set_pages
from .record import InstallationRecord, canonical, record_hash
from .seal import RecordSeal, make_seal, to_code

RECORD_FILE = "record.json"
SEAL_FILE = "seal.txt"
_SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}


class BuiltRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record ready to be handed over. record_hash: hex, what the journal's `record.issued` names."""

    pdf: bytes
    record_hash: str
    number: str


def make_record(
    record: InstallationRecord,
    pictures: Mapping[str, bytes],
    signer: Callable[[bytes], bytes],
    certificate_der: bytes,
    language: Language,
) -> BuiltRecord:
    """Set, seal and pack a record.

    pictures: plain bytes of every photo and signature that the record names, by SHA-256. signer: signs with
    the tablet's Ed25519 key. certificate_der: the tablet's certificate.
    Raises JobError `record_picture_missing`, `record_picture_changed`, `unreadable_image`,
    `certificate_too_large`.
    """
    record = msgspec.structs.replace(record, language=language)
    check_pictures(record, pictures)
    digest = record_hash(record)
    seal = make_seal(digest, signer, certificate_der)
    return BuiltRecord(pdf=assemble(record, pictures, seal), record_hash=digest, number=record.number)


def build_record(
    record: InstallationRecord,
    photos: Mapping[str, bytes],
    signer: Callable[[bytes], bytes],
    certificate_der: bytes,
    language: Language,
) -> bytes:
    """The PDF of `make_record`."""
    return make_record(record, photos, signer, certificate_der, language).pdf


def check_pictures(record: InstallationRecord, pictures: Mapping[str, bytes]) -> None:
    """Raise JobError unless every picture that the record names is there and is the one it names."""
    for sha256 in record.pictures():
        if sha256 not in pictures:
            raise JobError("record_picture_missing", f"the picture {sha256[:12]}… is missing", sha256=sha256)
        if hashlib.sha256(pictures[sha256]).hexdigest() != sha256:
            raise JobError(
                "record_picture_changed", f"the picture {sha256[:12]}… is another one", sha256=sha256
            )


def assemble(record: InstallationRecord, pictures: Mapping[str, bytes], seal: RecordSeal) -> bytes:
    """The whole file from record, pictures and seal; the same input gives the same bytes."""
    code = to_code(seal)
    writer = PdfWriter(clone_from=PdfReader(BytesIO(set_pages(record, pictures, code))))
    writer.add_attachment(RECORD_FILE, canonical(record))
    writer.add_attachment(SEAL_FILE, code.encode("ascii"))
    for sha256, media_type in record.pictures().items():
        writer.add_attachment(picture_name(sha256, media_type), pictures[sha256])
    target = BytesIO()
    writer.write(target)
    return target.getvalue()


def picture_name(sha256: str, media_type: str) -> str:
    """Name of a picture's attachment."""
    return sha256 + _SUFFIXES.get(media_type, ".bin")
