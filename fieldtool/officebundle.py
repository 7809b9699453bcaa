"""Takes a hand-over in at the gateway: the same push, the same verdicts as over the network."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from fieldtool import bundle
from workorders.gateway.blobs import put_blob
from workorders.gateway.errors import OfficeError
from workorders.gateway.office import Office
from workorders.gateway.push import push
from workorders.sync import wire
from workorders.sync.blobs import BlobStore


class ImportReport(msgspec.Struct, kw_only=True):
    """What a hand-over brought. `verdicts` by kind: all `duplicate` the second time."""

    id: str
    number: int
    tablet: str
    entries: int = 0
    verdicts: dict[str, int] = msgspec.field(default_factory=dict)
    blobs: int = 0
    blobs_refused: int = 0


def take_in(office: Office, files: BlobStore, path: Path) -> ImportReport:
    """Import a bundle.

    Raises:
        JobError: `bundle_damaged`, `bundle_not_for_us`, `bundle_unknown_sender`, `realm_mixed`. What came
            before a damaged place was taken in: each entry stands for itself.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        reader = bundle.BundleReader(file, office.root, office.realm)
        report = ImportReport(id=reader.header.id, number=reader.header.number, tablet=reader.header.tablet)
        batch = _Batch(office, report, reader.tablet)
        for tag, data in reader.items(office.recovery_key):
            if tag == bundle.CHAIN:
                batch.begin(msgspec.json.decode(data, type=bundle.ChainItem))
            elif tag == bundle.ENTRY:
                batch.add(data)
            elif tag == bundle.BLOB:
                batch.flush()
                _take_blob(office, files, data, report)
        batch.flush()
    return report


class _Batch:
    """Entries of one chain, pushed fifty at a time."""

    def __init__(self, office: Office, report: ImportReport, tablet: str) -> None:
        self._office = office
        self._report = report
        self._tablet = tablet
        self._chain: bundle.ChainItem | None = None
        self._waiting: list[msgspec.Raw] = []

    def begin(self, chain: bundle.ChainItem) -> None:
        self.flush()
        self._chain = chain

    def add(self, data: bytes) -> None:
        self._waiting.append(msgspec.Raw(data))
        if len(self._waiting) == wire.MAX_ENTRIES_PER_PUSH:
            self.flush()

    def flush(self) -> None:
        if not self._waiting or self._chain is None:
            return
        request = wire.PushRequest(
            chain_id=self._chain.chain_id,
            certificate=self._chain.certificate,
            entries=self._waiting,
        )
        # Not as the tablet itself: who wrote an entry learns its verdict with the next pull.
        answer = push(self._office, request, f"usb/{self._tablet}")
        for verdict in answer.verdicts:
            kind = str(verdict.verdict)
            self._report.verdicts[kind] = self._report.verdicts.get(kind, 0) + 1
        self._report.entries += len(self._waiting)
        self._waiting = []


def _take_blob(office: Office, files: BlobStore, data: bytes, report: ImportReport) -> None:
    try:
        put_blob(office, files, hashlib.sha256(data).hexdigest(), data)
        report.blobs += 1
    except OfficeError:
        report.blobs_refused += 1
