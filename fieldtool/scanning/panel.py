"""One photo of a panel: every code, which device each belongs to, in which slot, and which slots nothing is
known of.

The decoder reads what it can of the whole picture. Codes that name a serial (by the label rules) are fitted
to rows
and columns (`lattice.py`); the fit says where a label that was not read must be, and there the picture is
looked at
once more, straightened and enlarged. What then is still unread is for the person to look at: `unread` where
something
like a label is seen, `unseen` where nothing is.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence

import cv2
import msgspec
import numpy as np

from . import decoder, rectify, regions
from . import lattice as lattices
from .classify import SERIAL, LabelReading, classify
from .codes import Code, Corners
from .decoder import decode
from .lattice import Lattice
from .rules import LabelRules

#: What part of the time goes to the picture as a whole; the rest is for places where something should be.
_WHOLE_SHARE = 0.55
#: Looks at one place: enlarged by so much.
_ZOOMS = (1.0, 2.0)
#: No look at one place takes longer than so many milliseconds.
_LONGEST_LOOK = 160.0
#: Half the size of a place beside its label, in steps of the lattice.
_HALF_CELL = 0.5


class SlotSight(enum.StrEnum):
    """What a photo says of a slot: `read`, `unread` (a label is seen, but not legible), `unseen` (nothing is
    seen),
    `competing` (two serials in one slot: nobody knows which)."""

    READ = "read"
    UNREAD = "unread"
    UNSEEN = "unseen"
    COMPETING = "competing"


class PanelSlot(msgspec.Struct, frozen=True, kw_only=True):
    """One slot of the photo.

    slot: 1 … rows × columns, row by row. frame: four corners in pixels (of the label where it was read, else
    of the
        place where it should be). fields: what else its codes say (MAC, model …). doubtful: the serial was
        read near
        the limit of resolution; a second look must agree before it is believed.
    """

    slot: int
    row: int
    column: int
    sight: SlotSight
    frame: Corners
    serial: str | None = None
    fields: dict[str, str] = {}
    codes: tuple[Code, ...] = ()
    candidates: tuple[str, ...] = ()
    doubtful: bool = False


class PanelReading(msgspec.Struct, frozen=True, kw_only=True):
    """What a photo of a panel gave.

    outside: codes with a serial that lie on no slot. unsure_origin: a whole row or column at the border may
    be
        missing and nothing in the picture says on which side; slots are then counted from the upper left.
    fitted: False where no rows and columns could be made out (`slots` is empty then).
    """

    rows: int
    columns: int
    slots: tuple[PanelSlot, ...]
    codes: tuple[Code, ...]
    outside: tuple[Code, ...] = ()
    unsure_origin: bool = False
    fitted: bool = True
    width: int = 0
    height: int = 0

    @property
    def to_look_at(self) -> tuple[int, ...]:
        """Slots that want a second look."""
        return tuple(s.slot for s in self.slots if s.sight is not SlotSight.READ or s.doubtful)

    def to_json(self) -> dict[str, object]:
        """The object under `panel` of `fieldtool scan --panel --json`; the keys are kept."""
        return {
            "rows": self.rows,
            "columns": self.columns,
            "fitted": self.fitted,
            "unsure_origin": self.unsure_origin,
            "read": sum(slot.sight is SlotSight.READ for slot in self.slots),
            "of": self.rows * self.columns,
            "to_look_at": list(self.to_look_at),
            "slots": [
                {
                    "slot": slot.slot,
                    "row": slot.row + 1,
                    "column": slot.column + 1,
                    "state": slot.sight.value,
                    "serial": slot.serial,
                    "doubtful": slot.doubtful,
                    "candidates": list(slot.candidates),
                    "fields": slot.fields,
                    "corners": [[round(x, 1), round(y, 1)] for x, y in slot.frame],
                }
                for slot in self.slots
            ],
            "outside": [code.text for code in self.outside],
        }


def read_panel(
    image: np.ndarray,
    rules: LabelRules,
    *,
    rows: int | None = None,
    columns: int | None = None,
    model: str | None = None,
    known: Mapping[str, int] | None = None,
    budget_ms: float = 1500,
) -> PanelReading:
    """Read a panel in one photo.

    Args:
        image: H×W×3 BGR or H×W grey, uint8.
        rows, columns: how many slots there are; None: as many as are seen. A missing row at the border can
        only
            be told where they are given.
        known: serial → slot (1 …) as the orders have it: says where the upper left is when a border is
        missing.
        budget_ms: about how long it may take.

    Raises ValueError for an array that is no picture, and for rows or columns below 1.
    """
    if (rows is not None and rows < 1) or (columns is not None and columns < 1):
        raise ValueError("a panel has at least one row and one column")
    until = decoder.clock() + budget_ms / 1000
    codes = decode(image, budget_ms * _WHOLE_SHARE)
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    look = _Look(grey, rules, model)
    codes, fitted, whole = _completed(look, codes, (rows, columns), until)
    height, width = grey.shape
    if fitted is None:
        return PanelReading(
            rows=rows or 0,
            columns=columns or 0,
            slots=(),
            codes=tuple(codes),
            outside=tuple(look.anchors(codes)),
            fitted=False,
            width=width,
            height=height,
        )
    size = (rows or fitted.rows, columns or fitted.columns)
    placed, unsure = _placed(fitted, size, look, codes, known or {}, whole=whole)
    slots, outside = _slots(look, codes, _Places(placed, size))
    return PanelReading(
        rows=size[0],
        columns=size[1],
        slots=slots,
        codes=tuple(codes),
        outside=outside,
        unsure_origin=unsure,
        width=width,
        height=height,
    )


class _Look:
    """The picture and the rules by which its codes are understood."""

    def __init__(self, grey: np.ndarray, rules: LabelRules, model: str | None) -> None:
        self.grey, self._rules, self._model = grey, rules, model

    def classify(self, codes: Sequence[Code]) -> LabelReading:
        """What the codes of one device say."""
        return classify(codes, self._rules, model=self._model)

    def anchors(self, codes: Sequence[Code]) -> list[Code]:
        """One code for each device: those that name a serial; a device that names it twice counts once."""
        anchors: list[Code] = []
        seen: set[str] = set()
        for code in sorted(codes, key=lambda code: not code.symbology.is_linear):
            reading = self.classify([code])
            rivals = {c.value for c in reading.competing if c.field == SERIAL}
            names = {reading.serial} if reading.serial else rivals
            if names and not names & seen:
                anchors.append(code)
                seen |= names
        return anchors


class _Places:
    """The slots of a panel of a size, by a lattice whose cell (0, 0) is slot 1; without a size every cell
    counts."""

    def __init__(self, lattice: Lattice, size: tuple[int, int] | None) -> None:
        self.lattice, self.size = lattice, size

    def of(self, point: tuple[float, float], within: float = _HALF_CELL) -> tuple[int, int] | None:
        """The cell in which a point lies, no further than `within` from its label; None outside."""
        row, column = self.lattice.cell_of(point)
        if not (math.isfinite(row) and math.isfinite(column)):
            return None
        cell = (round(row), round(column))
        if max(abs(row - cell[0]), abs(column - cell[1])) > within:
            return None
        size = self.size
        inside = size is None or (0 <= cell[0] < size[0] and 0 <= cell[1] < size[1])
        return cell if inside else None

    def frame(self, row: int, column: int, half: float = _HALF_CELL) -> Corners:
        """Corners of the place around a slot's label."""
        ways = ((-half, -half), (-half, half), (half, half), (half, -half))
        one, two, three, four = (self.lattice.at(row + down, column + right) for down, right in ways)
        return (one, two, three, four)


def _completed(
    look: _Look, codes: list[Code], wanted: tuple[int | None, int | None], until: float
) -> tuple[list[Code], Lattice | None, bool]:
    """Fit what was read, look again where something should be, and fit anew as long as that gives more.

    The lattice is always that of all the codes. The last value says whether every place was looked at, or the
    time was up before.
    """
    fitted: Lattice | None = None
    known, whole = -1, False
    while True:
        anchors = look.anchors(codes)
        late = decoder.clock() > until
        if len(anchors) <= known:
            return codes, fitted, whole
        known = len(anchors)
        fitted = lattices.fit(anchors, *wanted)
        if fitted is None:
            return codes, None, whole
        rows, columns = wanted
        if rows is not None and columns is not None:
            fitted = _as_it_hangs(fitted, rows, columns)
        if late:
            return codes, fitted, whole
        codes, whole = _looked_again(look, codes, fitted, _cells(fitted, rows, columns), until)


def _as_it_hangs(lattice: Lattice, rows: int, columns: int) -> Lattice:
    """Turned where the labels are glued upright, so that only then it fits what is known of the panel."""
    if lattice.rows <= rows and lattice.columns <= columns:
        return lattice
    return lattice.turned()


def _cells(lattice: Lattice, rows: int | None, columns: int | None) -> list[tuple[int, int]]:
    """Cells where a label may be: between those that were read first, then beyond them, as far as the panel
    may go
    (one further where nobody says how large it is)."""
    more_rows = 1 if rows is None else rows - lattice.rows
    more_columns = 1 if columns is None else columns - lattice.columns
    every = [
        (row, column)
        for row in range(-more_rows, lattice.rows + more_rows)
        for column in range(-more_columns, lattice.columns + more_columns)
    ]

    def beyond(cell: tuple[int, int]) -> int:
        row, column = cell
        return max(0, -row, row - lattice.rows + 1) + max(0, -column, column - lattice.columns + 1)

    return sorted(every, key=beyond)


def _placed(
    lattice: Lattice,
    size: tuple[int, int],
    look: _Look,
    codes: Sequence[Code],
    known: Mapping[str, int],
    *,
    whole: bool,
) -> tuple[Lattice, bool]:
    """Where slot 1 is, when fewer rows or columns are seen than there are. Returns (lattice, unsure).

    Where not every place was looked at (`whole`), what was seen at the border proves nothing: only the orders
    can say then on which side something is missing.
    """
    spare_rows, spare_columns = max(0, size[0] - lattice.rows), max(0, size[1] - lattice.columns)
    if not spare_rows and not spare_columns:
        return lattice, False
    choices = [lattice.moved(r, c) for r in range(spare_rows + 1) for c in range(spare_columns + 1)]
    anchors = look.anchors(codes)

    def agreeing(choice: Lattice) -> int:
        slots = {index: row * size[1] + column + 1 for index, (row, column) in choice.cells.items()}
        serials = {slot: look.classify([anchors[index]]).serial for index, slot in slots.items()}
        return sum(serial is not None and known.get(serial) == slot for slot, serial in serials.items())

    striped = [region.centre for region in regions.find(look.grey) if region.linear]

    def seen(choice: Lattice) -> int:
        places = _Places(choice, size)
        coded = {places.of(code.centre) for code in codes} - {None}
        barred = {places.of(centre, within=0.25) for centre in striped} - {None}
        return 2 * len(coded) + len(barred - coded)

    # One stripe at a border may be a cable; a code there, or two stripes, are labels.
    for judge, least in ((agreeing, 1), (seen, 2)):
        ranked = sorted(choices, key=judge)
        if judge(ranked[-1]) >= judge(ranked[-2]) + least:
            return ranked[-1], judge is seen and not whole
    return choices[0], True


def _looked_again(
    look: _Look, codes: list[Code], lattice: Lattice, cells: list[tuple[int, int]], until: float
) -> tuple[list[Code], bool]:
    """Look once more at each cell without a serial, straightened by the lattice; the cheap look at all of
    them first. Also says whether there was time for that one."""
    codes = list(codes)
    places = _Places(lattice, None)
    named = {places.of(code.centre) for code in look.anchors(codes) if not code.marginal}
    left = [cell for cell in cells if cell not in named]
    for zoom in _ZOOMS:
        for number, cell in enumerate(list(left)):
            remaining = (until - decoder.clock()) * 1000
            if remaining <= 0:
                return codes, zoom != _ZOOMS[0]
            # each of those that are left gets its share
            share = remaining / max(1, len(left) - number) * (0.6 if zoom == _ZOOMS[0] else 1.0)
            found = _looked_at(look.grey, places.frame(*cell), zoom, min(_LONGEST_LOOK, max(12.0, share)))
            texts = {code.text for code in codes if places.of(code.centre) == cell and not code.marginal}
            codes += [code for code in found if code.text not in texts]
            if look.anchors(found):
                left.remove(cell)
    return codes, True


def _looked_at(grey: np.ndarray, frame: Corners, zoom: float, budget_ms: float) -> list[Code]:
    """Codes of one place, in pixels of the whole picture."""
    source = np.array(frame, np.float32)
    height, width = grey.shape
    if (source < -0.5 * max(width, height)).any() or (source > 1.5 * max(width, height)).any():
        return []
    across = round(zoom * max(math.dist(frame[0], frame[1]), math.dist(frame[3], frame[2])))
    down = round(zoom * max(math.dist(frame[0], frame[3]), math.dist(frame[1], frame[2])))
    if not (16 <= across <= 3000 and 16 <= down <= 3000):
        return []
    target = np.array([[0, 0], [across, 0], [across, down], [0, down]], np.float32)
    there = cv2.getPerspectiveTransform(source, target)
    straight = cv2.warpPerspective(grey, there, (across, down), flags=cv2.INTER_CUBIC)
    back = np.linalg.inv(there)
    return [_moved(code, back) for code in decode(straight, budget_ms)]


def _moved(code: Code, back: np.ndarray) -> Code:
    placed = cv2.perspectiveTransform(np.array(code.corners, np.float32).reshape(-1, 1, 2), back).reshape(
        -1, 2
    )
    one, two, three, four = ((float(x), float(y)) for x, y in placed)
    return msgspec.structs.replace(code, corners=(one, two, three, four))


def _slots(
    look: _Look, codes: Sequence[Code], places: _Places
) -> tuple[tuple[PanelSlot, ...], tuple[Code, ...]]:
    """Every slot with what was found in it, and the codes with a serial that lie in none."""
    inside: dict[tuple[int, int], list[Code]] = {}
    lost: list[Code] = []
    for code in codes:
        cell = places.of(code.centre)
        if cell is None:
            lost.append(code)
        else:
            inside.setdefault(cell, []).append(code)
    rows, columns = places.size or (0, 0)
    slots = [
        _slot(look, places, (row, column), inside.get((row, column), []), row * columns + column + 1)
        for row in range(rows)
        for column in range(columns)
    ]
    return tuple(slots), tuple(look.anchors(lost))


def _slot(look: _Look, places: _Places, cell: tuple[int, int], codes: Sequence[Code], slot: int) -> PanelSlot:
    reading = look.classify(codes)
    here = PanelSlot(
        slot=slot,
        row=cell[0],
        column=cell[1],
        sight=SlotSight.READ,
        frame=places.frame(*cell, half=0.3),
        fields=reading.fields,
        codes=tuple(codes),
    )
    if reading.serial is not None:
        named = [code for code in codes if look.classify([code]).serial == reading.serial]
        return msgspec.structs.replace(
            here,
            serial=reading.serial,
            frame=named[0].corners if named else here.frame,
            doubtful=bool(named) and all(code.marginal for code in named),
        )
    rivals = tuple(sorted({claim.value for claim in reading.competing if claim.field == SERIAL}))
    if rivals:
        return msgspec.structs.replace(here, sight=SlotSight.COMPETING, candidates=rivals)
    seen = bool(codes) or _something_there(look.grey, here.frame)
    return msgspec.structs.replace(here, sight=SlotSight.UNREAD if seen else SlotSight.UNSEEN)


def _something_there(grey: np.ndarray, frame: Corners) -> bool:
    """Whether there is a label at a place: bars, or at least a light patch with an edge."""
    points = np.array(frame)
    height, width = grey.shape
    x0, y0 = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(points.max(axis=0)).astype(int), (width, height))
    if x1 - x0 < 12 or y1 - y0 < 12:
        return False
    crop = grey[y0:y1, x0:x1]
    low, high = np.percentile(crop, [5, 95])
    striped = [r for r in regions.find(np.ascontiguousarray(crop)) if r.linear]
    return bool(high - low > 40) or any(rectify.looks_like_bars(crop, region) for region in striped)
