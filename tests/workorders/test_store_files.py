"""A file that cannot be used says why, each reason its own code, and nothing in it is changed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlcipher3.dbapi2 as sqlcipher
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, String, Table, create_engine, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from tests.workorders.record_support import KEY, an_order, issued, new_journal
from workorders.gateway import tables
from workorders.journal import kinds
from workorders.store import migrations, projection, queries, schema, settings
from workorders.store.counters import MAX_COUNTER, CounterSpent, reserve_counter
from workorders.store.engine import open_store
from workorders.store.errors import HINTS, StoreError, translate
from workorders.store.verify import verify_store

ROOT = Path(__file__).parents[2]


def code_of(path: Path, key: bytes = KEY, *, role: str = "tablet", create: bool = False) -> str:
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError) as caught:
        open_store(path, key, role=role, create=create)  # type: ignore[arg-type]  # a wrong role is the test
    if before is not None:
        assert path.read_bytes() == before, "a file that is refused must not be touched"
    assert caught.value.hint
    return caught.value.code


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with some entries, closed."""
    with open_store(tmp_path / "store.db", KEY, role="tablet") as store:
        journal = new_journal(store)
        for number in range(20):
            journal.append(kinds.StepDone(step=f"s{number}", answers={"n": number}), order_id="o1")
    return tmp_path / "store.db"


def test_nothing_in_the_file_is_readable_without_the_key(path: Path) -> None:
    with open_store(path, KEY, role="tablet") as store:
        with store.write() as connection:
            settings.set_setting(connection, "secret", "Juana Quispe")
        for file in path.parent.iterdir():
            data = file.read_bytes()
            assert b"Juana" not in data
            assert b"SQLite format" not in data


def test_a_wrong_key(path: Path) -> None:
    assert code_of(path, bytes(32)) == "wrong_key"


def test_a_missing_file(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none.db") == "missing"


def test_foreign_files(path: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.db"
    connection = sqlite3.connect(plain)
    connection.execute("CREATE TABLE a (b)")
    connection.close()
    assert code_of(plain) == "foreign_file"
    (tmp_path / "text.db").write_text("not a database")
    assert code_of(tmp_path / "text.db") == "foreign_file"
    (tmp_path / "noise.db").write_bytes(os.urandom(16384))
    assert code_of(tmp_path / "noise.db") == "foreign_file"
    assert code_of(tmp_path) == "foreign_file"


def test_a_database_of_the_same_key_by_another_program(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    connection = sqlcipher.connect(os.fspath(other))
    connection.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
    connection.execute("CREATE TABLE a (b)")
    connection.close()
    assert code_of(other) == "foreign_file"


def test_a_tablets_file_is_not_a_gateways(path: Path) -> None:
    assert code_of(path, role="gateway") == "foreign_file"


@pytest.mark.parametrize("where", [0, 20, 2000])
def test_a_damaged_first_page(path: Path, where: int) -> None:
    with path.open("r+b") as file:
        file.seek(where)
        file.write(b"\xff" * 64)
    assert code_of(path) == "corrupt"


@pytest.mark.parametrize("size", [0, 100, 4095, 4097])
def test_a_file_cut_short(path: Path, size: int) -> None:
    os.truncate(path, size)
    assert code_of(path) == "corrupt"


def test_a_file_cut_between_pages_or_damaged_inside_is_found_by_verify(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size - 4096 * 3 + 100)
        file.write(b"\xff" * 32)
    try:
        with open_store(path, KEY, role="tablet") as store:
            codes = {problem.code for problem in verify_store(store).problems}
    except StoreError as error:
        codes = {error.code}
    assert codes & {"file", "corrupt"}


def test_a_newer_schema_is_refused(path: Path) -> None:
    with open_store(path, KEY, role="tablet") as store, store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert code_of(path) == "newer_schema"


def test_a_place_that_cannot_hold_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert code_of(tmp_path / "file" / "store.db", create=True) == "cannot_open"


def test_a_full_disk_is_told_as_such_where_sqlite_only_says_io_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index of the write-ahead log finds no room: SQLite calls that a failing disk."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = 4874  # SQLITE_IOERR_SHMSIZE
    usual = translate(error, path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    full = translate(error, path)
    assert (usual and usual.code, full and full.code) == ("io_error", "disk_full")


def test_an_interrupted_beginning_leaves_no_half_made_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(migrations, "migrate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_store(tmp_path / "store.db", KEY, role="tablet")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    open_store(tmp_path / "store.db", KEY, role="tablet").close()


def test_what_a_killed_program_left_behind_is_swept_away_after_a_day(path: Path) -> None:
    old, new = path.with_name("store.db.1.scratch"), path.with_name("store.db.2.scratch")
    for left in (old, new):
        left.write_bytes(b"x")
    os.utime(old, (0, 0))
    open_store(path, KEY, role="tablet").close()
    assert (old.exists(), new.exists()) == (False, True)


def test_a_rebuild_mends_the_search_too(path: Path) -> None:
    with open_store(path, KEY, role="tablet") as store:
        new_journal(store).append(issued(an_order("o2")), order_id="o2")
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM order_search")
            assert queries.count_orders(connection, search="OT-o2") == 0
        projection.rebuild(store)
        with store.read() as connection:
            assert queries.count_orders(connection, search="OT-o2") == 1


def test_the_tables_can_be_made_on_postgresql_too() -> None:
    made = [str(CreateTable(table).compile(dialect=postgresql.dialect())) for table in schema.PROJECTION]
    made += [str(CreateIndex(index).compile(dialect=postgresql.dialect())) for index in schema.entry.indexes]
    assert all(text.strip().startswith("CREATE") for text in made)


def test_a_migration_is_preceded_by_a_backup(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(operations: object) -> None:
        operations.execute("CREATE TABLE added (a TEXT)")  # type: ignore[attr-defined]  # alembic's Operations

    newer = (*migrations.REVISIONS, migrations.Revision("9998", add))
    monkeypatch.setattr(migrations, "REVISIONS", newer)
    monkeypatch.setattr(migrations, "NEWEST", "9998")
    with open_store(path, KEY, role="tablet") as store, store.read() as connection:
        assert migrations.current_revision(connection) == "9998"
        connection.exec_driver_sql("SELECT a FROM added")
    monkeypatch.undo()
    assert code_of(path) == "newer_schema"
    with open_store(path.with_name("store.db.before-9998"), KEY, role="tablet") as backup:
        assert verify_store(backup).entries == 21


def test_only_the_newest_copies_before_upgrades_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9990, 9995):
        step = migrations.Revision(str(number), lambda _: None)
        monkeypatch.setattr(migrations, "REVISIONS", (*migrations.REVISIONS, step))
        monkeypatch.setattr(migrations, "NEWEST", str(number))
        open_store(path, KEY, role="tablet").close()
    kept = sorted(copy.suffix for copy in path.parent.glob("store.db.before-*"))
    assert kept == [".before-9992", ".before-9993", ".before-9994"]


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(operations: object) -> None:
        operations.execute("CREATE TABLE added (a TEXT)")  # type: ignore[attr-defined]  # alembic's Operations
        operations.execute("not SQL")  # type: ignore[attr-defined]  # alembic's Operations

    def adds(operations: object) -> None:
        operations.execute("CREATE TABLE added (a TEXT)")  # type: ignore[attr-defined]  # alembic's Operations

    with open_store(path, KEY, role="tablet") as store:
        before = projection.digest(store)
    monkeypatch.setattr(migrations, "REVISIONS", (*migrations.REVISIONS, migrations.Revision("9998", fails)))
    assert code_of(path) == "upgrade_failed"
    monkeypatch.setattr(
        migrations, "REVISIONS", (*migrations.REVISIONS[:-1], migrations.Revision("9998", adds))
    )
    monkeypatch.setattr("workorders.store.projection._fold_erasures", lambda _: 1 / 0)
    assert code_of(path) == "upgrade_failed", "a fold that fails takes the schema back with it"
    monkeypatch.undo()
    with open_store(path, KEY, role="tablet") as store:
        assert projection.digest(store) == before
    with open_store(path, KEY, role="tablet") as store, store.read() as connection:
        assert migrations.current_revision(connection) == migrations.NEWEST
        with pytest.raises(DBAPIError):
            connection.exec_driver_sql("SELECT a FROM added")


def test_the_migrations_make_what_the_code_expects(path: Path) -> None:
    with open_store(path, KEY, role="tablet") as store, store.read() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, [schema.metadata, tables.metadata])
    # The full-text index lives in tables of its own, which only SQLite knows.
    assert [item for item in differences if "order_search" not in str(item)] == []


def shape(connection: Connection) -> dict[str, set[tuple[object, ...]]]:
    """Columns (type, not null, place in the key) and indexes of every table, as SQLite holds them."""
    names = [
        row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type='table'")
    ]
    found: dict[str, set[tuple[object, ...]]] = {}
    for name in names:
        columns = connection.exec_driver_sql(f'PRAGMA table_info("{name}")').all()
        found[name] = {(row.name, row.type, row.notnull, row.pk) for row in columns}
        for index in connection.exec_driver_sql(f'PRAGMA index_list("{name}")').all():
            parts = connection.exec_driver_sql(f'PRAGMA index_info("{index.name}")').all()
            found[name].add((index.unique, index.origin, *(part.name for part in parts)))
    return found


def test_migrated_and_declared_tables_are_the_same_to_the_last_column(path: Path) -> None:
    declared = create_engine("sqlite://")
    with declared.begin() as connection:
        schema.metadata.create_all(connection)
        tables.metadata.create_all(connection)
        wanted = shape(connection)
    with open_store(path, KEY, role="tablet") as store, store.read() as connection:
        migrated = shape(connection)
    assert {name: migrated[name] for name in wanted} == wanted
    apart = {name for name in migrated if not name.startswith("order_search")} - set(wanted)
    assert apart == {"alembic_version"}


def test_what_code_declares_later_does_not_change_an_old_migration(tmp_path: Path) -> None:
    later = [Table("later", each, Column("a", String)) for each in (schema.metadata, tables.metadata)]
    try:
        with open_store(tmp_path / "store.db", KEY, role="tablet") as store, store.read() as connection:
            assert not inspect(connection).has_table("later")
    finally:
        for table in later:
            table.metadata.remove(table)


def test_reading_cannot_write(path: Path) -> None:
    with open_store(path, KEY, role="tablet") as store:
        with pytest.raises(StoreError) as caught, store.read() as connection:
            settings.set_setting(connection, "x", 1)
        assert caught.value.code == "read_only"


def test_an_error_never_quotes_what_was_to_be_stored(path: Path) -> None:
    with open_store(path, KEY, role="tablet") as store:
        with pytest.raises(DBAPIError) as caught, store.write() as connection:
            connection.execute(schema.setting.insert(), [{"name": "a", "value": "secret-text"}] * 2)
        assert "secret-text" not in str(caught.value)


def test_readers_do_not_wait_for_a_writer(path: Path) -> None:
    with open_store(path, KEY, role="tablet") as store, store.write() as writing:
        settings.set_setting(writing, "x", 1)
        with store.read() as reading:
            assert settings.setting(reading, "x") is None


def test_threads_take_turns_at_writing(path: Path) -> None:
    with open_store(path, KEY, role="tablet") as store:
        taken: list[int] = []

        def take() -> None:
            for _ in range(10):
                taken.append(reserve_counter(store, "m", 5, 2))

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken) == list(range(5, 85, 2))


def test_a_counter_never_goes_back_and_ends_at_its_end(path: Path) -> None:
    with open_store(path, KEY, role="tablet") as store:
        assert reserve_counter(store, "m", 100, 10) == 100
        assert reserve_counter(store, "m", 5, 1) == 110
        assert reserve_counter(store, "other", 0, 1) == 0
        assert reserve_counter(store, "m", MAX_COUNTER, 1) == MAX_COUNTER
        with pytest.raises(CounterSpent):
            reserve_counter(store, "m", 0, 1)
    with open_store(path, KEY, role="tablet") as store, pytest.raises(CounterSpent):
        reserve_counter(store, "m", 0, 1)


FILLS_UP = """
import resource, signal, sys
from pathlib import Path
from tests.workorders.record_support import KEY
from workorders.store import settings
from workorders.store.engine import open_store
from workorders.store.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_store(Path(sys.argv[1]), KEY, role="tablet")
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    with store.write() as connection:
        settings.set_setting(connection, "x", "y" * 3_000_000)
    print("written")
except StoreError as error:
    print(error.code)
"""

if sys.platform != "win32":

    def test_a_disk_that_refuses_to_write(path: Path) -> None:
        command = [sys.executable, "-c", FILLS_UP, str(path)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert result.stdout.strip() == "io_error", result.stderr
        with open_store(path, KEY, role="tablet") as store:
            assert verify_store(store).ok


def test_a_rebuild_tells_how_far_it_is(path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with open_store(path, KEY, role="tablet") as store:
        new_journal(store).append(issued(an_order("o2")), order_id="o2")
        projection.rebuild(store, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2, 2)


@pytest.mark.parametrize("language", ["es", "en", "pt"])
def test_every_error_has_a_text_in_every_language(language: str) -> None:
    texts = json.loads((ROOT / "assets" / "translations" / f"workorders.{language}.json").read_text("utf-8"))
    for code in [*HINTS, "counter_spent"]:
        assert texts[f"error.store.{code}"].strip()
        assert texts[f"error.store.{code}.hint"].strip()
    for code in ("no_chain", "chain_behind", "wrong_signer", "wrong_realm"):
        assert texts[f"error.journal.{code}"].strip()
