"""`fieldtool meter`: a meter at an optical port, without an order. Works on a machine that is not
enrolled, too; on a tablet, by the models and programs of its office."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

import typer

from fieldtool.commands.output import JSON_HELP, emit, guarded, note, progress_bar, say, table, usage
from fieldtool.commands.stopping import stopping_well

if TYPE_CHECKING:
    from drivers.changes import ApplyReport, Plan
    from drivers.connection import Connection
    from drivers.reading import Reading
    from drivers.session.client import OpticalSession
    from fieldtool.meterlog import MeterLog

app = typer.Typer(
    no_args_is_help=True,
    help="A meter at the optical port: who it is, what it reads, what a program would change.",
)

_TITLE = re.compile(r"[0-9A-Fa-f]{16}")
_KEY_PAIRS = ("sign_key", "agreement_key", "meter_sign_key", "meter_agreement_key")
_READOUT_CODE = re.compile(r"(?:\d+-\d+:)?[0-9A-Z]+(?:\.[0-9A-Z]+)*(?:[*&]\d+)?")

Port = Annotated[
    str, typer.Option("--port", help="COM3, /dev/ttyUSB0, socket://HOST:PORT or rfc2217://HOST:PORT.")
]
Mode = Annotated[
    str,
    typer.Option(
        "--mode",
        help="auto (optical sign-on, then HDLC) | e | hdlc (plain HDLC) | wrapper (TCP) | c (readout and "
        "programming of old meters, modes A to C) | d (the meter sends when its button is pressed) | "
        "c12 (ANSI C12.18, with an ANSI head; also: ansi).",
    ),
]
Client = Annotated[
    int, typer.Option("--client", help="DLMS client: 16 public, 1 management, 2 reader, …; ANSI: user id.")
]
Server = Annotated[
    str, typer.Option("--server", help="LOGICAL[:PHYSICAL], as the meter model says.", show_default=True)
]
Auth = Annotated[str, typer.Option("--auth", help="none | low | high | md5 | sha1 | sha256 | gmac | ecdsa.")]
Title = Annotated[
    str | None,
    typer.Option(
        "--system-title", help="This client's system title, 16 hex digits; else this machine's own."
    ),
]
Password = Annotated[
    str | None,
    typer.Option("--password", help="env:NAME, file:PATH or vault:NAME (a literal works, with a warning)."),
]
BlockKey = Annotated[
    str | None,
    typer.Option("--block-key", help="Global unicast encryption key, hex; named like the password."),
]
AuthKey = Annotated[
    str | None, typer.Option("--auth-key", help="Global authentication key, hex; named like the password.")
]
Suite = Annotated[int, typer.Option("--suite", help="Security suite of the meter: 0, 1 or 2.")]
Protection = Annotated[
    str,
    typer.Option(
        "--protection",
        help="How requests are ciphered: glo | ded | general-glo | general-ded | identified | one-pass | "
        "static (the last two agree on keys, suites 1 and 2).",
    ),
]
Signed = Annotated[bool, typer.Option("--signed", help="Sign each request, too (suites 1 and 2).")]
SignKey = Annotated[
    str | None,
    typer.Option("--sign-key", help="Our private signing key: hex or PEM; named like the password."),
]
AgreementKey = Annotated[
    str | None,
    typer.Option("--agreement-key", help="Our private key agreement key: hex or PEM; named likewise."),
]
MeterSignKey = Annotated[
    str | None,
    typer.Option(
        "--meter-sign-key", help="The meter's public signing key or certificate: hex or PEM; named likewise."
    ),
]
MeterAgreementKey = Annotated[
    str | None,
    typer.Option(
        "--meter-agreement-key", help="The meter's public key agreement key or certificate; named likewise."
    ),
]
MeterTitle = Annotated[
    str | None,
    typer.Option(
        "--meter-title", help="The meter's system title, 16 hex digits, where it must be known beforehand."
    ),
]
GeneralBlocks = Annotated[
    bool, typer.Option("--general-blocks", help="Propose general block transfer to the meter.")
]
Referencing = Annotated[
    str,
    typer.Option("--referencing", help="auto | ln (logical names) | sn (short names, old meters)."),
]
Baud = Annotated[
    int, typer.Option("--baud", help="Rate of a plain HDLC start, and cap of a sign-on or negotiation.")
]
Model = Annotated[str | None, typer.Option("--model", help="Meter model by name; else it is recognised.")]
Trace = Annotated[
    Path | None, typer.Option("--trace", help="Write the bytes on the line to this file; no secret is in it.")
]
Json = Annotated[bool, typer.Option("--json", help=JSON_HELP)]
Program = Annotated[str, typer.Option("--program", help="Program by name (assets/programs) or TOML file.")]
Values = Annotated[list[str] | None, typer.Option("--value", help="NAME=VALUE for the program; repeatable.")]


MASTER = "master_key"
NewPassword = Annotated[
    str | None,
    typer.Option("--new-password", help="What a program's password becomes: file:PATH or vault:NAME."),
]
NewBlockKey = Annotated[
    str | None, typer.Option("--new-block-key", help="What the block key becomes; named likewise.")
]
NewAuthKey = Annotated[
    str | None, typer.Option("--new-auth-key", help="What the authentication key becomes; named likewise.")
]
NewSimPin = Annotated[
    str | None, typer.Option("--new-sim-pin", help="What the PIN of the SIM becomes; named likewise.")
]
MasterKey = Annotated[
    str | None,
    typer.Option("--master-key", help="Master key, under which new keys travel; named like the password."),
]


class MeterOptions(NamedTuple):
    """Options that every command at a meter has."""

    port: str
    mode: str
    client: int
    server: str
    auth: str
    system_title: str | None
    password: str | None
    block_key: str | None
    auth_key: str | None
    baud: int
    model: str | None
    trace: Path | None
    referencing: str
    suite: int
    protection: str
    signed: bool
    sign_key: str | None
    agreement_key: str | None
    meter_sign_key: str | None
    meter_agreement_key: str | None
    meter_title: str | None
    general_blocks: bool
    json: bool


def at_meter(*, client: int, auth: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of `MeterOptions`, packed into its first argument `meter`."""
    hints: dict[str, Any] = {
        "port": (Port, inspect.Parameter.empty),
        "mode": (Mode, "auto"),
        "client": (Client, client),
        "server": (Server, "1"),
        "auth": (Auth, auth),
        "system_title": (Title, None),
        "password": (Password, None),
        "block_key": (BlockKey, None),
        "auth_key": (AuthKey, None),
        "baud": (Baud, 9600),
        "model": (Model, None),
        "trace": (Trace, None),
        "referencing": (Referencing, "auto"),
        "suite": (Suite, 0),
        "protection": (Protection, "glo"),
        "signed": (Signed, False),
        "sign_key": (SignKey, None),
        "agreement_key": (AgreementKey, None),
        "meter_sign_key": (MeterSignKey, None),
        "meter_agreement_key": (MeterAgreementKey, None),
        "meter_title": (MeterTitle, None),
        "general_blocks": (GeneralBlocks, False),
        "json": (Json, False),
    }

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = dict(list(inspect.signature(function).parameters.items())[1:])
        types = get_type_hints(function, include_extras=True)

        @functools.wraps(function)
        def run(**given: Any) -> None:
            packed = MeterOptions(**{name: given.pop(name) for name in hints})
            function(packed, **given)

        shown = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, (kind, default) in hints.items()
        ]
        shown += [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=parameter.default, annotation=types[name]
            )
            for name, parameter in own.items()
        ]
        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]  # read by typer
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
        return guarded(run)

    return decorate


class NewSecrets(NamedTuple):
    """Options of commands that change secrets: what they are to become, and the master key."""

    password: str | None = None
    block_key: str | None = None
    auth_key: str | None = None
    master_key: str | None = None
    sim_pin: str | None = None

    def read(self) -> dict[str, bytes]:
        """New secrets by the name of those they follow, and the master key under its own name."""
        from fieldtool.commands import secrets

        found: dict[str, bytes] = {}
        for name, text in self._asdict().items():
            option = f"--{name.replace('_', '-')}" if name == MASTER else f"--new-{name.replace('_', '-')}"
            if text is None:
                continue
            if name != MASTER and text.partition(":")[0] not in ("file", "vault"):
                usage(f"{option}: file:PATH or vault:NAME; it must outlive this machine's next power cut")
            plain = secrets.resolve(text, option)
            is_text = name in ("password", "sim_pin")
            made = secrets.password_bytes(plain) if is_text else secrets.key_bytes(plain, option)
            if made is not None:
                found[name] = made
        secrets.forget_variables(self.master_key)
        return found


@contextmanager
def session_of(
    given: MeterOptions, new: NewSecrets | None = None
) -> Iterator[tuple[OpticalSession, MeterLog]]:
    """An open session with a meter, and the log that its writes go to."""
    from drivers.session.client import OpticalSession
    from fieldtool.commands.files import files_here
    from fieldtool.meterlog import MeterLog, MeterLogHost
    from fieldtool.settings import Home

    home = Home.default()
    log = MeterLog(home.folder / "meter-tool.db")
    known = _secrets(given)
    following = new.read() if new is not None else {}
    if MASTER in following:
        known[MASTER] = following.pop(MASTER)
    connection = _connection(given, known, log.system_title())
    with progress_bar(given.json) as progress:
        folders = files_here("models", "programs").folders

        def at(connection: Connection) -> OpticalSession:
            return OpticalSession(
                given.port,
                connection,
                MeterLogHost(log, known, progress, following, _next_counter(connection, following)),
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
            password=_named("password", known),
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


@app.command("ports")
@guarded
def ports(json: Json = False) -> None:
    """List the serial ports of this machine; probes on USB first.

    With --json one object: {"ports": [{"url", "description", "vid", "pid", "serial_number"}]}.
    """
    from drivers.ports import discover

    found = discover()
    if json:
        emit({"ports": found})
        return
    if not found:
        note("no serial port was found: plug the probe in, or pair it")
    table("", ["port", "what it is"], [[port.url, port.description] for port in found])


@app.command("identify")
@at_meter(client=16, auth="none")
def identify(meter: MeterOptions) -> None:
    """Sign on and say who the meter is.

    With --json one object: {"identity": {"manufacturer", "serial", "model", "firmware",
    "logical_device_name",
    "extra"}}; keys the meter does not give are null.

    Example: fieldtool meter identify --port /dev/ttyUSB0
    """
    with session_of(meter) as (session, _):
        found = session.identify()
    if meter.json:
        emit({"identity": found})
        return
    for name in ("manufacturer", "serial", "model", "firmware", "logical_device_name"):
        say(f"{name:20} {getattr(found, name) or '—'}")


@app.command("read")
@at_meter(client=16, auth="none")
def read(
    meter: MeterOptions,
    item: Annotated[
        list[str] | None,
        typer.Option(
            "--item",
            help="CLASS:OBIS:ATTR, or ansi:ST23:1.8.0, ansi:ST52:clock, ansi:MT05:raw; repeatable; else what "
            "the meter model names.",
        ),
    ] = None,
) -> None:
    """Read values from a meter.

    With --json one object: {"identity": {…}, "readings": [{"item", "name", "value", "unit", "time",
    "status"}],
    "exchanges", "bytes": {"tx", "rx"}, "seconds"}. `value` is decimal or plain text with the scaler applied.

    Example: fieldtool meter read --port COM3 --client 2 --auth low --password env:METER_PASSWORD
    --item 3:1.0.1.8.0.255:2
    """
    for text in item or []:
        _check_item(text, meter.mode)
    with session_of(meter) as (session, _):
        found = session.read(item or None)
    if meter.json:
        emit(found)
        return
    who = found.identity
    say(" ".join(part for part in (who.manufacturer, who.serial, who.model) if part))
    lines = [[r.item, r.name, _value_text(r), r.unit] for r in found.readings]
    table("", ["item", "name", "value", "unit"], lines)
    note(f"{found.exchanges} exchanges, {found.bytes.tx} + {found.bytes.rx} bytes, {found.seconds:.1f} s")


def _value_text(reading: Reading) -> str | None:
    """The value, with what is to be said about it."""
    if reading.value is None or reading.status is None:
        return reading.value or reading.status
    return f"{reading.value} ({reading.status})"


@app.command("plan")
@at_meter(client=1, auth="gmac")
def plan(
    meter: MeterOptions,
    program: Program,
    value: Values = None,
    new_password: NewPassword = None,
    new_block_key: NewBlockKey = None,
    new_auth_key: NewAuthKey = None,
    new_sim_pin: NewSimPin = None,
) -> None:
    """Show what a program would change on the meter; nothing is written.

    With --json one object: {"program", "values", "meter", "model", "changes": [{"id", "item", "name", "now",
    "will_be", "state": same|differs|unsupported|unreadable, "danger", "detail"}]}.
    """
    with session_of(meter, NewSecrets(new_password, new_block_key, new_auth_key, None, new_sim_pin)) as (
        session,
        _,
    ):
        found = session.plan(program_of(program), values_of(value))
    if meter.json:
        emit(found)
        return
    _show_plan(found)


@app.command("apply")
@at_meter(client=1, auth="gmac")
def apply(
    meter: MeterOptions,
    program: Program,
    value: Values = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", help="Id of a dangerous change to permit (see `meter plan`); repeatable."),
    ] = None,
    new_password: NewPassword = None,
    new_block_key: NewBlockKey = None,
    new_auth_key: NewAuthKey = None,
    master_key: MasterKey = None,
    new_sim_pin: NewSimPin = None,
) -> None:
    """Write what differs from a program, read it back, and settle what an earlier cut left open.

    A new password or key is kept where it was given until the meter was entered with it; after a cut the
    same command finds out which one holds. Each write is recorded durably before it is sent. With --json
    one object: {"program", "meter", "changes": [{"id", "state":
    verified|failed|rolled_back|untouched|intended, "is_now", "detail"}], "complete"}. Exit status 1 if
    something that may be written did not come out as it should.
    """
    new = NewSecrets(new_password, new_block_key, new_auth_key, master_key, new_sim_pin)
    with session_of(meter, new) as (session, log):
        planned, report = carry_out(session, log, program_of(program), values_of(value), allow or [])
    if meter.json:
        emit(report)
    else:
        _show_plan(planned)
        lines = [[c.id, c.state, c.is_now, c.detail] for c in report.changes]
        table("", ["change", "state", "is now", ""], lines)
    bad = [change.id for change in report.changes if change.state in ("failed", "rolled_back", "intended")]
    if bad:
        note(f"fieldtool: not as it should be: {', '.join(bad)}")
        raise typer.Exit(1)


def carry_out(
    session: OpticalSession, log: MeterLog, program: str | Path, values: dict[str, str], allow: list[str]
) -> tuple[Plan, ApplyReport]:
    """Plan, settle what an earlier cut left open, apply."""
    planned = session.plan(program, values)
    unsettled = log.open_intents(planned.meter)
    if unsettled:
        session.settle(unsettled)
        planned = session.plan(program, values)
    return planned, session.apply(planned, allow)


def _check_item(text: str, mode: str) -> None:
    """An item that no meter could be asked is wrong usage, told before the line is touched."""
    from drivers.ansi.items import is_ansi, parse_ansi_item
    from drivers.dlms.cosem import parse_item
    from drivers.errors import WrongValue

    if mode in ("auto", "c", "d") and _READOUT_CODE.fullmatch(text):
        return
    ansi = mode in ("c12", "ansi") or (mode == "auto" and is_ansi(text))
    try:
        parse_ansi_item(text) if ansi else parse_item(text)
    except WrongValue as error:
        usage(f"--item: {error.message}")


def program_of(name: str) -> str | Path:
    path = Path(name)
    return path if path.suffix == ".toml" else name


def values_of(given: list[str] | None) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in given or []:
        name, sign, text = pair.partition("=")
        if not sign or not name:
            usage(f"--value {pair!r}: it must be NAME=VALUE")
        values[name] = text
    return values


def _show_plan(found: Plan) -> None:
    say(f"program {found.program}, meter {found.meter}")
    lines = [[c.id, c.name, c.now, c.will_be, c.state, c.danger] for c in found.changes]
    table("", ["id", "item", "now", "will be", "state", "danger"], lines)
