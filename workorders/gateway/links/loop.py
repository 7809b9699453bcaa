"""One round of a link: take what is new, tell what happened; then the loop of rounds until it is stopped.

Everything is durable between two steps: a process that is killed anywhere goes on at its next start, and
each message carries the same key at each attempt.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import delete, select

from workorders.gateway import blobs
from workorders.gateway.errors import NotFound
from workorders.gateway.links import following, inward, ledger, moves, outward
from workorders.gateway.office import Office
from workorders.gateway.tables import mwm_inbox
from workorders.journal.sealing import SealError, unseal_blob
from workorders.mwm.port import (
    Blob,
    Change,
    Event,
    MwmPort,
    Outcome,
    Phases,
    Placements,
    Refused,
    Result,
    Retry,
    Unauthorised,
    Unsupported,
)
from workorders.mwm.settings import LinkSettings
from workorders.store import keys
from workorders.store.errors import StoreError
from workorders.sync.blobs import BlobStore

PAGE = 200
AT_ONCE = 100
_SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
_UNNUMBERED = "not_here"
_log = logging.getLogger(__name__)


class RoundReport(msgspec.Struct, kw_only=True):
    """What one round of a link did. `trouble`: why the other side could not be reached, if it could not."""

    link: str
    busy: bool = False
    issued: int = 0
    changed: int = 0
    cancelled: int = 0
    same: int = 0
    refused: int = 0
    queued: int = 0
    sent: int = 0
    put_off: int = 0
    dead: int = 0
    trouble: str | None = None
    rests: bool = False


class Link:
    """One link of an office, with its adapter; `round` may be called for ever."""

    def __init__(
        self, office: Office, files: BlobStore, project: str, settings: LinkSettings, port: MwmPort
    ) -> None:
        self.office, self.files, self.project = office, files, project
        self.settings, self.port = settings, port
        self.owner = uuid.uuid4().hex
        self._stop = threading.Event()
        self._renewed = 0.0

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def key(self) -> str:
        """Under which its state is kept."""
        return ledger.link_key(self.project, self.name)

    def stop(self) -> None:
        """End after the message in hand; may come from any thread."""
        self._stop.set()

    def round(self) -> RoundReport:
        """Take and tell what there is. Another process at the same link: nothing is done, `busy`.

        Nothing that goes wrong ends the link: the next round tries again, and `trouble` says what it was.
        """
        report = RoundReport(link=self.name)
        try:
            if not self._holds_lease():
                report.busy = True
                return report
            try:
                self._in_order(report)
            finally:
                ledger.give_lease_back(self.office, self.key, self.owner)
        except StoreError as error:
            report.trouble = str(error)
        except Exception as error:
            report.trouble = _trouble(error)
        return report

    def _in_order(self, report: RoundReport) -> None:
        try:
            self._again(report)
            self._inward(report)
            while outward.gather(self.office, self.project, self.settings) == outward.BATCH:
                pass
            self._outward(report)
        except Unauthorised as error:
            report.trouble, report.rests = str(error), True

    def _holds_lease(self) -> bool:
        """Take the link or stay on it; False where another process has taken it over meanwhile."""
        self._renewed = time.monotonic()
        return ledger.take_lease(self.office, self.key, self.owner)

    def _may_go_on(self) -> bool:
        """Whether to go on with the next message: not stopped, and the link is still ours."""
        if self._stop.is_set():
            return False
        fresh = time.monotonic() - self._renewed < ledger.LEASE.total_seconds() / 4
        return fresh or self._holds_lease()

    def run(self, told: Callable[[RoundReport], None]) -> None:
        """Rounds until `stop`, or until the other side does not let us in; after trouble the wait grows."""
        failures = 0
        while not self._stop.is_set():
            report = self.round()
            told(report)
            if report.rests:
                return
            failures = failures + 1 if report.trouble else 0
            wait = self.settings.every
            if failures:
                wait = max(wait, ledger.wait_seconds(failures, None))
            self._stop.wait(wait)

    # --- in -------------------------------------------------------------------------------------

    def _inward(self, report: RoundReport) -> None:
        try:
            more = True
            while more and self._may_go_on():
                with self.office.store.read() as connection:
                    cursor = ledger.get_cursor(connection, self.key, "in")
                page = self.port.fetch_changes(cursor, PAGE)
                outcomes = self._take(page.changes, report)
                for change, outcome in zip(page.changes, outcomes, strict=True):
                    self.port.ack(change, outcome)
                if page.cursor is not None and page.cursor != cursor:
                    with self.office.store.write() as connection:
                        ledger.put_cursor(connection, self.key, "in", page.cursor)
                more = page.more
        except Unsupported:
            return
        except (Retry, Refused) as error:
            report.trouble = str(error)
        except (Unauthorised, StoreError):
            raise
        except Exception as error:  # what is to be told does not wait for what cannot be read
            report.trouble = _trouble(error)

    def _take(self, changes: list[Change], report: RoundReport) -> list[Outcome]:
        if not changes:
            return []
        outcomes = inward.take(self.office, self.project, self.key, changes)
        for outcome in outcomes:
            match outcome.what:
                case "issued":
                    report.issued += 1
                case "changed":
                    report.changed += 1
                case "cancelled":
                    report.cancelled += 1
                case "refused":
                    report.refused += 1
                case _:
                    report.same += 1
        return outcomes

    def _again(self, report: RoundReport) -> None:
        """Read anew what an operator brought back; the answer to it goes out where it still can."""
        table = mwm_inbox
        where = (table.c.link == self.key) & (table.c.state == "retry")
        with self.office.store.read() as connection:
            rows = connection.execute(select(table.c.key, table.c.original).where(where)).all()
        for row in rows:
            try:
                changes = self.port.reread(bytes(row.original or b""))
            except (Retry, Refused) as error:
                report.trouble = str(error)  # it stays to be read again
                continue
            wanted = [change for change in changes if change.key == row.key] or changes
            outcomes = inward.take(self.office, self.project, self.key, wanted)
            if row.key not in {change.key for change in wanted} and wanted:
                with self.office.store.write() as connection:
                    connection.execute(delete(table).where(table.c.link == self.key, table.c.key == row.key))
            for change, outcome in zip(wanted, outcomes, strict=True):
                with contextlib.suppress(Retry, Refused, Unsupported):
                    self.port.ack(change, outcome)

    # --- out ------------------------------------------------------------------------------------

    def _outward(self, report: RoundReport) -> None:
        while True:
            with self.office.store.read() as connection:
                rows = outward.due(connection, self.key, self.office.time(), AT_ONCE)
                report.queued = ledger.waiting(connection, self.key)
            if not rows:
                return
            for row in rows:
                if not self._may_go_on() or self._tell(row, report):
                    return

    def _tell(self, row: Any, report: RoundReport) -> bool:
        """Send one message; whether the link itself is in trouble."""
        attempts = row.attempts + 1
        try:
            self._send(row)
        except Retry as error:
            report.trouble = str(error)
            if attempts >= self.settings.attempts:
                self._die(row.key, attempts, (error.code, str(error)), report)
            else:
                seconds = ledger.wait_seconds(attempts, error.after)
                ledger.put_off(self.office, self.key, row.key, attempts, seconds, (error.code, str(error)))
                report.put_off += 1
            return error.code == Retry.code
        except Refused as error:
            if error.code == _UNNUMBERED:
                ledger.put_off(self.office, self.key, row.key, row.attempts, 60.0, (error.code, str(error)))
                report.put_off += 1
            else:
                self._die(row.key, attempts, (error.code, str(error)), report)
            return False
        except Unsupported:
            pass  # this kind of link does not tell such things
        except (Unauthorised, StoreError):
            raise
        except Exception as error:  # a message that cannot be made must not hold up those behind it
            self._die(row.key, attempts, ("unfit", _trouble(error)), report)
            return False
        ledger.settle(self.office, self.key, row.key, "sent", attempts, (None, None))
        report.sent += 1
        return False

    def _die(self, key: str, attempts: int, why: tuple[str, str], report: RoundReport) -> None:
        ledger.settle(self.office, self.key, key, "dead", attempts, why)
        report.dead += 1

    def _send(self, row: Any) -> None:
        with self.office.store.read() as connection:
            try:
                subject, payload = outward.about(connection, self.key, row.key, row.position, row.order_id)
            except LookupError:
                raise Refused("the entry is not here", code="no_entry") from None
            personal = self.settings.personal
            made: Result | Event | Placements | Phases | None = None
            match row.kind:
                case "result":
                    made = outward.result_of(connection, subject, payload, personal=personal)
                case "event":
                    made = outward.event_of(subject, payload)
                case following.PLACEMENTS:
                    made = moves.placements_of(connection, subject, payload, personal=personal)
                case following.PHASES:
                    made = moves.phases_of(connection, subject, payload)
                case following.PHOTO if following.is_overtaken(connection, row.order_id, row.key, payload):
                    return
        match made:
            case Result():
                self.port.post_result(made)
            case Event():
                self.port.post_event(made)
            case Placements():
                self.port.post_placements(made)
            case Phases():
                self.port.post_phases(made)
        if row.kind == following.PHOTO or outward.is_record(payload):
            blob = self._blob(subject, payload)
            if blob is not None:
                self.port.put_blob(blob)

    def _blob(self, subject: Any, payload: Any) -> Blob | None:
        """A file of the order, opened; None where it was erased."""
        try:
            sealed = blobs.get_blob(self.office, self.files, payload.sha256)
        except NotFound:
            raise Refused("the file is still on the tablet", code=_UNNUMBERED) from None
        with self.office.store.read() as connection:
            try:
                key = keys.key_by_id(connection, payload.key_id) if payload.key_id else None
            except SealError:
                return None
        plain = unseal_blob(key, sealed) if key is not None else sealed
        suffix = _SUFFIXES.get(payload.media_type, "bin")
        of = "" if outward.is_record(payload) else f"-{payload.what}"
        return Blob(
            about=subject,
            name=f"{subject.number}{of}.{suffix}",
            what=payload.what,
            media_type=payload.media_type,
            data=plain,
        )


def _trouble(error: Exception) -> str:
    """A fault that nobody foresaw, for the log and for whoever looks at the link."""
    told = ledger.fault(error)
    _log.error("a link met what it does not know: %s", told)
    return f"unexpected: {told}"
