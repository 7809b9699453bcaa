"""`python -m tests.bench.scan [--json] [--images N] [--count N] [--seed N]`: labels, beside plain zxing-cpp.

Seeded pictures, one trouble at a time at rising levels (`tests.support.label_images`), and the stress set of
mixed troubles (`tests.support.label_stress`, `--images` of it, turn by turn of every symbology; `--first`
goes on where another run ended). `--processor-time` counts budgets and times by the processor's time of this
process, for a machine that others keep busy. Keys of the object:

- `read`, `plain`: shares of all pictures read rightly, by us and by zxing-cpp alone; `ratio` of the two;
- `wrong`, `plain_wrong`: readings that say something else than the picture;
- `by_trouble`, `by_symbology`: `{"pictures", "read", "plain"}` each;
- `good_ms`, `plain_good_ms`, `good_ratio`: median time of a clean frame 1280×720 with three codes, and ratio;
- `worst_ms`: the longest of all pictures (budget 300 ms);
- `panel`: a 12-megapixel photo of 24 meters at 20°/15°/4°;
- `slots`: photos at 35°/25°/8° with a fifth missing: `exact` ones have every serial in its own slot;
- `stress`: `images`, `first`, `wrong` (readings that say something else and that are believed at once),
  `doubtful_wrong` (the same, but marked marginal: a second frame would have to agree), `plain_wrong`,
  `median_ms`, `longest_ms`, `by_symbology` and `by_trouble` with `pictures`, `read`, `plain`, and shares;
  `mistakes`: what was read wrong.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np

from assets import root
from fieldtool.scanning import Symbology, decode, decoder, engine
from fieldtool.scanning.labels_out import LabelCode, MeterLabel, meter_label
from fieldtool.scanning.panel import read_panel
from fieldtool.scanning.rules import load_rules
from tests.support.label_images import LADDERS, Trouble, samples, spoil
from tests.support.label_stress import SEVERITY, stress_sample
from tests.support.panel_images import panel_photo

_SYMBOLOGIES = [s for s in Symbology if s not in (Symbology.EAN_8, Symbology.UPC_A, Symbology.UNKNOWN)]
_Row = dict[str, float]


def _plain(image: np.ndarray) -> list[str]:
    return [code.text for code in engine.read(image, engine.EVERY)]


def _ours(image: np.ndarray) -> list[str]:
    return [code.text for code in decode(image, 300)]


def _timed(read: Callable[[np.ndarray], list[str]], image: np.ndarray) -> tuple[list[str], float]:
    started = decoder.clock()
    texts = read(image)
    return texts, (decoder.clock() - started) * 1000


def _ladders(count: int, seed: int) -> dict[str, object]:
    trouble: dict[str, dict[str, int]] = {}
    kinds: dict[str, dict[str, int]] = {}
    wrong = plain_wrong = 0
    worst = 0.0
    for name, ladder in LADDERS.items():
        for level in ladder:
            for symbology in _SYMBOLOGIES:
                for sample in samples(symbology, level, count, seed):
                    ours, took = _timed(_ours, sample.image)
                    plain = _plain(sample.image)
                    worst = max(worst, took)
                    wrong += sum(t != sample.text for t in ours)
                    plain_wrong += sum(t != sample.text for t in plain)
                    for row in (
                        trouble.setdefault(name, {"pictures": 0, "read": 0, "plain": 0}),
                        kinds.setdefault(symbology.value, {"pictures": 0, "read": 0, "plain": 0}),
                    ):
                        row["pictures"] += 1
                        row["read"] += sample.text in ours
                        row["plain"] += sample.text in plain
    total = {key: sum(row[key] for row in kinds.values()) for key in ("pictures", "read", "plain")}
    return {
        "pictures": total["pictures"],
        "read": round(total["read"] / total["pictures"], 3),
        "plain": round(total["plain"] / total["pictures"], 3),
        "ratio": round(total["read"] / max(1, total["plain"]), 3),
        "wrong": wrong,
        "plain_wrong": plain_wrong,
        "by_trouble": trouble,
        "by_symbology": kinds,
        "worst_ms": round(worst, 1),
    }


def _stress(images: int, first: int, seed: int) -> dict[str, object]:
    kinds: dict[str, _Row] = {}
    troubles: dict[str, _Row] = {}
    mistakes: list[dict[str, object]] = []
    times: list[float] = []
    plain_wrong = 0
    for number in range(first, first + images):
        symbology = list(SEVERITY)[number % len(SEVERITY)]
        sample = stress_sample(symbology, number // len(SEVERITY), seed, SEVERITY[symbology])
        started = decoder.clock()
        ours = decode(sample.image, 300)
        times.append((decoder.clock() - started) * 1000)
        plain = _plain(sample.image)
        plain_wrong += sum(text != sample.text for text in plain)
        for code in (code for code in ours if code.text != sample.text):
            said = {"number": number, "is": sample.text, "symbology": symbology.value}
            mistakes.append(said | {"read": code.text, "as": code.symbology.value, "marginal": code.marginal})
        for row in (
            kinds.setdefault(symbology.value, {"pictures": 0, "read": 0, "plain": 0}),
            troubles.setdefault(sample.trouble.name, {"pictures": 0, "read": 0, "plain": 0}),
        ):
            row["pictures"] += 1
            row["read"] += sample.text in [code.text for code in ours]
            row["plain"] += sample.text in plain
    for row in (*kinds.values(), *troubles.values()):
        row["share"] = round(row["read"] / row["pictures"], 3)
        row["plain_share"] = round(row["plain"] / row["pictures"], 3)
    return {
        "images": images,
        "first": first,
        "wrong": sum(not one["marginal"] for one in mistakes),
        "doubtful_wrong": sum(bool(one["marginal"]) for one in mistakes),
        "plain_wrong": plain_wrong,
        "median_ms": round(statistics.median(times), 1) if times else None,
        "longest_ms": round(max(times), 1) if times else None,
        "by_symbology": kinds,
        "by_trouble": troubles,
        "mistakes": mistakes,
    }


def _good_frame(seed: int) -> dict[str, float]:
    codes = (
        LabelCode("ZIV0012345678", caption="ZIV0012345678"),
        LabelCode("8412345678905", Symbology.EAN_13),
        LabelCode("40:40:22:BC:61:4E", Symbology.DATA_MATRIX),
    )
    label = meter_label(MeterLabel("ZIV", "5CTM", ("230 V 5(80) A 50 Hz",), codes), root() / "fonts")
    frame = spoil(label[:, :, 0], Trouble(roll=3, yaw=10), 3, np.random.default_rng(seed), (720, 1280))
    ours = statistics.median(_timed(_ours, frame)[1] for _ in range(15))
    plain = statistics.median(_timed(_plain, frame)[1] for _ in range(15))
    return {"good_ms": round(ours, 2), "plain_good_ms": round(plain, 2), "good_ratio": round(ours / plain, 2)}


def _panel(seed: int, budget_ms: float) -> dict[str, object]:
    """A 12-megapixel photo of 24 meters at 20°/15°/4°: read as a panel, and by the library alone."""
    rules = load_rules(root() / "labels")
    photo = panel_photo(4, 6, roll=20, yaw=15, pitch=4, seed=seed)
    plain, plain_ms = _timed(_plain, photo.image)
    started, worked = time.perf_counter(), time.process_time()
    reading = read_panel(photo.image, rules, rows=4, columns=6, budget_ms=budget_ms)
    took, cpu = (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000
    right = sum(slot.serial == photo.serials[slot.slot] for slot in reading.slots)
    alone = len(set(plain) & set(photo.serials.values()))
    times = {"ms": round(took), "cpu_ms": round(cpu), "plain_ms": round(plain_ms)}
    return {"read": right, "plain": alone, "of": 24, **times}


def _slots(trials: int, seed: int, budget_ms: float) -> dict[str, object]:
    """The same at 35°/25°/8° with a fifth of the meters missing or blinded: is every serial in its own
    slot?"""
    rules = load_rules(root() / "labels")
    rng = np.random.default_rng(seed)
    exact = wrong = read = there = unsure = 0
    for trial in range(trials):
        gone = [int(slot) for slot in rng.choice(np.arange(1, 25), 5, replace=False)]
        photo = panel_photo(
            4, 6, roll=35, yaw=25, pitch=8, missing=gone[:3], unreadable=gone[3:], seed=seed + trial
        )
        reading = read_panel(photo.image, rules, rows=4, columns=6, budget_ms=budget_ms)
        there += len(photo.serials)
        if reading.unsure_origin or not reading.fitted:
            unsure += 1
            continue
        named = {slot.slot: slot.serial for slot in reading.slots if slot.serial is not None}
        mistakes = sum(photo.serials.get(slot) != serial for slot, serial in named.items())
        wrong += mistakes
        exact += not mistakes
        read += len(named) - mistakes
    return {"photos": trials, "exact": exact, "unsure": unsure, "wrong": wrong, "read": read, "of": there}


def _measured(given: argparse.Namespace) -> dict[str, object]:
    result: dict[str, object] = {"stress": _stress(given.images, given.first, given.seed)}
    if not given.stress_only:
        result |= _ladders(given.count, given.seed) | _good_frame(given.seed)
        result |= {"panel": _panel(given.seed, given.panel_ms)}
        result |= {"slots": _slots(given.panels, given.seed, given.panel_ms)}
    return result


def main(argv: list[str] | None = None) -> int:
    """Run and print. Exit status 0; a figure is no verdict."""
    parser = argparse.ArgumentParser(prog="tests.bench.scan", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object and nothing else")
    parser.add_argument("--count", type=int, default=2, help="pictures for each trouble, level and symbology")
    parser.add_argument("--images", type=int, default=240, help="pictures of the stress set")
    parser.add_argument("--first", type=int, default=0, help="number of the first one of the stress set")
    parser.add_argument("--panels", type=int, default=3, help="photos of a tilted panel")
    parser.add_argument("--panel-ms", type=float, default=1500, help="time for a panel's photo")
    parser.add_argument("--stress-only", action="store_true", help="nothing but the stress set")
    parser.add_argument(
        "--processor-time", action="store_true", help="count budgets by it: for a machine that others use"
    )
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    cv2.setRNGSeed(given.seed)
    kept = decoder.clock
    try:
        decoder.clock = time.process_time if given.processor_time else kept
        result = _measured(given)
    finally:
        decoder.clock = kept
    if given.json:
        print(json.dumps(result))
        return 0
    for key, value in result.items():
        print(f"{key:14} {value}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
