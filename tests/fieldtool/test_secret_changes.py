"""Meter secrets that change in the field: kept before they are sent, known to the office alone, the present
ones once proven."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

import assets
from drivers.changes import OutcomeState
from drivers.connection import SecretState
from fieldtool.commissioning import MeterWork, Target
from fieldtool.journalhost import OrderContext
from fieldtool.tablet.tablet import Tablet
from tests.drivers.field import Meter, virtual_meter
from tests.fieldtool.enrolled import enrolled_tablet
from tests.fieldtool.test_command_faults import fieldtool
from tests.fieldtool.test_command_meter import TITLE
from tests.workorders.offices import Bureau
from workorders.gateway.load.meterkeys import keep_secrets
from workorders.gateway.rows import SecretRow
from workorders.journal.words import DeviceRole
from workorders.store import schema

NEW_KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
PROGRAM = """
name = "keys"
version = 1
title = { es = "Claves", en = "Keys", pt = "Chaves" }
models = ["prime-1ph"]

[[secrets]]
kind = "block_key"
source = "generated"
"""


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path / "office", pins={"ana": "482615"})


@pytest.fixture
def tablet(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    return enrolled_tablet(bureau, tmp_path / "tablet", monkeypatch)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    (tmp_path / "keys.toml").write_text(PROGRAM, encoding="utf-8")
    return tmp_path / "keys.toml"


def give(tablet: Tablet, serial: str, secrets: dict[str, bytes]) -> None:
    """As a key ring brings them."""
    with tablet.store.write() as connection:
        connection.execute(delete(schema.meter_secret))
        rows = [{"serial": serial, "name": name, "value": value} for name, value in secrets.items()]
        connection.execute(insert(schema.meter_secret), rows)


def of_office(bureau: Bureau, serial: str) -> dict[str, bytes]:
    table = schema.meter_secret
    with bureau.office.store.read() as connection:
        rows = connection.execute(select(table.c.name, table.c.value).where(table.c.serial == serial))
        return {name: bytes(value) for name, value in rows}


def work(tablet: Tablet) -> MeterWork:
    folder = assets.root()
    return MeterWork(
        tablet.journal,
        OrderContext(order_id=None, order_version=None, actor="ana"),
        models=folder / "models",
        programs=folder / "programs",
        cache=tablet.home.cache(),
        system_title=TITLE,
        secrets=tablet.secrets.get,
        changing=tablet.changing,
    )


def target(tablet: Tablet, meter: Meter) -> Target:
    model = tablet.desk.now().models["prime-1ph"]
    return Target(port=meter.url, role=DeviceRole.NEW, serial=meter.serial, model=model)


def test_a_key_drawn_in_the_field_is_the_offices_as_soon_as_its_entry_is_there(
    bureau: Bureau, tablet: Tablet, keys: Path
) -> None:
    with virtual_meter("prime-1ph", "--days", "0") as meter:
        give(tablet, meter.serial, meter.secrets)
        at, doing = target(tablet, meter), work(tablet)
        plan = doing.plan(at, str(keys), {}, None)
        report = doing.apply(at, plan, ["secret.block_key"], None, lambda *_: None)
        doing.close()
        assert [result.state for result in report.changes] == [OutcomeState.VERIFIED]
        drawn = tablet.secrets.get(meter.serial, "block_key")
        assert drawn not in (None, meter.secrets["block_key"])
        assert tablet.changing(meter.serial).changes.following(meter.serial, "block_key", None).value is None
        with tablet.store.read() as connection:
            bodies = b"".join(connection.execute(select(schema.entry.c.body)).scalars())
        assert drawn is not None
        assert drawn not in bodies
        assert drawn.hex().encode() not in bodies.lower()
        tablet.sync()  # brings a ring without this meter: what was proven here stays here
        assert of_office(bureau, meter.serial) == {"block_key": drawn}
        with bureau.office.store.write() as connection:  # a key file of before the change is read again
            old = meter.secrets["block_key"]
            rows = [{"serial": meter.serial, "name": "old_block_key", "value": old}]
            connection.execute(insert(schema.meter_secret), rows)
            keep_secrets(connection, [SecretRow(serial=meter.serial, block_key=old.hex())])
        assert of_office(bureau, meter.serial) == {"block_key": drawn, "old_block_key": old}
        give(tablet, meter.serial, meter.secrets)  # an old ring does not bring the old key back
        assert tablet.secrets.get(meter.serial, "block_key") == drawn
        again = work(tablet)
        assert (
            again.plan(at, str(keys), {}, None).open_changes == []
        )  # entered with the new one; nothing to do
        again.close()


def test_a_change_cut_off_is_the_offices_too_until_somebody_knows(
    bureau: Bureau, tablet: Tablet, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tablet dies after the key was sent: both are kept, here and there, and the next visit finds out."""
    with virtual_meter("prime-1ph", "--days", "0") as meter:
        give(tablet, meter.serial, meter.secrets)
        at, doing = target(tablet, meter), work(tablet)
        plan = doing.plan(at, str(keys), {}, None)

        def died(*_: object) -> None:
            raise OSError("the tablet died here")

        with monkeypatch.context() as patch:
            patch.setattr("fieldtool.journalhost.JournalHost.record_outcome", died)
            with pytest.raises(Exception, match="could not answer"):
                doing.apply(at, plan, ["secret.block_key"], None, lambda *_: None)
        doing.close()
        changes = tablet.secrets.changes
        following = changes.following(meter.serial, "block_key", None)
        assert following.state is SecretState.SENT
        tablet.sync()
        assert of_office(bureau, meter.serial) == {"sent_block_key": following.value}
        give(tablet, meter.serial, meter.secrets)
        assert tablet.secrets.get(meter.serial, "block_key") == meter.secrets["block_key"]
        later = work(tablet)
        found = later.plan(at, str(keys), {}, None)  # the old key is refused, the new one tried once
        later.close()
        assert found.meter == meter.serial


def test_what_the_office_wants_waits_until_it_is_proven_and_its_newest_wins(tablet: Tablet) -> None:
    changes, following = tablet.secrets.changes, partial(tablet.secrets.changes.following, "M1")
    give(tablet, "M1", {"block_key": bytes(16), "new_block_key": NEW_KEY})
    assert following("block_key", None) == following("block_key", 16)
    assert following("block_key", None).state is SecretState.WAITING
    give(tablet, "M1", {"block_key": bytes(16), "new_block_key": NEW_KEY[::-1]})
    assert following("block_key", None).value == NEW_KEY[::-1]
    with tablet.store.write() as connection:
        changes.mark(connection, "M1", "block_key", SecretState.SENT)
    give(tablet, "M1", {"block_key": bytes(16), "new_block_key": NEW_KEY})
    assert following("block_key", None).value == NEW_KEY[::-1]  # what was sent counts until it is settled
    with tablet.store.write() as connection:
        changes.mark(connection, "M1", "block_key", SecretState.CHANGED)
    assert tablet.secrets.get("M1", "block_key") == NEW_KEY[::-1]
    give(tablet, "M1", {"block_key": NEW_KEY[::-1]})
    assert following("block_key", None).state is SecretState.NONE
    assert tablet.secrets.get("M1", "block_key") == NEW_KEY[::-1]


# ---- the command line


def test_the_command_changes_keys_that_outlive_it_and_no_counter_comes_twice(tmp_path: Path) -> None:
    program = tmp_path / "keys.toml"
    program.write_text(PROGRAM.replace('source = "generated"', ""), encoding="utf-8")
    (tmp_path / "new.key").write_text(NEW_KEY.hex())
    with virtual_meter("prime-1ph", "--days", "0") as meter:
        names = {name: meter.secrets[name].hex() for name in ("block_key", "auth_key", "master_key")}
        at = ["--port", meter.url, "--mode", "hdlc", "--auth-key", "env:auth_key", "--json"]
        apply = ["meter", "apply", "--program", str(program), "--allow", "secret.block_key", *at]
        with_old = ["--block-key", "env:block_key", "--master-key", "env:master_key"]
        lost = fieldtool(tmp_path, *apply, *with_old, "--new-block-key", "env:block_key", **names)
        assert lost.returncode == 2  # a variable is gone with the next power cut
        new = ["--new-block-key", f"file:{tmp_path / 'new.key'}"]
        done = fieldtool(tmp_path, *apply, *with_old, *new, **names)
        assert done.returncode == 0, done.stderr
        assert [one["state"] for one in json.loads(done.stdout)["changes"]] == ["verified"]
        assert NEW_KEY.hex() not in (done.stdout + done.stderr).lower()
        counters = dict(_rows(tmp_path, "SELECT name, next_value FROM counter"))
        assert len(set(counters.values())) == 1  # the new key's counter goes on from the old one's
        read = fieldtool(
            tmp_path, "meter", "identify", "--client", "1", "--auth", "gmac", *at,
            "--block-key", f"file:{tmp_path / 'new.key'}", **names,
        )  # fmt: skip
        assert read.returncode == 0, read.stderr
        assert NEW_KEY not in (tmp_path / "meter-tool.db").read_bytes()


def _rows(home: Path, query: str) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(home / "meter-tool.db")) as connection:
        return list(connection.execute(query))
