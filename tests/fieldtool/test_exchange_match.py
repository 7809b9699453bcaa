"""The match of an exchange: a meter that is another one than ordered, and what passes it all the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from fieldtool.errors import JobError, StepRefused
from fieldtool.procedure.views import RunEnd
from fieldtool.text import Language
from tests.fieldtool import world as w
from tests.fieldtool.world import World, codes, make_world, walk
from workorders.journal.words import DeviceRole
from workorders.people import Role
from workorders.store import queries


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def test_swapped_labels_stop_the_match_and_are_resolved_by_scanning_again(world: World) -> None:
    run = world.run()
    walk(run, until="new_scan")
    run.accept({"serial": w.OTHER_SERIAL, "codes": [w.OTHER_SERIAL], "identities": {"mac": "404022B8DE87"}})
    run.read_meter()
    run.accept({})
    view = run.view(Language.ES)
    assert view.current is not None
    assert view.current.id == "match"
    assert view.current.body.cause == "label_of_box"  # type: ignore[union-attr]
    with pytest.raises(StepRefused) as caught:
        run.accept({})
    assert codes(caught) == {"mismatch"}
    assert [match["verdict"] for match in world.payloads("match.checked")] == ["equal", "mismatch"]
    run.go("new_scan")
    walk(run)
    assert [match["verdict"] for match in world.payloads("match.checked")] == ["equal", "mismatch", "equal"]
    assert run.state.end is RunEnd.COMPLETED


def test_a_mismatch_passes_only_by_a_signed_reasoned_override_of_a_role_that_may(world: World) -> None:
    world.meters["new"].serial = w.OTHER_SERIAL
    run = world.run()
    walk(run, until="new_scan")
    run.accept({"serial": w.OTHER_SERIAL, "codes": [w.OTHER_SERIAL], "identities": {"mac": "404022B8DE87"}})
    run.read_meter()
    run.accept({})
    good = {"person": "lead-1", "reason": "list_outdated", "pin": "482615"}
    world.signer.role = Role.INSTALLER
    with pytest.raises(StepRefused) as caught:
        run.accept({"override": good})
    assert "override_role" in codes(caught)
    world.signer.role = Role.LEAD
    with pytest.raises(JobError):
        run.accept({"override": good | {"pin": "000000"}})
    run.accept({"override": good})
    [overridden] = world.payloads("match.overridden")
    with world.store.read() as connection:
        found = w.journal_entries.entry_by_id(connection, overridden["match_entry"])
    assert found is not None
    assert found.envelope.payload["verdict"] == "mismatch"
    assert "482615" not in str(world.payloads("step.done"))


def test_after_an_override_the_meter_is_worked_on_by_what_was_read_and_not_by_its_label(world: World) -> None:
    """The label's keys and last figures are those of another meter."""
    run = world.run()
    walk(run, until="new_scan")
    run.accept({"serial": w.OTHER_SERIAL, "codes": [w.OTHER_SERIAL], "identities": {"mac": "404022B8DE87"}})
    run.read_meter()
    run.accept({})
    run.accept({"override": {"person": "lead-1", "reason": "office_confirmed", "pin": "482615"}})
    walk(run, until="relay")
    with pytest.raises(StepRefused):
        run.test_relay(w.OTHER_SERIAL[-4:])
    run.test_relay(w.NEW_SERIAL[-4:])


def test_the_mac_that_the_meter_says_is_held_against_label_and_stock(world: World) -> None:
    """It was dropped when the reading was accepted: a swapped module closed under the address of another one.

    Nobody can change what the meter says, so whoever may passes it, with a reason and a case."""
    world.meters["new"].mac = "404022B8DE99"
    run = world.run()
    walk(run, until="place")
    assert run.state.reads[DeviceRole.NEW].network["mac"] == "404022B8DE99"
    again = world.run()
    with pytest.raises(StepRefused) as caught:
        again.accept({})
    [problem] = caught.value.problems
    assert (problem.code, problem.overridable) == ("identity_mismatch", True)
    assert problem.params["values"] == "404022B8DE99 ≠ 404022B8DE70"
    again.accept({"override": {"person": "lead", "reason": "módulo cambiado en almacén", "pin": "482615"}})
    walk(again)
    [placed] = world.payloads("device.placed")
    assert placed["identities"] == {"mac": "404022B8DE99"}
    assert placed["mismatched"] == ["mac"]
    assert world.payloads("order.completed")[0]["flags"] == ["identity_overridden"]
    with world.store.read() as connection:
        assert [case.kind for case in queries.exceptions(connection)] == ["identity_overridden"]
    assert world.digest_is_stable()


def test_an_address_that_the_list_has_wrong_is_no_trap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an address in the stock list: meter and label agree, and no crew can mend the list."""
    stock = w.prime_stock("prime-1ph")
    stock[0] = msgspec.structs.replace(stock[0], identities={"mac": "404022"})
    world = w.make_world(tmp_path, monkeypatch, stock=stock)
    run = world.run()
    walk(run, until="place")
    with pytest.raises(StepRefused) as caught:
        run.accept({})
    [problem] = caught.value.problems
    assert (problem.code, problem.overridable) == ("identity_mismatch", True)
    assert problem.params["values"] == "404022B8DE70 ≠ 404022"


def test_another_old_meter_than_ordered_stops(world: World) -> None:
    run = world.run()
    walk(run, until="old_scan")
    with pytest.raises(StepRefused) as caught:
        run.accept({"serial": "ZIV0099999999", "codes": ["ZIV0099999999"]})
    assert codes(caught) == {"other_old_meter"}
    assert world.payloads("match.checked")[-1]["verdict"] == "mismatch"


def test_an_override_passes_only_the_old_meter_that_it_was_signed_for(world: World) -> None:
    """First one stranger is seen, then the right one, then another: the override names the last."""
    run = world.run()
    walk(run, until="old_scan")
    for serial in ("ZIV0099999999", "ZIV0088888888"):
        with pytest.raises(StepRefused):
            run.accept({"serial": serial, "codes": [serial]})
    run.accept({"serial": w.OLD_SERIAL, "codes": [w.OLD_SERIAL]})
    run.go("old_scan")
    last = "ZIV0099999999"
    run.accept(
        {
            "serial": last,
            "codes": [last],
            "override": {"person": "lead-1", "reason": "list_outdated", "pin": "482615"},
        }
    )
    [overridden] = world.payloads("match.overridden")
    with world.store.read() as connection:
        found = w.journal_entries.entry_by_id(connection, overridden["match_entry"])
        [state] = connection.execute(w.schema.match_state.select()).all()
    assert found is not None
    assert found.envelope.payload["sources"][1]["serial"] == last
    assert (state.verdict, state.overridden) == ("mismatch", True)
