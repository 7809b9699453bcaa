"""Table 00, GEN_CONFIG_TBL: how this meter sends everything else, and which tables and procedures it has."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.ansi.cursor import Access, Cursor, Formats, TimeFormat
from drivers.ansi.decimals import IntFormat, NiFormat
from drivers.errors import Garbage

MANUFACTURER_TABLE = 2048
"""Numbers of manufacturer tables and procedures begin here (TABLE_IDB_BFLD bit 11)."""


@dataclass(frozen=True)
class Configuration:
    """Everything of table 00 that matters to a reader. Table numbers: manufacturer ones from 2048 on."""

    formats: Formats
    nameplate: int
    version: int
    revision: int
    response_length: int
    parameter_length: int
    manufacturer_status: int
    tables: frozenset[int]
    procedures: frozenset[int]
    writable: frozenset[int]
    standard_table_octets: int
    manufacturer_table_octets: int


def decode_configuration(data: bytes) -> Configuration:
    """Raises ``Garbage`` for formats that the standard does not have."""
    if len(data) < 19:
        raise Garbage(detail=f"table 0: {len(data)} octets are too few")
    one, two, three = data[0], data[1], data[2]
    try:
        formats = Formats(
            big_endian=bool(one & 1),
            characters=one >> 1 & 7,
            time=TimeFormat(two & 7),
            access=Access(two >> 3 & 3),
            id_bcd=bool(two >> 5 & 1),
            integers=IntFormat(two >> 6 & 3),
            ni1=NiFormat(three & 15),
            ni2=NiFormat(three >> 4),
        )
    except ValueError as error:
        raise Garbage(detail=f"table 0: {error}") from None
    cursor = Cursor(data, formats, 0)
    cursor.take(3 + 4)  # the format controls and the device class
    nameplate, _, parameters, responses, version, revision = cursor.octets(6)
    standard, manufacturer, procedures, own_procedures, status, _ = cursor.octets(6)
    return Configuration(
        formats=formats,
        nameplate=nameplate,
        version=version,
        revision=revision,
        response_length=responses,
        parameter_length=parameters,
        manufacturer_status=status,
        tables=_numbers(cursor, standard, manufacturer),
        procedures=_numbers(cursor, procedures, own_procedures),
        writable=_numbers(cursor, standard, manufacturer),
        standard_table_octets=standard,
        manufacturer_table_octets=manufacturer,
    )


def _numbers(cursor: Cursor, standard: int, manufacturer: int) -> frozenset[int]:
    own = cursor.flags(standard)
    return own | {MANUFACTURER_TABLE + number for number in cursor.flags(manufacturer)}
