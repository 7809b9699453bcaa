"""The supervisor's way to the office: the gateway's API, typed, with the last answer kept for when there is
no signal.

What is read is remembered by its question; without contact the last answer is given with its time. What is
decided is posted at once or not at all: a decision is an entry on the office's chain, and nothing here may
pretend that it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import requests

from fieldtool.errors import JobError
from workorders.clock import utc_text
from workorders.gateway.board import ProjectInfo
from workorders.gateway.errors import NotAllowed
from workorders.gateway.kept import KeptEntries, KeptWork, PardonReport
from workorders.gateway.stock import MoveDone, StockMove, StockPage
from workorders.network.browse import Branch
from workorders.network.orphans import OrphanPage
from workorders.rollout.board import Board
from workorders.store.engine import Store
from workorders.store.keys import REMEMBERED
from workorders.store.queries import ExceptionRow, OrderDetail, OrderRow
from workorders.store.settings import set_setting, setting
from workorders.sync.http import check_url

SECONDS = (5.0, 30.0)
MAX_ANSWER_BYTES = 16 * 1024 * 1024
PAGE = 100
REMEMBERED_ANSWERS = 200
"""The newest are kept: each filter, page and order is a question of its own."""
_INDEX = REMEMBERED + "#"

T = TypeVar("T")


class Answer(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What the office said and when (UTC text); `fresh` False: said before, now there is no contact."""

    value: T
    at: str
    fresh: bool


class OrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders and how many there are in all."""

    total: int
    orders: list[OrderRow]


class ExceptionPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the queue, the worst first."""

    exceptions: list[ExceptionRow]


class _SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    token: str


class _Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A problem as the gateway words it (RFC 9457)."""

    code: str = "office_refused"
    detail: str = ""


class Memory(Protocol):
    """Keeps the last answers, encrypted like everything else of this machine."""

    def recall(self, question: str) -> tuple[str, str] | None:
        """Time and body of the last answer to a question."""
        ...

    def keep(self, question: str, at: str, body: str) -> None:
        """Remember an answer."""
        ...


class StoreMemory:
    """`Memory` in the settings of the tablet's encrypted store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def recall(self, question: str) -> tuple[str, str] | None:
        """See `Memory`."""
        with self._store.read() as connection:
            kept = setting(connection, REMEMBERED + question)
        if not isinstance(kept, dict):
            return None
        return str(kept["at"]), str(kept["body"])

    def keep(self, question: str, at: str, body: str) -> None:
        """See `Memory`."""
        with self._store.write() as connection:
            set_setting(connection, REMEMBERED + question, {"at": at, "body": body})
            kept = setting(connection, _INDEX)
            asked = [one for one in kept if one != question] if isinstance(kept, list) else []
            asked.append(question)
            for old in asked[:-REMEMBERED_ANSWERS]:
                set_setting(connection, f"{REMEMBERED}{old}", None)
            set_setting(connection, _INDEX, asked[-REMEMBERED_ANSWERS:])


class OfficeClient:
    """One supervisor's session with one gateway. Methods block: call them in a worker."""

    def __init__(
        self, url: str, memory: Memory, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._url = check_url(url)
        self._memory = memory
        self._now = now
        self._session = requests.Session()
        self._session.trust_env = False

    def sign_in(self, user: str, pin: str) -> None:
        """Open a session; the PIN is not kept.

        Raises:
            JobError: `office_unreachable`, or the gateway's refusal.
        """
        answer = self._send("POST", "/v1/sessions", json={"user": user, "pin": pin})
        token = self._decode(answer, _SignedIn).token
        self._session.headers["Authorization"] = f"Bearer {token}"

    def sign_out(self) -> None:
        """Forget the session; the token ends with it."""
        self._session.headers.pop("Authorization", None)

    # --- what is read ---------------------------------------------------------------------------

    def projects(self) -> Answer[list[ProjectInfo]]:
        """The projects that this person sees."""
        return self._ask("/v1/projects", {}, list[ProjectInfo])

    def board(self, project: str, days: int) -> Answer[Board]:
        """The board's figures."""
        return self._ask("/v1/board", {"project": project, "days": str(days)}, Board)

    def sla(self, project: str, group_by: str, filters: Mapping[str, str]) -> Answer[Board]:
        """The board with its table of orders on time and late (`workorders.rollout.sla`): by what, which."""
        question = {"project": project, "days": "1", "group_by": group_by, **filters}
        return self._ask("/v1/board", question, Board)

    def exceptions(self, project: str) -> Answer[ExceptionPage]:
        """What is open, the worst first."""
        return self._ask("/v1/exceptions", {"project": project, "limit": str(PAGE)}, ExceptionPage)

    def listed(
        self, project: str, name: str, offset: int = 0, filters: Mapping[str, str] | None = None
    ) -> Answer[OrderPage]:
        """The orders behind a figure of the board (`workorders.gateway.listing`), filtered as in `sla`."""
        question = {"project": project, "limit": str(PAGE), "offset": str(offset), **(filters or {})}
        return self._ask(f"/v1/lists/{name}", question, OrderPage)

    def network(self, project: str, node: str | None, limit: int) -> Answer[Branch]:
        """One level of a project's network."""
        query = {"project": project, "limit": str(limit)} | ({"node": node} if node else {})
        return self._ask("/v1/network", query, Branch)

    def orphans(self, project: str, which: str, crew: str, under: str, offset: int = 0) -> Answer[OrphanPage]:
        """A page of devices that record and network do not agree about; empty crew or node: all."""
        query = {"project": project, "limit": str(PAGE), "offset": str(offset)}
        query |= {name: value for name, value in (("crew", crew), ("under", under)) if value}
        return self._ask(f"/v1/orphans/{which}", query, OrphanPage)

    def stock(
        self, project: str, where: Mapping[str, str], serial: str, offset: int = 0
    ) -> Answer[StockPage]:
        """A page of the stock; `where`: `crew`, or `store`, or nothing. What is searched for is not
        remembered: every search is another question."""
        query = {"project": project, "limit": str(PAGE), "offset": str(offset), **where}
        query |= {"serial": serial} if serial else {}
        return self._ask("/v1/stock", query, StockPage, remember=not serial)

    def kept(self) -> Answer[list[KeptEntries]]:
        """Revoked tablets whose entries wait."""
        return self._ask("/v1/tablets/kept", {}, list[KeptEntries])

    def kept_of(self, tablet: str) -> Answer[KeptWork]:
        """Which orders the kept entries of a tablet are about."""
        return self._ask(f"/v1/tablets/{tablet}/kept", {}, KeptWork)

    def order(self, order_id: str) -> Answer[OrderDetail]:
        """One order with all evidence."""
        return self._ask(f"/v1/orders/{order_id}", {}, OrderDetail)

    def blob(self, order_id: str, sha256: str) -> bytes:
        """A photo or document; never kept here."""
        return self._send("GET", f"/v1/orders/{order_id}/blobs/{sha256}")

    # --- what is decided ------------------------------------------------------------------------

    def decide(self, exception_id: str, decision: str, reason: str) -> None:
        """`accepted`, `rejected` or `rework`, with a reason."""
        body = {"decision": decision, "reason": reason}
        self._send("POST", f"/v1/exceptions/{exception_id}/decision", json=body)

    def approve(self, order_id: str, remark: str | None = None) -> None:
        """Accept the record of an executed order."""
        self._send("POST", f"/v1/orders/{order_id}/approve", json={"remark": remark})

    def send_back(self, order_id: str, reason: str) -> None:
        """Send an executed order back for rework."""
        self._send("POST", f"/v1/orders/{order_id}/return", json={"reason": reason})

    def move_stock(self, project: str, move: StockMove) -> MoveDone:
        """Move devices: all or none; asked again with the same key, once."""
        body = msgspec.to_builtins(move) | {"project": project}
        return self._decode(self._send("POST", "/v1/stock/moves", json=body), MoveDone)

    def accept_kept(self, tablet: str, reason: str) -> PardonReport:
        """Take in what a revoked tablet handed over."""
        answer = self._send("POST", f"/v1/tablets/{tablet}/accept", json={"reason": reason})
        return self._decode(answer, PardonReport)

    # --- the wire -------------------------------------------------------------------------------

    def _ask(self, path: str, query: dict[str, str], kind: type[T], *, remember: bool = True) -> Answer[T]:
        question = path + "?" + "&".join(f"{name}={query[name]}" for name in sorted(query))
        try:
            body = self._send("GET", path, params=query)
        except JobError as error:
            kept = self._memory.recall(question) if error.code == "office_unreachable" else None
            if kept is None:
                raise
            at, text = kept
            return Answer(value=self._decode(text.encode(), kind), at=at, fresh=False)
        value = self._decode(body, kind)
        at = utc_text(self._now())
        if remember:
            self._memory.keep(question, at, body.decode())
        return Answer(value=value, at=at, fresh=True)

    def _send(self, method: str, path: str, **options: Any) -> bytes:
        try:
            answer = self._session.request(
                method, self._url + path, timeout=SECONDS, stream=True, allow_redirects=False, **options
            )
            with answer:
                body = _read(answer)
        except requests.RequestException as error:
            raise JobError(
                "office_unreachable", f"no contact with the office: {type(error).__name__}"
            ) from None
        if answer.status_code >= 500:
            raise JobError("office_unreachable", f"the office answered {answer.status_code}")
        if answer.status_code >= 300:
            raise self._refusal(answer.status_code, body)
        return body

    def _refusal(self, status: int, body: bytes) -> JobError:
        try:
            refusal = msgspec.json.decode(body, type=_Refusal)
        except msgspec.DecodeError:
            refusal = _Refusal()
        if status == 401:
            self.sign_out()
            return JobError("office_not_signed_in", refusal.detail or "sign in again")
        if refusal.code == NotAllowed.code:
            return JobError("office_not_allowed", refusal.detail)
        return JobError("office_refused", f"{refusal.code}: {refusal.detail}", reason=refusal.detail)

    @staticmethod
    def _decode(body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise JobError("office_garbled", f"the office's answer is not understood: {error}") from None


def _read(answer: requests.Response) -> bytes:
    body = bytearray()
    for chunk in answer.iter_content(64 * 1024):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise requests.exceptions.ContentDecodingError("answer too large")
    return bytes(body)
