"""What every command at a meter is told: who to be there, by which secrets, and what these become."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_type_hints

import typer

from fieldtool.commands.output import JSON_HELP, guarded, usage

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


MASTER, HLS = "master_key", "hls_password"
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
NewHlsPassword = Annotated[
    str | None,
    typer.Option("--new-hls-password", help="What the secret of a high mechanism becomes; named likewise."),
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
    hls_password: str | None = None

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
            is_text = name in ("password", "sim_pin", HLS)
            made = secrets.password_bytes(plain) if is_text else secrets.key_bytes(plain, option)
            if made is not None:
                found[name] = made
        secrets.forget_variables(self.master_key)
        return found


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
