"""What the session program needs of a way to a meter, whatever the meter speaks."""

from __future__ import annotations

from typing import Protocol

from drivers import errors
from drivers.changes import ApplyReport, ChangeResult, Plan, VerifyReport, WriteIntent, WriteOutcome
from drivers.line import Line
from drivers.reading import Identity, JoinEvidence, ProfileResult, ReadResult


class MeterReach(Protocol):
    """The way to a meter."""

    @property
    def line(self) -> Line | None: ...

    def cut(self, error: errors.DriverError) -> None: ...

    def leave(self) -> None: ...


class MeterJobs(Protocol):
    """Reading jobs."""

    def identify(self) -> Identity: ...

    def read(self, texts: list[str] | None) -> ReadResult: ...

    def profile(self, text: str | None, start: str | None, end: str | None) -> ProfileResult: ...

    def network(self) -> JoinEvidence: ...

    def remember_type(self) -> None: ...


class MeterWriter(Protocol):
    """Writing jobs."""

    def plan(self, program: str, values: dict[str, str]) -> Plan: ...

    def apply(self, plan: Plan, allow: list[str]) -> ApplyReport: ...

    def verify(self, program: str, values: dict[str, str]) -> VerifyReport: ...

    def settle(self, intents: list[WriteIntent]) -> list[WriteOutcome]: ...

    def relay(self, operation: str, confirmation: str) -> ChangeResult: ...
