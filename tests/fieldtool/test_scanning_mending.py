"""Matrix codes that the library neither finds nor mends: movement, covered parts, the proof needed."""

from __future__ import annotations

import numpy as np
import pytest

from fieldtool.scanning import Symbology, decode, engine, fitted, modules
from fieldtool.scanning.labels_out import code_modules
from fieldtool.scanning.layouts import Layout, data_matrix, qr_code, qr_formats
from tests.support.label_images import Trouble, samples

MATRIX = [Symbology.QR_CODE, Symbology.DATA_MATRIX]
TEXTS = ["ZIV0012345678", "LW:D0:1122334455667788:AABBCCDD12345678:00FF0001", "7", "ab" * 14, "x9" * 45]


def seen(text: str, symbology: Symbology) -> np.ndarray:
    """The modules of a fresh symbol: +1 dark, −1 light."""
    return np.where(code_modules(text, symbology) == 0, 1.0, -1.0).astype(np.float32)


def layout_of(soft: np.ndarray, symbology: Symbology) -> Layout:
    side = soft.shape[0]
    return qr_code(side, *qr_formats(soft)[0]) if symbology is Symbology.QR_CODE else data_matrix(side)


def words_of(soft: np.ndarray, layout: Layout) -> list[int]:
    bits = np.where(layout.flip, soft < 0, soft > 0).ravel()[layout.bits]
    return [int(word) for word in np.packbits(bits, axis=1).ravel()]


@pytest.mark.parametrize("symbology", MATRIX)
@pytest.mark.parametrize("text", TEXTS)
def test_every_bit_of_the_librarys_own_symbols_is_where_the_layout_says(
    symbology: Symbology, text: str
) -> None:
    soft = seen(text, symbology)
    layout = layout_of(soft, symbology)
    assert np.array_equal(layout.fixed, np.where(layout.fixed == 0, 0, soft))
    words = words_of(soft, layout)
    for block in layout.blocks:
        part = [words[number] for number in block.words]
        assert layout.field.correct(part, block.checks, [], 0) == part


@pytest.mark.parametrize("symbology", MATRIX)
def test_erased_words_cost_half_of_mistaken_ones_and_the_spare_checks_are_kept(symbology: Symbology) -> None:
    rng = np.random.default_rng(5)
    soft = seen(TEXTS[1], symbology)
    layout = layout_of(soft, symbology)
    (block,) = layout.blocks
    word = words_of(soft, layout)
    for erasures in range(block.checks + 1):
        mistakes = (block.checks - erasures) // 2
        places = rng.permutation(len(word))[: erasures + mistakes]
        spoilt = list(word)
        for place in places:
            spoilt[place] ^= int(rng.integers(1, 256))
        erased = [int(place) for place in places[:erasures]]
        assert layout.field.correct(spoilt, block.checks, erased, 0) == word
        assert layout.field.correct(spoilt, block.checks, erased, 3) is None


@pytest.mark.parametrize("symbology", MATRIX)
def test_a_covered_part_is_doubted_and_mended_what_covers_too_much_is_not(symbology: Symbology) -> None:
    soft = seen(TEXTS[0], symbology)
    some, most = soft.copy(), soft.copy()
    some[9:12, 9:12] = 0.0
    most[6:, 6:] = 0.0
    mended = modules.read(some, qr=symbology is Symbology.QR_CODE)
    assert mended is not None
    assert mended.text == TEXTS[0]
    assert modules.read(most, qr=symbology is Symbology.QR_CODE) is None


@pytest.mark.parametrize("symbology", MATRIX)
def test_pure_chance_is_never_read(symbology: Symbology) -> None:
    """A symbol made of noise must not have a text, or a hopeless picture would give a serial."""
    rng = np.random.default_rng(3)
    side = 21 if symbology is Symbology.QR_CODE else 14
    for _ in range(300):
        soft = rng.uniform(-1, 1, (side, side)).astype(np.float32)
        assert modules.read(soft, qr=symbology is Symbology.QR_CODE) is None


@pytest.mark.parametrize(
    ("symbology", "trouble"),
    [
        (Symbology.QR_CODE, Trouble("motion", motion=9)),
        (Symbology.DATA_MATRIX, Trouble("motion", motion=7)),
        (Symbology.QR_CODE, Trouble("hidden", hidden=0.07)),
        (Symbology.DATA_MATRIX, Trouble("hidden", hidden=0.05)),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_moved_and_covered_codes_are_read_where_the_library_reads_few(
    symbology: Symbology, trouble: Trouble
) -> None:
    pictures = list(samples(symbology, trouble, 12, seed=23))
    plain = sum(s.text in [c.text for c in engine.read(s.image, engine.EVERY)] for s in pictures)
    ours = 0
    for sample in pictures:
        codes = decode(sample.image, 2000)
        assert [code.text for code in codes] in ([], [sample.text])
        ours += bool(codes)
    assert ours >= plain + 3


def test_the_search_ends_when_its_time_is_over() -> None:
    sample = next(samples(Symbology.DATA_MATRIX, Trouble("motion", motion=7), 1, seed=23))
    grey = np.ascontiguousarray(sample.image[:, :, 1])
    asked: list[int] = []

    def over() -> bool:
        asked.append(1)
        return len(asked) >= 3

    assert fitted.read(grey, over) == []
    assert len(asked) == 3


def test_near_the_resolution_limit_a_mended_code_waits_for_a_second_frame() -> None:
    read = []
    for sample in samples(Symbology.QR_CODE, Trouble("small", module=1.6), 6, seed=4):
        read += fitted.read(np.ascontiguousarray(sample.image[:, :, 1]), lambda: False)
    assert read
    assert all(code.marginal for code in read)
