"""Tables 07 and 08: starting a procedure and what came of it (C12.19, decade 0)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from drivers.ansi.cursor import Cursor, Formats
from drivers.errors import MeterRefused

INITIATE, RESPONSE = 7, 8
REMOTE_RESET = 9
SET_DATE_TIME = 10
SET_TIME, SET_DATE, SET_QUALIFIER = 1, 2, 4


class Outcome(IntEnum):
    """RESULT_CODE of table 08."""

    COMPLETED = 0
    ACCEPTED = 1
    INVALID_PARAMETER = 2
    CONFLICT = 3
    TIMING = 4
    NO_AUTHORIZATION = 5
    UNRECOGNIZED = 6


RESULTS = {
    Outcome.INVALID_PARAMETER: "invalid-parameter",
    Outcome.CONFLICT: "conflicts-with-setup",
    Outcome.TIMING: "timing-constraint",
    Outcome.NO_AUTHORIZATION: "no-authorization",
    Outcome.UNRECOGNIZED: "unrecognized-procedure",
}


@dataclass(frozen=True)
class Initiated:
    """The contents of table 07, and the octets to write."""

    procedure: int
    sequence: int
    parameters: bytes

    def encode(self, formats: Formats) -> bytes:
        """TABLE_IDB_BFLD with selector 0: post the response on completion."""
        number = self.procedure.to_bytes(2, "big" if formats.big_endian else "little")
        return number + bytes([self.sequence]) + self.parameters


@dataclass(frozen=True)
class ProcedureResponse:
    """Table 08. ``outcome`` is the code as sent."""

    procedure: int
    sequence: int
    outcome: int
    data: bytes


def decode_response(data: bytes, formats: Formats) -> ProcedureResponse:
    cursor = Cursor(data, formats, RESPONSE)
    number, sequence, outcome = cursor.u16() & 0xFFF, cursor.u8(), cursor.u8()
    return ProcedureResponse(number, sequence, outcome, cursor.take(cursor.left))


def refusal(response: ProcedureResponse) -> MeterRefused:
    """The error for a procedure that was not done."""
    known = Outcome(response.outcome) if response.outcome in Outcome.__members__.values() else None
    result = RESULTS.get(known, "other-reason") if known is not None else "other-reason"
    return MeterRefused(result=result, detail=f"procedure {response.procedure}: {response.outcome}")
