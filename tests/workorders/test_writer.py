"""Nothing that was acknowledged is ever lost: kills, programs at once, full disks, restored backups."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.workorders.record_support import (
    KEY,
    Author,
    TickingClock,
    an_order,
    issued,
    new_journal,
    new_store,
    self_signed,
)
from workorders.clock import SystemClock
from workorders.journal import kinds
from workorders.journal.chain import verify_chain
from workorders.journal.entry import EntryError, Envelope, Realm, seal_entry
from workorders.journal.words import HeadReference
from workorders.journal.writer import Draft, Journal, JournalError
from workorders.store import entries, inbox, projection, schema, settings
from workorders.store.engine import Store, open_store
from workorders.store.errors import StoreError
from workorders.store.verify import export_lines, verify_store

ROUNDS = int(os.environ.get("FIELDTOOL_KILL_ROUNDS", "4"))
"""Kills a round each; many more by hand, a few each time."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with new_store(tmp_path) as opened:
        yield opened


def step(name: str = "photo") -> kinds.StepDone:
    return kinds.StepDone(step=name, answers={})


def test_an_entry_its_effect_and_the_callers_rows_are_one(store: Store) -> None:
    journal = new_journal(store)
    journal.append(
        step(), order_id="o1", actor="u1", also=lambda connection: settings.set_setting(connection, "x", 1)
    )
    with store.read() as connection:
        row = connection.execute(schema.step_state.select()).one()
        assert (row.step, row.actor, settings.setting(connection, "x")) == ("photo", "u1", 1)


def test_when_the_callers_part_fails_nothing_is_there(store: Store) -> None:
    journal = new_journal(store)
    before = journal.head()

    def fails(_: object) -> None:
        raise RuntimeError("the draft cannot be cleared")

    with pytest.raises(RuntimeError):
        journal.append(step(), order_id="o1", also=fails)
    assert journal.head() == before
    assert journal.append(step(), order_id="o1").envelope.seq == 1
    assert verify_store(store).ok


def test_several_entries_are_all_or_none(store: Store) -> None:
    journal = new_journal(store)
    bad = kinds.StepDone(step="s", answers={"reading": 1.5})
    with pytest.raises(EntryError):
        journal.append_all([Draft(payload=step(), order_id="o1"), Draft(payload=bad, order_id="o1")])
    assert journal.append(step()).envelope.seq == 1


def test_without_a_chain_nothing_is_written(store: Store) -> None:
    journal = new_journal(store, begun=False)
    with pytest.raises(JournalError) as caught:
        journal.append(step())
    assert caught.value.code == "no_chain"


def test_key_and_certificate_must_belong_together(store: Store) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    with pytest.raises(JournalError) as caught:
        Journal(store, key, self_signed(other), Realm.DEMO, "p1", SystemClock())
    assert caught.value.code == "wrong_signer"


def test_training_and_live_never_share_a_store(store: Store) -> None:
    new_journal(store)
    key = Ed25519PrivateKey.generate()
    with pytest.raises(JournalError) as caught:
        Journal(store, key, self_signed(key), Realm.LIVE, "p1", SystemClock())
    assert caught.value.code == "wrong_realm"
    author = Author()
    stranger = author.write(step(), order_id="o1")
    plain = msgspec.json.decode(stranger.body) | {"realm": "live"}
    live = seal_entry(msgspec.convert(plain, Envelope), author.key)
    with store.write() as connection:
        result = inbox.receive(connection, [inbox.ReceivedEntry(entry=live, server_seq=1)])
        assert result.clashing == [live.envelope.id]
        assert connection.execute(schema.quarantine.select()).one().code == "other_realm"
        assert connection.execute(schema.step_state.select()).all() == []


def test_a_new_chain_names_the_old_head(store: Store) -> None:
    journal = new_journal(store)
    old = journal.append(step())
    begun = journal.begin_chain("reinstalled")
    assert begun.envelope.seq == 0
    assert begun.envelope.payload["previous_head"] == {
        "chain_id": old.envelope.chain_id,
        "seq": 1,
        "hash": old.hash,
    }
    assert journal.append(step()).envelope.chain_id == begun.envelope.chain_id
    assert verify_store(store).ok


def test_a_restored_backup_is_noticed_before_it_forks_the_chain(tmp_path: Path) -> None:
    heads: list[HeadReference] = []
    with new_store(tmp_path) as store:
        key = Ed25519PrivateKey.generate()
        journal = Journal(
            store, key, self_signed(key), Realm.DEMO, "p1", TickingClock(), on_head=heads.append
        )
        journal.begin_chain("enrolled")
        store.backup(tmp_path / "backup.db")
        journal.append(step())
        journal.check_mark(heads[-1])
    with open_store(tmp_path / "backup.db", KEY, role="tablet") as restored:
        journal = Journal(restored, key, self_signed(key), Realm.DEMO, "p1", TickingClock())
        with pytest.raises(JournalError) as caught:
            journal.check_mark(heads[-1])
        assert caught.value.code == "chain_behind"
        begun = journal.begin_chain("restored", heads[-1])
        assert begun.envelope.payload["previous_head"]["hash"] == heads[-1].hash


def test_a_keyring_that_fails_does_not_undo_the_step(store: Store) -> None:
    key = Ed25519PrivateKey.generate()

    def fails(_: HeadReference) -> None:
        raise OSError("no keyring")

    journal = Journal(store, key, self_signed(key), Realm.DEMO, "p1", TickingClock(), on_head=fails)
    journal.begin_chain("enrolled")
    assert journal.append(step()).envelope.seq == 1


def test_the_office_has_a_chain_for_each_project_and_one_sequence(tmp_path: Path) -> None:
    with new_store(tmp_path, "gateway") as store:
        one, two = new_journal(store, project="p1"), new_journal(store, project="p2")
        first = one.append(issued(an_order("o1")), order_id="o1")
        second = two.append(issued(an_order("o2")), order_id="o2")
        third = one.append(kinds.OrderApproved(), order_id="o1")
        assert first.envelope.chain_id == third.envelope.chain_id != second.envelope.chain_id
        with store.read() as connection:
            rows = connection.execute(schema.entry.select().order_by(schema.entry.c.server_seq)).all()
            assert [row.server_seq for row in rows] == [1, 2, 3, 4, 5]
            assert inbox.outbox(connection) == []
        assert verify_store(store).ok


def test_the_outbox_is_the_entries_without_a_verdict(store: Store) -> None:
    journal = new_journal(store)
    written = [journal.append(step(f"s{number}"), order_id="o1") for number in range(3)]
    with store.write() as connection:
        assert [entry.envelope.seq for entry in inbox.outbox(connection, 50)] == [0, 1, 2, 3]
        answer = inbox.EntryVerdict(
            entry_id=written[0].envelope.id, hash=written[0].hash, verdict="applied", server_seq=7
        )
        inbox.record_verdicts(connection, [answer])
        assert [entry.envelope.seq for entry in inbox.outbox(connection, 50)] == [0, 2, 3]
        assert inbox.pending_count(connection) == 3
        assert inbox.verdict_of(connection, written[0].envelope.id, written[0].hash) == answer


def test_an_export_holds_every_entry_and_no_plain_name(store: Store) -> None:
    journal = new_journal(store)
    journal.append(step(), order_id="o1")
    with store.read() as connection:
        assert len(list(export_lines(connection))) == 2


# --- tampering ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("UPDATE entry SET body = replace(body, 'photo', 'phoTo') WHERE seq = 2", "wrong_hash"),
        ("UPDATE entry SET signature = zeroblob(64) WHERE seq = 2", "wrong_signature"),
        ("DELETE FROM entry WHERE seq = 2", "gap"),
        ("DELETE FROM entry WHERE seq = 3", "head"),
        ("DELETE FROM entry WHERE seq = 0", "no_beginning"),
        ("UPDATE entry SET seq = 9 WHERE seq = 3", "wrong_envelope"),
        ("UPDATE step_state SET answers = '{\"x\":1}'", "projection"),
        ("UPDATE work_order SET status = 'closed'", "projection"),
        ("DELETE FROM step_state", "projection"),
    ],
)
def test_whatever_is_tampered_with_is_found(store: Store, sql: str, code: str) -> None:
    journal = new_journal(store)
    for name in ("photo", "photo", "scan"):
        journal.append(step(name), order_id="o1")
    assert verify_store(store).ok
    with store.write() as connection:
        connection.exec_driver_sql(sql)
    report = verify_store(store)
    assert not report.ok
    assert code in {problem.code for problem in report.problems}


def test_verifying_changes_nothing_and_a_rebuild_repairs(store: Store) -> None:
    journal = new_journal(store)
    journal.append(step(), order_id="o1")
    sound = projection.digest(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE work_order SET status = 'closed'")
    assert not verify_store(store).projection_equal
    assert not verify_store(store).projection_equal
    projection.rebuild(store)
    assert projection.digest(store) == sound
    assert verify_store(store).ok


def test_a_part_of_a_chain_is_checked_entry_by_entry(store: Store) -> None:
    journal = new_journal(store)
    for number in range(5):
        journal.append(step(str(number)))
    with store.read() as connection:
        chain = list(entries.chain_entries(connection, journal.head().chain_id))  # type: ignore[union-attr]
        certificate = connection.execute(schema.chain.select()).one().certificate
    part = [chain[1], chain[2], chain[4]]
    assert verify_chain(part, certificate, whole=False).ok
    assert [problem.code for problem in verify_chain(part, certificate).problems] == ["no_beginning", "gap"]


@given(st.data())
def test_any_change_to_a_chain_is_found(data: st.DataObject) -> None:
    author = Author()
    for number in range(6):
        author.write(step(str(number)), order_id="o1")
    chain = list(author.entries)
    act = data.draw(st.sampled_from(["drop", "swap_bytes", "resign", "twin"]))
    at = data.draw(st.integers(0, 4))  # without the head, nobody can know that the last one is gone
    if act == "drop":
        del chain[at]
    elif act == "swap_bytes":
        chain[at] = msgspec.structs.replace(chain[at], body=chain[at + 1].body)
    elif act == "resign":
        forged = Author(chain=9)
        chain[at] = msgspec.structs.replace(
            chain[at], signature=forged.key.sign(bytes.fromhex(chain[at].hash))
        )
    else:
        chain.append(author.at_number(at, step("other"), "o1", variant=1))
    chain = data.draw(st.permutations(chain))
    assert not verify_chain(chain, author.key.public_key()).ok
    assert verify_chain(data.draw(st.permutations(author.entries)), author.key.public_key()).ok


# --- kills --------------------------------------------------------------------------------------


def start_writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.workorders.writer_program", str(path), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def begin(folder: Path) -> Path:
    with new_store(folder) as store:
        key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
        Journal(store, key, self_signed(key), Realm.DEMO, "p1", SystemClock()).begin_chain("enrolled")
    return folder / "store.db"


def test_a_writer_killed_at_any_moment_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    path = begin(tmp_path)
    chance = random.Random(7)
    acknowledged: list[tuple[int, str]] = []
    counters: list[int] = []
    for number in range(ROUNDS):
        writer = start_writer(path, f"w{number}", 10_000)
        assert writer.stdout is not None
        for _ in range(chance.randint(1, 12)):
            seq, digest, counter = writer.stdout.readline().split()
            acknowledged.append((int(seq), digest))
            counters.append(int(counter))
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate()
        for line in rest.splitlines(keepends=True):
            if line.endswith("\n"):
                seq, digest, counter = line.split()
                acknowledged.append((int(seq), digest))
                counters.append(int(counter))
    with open_store(path, KEY, role="tablet") as store:
        report = verify_store(store)
        assert report.problems == []
        with store.read() as connection:
            kept = {row.seq: row.hash for row in connection.execute(schema.entry.select())}
    assert all(kept[seq] == digest for seq, digest in acknowledged)
    assert len(set(counters)) == len(counters)
    assert counters == sorted(counters)


def test_two_programs_write_one_chain_without_gap_or_fork(tmp_path: Path) -> None:
    path = begin(tmp_path)
    writers = [start_writer(path, name, 15) for name in ("app", "command")]
    outputs = [writer.communicate(timeout=120)[0].split("\n") for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    numbers = sorted(int(line.split()[0]) for output in outputs for line in output if line)
    assert numbers == list(range(1, 31))
    values = [int(line.split()[2]) for output in outputs for line in output if line]
    assert len(set(values)) == 30
    with open_store(path, KEY, role="tablet") as store:
        assert verify_store(store).ok


def test_a_full_disk_refuses_the_step_and_keeps_what_was_there(store: Store) -> None:
    journal = new_journal(store)
    journal.append(step("kept"), order_id="o1")
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    # The limit belongs to a connection; the pool here has one.
    raw = store.engine.raw_connection()
    raw.cursor().execute(f"PRAGMA max_page_count = {pages}")
    raw.close()
    payload = kinds.StepDone(step="big", answers={"text": "x" * 200_000})
    with pytest.raises(StoreError) as caught:
        journal.append(payload, order_id="o1")
    assert caught.value.code == "disk_full"
    raw = store.engine.raw_connection()
    raw.cursor().execute("PRAGMA max_page_count = 1073741823")
    raw.close()
    assert journal.append(payload, order_id="o1").envelope.seq == 2
    assert verify_store(store).ok
