"""Firmware images (class 18, Blue Book 4.4.6): what is to be sent, what the meter has of it. No I/O here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from drivers.dlms.cosem import Item, text_of
from drivers.dlms.data import Data, Tag, integer, octet_string, structure
from drivers.errors import Garbage, WrongValue

IMAGE_TRANSFER = Item(18, bytes([0, 0, 44, 0, 0, 255]), 2)
BLOCK_SIZE, BITMAP, FIRST_MISSING, ENABLED, STATUS, INFO = (IMAGE_TRANSFER.of(n) for n in range(2, 8))
INITIATE, TRANSFER_BLOCK, VERIFY, ACTIVATE = (IMAGE_TRANSFER.of(n) for n in range(1, 5))
GO = integer(0)
_LARGEST_IMAGE = 64 * 1024 * 1024
_LARGEST_BLOCK = 0xFFFF
_LONGEST_IDENTIFIER = 64
_DIGESTS = ("sha256", "sha384", "sha512", "sha1", "md5")


class Status(IntEnum):
    """image_transfer_status; a value that no edition knows counts as ``UNKNOWN``."""

    UNKNOWN = -1
    NOT_INITIATED = 0
    INITIATED = 1
    VERIFICATION_INITIATED = 2
    VERIFICATION_SUCCESSFUL = 3
    VERIFICATION_FAILED = 4
    ACTIVATION_INITIATED = 5
    ACTIVATION_SUCCESSFUL = 6
    ACTIVATION_FAILED = 7

    @classmethod
    def _missing_(cls, value: object) -> Status:
        return cls.UNKNOWN


@dataclass(frozen=True)
class Image:
    """An image and the identifier under which its meter takes it."""

    octets: bytes
    identifier: bytes

    @property
    def size(self) -> int:
        return len(self.octets)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.octets).hexdigest()

    def text(self) -> str:
        """What stands in the journal: exact, so that it can be told from any other image."""
        return f"image {text_of(self.identifier)}, {self.size} bytes, sha256 {self.sha256}"

    def block(self, number: int, size: int) -> Data:
        """Parameters of image_block_transfer."""
        content = self.octets[number * size : (number + 1) * size]
        return structure(Data(Tag.DOUBLE_LONG_UNSIGNED, number), octet_string(content))

    def initiation(self) -> Data:
        """Parameters of image_transfer_initiate."""
        return structure(octet_string(self.identifier), Data(Tag.DOUBLE_LONG_UNSIGNED, self.size))

    def count(self, block_size: int) -> int:
        return -(-self.size // block_size)


def image_of(octets: bytes, identifier: str) -> Image:
    """``identifier`` is text or ``0x`` and hex digits. Raises ``WrongValue``."""
    if not octets:
        raise WrongValue("The image file is empty.")
    if len(octets) > _LARGEST_IMAGE:
        raise WrongValue(f"The image has {len(octets)} bytes: no meter takes more than {_LARGEST_IMAGE}.")
    try:
        name = bytes.fromhex(identifier[2:]) if identifier.startswith("0x") else identifier.encode()
    except ValueError:
        raise WrongValue(f"image identifier {identifier!r}: 0x and an even number of hex digits") from None
    if not 0 < len(name) <= _LONGEST_IDENTIFIER:
        raise WrongValue(f"An image identifier has 1 to {_LONGEST_IDENTIFIER} bytes.")
    return Image(octets, name)


@dataclass(frozen=True)
class Held:
    """One element of image_to_activate_info."""

    size: int
    identifier: bytes
    signature: bytes

    def is_another(self, image: Image) -> bool:
        """Whether it is certainly not this image. The signature is the maker's own in many meters: where it
        has the length of a plain digest and is another one, or none of them fits, it proves nothing."""
        return (self.size, self.identifier) != (image.size, image.identifier)

    def is_surely(self, image: Image) -> bool:
        """Whether the meter's own signature is a digest of exactly these bytes."""
        return not self.is_another(image) and any(
            self.signature == hashlib.new(name, image.octets, usedforsecurity=False).digest()
            for name in _DIGESTS
        )


def held_images(data: Data | None) -> list[Held]:
    """image_to_activate_info; nothing from a meter that does not tell."""
    if data is None or not isinstance(data.value, tuple):
        return []
    found = []
    for entry in data.items:
        if not isinstance(entry.value, tuple) or len(entry.items) < 3:
            continue
        size, identifier, signature = entry.items[:3]
        if isinstance(size.value, int) and isinstance(identifier.value, bytes):
            mark = signature.value if isinstance(signature.value, bytes) else b""
            found.append(Held(int(size.value), identifier.value, mark))
    return found


@dataclass(frozen=True)
class State:
    """What the meter tells about its image transfer. ``bitmap`` ``None``: it does not tell which blocks."""

    block_size: int
    bitmap: str | None
    first_missing: int | None
    status: Status
    held: list[Held]

    def missing(self, image: Image) -> list[int]:
        """Numbers of the blocks that have to be sent, in order."""
        count = image.count(self.block_size)
        if self.bitmap is not None:
            bits = self.bitmap[:count].ljust(count, "0")
            return [number for number in range(count) if bits[number] != "1"]
        return list(range(min(self.first_missing or 0, count), count))


def state_of(
    block_size: Data, bitmap: Data | None, first: Data | None, status: Data, info: Data | None
) -> State:
    """Raises ``Garbage`` where what must be there is not what class 18 says."""
    size = block_size.number
    if not 0 < size <= _LARGEST_BLOCK:
        raise Garbage(detail=f"image_block_size {size}")
    bits = bitmap.value if bitmap is not None and isinstance(bitmap.value, str) else None
    number = int(first.value) if first is not None and isinstance(first.value, int) else None
    return State(size, bits, number, Status(status.number), held_images(info))


def same_image(state: State, image: Image, begun: bool) -> bool:
    """Whether the blocks that the meter holds belong to this image: by the meter's own digest, else by
    what it tells of the image together with our own record that this is what was last sent to it."""
    if any(held.is_surely(image) for held in state.held):
        return True
    return begun and all(not held.is_another(image) for held in state.held)
