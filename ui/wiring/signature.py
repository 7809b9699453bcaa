"""The strokes of a signature as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

from PIL import Image, ImageDraw

SCALE = 2
PEN = 3 * SCALE
FEWEST_POINTS = 4


def draw_signature(answers: Mapping[str, object]) -> bytes | None:
    """PNG of `strokes` (lists of [x, y] in a field of `width` × `height`), or nothing where nobody signed."""
    strokes = answers.get("strokes")
    if not isinstance(strokes, list) or not any(len(stroke) >= FEWEST_POINTS for stroke in strokes):
        return None
    width, height = (round(float(str(answers.get(side) or 300))) for side in ("width", "height"))
    image = Image.new("L", (max(1, width) * SCALE, max(1, height) * SCALE), 255)
    pen = ImageDraw.Draw(image)
    for stroke in strokes:
        points = [(float(x) * SCALE, float(y) * SCALE) for x, y in stroke]
        pen.line(points, fill=16, width=PEN, joint="curve")
    target = BytesIO()
    image.save(target, "PNG", optimize=True)
    return target.getvalue()
