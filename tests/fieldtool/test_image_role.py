"""`meter image --activate` on a tablet: the same role as on its page, and the journal says who it was."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drivers.virtual.image_file import make_image
from fieldtool.tablet.tablet import Tablet
from tests.drivers.field import Meter, virtual_meter
from tests.drivers.test_image import PRODUCT, SIZE
from tests.fieldtool.enrolled import PASSPHRASE, enrolled_tablet
from tests.fieldtool.test_command_faults import fieldtool
from tests.fieldtool.test_command_meter import at
from tests.workorders.offices import Bureau
from workorders.journal import kinds
from workorders.journal.entry import Realm
from workorders.journal.lifts import read_payload
from workorders.store import entries, schema

PIN = "482615"


def written(tablet: Tablet) -> list[tuple[str, str | None]]:
    """Writes in the tablet's chain, each with whose it was."""
    with tablet.store.read() as connection:
        found = entries.fold_order(connection, schema.entry.c.order_id.is_(None))
    told: list[tuple[str, str | None]] = []
    for entry in found:
        payload = read_payload(entry.envelope)
        if isinstance(payload, kinds.MeterIntent):
            told.append((f"intent {payload.name}", entry.envelope.actor))
        elif isinstance(payload, kinds.MeterChanged):
            told.append((payload.state, entry.envelope.actor))
    return told


def test_activation_on_a_tablet_asks_for_a_lead_and_names_who_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody at the tablet's command line could let a meter run other firmware, under nobody's name."""
    bureau = Bureau.open(tmp_path, pins={"ana": PIN, "luz": PIN})
    bureau.now.moment = datetime.now(UTC)
    tablet = enrolled_tablet(bureau, tmp_path / "t", monkeypatch)
    home = tablet.home.folder
    tablet.close()
    image = tmp_path / "fw140.bin"
    image.write_bytes(make_image(PRODUCT, "V1.40.00", SIZE))

    def run(meter: Meter, *more: str) -> tuple[int, str, str]:
        keys = {"EK": meter.secrets["block_key"].hex(), "AK": meter.secrets["auth_key"].hex()}
        given = ["--port", meter.url, "--mode", "hdlc", "--block-key", "env:EK", "--auth-key", "env:AK"]
        words = ["meter", "image", str(image), *given, "--json", *more]
        extra = {"FIELDTOOL_PASSPHRASE": PASSPHRASE, "FIELDTOOL_PIN": PIN}
        done = fieldtool(home, *words, **keys, **extra)
        return done.returncode, done.stdout, done.stderr

    with virtual_meter("prime-1ph", "--days", "0", "--boot-s", "0.2") as meter:
        activate = ("--activate", "--confirm", meter.serial[-4:])
        for who, code in (
            ((), "nobody_signed_in"),
            (("--realm", "training"), "nobody_signed_in"),
            (("--user", "ana"), "firmware_role"),
        ):
            status, out, err = run(meter, *activate, *who)
            assert (status, out, code in err) == (1, "", True), err
        status, out, err = run(meter, "--user", "ana")
        assert (status, json.loads(out)["state"]) == (0, "verified"), err
        status, out, err = run(meter, *activate, "--user", "luz")
        assert (status, json.loads(out)["firmware_now"]) == (0, "V1.40.00"), err
    again = Tablet.open(tablet.home, Realm.DEMO, passphrase=lambda: PASSPHRASE)
    assert written(again) == [
        ("intent firmware image", "ana"),
        ("verified", "ana"),
        ("intent firmware activation", "luz"),
        ("verified", "luz"),
    ]
    again.close()


def test_a_machine_that_is_no_tablet_activates_as_before(tmp_path: Path) -> None:
    """It knows no roles; scripts on a bench rely on it."""
    image = tmp_path / "fw140.bin"
    image.write_bytes(make_image(PRODUCT, "V1.40.00", SIZE))
    with virtual_meter("prime-1ph", "--days", "0", "--boot-s", "0.2") as meter:
        words = ("image", str(image), "--activate", "--confirm", meter.serial[-4:], "--json")
        status, out, err = at(tmp_path / "home", meter, *words, managed=True)
        assert (status, json.loads(out)["state"]) == (0, "activated"), err
