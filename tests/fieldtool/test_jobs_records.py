"""From the utility's list to the signed record: whole jobs that are no exchange, run from an answers file."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from fieldtool.documents.verify import verify_record
from fieldtool.headless import HeadlessRun, Outcome
from fieldtool.run.surroundings import Person
from fieldtool.tablet.rows import OrderFilter
from fieldtool.tablet.tablet import Tablet
from tests.fieldtool import world as w
from tests.fieldtool.enrolled import enrolled_tablet
from tests.workorders.offices import FILES, Bureau, write_project
from workorders.gateway import load
from workorders.people import Role
from workorders.store import queries

ROWS = (
    "NRO;kind;usage_point;node;crew;due;old_serial;new_serial;new_model;procedure;values;notes\n"
    'C-1;installConcentrator;;C1;A;2026-03-05T18:00;;DCU0000001;;;"ip=10.40.12.7;apn=M2M.operador.pe";\n'
    "D-1;disconnect;U0;;A;2026-03-05T18:00;OLD0;;;;;\n"
    "V-1;investigate;U2;;A;2026-03-05T18:00;OLD2;;;customer_absent;;\n"
    "X-1;installPanel;;NOWHERE;A;2026-03-05T18:00;;P1;;;;\n"
    "X-2;inspect;;;A;2026-03-05T18:00;;;;;;\n"
)
STOCK = FILES["stock.csv"] + "DCU0000001;dcu;on_truck;A;mac=404022F42599\n"
CHECKS = {
    "site": {"checks": {"place": True, "customer": True, "permit": True}},
    "hazards": {
        "checks": dict.fromkeys(("hazards", "protection", "height", "clearance"), True),
    },
    "photo_before": {"photos": ["site.jpg"]},
    "photo_after": {"photos": ["site.jpg"]},
    "old_read": {"not_obtainable": "no_port", "photos": ["site.jpg"]},
    "old_scan": {"serial": "OLD0", "codes": ["OLD0"]},
    "old_dial": {"value": "1100", "reason": "usage_changed"},
    "leave": {"checks": {"clean": True}},
}
CONCENTRATOR: dict[str, Any] = {
    "new_scan": {"serial": "DCU0000001", "codes": ["DCU0000001"]},
    "match": {},
    "mac": {"value": "40:40:22:F4:25:99"},
    "isolate": {"checks": {"fuses_out": True, "dead": True}},
    "mount": {"checks": dict.fromkeys(("fixed", "phases", "antenna", "powered"), True)},
    "seals_applied": {"seals": [{"number": "P-1", "position": "box"}]},
    "sim": {"value": "8934071100278134568"},
    "address": {"value": "10.40.12.7"},
    "apn": {"value": "m2m.operador.pe"},
    "gateway": {"value": "10.1.0.1"},
    "tunnel": {"choice": "link_lamp", "photos": ["site.jpg"]},
    "photo_tunnel": {"photos": ["site.jpg"]},
    "place": {},
}
DISCONNECTION: dict[str, Any] = {
    "protected": {"checks": {"nobody_depends": True, "no_public_service": True}},
    "valid": {"choice": "confirmed"},
    "way": {"choice": "service"},
    "by_hand": {"checks": {"opened": True, "dead": True}},
    "seals_applied": {"seals": [{"number": "P-9", "position": "box"}]},
    "customer": {"outcome": "signed", "image": "site.jpg", "name": "Rosa"},
}
ABSENT: dict[str, Any] = {
    "site": {"checks": {"place": True}},
    "tries": {"choice": "knocked_and_called"},
    "neighbour": {"choice": "nobody"},
    "reach": {"choice": "inside"},
    "notice": {"value": "A-0911"},
    "photo_notice": {"photos": ["site.jpg"]},
    "again": {"choice": "saturday"},
    "witness": {"outcome": "none"},
}


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    found = Bureau.open(tmp_path / "office")
    project = write_project(tmp_path / "project", orders=ROWS, stock=STOCK)
    report = load.load_project(found.office, project)
    assert [error.split(": ")[-1] for error in report.errors] == [
        "no node NOWHERE in the project's tree",
        "no supply point  in the project",
    ], "an order has to be somewhere"
    return found


@pytest.fixture
def tablet(bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tablet:
    (tmp_path / "site.jpg").write_bytes(w.picture())
    tablet = enrolled_tablet(bureau, tmp_path / "home", monkeypatch)
    tablet._person = Person(id="ana", name="Ana Flores", role=Role.INSTALLER, crew="A")
    return tablet


def worked(tablet: Tablet, order: str, answers: dict[str, Any], pictures: Path) -> Outcome:
    run = tablet.start(order)
    asked = {step.id for step in run.procedure.steps}
    given = {name: fields for name, fields in {**CHECKS, **answers}.items() if name in asked}
    return HeadlessRun(run, given, pictures=pictures).go()


def record_of(bureau: Bureau, tablet: Tablet, order: str, folder: Path) -> str:
    """The words of a record that proves itself against the office's root."""
    pdf, root = folder / "record.pdf", folder / "root.pem"
    pdf.write_bytes(tablet.record_pdf(order))
    body = base64.encodebytes(bureau.office.root).decode()
    root.write_text(f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n", "ascii")
    check = verify_record(pdf, root)
    assert check.ok, check.findings
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf.read_bytes())).pages)


def test_a_concentrator_from_the_list_to_its_record_and_to_the_office(
    bureau: Bureau, tablet: Tablet, tmp_path: Path
) -> None:
    outcome = worked(tablet, "C-1", CONCENTRATOR, tmp_path)
    assert (outcome.state, outcome.flags) == ("completed", [])
    words = record_of(bureau, tablet, "C-1", tmp_path)
    for said in (
        "Acta de instalación de concentrador",
        "10.40.12.7",
        "m2m.operador.pe",
        "DCU0000001",
        "SED 1",
    ):
        assert said in words
    assert "Equipo retirado" not in words
    assert "Titular" not in words, "nobody lives in a substation"
    assert tablet.sync().equal is True
    with bureau.office.store.read() as connection:
        [placed] = queries.placements(connection, serial="DCU0000001")
    assert (placed.transformer, placed.concentrator) == ("T1", None)


def test_a_disconnection_at_the_service_drop(bureau: Bureau, tablet: Tablet, tmp_path: Path) -> None:
    outcome = worked(tablet, "D-1", DISCONNECTION, tmp_path)
    assert (outcome.state, outcome.flags) == ("completed", ["implausible_reading"])
    words = record_of(bureau, tablet, "D-1", tmp_path)
    for said in ("Acta de corte", "En la acometida", "La oficina lo confirmó hoy", "OLD0", "P-9"):
        assert said in words
    assert "Destino" not in words, "the meter stays where it is"


def test_a_visit_to_a_closed_door_is_proven_and_the_order_comes_back(
    bureau: Bureau, tablet: Tablet, tmp_path: Path
) -> None:
    outcome = worked(tablet, "V-1", ABSENT, tmp_path)
    assert outcome.state == "not_done"
    words = record_of(bureau, tablet, "V-1", tmp_path)
    for said in ("Constancia de visita", "A-0911", "Sábado", "No hay testigo"):
        assert said in words
    tablet.sync()
    with bureau.office.store.read() as connection:
        [row] = [one for one in queries.orders(connection) if one.number == "V-1"]
    assert row.status == "notDone"
    assert [one.number for one in tablet.orders(OrderFilter()) if one.number == "V-1"]
