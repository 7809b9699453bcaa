"""A panel's photo on this tablet: held against the orders of the panel, and registered through their
procedures.

The photo answers what it can of each order: the label of its device, and its slot. It walks the order's own
run, only
where such a step is the open one; everything else stays for the crew. Nothing is registered of a slot that
is not right.
"""

from __future__ import annotations

import enum
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import cv2
import msgspec
import numpy as np

from drivers.reading import Identity
from fieldtool.errors import JobError
from fieldtool.identity import normalise_serial
from fieldtool.panelrun.board import Stranger
from fieldtool.problems import explain
from fieldtool.procedure import answers as a
from fieldtool.procedure import engine
from fieldtool.procedure import model as m
from fieldtool.procedure.bench import PanelSeen
from fieldtool.run import ProcedureRun
from fieldtool.scanning.panel import PanelReading, PanelSlot, read_panel
from fieldtool.scanning.panelcheck import PanelVerdict, SlotVerdict, Standing, judge_panel
from fieldtool.scanning.picture import decoded
from fieldtool.scanning.rules import load_rules
from fieldtool.tablet.panel import TabletPanel, panels
from fieldtool.tablet.stockroom import ON_TRUCK
from workorders.journal.words import DeviceRole

if TYPE_CHECKING:
    from fieldtool.tablet.tablet import Tablet

BUDGET_MS = 3000.0
"""A still picture of a whole panel; the crew sees that it is worked on."""
FRESH_S = 4 * 3600.0
"""How long a photo counts as one of this visit."""
LOOK_AGAIN = (Standing.UNREAD, Standing.DOUBTFUL, Standing.COMPETING)
MISPLACED = (Standing.WRONG_SLOT, Standing.TWICE)
_QUALITY = 88
_MARGIN = 1.2
"""How much of what is around a label is kept with it, in its own lengths."""


class Registering(enum.StrEnum):
    """What registering a slot came to: `registered` (label or place accepted), `later` (another step of the
    order comes
    first), `nothing` (it was all accepted already), `failed`."""

    REGISTERED = "registered"
    LATER = "later"
    NOTHING = "nothing"
    FAILED = "failed"


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """One slot after registering. steps: ids of the steps that were accepted; what: why it failed, in
    words."""

    slot: int
    serial: str
    number: str
    outcome: Registering
    steps: tuple[str, ...] = ()
    what: str = ""


class PanelPhoto:
    """One panel: its photo, what a person said beside it, and the orders. Safe from any thread."""

    def __init__(self, tablet: Tablet, panel: str) -> None:
        """panel: mRID or name. Raises JobError `no_such_panel`."""
        row = next((row for row in panels(tablet) if panel in (row.panel, row.name)), None)
        if row is None:
            raise JobError(
                "no_such_panel", f"no order of this tablet hangs in a panel {panel!r}", panel=panel
            )
        self.panel, self.name = row.panel, row.name
        self._tablet = tablet
        self._ground = TabletPanel(tablet, row.panel, row.name, None)
        self._lock = threading.RLock()
        self._image: np.ndarray | None = None
        self._taken: float | None = None
        self._said: dict[int, str] = {}
        self._by_hand: set[int] = set()
        self.reading: PanelReading | None = None
        self.rows, self.columns = self._usual_size(row.orders)

    # --- looking ----------------------------------------------------------------------------------

    def resize(self, rows: int, columns: int) -> None:
        """How many slots there are; a photo that was taken is read again. *Slow.*"""
        same_numbers = max(1, columns) == self.columns  # slots are counted row by row
        self.rows, self.columns = max(1, rows), max(1, columns)
        with self._lock:
            image = self._image
            self._forget(lambda slot: not same_numbers or slot > self.rows * self.columns)
        if image is not None:
            self._read(image, newer=False)

    def take(self, picture: bytes) -> None:
        """*Slow.* Read a photo of the panel. Raises JobError `unreadable_image`."""
        image = decoded(picture)
        if image is None:
            raise JobError("unreadable_image", "not a picture that can be read")
        self._read(image, newer=True)

    def take_frame(self, image: np.ndarray) -> None:
        """*Slow.* The same for a frame, H×W×3 BGR."""
        self._read(image, newer=True)

    def say(self, slot: int, serial: str, *, by_camera: bool) -> None:
        """A person read or typed the serial in a slot. Typed, it places the device but proves no label."""
        with self._lock:
            plain = normalise_serial(serial)
            if plain is None:
                self._forget(lambda one: one == slot)
                return
            self._said[slot] = plain
            (self._by_hand.discard if by_camera else self._by_hand.add)(slot)

    def picture(self) -> np.ndarray | None:
        """The photo, H×W×3 BGR; None before there is one."""
        with self._lock:
            return self._image

    def verdict(self) -> PanelVerdict | None:
        """The photo against the orders as they are now; None before there is a photo."""
        with self._lock:
            reading, said = self.reading, dict(self._said)
        if reading is None or not reading.fitted:
            return None
        return judge_panel(reading, self._expected(), also_ours=self._also_ours(), said=said)

    def age(self) -> float:
        """Seconds since the photo was taken; 0 before there is one."""
        return 0.0 if self._taken is None else time.monotonic() - self._taken

    def seen(self) -> PanelSeen | None:
        """The verdict as a step of a procedure keeps it; a photo without rows of meters shows none."""
        verdict, due = self.verdict(), sorted(self._expected())
        if verdict is None:
            return None if self.picture() is None else PanelSeen(expected=len(due), right=0, missing=due)
        right = [slot for slot in verdict.slots if slot.standing is Standing.RIGHT]
        foreign = [slot for slot in verdict.slots if slot.standing is Standing.FOREIGN]
        return PanelSeen(
            expected=verdict.expected,
            right=sum(normalise_serial(slot.serial) in due for slot in right),
            missing=list(verdict.missing),
            foreign=[slot.serial or "" for slot in foreign],
            unread=[slot.slot for slot in verdict.slots if slot.standing in LOOK_AGAIN],
            wrong=[slot.slot for slot in verdict.slots if slot.standing in MISPLACED],
        )

    def jpeg(self) -> bytes | None:
        """The whole photo as JPEG; None before there is one."""
        image = self.picture()
        return None if image is None else _packed(image)

    def stranger(self, serial: str) -> Stranger:
        """Where a device belongs that is not ours, as far as this tablet knows."""
        return self._ground.stranger(serial, Identity(serial=serial))

    # --- registering ------------------------------------------------------------------------------

    def register(self) -> list[Registered]:
        """*Slow.* Accept label and slot of every device that hangs right, in its own order.

        Raises JobError `nobody_signed_in`.
        """
        if self._tablet.person() is None:
            raise JobError("nobody_signed_in", "sign in first: every entry says who made it")
        verdict, runs = self.verdict(), self._runs()
        right = [slot for slot in (verdict.slots if verdict else ()) if slot.standing is Standing.RIGHT]
        done = []
        for slot in right:
            run = self._run_for(slot, runs)
            if run is not None:
                done.append(self._registered(slot, run))
        return done

    def answerable(self) -> set[int]:
        """Slots that hang right and whose order waits for just what the photo says."""
        verdict, runs = self.verdict(), self._runs()
        found = set()
        for slot in verdict.slots if verdict else ():
            run = self._run_for(slot, runs) if slot.standing is Standing.RIGHT else None
            if run is not None and run.state.end is None and self._answers(run, run.shown_step(), slot):
                found.add(slot.slot)
        return found

    def _registered(self, slot: SlotVerdict, looked: ProcedureRun) -> Registered:
        told = Registered(
            slot=slot.slot, serial=slot.serial or "", number=looked.order.number, outcome=Registering.NOTHING
        )
        if looked.state.end is not None:
            return told
        if not self._answers(looked, looked.shown_step(), slot):
            return msgspec.structs.replace(told, outcome=self._left(looked, slot))  # nothing is begun for it
        steps: list[str] = []
        run = self._tablet.start(looked.order_id)
        try:
            while (step := run.shown_step()) is not None and self._answers(run, step, slot):
                run.accept(self._answer(run, step, slot))
                steps.append(step.id)
        except JobError as error:
            why = explain(error, self._tablet.settings().language)
            what = " ".join([why.what, *why.problems])
            return msgspec.structs.replace(told, outcome=Registering.FAILED, steps=tuple(steps), what=what)
        finally:
            self._tablet.leave(looked.order_id)
        outcome = Registering.REGISTERED if steps else self._left(run, slot)
        return msgspec.structs.replace(told, outcome=outcome, steps=tuple(steps))

    def _left(self, run: ProcedureRun, slot: SlotVerdict) -> Registering:
        """What it comes to where the open step asks nothing of the photo: `later` if one to come does."""
        job = run.job()
        to_come = (
            step
            for step in engine.visible_steps(run.procedure, job, run.state)
            if not engine.is_done(step, run.procedure, job, run.state)
        )
        asked = any(self._answers(run, step, slot) for step in to_come)
        return Registering.LATER if asked else Registering.NOTHING

    def _answers(self, run: ProcedureRun, step: m.Step | None, slot: SlotVerdict) -> bool:
        """Whether the photo says anything to a step: to the place, and to the label where it was seen."""
        if isinstance(step, m.PlaceStep):
            return step.what is m.PlaceWhat.METER
        seen = isinstance(step, m.ScanStep) and slot.slot not in self._by_hand and step.device is _role(run)
        return seen and self._seen(slot.slot) is not None

    def _answer(self, run: ProcedureRun, step: m.Step, slot: SlotVerdict) -> a.Answer:
        seen, serial = self._seen(slot.slot), slot.serial or ""
        if seen is None or not isinstance(step, m.ScanStep):
            return a.PlaceAnswer(panel=self.panel, slot=slot.slot)
        label = run.scanned(seen.codes)
        photo = run.add_photo(self._crop(seen), f"label_{step.device.value}")
        texts = [code.text for code in seen.codes] or [serial]
        return a.ScanAnswer(serial=serial, identities=label.fields, codes=texts, photos=[photo.sha256])

    def _seen(self, slot: int) -> PanelSlot | None:
        reading = self.reading
        return None if reading is None else next((one for one in reading.slots if one.slot == slot), None)

    def _crop(self, slot: PanelSlot) -> bytes:
        """The label with what is around it, as JPEG: an order keeps its own device and not its
        neighbours'."""
        with self._lock:
            image = self._image
        if image is None:
            raise JobError("unreadable_image", "there is no photo")
        corners = np.array(slot.frame)
        reach = _MARGIN * float(np.ptp(corners, axis=0).max()) / 2
        low, high = corners.min(axis=0) - reach, corners.max(axis=0) + reach
        x0, y0 = np.maximum(low, 0).astype(int)
        x1, y1 = np.minimum(high, (image.shape[1], image.shape[0])).astype(int)
        return _packed(image[y0:y1, x0:x1])

    # --- the orders -------------------------------------------------------------------------------

    def _runs(self) -> list[ProcedureRun]:
        return [run for run in self._ground.orders() if isinstance(run, ProcedureRun)]

    def _run_for(self, slot: SlotVerdict, runs: list[ProcedureRun]) -> ProcedureRun | None:
        """The order of a device: the one that names it, else the one of its slot that leaves the device
        open."""
        named = [run for run in runs if _due(run) == normalise_serial(slot.serial)]
        at_slot = [run for run in runs if run.order.place.slot == slot.slot and _due(run) is None]
        return next(iter(named or at_slot), None)

    def _expected(self) -> dict[str, int | None]:
        """Serial → slot of every order that is still open and names its device."""
        runs = [run for run in self._runs() if run.state.end is None]
        return {serial: run.order.place.slot for run in runs if (serial := _due(run)) is not None}

    def _also_ours(self) -> set[str]:
        """Devices on this truck, and those that the network tree has in this panel."""
        truck = {row.serial for row in self._tablet.stock() if row.state == ON_TRUCK}
        return truck | set(self._ground.standing().values())

    def _read(self, image: np.ndarray, *, newer: bool) -> None:
        """newer: whether the picture was taken after what was said."""
        known = {serial: slot for serial, slot in self._expected().items() if slot is not None}
        rules = load_rules(self._tablet.desk.now().folders["labels"])
        reading = read_panel(
            image, rules, rows=self.rows, columns=self.columns, known=known, budget_ms=BUDGET_MS
        )
        with self._lock:
            self._image, self.reading = image, reading
            self._taken = time.monotonic() if newer else self._taken
            if newer:  # What it cannot read either still holds.
                read = {slot.slot: slot for slot in reading.slots if slot.serial}
                self._forget(lambda slot: slot in read and not self._bears_out(read[slot]))

    def _bears_out(self, seen: PanelSlot) -> bool:
        """Whether a doubtful look shows what was said: then it still takes the word of a person."""
        return seen.doubtful and normalise_serial(seen.serial) == self._said[seen.slot]

    def _forget(self, wrong: Callable[[int], bool]) -> None:
        """Drop what was said of some slots; under the lock."""
        for slot in [slot for slot in self._said if wrong(slot)]:
            del self._said[slot]
            self._by_hand.discard(slot)

    def _usual_size(self, orders: int) -> tuple[int, int]:
        """Rows × columns to begin with: what the tree says the panel holds, a little wider than high."""
        node = self._tablet.tree.node(self.panel)
        count = max(1, (node.capacity if node and node.capacity else None) or orders)
        columns = next((c for c in range(math.ceil(math.sqrt(count)), count + 1) if count % c == 0), count)
        if columns > 3 * max(1, count // columns):  # a prime number: no neat rectangle
            columns = math.ceil(math.sqrt(count * 1.5))
        return math.ceil(count / columns), columns


_OPEN: WeakKeyDictionary[object, dict[str, PanelPhoto]] = WeakKeyDictionary()
_OPENING = threading.Lock()


def photo_of(tablet: Tablet, panel: str) -> PanelPhoto:
    """The photo of a panel of this tablet: the page and the step of a procedure look at the same one.

    One of another visit (`FRESH_S` back) is forgotten: it shows what hung there then.

    Raises:
        JobError: `no_such_panel`.
    """
    with _OPENING:
        open_ones = _OPEN.setdefault(tablet, {})
        found = open_ones.get(panel)
        if found is None or found.age() > FRESH_S:
            found = PanelPhoto(tablet, panel)
            open_ones |= {panel: found, found.panel: found}
        return found


def sight_of(tablet: Tablet, panel: str) -> PanelPhoto | None:
    """The same for a step; None where no order of this tablet hangs there."""
    try:
        return photo_of(tablet, panel)
    except JobError:
        return None


def _packed(image: np.ndarray) -> bytes:
    good, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not good:
        raise JobError("unreadable_image", "the photo cannot be packed")
    return bytes(packed.tobytes())


def _role(run: ProcedureRun) -> DeviceRole:
    """The device that hangs there now: the old one until its label was read, then the new one."""
    job = run.job()
    steps = engine.visible_steps(run.procedure, job, run.state)
    old = [step for step in steps if isinstance(step, m.ScanStep) and step.device is DeviceRole.OLD]
    return (
        DeviceRole.OLD
        if any(not engine.is_done(step, run.procedure, job, run.state) for step in old)
        else DeviceRole.NEW
    )


def _due(run: ProcedureRun) -> str | None:
    """Serial of the device that should hang there now."""
    asset = run.order.old_asset if _role(run) is DeviceRole.OLD else run.order.new_asset
    return normalise_serial(asset.serial) if asset is not None else None
