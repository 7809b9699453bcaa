"""What the virtual MWM knows: its orders, what was asked of it and told to it. One lock, no I/O."""

from __future__ import annotations

import threading
import uuid
from typing import Any
from xml.sax.saxutils import escape

from workorders.mwm.virtual.faults import Faults

MESSAGE = "http://iec.ch/TC57/2011/schema/message"
CONFIG = "http://iec.ch/TC57/2011/EndDeviceConfig#"
ORDERS = "http://iec.ch/TC57/2011/WorkOrders#"


class Mwm:
    """Orders as activities (REST) and as waiting requests (CIM); everything told is kept for a look."""

    def __init__(self, faults: Faults) -> None:
        self.lock = threading.RLock()
        self.faults = faults
        self.activities: dict[int, dict[str, Any]] = {}
        self.customer: dict[int, list[dict[str, Any]]] = {}
        self.installed: dict[int, list[dict[str, Any]]] = {}
        self.trucks: dict[str, list[dict[str, Any]]] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.subscriptions: set[str] = set()
        self.requests: dict[str, bytes] = {}
        self.replies: list[bytes] = []
        self.messages: dict[str, bytes] = {}
        self.repeated = 0
        self.places: dict[str, dict[str, Any]] = {}
        self.phases: dict[str, dict[str, Any]] = {}
        self.hooks: list[dict[str, Any]] = []
        self._inventory = 1000

    # --- orders ---------------------------------------------------------------------------------

    def plan(self, order: dict[str, Any], now: str) -> int:
        """Plan an order (`number`, `kind`, `usage_point`, `old_serial`, `crew`, …) in both ways."""
        with self.lock:
            number = str(order["number"])
            identity = next(
                (key for key, one in self.activities.items() if one["apptNumber"] == number),
                4000 + len(self.activities),
            )
            fresh = identity not in self.activities
            before = self.activities.get(identity, {"status": "pending", "version": 0})
            self.activities[identity] = before | {
                "activityId": identity, "apptNumber": number, "activityType": order.get("kind", "exchange"),
                "resourceId": order.get("crew", ""), "XA_USAGE_POINT": order.get("usage_point", ""),
                "customerName": order.get("customer_name", ""), "streetAddress": order.get("address", ""),
                "customerNumber": order.get("supply_number", ""), "XA_NOTES": order.get("notes", ""),
                "XA_MODEL": order.get("new_model", ""), "XA_PROCEDURE": order.get("procedure", ""),
                "slaWindowEnd": order.get("due", ""), "version": before["version"] + 1,
            } | ({"date": order["date"]} if order.get("date") else {})  # fmt: skip
            if fresh and order.get("old_serial"):
                self.customer[identity] = [self._item(order["old_serial"], "customer")]
            self._event("activityCreated" if fresh else "activityUpdated", identity, now)
            self._request("create" if fresh else "change", order, now)
            return identity

    def load_truck(self, resource: str, serials: list[str]) -> None:
        """Put devices on a truck."""
        with self.lock:
            self.trucks.setdefault(resource, []).extend(self._item(serial, "resource") for serial in serials)

    def cancel(self, number: str, now: str) -> None:
        """Withdraw an order in both ways."""
        with self.lock:
            for identity, one in self.activities.items():
                if one["apptNumber"] == number:
                    one["status"], one["version"] = "cancelled", one["version"] + 1
                    self._event("activityCanceled", identity, now)
            self._request("cancel", {"number": number}, now)

    def _event(self, kind: str, identity: int, now: str) -> None:
        event = {"eventType": kind, "time": now.replace("T", " ")[:19], "user": "planner",
                 "activityDetails": {"activityId": identity}}  # fmt: skip
        self.events.append(event)
        if self.faults.strikes("duplicate"):
            self.events.append(event)

    def _request(self, verb: str, order: dict[str, Any], now: str) -> None:
        key = str(uuid.uuid4())
        self.requests[key] = request_message(key, verb, order, now)

    def _item(self, serial: str, status: str) -> dict[str, Any]:
        self._inventory += 1
        return {"inventoryId": self._inventory, "serialNumber": serial, "status": status}

    # --- CIM ------------------------------------------------------------------------------------

    def next_request(self) -> bytes | None:
        """A request that has no answer yet: the oldest, unless the order is shaken."""
        with self.lock:
            keys = list(self.requests)
            if not keys:
                return None
            last = len(keys) > 1 and self.faults.strikes("reorder")
            return self.requests[keys[-1] if last else keys[0]]

    def take_reply(self, correlation: str | None, body: bytes) -> None:
        """An answer settles its request; one without a name settles nothing."""
        with self.lock:
            self.replies.append(body)
            if not self.faults.strikes("duplicate"):
                self.requests.pop(correlation or "", None)

    def take_message(self, key: str, body: bytes) -> None:
        """A message of the field, once by its id."""
        with self.lock:
            self.repeated += key in self.messages
            self.messages.setdefault(key, body)

    # --- maps and network control ---------------------------------------------------------------

    def take_stay(self, stay: dict[str, Any]) -> str | None:
        """Where a device stands, by the stay's `key`; what is wrong with it, if it is not taken.

        Two devices cannot hang in one slot, and what has ended does not stand up again.
        """
        with self.lock:
            before = self.places.get(stay["key"], {})
            if before.get("until") and not stay.get("until"):
                return f"{stay['serial']} was taken down there already"
            if before and before["serial"] != stay["serial"]:
                return f"{stay['key']} was another device"
            slot = stay.get("panel"), stay.get("slot")
            if None not in slot and not stay.get("until") and not stay.get("disputed"):
                for other in self.places.values():
                    same = slot == (other.get("panel"), other.get("slot"))
                    if same and not other.get("until") and other["key"] != stay["key"]:
                        return f"{other['serial']} hangs in {slot[0]}/{slot[1]}"
            self.places[stay["key"]] = stay
            return None

    def take_phases(self, point: dict[str, Any]) -> None:
        """On which phase a supply point hangs."""
        with self.lock:
            self.phases[point["usage_point"]] = point

    # --- REST -----------------------------------------------------------------------------------

    def act(self, identity: int, action: str) -> bool:
        """Change the status of an activity; False where it is not in a state for it."""
        after = {
            "start": "started", "complete": "completed", "notDone": "notdone", "suspend": "suspended",
            "cancel": "cancelled",
        }  # fmt: skip
        before = {"start": {"pending", "suspended"}}.get(action, {"started"})
        with self.lock:
            activity = self.activities[identity]
            if action not in after or activity["status"] not in before:
                return False
            activity["status"], activity["version"] = after[action], activity["version"] + 1
            return True

    def add(
        self, where: dict[int, list[dict[str, Any]]], identity: int, item: dict[str, Any]
    ) -> dict[str, Any]:
        """Add an inventory to an activity."""
        with self.lock:
            made = self._item(str(item.get("serialNumber", "")), "installed") | item
            where.setdefault(identity, []).append(made)
            return made

    def move(self, inventory: int, action: str, identity: int) -> bool:
        """Install from a truck, or deinstall from a customer."""
        with self.lock:
            pools = [*self.trucks.values(), *self.customer.values()]
            for pool in pools:
                for one in pool:
                    if one["inventoryId"] == inventory:
                        one["status"] = "installed" if action == "install" else "deinstalled"
                        if action == "install":
                            pool.remove(one)
                            self.installed.setdefault(identity, []).append(one)
                        return True
        return False

    def device(self, serial: str) -> dict[str, Any] | None:
        """A device that it knows, wherever it is."""
        with self.lock:
            pools = [*self.trucks.values(), *self.customer.values(), *self.installed.values()]
            return next((one for pool in pools for one in pool if one["serialNumber"] == serial), None)

    def look(self) -> dict[str, Any]:
        """Everything, for a test or a person."""
        with self.lock:
            return {
                "activities": list(self.activities.values()),
                "customer": self.customer,
                "installed": self.installed,
                "files": {
                    name: {"type": one["type"], "size": len(one["data"])} for name, one in self.files.items()
                },
                "requests": len(self.requests),
                "replies": [one.decode() for one in self.replies],
                "messages": {key: body.decode() for key, body in self.messages.items()},
                "repeated": self.repeated,
                "hooks": self.hooks,
                "places": list(self.places.values()),
                "phases": list(self.phases.values()),
                "faults": self.faults.hit,
            }  # fmt: skip


def request_message(key: str, verb: str, order: dict[str, Any], now: str) -> bytes:
    """An IEC 61968-100 request about one order."""
    told = {name: escape(str(value)) for name, value in order.items() if value not in (None, "")}

    def tag(name: str, source: str) -> str:
        return f"<w:{name}>{told[source]}</w:{name}>" if source in told else ""

    old = f"<w:OldAsset>{tag('serialNumber', 'old_serial')}</w:OldAsset>" if "old_serial" in told else ""
    new = f"<w:NewAsset>{tag('modelNumber', 'new_model')}</w:NewAsset>" if "new_model" in told else ""
    crew = f"<w:Crew><w:mRID>{told['crew']}</w:mRID></w:Crew>" if "crew" in told else ""
    names = f"<w:Names>{tag('name', 'supply_number')}</w:Names>" if "supply_number" in told else ""
    where = f"<w:UsagePointLocation>{tag('mainAddress', 'address')}</w:UsagePointLocation>"
    holder = f"<w:Customer>{tag('name', 'customer_name')}</w:Customer>" if "customer_name" in told else ""
    point = (
        f"<w:UsagePoint>{tag('mRID', 'usage_point')}{names}{where if 'address' in told else ''}{holder}"
        "</w:UsagePoint>" if "usage_point" in told else ""
    )  # fmt: skip
    task = tag("taskKind", "kind") + tag("instruction", "notes") + tag("procedure", "procedure") + crew
    body = f"<w:WorkTask>{task}{old}{new}{point}</w:WorkTask>" if task or point else ""
    return (
        f'<msg:RequestMessage xmlns:msg="{MESSAGE}" xmlns:w="{ORDERS}"><msg:Header>'
        f"<msg:Verb>{verb}</msg:Verb>"
        f"<msg:Noun>WorkOrders</msg:Noun><msg:Revision>2.0</msg:Revision><msg:Timestamp>{now}</msg:Timestamp>"
        f"<msg:Source>virtual-mwm</msg:Source><msg:MessageID>{key}</msg:MessageID></msg:Header><msg:Payload>"
        f"<w:WorkOrders><w:WorkOrder><w:Names><w:name>{told['number']}</w:name></w:Names>{body}"
        "</w:WorkOrder></w:WorkOrders></msg:Payload></msg:RequestMessage>"
    ).encode()
