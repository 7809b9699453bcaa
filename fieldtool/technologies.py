"""AMI technologies as data files: identities to capture, shape of the tree, capacity, proof of a join, waits.

The words of the files are explained in `assets/technologies/README.md`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import msgspec
from stdnum import imei, luhn

from fieldtool.text import Text
from fieldtool.tomlfile import FileMistake, line_of, read_toml
from workorders.people import Role


class IdentityCheck(StrEnum):
    """How an identity is checked besides its pattern."""

    EUI48 = "eui48"
    EUI64 = "eui64"
    IMEI = "imei"
    ICCID = "iccid"
    EID = "eid"
    LUHN = "luhn"


class IdentitySource(StrEnum):
    """Where an identity may come from."""

    OPTICAL = "optical"
    LABEL = "label"
    STOCK = "stock"
    TYPED = "typed"


class Proof(StrEnum):
    """What can prove that a device joined."""

    OPTICAL_PRIME = "optical_prime"
    OPTICAL_G3 = "optical_g3"
    OPTICAL_CELLULAR = "optical_cellular"
    OPTICAL_WI_SUN = "optical_wi_sun"
    OPTICAL_LORAWAN = "optical_lorawan"
    CONCENTRATOR_S24 = "concentrator_s24"
    CONCENTRATOR_LIST = "concentrator_list"
    HEAD_END_LIST = "head_end_list"
    DEVICE_LOOKUP = "device_lookup"

    @property
    def optical(self) -> bool:
        """Whether the meter itself tells it."""
        return self.value.startswith("optical_")


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: a word that the program does not know is a mistake in the file."""


class IdentityRule(_File, frozen=True, kw_only=True, rename={"sources": "from"}):
    """One identity of a device in the network; `sources` best first."""

    key: str
    name: Text
    required: bool
    sources: list[IdentitySource]
    pattern: str | None = None
    check: IdentityCheck | None = None

    def accepts(self, value: str) -> bool:
        """Whether `value` has the form of this identity."""
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return False
        return self.check is None or well_formed(self.check, value)


class Tree(_File, frozen=True, kw_only=True):
    """Shape of the network above a meter."""

    levels: list[str]
    place_needs: list[str]
    place_asks: list[str]
    collector: str | None = None
    collector_under: str | None = None


class Capacity(_File, frozen=True, kw_only=True):
    """What one collector bears."""

    default: int
    warn_percent: int
    block_percent: int
    override_role: Role


class Distance(_File, frozen=True, kw_only=True):
    """Reach of a collector, kilometres as decimal text."""

    warn_km: str
    block_km: str
    override_role: Role


class Join(_File, frozen=True, kw_only=True):
    """How a join is proven."""

    proofs: list[Proof]
    at_once: bool


class Wait(_File, frozen=True, kw_only=True):
    """How long to wait, and for what."""

    recheck_minutes: int
    late_hours: int
    failed_hours: int
    silent_hours: int


class Technology(_File, frozen=True, kw_only=True):
    """One technology. `sees`: what a crew sees on the device while it joins."""

    id: str
    version: int
    medium: str
    name: Text
    tree: Tree
    join: Join
    wait: Wait
    sees: Text | None = None
    identity: list[IdentityRule] = []
    capacity: Capacity | None = None
    distance: Distance | None = None


def load_technology(path: Path) -> Technology:
    """Read one technology file.

    Raises:
        FileMistake: with file, line and reason.
    """
    technology, text = read_toml(path, Technology)
    for index, rule in enumerate(technology.identity):
        if rule.key in [earlier.key for earlier in technology.identity[:index]]:
            raise FileMistake(
                path.name, line_of(text, ("identity", index, "key")), f"{rule.key!r} stands twice"
            )
        if rule.pattern is None and rule.check is None:
            reason = f"{rule.key!r} needs a pattern or a check: anything would be accepted"
            raise FileMistake(path.name, line_of(text, ("identity", index)), reason)
        try:
            re.compile(rule.pattern or "")
        except re.error as error:
            line = line_of(text, ("identity", index, "pattern"))
            raise FileMistake(path.name, line, f"pattern of {rule.key!r}: {error}") from None
    if technology.capacity is not None and technology.tree.collector is None:
        raise FileMistake(path.name, line_of(text, ("capacity",)), "a capacity is that of a collector")
    if (
        technology.capacity is not None
        and technology.capacity.warn_percent > technology.capacity.block_percent
    ):
        reason = "warn_percent stands above block_percent: nobody would be warned"
        raise FileMistake(path.name, line_of(text, ("capacity", "warn_percent")), reason)
    if (technology.tree.collector is None) != (technology.tree.collector_under is None):
        raise FileMistake(path.name, line_of(text, ("tree",)), "collector and collector_under go together")
    return technology


def load_technologies(folder: Path) -> dict[str, Technology]:
    """All technologies of a folder by id.

    Raises:
        FileMistake: one of them has a mistake.
    """
    found: dict[str, Technology] = {}
    for path in sorted(folder.glob("*.toml")):
        technology = load_technology(path)
        if technology.id in found:
            raise FileMistake(path.name, 0, f"another file has the id {technology.id!r} already")
        found[technology.id] = technology
    return found


def well_formed(check: IdentityCheck, value: str) -> bool:
    """Whether `value` passes a check."""
    match check:
        case IdentityCheck.EUI48:
            return _eui(value, 12)
        case IdentityCheck.EUI64:
            return _eui(value, 16)
        case IdentityCheck.IMEI:
            return len(value) == 15 and bool(imei.is_valid(value))
        case IdentityCheck.ICCID:
            return _iccid(value)
        case IdentityCheck.EID:
            # GSMA SGP.02, 2.2.2: 32 digits, the whole of them 1 modulo 97.
            return bool(re.fullmatch(r"89\d{30}", value)) and int(value) % 97 == 1
        case IdentityCheck.LUHN:
            return bool(luhn.is_valid(value))


def plain_eui(value: str) -> str:
    """An EUI without separators, in capitals."""
    return re.sub(r"[\s:.-]", "", value).upper()


def _eui(value: str, digits: int) -> bool:
    plain = plain_eui(value)
    if not re.fullmatch(rf"[0-9A-F]{{{digits}}}", plain) or set(plain) in ({"0"}, {"F"}):
        return False
    return not int(plain[:2], 16) & 1


def _iccid(value: str) -> bool:
    """ITU-T E.118: 18 digits carry no check digit, 19 and 20 do; some cards pad the 20th place with F."""
    plain = value.upper().removesuffix("F")
    if not re.fullmatch(r"89[0-9]{16,18}", plain):
        return False
    return len(plain) == 18 or bool(luhn.is_valid(plain) or (len(plain) == 20 and luhn.is_valid(plain[:19])))
