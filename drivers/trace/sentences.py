"""What the explainer says in sentences of its own: a code with parameters, so that it can be said in another
language. Terms of the protocols (SNRM, get-request, an OBIS code) are the same everywhere and stay as text.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

ENGLISH: Mapping[str, str] = {
    # the session
    "session": "mode {mode}, client {client}",
    "session_model": "mode {mode}, client {client}, model {model}",
    "error": "{note}: {text}",
    "inside": "inside: {apdu}",
    "inside_secret": "inside: {size}, not recorded: a secret",
    # the line
    "silence": "{seconds} s of silence before",
    "again": "sent again: no usable answer came",
    "secret": "not recorded: it holds a secret",
    "damaged": "{frames} damaged frame(s), {noise} octets of noise",
    "damaged_cut": "{frames} damaged frame(s), {noise} octets of noise, one not whole",
    "damaged_packet": "damaged packet",
    "not_understood": "not understood: {shown}",
    # IEC 62056-21
    "identify": "request to identify: {shown}",
    "identification": "identification: {described}",
    "identification_data": "identification: {described}, then {octets} octets of data",
    "readout": "readout of {count} data sets, block check right",
    "readout_damaged": "readout, damaged: {detail}",
    "readout_chosen": "acknowledge: protocol {protocol}, rate {rate}, data readout",
    "programming_chosen": "acknowledge: protocol {protocol}, rate {rate}, programming mode",
    "binary_chosen": "acknowledge: protocol {protocol}, rate {rate}, binary mode (HDLC)",
    "option_chosen": "acknowledge: protocol {protocol}, rate {rate}, option {option}",
    "command": "command {command} {shown}",
    "data": "data {shown}",
    "data_more": "data {shown}, more to come",
    # how it ended
    "ended_well": "ended well",
    "ended_problem": "ended well; on the way: {problem}",
    "nothing": "nothing crossed the line",
    "never_answered": "the meter never answered",
    "unanswered": "the last request was not answered",
}


class Sentence(msgspec.Struct, frozen=True):
    """A code of ``ENGLISH`` and what stands in it."""

    code: str
    params: dict[str, str] = {}

    @property
    def text(self) -> str:
        """In English, for the command line and for support."""
        return ENGLISH[self.code].format_map(self.params).rstrip()


def say(code: str, **params: object) -> Sentence:
    """A sentence with its parameters as text."""
    return Sentence(code, {name: str(value) for name, value in params.items()})
