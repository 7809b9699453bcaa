"""The stress set: one main trouble and a little of another in each picture, as hard as the severity says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fieldtool.scanning.codes import Symbology
from fieldtool.scanning.labels_out import code_image
from tests.support.label_images import Sample, Trouble, random_text, spoil

#: How hard the set is for each symbology, so that plain zxing-cpp reads about 45 % of Code 128, 32 % of QR
#: and
#: 27 % of Data Matrix (seed 1). Not a measure of anything else.
SEVERITY: dict[Symbology, float] = {
    Symbology.CODE_128: 0.97,
    Symbology.QR_CODE: 1.11,
    Symbology.DATA_MATRIX: 1.26,
    Symbology.GS1_128: 0.87,
    Symbology.CODE_39: 0.87,
    Symbology.ITF: 0.87,
    Symbology.EAN_13: 0.87,
    Symbology.EAN_8: 0.87,
}

Values = dict[str, float]
#: trouble → the values at severity `s` (0 harmless … 1 hopeless); `turn` is a random number −1…1.
AXES: dict[str, Callable[[float, float], Values]] = {
    "low_resolution": lambda s, turn: {"module": 3.0 - 2.0 * s},
    "roll": lambda s, turn: {"roll": 90 * turn, "yaw": 30 * s},
    "yaw": lambda s, turn: {"yaw": 66 * s * np.sign(turn)},
    "perspective": lambda s, turn: {"roll": 30 * turn, "pitch": 48 * s, "yaw": 40 * s},
    "blur": lambda s, turn: {"blur": 0.5 + 2.9 * s},
    "motion": lambda s, turn: {"motion": 1 + 11 * s},
    "contrast": lambda s, turn: {"contrast": 0.5 - 0.44 * s},
    "noise": lambda s, turn: {"noise": 4 + 42 * s},
    "shadow": lambda s, turn: {"shadow": 0.3 + 0.58 * s},
    "glare": lambda s, turn: {"glare": 0.15 + 0.85 * s},
    "curve": lambda s, turn: {"curve": 0.2 + 0.65 * s},
    "worn": lambda s, turn: {"wear": 0.2 + 0.8 * s},
    "dirty": lambda s, turn: {"dirt": 0.1 + 0.9 * s},
    "hidden": lambda s, turn: {"hidden": 0.02 + 0.13 * s},
    "jpeg": lambda s, turn: {"jpeg": 60 - 55 * s, "module": 2.4 - 0.6 * s},
}
_WHOLE = ("motion", "jpeg")


def stress_sample(symbology: Symbology, index: int, seed: int, severity: float) -> Sample:
    """Picture number `index`; the same for the same arguments. The trouble's name is its main axis."""
    rng = np.random.default_rng([seed, index, *map(ord, "stress" + symbology.value)])
    names = list(AXES)
    main = names[index % len(names)]
    second = names[int(rng.integers(len(names)))]
    values: Values = {"module": float(rng.uniform(2.0, 3.2)), "roll": float(rng.uniform(-8, 8))}
    values |= AXES[second](0.35 * severity * float(rng.uniform()), float(rng.uniform(-0.3, 0.3)))
    values |= AXES[main](min(1.1, severity * float(rng.uniform(0.25, 1))), float(rng.uniform(-1, 1)))
    whole = {key: max(1, round(values.pop(key))) for key in _WHOLE if key in values}
    trouble = Trouble(main, **values, **whole)  # type: ignore[arg-type]  # whole numbers are in `whole`
    text = random_text(symbology, rng)
    flat = code_image(text, symbology, module=6, height=int(rng.integers(90, 180)))
    plain = text.replace("(01)", "01").replace("(21)", "21")
    return Sample(spoil(flat, trouble, 6, rng), plain, symbology, trouble)
