"""A serving gateway asks the networks by itself: one of many, in the background, and stopped at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.concentrators.lookup import SeenDevice
from fieldtool import proofs
from fieldtool.proofkeeping import LEAD, ProjectSources, ProofKeeping, read_projects
from fieldtool.proofs import LookupSource
from fieldtool.tomlfile import FileMistake
from tests.workorders.offices import Bureau
from tests.workorders.test_proof_rounds import never_heard, stand

WANTED = [
    ProjectSources(id="missing"),
    ProjectSources(id="demo", lookup=[LookupSource(name="ns", url="http://ns.example", token="env:NS")]),
]


@pytest.fixture
def waits_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], threading.Event]:
    """The server tells when it is asked, and does meanwhile what a test says."""

    def with_work(work: Callable[[], None]) -> threading.Event:
        reached = threading.Event()

        def look(url: str, identity: str, token: str) -> SeenDevice:
            reached.set()
            work()
            return never_heard(int(identity, 16))

        monkeypatch.setattr(proofs.lookup, "look_up", look)
        return reached

    return with_work


def keeping(bureau: Bureau) -> ProofKeeping:
    return ProofKeeping(bureau.office, WANTED, {}, lambda name: "token", look=0.02)


def test_one_of_many_asks_and_the_next_follows_when_it_is_stopped(
    tmp_path: Path,
    waits_for: Callable[[Callable[[], None]], threading.Event],
    each_database: str,
) -> None:
    """A project that is not there costs no other its round; and no gateway waits for the one that asks."""
    bureau = Bureau.open(tmp_path / "office")
    stand(bureau, 3)
    go_on = threading.Event()
    reached = waits_for(lambda: go_on.wait(20) and None)
    first, second = keeping(bureau), keeping(bureau)
    with first:
        assert reached.wait(20)
        assert second._leads("demo") is False, "another gateway asks"
        bureau.now.forward(minutes=4)
        assert first._leads("demo"), "it says so again"
        bureau.now.forward(seconds=LEAD.total_seconds() - 60)
        assert second._leads("demo") is False
        go_on.set()
    assert not first._thread.is_alive()
    assert second._leads("demo"), "at once: the first has let go"
    bureau.now.forward(seconds=LEAD.total_seconds() + 1)
    assert keeping(bureau)._leads("demo"), "one that died is followed after a while"
    assert second._leads("demo") is False
    bureau.office.store.close()


def test_being_stopped_in_the_middle_loses_nothing(
    tmp_path: Path, waits_for: Callable[[Callable[[], None]], threading.Event]
) -> None:
    """What was asked is written, and the next one goes on behind it."""
    bureau = Bureau.open(tmp_path / "office")
    stand(bureau, 3)
    running = keeping(bureau)
    reached = waits_for(running._stopped.set)
    with running:
        assert reached.wait(20)
    assert not running._thread.is_alive()
    assert proofs.proof.left_off(bureau.office, "demo", "ns") == "M0000"
    bureau.office.store.close()


def test_a_file_names_projects_once_and_no_token(tmp_path: Path) -> None:
    path = tmp_path / "proofs.toml"
    lookup = '[[project.lookup]]\nname = "ns"\nurl = "http://x"\ntoken = "env:NS"\n'
    path.write_text(f'[[project]]\nid = "demo"\n{lookup}[[project]]\nid = "other"\n')
    assert [(one.id, len(one.lookup)) for one in read_projects(path)] == [("demo", 1), ("other", 0)]
    path.write_text('[[project]]\nid = "demo"\n[[project]]\nid = "demo"\n')
    with pytest.raises(FileMistake, match="twice"):
        read_projects(path)
    path.write_text(f'[[project]]\nid = "demo"\n{lookup.replace("env:NS", "s3cret")}')
    with pytest.raises(FileMistake) as told:
        read_projects(path)
    assert "s3cret" not in str(told.value)
