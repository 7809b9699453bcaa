"""Hand-over by USB: what a tablet has not had answered, numbered, signed, encrypted to named recipients.

Form: one line of canonical JSON (the header with its signature), then frames. A frame is 4 bytes of length
and that many bytes of AES-256-GCM; its associated data are the header's hash and whether it is the last one,
its nonce the header's prefix and a counter, so that no frame can be left out, swapped or cut off unnoticed.
The content key stands in the header sealed to each recipient. Inside: items of one tag byte, 8 bytes of
length, and bytes: `C` chain and its certificate, `E` entry (wire form), `B` sealed blob. Nothing in it is
personal in clear.

On the tablet nothing is deleted; importing twice changes nothing, because the gateway knows entries by id.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import uuid_utils
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fieldtool.errors import JobError
from workorders import certificates
from workorders.certificates import CertificateError, Holder
from workorders.journal.canonical import NotCanonical, canonical_bytes, parse_canonical
from workorders.journal.entry import Realm
from workorders.sealedbox import SealedBoxError, open_sealed, seal_to

CONTEXT = b"bundle/content-key"
SUFFIX = ".ftbundle"
FRAME_BYTES = 1 << 20
MAX_HEADER_BYTES = 64 * 1024
MAX_ITEM_BYTES = 64 * 1024 * 1024
_SIGNED = b"fieldtool/bundle/1\x00"
CHAIN, ENTRY, BLOB = b"C", b"E", b"B"


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Who can open it: a name, their X25519 public key, and the content key sealed to it (base64)."""

    name: str
    key: str
    box: str


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed. `number` counts the hand-overs of this tablet; `certificate` is the signer's, base64.

    `kind`: `handover` of a tablet, or the office's `orders` for one (`orderbundle.py`).
    """

    v: int
    id: str
    number: int
    tablet: str
    realm: Realm
    project: str | None
    created_at: str
    entries: int
    blobs: int
    certificate: str
    recipients: list[Recipient]
    nonce: str
    kind: str = "handover"


class ChainItem(msgspec.Struct, frozen=True, kw_only=True):
    """A chain whose entries follow, with the certificate of its author (base64)."""

    chain_id: str
    certificate: str


def damaged(why: str) -> JobError:
    """The file is none of ours or not whole."""
    return JobError("bundle_damaged", f"not a whole hand-over file: {why}")


# --- writing ------------------------------------------------------------------------------------


class BundleWriter:
    """Writes a bundle into an open file; `close` ends it."""

    def __init__(
        self,
        file: BinaryIO,
        header: Callable[[list[Recipient], str], Header],
        recipients: dict[str, X25519PublicKey],
        signer: Ed25519PrivateKey,
    ) -> None:
        """`header` is given the sealed recipients and the nonce prefix, and makes the header."""
        self._file = file
        key, prefix = AESGCM.generate_key(256), os.urandom(8)
        sealed = [
            Recipient(name=name, key=_b64(public.public_bytes_raw()), box=_b64(seal_to(public, key, CONTEXT)))
            for name, public in recipients.items()
        ]
        body = canonical_bytes(msgspec.to_builtins(header(sealed, _b64(prefix))))
        signature = signer.sign(_SIGNED + hashlib.sha256(body).digest())
        line = {"header": body.decode(), "signature": _b64(signature)}
        file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._cipher, self._prefix, self._bound = AESGCM(key), prefix, hashlib.sha256(body).digest()
        self._count = 0
        self._waiting = bytearray()

    def add(self, tag: bytes, data: bytes) -> None:
        """Add one item."""
        self._waiting += tag + struct.pack(">Q", len(data)) + data
        while len(self._waiting) > FRAME_BYTES:
            self._frame(bytes(self._waiting[:FRAME_BYTES]), last=False)
            del self._waiting[:FRAME_BYTES]

    def close(self) -> None:
        """Write the last frame."""
        self._frame(bytes(self._waiting), last=True)

    def _frame(self, plain: bytes, *, last: bool) -> None:
        nonce = self._prefix + struct.pack(">I", self._count)
        box = self._cipher.encrypt(nonce, plain, self._bound + bytes([last]))
        self._file.write(struct.pack(">I", len(box)) + box)
        self._count += 1


# --- reading ------------------------------------------------------------------------------------


class BundleReader:
    """Reads a bundle: its header is proven at once, its items as they come."""

    def __init__(self, file: BinaryIO, root: bytes, realm: Realm, holder: Holder = Holder.TABLET) -> None:
        """Raises JobError `bundle_damaged`, `bundle_unknown_sender`, `realm_mixed`."""
        self._file = file
        body, signature = _head(file)
        try:
            self.header = msgspec.convert(parse_canonical(body), Header)
        except (NotCanonical, msgspec.ValidationError) as error:
            raise damaged(str(error)) from None
        self._body = body
        if self.header.realm is not realm:
            raise JobError(
                "realm_mixed",
                f"a hand-over of {self.header.realm} has no place in {realm}",
                opened=realm.value,
                found=self.header.realm.value,
            )
        try:
            certificate = base64.b64decode(self.header.certificate, validate=True)
            subject, key = certificates.verify_chain(certificate, root, realm=realm, holder=holder)
            key.verify(signature, _SIGNED + hashlib.sha256(body).digest())
        except (CertificateError, InvalidSignature, ValueError):
            raise JobError("bundle_unknown_sender", "whoever signed this is not known here") from None
        self.tablet, self.crew = subject.id, subject.crew

    def items(self, opener: X25519PrivateKey) -> Iterator[tuple[bytes, bytes]]:
        """(tag, data) of each item, in order.

        Raises:
            JobError: `bundle_not_for_us`, `bundle_damaged` (also when the end is missing).
        """
        cipher = AESGCM(self._content_key(opener))
        buffer = bytearray()
        for plain in self._frames(cipher):
            buffer += plain
            while len(buffer) >= 9:
                size = struct.unpack(">Q", buffer[1:9])[0]
                if size > MAX_ITEM_BYTES:
                    raise damaged("an item is too long")
                if len(buffer) < 9 + size:
                    break
                yield bytes(buffer[:1]), bytes(buffer[9 : 9 + size])
                del buffer[: 9 + size]
        if buffer:
            raise damaged("an item is cut short")

    def _content_key(self, opener: X25519PrivateKey) -> bytes:
        ours = _b64(opener.public_key().public_bytes_raw())
        for recipient in self.header.recipients:
            if recipient.key == ours:
                try:
                    return open_sealed(opener, base64.b64decode(recipient.box), CONTEXT)
                except (SealedBoxError, ValueError):
                    break
        names = ", ".join(recipient.name for recipient in self.header.recipients)
        raise JobError("bundle_not_for_us", f"this hand-over is for {names or 'nobody'}", recipients=names)

    def _frames(self, cipher: AESGCM) -> Iterator[bytes]:
        # The header's signature was proven before: what it says is what the sender wrote.
        prefix, bound = base64.b64decode(self.header.nonce), hashlib.sha256(self._body).digest()
        count, last = 0, False
        while not last:
            head = self._file.read(4)
            if len(head) < 4:
                raise damaged("its end is missing")
            size = struct.unpack(">I", head)[0]
            if size > FRAME_BYTES + 16:
                raise damaged("a frame is too long")
            box = self._file.read(size)
            nonce = prefix + struct.pack(">I", count)
            for flag in (False, True):
                try:
                    plain = cipher.decrypt(nonce, box, bound + bytes([flag]))
                except InvalidTag:
                    continue
                last = flag
                break
            else:
                raise damaged("a frame was changed")
            count += 1
            yield plain
        if self._file.read(1):
            raise damaged("something follows its end")


def kind_of(path: Path) -> str:
    """What a file says it is (`Header.kind`), before it has proven anything.

    Raises:
        JobError: `bundle_damaged`.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        body, _ = _head(file)
    try:
        return msgspec.convert(parse_canonical(body), Header).kind
    except (NotCanonical, msgspec.ValidationError) as error:
        raise damaged(str(error)) from None


def public_key(raw: bytes) -> X25519PublicKey:
    """A recipient's key from its 32 bytes."""
    return X25519PublicKey.from_public_bytes(raw)


def b64(data: bytes) -> str:
    """As the header holds bytes."""
    return _b64(data)


def _head(file: BinaryIO) -> tuple[bytes, bytes]:
    line = file.readline(MAX_HEADER_BYTES)
    try:
        outer = msgspec.json.decode(line, type=dict[str, str])
        return outer["header"].encode(), base64.b64decode(outer["signature"], validate=True)
    except (msgspec.DecodeError, KeyError, ValueError):
        raise damaged("it does not begin as one") from None


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def new_id() -> str:
    """An id for a bundle."""
    return str(uuid_utils.uuid7())


def bundle_name(tablet: str, number: int) -> str:
    """Name of the file."""
    return f"fieldtool-{tablet[:8]}-{number:04d}{SUFFIX}"


def partial(path: Path) -> Path:
    """Where a bundle is written until it is whole."""
    return path.with_suffix(path.suffix + ".part")
