"""A meter exchange through the engine on the real journal: what a crew does, and what may never be
possible."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from drivers import reading
from drivers.errors import LinkLost, OtherMeter
from fieldtool.commissioning import ReadingsDisagree
from fieldtool.errors import JobError, StepRefused
from fieldtool.procedure.answers import PlaceAnswer
from fieldtool.procedure.rules import consent_missing
from fieldtool.procedure.views import RunEnd, StepState
from fieldtool.text import Language
from tests.fieldtool import world as w
from tests.fieldtool.world import World, codes, make_world, order, photo, walk
from workorders import people
from workorders.journal.kinds import SealRecorded
from workorders.journal.words import JoinState, Sealed
from workorders.people import Role
from workorders.store import schema


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


def test_a_clean_exchange_leaves_every_fact_in_the_journal(world: World) -> None:
    run = world.run()
    walk(run)
    assert run.state.end is RunEnd.COMPLETED
    kinds = world.kinds()
    for kind in (
        "order.started",
        "meter.read",
        "device.removed",
        "match.checked",
        "meter.intent",
        "meter.changed",
        "seal.recorded",
        "device.placed",
        "join.checked",
        "record.issued",
        "order.completed",
    ):
        assert kind in kinds
    assert kinds.count("step.done") == 22
    [completed] = world.payloads("order.completed")
    taken = {blob["sha256"] for blob in world.payloads("photo.taken")}
    assert set(completed["blobs"]) == taken
    assert completed.get("flags", []) == []
    assert world.digest_is_stable()


def test_a_clean_exchange_asks_to_type_nothing_but_the_dial_reading(world: World) -> None:
    run = world.run()
    typed: list[str] = []
    while (view := run.view(Language.ES)).current is not None:
        step = view.current
        if step.kind in ("number", "text"):
            typed.append(step.id)
        w.ANSWERS[step.id](run)
    assert typed == ["old_dial"]


def test_no_phase_shows_more_than_four_steps(world: World) -> None:
    phases = world.run().view(Language.ES).phases
    assert all(phase.total <= 4 for phase in phases)
    assert sum(phase.total for phase in phases) == 22


def test_personal_answers_are_sealed(world: World) -> None:
    run = world.run()
    walk(run, until="leave")
    [signature] = [done for done in world.payloads("step.done") if done["step"] == "customer"]
    assert set(signature["sealed"]) == {"name"}
    with world.store.read() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM entry").fetchall()
    assert not any("Hernán".encode() in row[0] for row in bodies)
    again = world.run()
    assert again.state.done["customer"].answer.name == "Hernán Fernández"  # type: ignore[union-attr]


def test_a_tablet_that_dies_continues_at_the_same_step(world: World) -> None:
    walk(world.run(), until="seals_found")
    again = world.run()
    step = again.shown_step()
    assert step is not None
    assert step.id == "seals_found"
    assert world.kinds().count("order.started") == 1
    walk(again)
    assert again.state.end is RunEnd.COMPLETED


@pytest.mark.parametrize(
    ("step", "check"),
    [("hazards", "protection"), ("voltage", "enclosure"), ("isolate", "dead"), ("polarity", "polarity")],
)
def test_a_failed_safety_check_ends_the_order_as_unsafe(world: World, step: str, check: str) -> None:
    run = world.run()
    walk(run, until=step)
    accepted = run.accept({"checks": {check: False}, "note": "la caja da corriente"})
    assert accepted.end is RunEnd.UNSAFE
    [failed] = world.payloads("safety.failed")
    assert (failed["step"], failed["check"]) == (step, check)
    [ended] = world.payloads("order.notDone")
    assert ended["reason"] == "unsafe_installation"
    assert run.view(Language.ES).current is None
    with pytest.raises(JobError):
        run.accept({"checks": {check: True}})


def test_no_role_passes_a_safety_step_by_leaving_a_check_open(world: World) -> None:
    world.signer.role = Role.SUPERVISOR
    run = world.run()
    walk(run, until="isolate")
    with pytest.raises(StepRefused) as caught:
        run.accept({"checks": {"load_off": True, "back_feed": True}})
    assert codes(caught) == {"check_open"}


def test_a_ct_meter_asks_for_the_short_and_its_photo_and_for_the_bridge_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ct = order(new_asset=w.NewAsset(serial=w.NEW_SERIAL, model="idis-3ph-ct"))
    run = make_world(tmp_path, monkeypatch, ct).run()
    walk(run, until="isolate")
    checks = {"load_off": True, "back_feed": True, "ct_shorted": True, "dead": True}
    with pytest.raises(StepRefused) as caught:
        run.accept({"checks": checks})
    assert codes(caught) == {"photo_missing"}
    run.accept({"checks": checks, "photos": {"ct_shorted": photo(run, "ct_shorted")}})
    later = next(step for step in run.procedure.steps if step.id == "polarity")
    assert {"bridge_removed", "rotation"} <= {
        check.id
        for check in later.checks
        if w.applies_to(check, run)  # type: ignore[union-attr]
    }


def test_medical_dependency_blocks_until_consent_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(tmp_path, monkeypatch, order(flags=["medical_dependency"]))
    run = world.run()
    with pytest.raises(StepRefused) as caught:
        run.accept({"checks": {"place": True, "customer": True}})
    assert codes(caught) == {"check_open"}
    checks = {"place": True, "customer": True, "consent": True}
    with pytest.raises(StepRefused) as caught:
        run.accept({"checks": checks})
    assert codes(caught) == {"photo_missing"}
    run.accept({"checks": checks, "photos": {"consent": photo(run, "document")}})
    assert "consent" not in str(world.payloads("step.done")), "that it was asked would tell who lives here"
    again = world.run()
    step = again.shown_step()
    assert step is not None
    assert step.id == "hazards"
    assert not consent_missing(again.job(), again.state)


def test_a_dead_old_meter_is_not_obtainable_with_photo_and_never_zero(world: World) -> None:
    run = world.run()
    walk(run, until="old_read")
    with pytest.raises(StepRefused) as caught:
        run.accept({"not_obtainable": "dead"})
    assert codes(caught) == {"photo_missing"}
    run.accept({"not_obtainable": "dead", "photos": [photo(run, "dead_meter")]})
    with pytest.raises(StepRefused):
        run.accept({"value": "0"})
    run.accept({"not_obtainable": "dead", "photos": [photo(run, "dial")]})
    reads = world.payloads("meter.read")
    assert [read["how"] for read in reads] == ["not_obtainable", "not_obtainable"]
    assert all("readings" not in read for read in reads)
    walk(run)
    [completed] = world.payloads("order.completed")
    assert {"old_meter_dead", "reading_not_obtainable"} <= set(completed["flags"])


def test_two_readings_that_differ_are_not_taken(world: World) -> None:
    run = world.run()
    walk(run, until="old_read")
    world.meters["old"].drift = ["23800.4", "28300.4"]
    with pytest.raises(ReadingsDisagree):
        run.read_meter()
    with pytest.raises(StepRefused) as caught:
        run.accept({})
    assert codes(caught) == {"not_read_yet"}


def test_a_dial_that_disagrees_needs_a_reason_and_flags_the_order(world: World) -> None:
    run = world.run()
    walk(run, until="old_dial")
    with pytest.raises(StepRefused) as caught:
        run.accept({"value": "28300"})
    assert codes(caught) == {"disagrees_with_optical", "implausible"}
    run.accept({"value": "28300", "reason": "display_defective"})
    walk(run)
    [completed] = world.payloads("order.completed")
    assert {"reading_disagrees", "implausible_reading"} <= set(completed["flags"])


def test_consent_is_asked_for_when_the_office_flags_the_order_later(world: World) -> None:
    run = world.run()
    walk(run, until="isolate")
    flagged = msgspec.structs.replace(world.order, flags=["medical_dependency"])
    again = w.ProcedureRun(world.around, flagged)
    again.start()
    step = again.shown_step()
    assert step is not None
    assert step.id == "site"


def test_every_write_is_signed_in_the_name_of_who_is_signed_in_then(world: World) -> None:
    """One crew, two people, one tablet: the second goes on where the first stopped."""
    here: list[w.Person | None] = [w.Person(id="ana", name="Ana", role=Role.INSTALLER)]
    run = w.ProcedureRun(dataclasses.replace(world.around, person=lambda: here[0]), world.order)
    run.start()
    walk(run, until="configure")
    run.plan()
    here[0] = None
    with pytest.raises(JobError) as caught:
        run.apply(["limiter"])
    assert caught.value.code == "nobody_signed_in"
    here[0] = w.Person(id="beto", name="Beto", role=Role.INSTALLER)
    run.apply(["limiter"])
    with world.store.read() as connection:
        query = w.schema.entry.select().where(w.schema.entry.c.kind == "meter.intent")
        assert {row.actor for row in connection.execute(query)} == {"beto"}


def test_a_head_that_slipped_to_the_neighbour_configures_and_proves_nothing(world: World) -> None:
    run = world.run()
    walk(run, until="configure")
    world.meters["new"].serial = w.OTHER_SERIAL
    with pytest.raises(StepRefused) as caught:
        run.plan()
    assert codes(caught) == {"other_meter_at_port"}
    with pytest.raises(StepRefused):
        run.apply(["limiter"])
    assert world.meters["new"].writes == []
    world.meters["new"].serial = w.NEW_SERIAL
    walk(run, until="join")
    world.meters["new"].serial = w.OTHER_SERIAL
    with pytest.raises(OtherMeter):
        run.check_join()


def test_a_line_cut_between_write_and_answer_is_settled_by_reading_back(world: World) -> None:
    run = world.run()
    walk(run, until="configure")
    run.plan()
    world.meters["new"].fail["write limiter"] = LinkLost()
    with pytest.raises(LinkLost):
        run.apply(["limiter"])
    again = world.run()
    with pytest.raises(StepRefused) as caught:
        again.accept({})
    assert codes(caught) == {"not_planned_yet"}
    again.plan()
    assert all(write.state is not None for write in again.state.writes.values())
    again.apply(["limiter"])
    again.accept({})
    assert world.meters["new"].writes.count("limiter") == 1


def test_a_dangerous_change_stays_untouched_until_it_is_allowed(world: World) -> None:
    run = world.run()
    walk(run, until="configure")
    run.plan()
    run.apply([])
    assert world.meters["new"].writes == ["clock"]
    with pytest.raises(StepRefused) as caught:
        run.accept({})
    assert codes(caught) == {"not_configured"}


def test_the_relay_wants_the_last_four_digits(world: World) -> None:
    run = world.run()
    walk(run, until="relay")
    with pytest.raises(StepRefused) as caught:
        run.test_relay("1234")
    assert codes(caught) == {"wrong_confirmation"}
    assert world.meters["new"].relay == "connected"


def test_a_full_concentrator_blocks_and_passes_by_override_with_a_flag(world: World) -> None:
    with world.store.write() as connection:
        connection.exec_driver_sql("UPDATE network_node SET capacity = 0 WHERE mrid = 'CT-28101-DC'")
    run = world.run()
    walk(run, until="place")
    with pytest.raises(StepRefused) as caught:
        run.accept({})
    assert codes(caught) == {"capacity_full"}
    run.accept({"override": {"person": "lead-1", "reason": "emergency", "pin": "482615"}})
    [placed] = world.payloads("device.placed")
    override = placed["override"]
    subject = people.place_subject(w.NEW_SERIAL, "CT-28101-DC", None)
    assert (override["person"], override["signature"]) == ("lead-1", subject)
    [done] = [payload for payload in world.payloads("step.done") if payload["step"] == "place"]
    assert done["answers"]["override"] == {"person": "lead-1"}
    assert "emergency" not in str(world.payloads("device.placed") + world.payloads("step.done"))
    again = world.run().state.answer("place")
    assert isinstance(again, PlaceAnswer)
    assert again.override is not None
    assert again.override.reason == "emergency"


def test_a_meter_on_another_base_node_is_joined_and_flagged(world: World) -> None:
    world.meters["new"].sna = "404022F42602"
    run = world.run()
    walk(run)
    [joined] = world.payloads("join.checked")
    assert (joined["state"], joined["reason"]) == ("joined", "other_concentrator")
    [completed] = world.payloads("order.completed")
    assert "other_concentrator" in completed["flags"]


def test_a_meter_not_heard_yet_stays_pending_with_a_time(world: World) -> None:
    world.meters["new"].joined = reading.JoinState.SEARCHING
    run = world.run()
    walk(run)
    [joined] = world.payloads("join.checked")
    assert joined["state"] == JoinState.PENDING
    assert joined["recheck_at"]


def test_not_done_asks_for_what_its_reason_demands_and_counts_the_attempt(world: World) -> None:
    run = world.run()
    walk(run, until="photo_before")
    with pytest.raises(StepRefused) as caught:
        run.not_done("no_access")
    assert codes(caught) == {"photo_missing"}
    run.not_done("no_access", "nadie abre", [photo(run, "gate")])
    [ended] = world.payloads("order.notDone")
    assert (ended["reason"], ended.get("attempt", 1)) == ("no_access", 1)
    assert "nadie" not in str(ended)
    assert world.digest_is_stable()


def test_a_correction_is_a_new_entry_and_what_rests_on_it_is_done_again(world: World) -> None:
    run = world.run()
    walk(run, until="swap")
    run.go("old_scan")
    run.accept({"serial": w.OLD_SERIAL, "codes": [w.OLD_SERIAL]})
    step = run.shown_step()
    assert step is not None
    assert step.id == "old_read"
    states = {row.id: row.state for phase in run.view(Language.ES).phases for row in phase.steps}
    assert states["old_dial"] is StepState.STALE
    assert states["seals_found"] is StepState.DONE
    assert world.kinds().count("step.done") == 10


def test_a_typed_serial_needs_a_reason_and_a_photo(world: World) -> None:
    run = world.run()
    walk(run, until="old_scan")
    with pytest.raises(StepRefused) as caught:
        run.accept({"serial": w.OLD_SERIAL})
    assert codes(caught) == {"typed_without_reason"}
    run.accept({"serial": w.OLD_SERIAL, "unreadable": "label_damaged", "photos": [photo(run, "label")]})


def seal_answer(number: str) -> dict[str, object]:
    return {"seals": [{"number": number, "position": "terminal_cover"}]}


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (w.NEW_SERIAL, "seal_is_device"),
        (" ziv-0045670000", "seal_is_device"),
        (w.OLD_SERIAL, "seal_is_device"),
        ("40:40:22:B8:DE:70", "seal_is_device"),
        ("A1", "seal_removed_here"),
        ("P 77", "seal_used"),
    ],
)
def test_a_seal_is_neither_a_code_of_the_meter_nor_one_used_before(
    world: World, number: str, code: str
) -> None:
    """A camera near a seal reads the meter's label too; a seal cut off or used elsewhere proves nothing."""
    used = SealRecorded(action="applied", number="p-77", position="terminal_cover")
    world.journal.append(used, order_id="order-2")
    run = world.run()
    walk(run, until="seals_applied")
    with pytest.raises(StepRefused) as caught:
        run.accept(seal_answer(number))
    assert codes(caught) == {code}
    run.accept(seal_answer("P100"))
    run.back()
    run.accept(seal_answer("P100"))
    assert [seal["number"] for seal in world.payloads("seal.recorded")] == ["A1", "P100", "P100"]


def test_an_order_names_the_crew_that_worked_on_it(world: World) -> None:
    run = world.run()
    walk(run)
    for kind in ("order.started", "order.completed"):
        [payload] = world.payloads(kind)
        assert payload["crew"] == "PRM-01"


def test_a_reason_that_tells_of_somebodys_health_is_said_under_the_orders_key_only(world: World) -> None:
    run = world.run()
    walk(run, until="photo_before")
    run.not_done("no_consent", "respirador en casa")
    assert run.state.end is RunEnd.NOT_DONE
    ended = world.payloads("order.notDone")[-1]
    assert ended["reason"] == "refusal"
    with world.store.read() as connection:
        bodies = b"".join(connection.execute(select(schema.entry.c.body)).scalars())
    assert b"consent" not in bodies.lower()
    assert b"respirador" not in bodies
    said = run.book.unseal("not_done.note", msgspec.convert(ended["note"], Sealed))
    assert said == "Electrodependiente sin consentimiento · respirador en casa"
