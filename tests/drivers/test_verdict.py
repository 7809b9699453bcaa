"""A key or password whose verdict the line swallowed: heard after all, shown by the meter's counter, or left
to a person; never simply sent again."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec
import pytest

from drivers.connection import NextSecret, SecretState
from drivers.dlms.acse import Mechanism
from drivers.dlms.ciphering import Ciphering
from drivers.dlms.client import Credentials, DlmsClient
from drivers.dlms.hdlc import Control, Frame, encode_frame, ready_control
from drivers.dlms.link import HdlcLink, LinkOptions
from drivers.dlms.offers import Offers
from drivers.errors import DriverError, LinkLost, PortVanished
from drivers.models import load_models
from drivers.session.reach import Questions, Reach
from drivers.virtual.faults import WriteFaults
from tests.campaign.line import Fault, Field, Kind
from tests.campaign.meters import KINDS, WatchedMeter, standing_clock
from tests.campaign.tablet import Durable
from tests.campaign.tablet import Host as Tablet
from tests.campaign.visits import Campaign, Spec, Visit
from tests.drivers.dlms_pair import Counter, keys_of, link, make_meter
from tests.drivers.field import MANAGEMENT, MODELS

_PRIME = next(kind for kind in KINDS if kind.name == "prime")
_NOTHING = NextSecret(SecretState.NONE)
_ASSOCIATION = slice(17, 27)
"""Boundaries of frames around the association under keys."""


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    with standing_clock():
        yield Campaign(load_models(MODELS))


def _cut(campaign: Campaign, kind: Kind, seconds: float, *, wrong: bool) -> list[Visit]:
    """A visit for each place in the association where the line may be cut: between frames and in them."""
    boundaries = [at for at in campaign.clean(_PRIME)[0].boundaries if at][_ASSOCIATION]
    places = [at + within for at in boundaries for within in (0, 60)]
    return [
        campaign.visit(Spec(_PRIME, 1, faults=(Fault(at, kind, seconds),), wrong_secret=wrong))
        for at in places
    ]


@pytest.mark.parametrize(("kind", "seconds"), [(Kind.SLIP, 9.0), (Kind.VANISH, 1.0), (Kind.POWER, 3.0)])
def test_a_wrong_key_reaches_the_meter_once(campaign: Campaign, kind: Kind, seconds: float) -> None:
    made = _cut(campaign, kind, seconds, wrong=True)
    assert [visit.problems for visit in made] == [[]] * len(made)


@pytest.mark.parametrize("kind", [Kind.SLIP, Kind.VANISH])
def test_a_cut_costs_an_honest_crew_nothing(campaign: Campaign, kind: Kind) -> None:
    """The meter kept the link and its answer: it is polled before anything is sent anew."""
    made = _cut(campaign, kind, 1.0, wrong=False)
    assert [visit.errors for visit in made if visit.errors not in ([], ["no-probe"])] == []


def test_a_meter_that_lost_power_is_asked_for_its_counter(campaign: Campaign) -> None:
    """Its answer is gone. Where the counter did not move, the request was lost or the key is wrong: a person
    is asked once, and the visit goes on."""
    made = _cut(campaign, Kind.POWER, 3.0, wrong=False)
    asked = [visit for visit in made if "verdict-unheard" in visit.errors]
    assert all(visit.completed and visit.errors == ["verdict-unheard"] for visit in asked)
    models = load_models(MODELS)
    doubtful = {
        name: msgspec.structs.replace(
            model, quirks=msgspec.structs.replace(model.quirks, counter_of_forged=True)
        )
        for name, model in models.items()
    }
    never_sure = _cut(Campaign(doubtful), Kind.POWER, 3.0, wrong=False)
    assert 0 < len(asked) < sum("verdict-unheard" in visit.errors for visit in never_sure)


def _offers_of_both(fault: Fault | None) -> tuple[int, list[int], list[str]]:
    """The meter has the new key, the tablet both, and the old one is tried first: how often a wrong one
    reached the meter, the frames behind that, and the errors that a person saw."""
    meter = WatchedMeter(_PRIME, reaction=0.02, echo=False, faults=WriteFaults(), offset=0)
    line = Field(meter.line, (fault,) if fault else ())
    host, secrets = Durable(meter.secrets), meter.secrets
    wrong: list[int] = []

    def fail(now: float) -> None:
        wrong.append(line.characters)

    meter.device.security.fail = fail  # type: ignore[union-attr,method-assign]  # a notebook, nothing else
    questions = Questions(
        lambda name: bytes(16) if name == "block_key" else secrets.get(name),
        Tablet(host, line).reserve,
        lambda *step: None,
        lambda name, make: NextSecret(SecretState.SENT, secrets[name]) if name == "block_key" else _NOTHING,
    )
    reach = Reach("x", MANAGEMENT, questions, {}, cancelled=threading.Event(), surroundings=line.surroundings)
    errors = []
    for _ in range(3):
        try:
            reach.run(lambda client: None)
            break
        except DriverError as error:
            errors.append(error.code)
    return len(wrong), [at for at in line.boundaries if wrong and at > wrong[0]], errors


def test_a_refused_key_is_not_offered_again_because_the_verdict_on_the_other_was_lost() -> None:
    clean, boundaries, errors = _offers_of_both(None)
    assert (clean, errors) == (1, [])
    for at in boundaries[1:]:
        for kind in (Kind.SLIP, Kind.POWER):
            wrong, _, errors = _offers_of_both(Fault(at, kind, 9.0))
            assert wrong == 1, (at, kind, errors)
            assert len(errors) < 3


def test_a_signature_that_this_meter_took_before_needs_no_person() -> None:
    """Its keys prove which meter it is before our signature leaves; a first one needs somebody."""
    first, again, stranger = Offers(), Offers(), Offers(known=b"12345678")
    meter = make_meter("idis-3ph-ct", suite=1)
    again.known = meter.device.system_title
    counter = Counter()
    for offers, alone in ((first, False), (again, True), (stranger, False)):
        ciphering = Ciphering(keys_of(meter, 1), counter)
        credentials = Credentials(Mechanism.ECDSA, b"", ciphering, 37, ciphering.keys)
        client = DlmsClient(link(meter, 37), credentials, offers=offers)
        client.associate()
        assert offers.secret is not alone


# ---- what the link knows


class _Meter:
    """A wire whose other end answers each written frame as told; ``None`` is silence."""

    def __init__(self, *answers: Frame | DriverError | None) -> None:
        self._answers = list(answers)
        self._waiting = b""
        self._time = 0.0
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += 1
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, DriverError):
            raise answer
        self._waiting += encode_frame(answer) if answer else b""

    def read(self, deadline: float) -> bytes:
        data, self._waiting = self._waiting, b""
        if not data:
            self._time = max(self._time, deadline)
        return data

    def now(self) -> float:
        return self._time


def _from_meter(control: int, information: bytes = b"") -> Frame:
    return Frame(b"\x21", b"\x03", control, information)


_UA = _from_meter(Control.UA)
_NOT_TAKEN, _TAKEN = _from_meter(ready_control(0)), _from_meter(ready_control(1))
_ANSWER = _from_meter(0x30, b"\xe6\xe7\x00\x61")


@pytest.mark.parametrize(
    ("answers", "undelivered"),
    [
        ([PortVanished()], True),
        ([_NOT_TAKEN] * 20, True),
        ([], False),
        ([None, _NOT_TAKEN] * 20, True),
        ([None, None, *[_NOT_TAKEN] * 20], False),
        ([_TAKEN], False),
    ],
    ids=[
        "never left whole",
        "not taken each time",
        "silence",
        "damaged each time",
        "an answer too late to tell",
        "taken",
    ],
)
def test_a_link_says_undelivered_only_where_it_is_certain(
    answers: list[Frame | DriverError | None], undelivered: bool
) -> None:
    opened = HdlcLink(_Meter(_UA, *answers), LinkOptions(client=16, server="1"))
    opened.connect()
    with pytest.raises((LinkLost, PortVanished)):
        opened.exchange(b"\x60")
    assert opened.undelivered is undelivered


def test_a_mended_link_gets_the_answer_that_the_meter_kept() -> None:
    """Nothing but a poll is written: the request reached the meter."""
    meter = _Meter(_UA, _TAKEN, PortVanished(), _ANSWER)
    opened = HdlcLink(meter, LinkOptions(client=16, server="1"))
    opened.mend = lambda error: isinstance(error, PortVanished)
    opened.connect()
    assert opened.exchange(b"\x60") == b"\x61"
    assert meter.written == 4
