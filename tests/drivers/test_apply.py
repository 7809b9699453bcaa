"""Writing to a meter that misbehaves: journalled before, read back after, rolled back where possible."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar, cast

import pytest

from drivers.changes import ApplyReport, ChangeState, OutcomeState, WriteIntent, WriteOutcome
from drivers.dlms.acse import Conformance
from drivers.dlms.apdu import Result, ServiceException
from drivers.dlms.attributes import ListLimit
from drivers.dlms.client import DlmsClient
from drivers.dlms.cosem import Item, parse_item
from drivers.dlms.data import Data, Tag, array, octet_string
from drivers.errors import DriverError, Garbage, LinkLost, MeterRefused
from drivers.models import MeterModel, load_model
from drivers.reading import Identity
from drivers.session.apply import Writer
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal
from tests.drivers.field import MODELS, PROGRAMS, VALUES

_Value = TypeVar("_Value")
CALENDAR = parse_item("20:0.0.13.0.0.255:2")
CAPTURE = parse_item("7:1.0.99.1.0.255:4")


class OddMeter:
    """Attributes in a dictionary; ``spoil`` changes what a write stores, ``fail`` raises on the n-th
    write."""

    def __init__(self) -> None:
        empty = {CALENDAR.of(n): array() for n in (3, 4, 5, 7, 8, 9)}
        self.attributes: dict[Item, Data] = {
            CAPTURE: Data(Tag.DOUBLE_LONG_UNSIGNED, 900),
            CALENDAR.of(2): octet_string(b"OLD"),
            CALENDAR.of(6): octet_string(b"OLD"),
            **empty,
        }
        self.log: list[str] = []
        self.spoil: Callable[[Item, Data], Data] = lambda item, data: data
        self.failures: dict[int, DriverError] = {}
        self.writes = 0
        self.cuts = 0
        self.lists: Callable[[list[tuple[Item, Data]]], list[int]] | None = None
        self.list_limit, self.write_limit = ListLimit(), ListLimit()

    # what Writer needs of DlmsClient

    request_limit = 1024

    def allows(self, service: Conformance) -> bool:
        return service is Conformance.MULTIPLE_REFERENCES and self.lists is not None

    def set_list(self, writes: list[tuple[Item, Data]]) -> list[int]:
        self.log.append("list " + " ".join(str(item) for item, _ in writes))
        assert self.lists is not None
        return self.lists(writes)

    def keep(self, writes: list[tuple[Item, Data]]) -> list[int]:
        """As a meter does that takes lists."""
        self.attributes |= {item: self.spoil(item, data) for item, data in writes}
        return [0] * len(writes)

    def set(self, item: Item, data: Data) -> None:
        self.log.append(f"set {item}")
        self.writes += 1
        if self.writes in self.failures:
            raise self.failures[self.writes]
        self.attributes[item] = self.spoil(item, data)

    def action(self, item: Item, data: Data) -> None:
        self.log.append(f"action {item}")
        for attribute in (2, 3, 4, 5):
            self.attributes[CALENDAR.of(attribute)] = self.attributes[CALENDAR.of(attribute + 4)]

    # what Writer needs of Jobs and Reach

    reversed_sign = False
    model: MeterModel = load_model(MODELS / "prime-1ph.toml")

    @property
    def reach(self) -> OddMeter:
        return self

    def run(self, job: Callable[[DlmsClient], _Value]) -> _Value:
        return job(cast(DlmsClient, self))

    def cut(self, error: DriverError) -> None:
        self.cuts += 1

    def identify(self) -> Identity:
        return Identity(serial="1")

    def pause(self, seconds: float) -> None:
        assert seconds == 0

    def shielded(self) -> AbstractContextManager[None]:
        return nullcontext()

    def progress(self, step: str, done: int, total: int, octets_left: int | None = None) -> None:
        assert done <= total

    def fetch(self, items: list[Item], step: str = "read") -> dict[Item, Result]:
        found = {item: self.attributes.get(item) for item in items}
        return {item: Result(data, 0 if data else 4) for item, data in found.items()}

    # ---- the job

    def configure(self) -> ApplyReport:
        def intent(value: WriteIntent) -> None:
            self.log.append(f"intent {value.program.split()[-1]}")

        def outcome(value: WriteOutcome) -> None:
            self.log.append(f"outcome {value.state.value}")

        writer = Writer(cast(Jobs, self), Journal(intent, outcome), PROGRAMS)
        return writer.apply(writer.plan("residential-2.0TD", VALUES), [])


def state_of(report: ApplyReport, change: str) -> OutcomeState:
    return next(result.state for result in report.changes if result.id == change)


def test_the_intent_stands_before_the_first_write_and_the_outcome_after_the_last() -> None:
    meter = OddMeter()
    report = meter.configure()
    assert state_of(report, "calendar.passive") is OutcomeState.VERIFIED
    assert state_of(report, "calendar.activate") is OutcomeState.VERIFIED
    assert meter.log[0].startswith("intent")
    assert meter.log[1:5] == [f"set {CALENDAR.of(n)}" for n in (6, 7, 8, 9)]
    assert meter.log[5:8] == ["outcome verified", "intent residential-2.0TD", f"action {CALENDAR.of(1)}"]


def test_a_meter_that_stores_something_else_is_rolled_back() -> None:
    meter = OddMeter()
    passive = CALENDAR.of(7)
    meter.spoil = lambda item, data: array() if item == passive and meter.writes < 5 else data
    report = meter.configure()
    assert state_of(report, "calendar.passive") is OutcomeState.ROLLED_BACK
    assert meter.attributes[CALENDAR.of(6)] == octet_string(b"OLD")
    assert state_of(report, "calendar.activate") is OutcomeState.UNTOUCHED
    assert not any(entry.startswith("action") for entry in meter.log)
    assert meter.log.count("intent back)") == 1
    assert meter.log[-2:] == ["outcome verified", "outcome rolled_back"]
    assert not report.complete


def test_a_refused_write_in_the_middle_is_rolled_back_and_says_why() -> None:
    meter = OddMeter()
    meter.failures = {3: MeterRefused(result="read-write-denied")}
    report = meter.configure()
    result = next(change for change in report.changes if change.id == "calendar.passive")
    assert (result.state, result.detail) == (OutcomeState.ROLLED_BACK, "read-write-denied")


def test_a_meter_that_neither_keeps_nor_takes_back_is_reported_as_failed() -> None:
    meter = OddMeter()
    meter.spoil = lambda item, data: octet_string(b"ODD") if item == CALENDAR.of(6) else data
    report = meter.configure()
    result = next(change for change in report.changes if change.id == "calendar.passive")
    assert result.state is OutcomeState.FAILED
    assert "not rolled back" in (result.detail or "")


@pytest.mark.parametrize("write", [1, 2, 4])
def test_a_cut_during_the_write_is_sent_once_more_and_verified(write: int) -> None:
    meter = OddMeter()
    meter.failures = {write: LinkLost()}
    assert state_of(meter.configure(), "calendar.passive") is OutcomeState.VERIFIED
    assert meter.cuts == 1


# ---- with-list


def test_a_list_is_one_request_and_is_read_back() -> None:
    meter = OddMeter()
    meter.lists = meter.keep
    report = meter.configure()
    assert state_of(report, "calendar.passive") is OutcomeState.VERIFIED
    passive = " ".join(str(CALENDAR.of(n)) for n in (6, 7, 8, 9))
    assert meter.log[:3] == ["intent residential-2.0TD", f"list {passive}", "outcome verified"]
    assert meter.write_limit.value is None


def refuses(writes: list[tuple[Item, Data]]) -> list[int]:
    raise ServiceException("service-not-supported")


def fails_each(writes: list[tuple[Item, Data]]) -> list[int]:
    return [250] * len(writes)


def does_nothing(writes: list[tuple[Item, Data]]) -> list[int]:
    return [0] * len(writes)


def answers_too_little(writes: list[tuple[Item, Data]]) -> list[int]:
    raise Garbage(detail="1 results of 4 writes")


@pytest.mark.parametrize("claims", [refuses, fails_each, does_nothing, answers_too_little])
def test_a_meter_that_claims_lists_and_fails_them_is_written_singly_and_remembered(
    claims: Callable[[list[tuple[Item, Data]]], list[int]],
) -> None:
    meter = OddMeter()
    meter.lists = claims
    report = meter.configure()
    assert state_of(report, "calendar.passive") is OutcomeState.VERIFIED
    assert meter.write_limit.value == 1
    assert meter.log.count("intent residential-2.0TD") == 2  # one for the tables, one for their activation


def test_one_refusal_in_a_list_is_believed_and_rolled_back() -> None:
    meter = OddMeter()

    def third_refused(writes: list[tuple[Item, Data]]) -> list[int]:
        meter.keep([*writes[:2], *writes[3:]])
        return [0, 0, 3, 0]

    meter.lists = third_refused
    report = meter.configure()
    result = next(change for change in report.changes if change.id == "calendar.passive")
    assert (result.state, result.detail) == (OutcomeState.ROLLED_BACK, "read-write-denied")
    assert meter.attributes[CALENDAR.of(6)] == octet_string(b"OLD")


@pytest.mark.parametrize("done", [0, 2, 4])
def test_a_cut_in_a_list_is_read_back_and_only_what_is_missing_is_sent(done: int) -> None:
    meter = OddMeter()

    def cut(writes: list[tuple[Item, Data]]) -> list[int]:
        meter.keep(writes[:done])
        raise LinkLost

    meter.lists = cut
    assert state_of(meter.configure(), "calendar.passive") is OutcomeState.VERIFIED
    assert meter.cuts == 1
    assert meter.writes == (0 if done == 4 else 4)


def test_what_the_meter_does_not_have_is_unsupported_and_untouched() -> None:
    meter = OddMeter()
    report = meter.configure()
    assert {result.id for result in report.changes} == {"calendar.passive", "calendar.activate"}
    assert not report.complete  # limiter and clock are not there
    writer = Writer(cast(Jobs, meter), Journal(lambda i: None, lambda o: None), PROGRAMS)
    states = {change.id: change.state for change in writer.verify("residential-2.0TD", VALUES).changes}
    assert states["limiter.threshold"] is ChangeState.UNSUPPORTED
