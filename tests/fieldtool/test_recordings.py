"""Recorded optical sessions: laid on the order when one fails or the crew asks; sealed, and no secrets."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from drivers.errors import DriverError
from drivers.session.client import OpticalSession
from drivers.trace.record import parse_trace
from fieldtool.identity import last_four
from fieldtool.procedure import model as m
from fieldtool.procedure.views import JoinBody, MeterReadBody, PlanBody, RelayBody
from fieldtool.run import ProcedureRun, photos, recordings
from fieldtool.text import Language
from tests.drivers.field import Meter, virtual_meter
from tests.fieldtool.world import NEW_SERIAL, OLD_SERIAL, World, make_world, walk

SIGN_ON, READOUT_ASKED = "2F3F210D0A", "0630"
"""`/?!`, and the beginning of ACK 0 Z 0, which asks an IEC meter for its readout."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = make_world(tmp_path, monkeypatch)
    monkeypatch.setattr("fieldtool.commissioning.OpticalSession", OpticalSession)
    return made


def at_the_old_meter(world: World, meter: Meter) -> ProcedureRun:
    world.around = dataclasses.replace(
        world.around, port_for=lambda role: meter.url, secrets=lambda serial, name: meter.secrets.get(name)
    )
    run = world.run()
    walk(run, until="old_read")
    assert isinstance(run.shown_step(), m.MeterReadStep)
    return run


def page(run: ProcedureRun) -> MeterReadBody:
    shown = run.view(Language.ES).current
    assert shown is not None
    assert isinstance(shown.body, MeterReadBody)
    return shown.body


def lines_on(run: ProcedureRun) -> list[str]:
    """The recordings of the order, as they are unsealed and unpacked."""
    files, key = run.around.blobs, run.book.key
    return [recordings.opened(photos.read_blob(files, key, sha)).decode() for sha in run.state.recordings]


def test_a_session_that_fails_lies_sealed_on_its_order_without_secrets_and_without_a_clear_copy(
    world: World, tmp_path: Path
) -> None:
    with virtual_meter("prime-1ph", "--serial", OLD_SERIAL, "--days", "0") as meter:
        meter.secrets = {name: bytes(value[:-1]) + b"\x00" for name, value in meter.secrets.items()}
        run = at_the_old_meter(world, meter)
        with pytest.raises(DriverError) as refused:
            run.read_meter()
        (text,) = lines_on(run)
        noted = [record.note for record in parse_trace(text.splitlines()) if record.note]
        assert refused.value.code in noted
        assert not run.attach_recording()  # the same session is not laid there twice
        for secret in meter.secrets.values():
            assert secret.hex() not in text.lower()
        assert world.kinds()[-1] == "photo.taken"
        assert {blob.what for blob in run.state.photos.values()} == {"before"}
        ended = run.not_done("no_access", "cerrado", [run.add_photo(_picture(), "gate").sha256])
        assert ended.end is not None
        assert set(run.state.recordings) <= set(world.payloads("order.notDone")[-1]["blobs"])
        assert not list((tmp_path / "cache" / "recordings").iterdir())
        assert world.digest_is_stable()


def test_a_meter_with_a_readout_on_an_order_that_says_another_is_read_out_once(world: World) -> None:
    with virtual_meter("iec-c-legacy", "--serial", OLD_SERIAL, "--days", "0") as meter:
        run = at_the_old_meter(world, meter)
        run.read_meter()
        assert run.bench.found is not None
        assert run.bench.found.serial == OLD_SERIAL
        assert run.bench.found.readings
        assert page(run).recording == "offered"
        assert run.attach_recording()  # nothing failed: the crew asks
        assert page(run).recording == "attached"
        (text,) = lines_on(run)
        sent = [record.hex or "" for record in parse_trace(text.splitlines()) if record.dir == "tx"]
        assert [octets[: len(SIGN_ON)] for octets in sent][:1] == [SIGN_ON]
        assert [octets[:4] for octets in sent[1:]] == [READOUT_ASKED]
        run.close()


def test_plan_relay_and_join_offer_their_recording_once_something_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These can go oddly without failing; only of a read could the crew keep what was said."""
    run = make_world(tmp_path, monkeypatch).run()
    done = {
        "configure": ProcedureRun.plan,
        "relay": lambda run: run.test_relay(last_four(NEW_SERIAL)),
        "join": ProcedureRun.check_join,
    }
    for step, work in done.items():
        walk(run, until=step)
        said = []
        for act in (lambda run: None, work):
            act(run)
            shown = run.view(Language.ES).current
            assert shown is not None
            assert isinstance(shown.body, PlanBody | RelayBody | JoinBody)
            said.append(shown.body.recording)
        assert said == ["", "offered"], step


def _picture() -> bytes:
    from tests.fieldtool.world import picture

    return picture()
