"""A tablet whose database is put back from an older copy: nothing is numbered or counted twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fieldtool.settings import Home
from fieldtool.tablet.tablet import Tablet
from tests.support.commandline import light_vault
from tests.workorders.offices import Bureau
from workorders.gateway import enrolment
from workorders.gateway.direct import DirectTransport
from workorders.journal import kinds
from workorders.journal.entry import Realm
from workorders.store import entries, schema
from workorders.store.counters import reserve_counter
from workorders.sync.codes import EnrolTicket, parse_code
from workorders.sync.enrolment import enrol

NOTE = kinds.ReferenceReceived(name="x", version=1, sha256="ab" * 32)


def opened(home: Home) -> Tablet:
    light_vault(home.folder, Realm.DEMO, "nueve gatos grises")
    return Tablet.open(home, Realm.DEMO, create=True, passphrase=lambda: "nueve gatos grises")


def test_a_restored_copy_begins_a_chain_and_leaves_used_counters_alone(tmp_path: Path) -> None:
    """The mark in the vault is ahead of the copy: what was sent to meters since is unknown."""
    bureau = Bureau.open(tmp_path / "office")
    home = Home(tmp_path / "home")
    tablet = opened(home)
    code = enrolment.create_enrolment_code(bureau.office, crew="A", project="demo", url="https://office")
    ticket = EnrolTicket(url="https://office", code=parse_code(code.code), root=code.root_sha256)
    enrol(tablet.store, DirectTransport(bureau.office, bureau.files), ticket, name="t", realm=Realm.DEMO)
    tablet.close()

    tablet = opened(home)
    tablet.journal.append(NOTE)
    assert reserve_counter(tablet.store, "ZIV1/1", 1, 64) == 1
    copy = tmp_path / "copy.db"
    tablet.store.backup(copy)
    lost = tablet.journal.append(NOTE)
    used = reserve_counter(tablet.store, "ZIV1/1", 1, 64)
    tablet.close()
    shutil.copy(copy, home.database(Realm.DEMO))

    tablet = opened(home)
    with tablet.store.read() as connection:
        first = entries.entry_by_id(connection, tablet.journal.append(NOTE).envelope.id)
        assert first is not None
        begun = connection.execute(
            schema.entry.select().where(schema.entry.c.chain_id == first.envelope.chain_id)
        ).first()
    assert begun is not None
    assert first.envelope.chain_id != lost.envelope.chain_id
    assert lost.hash.encode() in begun.body, "the new chain names the head that the copy lacks"
    assert reserve_counter(tablet.store, "ZIV1/1", 1, 1) > used + 10_000
    tablet.close()


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
