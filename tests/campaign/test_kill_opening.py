"""A round of each kind, so that the command cannot rot; it must be able to find something; and the order of
file and entry, which no kill can show."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, func, select

from fieldtool.run.surroundings import Person
from fieldtool.settings import Home
from fieldtool.tablet.rows import OrderFilter
from tests.campaign import kill, kill_opening
from tests.campaign.kill_victim import Worker
from tests.fieldtool.enrolled import enrolled_tablet
from workorders.journal import kinds
from workorders.people import Role
from workorders.store import schema


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> kill_opening.Site:
    return kill_opening.Site(tmp_path_factory.mktemp("site"), kill_opening.Counts())


@pytest.mark.parametrize("act", ["upgrade", "hand_over", "counters", "cut"])
def test_killed_where_work_seldom_is(site: kill_opening.Site, act: str) -> None:
    getattr(site, act)(random.Random(2), act)
    assert site.counts.details == []


def test_a_counter_that_is_given_twice_is_found(
    site: kill_opening.Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill_opening, "reserve_counter", lambda *_: 1)
    site.counts = kill_opening.Counts()
    site.counters(random.Random(1), "here")
    assert site.counts.found["counter_reused"]


def test_a_photo_is_durable_before_its_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process shows no missing fsync, so calls are watched: file, its folder, the commit."""
    bureau = kill._office(tmp_path, 2)
    tablet = enrolled_tablet(bureau, tmp_path / "t", monkeypatch)
    done: list[tuple[str, str | int]] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        done.append(("fsync", str(Path(f"/proc/self/fd/{handle}").readlink())))
        fsync(handle)

    def committed(connection: Connection) -> None:
        table = schema.entry
        query = select(func.count()).select_from(table).where(table.c.kind == kinds.BlobTaken.KIND)
        done.append(("commit", connection.execute(query).scalar_one()))

    monkeypatch.setattr(os, "fsync", watched)
    event.listen(tablet.store.engine, "commit", committed)
    tablet._person = Person(id="ana", name="Ana", role=Role.INSTALLER, crew="A")
    worker = Worker.__new__(Worker)
    worker.chance, worker.tablet, worker.home = random.Random(1), tablet, Home(tmp_path / "t")
    monkeypatch.setattr("tests.campaign.kill_victim.say", lambda **_: None)
    tablet.use_ports(old="old", new="new")
    assert tablet.orders(OrderFilter(), limit=4)
    while ("commit", 1) not in done:
        assert worker.step()
    before = [what for kind, what in done[: done.index(("commit", 1))] if kind == "fsync"]
    blobs = str(tablet.blobs.folder)
    files = [number for number, what in enumerate(before) if str(what).startswith(blobs)]
    assert len(files) >= 2, "the file and its folder"
    assert Path(str(before[files[-1]])).is_dir()
    tablet.close()
