"""The octets that other people's clients sent to our meters, sent again: each request is still served.

The challenges of the recording were 01 02 03 …, so are they here: recorded proofs and signatures fit. How the
recordings were made stands in the README of the virtual field.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.virtual.ansi import service
from drivers.virtual.dlms import session
from drivers.virtual.dlms.dispatch import ServiceDispatcher
from drivers.virtual.dlms.short_name_dispatch import ShortNameDispatcher
from tests.drivers.virtual import test_ansi
from tests.drivers.virtual.peer import make_meter

PEERS = Path(__file__).parent / "peers"
NOW = 1000.0
GET, LISTED, ACTION, SET, READ = "C40100", "C403", "C70100", "C50100", "0C"


def recorded(name: str) -> tuple[list[str], list[bytes]]:
    """The comments and what was sent, piece by piece."""
    lines = (PEERS / f"{name}.txt").read_text().splitlines()
    return (
        [line for line in lines if line.startswith("#")],
        [bytes.fromhex(line) for line in lines if not line.startswith("#")],
    )


def kind(answer: bytes) -> str:
    """Service and form of a plain answer, and its result where it has one."""
    if answer[0] == 0x0C:
        return answer[:1].hex().upper()
    return (answer[:2] + answer[3:4] * (answer[1] == 1)).hex().upper()


def heard_out(handle: Callable[[Any, bytes], bytes | None], served: list[str]) -> Callable[..., Any]:
    """`handle`, with each answer noted in `served`."""

    def noting(self: object, apdu: bytes) -> bytes | None:
        answer = handle(self, apdu)
        served.append(kind(answer or b"\x00\x00"))
        return answer

    return noting


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("pydlms-gmac", [ACTION, GET, GET, LISTED, GET, GET, SET, ACTION]),
        ("pydlms-ecdsa", [ACTION, GET, GET, LISTED, GET, GET, SET, ACTION]),
        ("pydlms-signed", [ACTION, GET, GET, LISTED, GET, GET, SET, ACTION]),
        ("pydlms-general", [ACTION, GET, GET, LISTED, GET, GET, SET, ACTION]),
        ("pydlms-one-pass", [ACTION, GET, GET, LISTED, GET, GET, SET, ACTION]),
        ("pydlms-short-names", [READ] * 5),
        ("dlms-cosem-gmac", [ACTION, GET, GET, GET, GET]),
        ("dlms-cosem-low", [GET, GET, GET, GET]),
    ],
)
def test_dlms_clients(name: str, answers: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    comments, sent = recorded(name)
    words = comments[1].split()
    served: list[str] = []
    for dispatcher in (ServiceDispatcher, ShortNameDispatcher):
        monkeypatch.setattr(dispatcher, "handle", heard_out(dispatcher.handle, served))
    monkeypatch.setattr(session, "os", SimpleNamespace(urandom=lambda size: bytes(range(1, size + 1))))
    meter = make_meter(words[2], suite=int(words[4]))
    for octets in sent:
        assert meter.receive(octets, NOW), "every transmission is answered"
    assert served == answers


def test_an_ansi_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identified, negotiated, logged on, tables read and a procedure done: each answer is *ok*."""
    answers: list[int] = []
    right = service.Services.answer

    def answer(self: service.Services, request: bytes, now: float) -> bytes:
        given = right(self, request, now)
        answers.append(given[0])
        return given

    monkeypatch.setattr(service.Services, "answer", answer)
    meter = test_ansi.Peer().meter
    for octets in recorded("termineter")[1]:
        meter.receive(octets, 0.0)
    assert answers == [0] * 15


def test_a_client_of_iec_62056_21() -> None:
    meter = make_meter()
    heard = [
        b"".join(out.octets for out in meter.receive(octets, NOW)) for octets in recorded("iec62056-21")[1]
    ]
    identified, data, again, operand, acknowledged, energy, silence = heard
    assert identified == again == b"/ZIv5\\25CTD-E2F\r\n"
    assert b"1.8.0(" in data
    assert operand[:3] == b"\x01P0"
    assert acknowledged == b"\x06"
    assert energy.startswith(b"\x02(")
    assert silence == b""
