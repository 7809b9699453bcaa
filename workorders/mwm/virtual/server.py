"""The virtual MWM on a socket: CIM messages, the field service's REST interface, a receiver of webhooks.

`POST /_orders` plans orders (a list), `POST /_cancel` withdraws one, `GET /_state` shows everything; they are
for tests and trainers and have no faults.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
import time
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from workorders.clock import utc_text
from workorders.mwm.virtual.config import take_config, take_hook
from workorders.mwm.virtual.state import CONFIG, MESSAGE, Mwm
from workorders.mwm.webhooks import holds, secret_bytes
from workorders.mwm.windows import LONGEST

CORE = "/rest/ofscCore/v1"
MAX_BODY = 16 * 1024 * 1024
MAX_FILE = 5 * 1024 * 1024
FILE_TYPES = frozenset({"application/pdf", "image/jpeg", "image/png"})
_CORRELATION = re.compile(rb"<(?:\w+:)?CorrelationID>([^<]+)<")
_MESSAGE_ID = re.compile(rb"<(?:\w+:)?MessageID>([^<]+)<")
_ASKED = re.compile(rb"<(?:\w+:)?ID>([^<]+)<")
_ACTIVITY = re.compile(rf"^{CORE}/activities/(\d+)(?:/(.+))?$")
_INVENTORY = re.compile(rf"^{CORE}/inventories/(\d+)/custom-actions/(install|deinstall)$")
_RESOURCE = re.compile(rf"^{CORE}/resources/([^/]+)/inventories$")
_OWN = frozenset({"installedInventories", "customerInventories"})


class Server(ThreadingHTTPServer):
    """One virtual MWM that listens. `client`, `secret`: what signs in; `hook_secret`: of its webhooks."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], mwm: Mwm, *, client: str, secret: str, hook_secret: str | None = None
    ) -> None:
        super().__init__(address, _Handler)
        self.mwm, self.client, self.secret = mwm, client, secret
        self.hook_key = secret_bytes(hook_secret) if hook_secret else None
        self.tokens: set[str] = set()

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: requests name customers."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def _answer(self, method: str) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(size, MAX_BODY))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        faults = self.server.mwm.faults
        own = parts.path.startswith("/_")
        if not own:
            faults.wait()
            if faults.strikes("429"):
                self._send(429, {"title": "slow down"}, {"Retry-After": "0"})
                return
            if faults.strikes("500"):
                self._send(500, {"title": "broken"})
                return
        status, told, headers = self._route(method, parts.path, query, body)
        if not own and method != "GET" and status < 300 and faults.strikes("lost"):
            status, told, headers = 502, {"title": "done, but you do not know"}, {}
        self._send(status, told, headers)

    def _send(self, status: int, told: Any, headers: dict[str, str] | None = None) -> None:
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        if status == 204:
            data = b""
        self.send_response(status)
        kind = "application/xml" if isinstance(told, bytes) else "application/json"
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _route(
        self, method: str, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        if path.startswith("/_"):
            return self._operator(method, path, body)
        if path.startswith("/cim/"):
            return self._cim(method, path, body)
        if path == "/webhooks" and method == "POST":
            return self._hook(body)
        if path == "/rest/oauthTokenService/v2/token":
            return self._token()
        if not self._signed_in():
            return 401, {"title": "Unauthorized"}, {}
        return self._core(method, path, query, body)

    def _operator(self, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        mwm, now = self.server.mwm, utc_text(datetime.now(UTC))
        if (method, path) == ("GET", "/_state"):
            return 200, mwm.look(), {}
        told = json.loads(body)
        if (method, path) == ("POST", "/_orders"):
            return 200, {"ids": [mwm.plan(order, now) for order in told]}, {}
        if (method, path) == ("POST", "/_cancel"):
            mwm.cancel(str(told["number"]), now)
            return 200, {}, {}
        return 404, {}, {}

    # --- CIM ------------------------------------------------------------------------------------

    def _cim(self, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        mwm = self.server.mwm
        if (method, path) == ("GET", "/cim/requests"):
            request = mwm.next_request()
            return (200, request, {}) if request is not None else (204, b"", {})
        if (method, path) == ("POST", "/cim/replies"):
            found = _CORRELATION.search(body)
            mwm.take_reply(found[1].decode() if found else None, body)
            return 200, b"", {}
        if (method, path) == ("POST", "/cim/events"):
            found = _MESSAGE_ID.search(body)
            key = found[1].decode() if found else ""
            with mwm.lock:
                wrong = [] if key in mwm.messages else take_config(mwm, body)
                if not wrong:
                    mwm.take_message(key, body)
            return 200, _failed(key, wrong) if wrong else _ok(key), {}
        if (method, path) == ("POST", "/cim/queries"):
            found = _ASKED.search(body)
            return 200, _ok("query", mwm.device(found[1].decode()) if found else None), {}
        return 404, b"", {}

    def _hook(self, body: bytes) -> tuple[int, Any, dict[str, str]]:
        identity, stamp = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        given, key = self.headers.get("webhook-signature", ""), self.server.hook_key
        good = key is not None and holds(key, identity, stamp, body, given, time.time())
        if not good:
            return 401, {}, {}
        mwm, told = self.server.mwm, json.loads(body)
        with mwm.lock:
            known = any(hook["id"] == identity for hook in mwm.hooks)
            wrong = [] if known else take_hook(mwm, told)
            if not wrong:
                mwm.hooks.append({"id": identity, "body": told})
        return (422, {"wrong": wrong}, {}) if wrong else (204, b"", {})

    # --- REST -----------------------------------------------------------------------------------

    def _basic(self) -> bool:
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        wanted = base64.b64encode(f"{self.server.client}:{self.server.secret}".encode()).decode()
        return kind == "Basic" and hmac.compare_digest(text, wanted)

    def _signed_in(self) -> bool:
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        return self._basic() or (kind == "Bearer" and text in self.server.tokens)

    def _token(self) -> tuple[int, Any, dict[str, str]]:
        if not self._basic():
            return 401, {"error": "invalid_client"}, {}
        token = secrets.token_urlsafe(24)
        self.server.tokens.add(token)
        return 200, {"access_token": token, "token_type": "bearer", "expires_in": 3600}, {}

    def _core(
        self, method: str, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        mwm = self.server.mwm
        if path == f"{CORE}/events/subscriptions" and method == "POST":
            identity = secrets.token_hex(8)
            mwm.subscriptions.add(identity)
            return 200, {"subscriptionId": identity, "nextPage": str(len(mwm.events))}, {}
        if path == f"{CORE}/events" and method == "GET":
            return self._events(query)
        if path == f"{CORE}/activities" and method == "GET":
            return self._activities(query)
        resource = _RESOURCE.match(path)
        if resource is not None:
            return 200, _page(mwm.trucks.get(unquote(resource[1]), []), query), {}
        inventory = _INVENTORY.match(path)
        if inventory is not None and method == "POST":
            done = mwm.move(int(inventory[1]), inventory[2], int(json.loads(body).get("activityId", 0)))
            return (200, {}, {}) if done else (404, {}, {})
        activity = _ACTIVITY.match(path)
        if activity is None or int(activity[1]) not in mwm.activities:
            return 404, {"title": "Not Found"}, {}
        return self._activity(method, int(activity[1]), activity[2] or "", query, body)

    def _activities(self, query: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        """As the real one: no more than 31 days at once, and of each activity what `fields` asks for."""
        try:
            first, last = date.fromisoformat(query["dateFrom"]), date.fromisoformat(query["dateTo"])
        except (KeyError, ValueError):
            return 400, {"title": "dateFrom and dateTo are asked for"}, {}
        if last - first > LONGEST or last < first or not query.get("resources"):
            return 400, {"title": "the range is no more than 31 days, of named resources"}, {}
        fields = query.get("fields", "activityId,resourceId,date,status").split(",")
        mwm = self.server.mwm
        with mwm.lock:
            items = [
                {name: one[name] for name in fields if name in one}
                for one in mwm.activities.values()
                if _within(one.get("date"), first, last, query.get("includeNonScheduled") == "true")
            ]
        return 200, _page(items, query), {}

    def _events(self, query: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        mwm = self.server.mwm
        if query.get("subscriptionId", "") not in mwm.subscriptions:
            return 404, {"title": "the subscription has run out"}, {}
        at, limit = int(query.get("page") or 0), 50
        with mwm.lock:
            items = mwm.events[at : at + limit]
            if len(items) > 1 and mwm.faults.strikes("reorder"):
                items = items[::-1]
        return 200, {"found": True, "nextPage": str(at + len(items)), "items": items}, {}

    def _activity(
        self, method: str, identity: int, rest: str, query: dict[str, str], body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        mwm = self.server.mwm
        activity = mwm.activities[identity]
        tag = {"ETag": f'"{activity["version"]}"'}
        if rest == "" and method == "GET":
            return 200, activity, tag
        if rest == "" and method == "PATCH":
            with mwm.lock:
                activity.update(json.loads(body))
                activity["version"] += 1
            return 200, activity, tag
        if rest in _OWN:
            where = mwm.installed if rest == "installedInventories" else mwm.customer
            if method == "GET":
                return 200, _page(where.get(identity, []), query), {}
            if method == "POST" and rest == "customerInventories":
                return 201, mwm.add(where, identity, json.loads(body)), {}
        if rest.startswith("custom-actions/") and method == "POST":
            given = self.headers.get("If-Match")
            if given is not None and given != tag["ETag"]:
                return 412, {}, {}
            done = mwm.act(identity, rest.rpartition("/")[2])
            return (200, activity, {}) if done else (409, {"title": "not in this status"}, {})
        if method == "PUT" and "/" not in rest:
            return self._file(f"{identity}/{unquote(rest)}", body)
        return 404, {}, {}

    def _file(self, name: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        """As the real one: a file property has a size and kinds of files, and the file a name."""
        kind = self.headers.get("Content-Type", "")
        if len(body) > MAX_FILE:
            return 413, {"title": "the file is too large"}, {}
        if kind not in FILE_TYPES:
            return 415, {"title": "files of this kind are not taken"}, {}
        if "filename=" not in self.headers.get("Content-Disposition", ""):
            return 400, {"title": "the file has no name"}, {}
        with self.server.mwm.lock:
            self.server.mwm.files[name] = {"type": kind, "data": body}
        return 204, b"", {}


def _within(day: str | None, first: date, last: date, unplanned: bool) -> bool:
    return first <= date.fromisoformat(day) <= last if day else unplanned


def _page(items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    offset, limit = int(query.get("offset") or 0), min(int(query.get("limit") or 10), 100)
    part = items[offset : offset + limit]
    return {"items": part, "offset": offset, "limit": limit, "hasMore": offset + len(part) < len(items)}


def _ok(key: str, device: dict[str, Any] | None = None) -> bytes:
    payload = ""
    if device is not None:
        payload = (
            f'<msg:Payload><c:EndDeviceConfig xmlns:c="{CONFIG}"><c:EndDevice><c:mRID>{device["inventoryId"]}'
            f"</c:mRID><c:serialNumber>{escape(device['serialNumber'])}</c:serialNumber><c:status><c:value>"
            f"{device['status']}</c:value></c:status></c:EndDevice></c:EndDeviceConfig></msg:Payload>"
        )
    return (
        f'<msg:ResponseMessage xmlns:msg="{MESSAGE}"><msg:Header><msg:Verb>reply</msg:Verb><msg:Noun>Reply'
        f"</msg:Noun><msg:CorrelationID>{key}</msg:CorrelationID></msg:Header><msg:Reply><msg:Result>OK"
        f"</msg:Result></msg:Reply>{payload}</msg:ResponseMessage>"
    ).encode()


def _failed(key: str, wrong: list[str]) -> bytes:
    errors = "".join(
        f"<msg:Error><msg:code>wrong</msg:code><msg:reason>{escape(one)}</msg:reason></msg:Error>"
        for one in wrong
    )
    return _ok(key).replace(
        b"<msg:Result>OK</msg:Result>", f"<msg:Result>FAILED</msg:Result>{errors}".encode()
    )
