"""The installation record of a finished order: the run's facts in words and local time, set by
`fieldtool.documents`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from fieldtool import words
from fieldtool.errors import JobError
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure.devices import device_serial
from fieldtool.procedure.effects import destination
from fieldtool.procedure.model import Procedure
from fieldtool.procedure.state import Found, Job, RunState
from fieldtool.run import IssuedRecord, photos
from fieldtool.run.which import begun_with
from fieldtool.tablet import lists
from fieldtool.tablet.recorddetails import details
from fieldtool.text import Language
from workorders import network
from workorders.clock import read_utc
from workorders.journal.kinds import RECORD_BLOB, BlobTaken
from workorders.journal.sealing import SealError
from workorders.journal.words import DeviceRole, ReadingValue
from workorders.orders import Customer, WorkOrder
from workorders.store import keys, queries

if TYPE_CHECKING:
    from fieldtool.documents.record import Device, InstallationRecord, Register, Signature, Supply
    from fieldtool.tablet.tablet import Tablet

_MEASURED = {
    "32": "U L1",
    "52": "U L2",
    "72": "U L3",
    "31": "I L1",
    "51": "I L2",
    "71": "I L3",
}
"""OBIS group C of instantaneous voltages and currents."""
SIGNATURE = "signature"
_S = TypeVar("_S", bound=m.StepBase)
_A = TypeVar("_A", bound=a.AnswerBase)


class Documents:
    """`fieldtool.run.surroundings.RecordIssuer` of a tablet."""

    def __init__(self, tablet: Tablet) -> None:
        self._tablet = tablet

    def issue(self, job: Job, state: RunState, *, finished_at: str, flags: list[str]) -> IssuedRecord:
        """The signed record as it will be handed over.

        Raises:
            JobError: a picture of the record is missing or changed.
        """
        from fieldtool.documents.build import make_record

        tablet = self._tablet
        language = tablet.settings().language
        with tablet.store.read() as connection:
            project = lists.project(connection)
            detail = queries.order(connection, job.order.mrid)
            key = keys.order_key(connection, job.order.mrid)
            customer = detail.customer if detail else Customer()
            names = {
                mrid: node.name or mrid
                for mrid in _nodes(job.order, state)
                if (node := network.node(connection, mrid)) is not None
            }
        writer = _Writer(tablet, job, state, language, project, customer, names)
        record = writer.record(finished_at, flags)
        pictures = {
            blob.plain_sha256: photos.read_blob(tablet.blobs, key, blob.sha256)
            for blob in state.photos.values()
            if blob.plain_sha256 in record.pictures()
        }
        identity = tablet.identity
        built = make_record(record, pictures, identity.signer().sign, identity.certificate_der(), language)
        return IssuedRecord(pdf=built.pdf, record_hash=built.record_hash, number=built.number)


def issued_record(tablet: Tablet, order: WorkOrder) -> bytes:
    """The installation record of an order as issued here, else as another crew issued it.

    Raises:
        JobError: `no_record`; `record_erased`: its key was destroyed or is not here.
    """
    with tablet.store.read() as connection:
        blob = queries.record_blob(connection, order.mrid)
        if blob is None:
            raise JobError("no_record", f"order {order.number} has no record yet")
        try:
            key = keys.key_by_id(connection, blob.key_id or "")
        except SealError as error:
            raise JobError(
                "record_erased",
                f"the record of order {order.number} cannot be opened any more",
                reason=error.code,
            ) from None
    return photos.read_blob(tablet.blobs, key, blob.sha256)


def _nodes(order: WorkOrder, state: RunState) -> list[str]:
    place, stands = order.place, state.placed
    found = [place.substation, place.feeder, place.transformer, place.concentrator, place.panel]
    found += [stands.transformer, stands.concentrator, stands.panel] if stands is not None else []
    return [mrid for mrid in dict.fromkeys(found) if mrid]


class _Writer:
    """Turns one run into the fields of the record."""

    def __init__(
        self,
        tablet: Tablet,
        job: Job,
        state: RunState,
        language: Language,
        project: lists.Project,
        customer: Customer,
        names: dict[str, str],
    ) -> None:
        self._tablet = tablet
        self._job = job
        self._order = job.order
        self._state = state
        self._language = language
        self._project = project
        self._customer = customer
        self._names = names
        self._zone = lists.zone(project)

    def record(self, finished_at: str, flags: list[str]) -> InstallationRecord:
        """All fields of the record that this order has."""
        from fieldtool.documents.record import InstallationRecord, PhotoRef

        state, order = self._state, self._order
        started = state.started_at or finished_at
        person = self._tablet.person()
        return InstallationRecord(
            number=f"{order.number}-{self._job.order.attempts + 1}",
            order=order.number,
            order_id=order.mrid,
            kind=order.kind.value,
            **self._beyond_exchange(),
            realm=self._tablet.realm,
            date=self._local(finished_at, "%Y-%m-%d"),
            started_at=started,
            finished_at=finished_at,
            started=self._local(started),
            finished=self._local(finished_at),
            utility=self._project.utility,
            contractor=self._project.contractor,
            crew=order.crew or "",
            technicians=(person.name,) if person else (),
            supply=self._supply(),
            removed=self._removed(),
            installed=self._installed(),
            measurements=tuple(self._measurements()),
            network=self._network(),
            reason=self._word(f"order.kind.{order.kind.value}", order.kind.value),
            anomalies=tuple(self._word(f"flag.{flag}", flag) for flag in flags),
            outage_minutes=self._outage(),
            destination=self._destination_word(),
            remarks=self._remarks(),
            signatures=tuple(self._signatures()),
            photos=tuple(
                PhotoRef(
                    sha256=blob.plain_sha256,
                    media_type=blob.media_type,
                    what=self._word(f"photo.{blob.what}", blob.what),
                )
                for blob in state.photos.values()
                if blob.what not in (SIGNATURE, RECORD_BLOB)
            ),
            language=self._language,
        )

    # --- parts ------------------------------------------------------------------------------------

    def _supply(self) -> Supply:
        from fieldtool.documents.record import Supply

        order, customer, stands = self._order, self._customer, self._state.placed
        place = next(
            (d.answer for d in self._state.done.values() if isinstance(d.answer, a.PlaceAnswer)),
            a.PlaceAnswer(),
        )
        position = place.position
        where = self._where(position) if position else customer.position or ""
        return Supply(
            number=order.supply_number or order.usage_point or "",
            holder=customer.name or "",
            document=customer.document or "",
            address=customer.address or "",
            position=where,
            tariff=order.tariff or "",
            contracted_power=f"{order.contracted_power} W" if order.contracted_power else "",
            sed=self._name(stands.transformer if stands is not None else order.place.transformer),
            feeder=self._name(order.place.feeder),
            phase=place.phase or order.place.phase or "",
            concentrator=self._name(place.concentrator or order.place.concentrator),
            panel=self._name(place.panel or order.place.panel),
            slot=str(place.slot if place.slot is not None else order.place.slot or ""),
        )

    def _where(self, position: a.Position) -> str:
        """Degrees, accuracy, and what makes the position doubtful."""
        sure = f" (±{position.accuracy_m} m)" if position.accuracy_m else ""
        doubts = ", ".join(self._word(f"position.flag.{flag}", flag) for flag in position.flags)
        return f"{position.latitude}, {position.longitude}{sure}" + (f" · {doubts}" if doubts else "")

    def _removed(self) -> Device | None:
        old = self._order.old_asset
        if old is None:
            return None
        serial = device_serial(self._state, DeviceRole.OLD) or old.serial
        registers = [self._dial(), *self._registers(self._state.reads.get(DeviceRole.OLD))]
        return self._device(DeviceRole.OLD, serial, old.model, [one for one in registers if one is not None])

    def _installed(self) -> Device | None:
        new = self._order.new_asset
        if new is None and device_serial(self._state, DeviceRole.NEW) is None:
            return None
        serial = device_serial(self._state, DeviceRole.NEW) or (new.serial if new else None) or ""
        registers = self._registers(self._state.reads.get(DeviceRole.NEW))
        return self._device(DeviceRole.NEW, serial, new.model if new else None, registers)

    def _device(
        self, role: DeviceRole, serial: str, planned: str | None, registers: list[Register]
    ) -> Device:
        from fieldtool.documents.record import Device, SealMark

        found = self._state.reads.get(role)
        model = self._tablet.desk.now().models.get((found.model if found else None) or planned or "")
        title = model.title.get(self._language.value, model.name) if model else planned or ""
        seals: list[SealMark] = []
        for step, answer in self._answered(m.SealsStep, a.SealsAnswer):
            if step.device is not role:
                continue
            positions = {choice.id: choice.text.in_language(self._language) for choice in step.positions}
            for seal in answer.seals:
                action = self._word(f"seal.{step.action.value}", step.action.value)
                seals.append(
                    SealMark(
                        position=positions.get(seal.position, seal.position),
                        number=seal.number,
                        action=action,
                    )
                )
        identities = next(
            (
                done.answer.identities
                for done in self._state.done.values()
                if done.device is role and isinstance(done.answer, a.ScanAnswer)
            ),
            {},
        )
        return Device(
            maker=(found.manufacturer if found else None) or (model.manufacturer if model else ""),
            model=title,
            serial=serial,
            phases=str(model.phases) if model else "",
            firmware=(found.firmware if found else None) or "",
            module=identities.get("mac") or identities.get("rpma") or identities.get("twacs") or "",
            sim=identities.get("iccid", ""),
            registers=tuple(registers),
            seals=tuple(seals),
        )

    def _dial(self) -> Register | None:
        from fieldtool.documents.record import Register

        for step, answer in self._answered(m.NumberStep, a.NumberAnswer):
            if step.register is None:
                continue
            if answer.not_obtainable is not None:
                reason = next(
                    (
                        c.text.in_language(self._language)
                        for c in step.not_obtainable
                        if c.id == answer.not_obtainable
                    ),
                    answer.not_obtainable,
                )
                value = f"{self._word('reading.not_obtainable', 'not obtainable')}: {reason}"
                return Register(name=self._word("reading.dial", "dial"), value=value)
            return Register(
                name=f"{self._word('reading.dial', 'dial')} {step.register}",
                value=answer.value or "",
                unit=step.unit,
                time=self._local(self._state.done[step.id].at),
            )
        return None

    def _registers(self, found: Found | None) -> list[Register]:
        from fieldtool.documents.record import Register

        if found is None or found.how != "optical":
            return []
        return [
            Register(
                name=self._register_name(reading),
                value=reading.value or "",
                unit=reading.unit or "",
                time=self._local(found.at),
            )
            for reading in found.readings
            if reading.value is not None and _group(reading, 3) == "8"
        ]

    def _register_name(self, reading: ReadingValue) -> str:
        groups = ".".join(_group(reading, index) for index in (2, 3, 4))
        return self._word(f"register.{groups}", reading.name or reading.item)

    def _measurements(self) -> list[Register]:
        from fieldtool.documents.record import Register

        found = self._state.reads.get(DeviceRole.NEW)
        return [
            Register(name=_MEASURED[c], value=reading.value or "", unit=reading.unit or "")
            for reading in (found.readings if found else [])
            if reading.value is not None
            and (c := _group(reading, 2)) in _MEASURED
            and _group(reading, 3) == "7"
        ]

    def _network(self) -> str:
        join = next((d.answer for d in self._state.done.values() if isinstance(d.answer, a.JoinAnswer)), None)
        if join is None or join.state is None:
            return ""
        state = self._word(f"join.state.{join.state.value}", join.state.value)
        again = f" · {self._local(join.recheck_at)}" if join.recheck_at else ""
        return f"{self._order.technology or ''} · {state}{again}".strip(" ·")

    def _signatures(self) -> list[Signature]:
        from fieldtool.documents.record import Signature

        made: list[Signature] = []
        for step, answer in self._answered(m.SignatureStep, a.SignatureAnswer):
            blob = self._blob(answer.image)
            if step.role is not None:
                made.append(self._other_signature(step, step.role.in_language(self._language), answer, blob))
                continue
            outcome = next((c for c in step.outcomes if c.id == answer.outcome), None)
            signed = answer.outcome == "signed"
            made.append(
                Signature(
                    role=self._word("signature.customer" if signed else "signature.witness", "customer"),
                    name=answer.name or (self._customer.name if signed else None) or "",
                    document=answer.document or "",
                    note="" if signed or outcome is None else outcome.text.in_language(self._language),
                    witness=answer.witness or "",
                    sha256=blob.plain_sha256 if blob else None,
                    media_type=blob.media_type if blob else "image/png",
                )
            )
        return made

    def _other_signature(
        self, step: m.SignatureStep, role: str, answer: a.SignatureAnswer, blob: BlobTaken | None
    ) -> Signature:
        """Of somebody who is not the customer."""
        from fieldtool.documents.record import Signature

        outcome = next((choice for choice in step.outcomes if choice.id == answer.outcome), None)
        signed = answer.outcome == "signed"
        return Signature(
            role=role,
            name=answer.name or "",
            document=answer.document or "",
            note="" if signed or outcome is None else outcome.text.in_language(self._language),
            witness=answer.witness or "",
            sha256=blob.plain_sha256 if blob else None,
            media_type=blob.media_type if blob else "image/png",
        )

    def _outage(self) -> str:
        """Minutes from the first proof of isolation, on any visit, to the check before the load went on."""
        off, on = self._state.first_done("isolate"), self._state.done.get("polarity")
        if off is None or on is None:
            return ""
        gone = read_utc(on.at) - read_utc(off)
        return str(max(1, round(gone.total_seconds() / 60)))

    def _destination(self) -> str:
        if self._order.old_asset is None:
            return ""
        effects = {
            step.effect
            for step, _ in self._answered(m.ConfirmStep, a.ConfirmAnswer)
            if step.effect is not None
        }
        if not effects:
            return ""
        return destination(self._state, sealed=m.Effect.REMOVED_SEALED in effects)

    def _destination_word(self) -> str:
        place = self._destination()
        return self._word(f"destination.{place}", place) if place else ""

    def _beyond_exchange(self) -> dict[str, Any]:
        """Layout, title and details of work that is no plain exchange; nothing for one that is."""
        from fieldtool.documents.record import LAYOUT_WITH_DETAILS

        procedure = self._procedure
        if procedure.record is None:
            return {}
        return {
            "layout": LAYOUT_WITH_DETAILS,
            "title": procedure.record.in_language(self._language),
            "details": tuple(details(procedure, self._state, self._language)),
        }

    def _remarks(self) -> str:
        return next(
            (
                d.answer.remark
                for d in self._state.done.values()
                if isinstance(d.answer, a.SummaryAnswer) and d.answer.remark
            ),
            "",
        )

    # --- helpers ----------------------------------------------------------------------------------

    def _answered(self, step_kind: type[_S], answer_kind: type[_A]) -> list[tuple[_S, _A]]:
        found: list[tuple[_S, _A]] = []
        for step in self._procedure.steps:
            answer = self._state.answer(step.id)
            if isinstance(step, step_kind) and isinstance(answer, answer_kind):
                found.append((step, answer))
        return found

    @cached_property
    def _procedure(self) -> Procedure:
        tablet = self._tablet
        return begun_with(self._state.started, tablet.shelf, tablet.desk.now().procedures, self._order)

    def _blob(self, sha256: str | None) -> BlobTaken | None:
        return self._state.photos.get(sha256) if sha256 else None

    def _name(self, mrid: str | None) -> str:
        return self._names.get(mrid, mrid) if mrid else ""

    def _word(self, key: str, otherwise: str) -> str:
        return words.text(key, self._language) if words.has(key, self._language) else otherwise

    def _local(self, at: str | None, form: str = "%Y-%m-%d %H:%M") -> str:
        return _local(at, self._zone, form)


def _local(at: str | None, zone: ZoneInfo, form: str) -> str:
    if not at:
        return ""
    return read_utc(at).astimezone(zone).strftime(form)


def _group(reading: ReadingValue, index: int) -> str:
    parts = reading.item.split(":")
    groups = parts[1].split(".") if len(parts) == 3 else []
    return groups[index] if len(groups) > index else ""
