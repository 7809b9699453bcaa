"""A complete installation record with invented people, pictures and a tablet's keys."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image, ImageDraw

from fieldtool.documents.record import (
    Device,
    InstallationRecord,
    PhotoRef,
    Register,
    SealMark,
    Signature,
    Supply,
)
from workorders import certificates
from workorders.certificates import Holder, Subject
from workorders.journal.entry import Realm

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Issuer:
    """A gateway's root and one tablet."""

    root_der: bytes
    certificate_der: bytes
    key: Ed25519PrivateKey

    def root_file(self, folder: Path) -> Path:
        """The root as the PEM file that an auditor holds."""
        path = folder / "root.pem"
        path.write_text(certificates.pem(self.root_der))
        return path


def issuer(realm: Realm = Realm.LIVE) -> Issuer:
    """Make a root and a tablet's certificate."""
    root_key, key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    root = certificates.new_root(root_key, realm, "gateway-ribera", NOW)
    subject = Subject(
        id="tablet-07", holder=Holder.TABLET, realm=realm, crew="PRM-01", system_title="4654303700000007"
    )
    return Issuer(root, certificates.issue(root_key, root, subject, key.public_key(), NOW), key)


def picture(words: str, *, png: bool = False) -> bytes:
    """A small picture that says `words`."""
    drawn = Image.new("RGB", (640, 480) if not png else (600, 200), (214, 220, 224) if not png else "white")
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((40, 40, drawn.width - 40, drawn.height - 40), outline=(30, 60, 90), width=5)
    pen.text((70, drawn.height // 2), words, fill=(10, 20, 30), font_size=36)
    target = BytesIO()
    drawn.save(target, "PNG" if png else "JPEG", quality=85)
    return target.getvalue()


def sample(realm: Realm = Realm.LIVE) -> tuple[InstallationRecord, dict[str, bytes]]:
    """A record of a PRIME exchange and its pictures by SHA-256."""
    shots = {
        name: picture(name)
        for name in ("Antes: medidor ZIV0012300000", "Precintos", "Después: ZIV0045670000")
    }
    signed = {name: picture(name, png=True) for name in ("María Ortega", "Ana Ruiz")}
    pictures = {hashlib.sha256(data).hexdigest(): data for data in (*shots.values(), *signed.values())}
    by_name = {name: hashlib.sha256(data).hexdigest() for name, data in (shots | signed).items()}
    record = InstallationRecord(
        number="PRM-2026-000123",
        order="RN2600001",
        order_id="0193-order",
        kind="exchange",
        realm=realm,
        date="24/11/2026",
        started_at="2026-11-24T08:12:00.000Z",
        finished_at="2026-11-24T08:39:00.000Z",
        started="24/11/2026 09:12",
        finished="24/11/2026 09:39",
        utility="Distribuidora Eléctrica de la Ribera, S.A.",
        contractor="Instalaciones Telegestión Levante, S.L.",
        crew="PRM-01 Equipo Norte",
        technicians=("Ana Ruiz", "Joan Ferrer"),
        supply=Supply(
            number="ES0021004100000000SX",
            holder="María Ortega Peña",
            document="12345678Z",
            address="C/ Mayor 14, 3.º B, 46520 Puerto de Sagunto <València>",
            position="39.65701, −0.21984 (±4 m)",
            tariff="2.0TD",
            contracted_power="4,6 kW",
            sed="CT-28101",
            feeder="L-12 Ribera",
            phase="A (R)",
            concentrator="DC-28101-1",
            panel="",
            slot="",
        ),
        removed=Device(
            maker="ZIV",
            model="5CTM E2C",
            serial="ZIV0012300000",
            year="2012",
            phases="1",
            accuracy_class="B",
            constant="1000 imp/kWh",
            registers=(
                Register(name="1.8.0 Energía activa importada", value="23580.412", unit="kWh"),
                Register(name="2.8.0 Energía activa exportada", value="0.000", unit="kWh"),
            ),
            seals=(SealMark(position="Tapa", number="PR-001122", action="retirado"),),
        ),
        installed=Device(
            maker="ZIV",
            model="5CTM E2C",
            serial="ZIV0045670000",
            year="2026",
            phases="1",
            accuracy_class="B",
            constant="1000 imp/kWh",
            firmware="V0503 / PRIME 1.4",
            module="40:40:22:B8:DE:70",
            calibration="CC-2026-88012",
            registers=(Register(name="1.8.0 Energía activa importada", value="0.003", unit="kWh"),),
            seals=(
                SealMark(position="Tapa", number="PR-330010", action="colocado"),
                SealMark(position="Bornes", number="PR-330011", action="colocado"),
            ),
        ),
        measurements=(
            Register(name="Tensión L1", value="231.4", unit="V"),
            Register(name="Corriente L1", value="3.21", unit="A"),
        ),
        network="PRIME: unido a 40:40:22:00:00:01 a las 09:31",
        reason="Sustitución por telegestión",
        anomalies=("Tapa de bornes agrietada",),
        outage_minutes="11",
        destination="Almacén",
        remarks="El titular estuvo presente y recibió el aviso.",
        signatures=(
            Signature(
                role="Titular", name="María Ortega Peña", document="12345678Z", sha256=by_name["María Ortega"]
            ),
            Signature(role="Técnico", name="Ana Ruiz", sha256=by_name["Ana Ruiz"]),
            Signature(role="Testigo", note="no hizo falta"),
        ),
        photos=tuple(
            PhotoRef(sha256=by_name[name], what=name, taken_at="24/11/2026 09:20") for name in shots
        ),
    )
    return msgspec.structs.replace(record), pictures
