"""Check an installation record with nothing but the file and the gateway's root certificate.

What the reader sees must be what was signed. The record's data is attached in the file; its hash must be the
one that the tablet signed, in the seal that stands in the QR code; every picture must have the hash that the
record names; and the pages, set again from the data, must be the pages of the file.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime
from io import BytesIO
from pathlib import Path

import msgspec
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from fieldtool.errors import JobError
from workorders import certificates
from workorders.certificates import CertificateError, Holder, Subject
from workorders.journal.canonical import NotCanonical, parse_canonical

from . import seal as seals
from .build import RECORD_FILE, SEAL_FILE, assemble, picture_name
from .compare import Difference, compare_files, read_codes
from .record import FORMAT, LAYOUTS, InstallationRecord, canonical
from .seal import NotASeal, RecordSeal

_LARGEST_FILE = 400_000_000

# What is wrong with a file is a finding here; pypdf's own remarks are for a log, never for people.
logging.getLogger("pypdf").addHandler(logging.NullHandler())


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it was issued.

    code: `not_a_record`, `record_damaged`, `newer_record`, `record_changed`, `signature_wrong`,
        `certificate_wrong`, `picture_changed`, `picture_missing`, `attachment_added`, `qr_unreadable`,
        `qr_changed`, `page_changed`, `pages_added`, `pages_missing`, `annotation`, `active_content`, or, the
        only harmless one, `saved_again`.
    where: page number, name of the attachment, or empty. detail: English, for logs and scripts.
    """

    code: str
    where: str = ""
    detail: str = ""

    @property
    def harmless(self) -> bool:
        """True where content and look are as issued, and only the file was written anew."""
        return self.code == "saved_again"


class RecordCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome. ok: everything that a reader sees was signed by a tablet of this gateway."""

    ok: bool
    findings: tuple[Finding, ...]
    record: InstallationRecord | None = None
    record_hash: str | None = None
    signed_by: Subject | None = None

    def to_json(self) -> dict[str, object]:
        """The object that `fieldtool journal verify --record` prints."""
        return {
            "ok": self.ok,
            "number": self.record.number if self.record else None,
            "order": self.record.order if self.record else None,
            "record_hash": self.record_hash,
            "tablet": self.signed_by.id if self.signed_by else None,
            "realm": self.record.realm.value if self.record else None,
            "findings": [{"code": f.code, "where": f.where, "detail": f.detail} for f in self.findings],
        }


class UnreadableRecord(JobError):
    """The file or the root certificate cannot be read at all. `reason` says why."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__("unreadable_record", f"{file} cannot be read: {reason}", file=file, reason=reason)


def verify_record(pdf_path: Path, root_cert_path: Path) -> RecordCheck:
    """Check a record file against the root certificate of the gateway (PEM or DER).

    Raises UnreadableRecord where a file is missing or no PDF or certificate; everything else is a finding.
    """
    root = _root(root_cert_path)
    data = _bytes(pdf_path)
    attached = _attachments(data, pdf_path.name)
    findings: list[Finding] = []
    record = _record(attached, findings)
    if record is None:
        return RecordCheck(ok=False, findings=tuple(findings))
    plain = canonical(record)
    digest = hashlib.sha256(plain).hexdigest()
    seal = _seal(attached, findings)
    if seal is None:
        return RecordCheck(ok=False, findings=tuple(findings), record=record, record_hash=digest)
    if seal.hash.hex() != digest:
        findings.append(
            Finding(code="record_changed", where=RECORD_FILE, detail="its hash is not the sealed one")
        )
    signer = _signer(seal, record, root, findings)
    pictures = _pictures(attached, record, findings)
    findings += _codes(data, seal)
    findings += _pages(data, record, pictures, seal)
    ok = all(finding.harmless for finding in findings)
    return RecordCheck(
        ok=ok, findings=tuple(findings), record=record, record_hash=digest, signed_by=signer if ok else None
    )


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise UnreadableRecord(path.name, "too large")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableRecord(path.name, error.strerror or type(error).__name__) from None


def _root(path: Path) -> bytes:
    data = _bytes(path)
    try:
        if b"-----BEGIN" in data:
            return certificates.from_pem(data.decode("ascii", "replace"))
        certificates.public_key_of(data)
    except CertificateError as error:
        raise UnreadableRecord(path.name, str(error)) from None
    return data


def _attachments(data: bytes, name: str) -> dict[str, list[bytes]]:
    try:
        return {key: list(parts) for key, parts in PdfReader(BytesIO(data)).attachments.items()}
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise UnreadableRecord(name, f"no PDF, or a damaged one ({type(error).__name__})") from None


def _record(attached: dict[str, list[bytes]], findings: list[Finding]) -> InstallationRecord | None:
    parts = attached.get(RECORD_FILE, [])
    if len(parts) != 1:
        findings.append(
            Finding(code="not_a_record", where=RECORD_FILE, detail=f"attached {len(parts)} times")
        )
        return None
    try:
        plain = parse_canonical(parts[0])
        told = (plain.get("format"), plain.get("layout")) if isinstance(plain, dict) else (None, None)
        if told[0] != FORMAT or told[1] not in LAYOUTS:
            findings.append(
                Finding(code="newer_record", where=RECORD_FILE, detail=f"format and layout {told}")
            )
            return None
        record = msgspec.convert(plain, InstallationRecord, strict=True)
    except (NotCanonical, msgspec.ValidationError, ValueError) as error:
        findings.append(Finding(code="record_damaged", where=RECORD_FILE, detail=str(error)[:200]))
        return None
    if canonical(record) != parts[0]:
        findings.append(Finding(code="record_damaged", where=RECORD_FILE, detail="has more than a record"))
        return None
    return record


def _seal(attached: dict[str, list[bytes]], findings: list[Finding]) -> RecordSeal | None:
    parts = attached.get(SEAL_FILE, [])
    try:
        if len(parts) != 1:
            raise NotASeal(f"attached {len(parts)} times")
        return seals.from_code(parts[0].decode("ascii"))
    except (NotASeal, UnicodeDecodeError) as error:
        findings.append(Finding(code="not_a_record", where=SEAL_FILE, detail=str(error)))
        return None


def _signer(
    seal: RecordSeal, record: InstallationRecord, root: bytes, findings: list[Finding]
) -> Subject | None:
    try:
        finished = datetime.fromisoformat(record.finished_at)
        subject, key = certificates.verify_chain(
            seal.certificate, root, realm=record.realm, holder=Holder.TABLET, at=finished
        )
    except (CertificateError, ValueError, TypeError) as error:
        code = error.code if isinstance(error, CertificateError) else "time"
        findings.append(Finding(code="certificate_wrong", where=code, detail=str(error)))
        return None
    if not seals.signature_holds(seal, key):
        findings.append(Finding(code="signature_wrong", where=SEAL_FILE, detail="not by this tablet's key"))
        return None
    return subject


def _pictures(
    attached: dict[str, list[bytes]], record: InstallationRecord, findings: list[Finding]
) -> dict[str, bytes]:
    pictures: dict[str, bytes] = {}
    expected = {RECORD_FILE, SEAL_FILE}
    for sha256, media_type in record.pictures().items():
        name = picture_name(sha256, media_type)
        expected.add(name)
        parts = attached.get(name, [])
        if len(parts) != 1:
            findings.append(
                Finding(code="picture_missing", where=name, detail=f"attached {len(parts)} times")
            )
        elif hashlib.sha256(parts[0]).hexdigest() != sha256:
            findings.append(Finding(code="picture_changed", where=name, detail="its hash is another one"))
        else:
            pictures[sha256] = parts[0]
    findings += [Finding(code="attachment_added", where=name) for name in attached if name not in expected]
    return pictures


def _codes(data: bytes, seal: RecordSeal) -> list[Finding]:
    """The code as a phone would read it off the first page."""
    texts = read_codes(data)
    if not texts:
        return [Finding(code="qr_unreadable", where="1", detail="no QR code can be read on the first page")]
    if texts != [seals.to_code(seal)]:
        return [Finding(code="qr_changed", where="1", detail="the QR code says something else than the seal")]
    return []


def _pages(
    data: bytes, record: InstallationRecord, pictures: dict[str, bytes], seal: RecordSeal
) -> list[Finding]:
    if set(pictures) != set(record.pictures()):
        return []  # reported already; without the pictures the pages cannot be set again
    try:
        issued = assemble(record, pictures, seal)
    except (JobError, ValueError) as error:
        return [
            Finding(code="record_damaged", detail=f"its pages cannot be set again: {type(error).__name__}")
        ]
    if issued == data:
        return []
    found = [Finding(code=d.code, where=d.where, detail=d.detail) for d in compare_files(data, issued)]
    return found or [Finding(code=Difference.SAVED_AGAIN, detail="same pages and data, written anew")]
