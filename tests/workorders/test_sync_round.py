"""A tablet and the office, in one process: what is written on one side is on the other after a round."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from tests.workorders.offices import Bureau
from workorders.gateway.direct import DirectTransport
from workorders.store import queries, schema
from workorders.sync import wire

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


class Watched(DirectTransport):
    """Notes what is asked for, in which order; may spoil the first ring."""

    said: list[str]
    spoil: bool

    def pull(self, cursor: str | None) -> wire.PullPage:
        self.said.append("pull")
        return super().pull(cursor)

    def keys(self, have: str | None) -> wire.KeysAnswer:
        self.said.append("keys" if have is None else "keys again")
        answer = super().keys(have)
        spoilt, self.spoil = self.spoil, False
        return msgspec.structs.replace(answer, sealed="AAAA") if spoilt else answer


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (False, ["keys", "pull", "keys again"]),
        # The crew has its orders all the same.
        (True, ["keys", "pull", "keys"]),
    ],
)
def test_a_first_download_has_its_keys_before_its_orders(
    bureau: Bureau, spoil: bool, said: list[str]
) -> None:
    """After them, each order's search text was written twice: four tenths of a first download."""
    tablet = bureau.tablet("A")
    transport = Watched(bureau.office, bureau.files, tablet.identity.tablet)
    transport.said, transport.spoil = [], spoil
    report = tablet.sync(transport)
    assert (report.state, report.equal, report.keys_changed) == ("done", True, True)
    assert transport.said == said
    with tablet.store.read() as connection:
        waiting = select(func.count()).select_from(schema.order_text_waiting)
        assert connection.execute(waiting).scalar_one() == 0
        assert queries.count_orders(connection, search="quispe") > 0
    tablet.sync(transport)
    assert transport.said == [*said, "pull", "keys again"], "later rounds go as ever"
