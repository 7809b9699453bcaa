"""The probe moves along a panel: what is worked, what is not, and what is never done by itself."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drivers import errors
from drivers.connection import Mode
from drivers.trace.record import parse_trace
from fieldtool.demo.probe import Probe
from fieldtool.errors import JobError
from fieldtool.panelrun.board import Hint, Phase, SlotState, Who
from fieldtool.panelrun.run import PanelRun
from fieldtool.run import photos, recordings
from fieldtool.tablet.panel import panel_run, panels
from tests.drivers.field import virtual_meter
from tests.fieldtool.panels import PANEL, SERIALS, SPARE, PanelTablet, as_tablet, panel_tablet
from tests.fieldtool.scripted import WANTED, Meter, ScriptedSession

PUBLIC = 16
"""Client of whoever asks without a password."""


class Along:
    """A panel run and the probe in somebody's hand."""

    def __init__(self, tablet: PanelTablet, allow: list[str]) -> None:
        self.tablet = tablet
        self.run = panel_run(as_tablet(tablet), PANEL, allow=allow)
        self.run.load()
        self.meters = {serial: Meter(serial=serial, energy="0.0") for serial in [*SERIALS, SPARE]}

    def put(self, serial: str | None) -> Phase:
        """Move the probe and look once."""
        found = self.meters[serial] if serial else Meter(serial="", fail={"identify": errors.NoAnswer()})
        ScriptedSession.field = {"probe": found}
        self.run.look()
        return self.run.view.phase

    def state(self, serial: str) -> SlotState:
        return next(one.state for one in self.run.view.slots if one.serial == serial)


@pytest.fixture
def tablet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PanelTablet:
    return panel_tablet(tmp_path, monkeypatch)


def along(tablet: PanelTablet, allow: list[str] | None = None) -> Along:
    return Along(tablet, ["limiter"] if allow is None else allow)


def test_each_meter_is_read_matched_and_configured_by_its_own_order(tablet: PanelTablet) -> None:
    for serial in SERIALS:
        tablet.bring(serial)
    going = along(tablet)
    assert (going.run.view.done, going.run.view.total, going.run.view.expected) == (0, 3, 1)
    for place, serial in enumerate(SERIALS, start=1):
        assert going.put(None) is Phase.LOOKING
        assert going.put(serial) is Phase.NEXT
        assert going.run.view.done == place
        assert going.meters[serial].now == WANTED
        assert {"meter.read", "match.checked", "meter.intent", "meter.changed"} <= set(tablet.kinds(serial))
        assert "configure" in tablet.start(f"order-{serial}").state.done
    view = going.run.run(lambda view: None)
    assert (view.phase, view.done) == (Phase.FINISHED, 3)


def test_a_meter_that_is_done_is_named_and_left_alone(tablet: PanelTablet) -> None:
    tablet.bring(SERIALS[0])
    going = along(tablet)
    going.put(SERIALS[0])
    written = list(going.meters[SERIALS[0]].writes)
    going.put(None)
    assert going.put(SERIALS[0]) is Phase.NEXT
    assert going.run.view.here is not None
    assert going.run.view.here.state is SlotState.DONE
    assert going.meters[SERIALS[0]].writes == written


def test_nothing_is_asked_of_or_written_to_a_meter_that_is_not_expected(tablet: PanelTablet) -> None:
    """Who is there is asked without a password; a stranger hears nothing after it."""
    going = along(tablet)
    going.meters["ZIV9"] = Meter(serial="ZIV9", fail={"read": AssertionError("a stranger was read")})
    assert going.put("ZIV9") is Phase.STRANGER
    stranger = going.run.view.stranger
    assert stranger is not None
    assert (stranger.who, stranger.serial) == (Who.FOREIGN, "ZIV9")
    going.put(SPARE)
    assert going.run.view.stranger is not None
    assert going.run.view.stranger.who is Who.ON_TRUCK
    assert going.meters[SPARE].writes == []


def test_an_order_whose_next_step_is_not_at_the_meter_waits(tablet: PanelTablet) -> None:
    """No way around safety checks and labels: the meter is recognised, and nothing is done."""
    tablet.bring(SERIALS[0], until="isolate")
    going = along(tablet)
    assert going.put(SERIALS[0]) is Phase.HELD
    here = going.run.view.here
    assert here is not None
    assert (here.state, here.step) == (SlotState.WAITING, "isolate")
    assert "meter.read" not in tablet.kinds(SERIALS[0])


def test_a_dangerous_change_is_not_permitted_by_moving_a_probe(tablet: PanelTablet) -> None:
    tablet.bring(SERIALS[0])
    going = along(tablet, allow=[])
    assert going.put(SERIALS[0]) is Phase.HELD
    assert going.state(SERIALS[0]) is SlotState.STOPPED
    assert going.meters[SERIALS[0]].writes == ["clock"]


def test_a_locked_meter_is_left_alone_until_somebody_says_so(tablet: PanelTablet) -> None:
    tablet.bring(SERIALS[0])
    going = along(tablet)
    meter = going.meters[SERIALS[0]]
    meter.fail["read"] = errors.LockedOut(seconds=60)
    assert going.put(SERIALS[0]) is Phase.HELD
    assert going.state(SERIALS[0]) is SlotState.LOCKED
    meter.fail["read"] = AssertionError("tried before its time")
    going.put(None)
    going.put(SERIALS[0])
    going.run.again()
    going.put(SERIALS[0])
    assert going.state(SERIALS[0]) is SlotState.LOCKED
    assert "read" in meter.fail


def test_a_wrong_key_is_tried_again_on_a_persons_word_alone(tablet: PanelTablet) -> None:
    tablet.bring(SERIALS[0])
    going = along(tablet)
    going.meters[SERIALS[0]].fail["read"] = errors.WrongKey()
    going.put(SERIALS[0])
    for serial in (SERIALS[0], None, SERIALS[0], SERIALS[0]):
        going.put(serial)
    assert going.state(SERIALS[0]) is SlotState.FAILED
    going.run.again()
    assert going.put(SERIALS[0]) is Phase.NEXT


def test_a_cut_in_the_middle_of_a_write_goes_on_by_itself(tablet: PanelTablet) -> None:
    """The reading was accepted: we were let in. The open intent is settled when the probe is back."""
    tablet.bring(SERIALS[0])
    going = along(tablet)
    going.meters[SERIALS[0]].fail["write limiter"] = errors.LinkLost()
    assert going.put(SERIALS[0]) is Phase.HELD
    assert going.state(SERIALS[0]) is SlotState.FAILED
    assert going.put(None) is Phase.LOOKING
    assert going.put(SERIALS[0]) is Phase.NEXT
    run = tablet.start(f"order-{SERIALS[0]}")
    assert all(write.state == "verified" for write in run.state.writes.values())


def test_a_line_that_fails_again_and_again_is_given_up(tablet: PanelTablet) -> None:
    tablet.bring(SERIALS[0])
    going = along(tablet)
    tries = 0
    for _ in range(8):
        going.meters[SERIALS[0]].fail["plan"] = errors.LinkLost()
        going.put(SERIALS[0])
        tries += "plan" not in going.meters[SERIALS[0]].fail
        going.put(None)
    assert tries == 4


def test_a_head_that_moved_on_while_it_read_puts_nothing_into_the_order(tablet: PanelTablet) -> None:
    tablet.bring(SERIALS[0])
    going = along(tablet)
    meter = going.meters[SERIALS[0]]

    class Moving(Meter):
        """Says one serial when asked who it is, and gives another one's values."""

    moved = Moving(**{name: getattr(meter, name) for name in meter.__dataclass_fields__})
    going.meters[SERIALS[0]] = moved
    original = ScriptedSession.identify

    def identify(session: ScriptedSession) -> Any:
        found = original(session)
        moved.serial = SPARE
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptedSession, "identify", identify)
        assert going.put(SERIALS[0]) is Phase.HELD
    assert "meter.read" not in tablet.kinds(SERIALS[0])


def test_a_meter_in_another_slot_than_was_said_is_not_touched(tablet: PanelTablet) -> None:
    for serial in SERIALS:
        tablet.bring(serial)
    going = along(tablet)
    going.run.at(2)
    assert going.put(SERIALS[0]) is Phase.HELD
    assert going.run.view.hints == [Hint(code="wrong_slot", params={"said": "2", "slot": "1"})]
    assert going.meters[SERIALS[0]].writes == []
    going.put(None)
    assert going.put(SERIALS[0]) is Phase.NEXT
    going.put(None)
    going.put(SERIALS[2])
    assert going.run.view.hints == [Hint(code="passed_over", params={"slots": "2"})]


def test_cancel_ends_the_run_with_everything_so_far_kept(tablet: PanelTablet) -> None:
    for serial in SERIALS:
        tablet.bring(serial)
    going = along(tablet)
    ScriptedSession.field = {"probe": going.meters[SERIALS[0]]}
    told: list[Phase] = []

    def stop(view: Any) -> None:
        told.append(view.phase)
        if view.phase is Phase.NEXT:
            going.run.cancel()

    thread = threading.Thread(target=going.run.run, args=(stop,))
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert going.run.view.done == 1
    assert told[-1] is Phase.NEXT


def test_nobody_works_a_panel_without_signing_in(tablet: PanelTablet) -> None:
    tablet.signed_in = False
    with pytest.raises(JobError) as error:
        panel_run(as_tablet(tablet), PANEL)
    assert error.value.code == "nobody_signed_in"


def test_an_order_without_its_key_is_shown_and_does_not_stop_the_others(tablet: PanelTablet) -> None:
    from sqlalchemy import delete

    from workorders.store import schema

    tablet.bring(SERIALS[1])
    with tablet.store.write() as connection:
        connection.execute(
            delete(schema.order_key).where(schema.order_key.c.order_id == f"order-{SERIALS[0]}")
        )
    going = along(tablet)
    broken = next(one for one in going.run.view.slots if one.slot == 1)
    assert broken.trouble is not None
    assert broken.trouble.code == "order_key_missing"
    assert going.put(SERIALS[1]) is Phase.NEXT


def test_panels_are_listed_with_what_is_open(tablet: PanelTablet) -> None:
    rows = panels(as_tablet(tablet))
    assert [(row.panel, row.name, row.orders, row.open) for row in rows] == [(PANEL, "Panel piso 1", 3, 3)]
    assert msgspec.to_builtins(rows[0])["open"] == 3
    with pytest.raises(JobError) as error:
        panel_run(as_tablet(tablet), "P-99")
    assert error.value.code == "no_such_panel"


@pytest.mark.parametrize(("model", "mode"), [("ansi-1ph", Mode.C12), ("prime-1ph", Mode.AUTO)])
def test_the_head_follows_the_models_of_the_panel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, mode: Mode
) -> None:
    from workorders.orders import NewAsset

    given = panel_tablet(tmp_path, monkeypatch, new_asset=NewAsset(serial=None, model=model))
    modes: list[Mode] = []

    class Asked(ScriptedSession):
        def __init__(self, port: str, connection: Any, host: Any, **more: Any) -> None:
            modes.append(connection.mode)
            super().__init__(port, connection, host, **more)

    monkeypatch.setattr("fieldtool.tablet.panel.OpticalSession", Asked)
    Asked.field = {"probe": Meter(serial=SPARE)}
    run: PanelRun = panel_run(as_tablet(given), PANEL)
    run.look()
    assert modes == [mode]


def test_along_meters_in_processes_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is well, one is cut after a write, one has another key than ours, one is not of this panel."""
    given = panel_tablet(tmp_path, monkeypatch, contracted_power="4600")
    monkeypatch.undo()
    where: dict[str, str] = {}
    at: list[str | None] = [None]
    probe = Probe(lambda: where[at[0]] if at[0] else None)
    given.port = probe.url
    options = {SERIALS[1]: ["--cut-after-write", "1"]}
    with ExitStack() as running:
        for serial in [*SERIALS, "ZIV0099999999"]:
            more = ["--serial", serial, "--clock-offset-s", "90", *options.get(serial, [])]
            meter = running.enter_context(virtual_meter("prime-1ph", *more))
            where[serial] = meter.url
            given.secret[serial] = meter.secrets
        given.secret[SERIALS[2]] = {"block_key": bytes(16), "auth_key": bytes(16)}
        for serial in SERIALS:
            given.bring(serial)
        going = Along(given, ["limiter", "limiter.threshold"])
        phases = []
        for serial in ["ZIV0099999999", *SERIALS]:
            at[0] = serial
            going.run.look()
            phases.append(going.run.view.phase)
    assert phases == [Phase.STRANGER, Phase.NEXT, Phase.NEXT, Phase.HELD]
    troubled = next(one for one in going.run.view.slots if one.serial == SERIALS[2])
    assert troubled.trouble is not None
    assert troubled.trouble.code == "wrong-key"
    assert {"meter.intent", "meter.changed"} <= set(given.kinds(SERIALS[1]))
    assert "meter.intent" not in given.kinds(SERIALS[2])
    assert not list((tmp_path / "cache" / "recordings").iterdir()), "nothing in clear stays behind"
    run = given.start(f"order-{SERIALS[2]}")
    (sha256,) = run.state.recordings
    packed = photos.read_blob(run.around.blobs, run.book.key, sha256)
    records = parse_trace(recordings.opened(packed).decode().splitlines())
    sessions = [record for record in records if record.trace]
    assert len(sessions) >= 2, "how the meter was found, then what failed"
    assert sessions[0].client == PUBLIC
    assert records[-1].note == "wrong-key"
    probe.close()
