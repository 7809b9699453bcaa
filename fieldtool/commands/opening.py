"""Opens what commands work on, tablet and office; and keeps it open between the commands of a batch.

A command by itself opens and closes. Inside `kept_open` what was opened stays open until that ends, and a
person who signed in stays signed in, as in the app: a passphrase and a PIN are stretched once and not for
every command.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fieldtool.commands.output import running, usage

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet
    from workorders.gateway.office import Office
    from workorders.journal.entry import Realm
    from workorders.sync.blobs import BlobStore


class _Kept:
    """What is open until a batch ends."""

    def __init__(self) -> None:
        self.closing = ExitStack()
        self.tablets: dict[tuple[Path, Realm], Tablet] = {}
        self.offices: dict[tuple[str, Realm | None, str | None], tuple[Office, BlobStore]] = {}


_kept: _Kept | None = None


@contextmanager
def kept_open() -> Iterator[None]:
    """Until this ends, what commands open stays open."""
    global _kept
    _kept = _Kept()
    try:
        with _kept.closing:
            yield
    finally:
        _kept = None


def realm_of(given: str | None) -> Realm | None:
    """The realm that an option names."""
    from workorders.journal.entry import Realm

    if given is None:
        return None
    try:
        return Realm(given)
    except ValueError:
        usage(f"--realm {given!r}: it is live, training or demo")


def ask_passphrase() -> str | None:
    """Ask a person at a terminal; None where nobody is there."""
    import getpass
    import sys

    return getpass.getpass("Passphrase: ") if sys.stdin.isatty() else None


@contextmanager
def opened(
    realm: str | None = None, *, create: bool = False, user: str | None = None, ask: bool = True
) -> Iterator[Tablet]:
    """The tablet of this machine, with a person signed in where `user` names one; without `ask` nobody is
    asked for its passphrase."""
    tablet = _tablet(realm_of(realm), create, ask)
    try:
        if user is not None and not _signed_in(tablet, user):
            tablet.sign_in(user, pin_of_user())
        yield tablet
    finally:
        if _kept is None:
            tablet.close()


def _tablet(realm: Realm | None, create: bool, ask: bool) -> Tablet:
    from fieldtool.settings import Home
    from fieldtool.tablet.tablet import Tablet

    home = Home.default()
    realm = realm or home.realm()
    tablet = _kept.tablets.get((home.folder, realm)) if _kept is not None else None
    if tablet is None:
        tablet = Tablet.open(home, realm, create=create, passphrase=ask_passphrase if ask else None)
        if _kept is not None:
            _kept.closing.callback(tablet.close)
            _kept.tablets[home.folder, realm] = tablet
    return tablet


def _signed_in(tablet: Tablet, user: str) -> bool:
    person = tablet.person()
    return person is not None and person.id == user


def pin_of_user() -> str:
    """The PIN of `--user`: from its variable, else asked for at a terminal.

    Raises:
        JobError: `pin_missing`.
    """
    import getpass
    import sys

    from fieldtool.errors import JobError
    from fieldtool.settings import PIN_VARIABLE

    pin = os.environ.get(PIN_VARIABLE)
    if pin is None and sys.stdin.isatty():
        pin = getpass.getpass("PIN: ")
    if not pin:
        raise JobError("pin_missing", f"the PIN of --user is needed: set {PIN_VARIABLE}")
    return pin


@contextmanager
def opened_office(
    database: str | None, realm: str | None, blobs_at: str | None = None
) -> Iterator[tuple[Office, BlobStore]]:
    """The office of a gateway's database, and where its blobs are kept.

    It must be there, unless the command is one that an office may begin with. What the command does to it is
    noted (`gateway audit`), unless it is one that only looks.
    """
    from fieldtool.officehome import database_of, open_office
    from fieldtool.settings import BLOBS_VARIABLE

    key = str(database_of(database)), realm_of(realm), blobs_at or os.environ.get(BLOBS_VARIABLE)
    now = running.get()
    create = now is None or now[0] in BEGINS
    if _kept is None:
        office, blobs = open_office(database, key[1], ask_passphrase, blobs_at, create=create)
        try:
            with _noted(office):
                yield office, blobs
        finally:
            office.store.close()
        return
    if key not in _kept.offices:
        _kept.offices[key] = open_office(database, key[1], ask_passphrase, blobs_at, create=create)
        _kept.closing.callback(_kept.offices[key][0].store.close)
    with _noted(_kept.offices[key][0]):
        yield _kept.offices[key]


LOOKS_ONLY = frozenset(
    {
        "firmware.listed",
        "gateway.root",
        "gateway.tablets",
        "gateway.users_list",
        "journal.export",
        "journal.verify",
        "mwm.status",
        "mwm.verify",
        "mwmsheets.preview",
        "networkorphans.orphans",
        "officekeeping.kept",
        "officerecord.audit",
        "officerecord.listed",
        "officerecord.show",
        "officestock.stock",
        "references.published",
    }
)
"""Commands on an office that change nothing."""
BEGINS = frozenset(
    {
        "gateway.enrol",
        "gateway.root",
        "gateway.serve",
        "gateway.users_add",
        "officeload.load",
        "references.publish",
    }
)
"""Commands that make an office where there is none."""
ACTS = {
    "firmware.publish": "gateway firmware publish",
    "firmware.withdraw": "gateway firmware withdraw",
    "gateway.enrol": "gateway enrol",
    "gateway.heard": "gateway heard",
    "gateway.recovery_code": "gateway recovery-code",
    "gateway.revoke": "gateway revoke",
    "gateway.serve": "gateway serve",
    "gateway.users_add": "gateway users add",
    "gateway.users_revoke": "gateway users revoke",
    "gateway.wipe": "gateway wipe",
    "handover.take": "bundle import",
    "journal.rebuild": "journal rebuild",
    "mwm.retry": "gateway mwm retry",
    "mwm.run": "gateway mwm run",
    "mwmsheets.export": "gateway export",
    "mwmsheets.import_sheet": "gateway mwm import",
    "officekeeping.accept": "gateway accept",
    "officekeeping.erase": "gateway erase",
    "officekeeping.orders": "gateway orders",
    "officeload.load": "gateway load",
    "officerecord.retry": "gateway quarantine retry",
    "officestock.move": "gateway stock-move",
    "proof.import_list": "gateway proof import",
    "proof.poll": "gateway proof poll",
    "proof.serve": "gateway proof serve",
    "references.publish": "gateway publish",
}
"""Every other command on an office, by its function, as a person types it: that is how it is noted."""


@contextmanager
def _noted(office: Office) -> Iterator[None]:
    """While open, the present command is an act of the office, with its outcome at the end."""
    import getpass
    import platform

    import typer

    from workorders.gateway import audit

    command, values = running.get() or ("program", {})
    if command in LOOKS_ONLY:
        yield
        return
    number = audit.begin(
        office,
        who=f"{getpass.getuser()}@{platform.node()}",
        role="operator",
        act=ACTS.get(command, command),
        object=_about(values),
        source="command line",
    )
    outcome = "done"
    try:
        yield
    except BaseException as error:
        ended = isinstance(error, typer.Exit) and error.exit_code == 0
        outcome = "done" if ended else str(getattr(error, "code", None) or type(error).__name__)
        raise
    finally:
        audit.end(office, number, outcome)


def _about(values: dict[str, object]) -> str | None:
    """What a command is about, by id; never a reason, a PIN or a file's contents."""
    for name in ("tablet", "person", "order", "number", "id", "name", "serial", "project", "crew"):
        value = values.get(name)
        if isinstance(value, str | int):
            return str(value)
    return None
