"""Firmware into a meter as the page *Firmware* shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from drivers.changes import ImageReport, ImageState
from drivers.errors import Cancelled
from fieldtool.firmware import FirmwareFile, against, read_image
from fieldtool.tablet.meterimage import ImageVisit, images_for
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from ui.imageviews import Image, ImageFile, Report
from ui.views import Fact, Failure
from ui.wiring.formats import DASH, Formats
from ui.wiring.wording import worded
from workorders.people import MAY_ACTIVATE

_RESTART = "restart"
_SHA_SHOWN = 16


class AtProbe(msgspec.Struct, frozen=True, kw_only=True):
    """The meter that was read last, and the port of its probe."""

    serial: str
    model: str | None
    firmware: str | None
    port: str


class WiredImage:
    """See `ui.imageviews.ImageBackend`."""

    def __init__(
        self,
        tablet: Tablet,
        formats: Callable[[], Formats],
        at_probe: Callable[[], AtProbe | None],
        sticks: Callable[[], list[Path]],
        changed: Callable[[], None],
        keep: Callable[[bytes], None],
    ) -> None:
        """changed: the meter runs other firmware than was read of it; keep: takes what crossed the line."""
        self._tablet, self._formats, self._at_probe = tablet, formats, at_probe
        self._sticks, self._changed, self._keep = sticks, changed, keep
        self._recorded = False
        self._files: list[FirmwareFile] = []
        self._chosen: FirmwareFile | None = None
        self._meter: AtProbe | None = None
        self._report: ImageReport | None = None
        self._visit: ImageVisit | None = None
        self._stopped = ""

    @property
    def language(self) -> Language:
        """Language of the screens."""
        return self._formats().language

    @worded
    def load(self) -> Image:
        """Files anew; what was done at the same meter stays shown."""
        meter = self._at_probe()
        if meter is None or self._meter is None or meter.serial != self._meter.serial:
            self._chosen, self._report, self._stopped = None, None, ""
            self._recorded = False
        self._meter = meter
        self._files = images_for(self._tablet, meter.model if meter else None, self._sticks())
        if self._chosen is not None:
            self._chosen = self._read(str(self._chosen.path))
        return self._shown()

    @worded
    def choose(self, key: str) -> Image:
        """Another image, read through."""
        self._chosen, self._report, self._stopped = self._read(key), None, ""
        return self._shown()

    @worded
    def send(self, report: Report) -> Image:
        """Sends what is missing and has it verified."""
        meter, image = self._ready()
        done, total = 0, 0
        formats = self._formats()

        def told(step: str, now: int, of: int, left: float | None) -> None:
            nonlocal done, total
            if step == "image":
                done, total = now, of
            report(self._working(step, now, of, left, formats))

        report(self._working("identify", 0, 0, None, formats))
        self._report, self._stopped = None, ""
        self._visit = visit = ImageVisit(self._tablet, meter.port, meter.serial, told)
        try:
            self._report = visit.send(image)
        except Cancelled:
            self._stopped = self._said_of_stop(done, total, formats)
        finally:
            self._visit = None
            self._heard(visit)
        return self._shown()

    @worded
    def activate(self, figures: str, report: Report) -> Image:
        """Lets the meter run it; from here on there is no way back, so nothing stops it."""
        meter, image = self._ready()
        formats = self._formats()

        def told(step: str, now: int, of: int, left: float | None) -> None:
            report(self._working(step, now, of, left, formats, stoppable=False))

        report(self._working("identify", 0, 0, None, formats, stoppable=False))
        self._stopped = ""
        visit = ImageVisit(self._tablet, meter.port, meter.serial, told)
        try:
            self._report = visit.activate(image, figures)
        finally:
            self._heard(visit)
        self._changed()
        return self._shown()

    def _heard(self, visit: ImageVisit) -> None:
        if visit.recording:
            self._recorded = True
            self._keep(visit.recording)

    def stop(self) -> None:
        """Between two blocks."""
        visit = self._visit
        if visit is not None:
            visit.cancel()

    # --- what is shown ----------------------------------------------------------------------------

    def _read(self, key: str) -> FirmwareFile | None:
        """A file of the list as it is now; its row tells from here on what reading it has shown."""
        at = next((at for at, one in enumerate(self._files) if str(one.path) == key), None)
        if at is None:
            return None
        read = read_image(self._files[at].path)
        self._files[at] = msgspec.structs.replace(read, offered=self._files[at].offered)
        return self._files[at]

    def _ready(self) -> tuple[AtProbe, FirmwareFile]:
        formats, meter, image = self._formats(), self._meter, self._chosen
        if meter is None or image is None:
            raise Failure(formats.say("Lea antes el medidor y elija una imagen"))
        fault = against(image, meter.model, meter.firmware)
        if fault is not None and self._report is None:
            raise Failure(formats.word(f"firmware.{fault}"))
        return meter, image

    def _shown(self) -> Image:
        formats, meter, image = self._formats(), self._meter, self._chosen
        where = formats.say(
            "Las de la oficina llegan al sincronizar. También se buscan en la memoria USB y en {folder}",
            folder=str(self._tablet.home.firmware(self._tablet.realm)),
        )
        if meter is None:
            return Image(where=where)
        base = Image(
            serial=meter.serial,
            meter=formats.model(meter.model) or formats.say("Modelo desconocido"),
            firmware=meter.firmware or DASH,
            files=tuple(self._row(one, meter, formats) for one in self._files),
            where=where,
            chosen=str(image.path) if image else "",
            not_yours="" if self._may_activate() else formats.word("error.firmware_role"),
            not_yours_hint=formats.word("error.firmware_role.hint"),
            recorded=self._recorded,
        )
        if image is None:
            return base
        row = self._row(image, meter, formats)
        base = msgspec.structs.replace(
            base, facts=_facts(image, meter, formats), blocked=row.blocked, doubt=row.doubt
        )
        if self._report is not None:
            return _told(base, self._report, formats)
        if self._stopped:
            return msgspec.structs.replace(
                base, verdict=formats.say("Detenido"), verdict_detail=self._stopped, tone="attention"
            )
        return base

    def _may_activate(self) -> bool:
        person = self._tablet.person()
        return person is not None and person.role in MAY_ACTIVATE

    def _row(self, image: FirmwareFile, meter: AtProbe, formats: Formats) -> ImageFile:
        fault = against(image, meter.model, meter.firmware)
        where = formats.say("De la oficina") if image.offered else str(image.path.parent)
        parts = [image.version or "", formats.size(image.size) if image.size else "", where]
        doubt = "" if image.models or fault else formats.say("El archivo no dice para qué modelos es")
        return ImageFile(
            key=str(image.path),
            title=image.path.name,
            detail=" · ".join(part for part in parts if part),
            blocked=formats.word(f"firmware.{fault}") if fault else "",
            doubt=doubt,
        )

    def _working(
        self,
        step: str,
        done: int,
        total: int,
        left: float | None,
        formats: Formats,
        *,
        stoppable: bool = True,
    ) -> Image:
        text = formats.word(f"progress.{step}")
        if step == "image" and total:
            text = formats.say("Bloque {done} de {total}", done=str(min(done + 1, total)), total=str(total))
        seconds = int(left) if left is not None else 0
        if step == _RESTART:
            note = formats.say("No retire la sonda: el medidor reinicia y puede tardar tres minutos.")
        elif stoppable:
            note = formats.say("Puede cancelar: el medidor sigue con su firmware y lo enviado no se repite.")
        else:
            note = formats.say("No retire la sonda.")
        return msgspec.structs.replace(
            self._shown(),
            state="working",
            verdict="",
            progress=done / total if total and step == "image" else 0.0,
            progress_text=text,
            left=formats.say("Quedan {time}", time=_time(seconds)) if seconds else "",
            note=note,
            stoppable=stoppable,
        )

    @staticmethod
    def _said_of_stop(done: int, total: int, formats: Formats) -> str:
        kept = formats.say("El medidor sigue con su firmware.")
        if not total:
            return kept
        sent = formats.say(
            "Tiene {done} de {total} bloques; al enviar otra vez sigue desde ahí.",
            done=str(done),
            total=str(total),
        )
        return f"{kept} {sent}"


def _time(seconds: int) -> str:
    return f"{seconds} s" if seconds < 90 else f"{-(-seconds // 60)} min"


def _facts(image: FirmwareFile, meter: AtProbe, formats: Formats) -> tuple[Fact, ...]:
    """Meter and image side by side: model, version, and the hash that tells this file from any other."""
    fits = bool(image.models) and meter.model in image.models
    models = ", ".join(formats.model(one) for one in image.models) or formats.say("No lo dice")
    runs = image.version is not None and image.version == meter.firmware
    sha = " ".join(image.sha256[at : at + 4] for at in range(0, _SHA_SHOWN, 4))
    return (
        Fact(
            label=formats.say("Modelos de la imagen"),
            value=models,
            detail=formats.say("Medidor: {name}", name=formats.model(meter.model) or DASH),
            tone="good" if fits else "attention" if not image.models else "wrong",
        ),
        Fact(
            label=formats.say("Firmware de la imagen"),
            value=image.version or formats.say("No lo dice"),
            detail=formats.say("Medidor: {name}", name=meter.firmware or DASH),
            tone="attention" if runs else "",
        ),
        Fact(
            label=formats.say("Huella del archivo (SHA-256)"),
            value=f"{sha} …" if sha else DASH,
            detail=f"{image.identifier} · {formats.size(image.size)}",
        ),
    )


def _told(base: Image, report: ImageReport, formats: Formats) -> Image:
    change = msgspec.structs.replace
    if report.state is ImageState.ACTIVATED:
        return change(
            base,
            state="activated",
            blocked="",
            firmware=report.firmware_now or base.firmware,
            verdict=formats.say("Firmware activo"),
            verdict_detail=f"{report.firmware_before or DASH} → {report.firmware_now or DASH}",
            tone="good",
        )
    sent = formats.say(
        "{sent} de {total} bloques enviados ahora", sent=str(report.sent), total=str(report.blocks)
    )
    return change(
        base,
        state="verified",
        verdict=formats.say("Imagen comprobada"),
        verdict_detail=sent if report.sent else formats.say("El medidor ya la tenía"),
        tone="good",
    )
