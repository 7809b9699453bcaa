"""What a session can be asked: identify, read, profile, network. Reading only; writing is in ``apply``."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import msgspec

from drivers.dlms import attributes, joins, view
from drivers.dlms import profile as profiles
from drivers.dlms.apdu import Result, Selection
from drivers.dlms.attributes import AttributeReader
from drivers.dlms.client import DlmsClient
from drivers.dlms.cosem import (
    UNSUPPORTED,
    Item,
    ScalerUnit,
    access_result,
    parse_date_time,
    parse_item,
    plain_text,
)
from drivers.dlms.joins.children import child_items, judge_child
from drivers.dlms.profile import Zone
from drivers.dlms.view import ASSOCIATION_VIEW, TypeCache, TypeRecord, ViewObject
from drivers.errors import DriverError, MeterRefused, OtherMeter, UnsupportedObject, WrongValue
from drivers.model_view import (
    SHORT_NAME_LIST,
    SHORT_NAME_RIGHTS,
    ModelView,
    decode_rights,
    decode_short_name_rights,
)
from drivers.models import MeterModel
from drivers.reading import (
    ByteCount,
    ChildDevice,
    Identity,
    JoinEvidence,
    ProfileColumn,
    ProfileResult,
    ProfileRow,
    ReadResult,
)
from drivers.session.pace import Progress, awaiting
from drivers.session.reach import Reach, identification_text

_WITHOUT_RIGHTS = 3
"""Fields of the view of an association with short names: class, version, logical name."""
LDN = Item(1, bytes([0, 0, 42, 0, 0, 255]), 2)
_STANDARD_IDENTITY = {
    "serial": "1:0.0.96.1.0.255:2",
    "device_id_1": "1:0.0.96.1.1.255:2",
    "device_id_2": "1:0.0.96.1.2.255:2",
    "device_id_3": "1:0.0.96.1.3.255:2",
    "device_id_4": "1:0.0.96.1.4.255:2",
    "firmware": "1:1.0.0.2.0.255:2",
}
_FLAG = re.compile(r"[A-Z]{3}")
_DEFAULT_READINGS = [
    "8:0.0.1.0.0.255:2", "3:1.0.1.8.0.255:2", "3:1.0.2.8.0.255:2", "3:1.0.3.8.0.255:2", "3:1.0.4.8.0.255:2",
]  # fmt: skip


class Jobs:
    """Reading jobs on one meter. Everything learnt (identity, scalers, view) is kept for the session."""

    def __init__(
        self, reach: Reach, models: dict[str, MeterModel], cache: TypeCache, progress: Progress
    ) -> None:
        self.reach = reach
        self._models = models
        self._cache = cache
        self.progress = progress
        self._identity: Identity | None = None
        self._record: TypeRecord | None = None
        self._record_checked = False
        self.scalers: dict[Item, ScalerUnit | None] = {}
        reach.check_same = self._check_same

    # ---- shared with the writing jobs

    @property
    def model(self) -> MeterModel | None:
        return self.reach.model

    @property
    def reversed_sign(self) -> bool:
        return bool(self.model and self.model.quirks.deviation_reversed)

    def fetch(self, items: list[Item], step: str = "read") -> dict[Item, Result]:
        """Read attributes, whatever the meter's limits; done again after a cut."""

        results: dict[Item, Result] = {}

        def job(client: DlmsClient) -> dict[Item, Result]:
            reader = AttributeReader(client, self.reach.list_limit)
            return reader.read(items, lambda done, total: self.progress(step, done, total), results)

        return self.reach.run(job, lambda: len(results)) if items else {}

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """A cancel waits until what was journalled is done; not through a cut, where waiting could be
        long."""
        line = self.reach.line
        if line is None:
            yield
            return
        line.shielded = True
        try:
            yield
        finally:
            line.shielded = False

    def pause(self, seconds: float) -> None:
        """Wait cancellably."""
        if self.reach.line is not None:
            self.reach.line.pause(seconds)

    def need(self, item: Item) -> Result:
        """One attribute that must be there. Raises ``UnsupportedObject`` or ``MeterRefused``."""
        result = self.fetch([item])[item]
        if result.data is None:
            raise refusal(item, result)
        return result

    # ---- identify

    def identify(self) -> Identity:
        if self._identity is None:
            self._identity = self._read_identity()
        return self._identity

    def forget_identity(self) -> None:
        """The meter may say another firmware from now on; what type it is learnt anew."""
        self._identity = None
        self._record = None
        self._record_checked = False

    def _read_identity(self) -> Identity:
        self.reach.run(lambda client: client)
        identity, asked = self._ask_identity()
        if (
            self._identity_words() != asked
        ):  # recognised only now, and this model keeps its identity elsewhere
            identity, _ = self._ask_identity()
        self._load_record(identity)
        return identity

    def _ask_identity(self) -> tuple[Identity, dict[str, str]]:
        words = self._identity_words()
        items = {word: parse_item(text) for word, text in words.items()}
        results = self.fetch([LDN, *items.values()], "identify")
        texts = {word: _text(results[item]) for word, item in items.items()}
        own = self.model.identity if self.model else {}
        known = {item: word for word, item in words.items()}
        texts |= {word: texts[known[item]] for word, item in own.items() if item in known}
        return self._recognise(results[LDN], texts), words

    def _identity_words(self) -> dict[str, str]:
        """Word → item: the standard ones, and those of the model that lie elsewhere."""
        own = self.model.identity if self.model else {}
        standard = set(_STANDARD_IDENTITY.values())
        return _STANDARD_IDENTITY | {word: item for word, item in own.items() if item not in standard}

    def _recognise(self, device_name: Result, texts: dict[str, str | None]) -> Identity:
        ldn = _text(device_name)
        extra = {word: text for word, text in texts.items() if text and word not in ("serial", "firmware")}
        line = self.reach.identification
        if line is not None:
            extra["identification"] = identification_text(line)
        manufacturer = _flag_letters(device_name) or (line.manufacturer if line else None)
        identity = Identity(manufacturer, texts.get("serial"), None, texts.get("firmware"), ldn, extra)
        if self.reach.model is None:
            fitting = [model for model in self._models.values() if model.recognises(identity)]
            if not fitting and line is not None:  # no check guards that line, and one bit makes it another
                without = {word: text for word, text in extra.items() if word != "identification"}
                checked = msgspec.structs.replace(identity, extra=without)
                fitting = [model for model in self._models.values() if model.recognises(checked)]
            if len(fitting) == 1:
                self.reach.recognise(fitting[0])
        model = self.reach.model
        name = model.name if model else extra.get("device_type") or extra.get("device_id_1")
        if model and model.manufacturer:
            manufacturer = manufacturer or model.manufacturer
        return Identity(manufacturer, texts.get("serial"), name, texts.get("firmware"), ldn, extra)

    def _load_record(self, identity: Identity) -> None:
        modules = [parse_item(text) for text in (self.model.modules if self.model else [])]
        found = self.fetch(modules, "identify")
        key = [
            identity.manufacturer or "?",
            identity.model or "?",
            identity.firmware or "?",
            *[_text(found[item]) or "?" for item in modules],
            str(self.reach.client_address),
        ]
        self._record = self._cache.load(key)
        if self._record.list_limit and self.reach.list_limit.value is None:
            self.reach.list_limit.value = self._record.list_limit
        if self._record.write_limit and self.reach.write_limit.value is None:
            self.reach.write_limit.value = self._record.write_limit
        self.reach.access_refused = self.reach.access_refused or self._record.access_refused

    def remember_type(self) -> None:
        """Keep what was learnt of this type for the next meter."""
        record = self._record
        if record is None or self.reach.was_cut:
            return
        learnt = msgspec.structs.replace(
            record,
            list_limit=self.reach.list_limit.value or record.list_limit,
            write_limit=self.reach.write_limit.value or record.write_limit,
            access_refused=self.reach.access_refused or record.access_refused,
        )
        if learnt != record:
            self._record = learnt
            self._cache.store(learnt)

    def _check_same(self, client: DlmsClient) -> None:
        if self._identity is None or self._identity.logical_device_name is None:
            return
        data = client.get(LDN).data
        if data is not None and plain_text(data) != self._identity.logical_device_name:
            raise OtherMeter

    # ---- association view

    def association_view(self) -> list[ViewObject]:
        """The objects of this meter: from the cache of its type if the fingerprint holds, else read."""
        self.identify()
        record = self._record
        if record is not None and record.objects:
            if not self._record_checked:
                results = self.fetch(view.fingerprint_items(record.objects))
                self._record_checked = view.fingerprint_holds(record.objects, results)
            if self._record_checked:
                return record.objects
        data = self.need(ASSOCIATION_VIEW).data
        assert data is not None
        objects = view.decode_view(data)
        self._record_checked = True
        if record is not None:
            self._record = msgspec.structs.replace(record, objects=objects)
            self._cache.store(self._record)
        return objects

    def model_view(self) -> ModelView:
        """The objects with what our client may do with them; read from the meter, whatever is cached."""
        identity = self.identify()
        data = self.need(ASSOCIATION_VIEW).data
        assert data is not None
        name = self.model.name if self.model else identity.model or "unknown"
        if any(len(entry.items) == _WITHOUT_RIGHTS for entry in data.items):
            told = [self.need(item).data for item in (SHORT_NAME_LIST, SHORT_NAME_RIGHTS)]
            rights = decode_short_name_rights(*(data for data in told if data is not None))
        else:
            version = next((one.version for one in view.decode_view(data) if one.class_id == 15), 1)
            rights = decode_rights(data, version)
        return ModelView(name, self.reach.client_address, identity.firmware, rights)

    # ---- read

    def read(self, texts: list[str] | None) -> ReadResult:
        """Items as asked, or those of the model. Raises ``UnsupportedObject`` only if not a single one is
        there."""
        started = time.monotonic()
        identity = self.identify()
        wanted = {text: parse_item(text) for text in (self._default_items() if texts is None else texts)}
        extra = [attributes.scaler_item(item) for item in wanted.values()]
        extra += [attributes.capture_time_item(item) for item in wanted.values()]
        more = [item for item in extra if item is not None and item not in self.scalers]
        results = self.fetch([*wanted.values(), *more])
        attributes.remember_scalers(results, self.scalers)
        readings = [
            attributes.to_reading(
                text, item, self._name(item), results, self.scalers, reversed_sign=self.reversed_sign
            )
            for text, item in wanted.items()
        ]
        if texts and all(reading.status in UNSUPPORTED for reading in readings):
            raise UnsupportedObject(detail=", ".join(texts[:5]))
        return ReadResult(identity, readings, self.reach.exchanges, self.bytes_on_line(), _since(started))

    def _default_items(self) -> list[str]:
        return [named.item for named in self.model.readings] if self.model else _DEFAULT_READINGS

    def _name(self, item: Item) -> str | None:
        return self.model.name_of(str(item)) if self.model else None

    def bytes_on_line(self) -> ByteCount:
        line = self.reach.line
        return ByteCount(line.bytes_tx, line.bytes_rx) if line else ByteCount()

    # ---- profile

    def profile(self, text: str | None, start: str | None, end: str | None) -> ProfileResult:
        """Rows between two times; a meter without selective access is read whole and the rows are picked
        here."""
        started = time.monotonic()
        since, until = moment_of(start, "start"), moment_of(end, "end")
        self.identify()
        item = parse_item(text or (self.model.profile if self.model else "7:1.0.99.1.0.255:2")).of(2)
        results = self.fetch([item.of(3), item.of(4), profiles.CLOCK])
        layout = results[item.of(3)]
        if layout.data is None:
            raise refusal(item.of(3), layout)
        columns = profiles.decode_columns(layout.data)
        period = _integer(results[item.of(4)])
        zone = self._zone(results[profiles.CLOCK])
        self._fetch_scalers(columns)
        octets = profiles.expected_octets(columns, period, since, until)
        with awaiting(self.reach.line, "profile", octets, self.progress):
            buffer = self._buffer(item, columns, since, until, zone)
        assert buffer.data is not None
        bits = self.model.status_bits if self.model else {}
        rows = profiles.decode_rows(buffer.data, columns, self.scalers, period, zone, bits)
        return ProfileResult(
            str(item),
            [self._column(column) for _, column in profiles.value_columns(columns)],
            _between(rows, since, until),
            period,
            self.reach.exchanges,
            self.bytes_on_line(),
            _since(started),
        )

    def _buffer(
        self,
        item: Item,
        columns: list[profiles.Column],
        since: datetime | None,
        until: datetime | None,
        zone: Zone,
    ) -> Result:
        self.progress("profile", 0, 1)
        result = Result(None, 250)
        if since is not None or until is not None:
            first = since or datetime(2000, 1, 1, tzinfo=UTC)
            last = until or datetime.now(UTC) + timedelta(days=1)
            selection = profiles.range_selection(columns, first, last, zone)
            result = self.reach.run(lambda client: _refused_as_result(client, item, selection))
        if result.data is None:
            result = self.reach.run(lambda client: client.get(item))
        if result.data is None:
            raise refusal(item, result)
        self.progress("profile", 1, 1)
        return result

    def _fetch_scalers(self, columns: list[profiles.Column]) -> None:
        wanted = [attributes.scaler_item(column.item) for _, column in profiles.value_columns(columns)]
        missing = [item for item in wanted if item is not None and item not in self.scalers]
        attributes.remember_scalers(self.fetch(missing), self.scalers)

    def _column(self, column: profiles.Column) -> ProfileColumn:
        where = attributes.scaler_item(column.item)
        scaler = self.scalers.get(where) if where else None
        return ProfileColumn(str(column.item), self._name(column.item), scaler.unit if scaler else None)

    def _zone(self, clock: Result) -> Zone:
        deviation = self.model.time_zone_minutes if self.model else None
        if clock.data is not None and isinstance(clock.data.value, bytes):
            now = parse_date_time(clock.data.value)
            if now is not None and now.deviation is not None:
                deviation = now.deviation
        return Zone(deviation, self.reversed_sign)

    # ---- network

    def network(self) -> JoinEvidence:
        """Join state: by the model's technology, else by what classes the association view holds; with the
        meters behind this one."""
        self.identify()
        technology = self.model.technology if self.model else "none"
        found = self._joined(technology, joins.default_items(technology))
        if found is None:
            name, items = joins.found_in(self.association_view(), technology)
            found = self._joined(name, items) or joins.judge(name, {})
        return msgspec.structs.replace(found, children=self._children())

    def _joined(self, technology: str, items: dict[joins.Probe, Item]) -> JoinEvidence | None:
        """``None`` where not one of the objects is there."""
        results = self.fetch(list(items.values()), "network")
        answers = {probe: results[item] for probe, item in items.items()}
        if not any(answer.data is not None for answer in answers.values()):
            return None
        return joins.judge(technology, answers, items)

    def _children(self) -> list[ChildDevice]:
        """Meters on the channels that the model names; without a model, those of the association view."""
        if self.model is not None:
            clients = [parse_item(text) for text in self.model.children]
        else:
            clients = [known.item(1) for known in view.find(self.association_view(), 72)]
        results = self.fetch([item for client in clients for item in child_items(client)], "network")
        found = [judge_child(client, results) for client in clients]
        return [child for child in found if child is not None]


def refusal(item: Item, result: Result) -> DriverError:
    """The error for an attribute that gave no data."""
    reason = access_result(result.access)
    if reason in UNSUPPORTED:
        return UnsupportedObject(detail=f"{item}: {reason}")
    return MeterRefused(result=reason, detail=str(item))


def _refused_as_result(client: DlmsClient, item: Item, selection: Selection) -> Result:
    try:
        return client.get(item, selection)
    except MeterRefused:
        return Result(None, 250)


def _flag_letters(name: Result) -> str | None:
    """The first three bytes of a logical device name, also where the rest of it is binary."""
    value = name.data.value if name.data is not None else None
    letters = value[:3].decode("latin-1") if isinstance(value, bytes) else ""
    return letters if _FLAG.fullmatch(letters) else None


def _text(result: Result) -> str | None:
    return (plain_text(result.data) or None) if result.data is not None else None


def _integer(result: Result) -> int | None:
    value = result.data.value if result.data is not None else None
    return int(value) if isinstance(value, int) else None


def moment_of(text: str | None, what: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongValue(f"{what} {text!r} is not a time like 2026-05-01T00:00:00+00:00") from None
    if moment.tzinfo is None:
        raise WrongValue(f"{what} {text!r} has no offset: add Z or +hh:mm")
    return moment.astimezone(UTC)


def _between(
    rows: list[tuple[datetime | None, ProfileRow]], since: datetime | None, until: datetime | None
) -> list[ProfileRow]:
    def inside(moment: datetime | None) -> bool:
        if moment is None:
            return True
        return (since is None or moment >= since) and (until is None or moment <= until)

    return [row for moment, row in rows if inside(moment)]


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
