"""The two ways of CIM messages: files in folders, and HTTP."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path

from workorders.mwm.cim import messages
from workorders.mwm.cim.hardened import MAX_BYTES, BadXml
from workorders.mwm.cim.messages import Header, Writer
from workorders.mwm.port import (
    Blob,
    Change,
    Event,
    Outcome,
    Page,
    Phases,
    Placements,
    Refused,
    Result,
    Retry,
    Unsupported,
    Verified,
)
from workorders.mwm.settings import CimHttp
from workorders.mwm.web import Web

_XML = {"Content-Type": "application/xml; charset=utf-8", "Accept": "application/xml"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


class _Answering:
    """Answers a message when the outcomes of all its changes are known."""

    def __init__(self, writer: Writer, schemas: Path) -> None:
        self.writer, self.schemas = writer, schemas
        self._open: dict[bytes, tuple[Header | None, set[str], list[Outcome]]] = {}

    def read(self, data: bytes) -> list[Change]:
        header, changes = messages.read_changes(data, self.schemas)
        self._open[data] = header, {change.key for change in changes}, []
        return changes

    def outcome(self, change: Change, outcome: Outcome) -> bytes | None:
        """The answer, with the last outcome of its message."""
        header, keys, outcomes = self._open.get(change.original, (None, {change.key}, []))
        outcomes.append(outcome)
        keys.discard(change.key)
        if keys:
            return None
        self._open.pop(change.original, None)
        return self.writer.reply(header, outcomes)


class CimFolder:
    """Messages as files. In: `inbox/*.xml` by name, moved to `taken` or `refused` with `NAME.reply.xml`.

    Out: `outbox/POSITION-ID.xml`, complete when it has that name; the same message has the same name.
    """

    def __init__(self, inbox: Path, outbox: Path, writer: Writer, schemas: Path) -> None:
        self._inbox, self._outbox, self._writer = inbox, outbox, writer
        self._answering = _Answering(writer, schemas)
        self._files: dict[bytes, Path] = {}
        for folder in (inbox, inbox / "taken", inbox / "refused", outbox):
            folder.mkdir(parents=True, exist_ok=True)

    def fetch_changes(self, cursor: str | None, limit: int) -> Page:
        changes: list[Change] = []
        self._files.clear()
        waiting = sorted(path for path in self._inbox.glob("*.xml") if path.is_file())
        for path in waiting:
            try:
                with path.open("rb") as stream:
                    data = stream.read(MAX_BYTES + 1)
            except OSError as error:
                raise Retry(f"{path.name}: {error.strerror}") from None
            if data in self._files:  # the same message under two names: one answer, both moved
                self._move(path, "taken", b"")
                continue
            self._files[data] = path
            changes += self._answering.read(data)
            if len(changes) >= limit:
                break
        return Page(changes=changes, cursor=None, more=len(self._files) < len(waiting) and bool(changes))

    def reread(self, original: bytes) -> list[Change]:
        return self._answering.read(original)

    def ack(self, change: Change, outcome: Outcome) -> None:
        answer = self._answering.outcome(change, outcome)
        path = self._files.get(change.original)
        if answer is not None and path is not None:
            self._move(path, "refused" if b">FAILED<" in answer else "taken", answer)

    def post_event(self, event: Event) -> None:
        self._write(event.about.position, event.about.key, self._writer.event(event))

    def post_result(self, result: Result) -> None:
        self._write(result.about.position, result.about.key, self._writer.results(result))

    def post_placements(self, placements: Placements) -> None:
        subject = placements.about
        self._write(subject.position, subject.key, self._writer.placements(placements))

    def post_phases(self, phases: Phases) -> None:
        self._write(phases.about.position, phases.about.key, self._writer.phases(phases))

    def put_blob(self, blob: Blob) -> None:
        raise Unsupported("files do not go with CIM messages")

    def verify_device(self, serial: str) -> Verified:
        raise Unsupported("a folder answers nothing")

    def close(self) -> None:
        self._files.clear()

    def _move(self, path: Path, folder: str, answer: bytes) -> None:
        target = self._inbox / folder
        try:
            if answer:
                _write_whole(target / f"{path.stem}.reply.xml", answer)
            path.replace(target / path.name)
        except OSError as error:
            raise Retry(f"{path.name}: {error.strerror}") from None

    def _write(self, position: int, key: str, data: bytes) -> None:
        name = f"{position:012d}-{_UNSAFE.sub('_', key)}.xml"
        try:
            _write_whole(self._outbox / name, data)
        except OSError as error:
            raise Retry(f"{name}: {error.strerror}") from None


def _write_whole(path: Path, data: bytes) -> None:
    """A file that has its name only when it is whole and on the disk."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


class CimWeb:
    """Messages over HTTP: `poll` is asked for the next request, `reply` gets its answer, `events` ours."""

    def __init__(self, settings: CimHttp, web: Web, writer: Writer, schemas: Path) -> None:
        self._settings, self._web, self._writer, self._schemas = settings, web, writer, schemas
        self._answering = _Answering(writer, schemas)

    def fetch_changes(self, cursor: str | None, limit: int) -> Page:
        if self._settings.poll is None:
            raise Unsupported("this link takes nothing in")
        answer = self._web.ask("GET", self._settings.poll, headers=_XML)
        if answer.status == 204 or not answer.body:
            return Page(changes=[], cursor=None)
        return Page(changes=self._answering.read(answer.body), cursor=None, more=True)

    def reread(self, original: bytes) -> list[Change]:
        return self._answering.read(original)

    def ack(self, change: Change, outcome: Outcome) -> None:
        answer = self._answering.outcome(change, outcome)
        if answer is not None and self._settings.reply is not None:
            self._web.ask("POST", self._settings.reply, body=answer, headers=_XML)

    def post_event(self, event: Event) -> None:
        self._post(self._writer.event(event), event.about.key)

    def post_result(self, result: Result) -> None:
        self._post(self._writer.results(result), result.about.key)

    def post_placements(self, placements: Placements) -> None:
        self._post(self._writer.placements(placements), placements.about.key)

    def post_phases(self, phases: Phases) -> None:
        self._post(self._writer.phases(phases), phases.about.key)

    def put_blob(self, blob: Blob) -> None:
        raise Unsupported("files do not go with CIM messages")

    def verify_device(self, serial: str) -> Verified:
        if self._settings.query is None:
            raise Unsupported("this link has no address for questions")
        body = self._writer.query(serial, str(uuid.uuid4()))
        answer = self._web.ask("POST", self._settings.query, body=body, headers=_XML)
        reply = self._reply(answer.body)
        for device in reply.devices:
            if device.serial == serial:
                return device
        return Verified(serial=serial, known=False, status="; ".join(reply.errors) or None)

    def close(self) -> None:
        self._web.close()

    def _post(self, body: bytes, key: str) -> None:
        answer = self._web.ask("POST", self._settings.events, body=body, headers={**_XML, "Message-Id": key})
        if not answer.body.strip():
            return
        reply = self._reply(answer.body)
        if reply.result == "FAILED":
            raise Refused("; ".join(reply.errors) or "the message was refused", code="mwm_failed")

    def _reply(self, body: bytes) -> messages.ReplyRead:
        try:
            return messages.read_reply(body, self._schemas)
        except BadXml as error:
            raise Refused(f"the answer cannot be read: {error}", code="mwm_bad_answer") from None
