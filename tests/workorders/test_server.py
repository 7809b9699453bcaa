"""The office's database on a PostgreSQL server: many programs at once, nothing skipped, secrets sealed."""

from __future__ import annotations

import base64
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

from tests.support import postgres
from tests.support.postgres import MASTER_KEY
from tests.workorders import offices
from tests.workorders.offices import Bureau
from tests.workorders.test_said import server_bytes
from tests.workorders.test_sync_push import execute
from workorders.gateway import acts, enrolment, tables
from workorders.gateway.office import Office, last_server_seq
from workorders.store import migrations, projection, schema
from workorders.store.atrest import Sealer
from workorders.store.engine import open_store
from workorders.store.errors import StoreError
from workorders.store.server import open_server
from workorders.store.verify import verify_store

PROGRAM = """
import sys
from workorders.gateway import acts
from workorders.gateway.office import Office
from workorders.store.server import open_server
url, order_id, times = sys.argv[1:]
with open_server(url, b"m" * 32) as store:
    office = Office.open(store)
    for number in range(int(times)):
        acts.change_order(office, order_id, {"priority": number + 1})
"""


@pytest.fixture
def bureau(tmp_path: Path, postgres_url: str) -> Bureau:
    with offices.on_server(lambda: postgres_url):
        return Bureau.open(tmp_path)


def test_programs_that_write_at_once_make_one_gapless_chain_and_no_pull_skips_an_entry(
    bureau: Bureau, postgres_url: str
) -> None:
    """Two more programs write while this one reads: what was once passed over must never come later."""
    tablet = bureau.tablet("A")
    tablet.sync()
    orders = tablet.order_ids()
    times = 8
    others = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, postgres_url, order_id, str(times)])
        for order_id in orders[:2]
    ]
    table = schema.entry
    top, running = 0, True
    while running:
        running = any(other.poll() is None for other in others)  # asked before the last look
        with bureau.office.store.read() as connection:
            last = last_server_seq(connection)
            query = select(table.c.server_seq).where(table.c.server_seq > top)
            found = set(connection.execute(query).scalars())
        assert found == set(range(top + 1, last + 1)), "a number was passed over, or was not there yet"
        top = last
        if running:
            acts.change_order(bureau.office, orders[2], {"priority": top})
    assert [other.wait(30) for other in others] == [0, 0]
    report = tablet.sync()
    assert (report.state, report.equal) == ("done", True)
    assert verify_store(bureau.office.store, bureau.office.root).problems == []


def test_a_program_that_dies_while_it_writes_leaves_nothing_and_blocks_nobody(
    bureau: Bureau, postgres_url: str
) -> None:
    program = (
        "import sys, time\n"
        "from workorders.store.server import open_server\n"
        "with open_server(sys.argv[1], b'm' * 32) as store, store.write() as connection:\n"
        "    connection.exec_driver_sql('DELETE FROM work_order')\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(60)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", program, postgres_url], stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline().strip() == b"writing"
    other.send_signal(signal.SIGKILL)
    other.wait(20)
    other.stdout.close()
    tablet = bureau.tablet("A")
    assert tablet.sync().equal is True
    assert len(tablet.order_ids()) == 4


def test_both_databases_fold_the_same_tables(bureau: Bureau, tmp_path: Path) -> None:
    """One projection code: the same entries in the same order make the same dump."""
    tablet = bureau.tablet("A")
    tablet.sync()
    execute(tablet, tablet.order_ids()[0])
    acts.change_order(bureau.office, tablet.order_ids()[1], {"priority": 3})
    tablet.sync()
    store = bureau.office.store
    with store.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(schema.entry.select())]
    beside = open_store(tmp_path / "other.db", b"o" * 32, role="gateway")
    with beside.write() as connection:
        connection.execute(schema.entry.insert(), rows)
        # Which devices stood before is the utility's word, no consequence of entries.
        with store.read() as source:
            base = [dict(row._mapping) for row in source.execute(schema.base_placement.select())]
        connection.execute(schema.base_placement.insert(), base)
    projection.rebuild(beside)
    assert projection.digest(beside) == projection.digest(store)
    projection.rebuild(store)
    assert projection.digest(beside) == projection.digest(store)
    beside.close()


def test_a_scratch_copy_changes_nothing_and_nobody_waits_for_it(bureau: Bureau) -> None:
    store = bureau.office.store
    before = projection.digest(store)
    with store.scratch() as copy, copy.write() as connection:
        connection.execute(schema.work_order.delete())
        written = threading.Thread(target=lambda: enrolment.create_enrolment_code(bureau.office))
        written.start()
        written.join(10)
        assert not written.is_alive()
        assert projection.digest_of(connection) != before
    assert projection.digest(store) == before


def test_whoever_reads_the_server_finds_no_key_of_the_office(bureau: Bureau) -> None:
    """Order keys, meters' secrets, codes and the office's own keys lie there sealed under the master key."""
    enrolment.create_enrolment_code(bureau.office, crew="A", project="demo")
    with bureau.office.store.read() as connection:
        keys = list(connection.execute(select(schema.order_key.c.key)).scalars())
        secrets = list(connection.execute(select(schema.meter_secret.c.value)).scalars())
    assert b"clave001" in secrets
    own = bureau.office.root_key.private_bytes_raw(), bureau.office.recovery_key.private_bytes_raw()
    dump = server_bytes(bureau.office.store)
    for secret in (*keys, *secrets, *own):
        assert secret.hex().encode() not in dump
        assert base64.b64encode(secret) not in dump
        assert secret not in dump


def test_a_sealed_value_opens_only_where_it_was_sealed_for() -> None:
    sealer = Sealer(MASTER_KEY)
    sealed = sealer.seal(b"secret", "order_key.key")
    assert sealer.open(sealed, "order_key.key") == b"secret"
    for other, context, data in (
        (sealer, "meter_secret.value", sealed),
        (Sealer(b"x" * 32), "order_key.key", sealed),
        (sealer, "order_key.key", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (sealer, "order_key.key", b""),
    ):
        with pytest.raises(StoreError) as refused:
            other.open(data, context)
        assert refused.value.code == "corrupt"


def test_what_cannot_be_opened_is_told_apart(postgres_url: str) -> None:
    server = postgres.cluster()

    def code(url: str, key: bytes = MASTER_KEY, **more: bool) -> str:
        with pytest.raises(StoreError) as refused:
            open_server(url, key, **more).close()
        assert "geheim" not in str(refused.value)
        return refused.value.code

    assert code(postgres_url, b"x" * 32) == "wrong_key"
    assert code(server.url(server.database()), create=False) == "missing"
    assert code(server.url("nowhere")) == "server_refuses"
    assert code("postgresql://postgres:geheim@127.0.0.1:1/x") == "server_away"
    foreign, newer = server.url(server.database()), server.url(server.database())
    open_server(newer, MASTER_KEY).close()
    for url, statement in (
        (foreign, "CREATE TABLE theirs (id int)"),
        (newer, "UPDATE alembic_version SET version_num = '9999'"),
    ):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement.encode())
    assert code(foreign) == "foreign_file"
    assert code(newer) == "newer_schema"


def test_the_tables_are_those_that_the_code_declares(bureau: Bureau) -> None:
    with bureau.office.store.read() as connection:
        assert migrations.current_revision(connection) == migrations.NEWEST
        context = MigrationContext.configure(connection, opts={"include_name": _declared})
        assert compare_metadata(context, [schema.metadata, tables.metadata]) == []
        assert inspect(connection).has_table("entry")
        # Times and paths are compared by their bytes, whatever language the server speaks.
        query = text(
            "SELECT 1 FROM information_schema.columns WHERE table_schema = 'public' "
            "AND data_type IN ('text', 'character varying') "
            "AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'alembic_version'"
        )
        assert connection.execute(query).first() is None


KEPT = ("alembic_version", "figure_status", "figure_day", "figure_clock", "figure_join", "site")
"""What the board's migration makes on a server alone."""


def _declared(name: str | None, kind: str, _: object) -> bool:
    if kind == "table":
        return name not in KEPT
    return not (kind == "index" and str(name).startswith("board_"))


def test_text_that_the_server_does_not_know_stops_nothing(bureau: Bureau) -> None:
    """A code on a label may hold a NUL; the entry keeps its bytes, the tables show a sign for it."""
    tablet = bureau.tablet("A")
    tablet.sync()
    order_id = tablet.order_ids()[0]
    execute(tablet, order_id, serial="ZIV\x0000001")
    report = tablet.sync()
    assert (report.state, report.pending) == ("done", 0)
    with bureau.office.store.read() as connection:
        assert connection.execute(schema.quarantine.select()).first() is None
        serials = set(connection.execute(select(schema.device.c.serial)).scalars())
    assert "ZIV␀00001" in serials


def test_an_office_opened_twice_is_one_office(bureau: Bureau, postgres_url: str) -> None:
    with open_server(postgres_url, MASTER_KEY) as store:
        again = Office.open(store)
        assert again.gateway_id == bureau.office.gateway_id
        assert again.root_key.private_bytes_raw() == bureau.office.root_key.private_bytes_raw()


def test_a_server_is_told_of_tables_that_a_load_made_large(postgres_url: str) -> None:
    """Until autovacuum came round, the pages of a first load were planned for empty tables."""
    known = "SELECT reltuples FROM pg_class WHERE relname = 'heard'"
    with open_server(postgres_url, MASTER_KEY) as store:
        store.measure_grown()
        with store.write() as connection:
            connection.execute(
                text(
                    "INSERT INTO heard (serial, project, first_heard_at, heard_at)"
                    " SELECT 'S' || n || repeat('x', 80), 'demo', '', '' FROM generate_series(1, 30000) n"
                )
            )
        assert store.measure_grown() == ["heard", "site"]
        with store.read() as connection:
            assert connection.execute(text(known)).scalar() == 30000
        assert store.measure_grown() == []
