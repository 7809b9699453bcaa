"""The short form of a push says exactly what JSON says, or is not used; its answer is about these entries."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from tests.workorders.offices import Bureau
from tests.workorders.servers import serving
from tests.workorders.test_sync_push import execute
from workorders.journal.entry import WireEntry
from workorders.store import schema
from workorders.sync import compact, wire
from workorders.sync.errors import BadAnswer, Refused
from workorders.sync.http import HttpTransport
from workorders.sync.wire import Verdict, VerdictKind

ROOT = b"a root certificate"

BODIES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            '{"prev_hash":"="}',
            '{"prev_hash":""}',
            '{"a":"\\"prev_hash\\":\\"=\\"","prev_hash":"="}',
            '{"id":"x"}',
        ]
    ),
)


def push_of(bodies: list[str], *, linked: bool, hashes: list[str] | None = None) -> wire.PushRequest:
    entries: list[msgspec.Raw] = []
    before = ""
    for number, body in enumerate(bodies):
        said = body.replace('"prev_hash":"="', f'"prev_hash":"{before}"') if linked else body
        try:
            before = hashlib.sha256(said.encode()).hexdigest()
        except UnicodeEncodeError:
            before = "0" * 64
        digest = hashes[number] if hashes else before
        entry = WireEntry(body=said, hash=digest, signature=bytes([number % 256]) * 64)
        entries.append(msgspec.Raw(msgspec.json.encode(entry)))
    return wire.PushRequest(chain_id="c", certificate=base64.b64encode(b"cert").decode(), entries=entries)


@given(st.lists(BODIES, max_size=6), st.booleans())
def test_what_has_a_short_form_comes_back_as_it_was(bodies: list[str], linked: bool) -> None:
    request = push_of(bodies, linked=linked)
    packed = compact.pack(request, ROOT)
    if packed is not None:
        back = compact.unpack(packed, ROOT)
        assert msgspec.json.encode(back) == msgspec.json.encode(request)


def test_an_entry_whose_hash_is_not_its_own_goes_as_json() -> None:
    """A damaged store: the office must see what is wrong, not something mended on the way."""
    assert compact.pack(push_of(['{"id":"x"}'], linked=False, hashes=["ab" * 32]), ROOT) is None
    assert compact.pack(push_of(["two\nlines"], linked=False), ROOT) is None


@given(st.binary(max_size=200), st.integers(0, 300))
def test_what_is_none_is_refused_in_one_way(junk: bytes, cut: int) -> None:
    whole = compact.pack(push_of(['{"id":"x"}', '{"prev_hash":"="}'], linked=True), ROOT) or b""
    for data in (junk, b"FE1" + junk, whole[:cut], whole[:cut] + junk):
        try:
            compact.unpack(data, ROOT)
        except ValueError:
            continue
        assert data[: len(whole)] == whole or len(data) >= 7


def test_a_bomb_is_cut_off() -> None:
    request = push_of(["x" * (wire.MAX_PLAIN_BYTES + 1)], linked=False)
    assert compact.pack(request, ROOT) is None


def verdict(number: int, kind: VerdictKind, seq: int | None, **more: str) -> Verdict:
    entry = push_of([f'{{"id":"{n}"}}' for n in range(5)], linked=False).entries[number]
    named = msgspec.json.decode(bytes(entry), type=WireEntry)
    return Verdict(
        id=str(number), hash=more.pop("hash", named.hash), verdict=kind, code="", server_seq=seq, **more
    )


def test_verdicts_in_runs_are_the_same_verdicts() -> None:
    request = push_of([f'{{"id":"{n}"}}' for n in range(5)], linked=False)
    verdicts = [
        verdict(0, VerdictKind.APPLIED, 7),
        verdict(1, VerdictKind.APPLIED, 8),
        verdict(2, VerdictKind.QUARANTINED, None, reason="why", hash="cd" * 32),
        verdict(3, VerdictKind.APPLIED, 9),
        verdict(4, VerdictKind.APPLIED, 11),
    ]
    answer = wire.PushResponse(verdicts=verdicts, head=None)
    runs = compact.brief(request, answer)
    assert [run.count for run in runs.runs] == [2, 1, 1, 1]
    assert compact.told(request, runs) == answer
    for wrong in (
        msgspec.structs.replace(runs, about="00" * 32),
        msgspec.structs.replace(runs, runs=runs.runs[:-1]),
    ):
        with pytest.raises(BadAnswer):
            compact.told(request, wrong)


class Line(HttpTransport):
    """Notes how pushes go."""

    pushed: ClassVar[list[tuple[str, int]]] = []

    def _exchange(
        self, method: str, target: str, body: bytes, **rest: Any
    ) -> tuple[bytes, Mapping[str, str]]:
        if target == "/v1/sync/push":
            size = len(body) if rest["content_type"] == compact.MEDIA else len(gzip.compress(body, 6))
            self.pushed.append((rest["content_type"], size))
        return super()._exchange(method, target, body, **rest)


def test_a_real_gateway_takes_both_forms_and_a_tablet_learns_which(tmp_path: Path) -> None:
    """The short form costs much less, and the office has the same entries."""
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet("A")
    tablet.sync()
    me, Line.pushed[:] = tablet.identity, []
    with serving(bureau) as url:
        for root, order_id in zip((None, me.root_der()), tablet.order_ids(), strict=False):
            line = Line(url, tablet=me.tablet, key=me.signer(), root=root)
            execute(tablet, order_id)
            report = tablet.sync(line)
            assert (report.state, report.pending, report.equal) == ("done", 0, True)
            line.close()
        (json, plain), (short, packed) = Line.pushed
        assert (json, short) == ("application/json", compact.MEDIA)
        assert packed < plain * 0.7

        line = Line(url, tablet=me.tablet, key=me.signer(), root=me.root_der())
        line.meta()
        with pytest.raises(Refused):
            line._send("POST", "/v1/sync/push", b"FE1 and nothing of sense", content_type=compact.MEDIA)
        line.close()
    with bureau.office.store.read() as connection:
        kept = connection.execute(select(func.count()).select_from(schema.quarantine)).scalar_one()
    assert kept == 1, "what cannot be read is kept, whatever form it was to be"


def test_a_gateway_that_offers_the_short_form_and_cannot_read_it_gets_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No fault of a form may keep a crew's work from the office."""
    bureau = Bureau.open(tmp_path)
    tablet = bureau.tablet("A")
    tablet.sync()
    execute(tablet, tablet.order_ids()[0])
    me = tablet.identity
    with serving(bureau) as url:
        line = HttpTransport(url, tablet=me.tablet, key=me.signer(), root=me.root_der())
        monkeypatch.setattr(compact, "pack", lambda *_: b"FE9 of a later program")
        report = tablet.sync(line)
        line.close()
    assert (report.state, report.pending, report.equal) == ("done", 0, True)


def test_what_the_gateway_answers_is_compressed_and_counted_so(tmp_path: Path) -> None:
    """A first download over a thin line: a page of orders goes as a quarter of its JSON."""
    bureau = Bureau.open(tmp_path)
    me = bureau.tablet("A").identity
    with serving(bureau) as url:
        line = HttpTransport(url, tablet=me.tablet, key=me.signer())
        line.meta()
        before = line.received
        page = msgspec.json.encode(line.pull(None))
        assert len(page) > 2000
        assert line.received - before < len(page) * 0.6
        line.close()
