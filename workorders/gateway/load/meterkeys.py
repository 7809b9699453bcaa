"""Meters' passwords and keys as their maker delivers them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from workorders.gateway.rows import SecretRow
from workorders.secretchange import OLD
from workorders.store import schema
from workorders.store.bulk import among, put_rows


def keep_secrets(connection: Connection, rows: Sequence[SecretRow]) -> None:
    """Keep meters' passwords and keys; one that is not in a later file stays.

    What was changed in the field since stays changed: a file that still names the former secret is older
    than that, and what a tablet sent and has not proven is left alone.
    """
    for at in range(0, len(rows), _AT_ONCE):
        told = {row.serial: _secret_values(row) for row in rows[at : at + _AT_ONCE]}
        for serial, held in _former_secrets(connection, list(told)).items():
            values = told[serial]
            told[serial] = {
                name: value
                for name, value in values.items()
                if name not in held or value not in (None, held[name])
            }
        whole = [serial for serial, values in told.items() if len(values) == len(_SECRET_NAMES)]
        connection.execute(_OF_METERS, {"serials": whole})
        for serial in told.keys() - set(whole):
            names = list(told[serial])
            connection.execute(delete(_TABLE).where(_TABLE.c.serial == serial, _TABLE.c.name.in_(names)))
        kept = [
            {"serial": serial, "name": name, "value": value}
            for serial, values in told.items()
            for name, value in values.items()
            if value
        ]
        put_rows(connection, _TABLE, kept, private=True)


def _former_secrets(connection: Connection, serials: list[str]) -> dict[str, dict[str, bytes]]:
    """By serial and name: what held before a tablet changed it."""
    found: dict[str, dict[str, bytes]] = {}
    for row in connection.execute(_FORMER, {"serials": serials}):
        found.setdefault(row.serial, {})[row.name.removeprefix(OLD)] = bytes(row.value)
    return found


_SECRET_NAMES = (
    "password", "hls_password", "password_seed", "block_key", "auth_key", "master_key",
    "sign_key", "agreement_key", "meter_sign_key", "meter_agreement_key",
    "new_password", "new_hls_password", "new_block_key", "new_auth_key", "new_master_key", "new_sim_pin",
)  # fmt: skip


_TABLE = schema.meter_secret
_OF_METERS = delete(_TABLE).where(among(_TABLE.c.serial, "serials"), _TABLE.c.name.in_(_SECRET_NAMES))
_FORMER = select(_TABLE.c.serial, _TABLE.c.name, _TABLE.c.value).where(
    among(_TABLE.c.serial, "serials"), _TABLE.c.name.startswith(OLD)
)
_AT_ONCE = 500


def _secret_values(row: SecretRow) -> dict[str, bytes | None]:
    """Every secret of a row by its name, None where the row has none."""
    found: dict[str, bytes | None] = {}
    for name in _SECRET_NAMES:
        text: str | None = getattr(row, name)
        plain = name.endswith(("password", "sim_pin"))  # all else is hex
        found[name] = None if not text else text.encode() if plain else bytes.fromhex(text)
    return found
