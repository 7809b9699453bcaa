"""An office with a link to a virtual MWM, and a crew that executes what came over it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

import assets
from tests.workorders.offices import Bureau, Tablet
from workorders.gateway.links.ledger import Keeper, LinkState, link_key, state_of
from workorders.gateway.links.loop import Link
from workorders.journal import kinds
from workorders.journal.kinds import Payload
from workorders.journal.words import DeviceRole, OrderStatus, ReadingValue, WiringJudged
from workorders.mwm.links import open_link
from workorders.mwm.settings import LinkSettings, LinksFile, read_links
from workorders.mwm.virtual.faults import read_faults
from workorders.mwm.virtual.server import Server
from workorders.mwm.virtual.state import Mwm

SCHEMAS = assets.root() / "schemas"
HOOK_SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = "2026-03-01T15:00:00.000Z"
SECRETS = {"env:MWM_SECRET": "s3cret", "env:HOOK": HOOK_SECRET}
ORDER = {
    "number": "W-1", "kind": "exchange", "usage_point": "U3", "supply_number": "S-3", "crew": "A",
    "old_serial": "OLD3", "new_model": "prime-1ph", "procedure": "exchange", "address": "Av. Sol 3 & 5",
    "customer_name": "Ñusta <Quispe>", "notes": "Perro",
}  # fmt: skip


@contextlib.contextmanager
def virtual_mwm(faults: str = "", seed: int | None = 1) -> Iterator[Server]:
    """A virtual MWM in a thread of the test."""
    mwm = Mwm(read_faults(faults, seed))
    server = Server(("127.0.0.1", 0), mwm, client="fieldtool", secret="s3cret", hook_secret=HOOK_SECRET)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def links_file(folder: Path, url: str, which: str, more: str = "") -> Path:
    """A file of links with one link of a kind, as an operator writes it."""
    kinds_text = {
        "cim": f'[link.cim_http]\npoll = "{url}/cim/requests"\nreply = "{url}/cim/replies"\n'
        f'events = "{url}/cim/events"\nquery = "{url}/cim/queries"\n',
        "rest": f'[link.field_service]\nurl = "{url}"\nclient = "fieldtool"\nsecret = "env:MWM_SECRET"\n'
        'record_property = "XA_RECORD"\n[link.field_service.crews]\nA = "A"\n'
        "[link.field_service.properties]\n"
        'usage_point = "XA_USAGE_POINT"\nnotes = "XA_NOTES"\nnew_model = "XA_MODEL"\n'
        'procedure = "XA_PROCEDURE"\nfinal_reading = "XA_FINAL"\ninitial_reading = "XA_INITIAL"\n'
        'removed_serial = "XA_REMOVED"\n',
        "hook": f'[link.webhook]\nurl = "{url}/webhooks"\nsecrets = ["env:HOOK"]\n',
        "files": '[link.cim_files]\ninbox = "in"\noutbox = "out"\n',
    }
    path = folder / f"{which}.toml"
    path.write_text(f'project = "demo"\n[[link]]\nname = "{which}"\n{more}\n{kinds_text[which]}', "utf-8")
    return path


def open_file(bureau: Bureau, path: Path) -> Link:
    """The only link of a file, as `fieldtool gateway mwm run` opens it."""
    file: LinksFile = read_links(path)
    (settings,) = file.link
    port = open_link(
        file, settings, base=path.parent, schemas=SCHEMAS,
        kept=Keeper(bureau.office, link_key("demo", settings.name)), secret=SECRETS.__getitem__,
    )  # fmt: skip
    return Link(bureau.office, bureau.files, "demo", settings, port)


def link_settings(link: Link, **changes: Any) -> LinkSettings:
    return msgspec.structs.replace(link.settings, **changes)


def state(bureau: Bureau, link: str) -> LinkState:
    with bureau.office.store.read() as connection:
        return state_of(connection, link_key("demo", link))


def execute(tablet: Tablet, order_id: str, serial: str = "ZIV0000000001") -> None:
    """What a crew does, as entries of its tablet, then a round."""
    written: list[Payload] = [
        kinds.OrderProgressed(status=OrderStatus.ENROUTE),
        kinds.OrderStarted(procedure="exchange", procedure_version=1, crew="A"),
        kinds.MeterRead(
            role=DeviceRole.OLD, how="dial", serial="OLD3",
            readings=[ReadingValue(item="dial:1.8.0", value="01234.5", unit="kWh")],
        ),
        kinds.DeviceRemoved(serial="OLD3", usage_point="U3", destination="laboratory"),
        kinds.MeterRead(
            role=DeviceRole.NEW, how="optical", serial=serial,
            wiring=WiringJudged(rotation="direct", polarity="right"),
            readings=[
                ReadingValue(item="3:1.0.1.8.0.255:2", value="0.012", unit="kWh"),
                ReadingValue(item="3:1.0.2.8.1.255:2", value="0", unit="Wh"),
                ReadingValue(item="3:1.0.32.7.0.255:2", value="229.9", unit="V"),
            ],
        ),
        kinds.DevicePlaced(
            serial=serial, model="prime-1ph", usage_point="U3", transformer="T2", concentrator="C1",
            phase="R",
        ),
        kinds.SealRecorded(action="applied", number="P-77", position="cover", serial=serial),
        kinds.OrderCompleted(record_hash="ab" * 32, blobs=[], crew="A"),
    ]  # fmt: skip
    for payload in written:
        tablet.journal.append(payload, order_id=order_id, order_version=1, actor="ana", project="demo")
    tablet.sync()
