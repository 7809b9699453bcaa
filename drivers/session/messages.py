"""What the application and the session program say to each other: one JSON object a line, both ways.

Requests carry an ``id``; each is answered by exactly one ``Result`` or ``Failure`` with the same ``id``.
While a request runs, the session may ask: ``AskIntent``, ``AskOutcome``, ``AskCounter``, ``AskSecret``;
each is answered by one ``Answer*`` with the same ``ask`` number, or by ``AnswerFailed``. Bytes travel as
base64 (msgspec's rule).
"""

from __future__ import annotations

import msgspec

from drivers.changes import (
    ApplyReport,
    ChangeResult,
    ImageReport,
    Plan,
    VerifyReport,
    WriteIntent,
    WriteOutcome,
)
from drivers.connection import Connection, NextSecret
from drivers.model_view import ModelView
from drivers.reading import EventsResult, Identity, JoinEvidence, ObjectsResult, ProfileResult, ReadResult


class Message(msgspec.Struct, frozen=True, tag_field="type"):
    """Base of all messages."""


# ---- requests: application → session


class Open(Message, frozen=True, tag="open"):
    """The first message: where the meter is. Nothing is sent on the line until the first job asks for it."""

    id: int
    port: str
    connection: Connection
    programs: str | None = None
    cache: str | None = None
    trace: str | None = None


class Identify(Message, frozen=True, tag="identify"):
    id: int


class Read(Message, frozen=True, tag="read"):
    """``items`` is ``None`` for what the meter model names."""

    id: int
    items: list[str] | None = None


class Profile(Message, frozen=True, tag="profile"):
    """``start`` and ``end`` ISO 8601 with offset, ``None`` for open; ``item`` CLASS:OBIS:ATTR or ``None``
    for the load profile."""

    id: int
    item: str | None = None
    start: str | None = None
    end: str | None = None


class Events(Message, frozen=True, tag="events"):
    """As ``Profile``; without ``item`` all event logs that the model names."""

    id: int
    item: str | None = None
    start: str | None = None
    end: str | None = None


class Network(Message, frozen=True, tag="network"):
    id: int


class Objects(Message, frozen=True, tag="objects"):
    """``name`` is CLASS:OBIS of the object to read whole, ``None`` for the list of all."""

    id: int
    name: str | None = None


class MakePlan(Message, frozen=True, tag="plan"):
    """``program`` is the name of a file in the programs folder, or a path."""

    id: int
    program: str
    values: dict[str, str] = {}


class Apply(Message, frozen=True, tag="apply"):
    id: int
    plan: Plan
    allow: list[str] = []


class Verify(Message, frozen=True, tag="verify"):
    id: int
    program: str
    values: dict[str, str] = {}


class Settle(Message, frozen=True, tag="settle"):
    """Find out by reading back what became of intents that have no outcome (after a cut or a dead tablet)."""

    id: int
    intents: list[WriteIntent]


class Relay(Message, frozen=True, tag="relay"):
    """``confirmation`` must equal the serial number of the meter."""

    id: int
    operation: str
    confirmation: str


class SendImage(Message, frozen=True, tag="send_image"):
    """Send and verify a firmware image. ``last``: what this application last sent to this meter, as its
    intent says."""

    id: int
    file: str
    identifier: str
    last: str | None = None


class ActivateImage(Message, frozen=True, tag="activate_image"):
    """``confirmation`` must equal the serial number of the meter."""

    id: int
    file: str
    identifier: str
    confirmation: str


class ReadView(Message, frozen=True, tag="view"):
    """Objects and access rights of the association, for the view file of a model."""

    id: int


class Close(Message, frozen=True, tag="close"):
    """Leave the meter well (release, disconnect) and end the program."""

    id: int


class Cancel(Message, frozen=True, tag="cancel"):
    """Stop the running job as soon as the meter can be left well; it answers ``Failure`` with code
    ``cancelled``."""


# ---- answers of the application to questions of the session


class AnswerDone(Message, frozen=True, tag="answer_done"):
    ask: int


class AnswerCounter(Message, frozen=True, tag="answer_counter"):
    ask: int
    first: int


class AnswerSecret(Message, frozen=True, tag="answer_secret"):
    ask: int
    value: bytes | None


class AnswerNextSecret(Message, frozen=True, tag="answer_next_secret"):
    ask: int
    next: NextSecret


class AnswerFailed(Message, frozen=True, tag="answer_failed"):
    """The application could not do it; the session gives up the job and writes nothing more."""

    ask: int
    reason: str


# ---- session → application


class Ready(Message, frozen=True, tag="ready"):
    """Models are loaded, the session listens."""

    models: list[str]


class Progress(Message, frozen=True, tag="progress"):
    step: str
    done: int
    total: int
    seconds_left: float | None = None


class AskIntent(Message, frozen=True, tag="ask_intent"):
    ask: int
    intent: WriteIntent


class AskOutcome(Message, frozen=True, tag="ask_outcome"):
    ask: int
    outcome: WriteOutcome


class AskCounter(Message, frozen=True, tag="ask_counter"):
    ask: int
    key: str
    at_least: int
    count: int


class AskSecret(Message, frozen=True, tag="ask_secret"):
    ask: int
    name: str


class AskNextSecret(Message, frozen=True, tag="ask_next_secret"):
    """``make``: bytes of a new one, to be drawn and kept where none waits."""

    ask: int
    name: str
    make: int | None = None


class Result(Message, frozen=True, tag="result"):
    """Exactly the field of the job is set; all are ``None`` for jobs without a value (open, close)."""

    id: int
    identity: Identity | None = None
    read: ReadResult | None = None
    profile: ProfileResult | None = None
    events: EventsResult | None = None
    network: JoinEvidence | None = None
    objects: ObjectsResult | None = None
    plan: Plan | None = None
    applied: ApplyReport | None = None
    verified: VerifyReport | None = None
    settled: list[WriteOutcome] | None = None
    relay: ChangeResult | None = None
    image: ImageReport | None = None
    view: ModelView | None = None


class Failure(Message, frozen=True, tag="failure"):
    id: int
    code: str
    message: str
    hint: str
    detail: str = ""
    extra: dict[str, str] = {}


ToSession = (
    Open | Identify | Read | Profile | Events | Network | Objects | MakePlan | Apply | Verify | Settle | Relay
    | SendImage | ActivateImage | ReadView | Close | Cancel | AnswerDone | AnswerCounter | AnswerSecret
    | AnswerNextSecret | AnswerFailed
)  # fmt: skip
ToApplication = (
    Ready | Progress | AskIntent | AskOutcome | AskCounter | AskSecret | AskNextSecret | Result | Failure
)

_encoder = msgspec.json.Encoder()
_to_session: msgspec.json.Decoder[ToSession] = msgspec.json.Decoder(ToSession)
_to_application: msgspec.json.Decoder[ToApplication] = msgspec.json.Decoder(ToApplication)


def encode(message: Message) -> bytes:
    """One line, newline included."""
    return _encoder.encode(message) + b"\n"


def decode_to_session(line: bytes) -> ToSession:
    """Raises ``msgspec.ValidationError``/``DecodeError`` on anything else."""
    return _to_session.decode(line)


def decode_to_application(line: bytes) -> ToApplication:
    """Raises ``msgspec.ValidationError``/``DecodeError`` on anything else."""
    return _to_application.decode(line)
