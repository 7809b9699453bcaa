"""A small part of the campaign in every run of the tests; and the campaign itself must be able to find
something."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from drivers.ansi.client import PsemClient
from drivers.ansi.psem import Protocol
from drivers.changes import WriteOutcome
from drivers.dlms.offers import Offers
from drivers.errors import Garbage
from drivers.models import load_models
from drivers.session import ansi_reach, iec_reach
from tests.campaign import kill, meters, network
from tests.campaign.line import Fault, Field, Kind, TabletDied
from tests.campaign.meters import KINDS, standing_clock
from tests.campaign.tablet import Durable, Host, Taken, do, settle
from tests.campaign.visits import Campaign, Spec, mixtures
from tests.drivers.field import MODELS

_PRIME = KINDS[0]


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    with standing_clock():
        yield Campaign(load_models(MODELS))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_visit_on_a_good_line_needs_nobody(campaign: Campaign, kind: meters.Kind) -> None:
    visit = campaign.visit(Spec(kind, 1, faults=(Fault(1 << 30, Kind.SLIP),)))
    assert visit.alone
    assert (visit.problems, visit.missing) == ([], 0)


def test_whatever_happens_nothing_wrong_is_believed(campaign: Campaign) -> None:
    made = [campaign.visit(spec) for spec in islice(mixtures(campaign, 77), 12)]
    assert [visit.problems for visit in made] == [[]] * len(made)


@pytest.mark.parametrize("kind", [Kind.SLIP, Kind.VANISH, Kind.POWER, Kind.KILL])
def test_one_cut_is_got_over_without_help(campaign: Campaign, kind: Kind) -> None:
    for at in (3000, 9000):
        visit = campaign.visit(Spec(_PRIME, 1, faults=(Fault(at, kind, 2.0),)))
        assert visit.alone, visit.errors
        assert visit.problems == []


def test_a_wrong_password_is_told_once_and_not_tried_again(campaign: Campaign) -> None:
    password = next(kind for kind in KINDS if kind.name == "password")
    visit = campaign.visit(Spec(password, 1, wrong_secret=True))
    assert visit.errors == ["wrong-password"]
    assert visit.problems == []


def test_a_password_whose_verdict_was_lost_is_not_sent_by_the_read_back_of_a_write(
    campaign: Campaign,
) -> None:
    """The port vanished while the clock of an ANSI meter was set; what came after sent the password twice."""
    ansi = next(kind for kind in KINDS if kind.name == "ansi")
    assert campaign.visit(Spec(ansi, 1, faults=(Fault(3517, Kind.VANISH, 6.0),))).problems == []


def test_a_program_cut_anywhere_ends_as_it_was_reported(campaign: Campaign) -> None:
    ten = next(kind for kind in KINDS if kind.name == "ten-items")
    line, _, taken = campaign.clean(ten)
    frames = [at for at in line.boundaries if taken.program_began < at <= taken.program_ended]
    for number, at in enumerate(frames[::3]):
        fault = Fault(at, (Kind.POWER, Kind.KILL)[number % 2], 3.0)
        visit = campaign.visit(Spec(ten, 1, faults=(fault,), in_program=True))
        assert (visit.problems, visit.completed) == ([], True)


@pytest.mark.parametrize("echo", [False, True])
def test_a_meter_left_in_programming_mode_is_called_back(campaign: Campaign, echo: bool) -> None:
    """The tablet died there; a new one signs on at 300 baud, which the meter does not hear for a minute. A
    head that echoes gives the echo alone, and it was not called back."""
    old = next(kind for kind in KINDS if kind.name == "iec-c")
    _, _, taken = campaign.clean(old)
    middle = (taken.program_began + taken.program_ended) // 2
    visit = campaign.visit(Spec(old, 1, faults=(Fault(middle, Kind.KILL),), echo=echo))
    assert (visit.problems, visit.errors, visit.completed) == ([], [], True)


def test_a_meter_that_hears_no_break_is_waited_for_where_a_write_is_open(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing reaches it at its rate; it gives up programming mode by itself, after 120 s at most."""
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr(iec_reach, "call_back", lambda *line: None)
    monkeypatch.setattr(Host, "progress", lambda host, *step: told.append(step))
    old = next(kind for kind in KINDS if kind.name == "iec-c")
    meter = campaign.meter(old)
    line, durable = Field(meter.line), Durable(meter.secrets)
    with pytest.raises(TabletDied):
        do(campaign.work(old, meter), line, Host(durable, line, dies_at=1), Taken())
    line.revive()
    began = line.clock.now()
    settle(campaign.work(old, meter), line, Host(durable, line))
    assert not durable.open_intents
    assert line.clock.now() - began > 100
    assert ("wait_out", 30, 120) in told


def test_an_ansi_meter_in_a_session_that_nobody_can_end_is_waited_for(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends by itself after the channel traffic time-out (C12.18, 5); the meter that was not understood was
    an error before."""
    told: list[str] = []
    identify, spoiled = ansi_reach._identify, iter([True])

    def once_not_understood(client: PsemClient) -> Protocol:
        if next(spoiled, False):
            raise Garbage
        return identify(client)

    monkeypatch.setattr(ansi_reach, "_identify", once_not_understood)
    monkeypatch.setattr(Host, "progress", lambda host, step, *done: told.append(step))
    ansi = next(kind for kind in KINDS if kind.name == "ansi")
    campaign.clean(ansi)
    assert told.count("wait_out") == 8


def test_an_old_meter_is_read_register_by_register_where_no_readout_comes_through(campaign: Campaign) -> None:
    """Seven of a readout's thousand characters are wrong; what is taken in the end is right all the same."""
    old = next(kind for kind in KINDS if kind.name == "iec-c")
    made = [campaign.visit(Spec(old, seed, error_rate=1e-3)) for seed in range(2)]
    assert [(visit.problems, visit.completed) for visit in made] == [([], True)] * 2


_LOST = Fault(1696, Kind.VANISH, 8.0)
_SLIPS = (Fault(71, Kind.SLIP, 0.1), Fault(1979, Kind.VANISH, 0.1), Fault(2390, Kind.SLIP, 0.1))
_SLIPPED = {"faults": _SLIPS, "echo": True, "reaction": 0.2, "dies_at": 2, "keeps": False}


@pytest.mark.parametrize(
    ("kind", "number", "rate", "given"),
    [
        (
            "iec-b",
            70878402886423,
            0.0004282667192610007,
            {"faults": (_LOST,), "reaction": 0.05, "power_loss": 10},
        ),
        ("iec-b", 216713759518869, 3.131020135458873e-05, _SLIPPED),
        ("iec-d", 202462774291570, 0.0009957826276424822, {"echo": True}),
    ],
)
def test_two_bits_in_the_same_column_are_seen_by_their_parity(
    campaign: Campaign, kind: str, number: int, rate: float, given: dict[str, Any]
) -> None:
    """Visits that took 7.023E+4, an address 0.1,0 or another serial for true: the block check was right."""
    old = next(one for one in KINDS if one.name == kind)
    spec = Spec(old, number, error_rate=rate, clock_offset=-300, boot=8.0, **given)
    assert campaign.visit(spec).problems == []


@pytest.mark.parametrize("kind", ["iec-b", "iec-c", "iec-d", "readout"])
def test_an_adapter_that_strips_the_parity_works_as_well(campaign: Campaign, kind: str) -> None:
    visit = campaign.visit(Spec(next(one for one in KINDS if one.name == kind), 1, strips=True))
    assert (visit.alone, visit.problems, visit.missing) == (True, [], 0)


# ---- a campaign that cannot fail proves nothing


def test_a_lost_outcome_is_found(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(host: Host, outcome: WriteOutcome) -> None:
        del host, outcome

    monkeypatch.setattr(Host, "outcome", forget)
    visit = campaign.visit(Spec(_PRIME, 1, faults=(Fault(1 << 30, Kind.SLIP),)))
    assert "unreported" in {kind for kind, _ in visit.problems}


def test_a_counter_used_twice_is_found(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:

    def always_the_first(host: Host, key: str, at_least: int, count: int) -> int:
        return 1

    monkeypatch.setattr(Host, "reserve", always_the_first)
    visit = campaign.visit(Spec(_PRIME, 1, faults=(Fault(9000, Kind.KILL),)))
    assert "counters_reused" in {kind for kind, _ in visit.problems}


def test_a_password_sent_again_is_found(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Offers, "secret_leaves", lambda offers: None)
    password = next(kind for kind in KINDS if kind.name == "password")
    boundaries = campaign.clean(password)[0].boundaries[19:23]  # around the request with the password
    lost = [Spec(password, 1, faults=(Fault(at, Kind.SLIP, 9.0),)) for at in boundaries]
    found = {kind for spec in lost for kind, _ in campaign.visit(spec).problems}
    assert "passwords_retried" in found


def test_a_wrong_value_is_found(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    from drivers.dlms.cosem import ScalerUnit

    right = campaign.visit(Spec(_PRIME, 1, faults=(Fault(1 << 30, Kind.SLIP),)))
    assert right.problems == []
    monkeypatch.setattr(ScalerUnit, "apply", lambda scaler, value: str(value) + "1")
    visit = campaign.visit(Spec(_PRIME, 1, faults=(Fault(1 << 30, Kind.SLIP),)))
    assert "wrong_values" in {kind for kind, _ in visit.problems}


def test_a_tablet_killed_at_random_keeps_its_promises(tmp_path: Path) -> None:
    """The campaign itself is a command; here one life, so that it cannot rot."""
    counts = kill.campaign(tmp_path, rounds=1, seconds=8, seed=3, orders=3)
    assert counts.found["killed"] >= 1
    assert not counts.details


def test_tablets_over_a_bad_line_agree_in_the_end(tmp_path: Path) -> None:
    """A short walk of the command: which rows of conflicts it meets is for the whole one to say."""
    counts = network.campaign(tmp_path, steps=12, seconds=10, seed=5)
    wrong = [told for told in counts.details if not told.startswith("no_row_of_conflicts")]
    assert not wrong
    assert counts.found["entries"]
