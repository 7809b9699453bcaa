"""What travels between a tablet and the gateway: one module that both sides import.

JSON, keys as the fields are named; bytes are base64, times RFC 3339 UTC. Unknown keys are ignored, so either
side may learn a field first. Every limit of the protocol is a named constant here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from workorders.journal.entry import Realm, WireEntry
from workorders.journal.words import HeadReference

MAX_ENTRIES_PER_PUSH = 50
MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""Compressed bytes of a push body."""
MAX_PLAIN_BYTES = 16 * 1024 * 1024
"""Bytes of a body once decompressed: 50 entries at their limit fit; a bomb does not."""
MAX_BLOB_BYTES = 32 * 1024 * 1024
TUS_VERSION = "1.0.0"
"""Files travel by tus, the protocol of resumable uploads (https://tus.io/protocols/resumable-upload)."""
TUS_EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
TUS_CHECKSUMS = "sha256,sha1"
TUS_CONTENT = "application/offset+octet-stream"
PART_BYTES, LARGE_PART_BYTES = 256 * 1024, 512 * 1024
"""How much of a file goes in one request; the larger ones once a line has shown that it bears them."""
MAX_FIRMWARE_BYTES = 64 * 1024 * 1024
"""Of one firmware image; a tablet fetches it by ranges of the sizes above."""
MAX_FIRMWARE_IMAGES = 40
UPLOAD_DAYS = 14
"""How long a half-sent file waits for its rest, from its last piece on."""
PULL_PAGE_ENTRIES = 200
UNREADABLE_BODY = "unreadable_body"
"""Code of a push body that could not be read at all; its bytes were kept."""
MAX_HEADS = 500
TOMBSTONE_DAYS = 90
MAX_CLOCK_SKEW_SECONDS = 300
"""How far a signed request's time may be from the gateway's clock; the tablet corrects by `Meta.time`."""

HEADER_TABLET = "Fieldtool-Tablet"
HEADER_TIME = "Fieldtool-Time"
HEADER_SIGNATURE = "Fieldtool-Signature"

KEYS_CONTEXT = b"sync/keys"
"""Sealed-box context of order keys and meter secrets; the tablet's id is appended."""

Bytes = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]*={0,2}$", extra_json_schema={"format": "byte"})]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class VerdictKind(StrEnum):
    """What the gateway made of an entry. Nothing local is deleted on any of them."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    QUARANTINED = "quarantined"
    REJECTED = "rejected"


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The gateway's answer to one entry, in the position it was pushed.

    Attributes:
        id: the entry's id; None where the body could not be read that far.
        hash: the entry's hash; where it is not that of the body, the SHA-256 of the bytes as pushed.
        code: stable; the translation key is `error.sync.<code>`.
        reason: English sentence for logs and tools.
        server_seq: position in the gateway's sequence; absent for `quarantined` and `rejected`.
        first: for `duplicate`: the verdict that the entry got the first time.
    """

    id: str | None
    hash: str
    verdict: VerdictKind
    code: str
    reason: str = ""
    server_seq: int | None = None
    first: VerdictKind | None = None


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """Asked first, without proof of identity: what clock, realm and root answer here.

    `forms`: in which other forms than JSON entries may be pushed (`compact.py`).
    """

    protocol: int
    realm: Realm
    time: str
    root_sha256: Sha256
    gateway_id: str
    forms: list[str] = []


class PushRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Up to MAX_ENTRIES_PER_PUSH entries of one chain in `seq` order, oldest first.

    The entries are raw JSON: one that is no entry at all gets a verdict and does not spoil the others.
    """

    chain_id: str
    certificate: Bytes
    entries: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MAX_ENTRIES_PER_PUSH)]


class HeadReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway's countersignature: it holds this chain up to this head. Signed by the office key.

    `signature` (base64) is over the canonical JSON of the other fields.
    """

    chain_id: str
    seq: int
    hash: Sha256
    time: str
    signature: Bytes


class PushResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict per pushed entry, in order; `head` is what the gateway now holds of the chain."""

    verdicts: list[Verdict]
    head: HeadReceipt | None


class VerdictRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`count` entries, one behind the other, with the same answer and with places in a row.

    `named`: id and hash of a single one that is not answered as the entry that was pushed.
    """

    verdict: VerdictKind
    code: str
    count: Annotated[int, msgspec.Meta(ge=1, le=MAX_ENTRIES_PER_PUSH)] = 1
    reason: str = ""
    server_seq: int | None = None
    first: VerdictKind | None = None
    named: tuple[str | None, Sha256] | None = None


class PushRuns(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a push in its short form. `about`: SHA-256 over the hashes of its entries, in order."""

    about: Sha256
    runs: list[VerdictRun]
    head: HeadReceipt | None


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """An order that left this tablet's list. `reason`: `reassigned` or `cancelled`."""

    order_id: str
    reason: str
    server_seq: int


class PulledEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with its place in the gateway's sequence; `own_chain` entries come only as verdicts."""

    server_seq: int
    entry: WireEntry


class PullPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what changed for this tablet since a cursor; page and cursor are stored in one transaction.

    Attributes:
        certificates: DER (base64) by chain id, for every chain in `entries`.
        verdicts: for own entries that reached the gateway another way.
        more: whether to ask again at once.
        left: entries that come with the pages after this one; None where it goes on and was said before.
    """

    entries: list[PulledEntry]
    tombstones: list[Tombstone]
    verdicts: list[Verdict]
    certificates: dict[str, Bytes]
    cursor: str
    more: bool
    left: int | None = None


class OrderKeyItem(msgspec.Struct, frozen=True, kw_only=True):
    """The key that a work order's personal data is sealed under."""

    order_id: str
    key_id: str
    key: Bytes


class MeterSecretItem(msgspec.Struct, frozen=True, kw_only=True):
    """A password or key of a meter in hand. `name`: password, block_key, auth_key, …"""

    serial: str
    name: str
    value: Bytes
    expires_at: str


class KeyRing(msgspec.Struct, frozen=True, kw_only=True):
    """What is inside `KeysAnswer.sealed`: everything this tablet may hold now; the rest it forgets."""

    order_keys: list[OrderKeyItem]
    meter_secrets: list[MeterSecretItem]


class KeysAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`digest` of the key ring; `sealed` (to the tablet's X25519 key) is None if the tablet has that one."""

    digest: Sha256
    sealed: Bytes | None
    erased: list[str]


class ReferenceSet(msgspec.Struct, frozen=True, kw_only=True):
    """A versioned set of reference data. `signature` (base64, office key) covers name, version and hash."""

    name: str
    version: int
    sha256: Sha256
    size: int
    signature: Bytes


class ReferenceList(msgspec.Struct, frozen=True, kw_only=True):
    """The sets that this tablet works with."""

    sets: list[ReferenceSet]


class FinishRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the tablet holds at the end of a round: its cursor and the heads of its chains."""

    cursor: str
    heads: Annotated[list[HeadReference], msgspec.Meta(max_length=MAX_HEADS)]


class FinishAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Counts and digest of what this tablet may see, up to its cursor; answered entries only.

    Attributes:
        entries, orders: how many.
        digest: see `seen_digest`.
        heads: what the gateway holds of the chains that were asked about.
        missing_blobs: hashes that records list and the gateway lacks, of this tablet's chains.
    """

    entries: int
    orders: int
    digest: Sha256
    heads: list[HeadReference]
    missing_blobs: list[Sha256]


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`statement` is canonical JSON of EnrolStatement; the code itself never travels.

    Attributes:
        proof: HMAC-SHA-256 under the code's key, base64.
        signature: Ed25519 by the key being enrolled, base64: the tablet proves that it holds it.
    """

    statement: str
    proof: Bytes
    signature: Bytes


class EnrolStatement(msgspec.Struct, frozen=True, kw_only=True):
    """What a tablet asks for. `code_id` names the code; keys are base64 of the raw public keys."""

    code_id: str
    name: str
    realm: Realm
    signing_key: Bytes
    sealing_key: Bytes
    previous_head: HeadReference | None = None
    previous_tablet: str | None = None


class EnrolAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`statement` is canonical JSON of Enrolled; `proof`, an HMAC under the same code, shows the gateway."""

    statement: str
    proof: Bytes


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a tablet known.

    Attributes:
        certificate, root, office_certificate: DER, base64.
        recovery_key: X25519 public key, base64; the tablet seals its database key to it.
        system_title: DLMS client system title, 16 hex digits, of this tablet alone.
        people: `workorders.people.PersonRecord`s, sealed to the tablet, base64 of the JSON list.
    """

    tablet: str
    realm: Realm
    crew: str | None
    project: str | None
    certificate: Bytes
    root: Bytes
    office_certificate: Bytes
    recovery_key: Bytes
    system_title: str
    time: str
    people: Bytes


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file on its way. `offset`: bytes of it that the office holds; `expires`: until when it keeps them."""

    id: str
    offset: int
    expires: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How the office stands to a revoked tablet, signed by the office key: nobody else locks or wipes one.

    `wipe_ordered_at`: the office has decided, as a second act, that what is here is to be destroyed.
    """

    tablet: str
    revoked_at: str | None
    wipe_ordered_at: str | None
    time: str
    signature: Bytes


class Wiped(msgspec.Struct, frozen=True, kw_only=True):
    """A tablet's last word: how much it left behind, sealed to the recovery key, in a file on it."""

    entries: int
    files: int


class RecoveryDeposit(msgspec.Struct, frozen=True, kw_only=True):
    """The database key, sealed to the gateway's recovery key (`sealedbox.RECOVERY_CONTEXT`)."""

    sealed_key: Bytes


class RecoveryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Asks for the database key with a one-time recovery code; the key comes back sealed to `sealing_key`."""

    statement: str
    proof: Bytes


class RecoveryStatement(msgspec.Struct, frozen=True, kw_only=True):
    """`sealing_key`: base64 of an X25519 public key made for this one answer."""

    code_id: str
    tablet: str
    sealing_key: Bytes


class RecoveryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The database key, sealed to the asker (context `sealedbox.RECOVERY_CONTEXT`)."""

    sealed_key: Bytes


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an image as the gateway gave it: where it begins, and how large the whole is, in bytes."""

    start: int
    total: int
    data: bytes


class FileProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file cannot be used. `line` counts from 1; 0 where it is not known."""

    kind: str
    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{self.kind}/{where}: {self.reason}"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Any error answer (RFC 9457, `application/problem+json`). `code` is stable; `problems` are of files."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    time: str | None = None
    problems: list[FileProblem] = []
