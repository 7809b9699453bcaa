"""What this machine has and lacks, each thing looked at by using it: never by what should be there."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fieldtool.settings import Home
from workorders.journal.entry import Realm

if TYPE_CHECKING:
    from fieldtool.tablet.reference import ReferenceRow
    from workorders.store.engine import Store

FREE_BYTES = 2 * 1024**3
"""Two weeks of work with photos of one crew, with room."""
CLOCK_SECONDS = 60
FORK_SHOWN = timedelta(days=30)
POSITION_SECONDS = 8.0
EARLIEST_YEAR = 2026
OK, LACKING, BAD = "ok", "lacking", "bad"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing. `state`: ok, lacking (work goes on without) or bad (must be mended)."""

    name: str
    state: str
    detail: str
    hint: str = ""


def examine(realm: Realm | None = None, home: Home | None = None) -> list[Check]:
    """Look at everything; an examination that itself fails is reported as bad, never raised."""
    home = home or Home.default()
    looks: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("program", _program),
        ("data folder", lambda: _folder(home)),
        ("disk", lambda: _disk(home)),
        ("vault", lambda: _vault(home, realm or home.realm())),
        ("tablet", lambda: _tablet(home, realm)),
        ("probe", _probe),
        ("position", lambda: _position(home)),
        ("camera", _camera),
    ]
    found: list[Check] = []
    for name, look in looks:
        try:
            found.extend(look())
        except Exception as error:
            found.append(Check(name=name, state=BAD, detail=f"could not be looked at: {_say(error)}"))
    return found


def _say(error: Exception) -> str:
    code = getattr(error, "code", None)
    return f"{error} [{code}]" if code else f"{type(error).__name__}: {error}"


def _program() -> Iterator[Check]:
    yield Check(
        name="program",
        state=OK,
        detail=f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}, {sys.platform}",
    )
    for module, what in (("sqlcipher3", "encrypted database"), ("cv2", "pictures"), ("zxingcpp", "codes")):
        try:
            importlib.import_module(module)
        except ImportError as error:
            yield Check(name=what, state=BAD, detail=f"{module}: {error}", hint="Install fieldtool again.")


def _folder(home: Home) -> Iterator[Check]:
    home.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=home.folder, prefix=".doctor.") as file:
        file.write(b"x")
        os.fsync(file.fileno())
    yield Check(name="data folder", state=OK, detail=str(home.folder))


def _disk(home: Home) -> Iterator[Check]:
    free = shutil.disk_usage(home.folder if home.folder.exists() else Path.home()).free
    enough = free >= FREE_BYTES
    yield Check(
        name="disk",
        state=OK if enough else BAD,
        detail=f"{free / 1024**3:.1f} GB free",
        hint="" if enough else "Free some space: photos that the office confirmed can go.",
    )


def _vault(home: Home, realm: Realm) -> Iterator[Check]:
    from fieldtool.errors import JobError
    from fieldtool.security.keys import KeyringVault

    file = home.realm_folder(realm) / "vault.json"
    if file.exists():
        yield Check(name="vault", state=OK, detail=f"passphrase file {file.name}")
        return
    try:
        works = KeyringVault(realm, "doctor").works()
    except JobError as error:
        works, why = False, error.message
    else:
        why = "it keeps nothing"
    yield Check(
        name="vault",
        state=OK if works else LACKING,
        detail="the system's keyring" if works else f"no keyring: {why}",
        hint="" if works else "A passphrase is asked for instead (FIELDTOOL_PASSPHRASE without a screen).",
    )


def _tablet(home: Home, realm: Realm | None) -> Iterator[Check]:
    from fieldtool.tablet.tablet import Tablet

    there = home.realms()
    if not there:
        yield Check(name="tablet", state=LACKING, detail="not enrolled", hint="fieldtool enrol URL CODE")
        return
    tablet = Tablet.open(home, realm)
    try:
        yield _clock(tablet.clock.offset_ms())
        problems = tablet.store.integrity()
        status = tablet.status()
        detail = f"{status.realm}, crew {status.crew or '—'}, {status.pending} entries waiting"
        yield Check(name="tablet", state=OK if status.enrolled else LACKING, detail=detail)
        yield Check(
            name="database",
            state=BAD if problems else OK,
            detail="; ".join(problems) or "sound",
            hint="Do not delete it: copy it away, restore a backup, sync." if problems else "",
        )
        yield Check(
            name="gateway",
            state=OK if status.online else LACKING,
            detail=f"{status.gateway or '—'}, last contact {status.last_contact or 'never'}",
            hint="" if status.online else "fieldtool sync, where there is signal.",
        )
        yield reference_check(tablet.references())
        yield _chains(tablet.store, tablet.now())
    finally:
        tablet.close()


def reference_check(rows: list[ReferenceRow]) -> Check:
    used = [f"{row.kind} {row.version} of {(row.published_at or '')[:10]}" for row in rows if row.version]
    late = [row for row in rows if row.state.value != "current"]
    wanted = [
        f"{row.kind} {row.offered_version} is not in use: {row.reason or 'not received'}" for row in late
    ]
    refused = any(row.code for row in late)
    hint = "Update fieldtool on this machine, or tell the office." if refused else "fieldtool sync"
    return Check(
        name="reference files",
        state=LACKING if late else OK,
        detail="; ".join([*(used or ["as the program brings them"]), *wanted]),
        hint=hint if late else "",
    )


def _chains(store: Store, now: datetime) -> Check:
    from workorders.clock import read_utc
    from workorders.sync.heads import forks

    with store.read() as connection:
        found = [fork for fork in forks(connection) if now - read_utc(fork.at) < FORK_SHOWN]
    places = ", ".join(f"{fork.chain_id[:8]}/{fork.seq}" for fork in found)
    return Check(
        name="chains",
        state=LACKING if found else OK,
        detail=f"two entries at one number: {places}" if found else "one entry at each number",
        hint="Both are kept. A supervisor looks at them; do not use a copy of this tablet." if found else "",
    )


def _probe() -> Iterator[Check]:
    from drivers.ports import discover

    found = discover()
    on_usb = [port for port in found if port.vid is not None]
    names = ", ".join(port.url for port in on_usb or found)
    yield Check(
        name="probe",
        state=OK if on_usb else LACKING,
        detail=names or "no serial port",
        hint="" if on_usb else "Plug the optical probe in, or pair it.",
    )


def _position(home: Home) -> Iterator[Check]:
    from drivers.ports import discover
    from drivers.position.take import NONE, take

    settings = home.settings()
    probe = settings.probe or next((port.url for port in discover() if port.vid is not None), None)
    taken = take(
        settings.position,
        wait=POSITION_SECONDS,
        stop=threading.Event(),
        leave_alone=frozenset({probe} if probe else ()),
    )
    fix, where = taken.fix, taken.receiver.url if taken.receiver else settings.position
    if fix is not None:
        said = [f"±{fix.accuracy_m} m" if fix.accuracy_m else "", *(flag.value for flag in taken.flags)]
        said.append(f"{fix.satellites} satellites" if fix.satellites else "")
    else:
        said = [taken.reason.value.replace("_", " ") if taken.reason else ""]
    fine = fix is not None or settings.position == NONE
    yield Check(
        name="position",
        state=OK if fine else LACKING,
        detail=", ".join(part for part in [where, *said] if part),
        hint="" if fine else "Plug a receiver in, or go outside; orders can be worked without a position.",
    )


def _camera() -> Iterator[Check]:
    import cv2

    with _quiet():
        capture = cv2.VideoCapture(0)
        seen = capture.isOpened() and capture.read()[0]
        capture.release()
    yield Check(
        name="camera",
        state=OK if seen else LACKING,
        detail="the first camera gives pictures" if seen else "no camera",
        hint="" if seen else "Connect a camera, or allow its use in the system's settings.",
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """OpenCV's backends write to the terminal when there is no camera."""
    from cv2.utils import logging

    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)


def _clock(offset_ms: int | None) -> Check:
    now = datetime.now(UTC)
    if now.year < EARLIEST_YEAR:
        hint = "Set date and time of this machine."
        return Check(name="clock", state=BAD, detail=now.isoformat(), hint=hint)
    if offset_ms is not None and abs(offset_ms) > CLOCK_SECONDS * 1000:
        hint = "Set the time of this machine; entries carry the difference, so none is wrong."
        detail = f"{offset_ms / 1000:+.0f} s from the gateway's"
        return Check(name="clock", state=LACKING, detail=detail, hint=hint)
    return Check(name="clock", state=OK, detail=now.isoformat(timespec="seconds"))
