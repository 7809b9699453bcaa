"""Invented recordings of optical sessions."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from ui.recordingviews import Frame, Recording, RecordingRow
from ui.views import Fact

ROWS = (
    RecordingRow(key="a", title="09:12", detail="Última lectura del medidor que se retira"),
    RecordingRow(
        key="b",
        title="ayer 16:48",
        detail="Configurar el medidor nuevo",
        blocked="Ya no está en este equipo; la oficina la tiene",
    ),
)
_FACTS = (
    Fact(label="Duración", value="14,6 s"),
    Fact(label="Al medidor", value="412 B"),
    Fact(label="Del medidor", value="1 180 B"),
    Fact(label="Repeticiones", value="2", tone="attention"),
)
FRAMES = (
    Frame(time="0,000 s", layer="Sesión", text="modo auto, cliente 2, modelo prime-1ph"),
    Frame(time="0,004 s", way="tx", layer="IEC 62056-21", text="pide identificarse: /?!··", size="5 B"),
    Frame(
        time="0,412 s",
        way="rx",
        layer="IEC 62056-21",
        text="se identifica: CIR, modo E, hasta 9600 Bd, CIRWATT",
        size="19 B",
    ),
    Frame(time="1,020 s", way="tx", layer="HDLC", text="16:1 → 2:1 SNRM", size="31 B", gap="+0,6 s"),
    Frame(time="1,184 s", way="rx", layer="HDLC", text="2:1 → 16:1 UA, 23 octets of parameters", size="34 B"),
    Frame(
        time="1,390 s",
        way="tx",
        layer="DLMS",
        text="16:1 → 2:1 I N(S)=0 N(R)=0 P/F: AARQ: association asked for, 66 octets",
        size="78 B",
    ),
    Frame(
        time="1,702 s",
        way="rx",
        layer="DLMS",
        text="2:1 → 16:1 I N(S)=0 N(R)=1 P/F: AARE: accepted, no reason given",
        size="56 B",
    ),
    Frame(
        time="2,010 s",
        way="tx",
        layer="DLMS",
        text="16:1 → 2:1 I N(S)=1 N(R)=1 P/F: get-request: 3:1.0.1.8.0.255:2 (active import)",
        size="27 B",
    ),
    Frame(
        time="6,520 s",
        way="tx",
        layer="Línea",
        text="Se envía otra vez: no hubo respuesta útil",
        size="27 B",
        gap="+4,5 s",
        problem=True,
    ),
    Frame(time="6,961 s", layer="Sesión", text="4,9 s de silencio antes", problem=True),
    Frame(
        time="7,002 s",
        way="rx",
        layer="HDLC",
        text="1 trama(s) dañada(s), 12 octetos de ruido, una incompleta",
        problem=True,
    ),
    Frame(
        time="14,600 s",
        layer="Sesión",
        text="El medidor dejó de responder.",
        gap="+7,6 s",
        problem=True,
    ),
)
FAILED = Recording(
    title="RN2600041",
    detail="Circutor CIRWATT B 102",
    rows=ROWS,
    chosen="a",
    verdict="El medidor dejó de responder.",
    verdict_detail="Ponga la sonda otra vez, evite el sol directo y reintente.",
    tone="wrong",
    facts=_FACTS,
    frames=FRAMES,
    problems=4,
)
WELL = msgspec.structs.replace(
    FAILED,
    title="CIR0141288736",
    rows=(),
    verdict="terminó bien",
    verdict_detail="",
    tone="good",
    frames=FRAMES[:8],
    problems=0,
    note="Se muestran las últimas 3000 de 12 480; el archivo las lleva todas.",
)
SAVED = msgspec.structs.replace(FAILED, saved="E:\\RN2600041-1.jsonl")
NOT_HERE = Recording(title="RN2600041", rows=ROWS[1:])


@dataclass
class PreviewRecordings:
    """`ui.recordingviews.RecordingBackend` over invented states; what is asked is kept for tests."""

    shown: Recording = FAILED
    asked: list[str] = field(default_factory=list)

    def of_order(self, order_id: str) -> Recording:
        """As given."""
        self.asked.append(f"order {order_id}")
        return self.shown

    def of_bench(self) -> Recording:
        """As given."""
        self.asked.append("bench")
        return self.shown

    def of_meter(self) -> Recording:
        """One that ended well."""
        self.shown = WELL
        return self.shown

    def of_office(self, order_id: str, key: str) -> Recording:
        """Without others beside it."""
        self.asked.append(f"office {order_id} {key}")
        self.shown = msgspec.structs.replace(FAILED, rows=())
        return self.shown

    def choose(self, key: str) -> Recording:
        """The same, under another key."""
        self.shown = msgspec.structs.replace(self.shown, chosen=key)
        return self.shown

    def again(self) -> Recording:
        """As it is."""
        return self.shown

    def save(self) -> Recording:
        """Kept."""
        self.shown = msgspec.structs.replace(self.shown, saved=SAVED.saved)
        return self.shown
