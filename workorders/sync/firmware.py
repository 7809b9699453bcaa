"""Firmware images that the office offers to the tablets of a project: what is said of each, what is here.

The set `<project>/firmware` names the images; their bytes travel apart, by their SHA-256, once records and
photos have gone (`firmwarestage.py`). Nothing of it is trusted by a meter: that checks its maker's signature.
"""

from __future__ import annotations

import re

import msgspec
from sqlalchemy import Connection, select

from workorders.store import schema
from workorders.store.settings import set_setting, setting
from workorders.sync import wire
from workorders.sync.wire import Sha256

FIRMWARE = "firmware"
FIRMWARE_SCHEMA = 1
"""How a `FirmwareSet` is read. It grows when an older program would read a set wrongly."""
SUFFIXES = (".bin", ".img", ".fw", ".firmware")
"""What a file's name ends in that a tablet takes for an image."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))})
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_HEX = re.compile(r"0x([0-9A-Fa-f]{2}){1,64}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]*")
_IDENTIFIER_BYTES, _SIGNATURE_HEX, _WORDS = 64, 4096, 64
_STATE = "sync.firmware"


class FirmwareImage(msgspec.Struct, frozen=True, kw_only=True):
    """One image that is offered.

    Attributes:
        name: of the file on the tablets; unique in its project.
        models: names of the meter models that it is for; never empty.
        version: the firmware that a meter shows afterwards.
        identifier: what the meter calls the image (class 18, `image_identifier`): text, or 0x and hex.
        signature: what its maker says of it (class 18, `image_signature`), 0x and hex; empty where there is
            none apart from the image.
        published_at: UTC text.
    """

    name: str
    sha256: Sha256
    size: int
    models: list[str]
    identifier: str
    manufacturer: str = ""
    version: str = ""
    signature: str = ""
    published_at: str = ""

    def fault(self) -> str | None:
        """What is wrong with what is said of it, as a sentence; None for nothing."""
        stem, _, ending = self.name.rpartition(".")
        if not _NAME.fullmatch(self.name) or f".{ending.lower()}" not in SUFFIXES:
            return f"a name is letters, digits, . _ + - and ends in {', '.join(SUFFIXES)}"
        if stem.split(".")[0].lower() in _DEVICES:
            return "a name that some machines keep for a device"
        if not self.models or not all(_MODEL.fullmatch(model) for model in self.models):
            return "say for which meter models it is"
        if not 0 < self.size <= wire.MAX_FIRMWARE_BYTES:
            return f"{self.size} bytes; it is 1 to {wire.MAX_FIRMWARE_BYTES}"
        if not self.identifier or not _octets(self.identifier):
            return f"an identifier is 1 to {_IDENTIFIER_BYTES} octets: text, or 0x and hex"
        if self.signature and (len(self.signature) > _SIGNATURE_HEX or not _hex(self.signature)):
            return "a signature is 0x and hex"
        words = (self.manufacturer, self.version)
        if any(len(word) > _WORDS or not _TEXT.fullmatch(word) for word in words):
            return f"manufacturer and version are up to {_WORDS} letters"
        return None


def _octets(text: str) -> bool:
    if text.startswith("0x"):
        return _HEX.fullmatch(text) is not None
    return bool(_TEXT.fullmatch(text)) and len(text.encode()) <= _IDENTIFIER_BYTES


def _hex(text: str) -> bool:
    return re.fullmatch(r"0x([0-9A-Fa-f]{2})+", text) is not None


class FirmwareSet(msgspec.Struct, frozen=True, kw_only=True):
    """The images that are offered in a project; one that is not among them any more was withdrawn."""

    schema: int = FIRMWARE_SCHEMA
    images: list[FirmwareImage] = []


def firmware_of(project: str) -> str:
    """Name of a project's set of images."""
    return f"{project}/{FIRMWARE}"


class FormUnknown(ValueError):
    """A set that cannot be used. `code`: `set_too_new`, `set_unreadable`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Schema(msgspec.Struct):
    schema: int = 1


def read_firmware(body: bytes) -> FirmwareSet:
    """The images of a set.

    Raises:
        FormUnknown: of a newer form; or not of this one, or with an image that no tablet could lay out.
    """
    try:
        number = msgspec.json.decode(body, type=_Schema).schema
        if number > FIRMWARE_SCHEMA:
            raise FormUnknown("set_too_new", f"form {number}; this program reads up to {FIRMWARE_SCHEMA}")
        found = msgspec.json.decode(body, type=FirmwareSet)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormUnknown("set_unreadable", f"not the form of a set of images: {error}") from None
    for image in found.images:
        fault = image.fault()
        if fault is not None:
            raise FormUnknown("set_unreadable", f"{image.name[:40]}: {fault}")
    return found


# --- what is here ---------------------------------------------------------------------------------


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An image that was fetched and lies in the folder. `modified`: of the file, nanoseconds, so that one
    that somebody changed is not taken for ours."""

    file: str
    sha256: str
    size: int
    modified: int


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """An offered image that is not here yet.

    Attributes:
        have: bytes of it that have arrived.
        code: why it was left: `disk_full`, `cannot_write`, `damaged`, `not_held`; None: it goes on by itself,
            in the next round or once the line costs nothing.
        at: when `code` was found (UTC text).
    """

    name: str
    sha256: str
    size: int
    have: int = 0
    code: str | None = None
    at: str | None = None


class FirmwareState(msgspec.Struct, frozen=True, kw_only=True):
    """How the offered images stand on this tablet, as the last round left them."""

    placed: list[Placed] = []
    coming: list[Coming] = []


def firmware_state(connection: Connection) -> FirmwareState:
    """How the images stand."""
    try:
        return msgspec.convert(setting(connection, _STATE) or {}, FirmwareState)
    except msgspec.ValidationError:
        return FirmwareState()


def keep_firmware_state(connection: Connection, state: FirmwareState) -> None:
    """Keep how the images stand, where it changed."""
    if firmware_state(connection) != state:
        set_setting(connection, _STATE, msgspec.to_builtins(state))


def body_of(connection: Connection, item: wire.ReferenceSet) -> bytes | None:
    """Body of the very version of a set that is offered; None where it is not in use here."""
    table = schema.reference_set
    same = (table.c.name == item.name) & (table.c.sha256 == item.sha256)
    body: bytes | None = connection.execute(select(table.c.body).where(same).limit(1)).scalar()
    return body
