"""A REST field service in the way of Oracle Field Service (`/rest/ofscCore/v1`): activities, inventories,
file properties, events by subscription. docs.oracle.com/en/cloud/saas/field-service/cxfsc

Changes come by events (`nextPage` is the cursor); a subscription that ran out (36 hours without a question)
or was never there begins with all activities of the resources, one window of time after the other. What we
post is looked up first, so that a repetition after a lost answer does nothing twice.
"""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from workorders.clock import utc_text
from workorders.journal.kinds import RECORD_BLOB
from workorders.journal.words import TaskKind
from workorders.mwm.obis import read_item
from workorders.mwm.port import (
    Blob,
    Change,
    Event,
    ForeignOrder,
    Kept,
    Outcome,
    Page,
    Phases,
    Placements,
    Refused,
    Result,
    Retry,
    Unsupported,
    Verb,
    Verified,
)
from workorders.mwm.settings import FieldService
from workorders.mwm.web import Answer, Web
from workorders.mwm.windows import WINDOW, Window

CORE = "/rest/ofscCore/v1"
TOKEN = "/rest/oauthTokenService/v2/token"  # noqa: S105 - a path
EVENTS = ["activityCreated", "activityUpdated", "activityMoved", "activityCanceled", "activityReopened"]
_GONE = frozenset({404})
_EXPIRED = frozenset({401})
_REMOVED = "deinstalled"
_NAMED = 5
_CANCELLED = frozenset({"cancelled", "deleted"})
_OVER = frozenset({"completed", "notdone", "cancelled", "deleted"})
STATUSES = {
    "enroute": "started", "onSite": "started", "inProgress": "started", "suspended": "suspended",
    "completed": "completed", "closed": "completed", "notDone": "notdone", "cancelled": "cancelled",
}  # fmt: skip
"""Our status → theirs."""
_ACTIONS = {"started": "start", "suspended": "suspend", "completed": "complete", "notdone": "notDone"}
_FIELDS = {
    "customer_name": "customerName", "customer_phone": "customerPhone", "supply_number": "customerNumber",
    "latitude": "latitude", "longitude": "longitude",
}  # fmt: skip
_READ = frozenset(
    {
        "activityId", "apptNumber", "activityType", "resourceId", "status", "date", "serviceWindowStart",
        "serviceWindowEnd", "slaWindowEnd", "streetAddress", "city", "postalCode",
    }
)  # fmt: skip
"""What else is read of an activity."""
_TEXTS = frozenset(ForeignOrder.__struct_fields__) - {"number", "kind", "crew", "priority", "flags", "values"}


class FieldServiceLink:
    """One field service. `kept` holds nothing but the subscription."""

    def __init__(self, settings: FieldService, secret: str, web: Web, kept: Kept) -> None:
        self._settings, self._secret, self._web, self._kept = settings, secret, web, kept
        self._core = settings.url.rstrip("/") + CORE
        self._token_until = 0.0
        if settings.auth == "basic":
            web.auth = (settings.client, secret)

    # --- in -------------------------------------------------------------------------------------

    def fetch_changes(self, cursor: str | None, limit: int) -> Page:
        way, _, rest = (cursor or "").partition(":")
        if way == WINDOW:
            window, page = Window.read(rest)
            return self._load(window, page, limit)
        if way == "page":
            return self._events(rest)
        return self._subscribe()

    def reread(self, original: bytes) -> list[Change]:
        kept = _read(original)
        return [self._change(kept)]

    def ack(self, change: Change, outcome: Outcome) -> None:
        """Nothing: the cursor says what was taken."""

    def _subscribe(self) -> Page:
        """Subscribe, and say so at once: what is loaded then goes on from where this subscription began."""
        body = {"events": EVENTS, "subscriptionTitle": "fieldtool"}
        made = self._json("POST", "/events/subscriptions", body)
        self._kept.put("subscription", str(made["subscriptionId"]))
        window = Window.first(datetime.now(UTC).date())
        return Page(changes=[], cursor=window.cursor(str(made.get("nextPage", ""))), more=True)

    def _load(self, window: Window, page: str, limit: int) -> Page:
        found = self._json("GET", "/activities", params=window.params() | {
            "resources": ",".join(self._settings.crews) or "*", "limit": str(limit),
            "fields": ",".join(self._fields()),
        })  # fmt: skip
        items = found.get("items", [])
        subscription = self._kept.get("subscription")
        changes = [self._whole(one, None, subscription) for one in items if one.get("status") not in _OVER]
        if found.get("hasMore") and items:
            following: Window | None = window.further(len(items))
        else:
            following = window.next()
        cursor = f"page:{page}" if following is None else following.cursor(page)
        return Page(changes=changes, cursor=cursor, more=True)

    def _fields(self) -> list[str]:
        """What a list of activities is asked for: without being asked it holds four fields of each."""
        own = {label for ours, label in self._settings.properties.items() if ours in _TEXTS}
        return sorted({*_READ, *_FIELDS.values(), *own})

    def _events(self, page: str) -> Page:
        params = {"page": page}
        subscription = self._kept.get("subscription")
        if subscription:
            params["subscriptionId"] = subscription
        answer = self._ask("GET", "/events", params=params, allowed=_GONE)
        if answer.status == 404:
            return Page(changes=[], cursor="new:", more=True)
        found = _read(answer.body)
        changes: list[Change] = []
        for event in found.get("items", []):
            details = event.get("activityDetails") or {}
            if "activityId" in details:
                changes.append(self._event(details, event))
        following = str(found.get("nextPage") or page)
        return Page(changes=changes, cursor=f"page:{following}", more=bool(changes) and following != page)

    def _event(self, details: dict[str, Any], event: dict[str, Any]) -> Change:
        answer = self._ask("GET", f"/activities/{details['activityId']}", allowed=_GONE)
        activity = details | {"status": "deleted"} if answer.status == 404 else _read(answer.body)
        return self._whole(activity, str(event.get("time") or ""))

    def _whole(
        self, activity: dict[str, Any], time_text: str | None, subscription: str | None = None
    ) -> Change:
        inventories: list[dict[str, Any]] = []
        if activity.get("status") not in _OVER and "old_serial" not in self._settings.properties:
            inventories = self._pages(f"/activities/{activity['activityId']}/customerInventories")
        kept = {"activity": activity, "inventories": inventories, "time": time_text}
        # What is loaded has no time: after a later subscription the same words are news again.
        return self._change(kept if subscription is None else kept | {"subscription": subscription})

    def _change(self, kept: dict[str, Any]) -> Change:
        """The change that an activity with its inventories is."""
        activity = kept.get("activity", {})
        original = json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()
        identity = str(activity.get("activityId", ""))
        bare = Change(
            key=f"{identity}@{hashlib.sha256(original).hexdigest()[:24]}",
            verb=Verb.CANCEL if activity.get("status") in _CANCELLED else Verb.TAKE,
            foreign_id=identity,
            as_of=_utc(kept.get("time")),
            reason=activity.get("XA_CANCEL_REASON"),
            original=original,
        )
        try:
            return msgspec.structs.replace(bare, order=self._order(activity, kept.get("inventories", [])))
        except Refused as error:
            return msgspec.structs.replace(bare, problem=str(error), code=error.code)

    def _order(self, activity: dict[str, Any], inventories: list[dict[str, Any]]) -> ForeignOrder:
        known, settings = activity, self._settings
        told = {ours: _text(known.get(theirs)) for ours, theirs in _FIELDS.items()}
        told |= {
            ours: _text(known.get(label)) for ours, label in settings.properties.items() if ours in _TEXTS
        }
        kind, resource = _text(known.get("activityType")) or "", _text(known.get("resourceId")) or ""
        kind = settings.kinds.get(kind, kind)
        if kind != TaskKind.INSTALL:  # what else stands there is not what it is about
            told.setdefault("old_serial", self._old_serial(inventories))
        day = _text(known.get("date"))
        for ours, theirs in (
            ("scheduled_start", "serviceWindowStart"),
            ("scheduled_end", "serviceWindowEnd"),
        ):
            clock = _text(known.get(theirs))
            if day and clock:
                told.setdefault(ours, f"{day}T{clock}")
        if told.get("due") is None:
            told["due"] = (_text(known.get("slaWindowEnd")) or "").replace(" ", "T") or None
        parts = [_text(known.get(part)) for part in ("streetAddress", "city", "postalCode")]
        told.setdefault("address", ", ".join(part for part in parts if part) or None)
        return ForeignOrder(
            number=_text(known.get("apptNumber")) or _text(known.get("activityId")) or "",
            kind=kind or None,
            crew=settings.crews.get(resource, resource) or None,
            **{name: value for name, value in told.items() if value is not None},  # type: ignore[arg-type]  # texts
        )

    def _old_serial(self, inventories: list[dict[str, Any]]) -> str | None:
        """The serial of the meter that stands at the customer's, where only one can be meant.

        Raises:
            Refused: `several_meters`; a guess would send a crew to take away somebody else's.
        """
        types = self._settings.meter_types
        found = {
            serial
            for one in inventories
            if one.get("status") != _REMOVED and (not types or one.get("inventoryType") in types)
            if (serial := _text(one.get("serialNumber")))
        }
        if len(found) > 1:
            raise Refused(
                f"several devices stand at the customer's: {', '.join(sorted(found)[:_NAMED])}; name the old "
                "meter in a property (old_serial), or what types of inventory are meters (meter_types)",
                code="several_meters",
            )
        return next(iter(found), None)

    # --- out ------------------------------------------------------------------------------------

    def post_event(self, event: Event) -> None:
        wanted = STATUSES.get(event.status or "")
        if wanted is None or wanted not in _ACTIONS or event.about.foreign_id is None:
            raise Unsupported("this is not told there")
        if wanted not in {"started", "suspended"}:
            raise Unsupported("the result says it")
        self._become(event.about.foreign_id, wanted)

    def post_result(self, result: Result) -> None:
        activity = result.about.foreign_id
        if activity is None:
            raise Refused("the order came by another way and has no activity there", code="no_activity")
        told = self._told(result)
        if told:
            self._json("PATCH", f"/activities/{activity}", told)
        self._install(activity, result)
        wanted = STATUSES[result.status]
        self._become(activity, "started")
        self._become(activity, wanted)

    def post_placements(self, placements: Placements) -> None:
        raise Unsupported("a field service has inventories, and no places")

    def post_phases(self, phases: Phases) -> None:
        raise Unsupported("a field service knows no phases")

    def put_blob(self, blob: Blob) -> None:
        """Set a file property; a repetition sets it to the same file again."""
        settings, activity = self._settings, blob.about.foreign_id
        label = settings.photo_properties.get(blob.what)
        if blob.what == RECORD_BLOB:
            label = settings.record_property
        if label is None or activity is None:
            raise Unsupported("no property is named for files")
        if len(blob.data) > settings.file_bytes:
            message = f"{blob.name} has {len(blob.data)} bytes; a file property takes {settings.file_bytes}"
            raise Refused(message, code="file_too_large")
        headers = {
            "Content-Type": blob.media_type,
            "Content-Disposition": f'attachment; filename="{quote(blob.name, safe=".-_")}"',
        }
        self._ask("PUT", f"/activities/{activity}/{quote(label)}", body=blob.data, headers=headers)

    def verify_device(self, serial: str) -> Verified:
        if not self._settings.crews:
            raise Unsupported("no resource is named whose inventories could be looked through")
        for resource in self._settings.crews:
            for one in self._pages(f"/resources/{quote(resource)}/inventories"):
                if _text(one.get("serialNumber")) == serial:
                    model = _text(one.get("model")) or _text(one.get("inventoryType"))
                    return Verified(serial=serial, known=True, status=_text(one.get("status")), model=model)
        return Verified(serial=serial, known=False)

    def close(self) -> None:
        self._web.close()

    def _told(self, result: Result) -> dict[str, str]:
        """The custom properties that a result fills, as the settings name them."""
        values: dict[str, str | None] = {
            "record_number": result.record_number,
            "record_hash": result.record_hash,
            "reason": result.reason,
            "performed": result.performed,
            "performed_reason": result.performed_reason,
            "flags": ",".join(result.flags) or None,
            "seals": ",".join(result.seals) or None,
            "removed_serial": next((one.serial for one in result.removed), None),
            "installed_serial": next((one.serial for one in result.installed), None),
            "phase": next((one.phase for one in result.installed if one.phase), None),
            "position": next((one.position for one in result.installed if one.position), None),
        }
        for reading in result.readings:
            name = {"old": "final_reading", "new": "initial_reading"}.get(reading.role)
            total = next((one.value for one in reading.registers if _is_total(one.item)), None)
            if name is not None and total is not None:
                values[name] = total
            elif name is not None and not reading.registers:
                values[f"{name}_reason"] = reading.reason
        names = self._settings.properties
        return {names[name]: value for name, value in values.items() if value and name in names}

    def _install(self, activity: str, result: Result) -> None:
        there = {
            _text(one.get("serialNumber"))
            for one in self._pages(f"/activities/{activity}/installedInventories")
        }
        for device in result.installed:
            if device.serial not in there:
                self._install_one(activity, device.serial, device.model)
        removed = {device.serial for device in result.removed}
        for one in self._pages(f"/activities/{activity}/customerInventories"):
            if _text(one.get("serialNumber")) in removed and one.get("status") != _REMOVED:
                where = f"/inventories/{one['inventoryId']}/custom-actions/deinstall"
                self._json("POST", where, {"activityId": int(activity)})

    def _install_one(self, activity: str, serial: str, model: str | None) -> None:
        """Off the truck's inventory where it stands there, else as new at the customer's."""
        resource = _text(self._json("GET", f"/activities/{activity}").get("resourceId"))
        if resource is not None:
            for one in self._pages(f"/resources/{quote(resource)}/inventories"):
                if _text(one.get("serialNumber")) == serial:
                    where = f"/inventories/{one['inventoryId']}/custom-actions/install"
                    self._json("POST", where, {"activityId": int(activity)})
                    return
        there = self._pages(f"/activities/{activity}/customerInventories")
        if serial not in {_text(one.get("serialNumber")) for one in there}:
            body = {"serialNumber": serial, "model": model or ""}
            self._json("POST", f"/activities/{activity}/customerInventories", body)

    def _become(self, activity: str, wanted: str) -> None:
        """Bring an activity to a status, unless it is there or beyond."""
        answer = self._ask("GET", f"/activities/{activity}")
        status = _read(answer.body).get("status")
        if status == wanted or (status in _OVER and wanted == "started"):
            return
        if status in _OVER:
            raise Refused(f"the activity {activity} is {status} there", code="activity_over")
        tag = answer.headers.get("ETag")
        headers = {"If-Match": tag} if tag else {}
        where = f"/activities/{activity}/custom-actions/{_ACTIONS[wanted]}"
        changed = self._ask("POST", where, body=b"{}", headers=headers, allowed=frozenset({412}))
        if changed.status == 412:
            raise Retry(f"the activity {activity} was changed meanwhile", after=1.0)

    # --- beneath --------------------------------------------------------------------------------

    def _pages(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            params = {"limit": "100", "offset": str(len(found))}
            page = _read(self._ask("GET", path, params=params, allowed=_GONE).body)
            items = page.get("items", [])
            found += items
            if not page.get("hasMore") or not items:
                return found

    def _json(
        self, method: str, path: str, body: dict[str, Any] | None = None, params: dict[str, str] | None = None
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return _read(self._ask(method, path, body=data, params=params).body)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        allowed: frozenset[int] = frozenset(),
    ) -> Answer:
        given = {"Accept": "application/json", "Content-Type": "application/json"} | (headers or {})

        def ask(allowed: frozenset[int]) -> Answer:
            where = self._core + path
            return self._web.ask(method, where, body=body, headers=given, params=params, allowed=allowed)

        if self._settings.auth != "oauth2":
            return ask(allowed)
        self._renew()
        answer = ask(allowed | _EXPIRED)
        if answer.status not in _EXPIRED:
            return answer
        self._token_until = (
            0.0  # it was taken back before its time; a secret that is wrong is not asked twice
        )
        self._renew()
        return ask(allowed)

    def _renew(self) -> None:
        """A bearer token, asked for anew a minute before it runs out."""
        if time.monotonic() < self._token_until:
            return
        self._web.headers.pop("Authorization", None)
        answer = self._web.ask(
            "POST", self._settings.url.rstrip("/") + TOKEN, body=b"grant_type=client_credentials",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            auth=(self._settings.client, self._secret),
        )  # fmt: skip
        told = _read(answer.body)
        if not told.get("access_token"):
            raise Retry("no token was given")
        self._web.headers["Authorization"] = f"Bearer {told['access_token']}"
        self._token_until = time.monotonic() + max(0.0, float(told.get("expires_in", 3600)) - 60.0)


def _read(data: bytes) -> dict[str, Any]:
    """An object of JSON; numbers with a fraction stay text."""
    if not data.strip():
        return {}
    try:
        found = json.loads(data, parse_float=str)
    except (ValueError, RecursionError):
        raise Retry("the answer is no JSON") from None
    if not isinstance(found, dict):
        raise Retry("the answer is no object")
    return found


def _is_total(item: str) -> bool:
    """Whether an item of the record is the present total of energy taken from the grid."""
    what = read_item(item)
    return what is not None and what.is_total_import


def _text(value: Any) -> str | None:
    return (
        str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None
    )


def _utc(text: str | None) -> str | None:
    """The time of an event, `YYYY-MM-DD HH:MM:SS` in UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return utc_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
