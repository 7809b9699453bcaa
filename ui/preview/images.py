"""An invented meter whose firmware can be changed."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from ui.imageviews import Image, ImageFile, Report
from ui.views import Fact

_FACTS = (
    Fact(
        label="Modelos de la imagen",
        value="Circutor CIRWATT B 102",
        detail="Medidor: Circutor CIRWATT B 102",
        tone="good",
    ),
    Fact(label="Firmware de la imagen", value="V1.40.00", detail="Medidor: V1.36.04"),
    Fact(label="Huella del archivo (SHA-256)", value="9f2c 01ab 77e4 5d10 …", detail="FW140 · 412 kB"),
)
_FILES = (
    ImageFile(key="a", title="cirwatt-b102-v1.40.00.bin", detail="V1.40.00 · 412 kB · E:\\firmware"),
    ImageFile(
        key="b",
        title="5ctm-trifasico-v2.11.bin",
        detail="V2.11 · 655 kB · E:\\firmware",
        blocked="Es para otro modelo de medidor.",
    ),
    ImageFile(
        key="c",
        title="actualizacion_definitiva_copia_2.bin",
        detail="418 kB · E:\\",
        doubt="El archivo no dice para qué modelos es",
    ),
)
CHOOSING = Image(
    serial="CIR0141288736",
    meter="Circutor CIRWATT B 102",
    firmware="V1.36.04",
    files=_FILES,
    where="Las de la oficina llegan al sincronizar. "
    "También se buscan en la memoria USB y en C:\\ProgramData\\fieldtool\\firmware",
    chosen="a",
    facts=_FACTS,
)
NOTHING = msgspec.structs.replace(CHOOSING, files=(), chosen="", facts=())
SENDING = msgspec.structs.replace(
    CHOOSING,
    state="working",
    progress=0.43,
    progress_text="Bloque 347 de 806",
    left="Quedan 6 min",
    note="Puede cancelar: el medidor sigue con su firmware y lo enviado no se repite.",
    stoppable=True,
)
RESTARTING = msgspec.structs.replace(
    CHOOSING,
    state="working",
    progress_text="Esperando al medidor, que reinicia",
    note="No retire la sonda: el medidor reinicia y puede tardar tres minutos.",
)
STOPPED = msgspec.structs.replace(
    CHOOSING,
    verdict="Detenido",
    verdict_detail="El medidor sigue con su firmware. "
    "Tiene 347 de 806 bloques; al enviar otra vez sigue desde ahí.",
    tone="attention",
    recorded=True,
)
VERIFIED = msgspec.structs.replace(
    CHOOSING,
    state="verified",
    verdict="Imagen comprobada",
    verdict_detail="806 de 806 bloques enviados ahora",
    tone="good",
)
NOT_YOURS = msgspec.structs.replace(
    VERIFIED,
    not_yours="Activa firmware el jefe de cuadrilla, supervisión o ingeniería.",
    not_yours_hint="Que entre con su PIN: la imagen queda en el medidor.",
)
ACTIVATED = msgspec.structs.replace(
    VERIFIED,
    state="activated",
    firmware="V1.40.00",
    verdict="Firmware activo",
    verdict_detail="V1.36.04 → V1.40.00",
)


@dataclass
class PreviewImage:
    """`ui.imageviews.ImageBackend` over invented states; what is asked is kept for tests."""

    shown: Image = CHOOSING
    asked: list[str] = field(default_factory=list)

    def load(self) -> Image:
        """As given."""
        return self.shown

    def choose(self, key: str) -> Image:
        """Another of the files."""
        row = next((one for one in _FILES if one.key == key), None)
        self.shown = msgspec.structs.replace(
            CHOOSING,
            chosen=key,
            facts=_FACTS if row else (),
            blocked=row.blocked if row else "",
            doubt=row.doubt if row else "",
        )
        return self.shown

    def send(self, report: Report) -> Image:
        """Verified at once."""
        report(SENDING)
        self.asked.append("send")
        self.shown = VERIFIED
        return self.shown

    def activate(self, figures: str, report: Report) -> Image:
        """Active at once."""
        report(RESTARTING)
        self.asked.append(f"activate {figures}")
        self.shown = ACTIVATED
        return self.shown

    def stop(self) -> None:
        """Kept."""
        self.asked.append("stop")
