"""The verdict as values: rotation, polarity, what is wrong where, how sure, and what says so."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Rotation(StrEnum):
    """Order of the phases at the terminals of the meter."""

    DIRECT = "direct"
    REVERSE = "reverse"
    UNKNOWN = "unknown"


class Polarity(StrEnum):
    """Whether each current belongs to its voltage and flows the right way."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Certainty(StrEnum):
    """`hint`: to be looked at, nothing is claimed; `likely` and `certain` speak against a crew that says
    *right*."""

    CERTAIN = "certain"
    LIKELY = "likely"
    HINT = "hint"


class Fault(StrEnum):
    """What is wrong, worst first: `export` alone is no fault but bars the judgement of polarity."""

    VOLTAGE_MISSING = "voltage_missing"
    PHASE_NEUTRAL_SWAPPED = "phase_neutral_swapped"
    SAME_PHASE_TWICE = "same_phase_twice"
    VOLTAGES_SWAPPED = "voltages_swapped"
    CURRENT_ON_OTHER_PHASE = "current_on_other_phase"
    CURRENT_REVERSED = "current_reversed"
    ROTATION_REVERSED = "rotation_reversed"
    CURRENT_MISSING = "current_missing"
    NEUTRAL_DIFFERS = "neutral_differs"
    VOLTAGE_UNBALANCE = "voltage_unbalance"
    EXPORT = "export"


class Why(StrEnum):
    """Why rotation or polarity cannot be told."""

    SINGLE_PHASE = "single_phase"
    NO_ANGLES = "no_angles"
    ANGLES_UNCLEAR = "angles_unclear"
    VOLTAGE_MISSING = "voltage_missing"
    NO_LOAD = "no_load"
    NO_POWER = "no_power"
    EXPORT = "export"
    UNCLEAR = "unclear"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, at phases 1…3."""

    fault: Fault
    phases: list[int]
    certainty: Certainty


class PhaseEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one phase showed. Angles in whole degrees, behind U(L1) clockwise; None where not known.

    `lag` is how far the current is behind its own voltage; `expected` where it would be if it were wired
    right.
    """

    phase: int
    voltage_angle: int | None = None
    current_angle: int | None = None
    lag: int | None = None
    expected_lag: int | None = None
    loaded: bool = False


class WiringVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be said. `power` and `power_right` are W as whole numbers: measured now, and what
    it would be with the currents put right (None where nothing is to be put right)."""

    rotation: Rotation
    polarity: Polarity
    rotation_why: Why | None = None
    polarity_why: Why | None = None
    findings: list[Finding] = []
    phases: list[PhaseEvidence] = []
    power: str | None = None
    power_right: str | None = None

    @property
    def claimed(self) -> list[Finding]:
        """Findings that are more than a hint."""
        return [finding for finding in self.findings if finding.certainty is not Certainty.HINT]
