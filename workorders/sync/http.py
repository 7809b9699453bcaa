"""The transport over HTTP: every way an answer can go wrong becomes one typed error.

Plain HTTP goes to this machine only. Answers are read up to a limit and checked against the wire types;
nothing the other side sends can do more than end the round.
"""

from __future__ import annotations

import base64
import email.utils
import gzip
import hashlib
import ipaddress
import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import quote, urlsplit

import msgspec
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from urllib3.exceptions import HTTPError

from workorders.clock import utc_text
from workorders.sync import compact, wire
from workorders.sync.errors import (
    BadAnswer,
    CursorGone,
    GatewayFailed,
    InsecureUrl,
    NotAccepted,
    Refused,
    SyncCancelled,
    SyncError,
    Unreachable,
    UntrustedCertificate,
)
from workorders.sync.lines import Lines
from workorders.sync.signing import sign_request

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
MAX_ANSWER_BYTES = 64 * 1024 * 1024
_CHUNK = 64 * 1024
_COMPRESS_FROM = 512
_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
_MOST_CAUSES = 200

Answer = TypeVar("Answer")


def check_url(url: str) -> str:
    """Return the base URL without a trailing slash.

    Raises:
        InsecureUrl: neither https nor http to a loopback address.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise InsecureUrl(f"{url!r} is not the address of a gateway (https://…)")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InsecureUrl(f"{url!r} would send everything in clear: use https://")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class HttpTransport:
    """One tablet's way to its gateway. Not thread-safe; `cancel` may come from any thread.

    Attributes:
        root: the gateway's root certificate (DER); with it entries go in their short form.
        offset: gateway clock minus ours, set from `meta`; signed requests carry the gateway's time.
        sent, received: bytes so far, headers and compressed bodies as they go over the line; what TLS and TCP
            add is not in them. `kinds`: both, by what they are for (`records`, `lists`, `files`, `firmware`).
    """

    def __init__(
        self,
        url: str,
        *,
        tablet: str | None = None,
        key: Ed25519PrivateKey | None = None,
        root: bytes | None = None,
        trust: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.url = check_url(url)
        self.offset = timedelta(0)
        self.sent = 0
        self.received = 0
        self.kinds: Counter[str] = Counter()
        self._tablet = tablet
        self._key = key
        self._root = root
        self._short = False
        self._clock = clock
        self._cancelled = threading.Event()
        self._session = requests.Session()
        self._lines = Lines()
        self._session.mount("http://", self._lines)
        self._session.mount("https://", self._lines)
        # Proxies and .netrc of the machine's user must not see or change what a tablet says.
        self._session.trust_env = not _is_loopback(urlsplit(self.url).hostname or "")
        self._session.auth = _no_auth
        if trust is not None:
            self._session.verify = trust

    def cancel(self) -> None:
        """End the present wait at once, and refuse further requests."""
        self._cancelled.set()
        self._lines.cut()

    def close(self) -> None:
        """Give back the connection."""
        self._session.close()

    # --- the protocol ------------------------------------------------------------------------

    def meta(self) -> wire.Meta:
        """Ask who is there and what time it is; sets `offset`."""
        before = self._clock()
        meta = self._ask("GET", "/v1/meta", wire.Meta)
        after = self._clock()
        try:
            theirs = datetime.fromisoformat(meta.time)
            self.offset = theirs - (before + (after - before) / 2)
        except (ValueError, TypeError):
            raise BadAnswer("the gateway's time is no time") from None
        self._short = compact.FORM in meta.forms
        return meta

    def push(self, request: wire.PushRequest) -> wire.PushResponse:
        """Push entries of one chain, in their short form where the gateway reads it."""
        packed = compact.pack(request, self._root) if self._root is not None and self._short else None
        if packed is None:
            return self._ask("POST", "/v1/sync/push", wire.PushResponse, msgspec.json.encode(request))
        try:
            answer = self._ask("POST", "/v1/sync/push", wire.PushRuns, packed, compact.MEDIA)
        except Refused as error:
            if error.code != wire.UNREADABLE_BODY:
                raise
            self._short = False  # it offered to read this form and does not: nobody's work waits for that
            return self.push(request)
        return compact.told(request, answer)

    def pull(self, cursor: str | None) -> wire.PullPage:
        """Pull one page."""
        query = f"?cursor={quote(cursor, safe='')}" if cursor else ""
        return self._ask("GET", f"/v1/sync/pull{query}", wire.PullPage)

    def finish(self, request: wire.FinishRequest) -> wire.FinishAnswer:
        """Compare heads, counts and digest."""
        return self._ask("POST", "/v1/sync/finish", wire.FinishAnswer, msgspec.json.encode(request))

    def keys(self, have: str | None) -> wire.KeysAnswer:
        """Fetch the key ring unless it is the one we have."""
        return self._ask("GET", "/v1/keys" + (f"?have={have}" if have else ""), wire.KeysAnswer)

    def references(self) -> wire.ReferenceList:
        """List the reference sets of this tablet."""
        return self._ask("GET", "/v1/reference", wire.ReferenceList)

    def reference(self, sha256: str) -> bytes:
        """Fetch one reference set's bytes."""
        return self._send("GET", f"/v1/reference/{sha256}", b"")

    def has_blob(self, sha256: str) -> bool:
        """Whether the gateway holds a blob."""
        try:
            self._send("HEAD", f"/v1/blobs/{sha256}", b"")
        except Refused as error:
            if error.code in {"no_such_blob", "not_found"}:
                return False
            raise
        return True

    def put_blob(self, sha256: str, data: bytes) -> None:
        """Upload a sealed blob whole."""
        self._send("PUT", f"/v1/blobs/{sha256}", data, content_type="application/octet-stream")

    def start_upload(self, sha256: str, size: int, first: bytes = b"") -> wire.Upload:
        """Begin to send a sealed file piece by piece (tus); `first` may be the whole of it.

        Raises:
            Refused: `not_found` of a gateway that does not know how: send the file whole.
        """
        told = base64.b64encode(sha256.encode()).decode()
        headers = {"Upload-Length": str(size), "Upload-Metadata": f"sha256 {told}"}
        answer = self._piece("POST", "/v1/uploads", first, headers)
        found = re.search(r"/v1/uploads/([0-9a-f]{1,64})$", answer.get("Location", ""))
        if found is None:
            raise BadAnswer("an upload without a place")
        return _upload(found[1], answer, least=len(first))

    def upload_offset(self, upload_id: str) -> wire.Upload:
        """How much of an upload the gateway holds. Raises `Refused` where it no longer knows it."""
        return _upload(upload_id, self._piece("HEAD", f"/v1/uploads/{upload_id}", b"", {}))

    def send_piece(self, upload_id: str, offset: int, data: bytes) -> wire.Upload:
        """Send the piece of an upload that begins at `offset`."""
        answer = self._piece("PATCH", f"/v1/uploads/{upload_id}", data, {"Upload-Offset": str(offset)})
        return _upload(upload_id, answer, least=offset + len(data))

    def _piece(self, method: str, target: str, data: bytes, headers: dict[str, str]) -> Mapping[str, str]:
        headers = {"Tus-Resumable": wire.TUS_VERSION, **headers}
        if data:
            digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
            headers["Upload-Checksum"] = f"sha256 {digest}"
        return self._exchange(method, target, data, content_type=wire.TUS_CONTENT, more=headers)[1]

    def firmware(self, sha256: str, start: int, length: int) -> wire.Range:
        """Fetch a part of a firmware image; of a gateway that gives no parts, the whole of it."""
        more = {
            "Range": f"bytes={start}-{start + length - 1}",
            "If-Range": f'"{sha256}"',
            "Accept-Encoding": "identity",
        }
        data, headers = self._exchange("GET", f"/v1/firmware/{sha256}", b"", more=more)
        told = headers.get("Content-Range")
        if told is None:
            return wire.Range(start=0, total=len(data), data=data)
        found = _CONTENT_RANGE.fullmatch(told)
        if found is None or int(found[2]) - int(found[1]) + 1 != len(data):
            raise BadAnswer(f"a part {told[:60]!r} of {len(data)} bytes")
        return wire.Range(start=int(found[1]), total=int(found[3]), data=data)

    def standing(self) -> wire.Standing:
        """Ask how the office stands to this tablet; answered to a revoked one too."""
        return self._ask("GET", "/v1/standing", wire.Standing)

    def wiped(self, said: wire.Wiped) -> None:
        """Say that what was here is sealed and will now be destroyed."""
        self._send("POST", "/v1/standing/wiped", msgspec.json.encode(said))

    def enrol(self, request: wire.EnrolRequest) -> wire.EnrolAnswer:
        """Ask to be enrolled."""
        return self._ask("POST", "/v1/enrol", wire.EnrolAnswer, msgspec.json.encode(request))

    def deposit(self, request: wire.RecoveryDeposit) -> None:
        """Leave the sealed database key with the gateway."""
        self._send("PUT", "/v1/recovery/key", msgspec.json.encode(request))

    def recover(self, request: wire.RecoveryRequest) -> wire.RecoveryAnswer:
        """Get the database key back with a recovery code."""
        return self._ask("POST", "/v1/recovery", wire.RecoveryAnswer, msgspec.json.encode(request))

    # --- beneath ------------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        target: str,
        answer: type[Answer],
        body: bytes = b"",
        content_type: str = "application/json",
    ) -> Answer:
        data = self._send(method, target, body, content_type=content_type)
        try:
            return msgspec.json.decode(data, type=answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadAnswer(
                f"the answer to {method} {target.split('?')[0]} is not as agreed: {error}"
            ) from None

    def _send(
        self, method: str, target: str, body: bytes, *, content_type: str = "application/json"
    ) -> bytes:
        return self._exchange(method, target, body, content_type=content_type)[0]

    def _exchange(
        self,
        method: str,
        target: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[bytes, Mapping[str, str]]:
        if self._cancelled.is_set():
            raise SyncCancelled("stopped")
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", **more}
        if body:
            headers["Content-Type"] = content_type
        if len(body) >= _COMPRESS_FROM and content_type == "application/json":
            body = gzip.compress(body, compresslevel=6, mtime=0)
            headers["Content-Encoding"] = "gzip"
        if self._tablet is not None and self._key is not None:
            time = utc_text(self._clock() + self.offset)
            headers |= sign_request(self._tablet, self._key, method, target, time, body)
        before = self.sent + self.received
        # Counted before they go: what a cut swallowed was paid for as well.
        self.sent += len(body)
        try:
            with self._session.request(
                method,
                self.url + target,
                data=body or None,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                try:
                    data = self._read(response)
                finally:
                    self.sent += _head_size(response.request.headers) + len(method) + len(target)
                    self.received += _head_size(response.headers) + response.raw.tell()
                if response.is_redirect or response.status_code >= 400:
                    raise _problem(response, data)
                return data, response.headers
        except SyncError:
            raise
        except (requests.RequestException, HTTPError, OSError) as error:
            if self._cancelled.is_set():
                raise SyncCancelled("stopped") from None
            why = _distrust(error)
            if why is not None:
                raise UntrustedCertificate(f"the certificate of {self.url}: {why}") from None
            raise Unreachable(f"no whole answer from {self.url}: {type(error).__name__}") from None
        finally:
            self.kinds[_kind(target)] += self.sent + self.received - before

    def _read(self, response: requests.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_content(_CHUNK):
            if self._cancelled.is_set():
                raise SyncCancelled("stopped")
            size += len(part)
            if size > MAX_ANSWER_BYTES:
                raise BadAnswer(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
            parts.append(part)
        return b"".join(parts)


def _kind(target: str) -> str:
    """What a request is for, as the data use of a month tells it."""
    if target.startswith(("/v1/uploads", "/v1/blobs/")):
        return "files"
    if target.startswith("/v1/firmware/"):
        return "firmware"
    return "lists" if target.startswith("/v1/reference") else "records"


def _upload(upload_id: str, headers: Mapping[str, str], *, least: int = 0) -> wire.Upload:
    """What an answer says of an upload; one that takes less than it was sent is not believed."""
    told = headers.get("Upload-Offset", "")
    if not told.isascii() or not told.isdigit() or int(told[:18]) < least:
        raise BadAnswer(f"an upload at {told[:20]!r}")
    return wire.Upload(id=upload_id, offset=int(told[:18]), expires=headers.get("Upload-Expires"))


def _head_size(headers: Mapping[str, str]) -> int:
    """Bytes of the header lines, the line before and the empty one after them."""
    return sum(len(name) + len(value) + 4 for name, value in headers.items()) + len("HTTP/1.1 200 OK\r\n\r\n")


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _problem(response: requests.Response, data: bytes) -> SyncError:
    """The typed error behind an answer that is none."""
    status = response.status_code
    try:
        problem = msgspec.json.decode(data, type=wire.Problem)
        code, message = (
            problem.code,
            f"{problem.title}: {problem.detail}" if problem.detail else problem.title,
        )
    except (msgspec.DecodeError, UnicodeDecodeError):
        code, message = "", f"the gateway answered {status} {response.reason or ''}".strip()
        if status == 404:
            code = "not_found"
    wait = _retry_after(response.headers.get("Retry-After"))
    if status >= 500 or status == 429:
        return GatewayFailed(message, retry_after=wait)
    if status in {401, 403}:
        return NotAccepted(message, code=code or None, retry_after=wait)
    if status == 410:
        return CursorGone(message)
    if 300 <= status < 400:
        return BadAnswer(
            f"the gateway sends us elsewhere ({status}): a captive portal, or the address has moved"
        )
    return Refused(message, code=code or None, retry_after=wait)


def _distrust(error: BaseException) -> str | None:
    """What is wrong with the other side's certificate, which the libraries wrap several times."""
    found: list[object] = [error]
    for one in found:  # grows while it is read
        if isinstance(one, ssl.SSLCertVerificationError):
            return one.verify_message or "not trusted"
        if isinstance(one, BaseException) and len(found) < _MOST_CAUSES:
            found += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]
    return None


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header: a number or an HTTP date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at.astimezone(UTC) - datetime.now(UTC)).total_seconds())
