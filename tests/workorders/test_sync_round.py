"""A tablet and the office, in one process: what is written on one side is on the other after a round."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workorders.offices import Bureau

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path)


def test_the_first_round_brings_the_crews_orders_with_their_keys(bureau: Bureau) -> None:
    tablet = bureau.tablet("A")
    report = tablet.sync()
    assert (report.state, report.code, report.message) == ("done", None, None)
    assert len(tablet.order_ids()) == 4
    assert report.equal is True
    assert report.pending == 0
