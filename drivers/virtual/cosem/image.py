"""Class 18, image transfer (Blue Book 4.4.6): blocks, bitmap, verification, activation with a restart.

Blocks survive a power loss like every setting. Verification takes a moment, as in real meters: the method
answers *temporary-failure* and the status tells the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import IntEnum

from drivers.virtual.cosem.base import (
    AccessError,
    Caller,
    Cells,
    CosemObject,
    Method,
    Store,
    computed,
    obis,
)
from drivers.virtual.dlms.axdr import Data, Tag, array, bits, boolean, enum, octets, structure, u32
from drivers.virtual.dlms.services import Result
from drivers.virtual.image_file import ImageFileError, open_image

IMAGE_TRANSFER = "0.0.44.0.0.255"
FIRMWARE = "image:firmware"
LARGEST = 4_000_000
_IDENTIFIER = "image:identifier"
_SIZE = "image:size"
_BLOCK = "image:block:"
_RESTART_AFTER = 0.3
_VERIFY_TAKES = 0.2


class Status(IntEnum):
    """image_transfer_status."""

    NOT_INITIATED = 0
    INITIATED = 1
    VERIFICATION_INITIATED = 2
    VERIFICATION_SUCCESSFUL = 3
    VERIFICATION_FAILED = 4
    ACTIVATION_INITIATED = 5
    ACTIVATION_SUCCESSFUL = 6
    ACTIVATION_FAILED = 7


class ImageTransfer:
    """`now` gives unix seconds; `log` is called when another firmware runs."""

    def __init__(
        self,
        store: Store,
        product: str,
        firmware: str,
        block_size: int,
        now: Callable[[], float],
        log: Callable[[], None],
    ) -> None:
        self._store, self._cells = store, Cells(store, 18, IMAGE_TRANSFER)
        self._product, self._block_size, self._now, self._log = product, block_size, now, log
        store.keep(FIRMWARE, octets(firmware.encode()))
        store.keep(_IDENTIFIER, octets(b""))
        store.keep(_SIZE, u32(0))
        store.keep(self._cells.key(6), enum(Status.NOT_INITIATED))
        self._verified_at: float | None = None
        self._restart_at: float | None = None

    @property
    def firmware(self) -> str:
        """The version that runs."""
        return self._store.values[FIRMWARE].octets.decode()

    def restart_due(self) -> bool:
        """True once, a moment after an activation was answered."""
        if self._restart_at is None or self._now() < self._restart_at:
            return False
        self._restart_at = None
        return True

    def power_up(self) -> None:
        """After a restart: an image whose activation had begun runs now; a verification begins anew."""
        self._restart_at = self._verified_at = None
        if self._status is Status.VERIFICATION_INITIATED:
            self._put_status(Status.INITIATED)
        if self._status is not Status.ACTIVATION_INITIATED:
            return
        try:
            self._store.put(FIRMWARE, octets(open_image(self._image()).firmware.encode()))
            self._put_status(Status.ACTIVATION_SUCCESSFUL)
        except ImageFileError:
            self._put_status(Status.ACTIVATION_FAILED)
        self._log()

    def cosem(self) -> CosemObject:
        """The object of class 18, version 0."""
        here = CosemObject(18, 0, obis(IMAGE_TRANSFER))
        here.attributes |= {
            2: computed(lambda: u32(self._block_size)),
            3: computed(lambda: bits("".join("1" if self._has(n) else "0" for n in range(self._count)))),
            4: computed(lambda: u32(self._first_missing())),
            5: self._cells.attribute(5, boolean(True)),
            6: computed(lambda: enum(self._settled_status())),
            7: computed(self._info),
        }
        here.methods |= {
            1: Method(self._initiate),
            2: Method(self._take_block),
            3: Method(self._verify),
            4: Method(self._activate),
        }
        return here

    # -- what is there --

    @property
    def _status(self) -> Status:
        return Status(self._cells.get(6).number)

    def _put_status(self, status: Status) -> None:
        self._cells.put(6, enum(status))

    @property
    def _size(self) -> int:
        return self._store.values[_SIZE].number

    @property
    def _count(self) -> int:
        return -(-self._size // self._block_size)

    def _has(self, number: int) -> bool:
        return f"{_BLOCK}{number}" in self._store.values

    def _first_missing(self) -> int:
        return next((n for n in range(self._count) if not self._has(n)), self._count)

    def _image(self) -> bytes:
        known = (self._store.values.get(f"{_BLOCK}{n}") for n in range(self._count))
        return b"".join(block.octets for block in known if block is not None)

    def _settled_status(self) -> Status:
        if self._verified_at is not None and self._now() >= self._verified_at:
            self._verified_at = None
            self._put_status(
                Status.VERIFICATION_SUCCESSFUL if self._is_good() else Status.VERIFICATION_FAILED
            )
        return self._status

    def _is_good(self) -> bool:
        if self._first_missing() < self._count:
            return False
        try:
            return open_image(self._image()).product == self._product
        except ImageFileError:
            return False

    def _info(self) -> Data:
        """image_to_activate_info: the image that is there, its signature once it is whole."""
        if self._status is Status.NOT_INITIATED:
            return array([])
        whole = self._first_missing() == self._count
        signature = hashlib.sha256(self._image()).digest() if whole else b""
        return array([structure(u32(self._size), self._store.values[_IDENTIFIER], octets(signature))])

    # -- methods --

    def _initiate(self, caller: Caller, value: Data | None) -> None:
        """image_transfer_initiate: whatever was there is gone."""
        if value is None or value.tag is not Tag.STRUCTURE or len(value.items) != 2:
            raise AccessError(Result.TYPE_UNMATCHED)
        identifier, size = value.items
        if identifier.tag is not Tag.OCTET_STRING or size.tag is not Tag.DOUBLE_LONG_UNSIGNED:
            raise AccessError(Result.TYPE_UNMATCHED)
        if not self._cells.get(5).value or not 0 < size.number <= LARGEST or self._restart_at is not None:
            raise AccessError(Result.OTHER_REASON)
        for key in [key for key in self._store.values if key.startswith(_BLOCK)]:
            del self._store.values[key]
        self._verified_at = None
        self._store.put(_IDENTIFIER, identifier)
        self._store.put(_SIZE, size)
        self._put_status(Status.INITIATED)

    def _take_block(self, caller: Caller, value: Data | None) -> None:
        """image_block_transfer: every block but the last has the block size, the last one the rest."""
        if value is None or value.tag is not Tag.STRUCTURE or len(value.items) != 2:
            raise AccessError(Result.TYPE_UNMATCHED)
        number, content = value.items
        if number.tag is not Tag.DOUBLE_LONG_UNSIGNED or content.tag is not Tag.OCTET_STRING:
            raise AccessError(Result.TYPE_UNMATCHED)
        if self._status is not Status.INITIATED or not self._cells.get(5).value:
            raise AccessError(Result.OTHER_REASON)
        last = number.number == self._count - 1
        size = self._size - (self._count - 1) * self._block_size if last else self._block_size
        if not 0 <= number.number < self._count or len(content.octets) != size:
            raise AccessError(Result.OTHER_REASON)
        self._store.put(f"{_BLOCK}{number.number}", content)

    def _verify(self, caller: Caller, value: Data | None) -> None:
        """image_verify: the result follows in the status."""
        if self._settled_status() not in (
            Status.INITIATED,
            Status.VERIFICATION_SUCCESSFUL,
            Status.VERIFICATION_FAILED,
        ):
            raise AccessError(Result.OTHER_REASON)
        self._put_status(Status.VERIFICATION_INITIATED)
        self._verified_at = self._now() + _VERIFY_TAKES
        raise AccessError(Result.TEMPORARY_FAILURE)

    def _activate(self, caller: Caller, value: Data | None) -> None:
        """image_activate: only what was verified; the meter restarts soon after its answer."""
        if self._settled_status() is not Status.VERIFICATION_SUCCESSFUL:
            raise AccessError(Result.OTHER_REASON)
        self._put_status(Status.ACTIVATION_INITIATED)
        self._restart_at = self._now() + _RESTART_AFTER
