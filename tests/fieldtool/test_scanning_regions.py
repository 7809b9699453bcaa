"""Where codes may stand: the shortcuts say the same as the library's own ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldtool.scanning import decoder, regions
from fieldtool.scanning.codes import Symbology
from tests.support.label_images import Trouble, samples


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=60), st.floats(0, 100))
def test_a_percentile_is_that_of_numpy(values: list[float], share: float) -> None:
    row = np.array(values, np.float64)
    low, asked, high = regions._percentiles(row, 0, share, 100)
    assert (low, high) == (row.min(), row.max())
    assert asked == pytest.approx(float(np.percentile(row, share)), abs=1e-6)


@pytest.mark.parametrize(("roll", "yaw"), [(0, 0), (17, 0), (-35, 25)])
def test_a_region_lies_on_its_code(roll: float, yaw: float) -> None:
    """Its sides are solved for by hand: a wrong sign would mirror a slanting one."""
    sample = next(samples(Symbology.CODE_128, Trouble(roll=roll, yaw=yaw), 1, seed=11))
    [code] = decoder.decode(sample.image, 2000)
    best = regions.find(decoder._grey(sample.image))[0]
    assert best.linear
    assert best.centre == pytest.approx(code.centre, abs=0.08 * best.half_length)
    one, two = np.array(code.corners[0]), np.array(code.corners[1])
    assert 2 * best.half_length == pytest.approx(float(np.linalg.norm(two - one)), rel=0.12)
