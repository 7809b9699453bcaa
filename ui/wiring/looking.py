"""Looks through the camera for one thing: a meter of an order, an enrolment code, a seal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fieldtool.identity import normalise_serial
from fieldtool.run.surroundings import LabelReader
from ui import views
from ui.wiring.camera import LiveCamera
from ui.wiring.formats import Formats
from ui.wiring.scanwords import may_be_number, not_read, rivals

if TYPE_CHECKING:
    from fieldtool.scanning.classify import LabelReading
    from fieldtool.scanning.codes import Code

TICKET = "fieldtool:"
LOOK_MS = 300.0
"""A look has more time than a frame of a film, and little enough that the page feels alive."""
ANY_NUMBER = frozenset({"serial", "unknown", "several", "refused"})
"""What a number may be by the rules that its owner gave freely: a seal's, a place's."""
PRINT_AFTER_S = 4.0
"""So long without any code print is tried, and then as seldom: it holds up the looks for about a second."""


class Looking:
    """Each `look` takes the newest frame; a code near the limit of reading needs two frames that agree."""

    def __init__(
        self,
        camera: LiveCamera,
        labels: Callable[[], LabelReader],
        own_serials: Callable[[], frozenset[str]],
        formats: Callable[[], Formats],
        order_of: Callable[[str], str | None],
    ) -> None:
        """order_of: the order that a serial or another number stands in, or None."""
        from fieldtool.scanning.live import FrameVotes

        self._camera = camera
        self._labels = labels
        self._own_serials = own_serials
        self._formats = formats
        self._order_of = order_of
        self._votes = FrameVotes()
        self._without_since: float | None = None
        self.read = ""
        """What the camera read last; a text that is not this was typed."""

    def look(self, sought: views.Sought) -> views.Sighting:
        """One look. Raises `drivers.camera.NoCamera` or `CameraLost`."""
        from fieldtool.scanning import decode

        image = self._camera.frame()
        believed, doubtful = self._votes.take(image, list(decode(image, LOOK_MS)))
        text, refused = self._judge(sought, believed)
        self.read = text
        height, width = image.shape[:2]
        seen = [_code(code, "read" if text else "foreign", width, height) for code in believed]
        seen += [_code(code, "unread", width, height) for code in doubtful]
        printed = "" if seen else self._printed(sought, image)
        if seen:
            self._without_since = None
        return views.Sighting(
            text=text, refused=refused, codes=tuple(seen), printed=printed, torch=self._camera.torch
        )

    def _printed(self, sought: views.Sought, image: np.ndarray) -> str:
        """What print may say, where no code has been in view for a while and a meter is sought."""
        if sought not in ("order", "device"):
            return ""
        now = time.monotonic()
        if self._without_since is None:
            self._without_since = now
        if now - self._without_since < PRINT_AFTER_S:
            return ""
        self._without_since = now
        _, packed = cv2.imencode(".png", image)
        return self._labels().printed(packed.tobytes())

    def _judge(self, sought: views.Sought, codes: Sequence[Code]) -> tuple[str, str]:
        say = self._formats().say
        if not codes:
            return "", ""
        if sought == "ticket":
            found = next((code.text for code in codes if code.text.startswith(TICKET)), "")
            return found, "" if found else say("Ese código no es de inscripción.")
        reading = self._labels().classify(codes, None)
        if sought == "seal":
            return self._seal(codes)
        if sought == "node":
            return self._node(codes)
        if reading.serial:
            return reading.serial, ""
        texts = {code.text for code in codes}
        if sought == "order" and (named := self._in_an_order({*rivals(reading), *texts})):
            return named, ""
        if reading.only_box or len(rivals(reading)) > 1:
            return "", not_read(self._formats(), reading).message
        if len(texts) > 1:
            return "", say("Hay varios códigos a la vista: acerque uno solo.")
        if sought == "device" and (reading.competing or reading.refused):
            return "", not_read(self._formats(), reading).message
        # What hangs in no order has labels of any model: a number that no rule knows is taken alone.
        # An order is looked up by any number that may be in it.
        only = texts.pop()
        if reading.fields or not may_be_number(only):
            return "", say("Ese código no dice la serie.")
        return only, ""

    def _in_an_order(self, texts: set[str]) -> str:
        """The one of several numbers that stands in an order, or nothing.

        The rules do not know which model hangs there, and for them a module's address of digits alone may be
        another model's serial; the orders know.
        """
        named = {text: order for text in texts if (order := self._order_of(text)) is not None}
        return min(named) if len(set(named.values())) == 1 else ""

    def _seal(self, codes: Sequence[Code]) -> tuple[str, str]:
        """A seal has any number; what the rules know as something else of the meter is none."""
        say, own = self._formats().say, self._own_serials()
        readings = {code.text: self._labels().classify([code], None) for code in codes}
        ours = {
            text
            for text, reading in readings.items()
            if normalise_serial(text) in own or (reading.serial and normalise_serial(reading.serial) in own)
        }
        seals = {text for text, reading in readings.items() if "seal" in reading.fields} or {
            text
            for text, reading in readings.items()
            if text not in ours and _kinds(reading) <= ANY_NUMBER and may_be_number(text)
        }
        if len(seals) == 1:
            return seals.pop(), ""
        if seals:
            return "", say("Hay varios códigos a la vista: acerque uno solo.")
        if ours:
            return "", say("Es la serie del medidor, no un precinto.")
        return "", say("Ese código no es de un precinto.")

    def _node(self, codes: Sequence[Code]) -> tuple[str, str]:
        """A place says so itself; else one number alone, which the network knows or does not."""
        say = self._formats().say
        kinds = {code.text: _kinds(self._labels().classify([code], None)) for code in codes}
        places = {text for text, kind in kinds.items() if kind & {"panel", "concentrator"}} or {
            text for text, kind in kinds.items() if kind <= ANY_NUMBER and may_be_number(text)
        }
        if len(places) == 1:
            return places.pop(), ""
        if places:
            return "", say("Hay varios códigos a la vista: acerque uno solo.")
        return "", say("Ese código no es de un concentrador ni de un panel.")


def _kinds(reading: LabelReading) -> set[str]:
    """What one code is by the rules of all models: fields, or `box`, `several`, `refused`, `unknown`."""
    kinds = {*reading.fields, *(["serial"] if reading.serial else [])}
    kinds |= {"box"} if reading.box else set()
    kinds |= {"several"} if reading.competing else set()
    kinds |= {"refused"} if reading.refused else set()
    return kinds or {"unknown"}


def _code(code: Code, state: views.CodeState, width: int, height: int) -> views.Code:
    xs, ys = [x for x, _ in code.corners], [y for _, y in code.corners]
    left, top = min(xs) / width, min(ys) / height
    frame = (left, top, max(xs) / width - left, max(ys) / height - top)
    return views.Code(frame=frame, state=state, text=code.text)
