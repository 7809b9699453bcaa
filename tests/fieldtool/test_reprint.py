"""What a tablet executed stays readable and printable on it, whoever the order belongs to now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from fieldtool.errors import JobError
from fieldtool.tablet.rows import Group, OrderFilter
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool.enrolled import PDF, enrolled_tablet, execute
from tests.workorders.offices import Bureau
from workorders.gateway import acts, erasing
from workorders.store import keys, queries
from workorders.sync.blobs import GRACE, expired


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path / "office")


@pytest.fixture
def tablet(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    return enrolled_tablet(bureau, tmp_path / "home", monkeypatch)


def an_order(tablet: Tablet) -> tuple[str, str]:
    row = tablet.orders(OrderFilter())[0]
    return row.order_id, row.number


def test_the_record_is_printed_again_after_the_order_went_to_another_crew(
    bureau: Bureau, tablet: Tablet
) -> None:
    order_id, number = an_order(tablet)
    execute(tablet, order_id)
    acts.reassign_order(bureau.office, order_id, "B")
    assert tablet.sync().equal is True
    tablet.sync()
    assert tablet.record_pdf(number) == PDF
    [row] = [one for one in tablet.orders(OrderFilter()) if one.order_id == order_id]
    assert row.group is Group.DONE
    assert row.address is not None
    assert tablet.order(number).action == "none"


def test_closing_the_order_or_the_grace_time_of_files_does_not_take_the_record_away(
    bureau: Bureau, tablet: Tablet
) -> None:
    order_id, number = an_order(tablet)
    execute(tablet, order_id)
    tablet.sync()
    acts.approve_order(bureau.office, order_id)
    tablet.sync()
    with tablet.store.write() as connection:
        assert list(expired(connection, tablet.now() + GRACE + timedelta(days=1))) == []
        assert keys.forget_expired(connection, "2099-01-01T00:00:00.000Z") > 0
    assert tablet.record_pdf(number) == PDF


def test_an_order_that_was_only_planned_here_leaves_with_its_customer(bureau: Bureau, tablet: Tablet) -> None:
    order_id, number = an_order(tablet)
    acts.reassign_order(bureau.office, order_id, "B")
    tablet.sync()
    assert tablet.find_order(number) is None
    with tablet.store.read() as connection:
        detail = queries.order(connection, order_id)
    assert detail is not None
    assert detail.customer_state == "missing"


def test_an_erasure_ends_it(bureau: Bureau, tablet: Tablet) -> None:
    order_id, number = an_order(tablet)
    execute(tablet, order_id)
    tablet.sync()
    acts.reassign_order(bureau.office, order_id, "B")
    erasing.erase_order(bureau.office, order_id, "retention")
    tablet.sync()
    with pytest.raises(JobError) as caught:
        tablet.record_pdf(number)
    assert caught.value.code == "record_erased"
