"""Meter models: TOML written by utility engineers, checked before any meter is touched.

A *model* says how a type of meter is recognised and what it has. The files lie in ``assets/models``; their
README explains each key.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Literal

import msgspec

from drivers.ansi.items import is_ansi, parse_ansi_item
from drivers.connection import Auth, Protection, Referencing
from drivers.dlms.cosem import parse_item
from drivers.errors import DriverError, ModelFileError
from drivers.iec62056.options import IecOptions
from drivers.iec62056.readout import is_code
from drivers.passwords import NAMES, PasswordRule
from drivers.reading import Identity
from drivers.toml_file import line_of, load_toml
from drivers.wiring.angles import Sense

TECHNOLOGIES = frozenset({"none", "prime", "g3", "gsm", "wisun", "lorawan", "rf", "twacs", "rpma", "plc"})
_DEVICE_ID = re.compile(r"1:0\.0\.96\.1\.(\d)\.255:2")
_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_.]+)\}")


class Protocols(StrEnum):
    """What a type of meter speaks at its optical port."""

    DLMS = "dlms"
    ANSI = "ansi"
    IEC = "iec"
    """Only IEC 62056-21: readout and programming mode."""


class ModelClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A client the meter knows: address, mechanism, and its invocation counter object (an item), if
    ciphered.

    ``ciphered``: whether its application context is (GMAC and ECDSA: yes, unless told otherwise). ``secret``
    names its password: ``password``, with the high mechanisms ``hls_password``. ``suite``: its security
    suite; unknown, it is judged from the keys that there are.
    """

    id: int
    auth: Auth = Auth.NONE
    counter: str | None = None
    ciphered: bool | None = None
    secret: str | None = None
    suite: Literal[0, 1, 2] | None = None
    protection: Protection = Protection.GLO
    signed: bool = False

    @property
    def is_ciphered(self) -> bool:
        """Whether requests go ciphered."""
        known = self.auth in (Auth.GMAC, Auth.ECDSA) if self.ciphered is None else self.ciphered
        return known or self.protection is not Protection.GLO or self.signed

    @property
    def password(self) -> str | None:
        """The name of the password that it comes in with; None where it has none."""
        if self.auth in (Auth.NONE, Auth.GMAC, Auth.ECDSA):
            return None
        return self.secret or ("password" if self.auth is Auth.LOW else "hls_password")


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Regular expressions that recognise the model; each one given must be found.

    ``device_type`` is looked for in the device type and in every device id. A meter that shows its device
    type to nobody (the public client, without a sign-on) is recognised by ``logical_device_name`` and
    ``firmware`` together: the manufacturer's letters alone are those of all its types.
    """

    identification: str | None = None
    logical_device_name: str | None = None
    device_type: str | None = None
    firmware: str | None = None


class NamedItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item with the name shown to people; ``group`` sorts it on the screen."""

    item: str
    name: str
    group: str = "energy"


class Quirks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What this make does differently.

    ``deviation_reversed``: UTC = local − deviation. ``counter_first``: read the invocation counter before
    each association (the model fixes the client's system title). ``counter_of_forged``: that counter also
    moves with a request whose tag is wrong, so it proves no key. ``fixed_invoke_id``: it takes requests with
    invoke id 1 only. ``list_limit``: most items in one
    with-list request, 1 for none; ``write_limit``: the same where it writes. ``angles``: how it counts
    1.0.81.7.xy, y behind x (``lag``) or ahead of it (``lead``); unknown, the sense is learnt from its
    reactive power.
    """

    deviation_reversed: bool = False
    counter_first: bool = False
    counter_of_forged: bool = False
    fixed_invoke_id: bool = False
    list_limit: int | None = None
    write_limit: int | None = None
    angles: Sense | None = None


class MeterModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type of meter. ``manufacturer`` are FLAG letters (ANSI: up to four characters, empty for any);
    ``identity`` maps a word to the item that holds it. Items of a meter with ``protocol`` iec are codes as
    it sends them (``1.8.0``); ``iec`` says what its make does differently; ``passwords``, by name, how one is
    made that nobody gave."""

    name: str
    title: dict[str, str]
    manufacturer: str
    phases: int
    match: Match
    clients: dict[str, ModelClient]
    protocol: Protocols = Protocols.DLMS
    technology: str = "none"
    connection: str = "direct"
    server: str = "1"
    baud: int = 9600
    lockout_seconds: int = 60
    time_zone_minutes: int | None = None
    referencing: Referencing = Referencing.LN
    identity: dict[str, str] = {}
    readings: list[NamedItem] = []
    profile: str = "7:1.0.99.1.0.255:2"
    events: str | None = None
    event_logs: list[str] = []
    event_names: dict[str, dict[str, str]] = {}
    status_bits: dict[str, dict[str, str]] = {}
    relay: str | None = None
    modules: list[str] = []
    children: list[str] = []
    quirks: Quirks = Quirks()
    iec: IecOptions = IecOptions()
    passwords: dict[str, PasswordRule] = {}

    def counter_item(self, client: int) -> str | None:
        """The invocation counter object of a client."""
        return next((known.counter for known in self.clients.values() if known.id == client), None)

    def name_of(self, item: str) -> str | None:
        return next((named.name for named in self.readings if named.item == item), None)

    def recognises_line(self, line: str) -> bool:
        """Whether the identification line (``MMM text``) is one of this model."""
        return bool(self.match.identification and re.search(self.match.identification, line))

    def recognises(self, identity: Identity) -> bool:
        """Whether every given expression is found; a value that is not known yet decides nothing."""
        match = self.match
        pairs = {
            "identification": (match.identification, [identity.extra.get("identification")]),
            "type": (match.device_type, self._device_types(identity)),
            "name": (match.logical_device_name, [identity.logical_device_name]),
            "firmware": (match.firmware, [identity.firmware]),
        }
        decided = {
            word: any(re.search(expression, text) for text in texts if text)
            for word, (expression, texts) in pairs.items()
            if expression and any(texts)
        }
        told = {"identification", "type"} & decided.keys() or {"name", "firmware"} <= decided.keys()
        return bool(told) and all(decided.values())

    def _device_types(self, identity: Identity) -> list[str | None]:
        """What the device type is looked for in. Where it stands in one device id, the others say nothing of
        it: a client that may not read that one has not seen another type."""
        item = self.identity.get("device_type", "")
        place = _DEVICE_ID.fullmatch(item)
        if place is not None:
            return [identity.extra.get("device_type") or identity.extra.get(f"device_id_{place[1]}")]
        return [text for word, text in identity.extra.items() if word.startswith("device_")]


def load_model(path: Path) -> MeterModel:
    """Raises ``ModelFileError`` with file, line and reason."""
    model, text = load_toml(path, MeterModel)
    checks = [(f"$.identity.{key}", item) for key, item in model.identity.items()]
    checks += [(f"$.readings[{number}].item", named.item) for number, named in enumerate(model.readings)]
    checks += [(f"$.clients.{key}.counter", c.counter) for key, c in model.clients.items() if c.counter]
    if model.protocol is not Protocols.IEC:  # there, the addresses of profile and log stand in [iec.profile]
        names = ("profile", "events", "relay")
        checks += [(f"$.{key}", item) for key in names if (item := getattr(model, key))]
    checks += [(f"$.children[{number}]", item) for number, item in enumerate(model.children)]
    checks += [(f"$.event_logs[{number}]", item) for number, item in enumerate(model.event_logs)]
    for where, item in checks:
        if model.protocol is Protocols.IEC:
            _check_code(path, text, where, item)
        else:
            check_item(path, text, where, item)
    _check_iec(path, text, model.iec)
    _check_passwords(path, text, model)
    for key in ("identification", "logical_device_name", "device_type", "firmware"):
        expression = getattr(model.match, key)
        if expression is not None:
            _check_expression(path, text, f"$.match.{key}", expression)
    for bit in model.status_bits:
        if not bit.isdecimal() or int(bit) > 63:
            reason = f"status bit {bit!r} is not a number of 0 to 63"
            raise ModelFileError(path.name, line_of(text, f"$.status_bits.{bit}"), reason)
    if model.technology not in TECHNOLOGIES:
        reason = f"technology {model.technology!r} is not one of {', '.join(sorted(TECHNOLOGIES))}"
        raise ModelFileError(path.name, line_of(text, "$.technology"), reason)
    return model


def load_models(folder: Path) -> dict[str, MeterModel]:
    """All models of a folder by name. Raises ``ModelFileError`` for the first mistake."""
    models = [load_model(path) for path in sorted(folder.glob("*.toml"))]
    return {model.name: model for model in models}


def check_item(path: Path, text: str, where: str, item: str) -> None:
    """Raises ``ModelFileError`` where an item cannot be one."""
    try:
        parse_ansi_item(item) if is_ansi(item) else parse_item(item)
    except DriverError as error:
        raise ModelFileError(path.name, line_of(text, where), error.message) from None


def _check_code(path: Path, text: str, where: str, item: str) -> None:
    if not is_code(item):
        reason = f"{item!r} is not a code as the meter sends it, like 1.8.0 or C.1.0"
        raise ModelFileError(path.name, line_of(text, where), reason)


def _check_passwords(path: Path, text: str, model: MeterModel) -> None:
    for key, client in model.clients.items():
        if client.secret is not None and client.secret not in NAMES:
            reason = f"{client.secret!r} names no password: {' or '.join(sorted(NAMES))}"
            raise ModelFileError(path.name, line_of(text, f"$.clients.{key}.secret"), reason)
    for name, rule in model.passwords.items():
        fault = rule.fault() if name in NAMES else f"{name!r} is no password: {' or '.join(sorted(NAMES))}"
        if fault is not None:
            raise ModelFileError(path.name, line_of(text, f"$.passwords.{name}"), fault)


def _check_iec(path: Path, text: str, options: IecOptions) -> None:
    if options.programming is not None:
        _check_expression(path, text, "$.iec.programming.error", options.programming.error)
        if "{password}" not in options.programming.password:
            reason = "the wrapped password must hold {password}"
            raise ModelFileError(path.name, line_of(text, "$.iec.programming.password"), reason)
    if options.profile is not None:
        try:
            options.profile.bounds(None, None)
        except (KeyError, IndexError, ValueError):
            reason = "only {start} and {end} may stand in the request"
            raise ModelFileError(path.name, line_of(text, "$.iec.profile.request"), reason) from None


def _check_expression(path: Path, text: str, where: str, expression: str) -> None:
    try:
        re.compile(expression)
    except re.error as error:
        reason = f"not a regular expression: {error}"
        raise ModelFileError(path.name, line_of(text, where), reason) from None
