"""The session with a meter that a command asked for by its options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fieldtool.commands.meteroptions import HLS, MASTER, MeterOptions, NewSecrets
from fieldtool.commands.output import progress_bar, usage
from fieldtool.commands.stopping import stopping_well

if TYPE_CHECKING:
    from drivers.connection import Connection
    from drivers.session.client import OpticalSession
    from fieldtool.journalhost import JournalHost
    from fieldtool.meterlog import MeterLog

_TITLE = re.compile(r"[0-9A-Fa-f]{16}")
_KEY_PAIRS = ("sign_key", "agreement_key", "meter_sign_key", "meter_agreement_key")


@contextmanager
def session_of(
    given: MeterOptions,
    new: NewSecrets | None = None,
    *,
    writing: bool = False,
    named: JournalHost | None = None,
) -> Iterator[tuple[OpticalSession, MeterLog]]:
    """An open session with a meter, and the log that its writes go to; `writing`: something may be written,
    which an enrolled tablet does by its office's files or not at all; `named`: the journal of a tablet, where
    writes stand in a person's name as well, before they are sent."""
    from drivers.session.client import OpticalSession
    from fieldtool.commands.files import files_here
    from fieldtool.meterlog import MeterLog, MeterLogHost, NamedHost
    from fieldtool.settings import Home

    home = Home.default()
    folders = files_here("models", "programs", writing=writing).folders
    log = MeterLog(home.folder / "meter-tool.db")
    known = _secrets(given)
    following = new.read() if new is not None else {}
    if MASTER in following:
        known[MASTER] = following.pop(MASTER)
    if HLS in following and "password" in known:
        known[HLS] = known.pop("password")  # it is this that changes
    connection = _connection(given, known, log.system_title())
    with progress_bar(given.json) as progress:

        def at(connection: Connection) -> OpticalSession:
            host = MeterLogHost(log, known, progress, following, _next_counter(connection, following))
            return OpticalSession(
                given.port,
                connection,
                host if named is None else NamedHost(host, named),
                models=folders["models"],
                programs=folders["programs"],
                cache=home.cache(),
                trace=given.trace,
            )

        if connection.block_key is not None:
            connection = _counted(connection, known, at)
        with at(connection) as session, stopping_well(session.cancel):
            yield session, log


def _counted(
    connection: Connection, known: dict[str, bytes], at: Callable[[Connection], OpticalSession]
) -> Connection:
    """The connection with its invocation counter named: by meter, client and key.

    Who is there is asked of the public client first; where that one is refused, the counter goes by
    client and key alone, above all that were ever used.
    """
    import msgspec

    from drivers.connection import Auth as Mechanism
    from drivers.errors import AssociationRefused, MeterRefused, UnsupportedObject
    from fieldtool.meterlog import counter_key

    change = msgspec.structs.replace
    public = change(connection, client=16, auth=Mechanism.NONE, password=None, block_key=None, auth_key=None)
    meter = None
    try:
        with at(public) as session, stopping_well(session.cancel):
            identity = session.identify()
        meter = identity.logical_device_name or identity.serial
    except (AssociationRefused, MeterRefused, UnsupportedObject):
        pass
    key = counter_key(meter, connection.client, connection.system_title, known["block_key"])
    return change(connection, counter_key=key)


def _next_counter(connection: Connection, following: dict[str, bytes]) -> str | None:
    """The counter that counts once a new block key holds: it goes on from the present one's."""
    from fieldtool.meterlog import counter_key

    new = following.get("block_key")
    if new is None or connection.counter_key is None:
        return None
    meter = connection.counter_key.split("/")[0]
    return counter_key(meter, connection.client, connection.system_title, new)


def _secrets(given: MeterOptions) -> dict[str, bytes]:
    from fieldtool.commands import secrets

    found = {
        "password": secrets.password_bytes(secrets.resolve(given.password, "--password")),
        "block_key": secrets.key_bytes(secrets.resolve(given.block_key, "--block-key"), "--block-key"),
        "auth_key": secrets.key_bytes(secrets.resolve(given.auth_key, "--auth-key"), "--auth-key"),
    }
    for name in _KEY_PAIRS:
        option = "--" + name.replace("_", "-")
        found[name] = secrets.key_pair_bytes(secrets.resolve(getattr(given, name), option), option)
    secrets.forget_variables(
        given.password, given.block_key, given.auth_key, *[getattr(given, name) for name in _KEY_PAIRS]
    )
    return {name: value for name, value in found.items() if value is not None}


def _connection(given: MeterOptions, known: dict[str, bytes], own_title: str) -> Connection:
    from drivers.connection import Auth as Mechanism
    from drivers.connection import Connection
    from drivers.connection import Mode as SignOn
    from drivers.connection import Protection as Ciphered
    from drivers.connection import Referencing as Names
    from drivers.dlms.hdlc import parse_server

    if given.system_title is not None and not _TITLE.fullmatch(given.system_title):
        usage(f"--system-title {given.system_title!r}: it is 16 hex digits")
    if given.meter_title is not None and not _TITLE.fullmatch(given.meter_title):
        usage(f"--meter-title {given.meter_title!r}: it is 16 hex digits")
    if given.suite not in (0, 1, 2):
        usage(f"--suite {given.suite}: it is 0, 1 or 2")
    ansi = given.mode in ("c12", "ansi")
    if not ansi and not 0 < given.client < 128:
        usage(f"--client {given.client}: it is 1 to 127")
    if ansi and not 0 <= given.client <= 65535:
        usage(f"--client {given.client}: a user id is 0 to 65535")
    try:
        parse_server(given.server)
        return Connection(
            mode=SignOn(given.mode),
            client=given.client,
            server=given.server,
            auth=Mechanism(given.auth),
            system_title=given.system_title or own_title,
            password=_named("password", known) or _named(HLS, known),
            block_key=_named("block_key", known),
            auth_key=_named("auth_key", known),
            baud=given.baud,
            model=given.model,
            referencing=Names(given.referencing),
            suite=given.suite,
            protection=Ciphered(given.protection),
            signed=given.signed,
            meter_title=given.meter_title or "",
            general_blocks=given.general_blocks,
            sign_key=_named("sign_key", known),
            agreement_key=_named("agreement_key", known),
            meter_sign_key=_named("meter_sign_key", known),
            meter_agreement_key=_named("meter_agreement_key", known),
        )
    except ValueError as error:
        usage(str(error))


def _named(name: str, known: dict[str, bytes]) -> str | None:
    """The name that the session asks for, of a secret that was given."""
    return name if name in known else None
