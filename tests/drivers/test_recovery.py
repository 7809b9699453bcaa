"""Going on after a bad line: what was got is kept, what was never sent may be sent, and what no check guards
is not believed against what one does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drivers.dlms.apdu import Result
from drivers.dlms.attributes import AttributeReader, ListLimit
from drivers.dlms.cosem import Item, parse_item
from drivers.errors import LinkLost
from drivers.models import load_models
from drivers.virtual.faults import WriteFaults
from tests.campaign.line import Fault, Field, Kind
from tests.campaign.meters import KINDS, WatchedMeter, standing_clock
from tests.campaign.tablet import Durable, Host, Session
from tests.campaign.visits import Campaign, Spec
from tests.drivers.dlms_pair import associated, make_meter
from tests.drivers.field import MODELS

_ITEMS = [parse_item(f"3:1.0.{quantity}.8.0.255:2") for quantity in (1, 2, 3, 4)]
_HASH = next(kind for kind in KINDS if kind.name == "hash")
_THREE_PHASE = next(kind for kind in KINDS if kind.name == "three-phase")


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    with standing_clock():
        yield Campaign(load_models(MODELS))


def test_what_was_read_before_a_cut_is_not_asked_again() -> None:
    from drivers.dlms.acse import Mechanism
    from drivers.dlms.client import Credentials

    client = associated(make_meter("prime-1ph"), Credentials(Mechanism.NONE))
    asked: list[Item] = []
    get = client.get

    def cut_at_third(item: Item) -> Result:
        asked.append(item)
        if len(asked) == 3:
            raise LinkLost
        return get(item)

    client.get = cut_at_third  # type: ignore[method-assign,assignment]  # the line, not the client
    results: dict[Item, Result] = {}
    reader = AttributeReader(client, ListLimit(1))
    with pytest.raises(LinkLost):
        reader.read(_ITEMS, into=results)
    reader.read(_ITEMS, into=results)
    assert asked == [*_ITEMS[:3], *_ITEMS[2:]]
    assert list(results) == _ITEMS


def test_an_association_cut_before_the_proof_left_is_made_again(campaign: Campaign) -> None:
    """The AARQ of high level security carries no password: losing it costs a crew nothing."""
    boundaries = campaign.clean(_HASH)[0].boundaries
    made = [campaign.visit(Spec(_HASH, 1, faults=(Fault(at, Kind.SLIP, 1.0),))) for at in boundaries]
    assert [visit.problems for visit in made] == [[]] * len(made)
    assert sum(visit.alone for visit in made) == len(made)


def test_an_echoing_head_that_was_lifted_is_waited_for_like_any_other(campaign: Campaign) -> None:
    for at in (3000, 7000):
        fault = Fault(at, Kind.SLIP, 12.0)
        assert campaign.visit(Spec(_THREE_PHASE, 1, faults=(fault,), echo=True)).alone


def test_a_meter_that_kept_its_link_is_found_at_once_when_the_port_comes_back(campaign: Campaign) -> None:
    """The sign-on at 300 baud is not heard there; it cost four seconds."""
    clean = campaign.clean(_THREE_PHASE)[0]
    visit = campaign.visit(Spec(_THREE_PHASE, 1, faults=(Fault(7000, Kind.VANISH, 0.5),)))
    assert visit.alone
    assert visit.seconds < clean.clock.now() - 1000 + 5


def test_wrong_bits_in_the_identification_line_hide_no_model(campaign: Campaign) -> None:
    """Two in one character: parity does not see them."""
    meter = WatchedMeter(_THREE_PHASE, reaction=0.02, echo=False, faults=WriteFaults(), offset=0)
    line, durable = Field(meter.line), Durable(meter.secrets)
    passes = line._passes

    def noisy(number: int) -> bool:
        line._noise = lambda octet: octet ^ (0x18 if octet & 0x7F == ord("E") else 0)  # type: ignore[assignment]
        if line.characters > 40:
            line._noise = lambda octet: octet  # type: ignore[assignment]
        return passes(number)

    line._passes = noisy  # type: ignore[method-assign]
    session = Session(line, _THREE_PHASE.connection, Host(durable, line), load_models(MODELS))
    who = session.identify()
    session.close()
    assert "E570" not in who.extra["identification"]
    assert who.model == "idis-3ph-ct"
