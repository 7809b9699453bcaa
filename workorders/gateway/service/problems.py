"""Every error answer is a problem (RFC 9457) with a stable code; nothing of the inside shows."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap, Send

from workorders.gateway.errors import OfficeError, TooMany
from workorders.gateway.published import FilesRefused
from workorders.store.errors import StoreError
from workorders.sync.wire import FileProblem, Problem

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
BUSY_SECONDS = 30
_PHRASES = {460: "Checksum Mismatch"}
"""Of statuses that are tus's and not HTTP's own."""


def problem(
    status: int,
    code: str,
    title: str,
    detail: str = "",
    headers: dict[str, str] | None = None,
    problems: list[FileProblem] | None = None,
) -> Response[bytes]:
    """An error answer."""
    body = Problem(
        type=f"urn:fieldtool:{code}",
        title=title,
        status=status,
        code=code,
        detail=detail,
        problems=problems or [],
    )
    return Response(
        content=msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers or {}
    )


async def refuse(
    send: Send,
    status: int,
    code: str,
    detail: str,
    *,
    title: str = "The body cannot be taken",
    headers: dict[str, str] | None = None,
) -> None:
    """An error answer before there is a request, after which the connection ends: its body stays unread."""
    answer = problem(status, code, title, detail)
    body = answer.content
    told = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "connection": "close",
        **(headers or {}),
    }
    lines = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _office(_: Request[Any, Any, Any], error: OfficeError) -> Response[bytes]:
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    problems = error.problems if isinstance(error, FilesRefused) else []
    return problem(error.status, error.code, error.title, str(error), headers, problems)


def _http(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    code = HTTPStatus(error.status_code).name.lower()
    if isinstance(error, ValidationException):
        code = "invalid"
    detail = error.detail if error.status_code < 500 else ""
    if isinstance(error.extra, list) and error.extra:
        detail = "; ".join(_place(item) for item in error.extra)
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return problem(error.status_code, code, HTTPStatus(error.status_code).phrase, detail, headers)


def _place(item: Any) -> str:
    if isinstance(item, dict):
        return f"{item.get('key', 'body')}: {item.get('message', '')}"
    return str(item)


def _store(_: Request[Any, Any, Any], error: StoreError) -> Response[bytes]:
    _log.error("the store failed: %s", error)
    headers = {"Retry-After": str(BUSY_SECONDS)}
    return problem(503, f"store_{error.code}", "The office cannot store anything now", "", headers)


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "failed", "The gateway failed", "it is in its log")


HANDLERS: ExceptionHandlersMap = {
    OfficeError: _office,
    HTTPException: _http,
    StoreError: _store,
    Exception: _unexpected,
}


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """The problem answers of a route, documented; those that any request may get are always among them."""
    wanted = sorted({400, 408, 413, 415, 429, 500, 503, *statuses})
    return {
        status: ResponseSpec(
            data_container=Problem,
            description=_PHRASES.get(status) or HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
            generate_examples=False,
        )
        for status in wanted
    }
