"""Entries on a thin line: the short form of a push and of its answer, beside the JSON of `wire.py`.

What the other side can compute does not travel: an entry's hash, and `prev_hash` where it is that of the
entry before it. Signatures go as bytes. The text is deflated with a dictionary that both sides have: the root
certificate, which the tablet's resembles, and an entry's envelope. The answer names entries by their place,
in runs of equal verdicts, and proves by one hash over all that it speaks of what was pushed.

    b"FE1" · length of the deflated text (4 bytes, big-endian) · deflated text · signatures (64 bytes each)
    text: length of the certificate (2 bytes) · certificate (DER) · chain id, bodies: lines of UTF-8

A push that has no short form that gives back the very same entries is sent as JSON.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import zlib
from collections.abc import Sequence

import msgspec

from workorders.journal.entry import WireEntry
from workorders.sync import wire
from workorders.sync.errors import BadAnswer

FORM = "entries.1"
"""As `Meta.forms` names it. Bytes of this form mean the same for ever; another form has another name."""
MEDIA = f"application/vnd.fieldtool.{FORM}"
_MAGIC = b"FE1"
_SIGNATURE_BYTES = 64
_HERE = '"prev_hash":"{}"'
_SAME = _HERE.format("=")
_ENVELOPE = (
    b'{"actor":"","chain_id":"","id":"","kind":"step.done","order_id":"","order_version":1,"payload":{"answers":{'
    b'"checked":true},"seconds":20,"step":""},"prev_hash":"=","project":"","realm":"live","schema":1,"seq":,'
    b'"time":{"boot_id":"","device":"2026-","gps":null,"monotonic_ms":,"server_offset_ms":0},"v":1}'
)


class _Named(msgspec.Struct):
    id: str | None = None


def pack(request: wire.PushRequest, root: bytes) -> bytes | None:
    """The short form of a push; None where only JSON says exactly the same.

    Args:
        root: the gateway's root certificate, DER.
    """
    try:
        entries = [msgspec.json.decode(bytes(raw), type=WireEntry) for raw in request.entries]
        certificate = base64.b64decode(request.certificate, validate=True)
        lines, before = [request.chain_id], ""
        for entry in entries:
            lines.append(entry.body.replace(_HERE.format(before), _SAME, 1) if before else entry.body)
            before = entry.hash
        text = struct.pack(">H", len(certificate)) + certificate + "\n".join(lines).encode()
    except (msgspec.MsgspecError, binascii.Error, struct.error, UnicodeError):
        return None
    machine = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zdict=root + _ENVELOPE)
    deflated = machine.compress(text) + machine.flush()
    signatures = b"".join(entry.signature for entry in entries)
    packed = _MAGIC + struct.pack(">I", len(deflated)) + deflated + signatures
    try:
        back = unpack(packed, root)
    except ValueError:
        return None
    return packed if [bytes(raw) for raw in back.entries] == [bytes(raw) for raw in request.entries] else None


def unpack(data: bytes, root: bytes) -> wire.PushRequest:
    """The push that a short form says.

    Raises:
        ValueError: not this form, cut short, or too large.
    """
    if len(data) < 7 or data[:3] != _MAGIC:
        raise ValueError("not entries in their short form")
    end = 7 + struct.unpack(">I", data[3:7])[0]
    machine = zlib.decompressobj(-15, zdict=root + _ENVELOPE)
    try:
        text = machine.decompress(data[7:end], wire.MAX_PLAIN_BYTES + 1)
    except zlib.error:
        raise ValueError("the text of the entries is not deflated") from None
    if not machine.eof or machine.unused_data or len(text) < 2:
        raise ValueError("the text of the entries is cut short, or too long")
    from_here = 2 + struct.unpack(">H", text[:2])[0]
    chain_id, *bodies = text[from_here:].decode().split("\n")
    if len(bodies) > wire.MAX_ENTRIES_PER_PUSH or len(data) - end != len(bodies) * _SIGNATURE_BYTES:
        raise ValueError("not as many signatures as entries")
    entries, before = [], ""
    for number, body in enumerate(bodies):
        whole = body.replace(_SAME, _HERE.format(before), 1) if before else body
        before = hashlib.sha256(whole.encode()).hexdigest()
        at = end + number * _SIGNATURE_BYTES
        entry = WireEntry(body=whole, hash=before, signature=data[at : at + _SIGNATURE_BYTES])
        entries.append(msgspec.Raw(msgspec.json.encode(entry)))
    certificate = base64.b64encode(text[2:from_here]).decode()
    return wire.PushRequest(chain_id=chain_id, certificate=certificate, entries=entries)


def brief(request: wire.PushRequest, answer: wire.PushResponse) -> wire.PushRuns:
    """An answer in runs: of each run only its first verdict is said."""
    runs: list[wire.VerdictRun] = []
    named = [_names(raw) for raw in request.entries]
    for (name, digest), verdict in zip(named, answer.verdicts, strict=True):
        own = (verdict.id, verdict.hash) == (name, digest)
        run = wire.VerdictRun(
            verdict=verdict.verdict,
            code=verdict.code,
            reason=verdict.reason,
            server_seq=verdict.server_seq,
            first=verdict.first,
            named=None if own else (verdict.id, verdict.hash),
        )
        if runs and _goes_on(runs[-1], run):
            runs[-1] = msgspec.structs.replace(runs[-1], count=runs[-1].count + 1)
        else:
            runs.append(run)
    return wire.PushRuns(about=_about([digest for _, digest in named]), runs=runs, head=answer.head)


def told(request: wire.PushRequest, answer: wire.PushRuns) -> wire.PushResponse:
    """The verdicts that runs say.

    Raises:
        BadAnswer: they are not about the entries of this push.
    """
    named = [_names(raw) for raw in request.entries]
    if answer.about != _about([digest for _, digest in named]) or sum(r.count for r in answer.runs) != len(
        named
    ):
        raise BadAnswer("the verdicts are not about the entries that were pushed")
    verdicts: list[wire.Verdict] = []
    for run in answer.runs:
        for step in range(run.count):
            name, digest = run.named or named[len(verdicts)]
            seq = None if run.server_seq is None else run.server_seq + step
            verdicts.append(
                wire.Verdict(
                    id=name,
                    hash=digest,
                    verdict=run.verdict,
                    code=run.code,
                    reason=run.reason,
                    server_seq=seq,
                    first=run.first,
                )
            )
    return wire.PushResponse(verdicts=verdicts, head=answer.head)


def _goes_on(run: wire.VerdictRun, following: wire.VerdictRun) -> bool:
    if run.named is not None or following.named is not None:
        return False
    seq = None if run.server_seq is None else run.server_seq + run.count
    said = (run.verdict, run.code, run.reason, run.first, seq)
    return said == (
        following.verdict,
        following.code,
        following.reason,
        following.first,
        following.server_seq,
    )


def _names(raw: msgspec.Raw) -> tuple[str | None, str]:
    """Id and hash of a pushed entry, as it says them."""
    entry = msgspec.json.decode(bytes(raw), type=WireEntry)
    try:
        return msgspec.json.decode(entry.body, type=_Named).id, entry.hash
    except msgspec.MsgspecError:
        return None, entry.hash


def _about(hashes: Sequence[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
