"""Opens the office's database on a PostgreSQL server: same tables and folds, any number of programs at once.

Transactions that number entries wait for each other at one lock of the server (`write`), and the numbers are
taken under it: what has a lower number of the gateway's sequence is always seen before what has a higher one,
so that a pull never skips an entry that was committed late. Reading waits for nobody. Columns that hold keys
are sealed under the office's master key (`atrest`).
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from psycopg import Connection as PgConnection
from psycopg import Error as PgError
from psycopg.types.string import StrDumper
from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from workorders.store import atrest, migrations, schema
from workorders.store.asking import ask
from workorders.store.engine import BUSY_TIMEOUT_MS, KEY_BYTES, MEMORY, Store, StoreRole
from workorders.store.errors import store_error, translate
from workorders.store.settings import set_setting, setting

CONNECTIONS = 20
"""Connections that one program holds at most."""

OLDEST_SERVER = (13,)
_TURN, _OPENING = 0x46544C31, 0x46544C32
"""Numbers of the server's advisory locks: whose turn it is to write, who brings the schema up to date."""
_TAKE_TURN = text("SELECT pg_advisory_xact_lock(:lock)")
_GROWN_PAGES = 100
_GROWN = text(
    "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND"
    " relnamespace = current_schema()::regnamespace AND"
    " pg_relation_size(oid) / current_setting('block_size')::int > 2 * relpages + :least ORDER BY 1"
)
_CONNECT_S = 10
_IDLE = "15min"
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_ROLE, _MASTER = "store.role", "store.master"


class ServerStore(Store):
    """An open database of a server; `address` is its URL without the password."""

    def __init__(self, address: str, role: StoreRole, engine: Engine) -> None:
        super().__init__(role, engine)
        self.address = address
        self._queue = threading.Lock()

    def _reading(self) -> Connection:
        return self.engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @contextlib.contextmanager
    def write(self, *, alone: bool = True) -> Iterator[Connection]:
        """As `Store.write`. Of one program only the writer whose turn it is holds a connection."""
        if not alone:
            with super().write(alone=False) as connection:
                yield connection
            return
        if not self._queue.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise store_error("busy", "The database is being written by others.", self.address)
        try:
            with super().write() as connection:
                yield connection
        finally:
            self._queue.release()

    def _writing(self, alone: bool) -> Connection:
        connection = self.engine.connect()
        # Kept folds stand on writers that exclude each other.
        return connection if alone else connection.execution_options(**{MEMORY: None})

    def _take_turn(self, connection: Connection) -> None:
        ask(connection, (_TAKE_TURN, {"lock": _TURN}))  # the way there begins the transaction too

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        with _translated(self.address):
            yield

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Store]:
        """The tables that a fold writes, as they are now, once more for one connection alone."""
        with (
            self._errors(),
            self.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
            connection.begin() as transaction,
        ):
            lasting = _schema(connection)
            for table in _FOLDED:
                name = connection.dialect.identifier_preparer.format_table(table)
                # What a connection has made for itself is found first under a name.
                make = f"CREATE TEMP TABLE {name} (LIKE {lasting}.{name} INCLUDING ALL) ON COMMIT DROP"
                connection.execute(text(make))
                connection.execute(text(f"INSERT INTO {name} SELECT * FROM {lasting}.{name}"))
            yield _Scratch(self, connection)
            transaction.rollback()

    def measure_grown(self) -> list[str]:
        """As `Store.measure_grown`; what grows by itself in time autovacuum sees to."""
        with self.write(alone=False) as connection:
            names = list(connection.execute(_GROWN, {"least": _GROWN_PAGES}).scalars())
            if names:
                connection.execute(text(f"ANALYZE {', '.join(names)}"))
        return names

    def forget_older(self) -> None:
        """Rows that were destroyed leave the tables' files; the server's own log is the operator's."""
        with (
            self._errors(),
            self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            for table in (schema.order_key, schema.order_text, schema.draft):
                connection.execute(text(f"VACUUM {table.name}"))

    def integrity(self) -> list[str]:
        """Pages whose checksum the server found wrong."""
        query = text("SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()")
        with self.read() as connection:
            failures = connection.execute(query).scalar()
        return [f"the server counts {failures} damaged pages"] if failures else []


class _Scratch(Store):
    """One connection with tables of its own."""

    def __init__(self, store: ServerStore, connection: Connection) -> None:
        super().__init__(store.role, store.engine)
        self._connection = connection
        self._address = store.address

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        with self._errors():
            yield self._connection

    @contextlib.contextmanager
    def write(self, *, alone: bool = True) -> Iterator[Connection]:
        with self._errors():
            yield self._connection

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        with _translated(self._address):
            yield

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Store]:
        yield self

    def forget_older(self) -> None:
        """Nothing of this lasts."""

    def integrity(self) -> list[str]:
        return []

    def close(self) -> None:
        """The connection is its maker's."""


_FOLDED: Sequence[Table] = (
    *schema.PROJECTION,
    schema.order_text,
    schema.sla_due,
    schema.sla_order,
    schema.figure_sla,
    schema.setting,
    schema.order_key,
    schema.draft,
)
"""Tables that a fold from nothing writes."""


def is_server_url(text: str) -> bool:
    """Whether a text names a database of a server."""
    return text.partition("://")[0] in _SCHEMES and "://" in text


def open_server(
    url: str, master_key: bytes, *, role: StoreRole = "gateway", create: bool = True
) -> ServerStore:
    """Open the database that `url` names (`postgresql+psycopg://USER@HOST/NAME`), its schema up to date.

    Args:
        url: a password may stand in it, in `PGPASSWORD` or in libpq's password file; it is in no message.
        master_key: 32 bytes that seal what is secret in the database.
        create: False refuses to make the tables in an empty database (`missing`).

    Raises:
        StoreError: `server_away`, `server_refuses`, `wrong_key`, `foreign_file`, `newer_schema`, `missing`,
            `busy`, `cannot_open`.
    """
    if len(master_key) != KEY_BYTES:
        raise ValueError(f"a master key has {KEY_BYTES} bytes")
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    engine = _engine(parsed)
    sealer = atrest.Sealer(master_key)
    atrest.use(engine, sealer)
    store = ServerStore(parsed.render_as_string(hide_password=True), role, engine)
    # Late, because the projection stands on the module of stores.
    from workorders.store import projection

    try:
        with _translated(store.address), engine.begin() as connection:
            _bring_up_to_date(connection, store, sealer, create)
        projection.ensure(store)
    except BaseException:
        store.close()
        raise
    return store


# --- beneath ------------------------------------------------------------------------------------


class _Text(StrDumper):
    """Text as the server takes it: it knows no NUL, which a label or a name from outside may hold."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\x00", "␀") if "\x00" in obj else obj)


_encoder = msgspec.json.Encoder()


def _json_text(value: object) -> str:
    return _encoder.encode(value).decode()


def _engine(url: URL) -> Engine:
    settings = {
        "lock_timeout": f"{BUSY_TIMEOUT_MS}ms",
        "idle_in_transaction_session_timeout": _IDLE,
        "application_name": "fieldtool-gateway",
    }
    engine = create_engine(
        url,
        pool_size=CONNECTIONS // 2,
        max_overflow=CONNECTIONS - CONNECTIONS // 2,
        pool_timeout=BUSY_TIMEOUT_MS / 1000,
        pool_pre_ping=True,
        json_serializer=_json_text,
        json_deserializer=msgspec.json.decode,
        execution_options={MEMORY: {}},
        hide_parameters=True,  # an error text must never hold what was to be stored
        connect_args={
            "connect_timeout": _CONNECT_S,
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        },
    )

    @event.listens_for(engine, "connect")
    def connected(connection: PgConnection, _: object) -> None:
        connection.adapters.register_dumper(str, _Text)

    return engine


@contextlib.contextmanager
def _translated(address: str) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout, PgError) as error:
        meant = translate(error, address)
        if meant is None:
            raise
        raise meant from error


def _schema(connection: Connection) -> str:
    """The schema in which the lasting tables lie."""
    name = connection.execute(text("SELECT current_schema()")).scalar_one()
    return connection.dialect.identifier_preparer.quote(str(name))


def _bring_up_to_date(
    connection: Connection, store: ServerStore, sealer: atrest.Sealer, create: bool
) -> None:
    """Check whose database it is, make or change its tables; of programs that open at once, one does."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _OPENING})
    address = store.address
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    version = connection.dialect.server_version_info or (0,)
    if encoding != "UTF8" or version < OLDEST_SERVER:
        raise store_error(
            "cannot_open", f"{address} is {encoding}, version {version[0]}: UTF8, from 13.", address
        )
    current = migrations.current_revision(connection)
    steps = migrations.pending(current)
    if steps is None:
        raise store_error("newer_schema", f"{address} was written by a newer fieldtool.", address)
    if current is None:
        if inspect(connection).get_table_names():
            raise store_error("foreign_file", f"{address} holds tables of another program.", address)
        if not create:
            raise store_error("missing", f"There is no office in {address}.", address)
    if steps:
        migrations.migrate(connection, steps)
    if current is None:
        salt = secrets.token_hex(16)
        set_setting(connection, _ROLE, store.role)
        set_setting(connection, _MASTER, {"salt": salt, "check": sealer.check(salt)})
    _check(connection, store, sealer)


def _check(connection: Connection, store: ServerStore, sealer: atrest.Sealer) -> None:
    stored, mark = setting(connection, _ROLE), setting(connection, _MASTER)
    if stored != store.role or not isinstance(mark, dict):
        raise store_error("foreign_file", f"{store.address} is the database of a {stored}.", store.address)
    if not secrets.compare_digest(str(mark.get("check")), sealer.check(str(mark.get("salt")))):
        raise store_error("wrong_key", f"The master key is not that of {store.address}.", store.address)
